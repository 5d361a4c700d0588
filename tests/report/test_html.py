"""The HTML report: whole, offline, deterministic, and showing what the run measured."""

from __future__ import annotations

import dataclasses
import functools
import json
import re
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim.analysis.energy import energy
from neurosim.artefacts.mapping import SolverReport
from neurosim.artefacts.result import Result, Spikes, Verdict
from neurosim.chip.loader import load_chip
from neurosim.chip.models import CheckFigure
from neurosim.errors import InputError
from neurosim.fabric.topology import build_fabric
from neurosim.report import charts, maps, sections
from neurosim.report.data import ReportData, report_data
from neurosim.report.html import render_html, view, write_html
from neurosim.report.manifest import manifest
from neurosim.report.mesh_svg import Mark, Window, core_map, heat_class, inset, link_map, window_around
from neurosim.report.text import count
from neurosim.rules.events import EVENT_NAMES
from tests.helpers.hand_result import unmeasured_result
from tests.helpers.small_chips import HOST_WEST, small_chip, torus
from tests.helpers.small_run import small_run

SECTIONS = {
    "headline", "maps", "latency", "timeline", "energy", "spikes", "load", "deadlock", "mapping",
    "neurobench", "provenance", "repeat", "capacity", "not-priced", "solver", "quantisation",
}  # fmt: skip
VOID = {"meta", "br", "link", "img", "input", "hr"}


