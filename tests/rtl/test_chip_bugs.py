"""Bugs planted in cores, barrier and host port: each is seen, with the first event that differs named."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim.artefacts.program import Program
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import LimitError
from neurosim.rtl.chip_log import expected_events, first_difference
from neurosim.rules import neuron
from rtl_models import toolchain
from rtl_models.chip import run_chip
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain, dense, workload
from tests.rtl.needs import needs

N = 5
STEPS = 10
BUGS = {
    "commit never": ("synapse_pipeline.v", "(left == 32'd0)", "(left == 32'hffffffff)"),
    "one cycle too cheap": ("synapse_pipeline.v", "start ? cost - 32'd1", "start ? cost - 32'd2"),
    "sign of weights lost": ("synapse_pipeline.v", "$signed(raw) >>>", "raw >>"),
    "sums never cleared": ("synapse_pipeline.v", "if (loop_takes) sums", "if (1'b0) sums"),
    "everything is late": ("synapse_pipeline.v", "use_ahead <= MOST_DELAY", "use_ahead < 1"),
    "fires only above the threshold": ("neuron_update.v", "(u >= threshold_now) &", "(u > threshold_now) &"),
    "decay rounds down": ("neuron_update.v", "product_v < 0 ? ROUND", "product_v < 0 ? 64'sd0"),
    "spike costs nothing": ("neuron_loop.v", "(fires ? `CORE_SPIKE_CYCLES", "(1'b0 ? `CORE_SPIKE_CYCLES"),
    "target list one short": ("neuron_loop.v", "first_entry + n_entries - 1'b1", "first_entry + n_entries - 2'd2"),
    "last neuron skipped": ("neuron_loop.v", "(from <= last)", "(from < last)"),
    "membrane starts at 0": ("neuron_loop.v", "v_initial[MEMBRANE_BITS-1:0];", "0;"),
    "transmit FIFO overfilled": ("transmit_fifo.v", "length + PER_PACKET <= MOST", "length <= MOST"),
    "credits of packets lost": (
        "receive_fifo.v", "(~rst & take & grant[c]) ? WHOLE", "(rst & take & grant[c]) ? WHOLE"),
    "barrier forgets the loops": ("barrier_root.v", "total + loops_now == ", "total == "),
    "barrier waits one more": ("barrier_root.v", "count == LAST_WAIT", "count == LAST_WAIT + 32'd1"),
    "tree loses a level": ("barrier_tree.v", ".CYCLES(LEVELS * LEVEL_CYCLES)", ".CYCLES(0)"),
    "host sends one packet less": (
        "host_port.v", "(token ? list_length : 32'd0);", "(token ? list_length - 32'd1 : 32'd0);"),
    "host forgets its credits": ("host_port.v", ".returned(tx_credit)", ".returned(1'b0)"),
}  # fmt: skip


def case() -> tuple[Chip, Program, Workload]:
    """Two cores with signed weights, leak, a slow link between them and a FIFO for one packet."""
    chip = make_chip(
        2, 1, sync={"tile_level_cycles": 1},
        core={"tx_flits": 1, "rx_flits": 1, "max_delay_steps": 1, "update_cycles": {"active": 1, "idle": 1}},
        router={"buffer_flits": 1, "hop_cycles": {"east_west": 20, "north_south": 3, "local": 3}},
    )  # fmt: skip
    rng = np.random.default_rng(5)
    program = chain(chip, [0, 1], n=N)
    cores = []
    for core in program.cores:
        group = dataclasses.replace(
            core.groups[0], model=neuron.MODEL_LIF, reset=neuron.RESET_SUBTRACT, keep=np.full(N, 3000),
            bias=np.arange(N) - 1, threshold=np.arange(2, N + 2), reset_amount=np.arange(2, N + 2),
            v_floor=np.full(N, -9), v_initial=np.arange(N),
        )  # fmt: skip
        block = dense(rng.integers(-4, 7, (N, N)), chip)
        cores.append(dataclasses.replace(core, groups=(group,), blocks=(block,)))
    x = rng.integers(0, 2, (1, STEPS, N))
    return chip, dataclasses.replace(program, cores=tuple(cores)), workload(x)


def test_the_case_itself_is_equal():
    needs("iverilog")
    chip, program, inputs = case()
    result = ReferenceEngine().run(program, inputs, RunOptions(log_packets=True))
    difference = first_difference(expected_events(result, program, chip), run_chip(program, inputs, "icarus"))
    assert difference is None, str(difference)
    assert result.counters.loop_stall_cycles.sum() > 0  # it does fill its FIFO


@pytest.mark.parametrize("bug", BUGS)
def test_planted_bugs_are_seen(bug):
    needs("iverilog")
    name, old, new = BUGS[bug]
    text = (toolchain.HDL / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    chip, program, inputs = case()
    result = ReferenceEngine().run(program, inputs, RunOptions(log_packets=True))
    limit = 2 * int(result.step_end.max())
    try:
        got = run_chip(program, inputs, "icarus", limit_cycles=limit, replace={name: text.replace(old, new)})
        seen = str(first_difference(expected_events(result, program, chip), got))
    except LimitError as error:  # the chip hangs
        seen = error.text()
    assert seen.startswith(("sample 0: ", "events.log: the Verilog chip did not finish a sample in"))
