"""Energy: integer event counts times the chip's prices, static power times time apart.

Reads a Result and the chip description; writes an :class:`EnergyReport`.  All sums are exact: a price
is the decimal number that the description gives, as a :class:`fractions.Fraction` of a joule, so the
parts (by event, by core and router, by sample, by evidence) add up to the total to the last digit.
An event without a price is listed with its count and adds nothing; the total is then a lower bound.
All-in figures (``energy.checks``) are compared with the result and never used as prices.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.accuracy import finished
from neurosim.artefacts.result import Result
from neurosim.chip.models import CheckFigure, Chip, Figure
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

IntArray = NDArray[np.int64]
EVIDENCE = ("measured", "published", "derived", "assumed")
PLACELESS = ("flit_host", "barrier")
"""Events that belong to no core and no router."""
_SI = {"pJ": 12, "nJ": 9, "uJ": 6, "mW": 3, "W": 0}
_PICO = Fraction(1, 10**12)
_RATES = {"SOPS": 0, "kSOPS": 3, "MSOPS": 6, "GSOPS": 9, "TSOPS": 12}
"""Units of synaptic operations per second (also written ``SOP/s``), by their power of ten."""


def exact_si(figure: Figure) -> Fraction | None:
    """A figure in joules or watts, exactly as its decimal is written; None if unknown."""
    if figure.value is None:
        return None
    return Fraction(repr(float(figure.value))) * Fraction(1, 10 ** _SI[figure.unit])


@dataclass(frozen=True)
class EventEnergy:
    """One kind of event: ``price_j`` and ``energy_j`` (joules) are None where it has no price."""

    event: str
    count: int
    price_j: Fraction | None
    energy_j: Fraction | None
    figure: Figure


@dataclass(frozen=True)
class CheckComparison:
    """A published all-in figure beside ours; ``ours`` is None with the ``reason``."""

    figure: CheckFigure
    ours: float | None
    reason: str = ""


@dataclass(frozen=True)
class EnergyReport:
    """All energies in joules, over all samples unless said otherwise.

    ``by_event`` follows the event list; ``by_core`` and ``by_router`` hold the components that used
    any; ``elsewhere_j`` is the rest (host link and barriers); ``by_sample`` (S,) is dynamic energy.
    ``by_evidence`` sorts the dynamic energy by how well its price is known.  ``static_j`` is static
    power x chips x the time in which samples ran, None if that power is not known or no time was
    measured.
    """

    by_event: tuple[EventEnergy, ...]
    by_core: dict[int, Fraction]
    by_router: dict[int, Fraction]
    elsewhere_j: Fraction
    by_sample: tuple[Fraction, ...]
    by_evidence: dict[str, Fraction]
    dynamic_j: Fraction
    static_j: Fraction | None
    static_by_sample: tuple[Fraction, ...] | None
    static_figure: Figure
    checks: tuple[CheckComparison, ...]

    @property
    def not_priced(self) -> tuple[EventEnergy, ...]:
        """Events without a price, with their counts."""
        return tuple(e for e in self.by_event if e.price_j is None)

    @property
    def is_lower_bound(self) -> bool:
        """Whether events happened that have no price."""
        return any(e.count for e in self.not_priced)

    @property
    def total_j(self) -> Fraction | None:
        """Dynamic plus static energy; None without the static part."""
        return None if self.static_j is None else self.dynamic_j + self.static_j


def energy(result: Result, chip: Chip) -> EnergyReport | None:
    """The energy of a run, or None if the engine counted no events.

    Dynamic: ``E = sum over events of count * price``.  Static: ``P_static * chips * sum of sample
    latencies``.
    """
    counters = result.counters
    if not counters.sample_events.size:
        return None
    prices = [exact_si(chip.energy.events[name]) for name in EVENT_NAMES]
    counts = counters.sample_events.sum(axis=0)
    by_event = tuple(
        EventEnergy(
            name, int(n), price, None if price is None else int(n) * price, chip.energy.events[name]
        )
        for name, n, price in zip(EVENT_NAMES, counts, prices, strict=True)
    )
    dynamic = _sum(e.energy_j for e in by_event)
    by_core = _by_place(counters.core_events, prices)
    by_router = _by_place(counters.router_events, prices)
    static = _static_by_sample(result, chip)
    static_j = None if static is None else _sum(static)
    return EnergyReport(
        by_event=by_event,
        by_core=by_core,
        by_router=by_router,
        elsewhere_j=dynamic - _sum(by_core.values()) - _sum(by_router.values()),
        by_sample=tuple(_price(row, prices) for row in counters.sample_events),
        by_evidence={
            grade: _sum(e.energy_j for e in by_event if e.figure.evidence == grade) for grade in EVIDENCE
        },
        dynamic_j=dynamic,
        static_j=static_j,
        static_by_sample=static,
        static_figure=chip.energy.static_power_per_chip,
        checks=tuple(_compare(c, chip, result, by_event, dynamic, static_j) for c in chip.energy.checks),
    )


def _sum(parts: Iterable[Fraction | None]) -> Fraction:
    return sum((p for p in parts if p is not None), Fraction(0))


def _price(counts: IntArray, prices: list[Fraction | None]) -> Fraction:
    return _sum(int(n) * p for n, p in zip(counts, prices, strict=True) if p is not None and n)


def _by_place(events: IntArray, prices: list[Fraction | None]) -> dict[int, Fraction]:
    """Energy of every row of (places, events) in which anything happened."""
    if not events.size:
        return {}
    return {int(i): _price(events[i], prices) for i in np.flatnonzero(events.any(axis=1))}


def _static_by_sample(result: Result, chip: Chip) -> tuple[Fraction, ...] | None:
    power_w = exact_si(chip.energy.static_power_per_chip)
    if power_w is None or not result.latency_cycles.size:
        return None
    per_cycle_j = power_w * chip.n_chips * chip.cycle.period_ps * _PICO
    return tuple(max(0, int(cycles)) * per_cycle_j for cycles in result.latency_cycles)


def _compare(
    figure: CheckFigure,
    chip: Chip,
    result: Result,
    by_event: tuple[EventEnergy, ...],
    dynamic_j: Fraction,
    static_j: Fraction | None,
) -> CheckComparison:
    """This run in the unit of the published figure: energy per operation, mean power or rate.

    A rate (``TSOPS``, ``GSOPS``, ...) is synaptic operations over the time in which samples ran; it needs
    no energy.
    """
    scale = {"pJ": 12, "nJ": 9, "uJ": 6, "mJ": 3, "J": 0, "mW": 3, "W": 0, "uW": 6}
    unit, _, per = figure.unit.partition("/")
    rate = _RATES.get(figure.unit.removesuffix("/s") + "S" * figure.unit.endswith("/s"))
    if static_j is None and rate is None:
        return CheckComparison(figure, None, "static energy is not known, so neither is the all-in energy")
    if not finished(result).all():
        return CheckComparison(figure, None, "not every sample finished, and the time of those is not known")
    seconds = int(result.latency_cycles.sum()) * chip.cycle.period_ps * _PICO
    operations = by_event[EVENT_INDEX["synaptic_operation"]].count
    if rate is not None:
        ours = float(operations / seconds / 10**rate) if seconds else None
        return CheckComparison(figure, ours, "" if seconds else "no time passed")
    if unit not in scale or static_j is None:
        return CheckComparison(figure, None, f"unit '{figure.unit}' has no counterpart here")
    total = (dynamic_j + static_j) * 10 ** scale[unit]
    if unit.endswith("W") and not per:
        return CheckComparison(figure, float(total / seconds) if seconds else None, "no time passed")
    if per in ("SOP", "synaptic_operation"):
        return CheckComparison(figure, float(total / operations) if operations else None, "no operations")
    if per in ("sample", "inference"):
        return CheckComparison(figure, float(total / result.n_samples) if result.n_samples else None)
    return CheckComparison(figure, None, f"unit '{figure.unit}' has no counterpart here")
