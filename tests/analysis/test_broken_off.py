"""A run that broke off: its shares are of the time that was simulated, its counts are no sample's."""

from __future__ import annotations

import dataclasses
import functools

import numpy as np
import pytest

from neurosim.analysis.latency import latency
from neurosim.analysis.metrics import metrics
from neurosim.artefacts.result import Result, Verdict
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.report import maps, sections
from neurosim.report.data import ReportData, report_data
from neurosim.report.text import si
from tests.helpers.hand_result import hand_result
from tests.helpers.small_chips import small_chip
from tests.helpers.small_run import small_run

PAIR = small_chip(mesh={"width": 2, "height": 1})


@pytest.mark.parametrize(
    ("cycles", "verdict", "simulated"),
    [
        ([60, 40], Verdict("ok", ""), 100),
        ([60, -1], Verdict("deadlock", "", 1, 25), 85),
        ([-1, -1], Verdict("limit", "", 0, 9), 9),
        ([60, 40], Verdict("lost_packets", "", 1, 40), 100),  # such a sample ends, and is counted once
        ([60, -1], Verdict("deadlock", ""), 0),  # no engine of ours: it does not say when
        ([60, -1], Verdict("deadlock", "", 7, 25), 0),
    ],
)
def test_cycles_simulated(cycles: list[int], verdict: Verdict, simulated: int) -> None:
    report = latency(hand_result(latency_cycles=np.array(cycles), verdict=verdict), PAIR)
    assert report.simulated_cycles == simulated
    assert report.run_cycles == sum(c for c in cycles if c > 0)


@functools.cache
def broken_off() -> Result:
    """The small run, really broken off: its limit is what the longest step but one of its first sample takes."""
    run = small_run("tiny")
    steps = run.result.step_end - run.result.step_start
    limit = int(np.sort(steps[0])[-2])
    return ReferenceEngine().run(run.case.program, run.case.workload, RunOptions(max_step_cycles=limit))


def data_of(result: Result) -> ReportData:
    run = small_run("tiny")
    return report_data(result, run.case.program, run.chip, run.case.network)


def test_shares_of_a_broken_run_are_of_its_own_time() -> None:
    result = broken_off()
    assert (result.verdict.status, result.verdict.sample) == ("limit", 1)
    assert result.latency_cycles[0] > 0
    cycles = int(result.latency_cycles[0]) + result.verdict.cycle
    data = data_of(result)
    load = data.metrics["load"]
    assert load["cycles"] == cycles
    first = data.figures.cores[0]
    assert 0 < max(first.pipeline_busy_cycles, first.loop_busy_cycles) < cycles
    for core in data.figures.cores:
        assert core.utilisation == max(core.pipeline_busy_cycles, core.loop_busy_cycles) / cycles
    sent = [link for link in data.figures.links if link.flits]
    assert sent
    for link in sent:
        interval = data.fabric.interval[data.fabric.tile_of(link.router), link.port]
        assert link.utilisation == link.flits * interval / cycles
    (busy,) = [one for one in maps.load_maps(data) if one.title == "Busy cores"]
    grouped = f"{cycles:,}".replace(",", "\u202f")
    assert busy.note.endswith(f"share of the {grouped} cycles simulated")


def test_what_was_under_way_does_not_make_more_than_all() -> None:
    run = small_run("tiny")
    none = np.full_like(run.result.latency_cycles, -1)
    result = dataclasses.replace(run.result, latency_cycles=none, verdict=Verdict("limit", "", 0, 1))
    document = metrics(result, run.case.program, run.chip, run.case.network)
    assert document["load"]["busiest_cores"][0]["utilisation"] == 1.0
    assert document["load"]["busiest_links"][0]["utilisation"] == 1.0


def test_counts_of_a_broken_run_are_not_shared_among_samples_that_never_ran() -> None:
    data = data_of(broken_off())
    whole, broken = ({h.name: h for h in sections.headlines(d)} for d in (data_of(small_run().result), data))
    for name, key in (("Packets", "packets_sent"), ("Spikes", "spikes"), ("Synaptic operations", "synaptic_operations")):
        total = data.metrics["work"][key]
        assert broken[name].value.replace("\u202f", "") == str(total)
        assert broken[name].more.startswith("in all, until the run broke off")
        assert whole[name].more.startswith("per sample")


def test_static_energy_is_per_finished_sample() -> None:
    """Six samples of which one finished: the energy of that one, not a sixth of it."""
    run = small_run("tiny")
    cycles = np.full_like(run.result.latency_cycles, -1)
    cycles[0] = run.result.latency_cycles[0]
    verdict = Verdict("deadlock", "a cycle", 1, 30)
    one = data_of(dataclasses.replace(run.result, latency_cycles=cycles, verdict=verdict))
    (energy,) = [h for h in sections.headlines(one) if h.name == "Energy per sample"]
    static = one.metrics["samples"][0]["static_energy_j"]
    assert energy.more == f"dynamic; static {si(static, 'J')} more"
