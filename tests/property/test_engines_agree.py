"""Two engines, one contract: equal results down to the last counter, packet and blocked channel.

``pytest --hypothesis-show-statistics`` says what the drawn cases were like.
"""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neurosim import store
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.rules.events import EVENT_INDEX
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain, workload
from tests.property.cases import KINDS, program_cases, traffic_cases

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
NORMAL = settings(max_examples=34, deadline=None, suppress_health_check=CHECKS)  # of each kind: 204
NIGHTLY = settings(max_examples=340, deadline=None, suppress_health_check=CHECKS)  # of each kind: 2,040


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
    ours, theirs = (
        engine.run(case.program, case.workload, case.options)
        for engine in (ReferenceEngine(), CompiledEngine())
    )
    note(case, ours)
    assert_equal(ours, theirs)


@pytest.mark.parametrize("kind", KINDS)
@NORMAL
@given(data=st.data())
def test_programs_give_the_same_bytes(kind, data):
    compare(data.draw(program_cases(kind)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@NIGHTLY
@given(data=st.data())
def test_programs_give_the_same_bytes_nightly(kind, data):
    compare(data.draw(program_cases(kind)))


def compare_traffic(case):
    ours, theirs = (
        engine.run_traffic(case.chip, case.traffic, case.max_cycles, case.options)
        for engine in (ReferenceEngine(), CompiledEngine())
    )
    event(ours.verdict.status)
    np.testing.assert_array_equal(ours.arrive, theirs.arrive)
    np.testing.assert_array_equal(ours.port_flits, theirs.port_flits)
    assert ours.verdict == theirs.verdict
    assert ours.end_cycle == theirs.end_cycle


@pytest.mark.parametrize("kind", KINDS)
@NORMAL
@given(data=st.data())
def test_traffic_gives_the_same_arrivals(kind, data):
    compare_traffic(data.draw(traffic_cases(kind)))


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@NIGHTLY
@given(data=st.data())
def test_traffic_gives_the_same_arrivals_nightly(kind, data):
    compare_traffic(data.draw(traffic_cases(kind)))


def test_many_dropped_packets():
    """Far more packets are dropped in one sample than can be in flight at a time."""
    chip = make_chip(
        2, 1, router={"buffer_flits": 1, "drop_after_cycles": 1},
        core={"tx_flits": 1, "rx_flits": 1, "decode_cycles": 9},
    )  # fmt: skip
    program = chain(chip, [0, 1], n=30)
    spikes = workload(np.ones((1, 20, 30)))
    ours, theirs = (
        engine.run(program, spikes, RunOptions(log_packets=True))
        for engine in (ReferenceEngine(), CompiledEngine())
    )
    assert ours.counters.packets_dropped > 300
    assert_equal(ours, theirs)
