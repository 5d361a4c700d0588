"""What commands show in the terminal, beside the tables of a run, which are the report's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Group
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from neurosim.report.terminal import titled
from neurosim.report.text import NOT_MEASURED, count, percent

if TYPE_CHECKING:
    from rich.console import RenderableType

    from neurosim.api.benchmarking import BenchMade
    from neurosim.api.checking import Checked
    from neurosim.api.chips import ChipCard, ChipEntry
    from neurosim.api.mapper_benchmarking import MapperBenchMade
    from neurosim.api.mapping import MappingMade
    from neurosim.api.reporting import ReportMade
    from neurosim.api.running import RunMade
    from neurosim.cli.console import Part
    from neurosim.doctor import Diagnosis
    from neurosim.network.model import Network
    from neurosim.report.data import ReportData


def rows(title: str, pairs: Sequence[tuple[str, str]]) -> RenderableType:
    """A table of (label, value) rows without a header."""
    table = Table(show_header=False, box=None)
    table.padding = (0, 2, 0, 0)
    table.add_column(style="bold", no_wrap=True)
    table.add_column(overflow="fold")
    for label, value in pairs:
        table.add_row(Text(label), Text(value))
    return titled(Text(title, style="table.title"), table)


def grid(
    title: str, columns: Sequence[str], lines: Sequence[Sequence[object]], right: Sequence[str] = ()
) -> RenderableType:
    """A table with a header; ``right`` names the columns that hold numbers."""
    from rich import box

    table = Table(box=box.SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.pad_edge = table.show_edge = False
    for name in columns:
        table.add_column(name, justify="right" if name in right else "left", overflow="fold")
    for line in lines:
        table.add_row(*(Text(str(value)) for value in line))
    return titled(Text(title, style="table.title"), table)


def written(files: Mapping[str, Path]) -> RenderableType:
    """Where the output lies."""
    return rows("Written", [(name, str(path)) for name, path in files.items()])


def network(found: Network) -> list[RenderableType]:
    """An imported network: populations and projections."""
    facts = [
        ("name", found.name),
        ("profile", found.profile),
        ("time step", f"{found.dt_s:g} s"),
        ("neurons", count(found.n_neurons)),
        ("synapses", f"{count(found.n_synapses)} (convolutions unrolled)"),
        ("outputs", ", ".join(found.outputs)),
    ]
    populations = [
        (p.name, "input" if p.neuron is None else p.neuron.model, "x".join(map(str, p.shape)), count(p.n))
        for p in found.populations
    ]
    projections = [
        (p.name, p.source, p.target, type(p.connection).__name__.lower(), count(p.connection.n_synapses),
         count(p.connection.weight.size), p.delay_steps)
        for p in found.projections
    ]  # fmt: skip
    return [
        rows("Network", facts),
        grid("Populations", ("name", "model", "shape", "neurons"), populations, ("neurons",)),
        grid(
            "Projections", ("name", "from", "to", "kind", "synapses", "weights", "delay"), projections,
            ("synapses", "weights", "delay"),
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


def mapping(made: MappingMade) -> list[RenderableType]:
    """A mapping: what it takes, what the solvers proved, what quantisation cost, and the verdict."""
    f = made.figures
    net, cores, figures = f["network"], f["cores"], f["metrics"]
    packets = count(round(figures["packets"], 1))
    hops = f"each through {figures['mean_hops']:.2f} routers"
    facts = [
        ("network", f"{net['name']}, {count(net['neurons'])} neurons, {count(net['synapses'])} synapses"),
        ("chip", f"{f['chip']['name']}, {count(cores['used'])} of {count(cores['available'])} cores used"),
        ("weights", f"{net['weight_bits']} bits"),
        ("input", _length(f["input_samples"], f["input_steps"]) if f["input_steps"] else "none"),
        ("traffic", f"{packets} packets per sample, {hops} ({f['activity']})"),
        ("busiest link", f"{f['busiest_link'] or 'none'} (what the host sends is left out)"),
        *_multicast(f["multicast"]),
        ("time", f"a sample takes {f['hardware_steps_beyond_own']} hardware steps beyond its own"),
        ("seed", str(f["seed"])),
    ]
    tables: list[RenderableType] = [rows("Mapping", facts), _fullest(f["fullest"]), _solvers(f["solver"])]
    if "formulas" in f:
        lines = [(n, f"{v:.6g}", f["formulas"][n]) for n, v in figures.items()]
        tables.append(grid("Figures", ("figure", "value", "formula"), lines, ("value",)))
    if f["quantisation"] is not None:
        tables.append(_quantisation(f["quantisation"]))
    said = [line.partition(": ")[::2] for line in f["deadlock"]["lines"] if not line.startswith("run:")]
    tables.append(rows("Deadlock", [(what, text) if text else ("", what) for what, text in said]))
    return tables


def _multicast(found: Mapping[str, Any] | None) -> list[tuple[str, str]]:
    """What the trees save, and why some neurons do without; nothing for chips that have none."""
    if found is None:
        return []
    trees = f"{count(found['n_trees'])} tree{'s' * (found['n_trees'] != 1)}"
    entries = f"{count(found['entries'])} entr{'y' if found['entries'] == 1 else 'ies'}"
    held = f"at most {count(found['entries_max'])} of {count(found['limit'])} in a router"
    alone = found["traversals_alone"]
    saved = percent(1 - found["traversals"] / alone, 1) if alone else "none"
    users = f"{count(found['on_trees'])} of {count(found['neurons'])} neurons send to trees"
    made = f"{trees} of {entries}, {held}: {saved} of traversals saved; {users}"
    if not found["n_trees"] and not found["left_out"]:
        made = f"{trees}: no neuron's ways share a link"
    lines = [("multicast", made)]
    for why, neurons in found["left_out"].items():
        who = "1 neuron sends" if neurons == 1 else f"{count(neurons)} neurons send"
        lines.append(("", f"{who} single packets that could share links: {why}"))
    return lines


def _length(samples: int, steps: int) -> str:
    """How long an input is; swapped axes show here."""
    return f"{_n(samples, 'sample')} of {_n(steps, 'step')}"


def _n(number: int, noun: str) -> str:
    return f"{count(number)} {noun}{'s' * (number != 1)}"


def _fullest(found: Mapping[str, Any]) -> RenderableType:
    lines = []
    for name, r in found.items():
        full = percent(r["used"] / r["limit"], 0) if r["limit"] else ""
        lines.append((name.replace("_", " "), r["core"], count(r["used"]), count(r["limit"]), full))
    head = ("resource", "core", "used", "limit", "full")
    return grid("Fullest core by resource", head, lines, head[1:])


def _solvers(reports: Sequence[Mapping[str, Any]]) -> RenderableType:
    lines = [
        (
            r["stage"], r["method"], r["status"], f"{r['objective']:.6g} {r['unit']}".rstrip(),
            "none" if r["bound"] is None else f"{r['bound']:.6g}",
            "" if r["gap"] is None else percent(r["gap"]),
        )
        for r in reports
    ]  # fmt: skip
    head = ("stage", "method", "status", "objective", "bound", "gap")
    table = grid("Solvers", head, lines, head[3:])
    said = [r["detail"].partition(";")[0] for r in reports if r["stage"] == "routing tables"]
    if not said:
        return table
    return Group(table, Text(f"routing tables: {said[0]}", style="table.caption"))


def _quantisation(loss: Mapping[str, Any]) -> RenderableType:
    lines = [
        (
            r["population"], count(r["weights"]), r["weight_bits"], count(r["weights_saturated"]),
            count(r["spikes_float"]), count(r["spikes_int"]),
            percent(r["slots_that_differ"] / max(1, r["slots"]), 2),
        )
        for r in loss["layers"]
    ]  # fmt: skip
    title = f"Quantisation, over {count(loss['n_samples'])} samples"
    if loss["accuracy_float"] is not None:
        title += f": accuracy {_accuracies(loss)}"
    head = ("layer", "weights", "bits", "saturated", "spikes float", "spikes integer", "slots changed")
    return grid(title, head, lines, head[1:])


def _accuracies(found: Mapping[str, Any]) -> str:
    return f"{percent(found['accuracy_float'], 2)} float, {percent(found['accuracy_int'], 2)} integer"


def check(found: Checked) -> list[RenderableType]:
    """What was checked, and every problem."""
    lines = [(what, _problems(len(bad)) if bad else "good") for what, bad in found.lines]
    tables: list[RenderableType] = [grid(f"Checked {found.artefact}", ("what", "found"), lines)]
    if found.problems:
        tables.append(rows("Problems", [(str(n), text) for n, text in enumerate(found.problems, 1)]))
    tables.append(Text("good" if found.is_good else f"NOT GOOD: {_problems(len(found.problems))}"))
    return tables


def _problems(n: int) -> str:
    return f"{n} problem{'' if n == 1 else 's'}"


def run(made: RunMade) -> list[Part]:
    """A run's headline figures, verdict and comparison; ``report`` shows the rest."""
    from neurosim.report.terminal import headline_table, latency_table, print_verdict

    data, comparison = made.data, _comparison(made.comparison)
    facts, load = made.metrics["run"], made.metrics["load"]
    pairs = [("engine", facts["engine"]), ("input", _length(facts["n_samples"], facts["n_steps"]))]
    pairs.append(("seed", str(facts["seed"])))
    if load["busiest_links"] is None:
        pairs.append(("busiest link", NOT_MEASURED))
    elif load["busiest_links"]:
        link = load["busiest_links"][0]
        pairs.append(("busiest link", f"{link['name']}, {percent(link['utilisation'])} {data.timed('busy')}"))
    energy = made.metrics["energy"]
    if energy["not_priced"]:
        items = [f"{count(e['count'])} {e['event']}" for e in energy["not_priced"] if e["count"]]
        pairs.append(("not priced", ", ".join(items) or "nothing that happened"))
    parts: list[Part] = [rows("Run", pairs), headline_table(data), latency_table(data)]
    parts += [*_estimate(data), comparison]
    return [*parts, lambda console: print_verdict(console, data)]


