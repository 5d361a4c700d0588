"""What ``diff`` shows in the terminal."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.text import Text

from neurosim.cli.tables import grid, rows
from neurosim.report.text import count

if TYPE_CHECKING:
    from rich.console import RenderableType

    from neurosim.api.diffing import Diffed, StateFound

_SHOWN = 12


def diff(found: Diffed) -> list[RenderableType]:
    """Set-up, first difference of the results, first difference of the states, conclusion."""
    parts: list[RenderableType] = [rows("Compared", [("A", str(found.ours)), ("B", str(found.theirs))])]
    if found.setup:
        title = "Set-up" if found.kind == "run" else "First difference of every part"
        lines = [(d.what, d.ours, d.theirs) for d in found.setup[:_SHOWN]]
        parts += [grid(title, ("what", "A", "B"), lines), *_more(len(found.setup))]
    if found.results:
        shown = [(_when(d.sample), _when(d.step), d.what, d.ours, d.theirs) for d in found.results[:_SHOWN]]
        head = ("sample", "step", "what", "A", "B")
        title = "First difference of every kind in the results, earliest first"
        parts += [grid(title, head, shown, head[:2]), *_more(len(found.results))]
    if found.state is not None:
        parts += _state(found.state)
    if found.notes:
        parts.append(rows("Also", [("", note) for note in found.notes]))
    parts.append(Text(_conclusion(found)))
    return parts


def _when(value: int) -> str:
    return str(value) if value >= 0 else "end"


def _more(n: int) -> list[RenderableType]:
    return [Text(f"and {count(n - _SHOWN)} more")] if n > _SHOWN else []


def _state(state: StateFound) -> list[RenderableType]:
    title = f"Run again in lock-step, the states part in cycle {state.cycle} of sample {state.sample}"
    title += f" (hardware step {state.step})"
    table = grid(title, ("component", "field", "A", "B"), state.fields[:_SHOWN])
    return [table, *_more(len(state.fields))]


def _conclusion(found: Diffed) -> str:
    if found.is_equal:
        return "equal"
    if found.state is not None:
        component, field = found.state.fields[0][:2]
        return f"DIFFERENT: first in cycle {found.state.cycle}, {component}, {field}"
    if found.setup:
        return "DIFFERENT: not the same set-up" if found.kind == "run" else "DIFFERENT"
    return f"DIFFERENT: first in {found.results[0].what}"
