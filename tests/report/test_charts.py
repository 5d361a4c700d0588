"""The charts of the report: valid, of the measured values, with axes that suit them."""

from __future__ import annotations

import dataclasses
import json
import re
from typing import Any

import numpy as np
import pytest

from neurosim.report import charts
from tests.helpers.pages import changed, data_of, page_of


@pytest.mark.parametrize("preset", ["tiny", "tiny_2x2_gateway"])
def test_charts_are_valid_plotly(preset: str) -> None:
    import plotly.graph_objects as go

    def plain(value: Any) -> Any:
        if isinstance(value, str):
            return "#123456" if value.startswith("var(") else value
        if isinstance(value, list):
            return [plain(v) for v in value]
        return {k: plain(v) for k, v in value.items()} if isinstance(value, dict) else value

    for text in page_of(preset)[1].scripts.values():
        chart = plain(json.loads(text))
        go.Figure(data=chart["data"], layout=chart["layout"])  # refuses unknown properties


def test_every_colour_that_charts_name_is_in_the_style_twice() -> None:
    text, page = page_of("tiny")
    style = text.split("</style>")[0]
    named = set(re.findall(r"var\((--[a-z0-9]+)\)", " ".join(page.scripts.values()) + style))
    named |= {"--soft", "--grid", "--card", "--ink"}
    named -= {"--lane"}  # set on every drawing
    for name in sorted(named):
        assert style.count(f"{name}:") == 2, name  # light and dark


def test_chart_values_are_the_measured_ones() -> None:
    data = data_of("tiny")
    packets = charts.packet_latency(data)
    assert packets is not None
    assert sum(packets["data"][0]["y"]) == data.result.counters.packets_arrived
    samples = charts.sample_latency(data)
    assert samples is not None
    assert sum(samples["data"][0]["y"]) == 6
    component = charts.energy_by_component(data)
    event = charts.energy_by_event(data)
    assert component is not None
    assert event is not None
    dynamic = data.metrics["energy"]["dynamic_j"]
    static = data.metrics["energy"]["static_j"]
    assert sum(component["data"][0]["x"]) == pytest.approx(dynamic + static)
    assert sum(sum(t["x"]) for t in event["data"]) == pytest.approx(dynamic)
    raster = charts.spike_raster(data, 2)
    assert raster is not None
    hidden = next(s for s in data.result.spikes if s.population == "hidden")
    trace = next(t for t in raster["data"] if t["name"] == "hidden")
    assert len(trace["x"]) == int((hidden.sample == 2).sum())
    dots = next(t for t in raster["data"] if t["name"] == "in")
    assert data.input_spikes is not None
    assert len(dots["x"]) == int((data.input_spikes[2] > 0).sum())


def test_bins_cover_all_values() -> None:
    centres, counts, width = charts.binned(np.array([3, 4, 100]), np.array([1, 2, 5]), most=10)
    assert (width, sum(counts), counts[0], counts[-1]) == (10, 8, 3, 5)
    assert centres[0] == 3 + 4.5
    assert charts.binned(np.array([7]), np.array([2])) == ([7.0], [2], 1)


def test_axes_are_whole_numbers_and_wide_enough() -> None:
    same = np.full(6, 3_663_051)
    data = data_of("tiny")
    data = dataclasses.replace(data, result=changed(data.result, latency_cycles=same))
    chart = charts.operations_per_sample(data)
    assert chart is not None
    axis = chart["layout"]["yaxis"]
    assert axis["range"] == [3_663_046, 3_663_056]
    assert (axis["tickformat"], axis["automargin"]) == (",d", True)
    histogram = charts.sample_latency(data)
    assert histogram is not None
    assert histogram["layout"]["yaxis"]["dtick"] == 1
    assert histogram["layout"]["xaxis"]["range"] == [3_663_046, 3_663_056]


def test_the_timeline_starts_at_zero_and_leaves_out_waits_that_dwarf_it() -> None:
    data = data_of("tiny")
    line = data.figures.latency.timeline
    assert line is not None
    for gaps, drawn in ((line.gap_mean, True), (line.gap_mean + 100_000, False)):
        latency = dataclasses.replace(
            data.figures.latency, timeline=dataclasses.replace(line, gap_mean=gaps)
        )
        figures = dataclasses.replace(data.figures, latency=latency)
        chart = charts.timeline(dataclasses.replace(data, figures=figures))
        assert chart is not None
        assert chart["layout"]["yaxis"]["range"][0] == 0
        assert any(v is not None for v in chart["data"][1]["y"]) is drawn
        assert chart["data"][1]["name"].endswith("not drawn)") is not drawn
        assert chart["layout"]["yaxis"]["range"][1] > max(chart["data"][2]["y"])