def report(made: ReportMade) -> list[Part]:
    """Everything about a run, from its folder."""
    from neurosim.report.terminal import print_report

    data = made.run.data
    return [lambda console: print_report(console, data), *_estimate(data), _comparison(made.run.comparison)]


def _estimate(data: ReportData) -> list[Part]:
    from neurosim.report.sections import estimate_table
    from neurosim.report.terminal import rich_table

    table = estimate_table(data)
    return [rich_table("Estimate: no cycle was simulated", table)] if table.rows else []


def _comparison(found: Mapping[str, Any]) -> RenderableType:
    equal = found["spikes_equal_functional"]
    said = {True: "equal, every one", False: "DIFFERENT: " + ", ".join(found["populations_that_differ"])}
    pairs = [("spikes against the functional engine", said.get(equal, f"not compared: {found['reason']}"))]
    if found["accuracy_float"] is not None:
        pairs.append(("accuracy on these samples", _accuracies(found)))
    return rows("Comparison", pairs)


def chips(entries: Sequence[ChipEntry]) -> RenderableType:
    """The list of presets."""
    lines = [(e.name, e.n_chips, count(e.neuron_cores), count(e.neurons), e.description) for e in entries]
    head = ("name", "chips", "cores", "neurons", "description")
    return grid("Chips", head, lines, ("chips", "cores", "neurons"))


