"""The words and tables of the HTML report: badges, headline figures and rows, as plain values.

Reads a :class:`~neurosim.report.data.ReportData`; knows no HTML.  ``tone`` is good, warn, bad or plain.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

from neurosim.analysis import load
from neurosim.artefacts.mapping import HOST
from neurosim.chip.catalogue import provenance_rows
from neurosim.fabric.cdg import NOT_CHECKED
from neurosim.report.data import ReportData
from neurosim.report.text import NOT_MEASURED, count, percent, si
from neurosim.rules.events import EVENT_INDEX


class Badge(NamedTuple):
    """A verdict in a few words."""

    tone: str
    text: str


class Headline(NamedTuple):
    """One big figure with a line below it."""

    name: str
    value: str
    more: str
    tone: str = "plain"


@dataclass(frozen=True)
class Table:
    """Rows of text under a head; ``numeric`` are the columns that align right."""

    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: frozenset[int] = frozenset()


FEW = 5
"""Fewer finished samples than this stand in a table, not in a histogram."""
RUN_TONE = {"ok": "good", "saturated": "warn", "limit": "warn", "lost_packets": "bad"}
RUN_TEXT = {
    "ok": "run finished",
    "deadlock": "deadlocked",
    "partial_deadlock": "partly deadlocked",
    "saturated": "saturated",
    "lost_packets": "lost packets",
    "limit": "stopped at a limit",
}


def badges(data: ReportData) -> list[Badge]:
    """How the run ended, what is proven, and everything that should be zero but is not."""
    status = data.result.verdict.status
    found = [Badge(RUN_TONE.get(status, "bad"), RUN_TEXT.get(status, status))]
    if data.is_estimate:
        found = [Badge("warn", "estimated: no cycle was simulated")]
    deadlock = data.figures.deadlock
    if deadlock.flows.result.is_free:
        found.append(Badge("good", "mapping proven free of deadlock"))
    else:
        found.append(Badge("bad", "mapping can deadlock"))
    if deadlock.routing.result.is_free:
        found.append(Badge("good", "routing function proven free"))
    elif deadlock.routing.result.verdict == NOT_CHECKED:
        found.append(Badge("plain", "routing function not checked: too many pairs"))
    else:
        found.append(Badge("warn", "routing function can deadlock"))
    health = data.metrics["health"]
    for key, text in (
        ("missed_deadlines", "missed deadlines"),
        ("late_packets", "late packets"),
        ("membrane_overflows", "membrane overflows"),
        ("accumulator_overflows", "accumulator overflows"),
    ):
        if health[key]:
            found.append(Badge("warn", f"{count(health[key])} {text}"))
    dropped = data.result.counters.packets_dropped
    if dropped:
        found.append(Badge("bad", f"{count(dropped)} packets dropped"))
    energy = data.figures.energy
    if energy is not None and energy.is_lower_bound:
        n = sum(1 for e in energy.not_priced if e.count)
        found.append(Badge("plain", f"{n} kind{'s' if n > 1 else ''} of event not priced"))
    return found


def headlines(data: ReportData) -> list[Headline]:
    """The figures that everybody asks for first."""
    m, n = data.metrics, max(1, data.result.n_samples)
    work, load_part = m["work"], m["load"]
    busiest = load_part["busiest_cores"][0] if load_part["busiest_cores"] else None
    hops, sent = work["packet_hops"], work["packets_sent"]
    links = "" if not sent or hops is None else f", {hops / sent:.1f} links each on average"
    found = [
        _accuracy(data),
        _latency(data),
        Headline(
            data.timed("Throughput"), si(m["latency"]["throughput_samples_per_s"], "/s"),
            "samples, one after the other",
        ),
        _energy(data),
        Headline(
            "Synaptic operations", _each(work["synaptic_operations"], n), "per sample, zero weights included"
        ),
        Headline(
            "Packets", _each(sent, n), f"per sample{links}"
        ),
        Headline("Spikes", _each(work["spikes"], n), "per sample, of neurons on cores"),
        Headline(
            data.timed("Busiest core"), percent(busiest["utilisation"] if busiest else None),
            f"core {busiest['core']}; {m['run']['used_cores']} cores used" if busiest else "",
        ),
    ]  # fmt: skip
    if data.figures.energy is None and not data.result.latency_cycles.size:  # neither events nor cycles
        only = f"{data.result.engine} engine: spikes only"
        found = [
            h._replace(more=only) if h.value == NOT_MEASURED and h.name != "Accuracy" else h for h in found
        ]
    return found


def _each(total: int | None, n: int) -> str:
    return NOT_MEASURED if total is None else count(round(total / n, 1))


def _accuracy(data: ReportData) -> Headline:
    part = data.metrics["accuracy"]
    more = f"{part['correct']} of {part['labelled']} samples" if part["labelled"] else "no labels"
    if part["unfinished"]:
        none = "no finished sample has a label"
        more = f"{more if part['labelled'] else none}; {part['unfinished']} unfinished, not counted"
    status, counters = data.result.verdict.status, data.result.counters
    doubts = [RUN_TEXT.get(status, status)] if status != "ok" else []
    if counters.packets_dropped and status != "lost_packets":
        doubts.append("packets dropped")
    if counters.late_packets:
        doubts.append("late packets")
    if not doubts:
        return Headline("Accuracy", percent(part["rate"]), more)
    more += f"; not that of the network: {', '.join(doubts)}"
    return Headline("Accuracy", percent(part["rate"]), more, "bad")


def _latency(data: ReportData) -> Headline:
    part, name = data.metrics["latency"], data.timed("Latency per sample")
    if part["sample_s"] is None:
        return Headline(name, NOT_MEASURED, "")
    cycles, seconds = part["sample_cycles"], part["sample_s"]
    more = f"median (nearest rank); p99 {si(seconds['p99'], 's')}; {count(cycles['p50'])} cycles"
    return Headline(name, si(seconds["p50"], "s"), more)


def _energy(data: ReportData) -> Headline:
    part = data.metrics["energy"]
    if part["per_sample_j"] is None:
        return Headline("Energy per sample", NOT_MEASURED, "")
    sign = "≥ " if part["is_lower_bound"] else ""
    static = part["static_j"]
    more = "static power not priced"
    if static is not None:
        each = si(static / max(1, data.result.n_samples), "J")
        more = f"dynamic; {data.timed('static')} {each} more"
    return Headline("Energy per sample", sign + si(part["per_sample_j"], "J"), more)


def link_table(data: ReportData) -> Table:
    """The ten busiest links."""
    rows = tuple(
        (
            link.name + _credit_limit(data, link), link.kind, count(link.flits),
            count(link.blocked_cycles), percent(link.utilisation),
        )
        for link in load.busiest_links(data.figures.links)
    )  # fmt: skip
    head = ("link", "kind", "flits", "blocked cycles", data.timed("busy"))
    return Table(head, rows, frozenset({2, 3, 4}))


def _credit_limit(data: ReportData, link: load.LinkLoad) -> str:
    """What the credits of the host's link into the system allow, where they hold it below its wires' rate."""
    host, slots = data.chip.host, data.chip.router.buffer_flits
    if host is None or link.router != HOST:
        return ""
    loop = host.latency_cycles + host.credit_cycles
    if slots * host.cycles_per_flit >= loop:
        return ""
    return f" (credits allow {percent(slots * host.cycles_per_flit / loop, 0)})"


def few_samples(data: ReportData) -> Table:
    """Latency and work of every sample, where there are too few of them for a histogram."""
    cycles, events = data.result.latency_cycles, data.result.counters.sample_events
    if not 0 < int((cycles >= 0).sum()) < FEW:
        return Table((), ())
    rows = []
    for sample in range(len(cycles)):
        n = int(cycles[sample])
        work = count(int(events[sample, EVENT_INDEX["synaptic_operation"]])) if events.size else NOT_MEASURED
        time = si(data.figures.latency.seconds(n), "s") if n >= 0 else NOT_MEASURED
        rows.append((str(sample), count(n) if n >= 0 else NOT_MEASURED, time, work))
    head = ("sample", data.timed("cycles"), data.timed("time"), "operations")
    return Table(head, tuple(rows), frozenset({0, 1, 2, 3}))


def core_table(data: ReportData) -> Table:
    """The ten busiest cores."""
    rows = tuple(
        (
            f"core {core.core}", ", ".join(core.populations), count(core.n_neurons),
            count(core.synaptic_operations), count(core.loop_stall_cycles), percent(core.utilisation),
        )
        for core in load.busiest_cores(data.figures.cores)
    )  # fmt: skip
    head = ("core", "layers", "neurons", "operations", "stalled cycles", data.timed("busy"))
    return Table(head, rows, frozenset({2, 3, 4, 5}))


class Capacity(NamedTuple):
    """How full the used cores are of one resource, as shares of the limit."""

    resource: str
    mean: float
    fullest: float
    text: str


def capacities(data: ReportData) -> list[Capacity]:
    """Per resource the mean and the fullest used core."""
    images = data.program.cores
    if not images:
        return []
    rows = []
    for resource in load.RESOURCES:
        shares = []
        for image in images:
            used = load.used_capacity(image, data.chip)[resource]
            limit = load.capacity_of(data.fabric, image.core)[resource]
            shares.append((used / limit if limit else 0.0, -image.core, used, limit))
        top = max(shares)
        mean = sum(share[0] for share in shares) / len(shares)
        text = (
            f"mean {percent(mean, 0)}; fullest is core {-top[1]} with {count(top[2])} of {count(top[3])} "
            f"({percent(top[0], 0)})"
        )
        rows.append(Capacity(resource.replace("_", " "), mean, top[0], text))
    return rows


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
