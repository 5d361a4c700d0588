"""A benchmark's results as tables and plots, the same for the terminal and the page."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from neurosim.report.sections import Table
from neurosim.report.text import count

if TYPE_CHECKING:
    from neurosim.api.bench_scaling import ScalingRow
    from neurosim.api.bench_threads import ThreadRow
    from neurosim.api.benchmarking import BenchMade


@dataclass(frozen=True)
class Part:
    """One table, with what to know of it, and perhaps a plot."""

    title: str
    note: str
    table: Table
    chart: dict[str, Any] | None = None


def parts(made: BenchMade) -> tuple[Part, ...]:
    """Rates, memory, and growth and threads if they were measured."""
    grown = [_scaling(made.scaling)] if made.scaling else []
    whole = [_networks(made)] if made.networks else []
    return (_rates(made), *whole, _memory(made), *grown, *([_threads(made.threads)] if made.threads else []))


def _rates(made: BenchMade) -> Part:
    rows = tuple(
        (
            r.engine, r.case, count(r.router_traversals), f"{r.cpu_s:.2f}",
            f"{r.traversals_per_cpu_s / 1e6:.3f} M", f"{r.ratio:.2f}",
        )
        for r in made.rows
    )  # fmt: skip
    head = ("engine", "uniform traffic", "traversals", "CPU s", "per CPU s", "per SimPy timeout")
    note = f"bare SimPy in the same run: {made.simpy_timeouts_per_cpu_s / 1e6:.2f} M timeouts per CPU s"
    return Part("Router traversals", note, Table(head, rows, frozenset({2, 3, 4, 5})))


def _networks(made: BenchMade) -> Part:
    rows = tuple(
        (
            r.name, count(r.packets), count(r.events), f"{r.cpu_s:.2f}", f"{r.events_per_cpu_s / 1e6:.1f} M",
            f"{r.ratio:.1f}", f"{r.peak_memory_mb:.0f}",
        )
        for r in made.networks
    )  # fmt: skip
    head = ("network", "packets", "events", "CPU s", "per CPU s", "per SimPy timeout", "peak MB")
    note = (
        "compiled engine, its tables included; events: traversals, synaptic operations, updates; memory: "
        "this process's peak so far"
    )
    return Part("Networks", note, Table(head, rows, frozenset(range(1, 7))))


def _memory(made: BenchMade) -> Part:
    rows = tuple((r.what, f"{r.bytes_each:.1f}", count(r.n)) for r in made.memory)
    note = "bytes of all arrays of the compiled engine while it runs, by difference"
    return Part("Memory", note, Table(("each", "bytes", "measured on"), rows, frozenset({1, 2})))


def _scaling(scaling: tuple[ScalingRow, ...]) -> Part:
    rows = tuple(
        (
            r.series, r.size, count(r.neurons), count(r.synapses), count(r.routers), count(r.events),
            f"{r.cpu_s:.2f}", f"{r.ns_per_event:.1f}", f"{r.relative:.2f}",
        )
        for r in scaling
    )  # fmt: skip
    head = (
        "doubled", "size", "neurons", "synapses", "routers", "events", "CPU s", "ns per event", "to smallest",
    )  # fmt: skip
    note = "an event is a router traversal, a synaptic operation or a neuron update; table building left out"
    return Part("Growth", note, Table(head, rows, frozenset(range(2, 9))), _growth(scaling))


def _threads(threads: tuple[ThreadRow, ...]) -> Part:
    rows = tuple(
        (
            str(r.chips), r.mesh, f"{r.load:g}", str(r.look_ahead),
            f"{r.plain_s:.3f}", f"{r.regions_s:.3f}", f"{r.threads_s:.3f}", f"{r.speed_up:.2f}",
            f"{r.plain_cpu_s:.3f}", f"{r.regions_cpu_s:.3f}", f"{r.threads_cpu_s:.3f}",
        )
        for r in threads
    )  # fmt: skip
    n = threads[0].threads
    head = (
        "chips", "of tiles", "load", "look-ahead", "plain s", "1 thread s", f"{n} threads s", "speed-up",
        "plain CPU s", "1 thread CPU s", f"{n} threads CPU s",
    )  # fmt: skip
    loads = [r.machine_load for r in threads]
    note = (
        f"the same results each time; speed-up is plain s over {n} threads s and needs {n} idle processors: "
        f"this machine's load was {min(loads):.1f} to {max(loads):.1f}"
    )
    return Part("Chips on threads", note, Table(head, rows, frozenset(range(11))))


def _growth(scaling: tuple[ScalingRow, ...]) -> dict[str, Any]:
    """Time per event against size, one line per series."""
    names = list(dict.fromkeys(row.series for row in scaling))
    lines = []
    for index, name in enumerate(names):
        mine = [row for row in scaling if row.series == name]
        lines.append(
            {
                "type": "scatter", "mode": "lines+markers", "name": f"{name} doubled",
                "x": list(range(len(mine))), "y": [round(row.ns_per_event, 2) for row in mine],
                "text": [row.size for row in mine], "line": {"color": f"var(--c{index})"},
                "hovertemplate": "%{text}: %{y} ns<extra></extra>",
            }
        )  # fmt: skip
    longest = max(len(line["x"]) for line in lines)
    axis = {"title": {"text": "doublings of the smallest size"}, "dtick": 1, "range": [-0.2, longest - 0.8]}
    layout = {
        "xaxis": axis, "yaxis": {"title": {"text": "ns per event"}, "rangemode": "tozero"}, "height": 360,
        "margin": {"l": 64, "r": 16, "t": 40, "b": 48}, "showlegend": True,
        "legend": {"orientation": "h", "y": 1.15},
    }  # fmt: skip
    return {"data": lines, "layout": layout}
