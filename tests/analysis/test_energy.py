"""Energy against figures worked by hand, and its conservation."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.energy import EVIDENCE, PLACELESS, energy
from neurosim.chip.models import Chip
from neurosim.rules.events import EVENT_NAMES, EVENTS
from tests.helpers.hand_result import hand_counters, hand_result, unmeasured_result
from tests.helpers.small_chips import price, small_chip

PJ = Fraction(1, 10**12)


def chip_with(prices: dict[str, Any], static: dict[str, Any], **more: Any) -> Chip:
    events = {name: price(None) for name in EVENTS} | prices
    return small_chip(
        mesh={"width": 2, "height": 1},
        energy={"events": events, "static_power_per_chip": static, **more},
    )


HAND = chip_with(
    {
        "flit_hop_east_west": price(2.3, evidence="derived"),
        "flit_hop_local": price(0.5, evidence="assumed"),
        "synaptic_operation": price(5.47, evidence="measured"),
        "packet_sent": price(0.001, "nJ", evidence="assumed"),
        "barrier": price(0.00004, "uJ", evidence="published"),
    },
    price(2.0, "mW"),
)


def test_hand_worked() -> None:
    report = energy(hand_result(), HAND)
    assert report is not None
    by_event = {e.event: e.energy_j for e in report.by_event}
    assert by_event["flit_hop_east_west"] == 3 * Fraction(23, 10) * PJ
    assert by_event["synaptic_operation"] == 12 * Fraction(547, 100) * PJ
    assert by_event["barrier"] == 4 * 40 * PJ
    assert report.dynamic_j == Fraction("6.9") * PJ + Fraction("1.5") * PJ + Fraction("65.64") * PJ + 163 * PJ
    assert float(report.dynamic_j) == 2.3704e-10
    assert report.by_core == {0: 3 * PJ, 1: Fraction("65.64") * PJ}
    assert report.by_router == {0: Fraction("6.9") * PJ, 1: Fraction("1.5") * PJ}
    assert report.elsewhere_j == 160 * PJ
    first = 2 * Fraction("2.3") + 2 * Fraction("0.5") + 8 * Fraction("5.47") + 2 + 80
    assert report.by_sample[0] == first * PJ
    assert report.by_evidence == {
        "measured": Fraction("65.64") * PJ, "published": 160 * PJ, "derived": Fraction("6.9") * PJ,
        "assumed": Fraction("4.5") * PJ,
    }  # fmt: skip
    # 2 mW for 60 ns and 40 ns
    assert report.static_by_sample == (120 * PJ, 80 * PJ)
    assert report.static_j == 200 * PJ
    assert report.total_j == report.dynamic_j + 200 * PJ


def test_events_without_price_are_listed_with_their_count_and_not_as_zero() -> None:
    report = energy(hand_result(), HAND)
    assert report is not None
    assert {e.event: e.count for e in report.not_priced} == {
        "flit_hop_north_south": 0, "flit_chip_crossing": 0, "flit_host": 0, "packet_decoded": 3,
        "synapse_word_read": 6, "neuron_update_active": 3, "neuron_update_idle": 9, "spike_generated": 3,
    }  # fmt: skip
    assert all(e.energy_j is None for e in report.not_priced)
    assert report.is_lower_bound


def test_every_event_priced_is_no_lower_bound() -> None:
    report = energy(hand_result(), small_chip())
    assert report is not None
    assert not report.is_lower_bound
    assert not report.not_priced


def test_unknown_static_power_leaves_the_total_open() -> None:
    report = energy(hand_result(), chip_with({}, price(None, "W")))
    assert report is not None
    assert report.static_j is None
    assert report.static_by_sample is None
    assert report.total_j is None


def test_static_power_counts_every_chip_and_no_unfinished_sample() -> None:
    chip = small_chip(
        system={"chips_x": 3},
        link={"latency_cycles": 1, "synchroniser_cycles": 1, "cycles_per_flit": 1, "credit_cycles": 1},
    )
    report = energy(hand_result(latency_cycles=np.array([60, -1])), chip)
    assert report is not None
    assert report.static_by_sample == (180 * PJ, 0)  # 1 mW x 3 chips x 60 ns


def test_nothing_counted_is_no_energy() -> None:
    assert energy(unmeasured_result(), HAND) is None


def check_figure(value: float, unit: str) -> dict[str, Any]:
    return {"name": "all-in", "value": value, "unit": unit, "evidence": "published", "source": "paper"}


@pytest.mark.parametrize(
    ("unit", "ours", "reason"),
    [
        ("pJ/SOP", (237.04 + 200) / 12, ""),
        ("mW", 4.3704, ""),  # 437.04 pJ in 100 ns
        ("nJ/sample", 0.21852, ""),
        ("GSOPS/W", None, "unit 'GSOPS/W' has no counterpart here"),
    ],
)
def test_all_in_figures_are_compared_only(unit: str, ours: float | None, reason: str) -> None:
    prices = {e: f.model_dump() for e, f in HAND.energy.events.items()}
    chip = chip_with(prices, price(2.0, "mW"), checks=(check_figure(9.0, unit),))
    report = energy(hand_result(), chip)
    assert report is not None
    assert report.dynamic_j == energy(hand_result(), HAND).dynamic_j  # type: ignore[union-attr]
    (check,) = report.checks
    assert check.ours == (None if ours is None else pytest.approx(ours, rel=1e-12))
    if ours is None:
        assert check.reason == reason


def test_no_comparison_without_static_power() -> None:
    report = energy(hand_result(), chip_with({}, price(None, "W"), checks=(check_figure(1, "pJ/SOP"),)))
    assert report is not None
    assert report.checks[0].ours is None
    assert report.checks[0].reason == "static energy is not known, so neither is the all-in energy"


def test_no_comparison_of_a_run_that_did_not_finish() -> None:
    chip = chip_with({}, price(2.0, "mW"), checks=(check_figure(1, "mW"),))
    report = energy(hand_result(latency_cycles=np.array([60, -1])), chip)
    assert report is not None
    assert report.static_j == 12 * Fraction(1, 10**11)  # 2 mW for 60 ns
    assert report.checks[0].ours is None
    assert report.checks[0].reason == "not every sample finished, and the time of those is not known"


figures = st.builds(
    price,
    st.none() | st.floats(0, 1e4, allow_nan=False),
    st.sampled_from(["pJ", "nJ", "uJ"]),
    st.sampled_from(EVIDENCE),
)
counts = st.integers(0, 10**12)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_parts_add_up_exactly(data: st.DataObject) -> None:
    """Events, places, samples and evidence classes are four ways to cut the same total."""
    chip = chip_with({name: data.draw(figures) for name in EVENTS}, data.draw(figures) | {"unit": "mW"})
    n = len(EVENT_NAMES)

    def table(rows: int) -> np.ndarray:
        values = data.draw(st.lists(counts, min_size=rows * n, max_size=rows * n))
        return np.array(values, np.int64).reshape(rows, n)

    cores, routers = table(2), table(2)
    free = [EVENT_NAMES.index(name) for name in PLACELESS]
    cores[:, free] = routers[:, free] = 0
    whole = cores.sum(axis=0) + routers.sum(axis=0)
    whole[free] = data.draw(counts)
    first = whole // data.draw(st.integers(1, 5))
    counters = hand_counters(
        core_events=cores, router_events=routers, sample_events=np.stack([first, whole - first])
    )
    report = energy(hand_result(counters=counters), chip)
    assert report is not None
    total = report.dynamic_j
    assert sum((e.energy_j for e in report.by_event if e.energy_j is not None), Fraction(0)) == total
    assert sum(report.by_sample, Fraction(0)) == total
    assert sum(report.by_evidence.values(), Fraction(0)) == total
    places = [*report.by_core.values(), *report.by_router.values(), report.elsewhere_j]
    assert sum(places, Fraction(0)) == total
    priceless = [chip.energy.events[name].si() or 0 for name in PLACELESS]
    assert float(report.elsewhere_j) == pytest.approx(
        sum(p * int(whole[i]) for p, i in zip(priceless, free, strict=True))
    )
