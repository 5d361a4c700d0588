"""The energy part of ``metrics.json``: what each kind of event cost, and where."""

from __future__ import annotations

from typing import Any

from neurosim.analysis.accuracy import finished
from neurosim.analysis.energy import PLACELESS, EnergyReport, EventEnergy
from neurosim.analysis.missing import NO_COUNTERS, NO_CYCLES, NO_SAMPLE, NotMeasured, value_or
from neurosim.artefacts.result import Result


def energy_figures(report: EnergyReport | None, result: Result) -> dict[str, Any]:
    """The figures of ``report`` (None: no events were counted); missing ones are markers with reasons."""
    keys = (
        "dynamic_j", "static_j", "total_j", "is_lower_bound", "per_sample_j", "per_synaptic_operation_j",
        "by_event", "by_core_j", "by_router_j", "elsewhere_j", "by_evidence_j", "not_priced", "checks",
    )  # fmt: skip
    if report is None:
        return dict.fromkeys(keys, NotMeasured(NO_COUNTERS))
    operations = next(e.count for e in report.by_event if e.event == "synaptic_operation")
    total, reason = report.total_j, static_reason(report)
    return {
        "dynamic_j": float(report.dynamic_j),
        "static_j": value_or(None if report.static_j is None else float(report.static_j), reason),
        "total_j": value_or(None if total is None else float(total), reason),
        "is_lower_bound": report.is_lower_bound,
        "per_sample_j": _per_sample(report, result),
        "per_synaptic_operation_j": (
            float(report.dynamic_j / operations) if operations else NotMeasured("no synaptic operation")
        ),
        "by_event": [_event(e) for e in report.by_event],
        "by_core_j": {str(core): float(value) for core, value in report.by_core.items()},
        "by_router_j": {str(router): float(value) for router, value in report.by_router.items()},
        "elsewhere_j": _elsewhere(report),
        "by_evidence_j": {grade: float(value) for grade, value in report.by_evidence.items()},
        "not_priced": [{"event": e.event, "count": e.count} for e in report.not_priced],
        "checks": [
            {"name": c.figure.name, "published": c.figure.value, "unit": c.figure.unit,
             "ours": value_or(c.ours, c.reason or "not comparable"), "source": c.figure.source}
            for c in report.checks
        ],
    }  # fmt: skip


def static_reason(report: EnergyReport | None) -> str:
    """Why there is no static energy."""
    if report is None:
        return NO_COUNTERS
    return "static power is not priced" if report.static_figure.value is None else NO_CYCLES


def _per_sample(report: EnergyReport, result: Result) -> Any:
    """Mean dynamic energy of the finished samples: what an unfinished one took is no price of an answer."""
    of_finished = [e for e, done in zip(report.by_sample, finished(result), strict=True) if done]
    return float(sum(of_finished) / len(of_finished)) if of_finished else NotMeasured(NO_SAMPLE)


def _elsewhere(report: EnergyReport) -> Any:
    """Energy of host link and barriers; missing if any of them happened and none has a price."""
    happened = [e for e in report.by_event if e.event in PLACELESS and e.count]
    if happened and all(e.price_j is None for e in happened):
        return NotMeasured("neither the host link nor the barrier is priced")
    return float(report.elsewhere_j)


def _event(e: EventEnergy) -> dict[str, Any]:
    return {
        "event": e.event,
        "count": e.count,
        "price_j": NotMeasured("not priced") if e.price_j is None else float(e.price_j),
        "energy_j": NotMeasured("not priced") if e.energy_j is None else float(e.energy_j),
        "evidence": e.figure.evidence,
    }
