"""What the run cost: events with their prices, how well these are known, and published totals."""

from __future__ import annotations

from neurosim.report.data import ReportData
from neurosim.report.sections.parts import Table
from neurosim.report.text import NOT_MEASURED, count, percent, si


def event_table(data: ReportData) -> Table:
    """Every kind of event with its count, price, energy and evidence."""
    report = data.figures.energy
    if report is None:
        return Table((), ())
    rows = tuple(
        (
            e.event.replace("_", " "), count(e.count),
            "not priced" if e.price_j is None else si(float(e.price_j), "J"),
            "not priced" if e.energy_j is None else si(float(e.energy_j), "J"),
            e.figure.evidence, e.figure.source,
        )
        for e in report.by_event
    )  # fmt: skip
    head = ("event", "count", "price", "energy", "evidence", "source")
    return Table(head, rows, frozenset({1, 2, 3}))


def evidence_table(data: ReportData) -> Table:
    """Dynamic energy by how well its prices are known."""
    report = data.figures.energy
    if report is None:
        return Table((), ())
    whole = report.dynamic_j or 1
    rows = tuple(
        (grade, si(float(joules), "J"), percent(float(joules / whole)))
        for grade, joules in report.by_evidence.items()
    )
    return Table(("evidence", "dynamic energy", "share"), rows, frozenset({1, 2}))


def check_table(data: ReportData) -> Table:
    """Published all-in figures beside this run's."""
    report = data.figures.energy
    checks = report.checks if report else ()
    rows = tuple(
        (
            c.figure.name, f"{c.figure.value:g} {c.figure.unit}",
            f"{c.ours:.3g} {c.figure.unit}" if c.ours is not None else f"{NOT_MEASURED}: {c.reason}",
            c.figure.evidence, c.figure.source,
        )
        for c in checks
    )  # fmt: skip
    return Table(("figure", "published", "this run", "evidence", "source"), rows, frozenset({1, 2}))