class Page(HTMLParser):
    """Checks nesting and collects what tests ask for."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.stack: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.scripts: dict[str, str] = {}
        self.text: list[str] = []
        self.tags: dict[str, int] = {}
        self._chart: str | None = None
        self.feed(text)
        self.close()
        assert self.stack == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags[tag] = self.tags.get(tag, 0) + 1
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.links += [str(v) for k, v in attrs if k in ("src", "href", "action", "srcset", "data")]
        self._chart = found.get("data-chart") if tag == "script" else None
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] = self.tags.get(tag, 0) + 1

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._chart and self.stack[-1] == "script":
            self.scripts[self._chart] = data
        if self.stack and self.stack[-1] not in ("script", "style"):
            self.text.append(data)

    @property
    def words(self) -> str:
        return " ".join(" ".join(self.text).split())


@functools.cache
def data_of(preset: str) -> ReportData:
    run = small_run(preset)
    solver = [
        SolverReport("partition", "cp_sat", "optimal", 5, 5.0), SolverReport("place", "anneal", "heuristic", 9, None)
    ]  # fmt: skip
    loss = [{"layer": "hidden <b>", "spikes_changed": 1234, "share": 0.01234, "gap": None}]
    return report_data(
        run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes, solver, loss,
        manifest(run.result, ["neurosim", "run"]),
    )  # fmt: skip


@functools.cache
def page_of(preset: str) -> tuple[str, Page]:
    text = render_html(data_of(preset))
    return text, Page(text)


@pytest.mark.parametrize("preset", ["tiny", "tiny_2x2_gateway"])
def test_the_page_is_whole_and_has_every_section(preset: str) -> None:
    text, page = page_of(preset)
    assert set(page.ids) >= SECTIONS
    assert len(page.ids) == len(set(page.ids))
    assert text.startswith("\n<!DOCTYPE html>") or text.lstrip().startswith("<!DOCTYPE html>")
    assert len(text.encode()) < 6_000_000
    assert "prefers-color-scheme: dark" in text
    charts_drawn = {k for k in page.ids if k.startswith("chart-")}
    assert charts_drawn == set(page.scripts) == {
        "chart-latency_sample", "chart-latency_packet", "chart-latency_operations", "chart-timeline",
        "chart-energy_event", "chart-energy_component", "chart-raster",
    }  # fmt: skip


def test_nothing_is_loaded_from_anywhere() -> None:
    text, page = page_of("tiny")
    assert page.links
    assert all(link.startswith("#") for link in page.links)
    assert {link[1:] for link in page.links} <= set(page.ids)
    own = re.sub(r"<script>.*?</script>", "", text, flags=re.DOTALL)
    assert "http://" not in own
    assert "https://" not in own
    assert "@import" not in text.split("<script", 1)[0]
    assert "url(" not in text.split("<script", 1)[0]
    assert page.tags.get("link", 0) == page.tags.get("img", 0) == page.tags.get("iframe", 0) == 0


def test_the_same_run_gives_the_same_bytes() -> None:
    assert render_html(data_of("tiny")) == page_of("tiny")[0]


def test_figures_are_those_of_the_metrics() -> None:
    words = page_of("tiny")[1].words
    m = data_of("tiny").metrics
    assert f"{m['accuracy']['correct']} of 6 samples" in words
    assert f"{m['latency']['sample_cycles']['p50']} ns" in words
    assert "mapping proven free of deadlock" in words
    assert "certificate: a topological order of 22 channels, 20 dependencies" in words
    assert "flit host: 1 624 \u00d7 unknown" in words
    assert data_of("tiny").result.program_digest in words
    assert "NeuroBench" in words
    assert "not measured: membranes are not recorded step by step" in words


def test_user_text_is_escaped() -> None:
    text, page = page_of("tiny")
    assert "hidden <b>" in page.words
    assert "hidden &lt;b&gt;" in text
    assert "1\u202f234" in text


def test_a_name_cannot_end_a_script() -> None:
    data = data_of("tiny")
    first, *others = data.network.populations
    evil = dataclasses.replace(first, name="</script><script>x")
    network = dataclasses.replace(data.network, populations=(evil, *others))
    text = render_html(dataclasses.replace(data, network=network))
    assert Page(text).tags["script"] == page_of("tiny")[1].tags["script"]
    assert "\\u003c/script>" in text


def test_solvers_and_missing_bounds() -> None:
    words = page_of("tiny")[1].words
    assert "partition cp_sat optimal 5 5 0.0 %" in words
    assert "place anneal heuristic 9 not measured not measured" in words


def test_a_routing_cycle_is_drawn() -> None:
    text, page = page_of("tiny_2x2_gateway")
    assert "routing function can deadlock" in page.words
    assert "Cycle of the routing function" in page.words
    assert text.count('class="link alarm"') == 16
    assert "16 of the cycle" not in page_of("tiny")[0]
    assert 'class="link alarm"' not in page_of("tiny")[0]
    assert text.count('class="chip"') % 4 == 0  # four chips in every map


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


def test_an_engine_without_cycles_says_not_measured() -> None:
    run = small_run("tiny")
    first = [s.sample < 2 for s in run.result.spikes]
    spikes = tuple(
        Spikes(s.population, s.sample[m], s.step[m], s.neuron[m], s.count[m])
        for s, m in zip(run.result.spikes, first, strict=True)
    )
    result = dataclasses.replace(unmeasured_result(), spikes=spikes)
    data = report_data(result, run.case.program, run.chip, run.case.network)
    page = Page(render_html(data))
    assert set(page.ids) >= SECTIONS - {"not-priced"}
    assert set(page.scripts) == {"chart-raster"}
    missing = "Busy cores, Synaptic operations, Link traffic, Blocked links, Fullest buffers"
    assert f"{missing}: not measured (hand engine)." in page.words
    assert "Latency per sample not measured" in page.words
    assert "Energy per sample not measured" in page.words


def changed(result: Result, **changes: Any) -> Result:
    return dataclasses.replace(result, **changes)


def test_a_deadlocked_run_shows_what_is_blocked() -> None:
    run = small_run("tiny")
    counters = dataclasses.replace(run.result.counters, packets_dropped=1500, late_packets=2)
    verdict = Verdict("deadlock", "a cycle", 0, 9, ("router A waits for router B",))
    result = changed(run.result, verdict=verdict, counters=counters)
    data = report_data(result, run.case.program, run.chip, run.case.network)
    words = Page(render_html(data)).words
    for text in ("deadlocked", "1 500 packets dropped", "2 late packets", "this mapping deadlocks",
                 "router A waits for router B", "run: DEADLOCK; a cycle"):  # fmt: skip
        assert text in words


def test_shares_of_a_run_in_which_nothing_finished_are_not_measured() -> None:
    run = small_run("tiny")
    verdict = Verdict("deadlock", "a cycle", 0, 9, ("router A waits for router B",))
    result = changed(
        run.result, verdict=verdict, latency_cycles=np.full_like(run.result.latency_cycles, -1)
    )
    data = report_data(result, run.case.program, run.chip, run.case.network)
    for table in (sections.link_table(data), sections.core_table(data)):
        assert table.rows
        assert {row[-1] for row in table.rows} == {"not measured"}
    assert "Busy cores" not in {one.title for one in maps.load_maps(data)}
    words = Page(render_html(data)).words
    assert "Busy cores: not measured (no sample finished)." in words
    assert "0.0 %" not in words.split("Busiest links")[1].split("Capacity of the used cores")[0]
    assert "flits, busy not measured" in render_html(data)
    assert "busy 0.0 %" not in render_html(data)


def test_the_sample_of_the_raster() -> None:
    assert view(data_of("tiny"), 3)["charts"]["raster"] != view(data_of("tiny"), 0)["charts"]["raster"]
    assert "Spikes of sample 3" in Page(render_html(data_of("tiny"), 3)).words
    assert "Spikes of sample 0" in Page(render_html(data_of("tiny"), 99)).words


def test_write_html(tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    write_html(data_of("tiny"), path)
    assert path.read_text(encoding="utf-8") == page_of("tiny")[0]
    with pytest.raises(InputError, match="output-unwritable"):
        write_html(data_of("tiny"), tmp_path / "no" / "report.html")


def test_heat_classes() -> None:
    assert [heat_class(v, 9) for v in (0, 0.5, 1, 8.99, 9)] == ["off", "h0", "h1", "h8", "h8"]
    assert heat_class(0, 0) == "off"


def test_maps_draw_every_core_and_link() -> None:
    chip = small_chip(mesh={"width": 3, "height": 2, "cores_per_tile": 4}, host={**HOST_WEST, "y": 0})
    fabric = build_fabric(chip)
    svg = core_map(fabric, {5: Mark("h3", "half <full>", "5")}, "a map")
    assert svg.count("<rect class=\"core ") == 24
    assert svg.count("core h3") == 1
    assert "core 5 (chip 0, x 1, y 0): half &lt;full&gt;" in svg
    links = link_map(fabric, {(0, 0): Mark("h8", "busy")}, "links")
    assert links.count('class="link ') == 2 * (2 * 2 + 3) + 1  # both ways, and to the host
    assert "chip 0 router (0,0) east: busy" in links
    assert link_map(build_fabric(torus(4, 4)), {}, "ring").count('class="link ') == 64


def test_north_is_up() -> None:
    fabric = build_fabric(small_chip(mesh={"width": 1, "height": 2}))
    svg = core_map(fabric, {0: Mark("h1", "south"), 1: Mark("h2", "north")}, "two")
    tops = dict(re.findall(r'class="core (h\d)" x="[\d.]+" y="([\d.]+)"', svg))
    assert float(tops["h2"]) < float(tops["h1"])


def test_a_large_chip_stays_small_enough() -> None:
    fabric = build_fabric(load_chip("darwin3"))
    marks = {core: Mark("h4", "1 operation", str(core)) for core in range(fabric.n_cores)}
    assert len(core_map(fabric, marks, "all")) < 150_000


def test_a_core_with_two_layers_has_the_colour_of_the_larger() -> None:
    data = data_of("tiny")
    first, out = data.program.cores[0], data.program.cores[-1]
    group = dataclasses.replace(out.groups[0], first=first.n_neurons)
    both = dataclasses.replace(first, groups=(*first.groups, group))
    program = dataclasses.replace(data.program, cores=(both, *data.program.cores[1:]))
    placed = maps.placement_map(dataclasses.replace(data, program=program))
    assert "core 1 (chip 0, x 1, y 0): hidden (6 neurons), out (4 neurons)" in placed.svg
    assert placed.svg.count('class="core c0"') == 4
    assert placed.legend == (("c0", "hidden"), ("c1", "out"))


def cut_run(n: int) -> ReportData:
    run = small_run("tiny", n)
    return report_data(run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes)


def test_few_samples_stand_in_a_table() -> None:
    data = cut_run(3)
    page = Page(render_html(data))
    assert "chart-latency_sample" not in page.scripts
    cycles = data.result.latency_cycles.tolist()
    rows = sections.few_samples(data).rows
    assert [(r[0], r[1]) for r in rows] == [(str(n), count(c)) for n, c in enumerate(cycles)]
    assert sections.few_samples(data_of("tiny")).rows == ()


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


def test_a_large_system_is_cut_to_what_is_used() -> None:
    fabric = build_fabric(load_chip("darwin3"))
    window = window_around(fabric, [288, 290])  # (0, 12), where the host is, and (2, 12)
    assert window == Window(0, 11, 3, 13)
    svg = core_map(fabric, {288: Mark("c0", "a", "288")}, "part", window)
    assert svg.count('class="core ') == 12
    assert ">288</text>" in svg
    assert link_map(fabric, {}, "links", window).count('class="link ') == 2 * (3 * 3 + 2 * 4) + 1
    assert 'x="0" y="10" width="4" height="3"' in inset(fabric, window)
    small = build_fabric(load_chip("tiny"))
    assert window_around(small, [0]) == Window(0, 0, 3, 3)
    assert inset(small, Window(0, 0, 3, 3)) == ""


def test_a_cut_map_says_what_it_shows() -> None:
    fabric = build_fabric(load_chip("darwin3"))
    drawn = maps._cut(maps.MeshMap("t", "note", "<svg/>"), fabric, Window(0, 11, 3, 13))
    assert drawn.note == "note; showing x 0 to 3, y 11 to 13 of 24 x 24 tiles"
    assert drawn.inset
    assert drawn.columns == 4


def test_accuracy_of_a_run_that_went_wrong_is_marked() -> None:
    data = data_of("tiny")
    assert sections.headlines(data)[0].tone == "plain"
    for status, text in (("deadlock", "deadlocked"), ("lost_packets", "lost packets")):
        result = changed(data.result, verdict=Verdict(status, "why", 0, 9, ()))
        tile = sections.headlines(dataclasses.replace(data, result=result))[0]
        assert tile.tone == "bad"
        assert tile.more.endswith(f"; not that of the network: {text}")
    result = changed(data.result, verdict=Verdict("deadlock", "why", 0, 9, ()))
    broken = report_data(result, small_run("tiny").case.program, data.chip, data.network)
    assert "doubtful" in render_html(broken).split("<main>")[1].split("</section>")[0]


def test_an_engine_without_cycles_has_no_captions_of_figures() -> None:
    run = small_run("tiny")
    data = report_data(unmeasured_result(), run.case.program, run.chip, run.case.network)
    missing = [h for h in sections.headlines(data) if h.value == "not measured"]
    assert len(missing) >= 5
    assert {h.more for h in missing} == {"hand engine: spikes only"}


def test_captions_name_samples_events_and_limits() -> None:
    data = dataclasses.replace(data_of("tiny"), loss_samples=450)
    words = Page(render_html(data)).words
    assert "over the 450 samples given to map" in words
    assert "0 \u00d7 unknown" not in re.sub(r"\d[\u202f\d]*\d \u00d7", "", words)
    assert "median (nearest rank)" in words
    assert sections._credit_limit(data, data.figures.links[0]) == " (credits allow 50 %)"
    assert sections._credit_limit(data, data.figures.links[1]) == ""


def test_a_published_rate_needs_no_energy() -> None:
    run = small_run("tiny")
    parts = run.chip.energy
    unknown = parts.static_power_per_chip.model_copy(update={"value": None})
    checks = tuple(
        CheckFigure(name=unit, value=1.0, unit=unit, evidence="published", source="x")
        for unit in ("MSOPS", "GSOP/s", "pJ/SOP")
    )
    priced = parts.model_copy(update={"static_power_per_chip": unknown, "checks": checks})
    report = energy(run.result, run.chip.model_copy(update={"energy": priced}))
    assert report is not None
    mega, giga, joules = report.checks
    operations = run.result.counters.sample_events[:, EVENT_NAMES.index("synaptic_operation")].sum()
    seconds = int(run.result.latency_cycles.sum()) * 1e-9
    assert mega.ours == pytest.approx(operations / seconds / 1e6)
    assert giga.ours == pytest.approx(operations / seconds / 1e9)
    assert joules.ours is None
    assert joules.reason == "static energy is not known, so neither is the all-in energy"
