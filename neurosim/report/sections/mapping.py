"""How the network came onto the chip: what the solvers proved, and what quantisation cost."""

from __future__ import annotations

from typing import Any

from neurosim.report.data import ReportData
from neurosim.report.sections.parts import Table
from neurosim.report.text import NOT_MEASURED, count, percent


def solver_table(data: ReportData) -> Table:
    """What the mapper's solvers proved."""
    rows = tuple(
        (
            s.stage, s.method, s.status, f"{s.objective:g} {s.unit}".rstrip(),
            NOT_MEASURED if s.bound is None else f"{s.bound:g}",
            NOT_MEASURED if s.gap is None else percent(s.gap), s.detail,
        )
        for s in data.solver
    )  # fmt: skip
    head = ("stage", "method", "status", "objective", "bound", "gap", "detail")
    return Table(head, rows, frozenset({3, 4, 5}))


def loss_note(data: ReportData) -> str:
    """Over how many samples the quantisation loss was measured; empty if that is not known."""
    n = data.loss_samples
    return "" if n is None else f" over the {_plural(n, 'sample')} given to map"


def _plural(n: int, noun: str) -> str:
    return f"{count(n)} {noun}" + ("" if n == 1 else "s")


def loss_table(data: ReportData) -> Table:
    """The quantisation loss rows as they were given; columns in order of the first row."""
    if not data.loss:
        return Table((), ())
    columns = list(data.loss[0])
    rows = tuple(tuple(_cell(row.get(c)) for c in columns) for row in data.loss)
    return Table(
        tuple(c.replace("_", " ") for c in columns), rows,
        frozenset(i for i, c in enumerate(columns) if isinstance(data.loss[0][c], (int, float))),
    )  # fmt: skip


def _cell(value: Any) -> str:
    if value is None:
        return NOT_MEASURED
    if isinstance(value, float):
        return f"{value:.4g}"
    return count(value) if isinstance(value, int) and not isinstance(value, bool) else str(value)
