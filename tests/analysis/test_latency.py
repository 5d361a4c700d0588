"""Latency, statistics, accuracy and load against figures worked by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from neurosim.analysis import load
from neurosim.analysis.accuracy import accuracy
from neurosim.analysis.latency import latency
from neurosim.analysis.stats import Spread, histogram_spread, spread
from neurosim.fabric.topology import build_fabric
from tests.helpers.hand_result import events, hand_counters, hand_result, unmeasured_result
from tests.helpers.small_chips import HOST_WEST, LINK, small_chip

PAIR = small_chip(mesh={"width": 2, "height": 1}, cycle={"period_ps": 500})


def test_spread_is_nearest_rank() -> None:
    assert spread(np.arange(1, 101)) == Spread(100, 50.5, 1, 50, 99, 100)
    assert spread(np.array([7])) == Spread(1, 7.0, 7, 7, 7, 7)
    assert spread(np.array([5, 1, 3, 9])) == Spread(4, 4.5, 1, 3, 9, 9)
    assert spread(np.zeros(0, np.int64)) is None


@given(st.lists(st.integers(0, 50), min_size=1))
def test_spread_of_a_histogram_is_that_of_its_values(values: list[int]) -> None:
    found = histogram_spread(np.bincount(values))
    assert found == spread(np.array(values))
    assert found is not None
    ranked = sorted(values)
    assert found.p50 == ranked[-(-50 * len(values) // 100) - 1]
    assert found.p99 == ranked[-(-99 * len(values) // 100) - 1]


def test_hand_worked_latency() -> None:
    report = latency(hand_result(), PAIR)
    assert report.samples == Spread(2, 50.0, 40, 40, 60, 60)
    assert report.packets == Spread(3, 28 / 3, 8, 8, 12, 12)
    assert (report.run_cycles, report.n_finished, report.n_unfinished) == (100, 2, 0)
    assert report.throughput_per_s == 2 / 50e-9  # 100 cycles of 0.5 ns
    assert report.seconds(60) == 3e-8
    assert report.timeline is not None
    assert report.timeline.active_mean.tolist() == [19.0, 20.0]
    assert report.timeline.active_max.tolist() == [24, 25]
    assert report.timeline.gap_mean.tolist() == [10.0, 0.0]


def test_an_unfinished_sample_is_in_no_figure() -> None:
    report = latency(
        hand_result(
            latency_cycles=np.array([60, -1]),
            step_end=np.array([[25, 60], [15, -1]]),
            missed=np.array([[0, 1, 1]]),
        ),
        PAIR,
    )
    assert report.samples == Spread(1, 60.0, 60, 60, 60, 60)
    assert (report.n_finished, report.n_unfinished, report.n_missed_deadlines) == (1, 1, 1)
    assert report.timeline is not None
    assert report.timeline.active_mean.tolist() == [24.0, 25.0]


def test_nothing_measured() -> None:
    report = latency(unmeasured_result(), PAIR)
    assert (report.samples, report.packets, report.timeline, report.throughput_per_s) == (None,) * 4


def test_accuracy_leaves_out_samples_without_label() -> None:
    found = accuracy(hand_result())
    assert found is not None
    assert found.predicted.tolist() == [1, 0]
    assert (found.correct, found.labelled, found.rate) == (1, 1, 1.0)
    none = accuracy(hand_result(labels=np.array([-1, -1])))
    assert none is not None
    assert none.rate is None
    assert accuracy(hand_result(output_counts=np.zeros((2, 0)))) is None


def test_an_unfinished_sample_has_no_answer() -> None:
    # Sample 1's outputs say 0, its label too: right by what it sent before it stuck, but it has no answer.
    found = accuracy(hand_result(labels=np.array([1, 0]), latency_cycles=np.array([60, -1])))
    assert found is not None
    assert found.predicted.tolist() == [1, -1]
    assert (found.correct, found.labelled, found.unfinished, found.rate) == (1, 1, 1, 1.0)
    found = accuracy(hand_result(labels=np.array([1, 1]), latency_cycles=np.array([60, 40])))
    assert found is not None
    assert (found.correct, found.labelled, found.unfinished) == (1, 2, 0)
    none = accuracy(hand_result(latency_cycles=np.array([-1, -1])))
    assert none is not None
    assert (none.labelled, none.unfinished, none.rate) == (0, 2, None)


def test_samples_of_an_engine_without_cycles_all_finished() -> None:
    found = accuracy(unmeasured_result())
    assert found is not None
    assert (found.correct, found.labelled, found.unfinished) == (1, 1, 0)


def test_no_figure_of_a_run_in_which_nothing_finished() -> None:
    report = latency(hand_result(latency_cycles=np.array([-1, -1])), PAIR)
    assert (report.samples, report.throughput_per_s, report.timeline) == (None, None, None)
    assert (report.run_cycles, report.n_finished, report.n_unfinished) == (0, 0, 2)


def test_of_equal_outputs_the_first_is_predicted() -> None:
    found = accuracy(hand_result(output_counts=np.array([[0, 3, 3], [2, 2, 1]])))
    assert found is not None
    assert found.predicted.tolist() == [1, 0]


def test_link_loads() -> None:
    chip = small_chip(mesh={"width": 2, "height": 1}, router={"cycles_per_flit": 2})
    loads = load.link_loads(hand_counters(), build_fabric(chip), 100)
    assert [(a.name, a.kind, a.flits, a.blocked_cycles, a.utilisation) for a in loads] == [
        ("chip 0 router (0,0) east", "link", 3, 7, 0.06),
        ("chip 0 router (0,0) local0", "core", 0, 0, 0.0),
        ("chip 0 router (1,0) west", "link", 0, 0, 0.0),
        ("chip 0 router (1,0) local0", "core", 3, 0, 0.06),
    ]
    assert [a.name for a in load.busiest_links(loads)] == ["chip 0 router (0,0) east"]


def test_kinds_and_order_of_links() -> None:
    chip = small_chip(
        mesh={"width": 1, "height": 1}, system={"chips_x": 2}, link=LINK, host={**HOST_WEST, "y": 0}
    )
    counters = hand_counters()
    flits = np.zeros((2, 5), np.int64)
    flits[0, 0], flits[0, 2], flits[1, 2] = 2, 4, 2  # crossing (2 cycles per flit), host, crossing
    both_ways = events(flit_host=7)[None]
    counters = dataclasses.replace(counters, port_flits=flits, sample_events=both_ways)
    loads = load.link_loads(counters, build_fabric(chip), 8)
    busiest = load.busiest_links(loads)
    assert [(a.kind, a.router, a.port, a.utilisation) for a in busiest] == [
        ("host", 0, 2, 0.5), ("crossing", 0, 0, 0.5), ("crossing", 1, 2, 0.5), ("host", -1, 2, 0.375),
    ]  # fmt: skip
    assert busiest[-1].name == "host to chip 0 router (0,0) west"
    assert (busiest[-1].flits, busiest[-1].blocked_cycles) == (3, None)
    assert load.busiest_links(loads, 1) == busiest[:1]
    assert load.link_loads(unmeasured_result().counters, build_fabric(chip), 8) == ()
