"""The charts of the HTML report as plotly figures: plain dicts of ``data`` and ``layout``.

Colours that depend on light or dark are written as ``var(--name)``; the page's script replaces them
with the style's values, at loading and whenever the reader's scheme changes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.energy import EVIDENCE
from neurosim.artefacts.result import Spikes
from neurosim.report.data import ReportData
from neurosim.report.maps import layer_colours
from neurosim.report.sections import FEW
from neurosim.report.text import count
from neurosim.rules.events import EVENT_NAMES

Chart = dict[str, Any]
IntArray = NDArray[np.int64]
MAX_DOTS = 20_000
MAX_BARS = 48
MOST_WAIT = 5
"""Waits longer than so many times the longest step's work are not drawn: the work would not be seen."""
ACCENT, SECOND, QUIET = "var(--c0)", "var(--c1)", "var(--c7)"


def _layout(x: str, y: str, **more: Any) -> dict[str, Any]:
    return {
        "xaxis": {"title": {"text": x, "font": {"size": 13}}, "tickangle": 0, **more.pop("xaxis", {})},
        "yaxis": {"title": {"text": y, "font": {"size": 13}, "standoff": 12}, **more.pop("yaxis", {})},
        "margin": {"l": 64, "r": 16, "t": 16, "b": 48},
        "height": 300,
        "showlegend": False,
        "separators": ".\u202f",  # as text.count writes numbers
        **more,
    }


def _whole(low: float, high: float, least: int = 10) -> dict[str, Any]:
    """An axis of whole numbers around ``low`` .. ``high`` that spans at least ``least`` of them.

    It never starts below 0 where ``low`` does not.
    """
    spare = max(0.08 * (high - low), (least - (high - low)) / 2)
    start = max(low - spare, 0) if low >= 0 else low - spare
    return {
        "range": [start, max(high + spare, start + least)], "tickformat": ",d", "nticks": 5,
        "automargin": True,
    }  # fmt: skip


