"""Report pages for tests: made from small runs, and read by an HTML parser."""

from __future__ import annotations

import dataclasses
import functools
from html.parser import HTMLParser
from typing import Any

from neurosim.artefacts.mapping import SolverReport
from neurosim.artefacts.result import Result
from neurosim.report.data import ReportData, report_data
from neurosim.report.html import render_html
from neurosim.report.manifest import manifest
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


def changed(result: Result, **changes: Any) -> Result:
    return dataclasses.replace(result, **changes)


def cut_run(n: int) -> ReportData:
    run = small_run("tiny", n)
    return report_data(run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes)
