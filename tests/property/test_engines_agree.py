"""Two engines, one contract: equal results down to the last counter, packet and blocked channel.

``pytest --hypothesis-show-statistics`` says what the drawn cases were like.
"""

from __future__ import annotations

import dataclasses
from functools import partial

import numpy as np
from hypothesis import event

from neurosim import store
from neurosim.engines.base import RunOptions
from neurosim.rules.events import EVENT_INDEX
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain, workload
from tests.property.both_engines import by_both, over_kinds
from tests.property.cases import program_cases, traffic_cases


def assert_equal(ours, theirs):
    """Everything but the engine's name."""
    for part in (lambda result: result.counters, lambda result: result):
        for field in dataclasses.fields(part(ours)):
            if field.name != "engine":
                one, two = (getattr(part(result), field.name) for result in (ours, theirs))
                assert store.digest((one,)) == store.digest((two,)), (field.name, one, two)


def note(case, result):
    """What the case was like, for Hypothesis's statistics."""
    counters, chip = result.counters, case.chip
    event(result.verdict.status)
    event(f"{chip.n_chips} chips, {chip.router.virtual_channels} VCs, {chip.packet.flits} flits")
    for name, happened in {
        "trees": case.program.trees is not None and case.program.trees.n_trees,
        "packets cross chips": counters.sample_events[:, EVENT_INDEX["flit_chip_crossing"]].any(),
        "heads wait": counters.port_blocked_cycles.any(),
        "loops stall": counters.loop_stall_cycles.any(),
        "packets dropped": counters.packets_dropped,
        "deadlines missed": len(result.missed),
        "packets late": counters.late_packets,
        "overflows": counters.membrane_overflows + counters.accumulator_overflows,
    }.items():
        if happened:
            event(name)


def compare(case):
    ours, theirs = by_both(lambda engine: engine.run(case.program, case.workload, case.options))
    note(case, ours)
    assert_equal(ours, theirs)


test_programs_give_the_same_bytes, test_programs_give_the_same_bytes_nightly = over_kinds(
    compare, program_cases, normal=34, nightly=340  # of each kind: 204 and 2,040
)


test_multicast_gives_the_same_bytes, test_multicast_gives_the_same_bytes_nightly = over_kinds(
    compare, partial(program_cases, multicast=True), normal=12, nightly=340
)


def compare_traffic(case):
    ours, theirs = by_both(
        lambda engine: engine.run_traffic(case.chip, case.traffic, case.max_cycles, case.options)
    )
    event(ours.verdict.status)
    np.testing.assert_array_equal(ours.arrive, theirs.arrive)
    np.testing.assert_array_equal(ours.port_flits, theirs.port_flits)
    assert ours.verdict == theirs.verdict
    assert ours.end_cycle == theirs.end_cycle


test_traffic_gives_the_same_arrivals, test_traffic_gives_the_same_arrivals_nightly = over_kinds(
    compare_traffic, traffic_cases, normal=34, nightly=340
)


def test_many_dropped_packets():
    """Far more packets are dropped in one sample than can be in flight at a time."""
    chip = make_chip(
        2, 1, router={"buffer_flits": 1, "drop_after_cycles": 1},
        core={"tx_flits": 1, "rx_flits": 1, "decode_cycles": 9},
    )  # fmt: skip
    program = chain(chip, [0, 1], n=30)
    spikes = workload(np.ones((1, 20, 30)))
    ours, theirs = by_both(lambda engine: engine.run(program, spikes, RunOptions(log_packets=True)))
    assert ours.counters.packets_dropped > 300
    assert_equal(ours, theirs)
