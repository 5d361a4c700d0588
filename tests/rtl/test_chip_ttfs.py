"""First-spike networks, and weights of 2, 4 and 8 bits, on the Verilog chip: every packet, every step's end, to the cycle."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from neurosim import store
from neurosim.api import import_network, map_network
from neurosim.artefacts.program import Program
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import LimitError
from neurosim.network.connections import Dense
from neurosim.network.model import FloatNeuron, Network, Population, Projection, Ramp
from neurosim.network.quantise import QuantiseOptions, quantise
from neurosim.rtl.chip_log import expected_events, first_difference
from neurosim.rules import synapse
from rtl_models import toolchain
from rtl_models.chip import run_chip
from tests.helpers.chips import make_chip
from tests.helpers.programs import workload
from tests.rtl.needs import needs
from tests.rtl.test_chip_demo import check_equal

DIGITS = Path(__file__).parents[2] / "workloads" / "ttfs_digits"
ZERO, ONE = np.zeros(()), np.ones(())
CORE = {
    "weight_bits": (2, 4, 8), "neurons": 12, "max_delay_steps": 3, "axons": 40, "target_entries": 64, "synapse_words": 256,
}  # fmt: skip
CHIP = make_chip(2, 1, core=CORE)


@pytest.fixture(scope="module")
def digits(tmp_path_factory):
    """The shipped network, mapped."""
    out = tmp_path_factory.mktemp("ttfs") / "mapped"
    map_network(import_network(DIGITS / "ttfs.npz"), "tiny", out=out, input=DIGITS / "ttfs_test.npz")
    return store.load(out / "program.npz", Program)


def samples(n: int) -> Workload:
    data = np.load(DIGITS / "ttfs_test.npz")
    return Workload(data["x"][:n], data["y"][:n].astype(np.int64), "test")


def test_digits_on_verilator(digits):
    assert check_equal(digits, samples(60), "verilator") > 5_000


@pytest.mark.slow
def test_all_digits_on_verilator(digits):
    assert check_equal(digits, samples(450), "verilator") > 50_000


def ttfs(level: int, window: int, at_threshold: bool = True) -> FloatNeuron:
    steps = level * window
    return FloatNeuron(
        "ttfs", ONE, ONE, ZERO, np.asarray(4.0 * window), "once", ZERO, at_threshold, np.asarray(0.75), ONE,
        ramp=Ramp(np.asarray(4.0), np.asarray(9.0), steps, steps - 1),
    )  # fmt: skip


def case(bits: int = 8, window: int = 4, chip: Chip = CHIP) -> tuple[Program, Workload]:
    """Inputs, two layers that fire once, and one that is read."""
    rng = np.random.default_rng(3)
    out = FloatNeuron("cuba_li", ONE, ONE, ZERO, np.asarray(np.inf), "none", ZERO, False, ONE, ONE)
    populations = (
        Population("in", (9,), None), Population("a", (10,), ttfs(1, window)),
        Population("b", (7,), ttfs(2, window, at_threshold=False)), Population("out", (4,), out),
    )
    weights = [rng.integers(-2, 6, shape).astype(float) for shape in ((10, 9), (7, 10), (4, 7))]
    projections = (
        Projection("in-a", "in", "a", Dense(weights[0])), Projection("a-b", "a", "b", Dense(weights[1])),
        Projection("b-out", "b", "out", Dense(weights[2])),
    )
    network = Network("small", populations, projections, ("out",), 1e-3, "p")
    x = np.zeros((2, 4 * window, 9))
    for sample in range(2):
        x[sample, rng.integers(0, window, 9), np.arange(9)] = 1
    integer = quantise(network, chip, QuantiseOptions(weight_bits=bits))
    return compile_network(integer, chip, MapOptions(effort=0.05)).program, workload(x)


@pytest.mark.parametrize("synapses", ["dense", "sparse"])
@pytest.mark.parametrize("bits", [2, 4, 8])
def test_weights_of_any_width_the_chip_offers(bits, synapses):
    program, inputs = case(bits, chip=make_chip(2, 1, core={**CORE, "synapse_formats": (synapses,)}))
    weights = np.concatenate([b.weight.reshape(-1) for c in program.cores for b in c.blocks])
    assert (program.weight_bits, weights.max()) == (bits, 2 ** (bits - 1) - 1)
    assert {synapse.FORMAT_NAMES[b.format] for c in program.cores for b in c.blocks} == {synapses}
    assert check_equal(program, inputs, "icarus") > 40


BUGS = {
    "the threshold never falls": ("neuron_update.v", "(fallen < lowest) ? lowest : fallen", "wide_threshold"),
    "the threshold falls without end": ("neuron_update.v", "(fallen < lowest) ? lowest : fallen", "fallen"),
    "the ramp begins a step late": ("neuron_update.v", "ramp * since", "ramp * (since - 17'sd1)"),
    "it does not come to rest": ("neuron_update.v", "rests ? V_LOW[MEMBRANE_BITS-1:0] : kept", "kept"),
    "it fires while silent": ("neuron_update.v", "~has_fired & (age >= silent_steps)", "~has_fired"),
    "input never ends": ("neuron_update.v", "| (age < input_steps);", "| 1'b1;"),
    "input ends a step late": ("neuron_update.v", "(age < input_steps)", "(age <= input_steps)"),
    "the step is the chip's": ("neuron_loop.v", "age = step - rule_now[`IMAGE_GROUP_START_LSB+:SB]", "age = step"),
    "the cycles of another model": ("neuron_loop.v", "`CORE_UPDATE_CYCLES_TTFS_ACTIVE", "`CORE_UPDATE_CYCLES_IF_IDLE"),
}  # fmt: skip


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_seen(bug):
    needs("iverilog")
    name, old, new = BUGS[bug]
    text = (toolchain.HDL / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    program, inputs = case()
    inputs = dataclasses.replace(inputs, spikes=inputs.spikes[:1])
    result = ReferenceEngine().run(program, inputs, RunOptions(log_packets=True))
    try:
        got = run_chip(program, inputs, "icarus", 2 * int(result.step_end.max()), {name: text.replace(old, new)})
    except LimitError:
        return  # the chip hangs
    assert first_difference(expected_events(result, program, CHIP), got) is not None
