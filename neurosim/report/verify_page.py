"""The page of ``verify --report``: verdicts, what was not verified, areas and coverage, offline in one file.

Reads a table of verdicts and figures of the Verilog (:mod:`rtl_models`); writes one page, whole or not at
all.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.report.sections import Badge, Headline, Table
from neurosim.report.text import NOT_MEASURED, count, percent

if TYPE_CHECKING:
    from rtl_models.coverage import Coverage
    from rtl_models.figures import Figures
    from rtl_models.verdicts import Verdict, VerifyTable

MARK = '<meta name="generator" content="neurosim">'
KINDS = (("line", "lines"), ("branch", "branches"), ("toggle", "signals that toggle"))
LEAST_LINES = 0.95
STOPPED = "a + behind the differences: nothing was compared after the first, from which later ones may follow"


def is_ours(path: Path) -> bool:
    """Whether ``path`` is a page that this program made."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return MARK in file.read(2000)
    except OSError:
        return False


def write_page(table: VerifyTable, figures: Figures, path: Path) -> None:
    """Write the page.

    Raises:
        InputError: the file cannot be written.
    """
    from neurosim.store import write_atomically

    write_atomically(path, render(table, figures).encode())


def render(table: VerifyTable, figures: Figures) -> str:
    """The page as text."""
    from neurosim.report.html import render_page

    return render_page(
        "verify.html.j2", table=table, badges=_badges(table, figures), headlines=_headlines(table, figures),
        verdicts=[_row(row) for row in table.rows], bad=table.bad, notes=notes(table), areas=_areas(figures),
        area_chart=_area_chart(figures), coverage=_coverage(figures), coverage_chart=_coverage_chart(figures),
        missed=_missed(figures), seen=_seen(figures), figures=figures,
    )  # fmt: skip


def _badges(table: VerifyTable, figures: Figures) -> list[Badge]:
    bad = table.bad
    verdict = Badge("good", "equal") if bad is None else Badge("bad", f"{bad.module}: {bad.verdict}")
    found = [verdict]
    if table.not_verified:
        found.append(Badge("warn", f"{len(table.not_verified)} not verified"))
    lines = figures.share("line")
    if lines is not None:
        tone = "good" if lines >= LEAST_LINES else "warn"
        found.append(Badge(tone, f"{percent(lines)} of lines"))
    return found


def _headlines(table: VerifyTable, figures: Figures) -> list[Headline]:
    def total(name: str) -> str:
        return count(sum(getattr(row, name) or 0 for row in table.rows))

    def share(*kinds: str) -> str:
        value = figures.share(*kinds)
        return NOT_MEASURED if value is None else percent(value)

    by_name = {area.module: area for area in figures.areas}
    core = by_name.get("neuron_core")
    size = NOT_MEASURED if core is None else count(core.cells)
    more = "generic gates, memories apart"
    if core is not None:
        more = f"and {count(core.memory_bits)} bits of memory"
    tone = "bad" if table.bad else "plain"
    stopped = "+" if any(row.is_stopped for row in table.rows) else ""
    return [
        Headline("Cycles compared", total("cycles"), f"in {total('cases')} cases"),
        Headline("Packets compared", total("packets"), "arrival cycle of each"),
        Headline("Differences", total("differences") + stopped, table.suite + " suite", tone),
        Headline("Lines", share("line"), f"floor {percent(LEAST_LINES)}; branches {share('branch')}"),
        Headline("Signals that toggle", share("toggle"), "both ways, of all bits"),
        Headline("Cells of a core", size, more),
    ]


def notes(table: VerifyTable) -> tuple[str, ...]:
    """What the reader must know about the whole table."""
    return (*((STOPPED,) if any(row.is_stopped for row in table.rows) else ()), *table.notes)


def differences(row: Verdict) -> str:
    """How many, with a "+" if the check stopped at the first."""
    return count(row.differences) + "+" * row.is_stopped


def _row(row: Verdict) -> dict[str, Any]:
    cells = [row.cycles, row.packets]
    return {
        "module": row.module, "how": row.how, "cases": count(row.cases),
        "counts": ["-" if n is None else count(n) for n in cells], "differences": differences(row),
        "time": f"{row.time_s:.1f} s", "verdict": row.verdict, "tone": "good" if row.is_good else "bad",
        "note": row.note,
    }  # fmt: skip


