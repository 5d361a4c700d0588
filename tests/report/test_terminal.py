"""The terminal report and the number formats."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from neurosim.artefacts.result import Verdict
from neurosim.cli import tables
from neurosim.report.data import ReportData, report_data
from neurosim.report.terminal import one_line, print_report, print_verdict
from neurosim.report.text import count, percent, si
from tests.helpers.hand_result import unmeasured_result
from tests.helpers.small_run import small_run


def data_of(preset: str = "tiny") -> ReportData:
    run = small_run(preset)
    return report_data(
        run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes
    )


def printed(data: ReportData, width: int = 110) -> str:
    console = Console(width=width, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_report(console, data)
    return console.export_text()


@pytest.mark.parametrize(
    ("value", "unit", "text"),
    [
        (None, "s", "not measured"), (0, "J", "0 J"), (1.0, "s", "1.00 s"), (8.33e-7, "s", "833 ns"),
        (1.2345e-5, "J", "12.3 µJ"), (999.6, "Hz", "1.00 kHz"), (0.9996, "s", "1.00 s"),
        (123456.0, "/s", "123 k/s"), (5.47e-12, "J", "5.47 pJ"), (6e-13, "J", "600 fJ"),
        (1e-19, "J", "0.000100 fJ"), (2.5e18, "", "2500 P"),
    ],
)  # fmt: skip
def test_si(value: float | None, unit: str, text: str) -> None:
    assert si(value, unit) == text


def test_count_and_percent() -> None:
    assert [count(v) for v in (None, 0, 12345, 1.5, 2.0)] == [
        "not measured", "0", "12\u202f345", "1.5", "2",
    ]  # fmt: skip
    assert [percent(v) for v in (None, 0.975, 1)] == ["not measured", "97.5 %", "100.0 %"]


def test_the_report_shows_figures_and_verdict() -> None:
    text = printed(data_of())
    for part in ("small on tiny", "● run finished", "Accuracy", "Energy by event", "not priced",
                 "Busiest links", "chip 0 router (0,0) east", "NeuroBench", "ConnectionSparsity"):  # fmt: skip
        assert part in text
    assert text.rstrip().endswith("conclusion: this mapping cannot deadlock")
    assert printed(data_of()) == text


def test_the_verdict_is_printed_line_by_line() -> None:
    console = Console(width=60, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    print_verdict(console, data_of())
    assert console.export_text().splitlines() == [
        "Deadlock",
        "  routing function: free of deadlock; certificate: a topological order of 82 channels, 186 dependencies",
        "  mapped flows: free of deadlock; certificate: a topological order of 22 channels, 20 dependencies",
        "  run: every sample finished; every step of every sample ended",
        "  conclusion: this mapping cannot deadlock",
    ]  # fmt: skip


def test_markup_in_names_is_text() -> None:
    data = data_of()
    run = data.metrics["run"] | {"program": "[red]x[/red]"}
    loss = ({"layer": "[bold]y[/bold]"},)
    text = printed(dataclasses.replace(data, metrics=data.metrics | {"run": run}, loss=loss))
    assert "[red]x[/red] on tiny" in text
    assert "[bold]y[/bold]" in text


def test_unfinished_samples_are_named_beside_the_accuracy() -> None:
    data = data_of()
    for part, text in (
        ({"rate": 0.5, "correct": 1, "labelled": 2, "unfinished": 1}, "1 of 2 samples; 1 unfinished, not counted"),
        (dict.fromkeys(("rate", "correct", "labelled")) | {"unfinished": 3},
         "no finished sample has a label; 3 unfinished, not counted"),
        (dict.fromkeys(("rate", "correct", "labelled")) | {"unfinished": 0}, "no labels"),
    ):  # fmt: skip
        shown = printed(dataclasses.replace(data, metrics=data.metrics | {"accuracy": part}), 140)
        (line,) = [row for row in shown.splitlines() if row.strip().startswith("Accuracy")]
        assert line.rstrip().endswith(text)


def test_an_engine_that_counts_nothing() -> None:
    run = small_run("tiny")
    data = report_data(unmeasured_result(), run.case.program, run.chip, run.case.network)
    text = printed(data)
    assert "Energy by event" not in text
    assert "Busiest links" not in text
    assert text.count("not measured") > 10
    assert one_line(data) == (
        "small on tiny: ok, accuracy 100.0 %, latency not measured, dynamic energy not measured per sample, "
        "deadlock proven_free"
    )


def test_a_run_of_unknown_length_names_no_busiest_link() -> None:
    case = small_run("tiny")
    result = dataclasses.replace(
        case.result, verdict=Verdict("deadlock", "a cycle", 0, -1, ("a waits for b",)),
        latency_cycles=np.full_like(case.result.latency_cycles, -1),
    )  # fmt: skip
    data = report_data(result, case.case.program, case.chip, case.case.network)
    comparison = {
        "spikes_equal_functional": None, "populations_that_differ": [], "reason": "it deadlocked",
        "accuracy_float": None,
    }  # fmt: skip
    console = Console(width=110, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(tables.run(SimpleNamespace(data=data, metrics=data.metrics, comparison=comparison))[0])
    lines = [line.rstrip() for line in console.export_text().splitlines()]
    assert "busiest link  not measured" in lines


def test_one_line() -> None:
    data = data_of()
    latency = data.metrics["latency"]["sample_cycles"]["p50"]
    assert one_line(data) == (
        f"small on tiny: ok, accuracy 0.0 %, latency {latency} ns, "
        "dynamic energy at least 12.7 nJ per sample, deadlock proven_free"
    )
