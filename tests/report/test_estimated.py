"""Reports of an estimated run say of every figure that rests on times that it is estimated."""

from __future__ import annotations

import dataclasses
import io

import numpy as np
import pytest
from rich.console import Console

from neurosim.engines.estimate import EstimateEngine
from neurosim.report import maps, sections
from neurosim.report.data import ReportData, report_data
from neurosim.report.html import render_html
from neurosim.report.terminal import one_line, print_report
from tests.helpers.small_run import small_run

TIMED = ("Latency per sample", "Throughput", "Busiest core")


@pytest.fixture(scope="module")
def estimated() -> ReportData:
    run = small_run("tiny")
    result = EstimateEngine(run.chip).run(run.case.program, run.case.network, run.case.workload)
    return report_data(result, run.case.program, run.chip, run.case.network, run.case.workload.spikes)


def test_every_timed_figure_is_marked(estimated: ReportData) -> None:
    names = {headline.name for headline in sections.headlines(estimated)}
    assert {f"{name} (estimated)" for name in TIMED} < names
    assert not names & set(TIMED)
    assert {"Accuracy", "Synaptic operations", "Packets", "Spikes"} < names  # these are counted
    assert sections.badges(estimated)[0] == ("warn", "estimated: no cycle was simulated")
    assert "static (estimated)" in next(h.more for h in sections.headlines(estimated) if h.name.startswith("Energy"))
    assert sections.link_table(estimated).head[-1] == sections.core_table(estimated).head[-1] == "busy (estimated)"


def test_maps_that_are_drawn_are_not_called_missing(estimated: ReportData) -> None:
    drawn = maps.load_maps(estimated)
    titles = [one.title for one in drawn]
    assert titles == ["Placement", "Busy cores (estimated)", "Synaptic operations", "Link traffic"]
    assert maps.missing_maps(estimated, drawn) == ["Blocked links", "Fullest buffers"]
    page = render_html(estimated)
    assert "Blocked links, Fullest buffers: not measured (estimate engine)." in page
    for text in ("<h2>Latency (estimated)</h2>", "<h3>Cycles per hardware step (estimated)</h3>"):
        assert text in page
    assert "run finished" not in page


def test_a_simulated_run_is_not_called_estimated() -> None:
    run = small_run("tiny")
    data = report_data(run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes)
    assert maps.missing_maps(data, maps.load_maps(data)) == []
    assert "estimated" not in render_html(data)


def test_the_terminal(estimated: ReportData) -> None:
    file = io.StringIO()
    print_report(Console(file=file, width=160), estimated)
    said = file.getvalue()
    assert "Latency (estimated) (p50 and p99: nearest rank)" in said
    assert "● estimated: no cycle was simulated" in said
    assert "latency (estimated) " in one_line(estimated)
    silent = dataclasses.replace(estimated, result=dataclasses.replace(estimated.result, engine="compiled"))
    assert "estimated" not in one_line(silent)
    assert np.array_equal(silent.result.step_end, estimated.result.step_end)
