"""Headlines and tables of the report: few samples, doubts, captions and published figures."""

from __future__ import annotations

import dataclasses
import re

import pytest

from neurosim.analysis.energy import energy
from neurosim.artefacts.result import Verdict
from neurosim.artefacts.tree_table import make_trees
from neurosim.chip.models import CheckFigure
from neurosim.report import sections
from neurosim.report.data import report_data
from neurosim.report.html import render_html
from neurosim.report.sections import load
from neurosim.report.text import count
from neurosim.rules.events import EVENT_NAMES
from tests.helpers.hand_result import unmeasured_result
from tests.helpers.pages import Page, changed, cut_run, data_of
from tests.helpers.small_run import small_run


def test_few_samples_stand_in_a_table() -> None:
    data = cut_run(3)
    page = Page(render_html(data))
    assert "chart-latency_sample" not in page.scripts
    cycles = data.result.latency_cycles.tolist()
    rows = sections.few_samples(data).rows
    assert [(r[0], r[1]) for r in rows] == [(str(n), count(c)) for n, c in enumerate(cycles)]
    assert sections.few_samples(data_of("tiny")).rows == ()


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
    assert load._credit_limit(data, data.figures.links[0]) == " (credits allow 50 %)"
    assert load._credit_limit(data, data.figures.links[1]) == ""


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


def test_packets_of_trees_are_said_to_be_copies() -> None:
    data = data_of("tiny")
    trees = make_trees({(0, 0): 1}, {(0, 1): 0, (1, 1): 0, (2, 1): 0})
    copied = dataclasses.replace(data, program=dataclasses.replace(data.program, trees=trees))
    plain, told = (next(h for h in sections.headlines(d) if h.name == "Packets") for d in (data, copied))
    assert plain.value == told.value
    assert told.more == plain.more + "; every copy of a packet to one of 3 trees counts"
