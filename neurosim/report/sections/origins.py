"""What the figures rest on: the network's own metrics, sources of numbers, estimates, how to repeat it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from neurosim.chip.catalogue import provenance_rows
from neurosim.report.data import ReportData
from neurosim.report.sections.parts import Table
from neurosim.report.text import NOT_MEASURED, count, si


def neurobench_table(data: ReportData) -> Table:
    """NeuroBench's names and values."""
    part = data.metrics["neurobench"]
    missing = data.metrics["not_measured"]
    rows = []
    for name, value in part.items():
        items = value.items() if isinstance(value, dict) else [("", value)]
        for sub, figure in items:
            path = f"neurobench.{name}" + (f".{sub}" if sub else "")
            shown = f"{NOT_MEASURED}: {missing.get(path, '')}" if figure is None else _figure(figure)
            rows.append((name + (f" {sub}" if sub else ""), shown))
    return Table(("metric", "value"), tuple(rows))


def _figure(value: float) -> str:
    return count(value) if float(value).is_integer() or abs(value) >= 1000 else f"{value:.4g}"


def provenance_table(data: ReportData) -> Table:
    """Every assumed or derived term of the chip; measured and published ones are only counted."""
    if not data.chip.provenance:
        return Table((), ())
    order = {"assumed": 0, "derived": 1, "published": 2, "measured": 3}
    rows = sorted(provenance_rows(data.chip), key=lambda r: order.get(r.evidence, 9))
    return Table(
        ("term", "value", "evidence", "source"),
        tuple((r.path, r.text, r.evidence, _source(r)) for r in rows),
    )


def _source(row: Any) -> str:
    return f"{row.source} ({row.conditions})" if row.conditions else str(row.source)


def estimate_table(data: ReportData) -> Table:
    """What an estimated run is worth: its errors against a simulated one; empty for other engines."""
    if not data.is_estimate:
        return Table((), ())
    found, head = data.estimate_error, ("figure", "estimated", "simulated", "error")
    if found is None:
        missing = f"{NOT_MEASURED}: no simulated run was given (--compare-with RUN)"
        cycles = count(int(data.result.latency_cycles.sum()))
        return Table(head, (("latency, cycles", cycles, "", missing),), frozenset({1, 2}))
    times, joules = found["latency"], found["energy"]
    rows = [
        ("latency, cycles", count(times["estimated_cycles"]), count(times["simulated_cycles"]),
         _signed(times["error"])),
        ("latency, worst sample", "", "", _signed(times["largest_sample_error"])),
        ("time steps, mean magnitude", "", "", _signed(times["mean_step_error"]).lstrip("+")),
        ("energy, with static", si(joules["estimated_j"], "J"), si(joules["simulated_j"], "J"),
         _signed(joules["error"])),
        ("event counts", "", found["against"] + " engine", "equal" if found["events_equal"] else "DIFFERENT"),
    ]  # fmt: skip
    return Table(head, tuple(rows), frozenset({1, 2, 3}))


def _signed(share: float | None) -> str:
    return NOT_MEASURED if share is None else f"{100 * share:+.1f} %"


def manifest_table(data: ReportData) -> Table:
    """What is needed to repeat the run."""
    rows = [
        ("engine", data.result.engine), ("seed", str(data.result.seed)),
        ("program", data.result.program_digest), ("chip", data.result.chip_digest),
        ("network", data.result.network_digest), ("input", data.result.input_digest),
    ]  # fmt: skip
    known = {"engine", "seed", "digests"}
    rows += [(str(k), _flat(v)) for k, v in data.manifest.items() if k not in known]
    return Table(("what", "value"), tuple(rows))


def _flat(value: Any) -> str:
    if isinstance(value, Mapping):
        return ", ".join(f"{k} {v}" for k, v in value.items())
    if isinstance(value, (list, tuple)):
        return " ".join(str(v) for v in value)
    return str(value)
