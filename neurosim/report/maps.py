"""The maps of the HTML report: placement, load of cores and links, and the deadlock cycle."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from neurosim.analysis.deadlock import StaticFinding
from neurosim.analysis.load import CoreLoad, LinkLoad
from neurosim.analysis.missing import NO_TIME
from neurosim.fabric.channels import channel
from neurosim.fabric.topology import Fabric
from neurosim.report.data import ReportData
from neurosim.report.dead_marks import dead_legend
from neurosim.report.mesh_svg import (
    N_HEAT,
    Mark,
    Window,
    core_map,
    heat_class,
    inset,
    is_large,
    link_map,
    router_map,
    whole,
    window_around,
)  # fmt: skip
from neurosim.report.text import count, percent

N_COLOURS = 8
MANY_LAYERS = 24
"""More layers than this are coloured from first to last."""


@dataclass(frozen=True)
class MeshMap:
    """A picture with its title; ``scale`` is (text at 0, text at the top) for heat, else None.

    ``legend`` are (css class, text) pairs.
    """

    title: str
    note: str
    svg: str
    scale: tuple[str, str] | None = None
    legend: tuple[tuple[str, str], ...] = ()
    is_lines: bool = False
    inset: str = ""
    columns: int = 0


def layer_colours(data: ReportData) -> dict[str, int]:
    """Colour index per population on cores, in order of the network."""
    held = {g.population for image in data.program.cores for g in image.groups}
    names = [p.name for p in data.network.populations if p.name in held]
    names += sorted(held - set(names))
    return {name: index % N_COLOURS for index, name in enumerate(names)}


def placement_map(data: ReportData) -> MeshMap:
    """Which layer lies where; a core with several layers has the colour of the largest."""
    colours = layer_colours(data)
    ranks = {name: rank for rank, name in enumerate(colours)}
    by_rank = len(colours) > MANY_LAYERS  # colours that come again would say nothing
    marks = {}
    for image in data.program.cores:
        neurons: dict[str, int] = {}
        for group in image.groups:
            neurons[group.population] = neurons.get(group.population, 0) + group.n
        largest = max(neurons, key=lambda name: (neurons[name], name))
        text = ", ".join(f"{name} ({n} neurons)" for name, n in neurons.items())
        css = f"h{ranks[largest] * N_HEAT // len(ranks)}" if by_rank else f"c{colours[largest]}"
        marks[image.core] = Mark(css, text, str(image.core))
    legend = tuple((f"c{index}", name) for name, index in colours.items())
    dead = dead_legend(data.fabric, of_cores=True)
    svg = core_map(data.fabric, marks, "placement of layers on cores", used_window(data))
    if by_rank:
        names = list(ranks)
        note = f"cores coloured by layer, {len(names)} from first to last"
        return MeshMap("Placement", note, svg, (names[0], names[-1]), dead)
    return MeshMap("Placement", "cores coloured by layer", svg, None, (*legend, *dead))


def _core_heat(
    data: ReportData, title: str, note: str, value: Callable[[CoreLoad], float],
    text: Callable[[float], str],
) -> MeshMap:
    loads = data.figures.cores
    largest = max((value(load) for load in loads), default=0.0)
    marks = {
        load.core: Mark(
            heat_class(value(load), largest),
            f"{text(value(load))}; {', '.join(load.populations)}",
            str(load.core),
        )
        for load in loads
    }
    svg = core_map(data.fabric, marks, title, used_window(data))
    dead = dead_legend(data.fabric, of_cores=True)
    return MeshMap(title, note, svg, ("0", text(largest)), dead)


def _link_heat(
    data: ReportData, title: str, note: str, value: Callable[[LinkLoad], float],
    text: Callable[[LinkLoad], str], top: Callable[[float], str],
) -> MeshMap:
    loads = [load for load in data.figures.links if load.kind != "core"]
    largest = max((value(load) for load in loads), default=0.0)
    marks = {
        (load.router, load.port): Mark(heat_class(value(load), largest), text(load))
        for load in loads
        if value(load) > 0
    }
    window = used_window(data)
    svg, by_tile = link_map(data.fabric, marks, title, window), is_large(data.fabric, window)
    if by_tile:
        note += "; the colour of a tile is that of its busiest link out"
    dead = dead_legend(data.fabric, of_cores=False)
    return MeshMap(title, note, svg, ("0", top(largest)), dead, is_lines=not by_tile)


def _queue_map(data: ReportData) -> MeshMap:
    """The fullest input buffer of every router."""
    peaks = data.result.counters.queue_peak_flits.max(axis=1)
    largest = int(peaks.max())
    marks = {
        router: Mark(heat_class(int(peak), largest), f"{int(peak)} flits", str(int(peak)))
        for router, peak in enumerate(peaks)
        if peak
    }
    room = data.chip.router.buffer_flits
    note = f"fullest input buffer of each router, of {room} flits"
    svg = router_map(data.fabric, marks, "fullest buffers", used_window(data))
    dead = dead_legend(data.fabric, of_cores=False)
    return MeshMap("Fullest buffers", note, svg, ("0", f"{largest} flits"), dead)


def used_window(data: ReportData) -> Window:
    """The tiles that hold something or through which something went."""
    per_tile, counters, fabric = data.chip.mesh.cores_per_tile, data.result.counters, data.fabric
    routers = {image.core // per_tile for image in data.program.cores}
    routers |= {link.router for link in data.figures.links if link.flits}
    if counters.queue_peak_flits.size:
        routers |= {r for r, peak in enumerate(counters.queue_peak_flits.max(axis=1)) if peak}
    return window_around(fabric, routers)


def _cut(drawn: MeshMap, fabric: Fabric, window: Window) -> MeshMap:
    """The map with words and a small picture that say which part of the system it shows."""
    columns = window.x1 - window.x0 + 1
    if window == whole(fabric):
        return replace(drawn, columns=columns)
    note = (
        f"{drawn.note}; showing x {window.x0} to {window.x1}, y {window.y0} to {window.y1} "
        f"of {fabric.width} x {fabric.height} tiles"
    )
    return replace(drawn, note=note, inset=inset(fabric, window), columns=columns)


ALL = ("Placement", "Busy cores", "Synaptic operations", "Link traffic", "Blocked links", "Fullest buffers")
"""Titles of the maps of a run in which everything was measured."""


def missing_maps(data: ReportData, drawn: list[MeshMap]) -> list[str]:
    """Titles of the maps that are not ``drawn``, because their figures were not measured."""
    there = {one.title for one in drawn}
    return [title for title in ALL if not {title, data.timed(title)} & there]


def missing_reason(data: ReportData) -> str:
    """Why maps are missing, in a phrase: no time is known, or the engine does not count."""
    timing = data.figures.latency
    no_time = data.figures.links and timing.n_unfinished and not timing.simulated_cycles
    return NO_TIME if no_time else f"{data.result.engine} engine"


def load_maps(data: ReportData) -> list[MeshMap]:
    """Placement, then core and link heat maps as far as they were measured."""
    maps = [placement_map(data)]
    cycles = data.figures.latency.simulated_cycles
    if data.figures.cores and cycles:  # a share of no time is no figure
        note = "busier of synapse pipeline and neuron loop, share of "
        note += f"the {count(cycles)} cycles simulated" if data.figures.latency.n_unfinished else "the run"
        maps.append(_core_heat(
            data, data.timed("Busy cores"), note,
            lambda load: load.utilisation or 0.0, percent,
        ))  # fmt: skip
    if data.figures.cores:
        maps.append(_core_heat(
            data, "Synaptic operations", "weights added per core, all samples",
            lambda load: load.synaptic_operations, count,
        ))  # fmt: skip
    if data.figures.links:
        maps.append(_link_heat(
            data, "Link traffic", "flits per link, all samples", lambda load: load.flits,
            lambda load: f"{count(load.flits)} flits, {data.timed('busy')} {percent(load.utilisation)}",
            lambda top: f"{count(top)} flits",
        ))  # fmt: skip
    if data.result.counters.port_blocked_cycles.size:
        maps.append(_link_heat(
            data, "Blocked links", "cycles in which a flit wanted the link and did not move",
            lambda load: load.blocked_cycles or 0, lambda load: f"{count(load.blocked_cycles)} cycles",
            lambda top: f"{count(top)} cycles",
        ))  # fmt: skip
    if data.result.counters.queue_peak_flits.size:
        maps.append(_queue_map(data))
    window = used_window(data)
    return [_cut(m, data.fabric, window) for m in maps]


def cycle_map(fabric: Fabric, finding: StaticFinding) -> MeshMap | None:
    """The channels of a dependency cycle on the mesh; None if there is no cycle."""
    if not finding.cycle:
        return None
    marks = {}
    cores = []
    for place, (number, name, _) in enumerate(finding.cycle):
        at = channel(fabric, number)
        if at.kind == "link":
            marks[at.router, at.port] = Mark("alarm", f"channel {place + 1} of the cycle: {name}")
        else:
            cores.append(name)
    note = f"shortest dependency cycle: {len(finding.cycle)} channels"
    if cores:
        note += f", {len(cores)} of them at cores"
    window = window_around(fabric, [router for router, _ in marks])
    svg = link_map(fabric, marks, f"deadlock cycle of the {finding.subject}", window)
    drawn = MeshMap(f"Cycle of the {finding.subject}", note, svg, legend=dead_legend(fabric, of_cores=False))
    return _cut(drawn, fabric, window)
