"""The HTML report: whole, offline, deterministic, and showing what the run measured."""

from __future__ import annotations

import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from neurosim.artefacts.result import Spikes, Verdict
from neurosim.errors import InputError
from neurosim.report import maps, sections
from neurosim.report.data import report_data
from neurosim.report.html import render_html, view, write_html
from tests.helpers.hand_result import unmeasured_result
from tests.helpers.pages import SECTIONS, Page, changed, data_of, page_of
from tests.helpers.small_run import small_run


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
    assert not re.search(r"url\((?!#)", text.split("<script", 1)[0])  # "#": a pattern of this very page
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


def test_shares_of_a_run_of_unknown_length_are_not_measured() -> None:
    run = small_run("tiny")
    verdict = Verdict("deadlock", "a cycle", 0, -1, ("router A waits for router B",))
    result = changed(
        run.result, verdict=verdict, latency_cycles=np.full_like(run.result.latency_cycles, -1)
    )
    data = report_data(result, run.case.program, run.chip, run.case.network)
    for table in (sections.link_table(data), sections.core_table(data)):
        assert table.rows
        assert {row[-1] for row in table.rows} == {"not measured"}
    assert "Busy cores" not in {one.title for one in maps.load_maps(data)}
    words = Page(render_html(data)).words
    assert "Busy cores: not measured (no cycle was simulated, or not said how many)." in words
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
