"""What commands show in the terminal, beside the tables of a run, which are the report's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from rich.console import RenderableType

    from neurosim.api.chips import ChipCard, ChipEntry
    from neurosim.doctor import Diagnosis
    from neurosim.network.model import Network


def rows(title: str, pairs: Sequence[tuple[str, str]]) -> Table:
    """A table of (label, value) rows without a header."""
    table = Table(title=title, title_justify="left", show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in pairs:
        table.add_row(Text(label), Text(value))
    return table


def grid(title: str, columns: Sequence[str], lines: Sequence[Sequence[object]], right: str = "") -> Table:
    """A table with a header; ``right`` names the columns that hold numbers, separated by spaces."""
    from rich import box

    table = Table(title=title, title_justify="left", box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0), pad_edge=False)
    for name in columns:
        table.add_column(name, justify="right" if name in right.split() else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(str(value)) for value in line))
    return table


def written(files: Mapping[str, Path]) -> RenderableType:
    """Where the output lies."""
    return rows("Written", [(name, str(path)) for name, path in files.items()])


def network(found: Network) -> list[RenderableType]:
    """An imported network: populations and projections."""
    facts = [
        ("name", found.name),
        ("profile", found.profile),
        ("time step", f"{found.dt_s:g} s"),
        ("neurons", f"{found.n_neurons:,}"),
        ("synapses", f"{found.n_synapses:,} (convolutions unrolled)"),
        ("outputs", ", ".join(found.outputs)),
    ]
    populations = [
        (p.name, "input" if p.neuron is None else p.neuron.model, "x".join(map(str, p.shape)), f"{p.n:,}")
        for p in found.populations
    ]
    projections = [
        (p.name, p.source, p.target, type(p.connection).__name__.lower(), f"{p.connection.n_synapses:,}",
         f"{p.connection.weight.size:,}", p.delay_steps)
        for p in found.projections
    ]  # fmt: skip
    return [
        rows("Network", facts),
        grid("Populations", ("name", "model", "shape", "neurons"), populations, "neurons"),
        grid(
            "Projections", ("name", "from", "to", "kind", "synapses", "weights", "delay"), projections,
            "synapses weights delay",
        ),
    ]  # fmt: skip


def network_document(found: Network, out: Path) -> dict[str, Any]:
    """An imported network for ``--json``."""
    from neurosim.store import digest

    return {
        "network": found.name,
        "profile": found.profile,
        "dt_s": found.dt_s,
        "digest": digest(found),
        "n_neurons": found.n_neurons,
        "n_synapses": found.n_synapses,
        "outputs": list(found.outputs),
        "populations": [
            {"name": p.name, "model": p.neuron.model if p.neuron else "input", "shape": list(p.shape)}
            for p in found.populations
        ],
        "projections": [
            {"name": p.name, "from": p.source, "to": p.target, "kind": type(p.connection).__name__.lower(),
             "synapses": p.connection.n_synapses, "delay_steps": p.delay_steps}
            for p in found.projections
        ],
        "warnings": list(found.warnings),
        "written": str(out),
    }  # fmt: skip


def chips(entries: Sequence[ChipEntry]) -> RenderableType:
    """The list of presets."""
    lines = [(e.name, e.n_chips, f"{e.neuron_cores:,}", f"{e.neurons:,}", e.description) for e in entries]
    return grid("Chips", ("name", "chips", "cores", "neurons", "description"), lines, "chips cores neurons")


def chip(card: ChipCard) -> list[RenderableType]:
    """One chip in full."""
    lines = [
        (n.path, f"{n.value} {n.unit}".strip(), n.evidence, n.source + (f" ({n.conditions})" if n.conditions else ""))
        for n in card.numbers
    ]
    return [
        rows("Chip", [*card.summary, ("digest", card.digest)]),
        grid("Where the numbers come from", ("number", "value", "evidence", "source"), lines),
    ]


def chip_document(card: ChipCard) -> dict[str, Any]:
    """One chip for ``--json``."""
    return {
        "name": card.name,
        "digest": card.digest,
        "summary": dict(card.summary),
        "numbers": [asdict(n) for n in card.numbers],
    }


def doctor(found: Diagnosis) -> list[RenderableType]:
    """The machine, and what is missing with the command to get it."""
    python = found.python + ("" if found.python_is_new_enough else "  TOO OLD, 3.11 or newer is needed")
    facts = [("neurosim", found.version), ("python", python), ("processor cores", str(found.cores))]
    facts.append(("system", found.system))
    lines = [
        (p.name, p.version or "MISSING", "required" if p.required else f"optional: {p.needed_for}")
        for p in found.parts
    ]
    tables: list[RenderableType] = [
        rows("This machine", facts), grid("Parts", ("part", "version", "needed"), lines)
    ]  # fmt: skip
    ways: dict[str, list[str]] = {}
    for part in found.missing:
        ways.setdefault(part.command, []).append(part.name)
    if ways:
        lines = [(", ".join(names), command) for command, names in ways.items()]
        tables.append(grid("How to get what is missing", ("part", "command"), [list(line) for line in lines]))
    verdict = "everything required is there" if found.is_healthy else "something required is missing"
    tables.append(Text(verdict))
    return tables
