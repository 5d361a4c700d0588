"""What stands on top of a report: how the run ended, and the figures that everybody asks for first."""

from __future__ import annotations

from neurosim.fabric.cdg import NOT_CHECKED
from neurosim.report.data import ReportData
from neurosim.report.sections.parts import Badge, Headline
from neurosim.report.text import NOT_MEASURED, count, percent, si

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
    routing = deadlock.routing
    if routing.result.is_free:
        found.append(Badge("good", f"{routing.subject} proven free"))
    elif routing.result.verdict == NOT_CHECKED:
        found.append(Badge("plain", f"{routing.subject} not checked: too many pairs"))
    else:
        found.append(Badge("warn", f"{routing.subject} can deadlock"))
    health = data.metrics["health"]
    for key, text in (
        ("missed_deadlines", "missed deadlines"),
        ("late_packets", "late packets"),
        ("membrane_overflows", "membrane overflows"),
        ("accumulator_overflows", "accumulator overflows"),
    ):
        if health[key]:
            found.append(Badge("warn", f"{count(health[key])} {text}"))
    for name, beyond in (health["repeated_input_spikes"] or {}).items():
        text = f"input '{name}' not in first-spike code: {count(beyond)} spikes beyond one per source"
        found.append(Badge("warn", text))
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
    m = data.metrics
    work, load_part = m["work"], m["load"]
    busiest = load_part["busiest_cores"][0] if load_part["busiest_cores"] else None
    hops, sent = work["packet_hops"], work["packets_sent"]
    links = "" if not sent or hops is None else f", {hops / sent:.1f} links each on average"
    if data.program.trees is not None:  # what is counted are arrivals, then more than was sent
        links += f"; every copy of a packet to one of {data.program.trees.n_trees} trees counts"
    found = [
        _accuracy(data),
        _latency(data),
        Headline(
            data.timed("Throughput"), si(m["latency"]["throughput_samples_per_s"], "/s"),
            "samples, one after the other",
        ),
        _energy(data),
        _each(data, "Synaptic operations", work["synaptic_operations"], ", zero weights included"),
        _each(data, "Packets", sent, links),
        _each(data, "Spikes", work["spikes"], ", of neurons on cores"),
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


def _each(data: ReportData, name: str, total: int | None, more: str) -> Headline:
    """A count per sample; of a run that broke off the whole, for it is not that of all samples."""
    if total is None:
        return Headline(name, NOT_MEASURED, f"per sample{more}")
    if data.figures.latency.n_unfinished:
        return Headline(name, count(total), f"in all, until the run broke off{more}")
    return Headline(name, count(round(total / max(1, data.result.n_samples), 1)), f"per sample{more}")


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
        done = data.metrics["latency"]["finished_samples"]
        each = si(static / done, "J") if done else NOT_MEASURED
        more = f"dynamic; {data.timed('static')} {each} more"
    return Headline("Energy per sample", sign + si(part["per_sample_j"], "J"), more)
