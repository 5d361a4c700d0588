"""``map --metrics``: its page belongs to the mapping and to every run of it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapper.place import annealed
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
