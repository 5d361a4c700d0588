"""What ``verify`` shows in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from neurosim.cli.tables import grid, rows
from neurosim.report import verify_page
from neurosim.report.text import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from neurosim.api.bench_rtl import RtlBenchMade
    from rtl_models.verdicts import FirstDifference, Verdict, VerifyTable

COLUMNS = ("module", "checked by", "cases", "cycles", "packets", "differences", "time", "verdict")
NUMBERS = ("cases", "cycles", "packets", "differences", "time")


def verification(table: VerifyTable) -> list[RenderableType]:
    """The verdicts, what stands for what, what was not verified, the first difference, conclusion."""
    title = f"Verilog against the simulator: {table.subject}, suite {table.suite}, seed {table.seed}"
    parts: list[RenderableType] = [grid(title, COLUMNS, [line(row) for row in table.rows], NUMBERS)]
    notes = [(f"{row.module}, {row.how}", row.note) for row in table.rows if row.note]
    notes += [("", note) for note in (table.demanded, *verify_page.notes(table))]
    parts.append(rows("To know", notes))
    if table.not_verified:
        parts.append(rows("Not verified", [(found.module, found.reason) for found in table.not_verified]))
    bad = table.bad
    if bad is not None:
        parts += _account(bad)
    parts.append(Text(conclusion(table)))
    return parts


def line(row: Verdict) -> tuple[str, ...]:
    """One row of the table; ``-`` where there is nothing to count."""
    cycles, packets = ("-" if n is None else count(n) for n in (row.cycles, row.packets))
    return (
        row.module, row.how, str(row.cases), cycles, packets, verify_page.differences(row),
        f"{row.time_s:.1f} s", row.verdict,
    )  # fmt: skip


def _account(row: Verdict) -> list[RenderableType]:
    first = row.first
    if first is None:
        return []
    table = grid(
        f"First difference: {row.module}, {row.how}", ("component", "field", "simulator", "Verilog"),
        [(first.component, first.field, first.expected, first.got)],
    )  # fmt: skip
    where = [("case", first.case), *_when(first)]
    where += [("waveform", str(row.vcd))] if row.vcd is not None else []
    where += [("log", str(row.log))] if row.log is not None else []
    if row.vcd is None and row.log is None:
        where.append(("kept", "nothing; with --out DIR the waveform around it and the simulator's log"))
    return [table, rows("", where)]


def _when(first: FirstDifference) -> list[tuple[str, str]]:
    found = [("sample", str(first.sample))] if first.sample >= 0 else []
    return [*found, ("cycle", str(first.cycle))] if first.cycle >= 0 else found


def conclusion(table: VerifyTable) -> str:
    """One sentence."""
    bad = table.bad
    if bad is None:
        return "equal" if table.is_good else "nothing was verified"
    first = bad.first
    if first is None:
        return f"DIFFERENT: {bad.module}"
    when = f"first in cycle {first.cycle}, " if first.cycle >= 0 else ""
    return f"DIFFERENT: {when}{first.component}, {first.field}"


def rtl_bench(made: RtlBenchMade) -> list[RenderableType]:
    """Cycles per CPU second of both, and their ratio beside the aim."""
    lines = [
        (r.case, count(r.cycles), count(r.packets), f"{r.engine_rate:,.0f}", f"{r.verilog_rate:,.0f}",
         f"{r.ratio:.1f}", f"{r.aim:g}", "yes" if r.ratio >= r.aim else "NO")
        for r in made.rows
    ]  # fmt: skip
    columns = ("case", "cycles", "packets", "engine", "Verilog", "ratio", "aim", "reached")
    note = (
        "cycles per CPU second of the compiled engine and of self-driving Verilator, on the same chip and "
        f"input; every packet arrived in the same cycle in both. Seed {made.seed}."
    )
    title = "Compiled engine against the Verilog"
    return [grid(title, columns, lines, columns[1:7]), Text(note)]
