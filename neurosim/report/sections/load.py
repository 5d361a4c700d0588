"""Where the run was at work: samples, links and cores, and how full the cores are."""

from __future__ import annotations

from typing import NamedTuple

from neurosim.analysis import load
from neurosim.artefacts.mapping import HOST
from neurosim.report.data import ReportData
from neurosim.report.sections.parts import Table
from neurosim.report.text import NOT_MEASURED, count, percent, si
from neurosim.rules.events import EVENT_INDEX

FEW = 5
"""Fewer finished samples than this stand in a table, not in a histogram."""


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
