"""A residual network over hundreds of cores of the wafer: mapped, checked, drawn small, run to the same spikes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from mapper.partition import LARGE_CORES
from neurosim import check, map_network, report_run, run_mapping, store
from neurosim.chip.loader import edit_chip, load_chip
from workloads.imagenet.calibrate import calibrated, random_input
from workloads.imagenet.wiring import Wiring

SIDE = 64
BYTES_PER_CORE = 250  # of the mapping's page


@pytest.mark.slow
def test_a_residual_network_on_the_wafer(tmp_path: Path) -> None:
    wiring = Wiring("residual", 1)
    wiring.add_input("input", (3, SIDE, SIDE))
    wiring.add("a", (24, SIDE, SIDE), 27)
    wiring.conv("input", "a", {"weight": [24, 3, 3], "stride": 1})
    wiring.add("b", (32, SIDE, SIDE), 216)
    wiring.conv("a", "b", {"weight": [32, 24, 3], "stride": 1})
    wiring.add("c", (24, SIDE, SIDE), 32)
    wiring.conv("b", "c", {"weight": [24, 32, 1], "stride": 1})
    wiring.same("a", "c")
    wiring.add("out", (10, SIDE // 4, SIDE // 4), 216, reads_out=True)
    wiring.conv("c", "out", {"weight": [10, 24, 3], "stride": 4})
    network = wiring.network("out")
    x = random_input(network, 2, 0.5, 1)
    np.savez_compressed(tmp_path / "x.npz", x=x)
    store.save(calibrated(network, x[0], 0.15)[0], tmp_path / "net.npz")
    chip = edit_chip(load_chip("darwinwafer"), {"core.neurons": 512})
    told: list[str] = []
    made = map_network(
        tmp_path / "net.npz", chip, tmp_path / "mapped", tmp_path / "x.npz", metrics=True, effort=0.2,
        progress=lambda done, stages, text: told.append(text),
    )  # fmt: skip
    cores = made.figures["cores"]["used"]
    assert made.figures["solver"][0]["method"] == "sweep"
    assert cores >= LARGE_CORES
    assert made.figures["deadlock"]["conclusion"] == "proven_free"
    assert any("bound" in text and "M moves/s" in text for text in told)
    page = (tmp_path / "mapped" / "mapping.html").read_text()
    assert page.count("<rect class=chip ") == 64
    assert len(page) < BYTES_PER_CORE * cores
    assert check(tmp_path / "mapped").problems == ()
    run = run_mapping(tmp_path / "mapped", tmp_path / "x.npz", out=tmp_path / "run")
    assert run.comparison["spikes_equal_functional"] is True
    assert run.data.result.verdict.status == "ok"
    assert report_run(tmp_path / "run").html.stat().st_size < 12 << 20
