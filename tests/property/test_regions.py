"""Chips on several threads: the same bytes as the plain kernel, whoever runs which routers."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, settings
from hypothesis import strategies as st

from neurosim import store
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled import traffic
from neurosim.engines.compiled.regions import ALONE, RegionRun, chips_of, look_ahead, run_traffic
from neurosim.fabric.topology import build_fabric
from tests.helpers.chips import make_chip
from tests.helpers.traffic import uniform
from tests.property.cases import KINDS, traffic_cases

CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]
NORMAL = settings(max_examples=30, deadline=None, suppress_health_check=CHECKS)
NIGHTLY = settings(max_examples=400, deadline=None, suppress_health_check=CHECKS)
LINK = {"latency_cycles": 4, "synchroniser_cycles": 2, "cycles_per_flit": 2, "credit_cycles": 5}
GATEWAY = {"chips": (2, 2), "link": {**LINK, "gateways": {"row": 2, "column": 2}}}


def assert_same(ours, theirs):
    for field in dataclasses.fields(ours):
        one, two = getattr(ours, field.name), getattr(theirs, field.name)
        assert store.digest((one,)) == store.digest((two,)), (field.name, one, two)


def compare(case, data):
    """The plain engine, chips as regions, and any routers as regions, each with up to three threads."""
    plain = traffic.run_traffic(case.chip, case.traffic, case.max_cycles, case.options)
    event(plain.verdict.status)
    event(f"{case.chip.n_chips} chips")
    n_threads = data.draw(st.integers(1, 3))
    assert_same(plain, run_traffic(case.chip, case.traffic, case.max_cycles, case.options, n_threads))
    fabric = build_fabric(case.chip, table=case.traffic.table)
    seed = data.draw(st.integers(0, 1000))
    region = np.random.default_rng(seed).integers(0, 1 + seed % 5, fabric.n_routers)
    event(f"look-ahead {min(look_ahead(fabric, region)[0], 9)}")
    run = RegionRun(fabric, case.traffic, n_threads, region)
    verdict = run.drain(case.max_cycles, case.options)
    assert_same(plain, traffic.result_of(run, case.traffic, verdict))


@pytest.mark.parametrize("kind", KINDS)
@NORMAL
@given(data=st.data())
def test_any_regions_and_threads_give_the_same_bytes(kind, data):
    compare(data.draw(traffic_cases(kind)), data)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
@NIGHTLY
@given(data=st.data())
def test_any_regions_and_threads_give_the_same_bytes_nightly(kind, data):
    compare(data.draw(traffic_cases(kind)), data)


@pytest.mark.parametrize("n_threads", [1, 2, 4, 7])
@pytest.mark.parametrize("every", [16, 10**9])
def test_deadlock_over_several_chips_is_found_in_the_same_cycle(n_threads, every):
    chip = make_chip(4, 4, router={"routing": "hierarchical_xy"}, **GATEWAY)
    work, options = uniform(64, 0.1, 3000, seed=1), RunOptions(check_every_cycles=every)
    plain = traffic.run_traffic(chip, work, 20_000, options)
    assert plain.verdict.status in ("partial_deadlock", "deadlock")
    assert_same(plain, run_traffic(chip, work, 20_000, options, n_threads))


@pytest.mark.parametrize("n_threads", [1, 2, 3])
def test_packets_dropped_last_end_the_run_in_the_same_cycle(n_threads):
    chip = make_chip(
        3, 3, router={"buffer_flits": 2, "drop_after_cycles": 3}, flits=3, chips=(2, 1), link=LINK
    )
    work = uniform(18, 0.4, 200, seed=5)
    plain = traffic.run_traffic(chip, work, 10**6, RunOptions())
    assert (plain.arrive < 0).any()
    assert plain.verdict.status == "ok"
    assert_same(plain, run_traffic(chip, work, 10**6, RunOptions(), n_threads))


def test_look_ahead_is_the_fastest_way_between_chips():
    fabric = build_fabric(make_chip(2, 2, chips=(2, 2), link=LINK))
    region = chips_of(fabric)
    assert region.reshape(4, 4).tolist() == [[0, 0, 1, 1], [0, 0, 1, 1], [2, 2, 3, 3], [2, 2, 3, 3]]
    assert look_ahead(fabric, region) == (5, 3 + 4 + 2)  # a credit back, a flit there
    assert look_ahead(fabric, np.zeros_like(region)) == (ALONE, 0)
