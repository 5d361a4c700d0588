"""The demo network, mapped by our mapper, on the Verilog chip: every packet and every step's end to the cycle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosim import store
from neurosim.api import import_network, map_network
from neurosim.artefacts.program import Program
from neurosim.chip.loader import edit_chip, load_chip, load_chip_text
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.rtl.chip_log import expected_counts, expected_events, first_difference
from rtl_models.chip import run_chip
from tests.rtl.needs import needs
from tests.rtl.tree_cases import grown, multicast

# every packet between cores crosses a serial link, as the network takes all four cores
ONE_CORE_CHIPS = edit_chip(load_chip("tiny_2x2"), {"mesh.width": 1, "mesh.height": 1})
DIGITS = Path(__file__).parents[2] / "workloads" / "digits"


@pytest.fixture(scope="module")
def programs(tmp_path_factory):
    """Mapped programs by chip, made once."""
    network = import_network(DIGITS / "dense.nir", profile="spikingjelly-2.0")
    made: dict[str, Program] = {}

    def program(chip: str) -> Program:
        if chip not in made:
            out = tmp_path_factory.mktemp("demo") / "mapped"
            map_network(network, ONE_CORE_CHIPS if chip == "one core a chip" else chip, out=out, input=DIGITS / "dense_test.npz")
            made[chip] = store.load(out / "program.npz", Program)
        return made[chip]

    return program


def samples(n: int, steps: int = 20) -> Workload:
    """The first test samples, cut after ``steps``."""
    data = np.load(DIGITS / "dense_test.npz")
    x = data["x"].reshape(len(data["x"]), data["x"].shape[1], -1)[:n, :steps]
    return Workload(x.astype(np.uint8), data["y"][: len(x)].astype(np.int64), "test")


def check_equal(program: Program, workload: Workload, simulator: str) -> int:
    """Compare with an engine, down to the counters; returns the number of packets.

    On Icarus it is the reference engine; the compiled one takes the large runs on Verilator.
    """
    needs(simulator if simulator == "verilator" else "iverilog")
    chip = load_chip_text(program.chip_yaml, "program")
    got = run_chip(program, workload, simulator)
    engine = CompiledEngine() if simulator == "verilator" else ReferenceEngine()
    result = engine.run(program, workload, RunOptions(log_packets=True))
    expected = expected_events(result, program, chip)
    assert first_difference(expected, got) is None, str(first_difference(expected, got))
    totals = {name: sum(sample.counts[name] for sample in got) for name in got[0].counts}
    assert totals == expected_counts(result)
    assert result.packets is not None
    return len(result.packets.sample)


def test_demo_on_verilator(programs):
    assert check_equal(programs("tiny"), samples(40), "verilator") > 25_000


def test_demo_on_icarus(programs):
    assert check_equal(programs("tiny"), samples(1, steps=4), "icarus") > 20


@pytest.mark.slow
def test_demo_with_multicast_on_icarus(programs):
    program = grown(programs("tiny"), multicast(load_chip("tiny")))
    assert program.trees is not None
    assert check_equal(program, samples(1, steps=4), "icarus") > 20


def test_demo_over_four_chips_with_serial_links_on_icarus(programs):
    program = programs("one core a chip")
    assert len(program.cores) == 4
    assert check_equal(program, samples(2, steps=5), "icarus") > 100


@pytest.mark.slow
def test_all_samples_of_the_demo(programs):
    assert check_equal(programs("tiny"), samples(450), "verilator") > 300_000


@pytest.mark.slow
def test_demo_with_multicast_on_verilator(programs):
    program = grown(programs("tiny"), multicast(load_chip("tiny")))
    assert check_equal(program, samples(100), "verilator") > 60_000


@pytest.mark.slow
def test_all_samples_over_four_chips_of_one_core(programs):
    assert check_equal(programs("one core a chip"), samples(450), "verilator") > 300_000


@pytest.mark.slow
def test_demo_on_the_preset_of_four_chips(programs):
    assert check_equal(programs("tiny_2x2"), samples(20), "verilator") > 10_000
