"""``map --metrics``: its page belongs to the mapping and to every run of it."""

from __future__ import annotations

import json
import re
from pathlib import Path

import numpy as np
import pytest

from mapper.place import annealed
from neurosim.api.mapped import load_mapping
from neurosim.network.model import as_chw
from tests.cli.conftest import Neurosim


def test_a_mapping_with_a_page_runs_and_stays_whole(here: Path, neurosim: Neurosim) -> None:
    assert neurosim("map net.npz --chip tiny --input dense_test.npz --metrics -o with --quiet").code == 0
    assert neurosim("run with --input dense_test.npz --samples 1 --checkpoint-every 7 -o out --quiet").code == 0
    assert (here / "out/mapping/mapping.html").read_bytes() == (here / "with/mapping.html").read_bytes()
    assert neurosim("check out --quiet").code == 0
    assert neurosim("report out --quiet").code == 0
    assert neurosim("diff out out --quiet").code == 0


def test_figures_keep_their_formulas(here: Path, neurosim: Neurosim) -> None:
    assert neurosim("map net.npz --chip tiny --input dense_test.npz --metrics -o with --quiet").code == 0
    figures = json.loads((here / "with/mapping.json").read_text())["metrics"]
    assert figures["mean_hops"] == pytest.approx(figures["hops"] / figures["packets"])
    assert figures["mean_links"] < figures["mean_hops"]


def test_a_search_that_was_stopped_is_a_warning(
    here: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(annealed, "_anneal", stopped)
    said = neurosim("map net.npz --chip tiny --input dense_test.npz --effort 0.01 -o stopped --quiet")
    assert said.code == 0
    assert "warning: the search for the placement was stopped by Ctrl-C; the best so far stays" in said.err


def test_axons_that_given_cores_cost_are_a_warning(here: Path, neurosim: Neurosim) -> None:
    """Neurons of a map that are no box have axons of their own, run by run: said, not silently done."""
    line = "map conv.npz --chip tiny --effort 0.001 --quiet -o "
    assert neurosim("import conv.nir --profile spikingjelly-2.0 -o conv.npz --quiet").code == 0
    assert neurosim(line + "free").code == 0
    mapped = load_mapping(here / "free")
    home = {p.name: np.zeros(p.n, np.int64) for p in mapped.network.populations if not p.is_input}
    for cluster, core in zip(mapped.partition.clusters, mapped.placement.core, strict=True):
        for piece in cluster.slices:
            home[piece.population][piece.neurons(as_chw(mapped.network.population(piece.population).shape))] = core
    np.savez(here / "cores.npz", core=np.concatenate(list(home.values())))
    assert "given cores" not in neurosim(line + "same --cores cores.npz").err
    first = next(iter(home.values()))
    other = int(np.flatnonzero(first != first[0])[0])
    first[[0, other]] = first[[other, 0]]
    np.savez(here / "cores.npz", core=np.concatenate(list(home.values())))
    said = neurosim(line + "swapped --cores cores.npz")
    assert said.code == 0
    found = re.search(
        r"^warning: the given cores cost (\d+) axons more than one per source and core, each a packet more per "
        r"spike: scattered neurons of 'if1'$",
        said.err, re.MULTILINE,
    )  # fmt: skip
    assert found is not None, said.err
    assert int(found[1]) > 0
    detail = json.loads((here / "swapped/mapping.json").read_text())["solver"][0]["detail"]
    assert found[1] in detail
