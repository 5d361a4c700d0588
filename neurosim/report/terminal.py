"""The report in the terminal: headline figures, energy, load and verdict as rich tables.

Writes to a :class:`rich.console.Console` that the caller gives; what is printed is data, so markup in
names is taken literally.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from neurosim.analysis.deadlock import verdict_lines
from neurosim.report import sections
from neurosim.report.data import ReportData
from neurosim.report.text import NOT_MEASURED, count, percent, si

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.table import Table
    from rich.text import Text

_STYLE = {"good": "bold green", "warn": "bold yellow", "bad": "bold red", "plain": "bold"}


def print_report(console: Console, data: ReportData) -> None:
    """Print the whole report of a run."""
    from rich.text import Text

    run = data.metrics["run"]
    console.print(Text(f"{run['program']} on {run['chip']}", style="bold"))
    console.print(
        f"{count(run['n_neurons'])} neurons, {count(run['n_synapses'])} synapses on "
        f"{run['used_cores']} cores; {run['n_samples']} samples of {run['n_steps']} steps, "
        f"{run['engine']} engine", markup=False, highlight=False,
    )  # fmt: skip
    for badge in sections.badges(data):
        console.print(Text.assemble("  ", ("● ", _STYLE[badge.tone]), badge.text))
    console.print(headline_table(data))
    console.print(latency_table(data))
    energy = sections.event_table(data)
    if energy.rows:
        short = sections.Table(energy.head[:5], tuple(r[:5] for r in energy.rows), energy.numeric)
        console.print(rich_table("Energy by event, all samples", short))
    for title, table in (
        ("Published all-in figures, compared only", sections.check_table(data)),
        ("Busiest links", sections.link_table(data)),
        ("Busiest cores", sections.core_table(data)),
        ("Mapping", sections.solver_table(data)),
        (f"Quantisation loss{sections.loss_note(data)}", sections.loss_table(data)),
        ("NeuroBench", sections.neurobench_table(data)),
    ):
        if table.rows:
            console.print(rich_table(title, table))
    print_verdict(console, data)


def print_verdict(console: Console, data: ReportData) -> None:
    """Print the deadlock verdict, line by line."""
    from rich.text import Text

    console.print(Text("Deadlock", style="bold"))
    for line in verdict_lines(data.figures.deadlock):
        console.print(Text(f"  {line}"), soft_wrap=True)


def rich_table(title: str, table: sections.Table) -> RenderableType:
    """A table of plain text as a rich one."""
    from rich import box
    from rich.table import Table as RichTable
    from rich.text import Text

    drawn = RichTable(box=box.SIMPLE_HEAD, show_header=any(table.head))
    for index, name in enumerate(table.head):
        drawn.add_column(Text(name), justify="right" if index in table.numeric else "left", overflow="fold")
    for row in table.rows:
        drawn.add_row(*(Text(cell, style="dim" if _is_missing(cell) else "") for cell in row))
    return titled(Text(title, style="bold"), drawn)


def titled(title: Text, table: Table) -> RenderableType:
    """``table`` below its title; a title that is part of a table would be broken to the table's width."""
    from rich.console import Group

    return Group(title, table) if title else table


def _is_missing(cell: str) -> bool:
    return cell.startswith((NOT_MEASURED, "not priced"))


def headline_table(data: ReportData) -> RenderableType:
    """The figures that everybody asks for first."""
    rows = tuple(tuple(headline[:3]) for headline in sections.headlines(data))
    return rich_table("Figures", sections.Table(("", "", ""), rows, frozenset({1})))


def latency_table(data: ReportData) -> RenderableType:
    """Latency of samples and packets in cycles and seconds: mean, median, 99th percentile, maximum."""
    head = ("latency", "mean", "p50", "p99", "max")
    rows: list[tuple[str, ...]] = []
    seconds = data.figures.latency.seconds
    for name, key in (("sample", "sample_cycles"), ("packet", "packet_cycles")):
        spread = data.metrics["latency"][key]
        if spread is None:
            rows.append((name, *[NOT_MEASURED] * 4))
            continue
        rows.append((f"{name}, cycles", *(count(spread[k]) for k in head[1:])))
        rows.append((f"{name}, time", *(si(seconds(spread[k]), "s") for k in head[1:])))
    table = sections.Table(head, tuple(rows), frozenset({1, 2, 3, 4}))
    return rich_table(f"{data.timed('Latency')} (p50 and p99: nearest rank)", table)


def one_line(data: ReportData) -> str:
    """The run in one line, for logs and ``--quiet``."""
    m = data.metrics
    spread = m["latency"]["sample_s"]
    latency = si(spread["p50"] if spread else None, "s")
    return (
        f"{m['run']['program']} on {m['run']['chip']}: {data.result.verdict.status}, "
        f"accuracy {percent(m['accuracy']['rate'])}, {data.timed('latency')} {latency}, "
        f"dynamic energy {'at least ' if m['energy']['is_lower_bound'] else ''}"
        f"{si(m['energy']['per_sample_j'], 'J')} per sample, deadlock {m['deadlock']['conclusion']}"
    )
