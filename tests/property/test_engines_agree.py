"""Two engines, one contract: equal results down to the last counter, packet and blocked channel."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from mapper import compile_network
from neurosim import store
from neurosim.chip.loader import edit_chip
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import DoesNotFitError
from neurosim.fabric.topology import build_fabric
from tests.helpers.traffic import uniform
from tests.property.networks import chips
from tests.property.test_programs import cases
from tests.property.test_traffic import fabrics

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
NORMAL = settings(max_examples=60, deadline=None, suppress_health_check=CHECKS)
NIGHTLY = settings(max_examples=2000, deadline=None, suppress_health_check=CHECKS)


def changed(chip, draw):
    """The chip with some of the nastier choices: it may deadlock, drop, or miss deadlines."""
    changes: dict[str, object] = {"core.receive_during_update": draw(st.booleans())}
    if draw(st.booleans()):
        changes["router.drop_after_cycles"] = draw(st.integers(1, 30))
    if chip.sync.mode == "tick":
        changes["sync.tick_period_cycles"] = draw(st.integers(20, 300))
    return edit_chip(chip, changes)


@st.composite
def nasty_cases(draw):
    """Like ``cases``, on chips that may deadlock, drop packets or miss deadlines."""
    network, chip, options, workload = draw(cases())
    chip = changed(chip, draw)
    every = draw(st.sampled_from((16, 100, 10_000)))
    limit = draw(st.sampled_from((150, 10**6)))
    return network, chip, options, workload, RunOptions(
        log_packets=True, check_every_cycles=every, max_step_cycles=limit
    )


def compare(case):
    network, chip, options, workload, run_options = case
    try:
        mapping = compile_network(network, chip, options)
    except DoesNotFitError:
        assume(False)
    results = [
        engine.run(mapping.program, workload, run_options)
        for engine in (ReferenceEngine(), CompiledEngine())
    ]
    for part in (lambda result: result.counters, lambda result: result):
        for field in dataclasses.fields(part(results[0])):
            if field.name != "engine":
                ours, theirs = (getattr(part(result), field.name) for result in results)
                assert store.digest((ours,)) == store.digest((theirs,)), (field.name, ours, theirs)


@NORMAL
@given(case=nasty_cases())
def test_programs_give_the_same_bytes(case):
    compare(case)


@pytest.mark.slow
@NIGHTLY
@given(case=nasty_cases())
def test_programs_give_the_same_bytes_nightly(case):
    compare(case)


def compare_traffic(chip, load, seed, every, limit):
    fabric = build_fabric(chip)
    traffic = uniform(fabric.n_cores, load, 60, seed)
    options = RunOptions(check_every_cycles=every)
    first, second = (
        engine.run_traffic(chip, traffic, limit, options)
        for engine in (ReferenceEngine(), CompiledEngine())
    )
    np.testing.assert_array_equal(first.arrive, second.arrive)
    np.testing.assert_array_equal(first.port_flits, second.port_flits)
    assert first.verdict == second.verdict
    assert first.end_cycle == second.end_cycle


@NORMAL
@given(
    chip=st.one_of(fabrics(), chips()), load=st.floats(0.01, 0.9), seed=st.integers(0, 10**6),
    every=st.sampled_from((10, 64, 10_000)), limit=st.sampled_from((70, 10**6)), drop=st.integers(0, 9),
)  # fmt: skip
def test_traffic_gives_the_same_arrivals(chip, load, seed, every, limit, drop):
    if drop > 6:
        chip = edit_chip(chip, {"router.drop_after_cycles": drop})
    compare_traffic(chip, load, seed, every, limit)