def chip(card: ChipCard) -> list[RenderableType]:
    """One chip in full."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for n in card.numbers:
        conditions = f" ({n.conditions})" if n.conditions else ""
        groups.setdefault(f"{n.evidence}: {n.source}{conditions}", []).append((n.path, n.text))
    parts: list[RenderableType] = [rows("Chip", [*card.summary, ("digest", card.digest)])]
    parts.append(Text("Where the numbers come from, by source", style="bold"))
    for source, numbers in groups.items():  # each source once, then everything that it is the source of
        parts += [Text(source, style="italic"), Padding(rows("", numbers), (0, 0, 0, 2), expand=False)]
    return parts


def chip_document(card: ChipCard) -> dict[str, Any]:
    """One chip for ``--json``."""
    return {
        "name": card.name,
        "digest": card.digest,
        "summary": dict(card.summary),
        "numbers": [asdict(n) for n in card.numbers],
    }


def bench(made: BenchMade) -> list[RenderableType]:
    """Router traversals per CPU second and per bare SimPy event, memory, and growth if measured."""
    from neurosim.api.bench_parts import parts

    shown: list[RenderableType] = []
    for part in parts(made):
        right = [name for column, name in enumerate(part.table.head) if column in part.table.numeric]
        shown += [grid(part.title, part.table.head, part.table.rows, right), Text(part.note), Text("")]
    shown.append(Text(f"seed {made.seed}"))
    if made.written is not None:
        shown.append(Text(f"page  {made.written}"))
    return shown


def mapper_bench(made: MapperBenchMade) -> list[RenderableType]:
    """Costs beside published figures, floors and lower bounds; then times and methods."""
    costs = [
        (r.case, count(r.size), f"{r.published:,.0f}", f"{r.cost:,.0f}", f"{r.ratio:.4f}",
         f"{r.mean / r.published:.4f}", "" if r.floor is None else f"{r.floor:,.0f}", f"{r.bound:,.0f}")
        for r in made.rows
    ]  # fmt: skip
    times = [
        (r.case, f"{r.cpu_s / r.runs:.1f}", f"{r.wall_s / r.runs:.1f}",
         "" if r.floor_s is None else f"{r.floor_s:g}", _KEPT[r.keeps_floor], r.method)
        for r in made.rows
    ]  # fmt: skip
    sources = sorted({f"{r.case.split()[0]}: {r.source}" for r in made.rows})
    notes = f"seed {made.seed}, effort {made.effort:g}, seconds of one run. Published: " + "; ".join(sources)
    heads = ("net", "size", "published", "best", "ratio", "mean ratio", "floor", "bound")
    return [
        grid(f"Mapper, {made.stage}", heads, costs),
        grid("Times", ("net", "CPU s", "wall s", "floor s", "kept", "method"), times),
        Text(notes),
    ]


_KEPT = {True: "yes", False: "NO", None: ""}


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
        missing = [(", ".join(names), command) for command, names in ways.items()]
        tables.append(grid("How to get what is missing", ("part", "command"), missing))
    verdict = "everything required is there" if found.is_healthy else "something required is missing"
    tables.append(Text(verdict))
    return tables