def _areas(figures: Figures) -> Table:
    head = ("module", "cells", "flip-flops", "depth", "memory bits", "mul, div")
    rows = tuple(
        (a.module, *map(count, (a.cells, a.flip_flops, a.depth, a.memory_bits, a.blocks)))
        for a in figures.areas
    )
    return Table(head, rows, frozenset(range(1, 6)))


def _area_chart(figures: Figures) -> dict[str, Any] | None:
    """Cells by module, flip-flops apart."""
    areas = sorted(figures.areas, key=lambda area: area.cells)
    if not areas:
        return None
    names = [area.module for area in areas]
    parts = (
        ("flip-flops", "var(--c0)", [area.flip_flops for area in areas]),
        ("gates", "var(--c3)", [area.cells - area.flip_flops for area in areas]),
    )
    bars = [
        {
            "type": "bar", "orientation": "h", "name": name, "x": values, "y": names,
            "marker": {"color": colour}, "hovertemplate": f"%{{y}}: %{{x}} {name}<extra></extra>",
        }
        for name, colour, values in parts
    ]  # fmt: skip
    return {"data": bars, "layout": _layout(len(names), "cells")}


def _layout(n: int, title: str) -> dict[str, Any]:
    return {
        "barmode": "stack", "height": 90 + 24 * n, "margin": {"l": 140, "r": 16, "t": 36, "b": 44},
        "xaxis": {"title": {"text": title}}, "yaxis": {"automargin": True}, "showlegend": True,
        "legend": {"orientation": "h", "y": 1.12},
    }  # fmt: skip


def _by_module(figures: Figures) -> dict[str, dict[str, Coverage]]:
    found: dict[str, dict[str, Coverage]] = {}
    for row in figures.coverage:
        found.setdefault(row.module, {})[row.kind] = row
    return found


def _coverage(figures: Figures) -> Table:
    rows = []
    for module, kinds in _by_module(figures).items():
        counts = [kinds.get(kind) for kind, _ in KINDS]
        cells = ["-" if row is None else f"{row.covered} of {row.points}" for row in counts]
        rows.append((module, *cells))
    return Table(("module", *(name for _, name in KINDS)), tuple(rows), frozenset({1, 2, 3}))


def _coverage_chart(figures: Figures) -> dict[str, Any] | None:
    """Share of lines and branches, and of toggling signals, by module."""
    modules = list(reversed(_by_module(figures).items()))
    if not modules:
        return None
    names = [module for module, _ in modules]
    series = (("lines and branches", "var(--c2)", ("line", "branch")), ("toggle", "var(--c4)", ("toggle",)))
    bars = []
    for name, colour, kinds in series:
        shares = []
        for _, rows in modules:
            mine = [rows[kind] for kind in kinds if kind in rows]
            points = sum(row.points for row in mine)
            shares.append(round(100 * sum(row.covered for row in mine) / points, 1) if points else None)
        bars.append({
            "type": "bar", "orientation": "h", "name": name, "x": shares, "y": names,
            "marker": {"color": colour}, "hovertemplate": "%{y}: %{x} %<extra></extra>",
        })  # fmt: skip
    layout = _layout(2 * len(names), "percent")
    return {"data": bars, "layout": {**layout, "barmode": "group", "height": 90 + 34 * len(names)}}


def _missed(figures: Figures) -> list[tuple[str, str]]:
    """Lines and branches that nothing reached."""
    return [
        (row.module, ", ".join(row.missed))
        for row in figures.coverage if row.kind != "toggle" and row.missed
    ]  # fmt: skip


def _seen(figures: Figures) -> Table:
    head = ("from port", "to port", "cycles moving", "cycles blocked", "buffer lengths seen")
    rows = tuple(
        (s.in_port, s.out_port, count(s.moving), count(s.blocked), f"{s.fills} of {s.most_fills}")
        for s in figures.seen
    )
    return Table(head, rows, frozenset({2, 3, 4}))