def binned(values: IntArray, weights: IntArray, most: int = MAX_BARS) -> tuple[list[float], list[int], int]:
    """(bin centres, counts, bin width) of integer ``values``, all bins of one whole width."""
    low, high = int(values.min()), int(values.max())
    width = max(1, -(-(high - low + 1) // most))
    index = (values - low) // width
    counts = np.zeros(int(index.max()) + 1, np.int64)
    np.add.at(counts, index, weights)
    centres = low + width * np.arange(len(counts)) + (width - 1) / 2
    return centres.tolist(), counts.tolist(), width


def _histogram(values: IntArray, weights: IntArray, x: str, y: str, colour: str) -> Chart:
    centres, counts, width = binned(values, weights)
    bars = {
        "type": "bar", "x": centres, "y": counts, "width": width * 0.94, "marker": {"color": colour},
        "hovertemplate": f"%{{x}} cycles (bin of {width}): %{{y}}<extra></extra>",
    }  # fmt: skip
    xaxis = _whole(centres[0] - width / 2, centres[-1] + width / 2)
    yaxis: dict[str, Any] = {"tickformat": ",d", "automargin": True, "rangemode": "tozero"}
    if max(counts) <= 8:
        yaxis["dtick"] = 1
    return {"data": [bars], "layout": _layout(x, y, bargap=0.05, xaxis=xaxis, yaxis=yaxis)}


def sample_latency(data: ReportData) -> Chart | None:
    """Histogram of the latencies of finished samples."""
    cycles = data.result.latency_cycles
    done = cycles[cycles >= 0]
    if done.size < FEW:  # sections.few_samples lists them
        return None
    return _histogram(done, np.ones_like(done), data.timed("sample latency (cycles)"), "samples", ACCENT)


def packet_latency(data: ReportData) -> Chart | None:
    """Histogram of the journeys of packets."""
    histogram = data.result.latency_histogram
    found = np.flatnonzero(histogram)
    if not found.size:
        return None
    return _histogram(found, histogram[found], "packet journey (cycles)", "packets", SECOND)


def timeline(data: ReportData) -> Chart | None:
    """Cycles per hardware step: mean active time, the wait for the next step, and the longest."""
    line = data.figures.latency.timeline
    if line is None:
        return None
    steps = list(range(len(line.active_mean)))
    longest = float(line.active_max.max()) if steps else 0.0
    drawn = bool(steps) and float(line.gap_mean.max()) <= MOST_WAIT * max(longest, 1.0)
    hover = "step %{x}: %{y:.1f} cycles<extra>%{fullData.name}</extra>"
    traces = [
        {"type": "bar", "name": "active, mean", "x": steps, "y": line.active_mean.tolist(),
         "marker": {"color": ACCENT}, "hovertemplate": hover},
        _waits(steps, line.gap_mean, drawn, hover),
        {"type": "scatter", "name": "active, longest", "mode": "markers", "x": steps,
         "y": line.active_max.tolist(), "hovertemplate": hover,
         "cliponaxis": False,
         "marker": {"color": SECOND, "symbol": "diamond", "size": 9,
                    "line": {"width": 1.5, "color": "var(--card)"}}},
    ]  # fmt: skip
    top = max(longest, float((line.active_mean + line.gap_mean).max()) if drawn else 0.0, 1.0)
    yaxis = {"range": [0, 1.08 * top], "tickformat": ",d" if top >= 8 else "", "automargin": True}
    layout = _layout("hardware step", "cycles", yaxis=yaxis, barmode="stack", showlegend=True,
                     legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})  # fmt: skip
    layout["margin"]["t"] = 40
    return {"data": traces, "layout": layout}


def _waits(steps: list[int], gaps: NDArray[np.float64], drawn: bool, hover: str) -> dict[str, Any]:
    """The waits as bars on top, or, where they would dwarf all work, only named in the legend."""
    mean = count(round(float(gaps.mean()))) if len(gaps) else "0"
    name = "wait for next step, mean" if drawn else f"wait for next step (mean {mean} cycles, not drawn)"
    return {
        "type": "bar", "name": name, "x": steps, "y": gaps.tolist() if drawn else [None] * len(steps),
        "marker": {"color": QUIET}, "hovertemplate": hover,
    }  # fmt: skip


def energy_by_event(data: ReportData) -> Chart | None:
    """Energy per kind of event, coloured by how well its price is known; one bar each."""
    report = data.figures.energy
    if report is None:
        return None
    events = [e for e in report.by_event if e.energy_j]
    colours = {"measured": "var(--c2)", "published": "var(--c0)", "derived": "var(--c4)", "assumed": QUIET}
    traces = []
    for grade in EVIDENCE:
        mine = [e for e in events if e.figure.evidence == grade]
        if mine:
            traces.append({
                "type": "bar", "orientation": "h", "name": grade, "marker": {"color": colours[grade]},
                "x": [float(e.energy_j or 0) for e in mine], "y": [_words(e.event) for e in mine],
                "hovertemplate": "%{y}: %{x:.3s}J<extra>" + grade + "</extra>",
            })  # fmt: skip
    order = [_words(e.event) for e in sorted(events, key=lambda e: e.energy_j or 0)]
    layout = _layout("energy over all samples (J)", "", barmode="stack", showlegend=True,
                     xaxis={"exponentformat": "SI"},
                     yaxis={"categoryorder": "array", "categoryarray": order, "automargin": True},
                     legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"},
                     height=90 + 26 * max(4, len(events)))  # fmt: skip
    layout["margin"]["t"] = 40
    return {"data": traces, "layout": layout}


def _words(event: str) -> str:
    return event.replace("_", " ")


def energy_by_component(data: ReportData, most: int = 24) -> Chart | None:
    """Energy of the cores, routers, host and barriers, and static energy; biggest cores one by one."""
    report = data.figures.energy
    if report is None:
        return None
    cores = sorted(report.by_core.items(), key=lambda item: (-item[1], item[0]))
    rows = [(f"core {core}", float(joules), ACCENT) for core, joules in cores[:most]]
    if len(cores) > most:
        rest = sum(float(joules) for _, joules in cores[most:])
        rows.append((f"{len(cores) - most} other cores", rest, ACCENT))
    rows.append(("all routers", float(sum(report.by_router.values())), SECOND))
    if report.elsewhere_j:
        rows.append(("host and barriers", float(report.elsewhere_j), QUIET))
    if report.static_j is not None:
        rows.append(("static power", float(report.static_j), "var(--c3)"))
    bars = {
        "type": "bar", "orientation": "h", "x": [r[1] for r in rows], "y": [r[0] for r in rows],
        "marker": {"color": [r[2] for r in rows]},
        "hovertemplate": "%{y}: %{x:.3s}J<extra></extra>",
    }  # fmt: skip
    layout = _layout("energy over all samples (J)", "", xaxis={"exponentformat": "SI"},
                     yaxis={"autorange": "reversed", "automargin": True, "dtick": 1},
                     height=90 + 22 * max(5, len(rows)))  # fmt: skip
    return {"data": [bars], "layout": layout}


def spike_raster(data: ReportData, sample: int) -> Chart | None:
    """Spikes of one sample: own steps across, neurons of all populations one above the other."""
    colours = layer_colours(data)
    traces: list[dict[str, Any]] = []
    ticks, labels, first, left = [], [], 0, MAX_DOTS
    spikes = {s.population: s for s in data.result.spikes}
    for population in data.network.populations:
        steps, neurons = _events_of(data, population.name, spikes, sample)
        if steps is None or neurons is None:
            continue
        steps, neurons = steps[:left], neurons[:left]
        left -= len(steps)
        colour = QUIET if population.is_input else f"var(--c{colours.get(population.name, 7)})"
        traces.append({
            "type": "scattergl" if len(steps) > 4000 else "scatter", "mode": "markers",
            "name": population.name, "x": steps.tolist(), "y": (neurons + first).tolist(),
            "customdata": neurons.tolist(), "marker": {"color": colour, "size": 4},
            "hovertemplate": "step %{x}, neuron %{customdata}<extra>" + population.name + "</extra>",
        })  # fmt: skip
        ticks.append(first + (population.n - 1) / 2)
        labels.append(f"{population.name} ({population.n})")
        first += population.n + max(1, population.n // 12)
    if not any(len(t["x"]) for t in traces):
        return None
    layout = _layout("step of the network", "",
                     xaxis={"range": [-0.5, data.result.n_steps - 0.5]},
                     yaxis={"tickvals": ticks, "ticktext": labels, "automargin": True,
                            "range": [-1, first]}, height=380)  # fmt: skip
    return {"data": traces, "layout": layout}


def _events_of(
    data: ReportData, population: str, spikes: dict[str, Spikes], sample: int
) -> tuple[IntArray | None, IntArray | None]:
    if population in spikes:
        found = spikes[population]
        mine = found.sample == sample
        return found.step[mine].astype(np.int64), found.neuron[mine].astype(np.int64)
    first = 0
    for source in data.network.inputs:
        if source.name == population and data.input_spikes is not None:
            step, neuron = np.nonzero(data.input_spikes[sample, :, first : first + source.n])
            return step, neuron
        first += source.n
    return None, None


def operations_per_sample(data: ReportData) -> Chart | None:
    """Synaptic operations against latency, one dot per finished sample."""
    events = data.result.counters.sample_events
    cycles = data.result.latency_cycles
    if not events.size or not cycles.size or len(cycles) < 3:
        return None
    done = cycles >= 0
    operations = events[done, EVENT_NAMES.index("synaptic_operation")]
    dots = {
        "type": "scatter", "mode": "markers", "x": operations.tolist(), "y": cycles[done].tolist(),
        "customdata": np.flatnonzero(done).tolist(), "marker": {"color": ACCENT, "size": 6},
        "hovertemplate": "sample %{customdata}: %{x} operations, %{y} cycles<extra></extra>",
    }  # fmt: skip
    if not operations.size:
        return None
    xaxis = _whole(int(operations.min()), int(operations.max()))
    yaxis = _whole(int(cycles[done].min()), int(cycles[done].max()))
    layout = _layout("synaptic operations", data.timed("latency (cycles)"), xaxis=xaxis, yaxis=yaxis)
    return {"data": [dots], "layout": layout}
