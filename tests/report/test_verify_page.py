"""The page of ``verify --report`` and the tables of ``verify`` and ``bench --rtl``: what stands there, from made-up figures."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

from rich.console import Console

from neurosim.api.bench_rtl import RtlBenchMade, RtlRow
from neurosim.cli import verify_tables
from neurosim.report.verify_page import is_ours, render, write_page
from rtl_models.area import Area
from rtl_models.coverage import Coverage, merged
from rtl_models.figures import Figures, Seen
from rtl_models.verdicts import FirstDifference, NotVerified, Verdict, VerifyTable

FIRST = FirstDifference("2x1 tiles, load 0.2", 9, "core 1", "arrival of packet 4", "cycle 9", "<never>", n_different=7)
GOOD = Verdict("sync_fifo", "lock-step", 2, 800, None, 0, 1.25)
BAD = Verdict("neuro_mesh", "traffic", 1, 400, 1234, 7, 3.0, "DIFFERS", FIRST, note="on 2x1 tiles")
LOST = (NotVerified("deadlocks", "only in --suite full"),)
FIGURES = Figures(
    "2x1 tiles", (Area("sync_fifo", 111, 41, 4), Area("neuron_core", 9000, 700, 80, 68608, 5)),
    (Coverage("sync_fifo", "line", 9, 10, ("sync_fifo.v:7 block",)), Coverage("sync_fifo", "branch", 10, 10, ()),
     Coverage("sync_fifo", "toggle", 3, 4, ())),
    (Seen("east", "local 0", 1500, 20, 3, 4),), (NotVerified("area of neuron_loop", "yosys was not done after 9 seconds"),),
)  # fmt: skip
NOTHING = Figures("2x1 tiles", (), (), (), ())


def table(*rows: Verdict) -> VerifyTable:
    return VerifyTable("tiny", "quick", 3, "ab" * 32, "equal means equal", rows, LOST, ("a note",))


def plain(text: str) -> str:
    """With ordinary spaces between the thousands."""
    return text.replace("\u202f", " ").replace("\u00a0", " ").replace("\u2009", " ")


def charts_of(page: str) -> dict[str, dict]:
    found = re.findall(r'data-chart="chart-(\w+)">(.*?)</script>', page)
    return {name: json.loads(text) for name, text in found}


def test_the_page_shows_every_verdict_and_figure():
    page = plain(render(table(GOOD, BAD), FIGURES))
    for text in ("sync_fifo", "lock-step", "1 234", "DIFFERS", "on 2x1 tiles", "only in --suite full", "a note",
                 "arrival of packet 4", "&lt;never&gt;", "68 608", "sync_fifo.v:7 block", "9 of 10", "3 of 4",
                 "local 0", "yosys was not done after 9 seconds", "neuro_mesh: DIFFERS", "1 not verified",
                 "90.0 % of lines"):  # fmt: skip
        assert text in page
    charts = charts_of(page)
    cells = {bar["name"]: dict(zip(bar["y"], bar["x"], strict=True)) for bar in charts["area"]["data"]}
    assert cells["flip-flops"] == {"sync_fifo": 41, "neuron_core": 700}
    assert cells["gates"] == {"sync_fifo": 70, "neuron_core": 8300}
    shares = {bar["name"]: bar["x"] for bar in charts["coverage"]["data"]}
    assert shares == {"lines and branches": [95.0], "toggle": [75.0]}


def test_figures_that_nobody_measured_are_not_zero():
    page = render(table(GOOD), NOTHING)
    assert page.count("not measured") >= 5
    assert charts_of(page) == {}
    assert '<span class="badge good">equal</span>' in page


def test_the_page_needs_nothing_else_and_is_the_same_every_time():
    page = render(table(GOOD), FIGURES)
    own = page.replace("https://", "") if "plotly" not in page else re.sub(r"<script>.*?</script>", "", page, flags=re.S)
    assert "http://" not in own
    assert "https://" not in own
    assert page == render(table(GOOD), FIGURES)


def test_only_our_pages_are_ours(tmp_path: Path):
    write_page(table(GOOD), FIGURES, tmp_path / "page.html")
    (tmp_path / "other.html").write_text("<html></html>")
    assert is_ours(tmp_path / "page.html")
    assert not is_ours(tmp_path / "other.html")
    assert not is_ours(tmp_path / "none.html")


def test_shares_are_over_all_modules():
    assert FIGURES.share("line", "branch") == 0.95
    assert NOTHING.share("line") is None


def test_of_two_benches_the_better_counts():
    low, high = Coverage("a", "line", 1, 4, ()), Coverage("a", "line", 6, 8, ())
    assert merged([low, Coverage("b", "line", 1, 1, ())], [high]) == [high, Coverage("b", "line", 1, 1, ())]


def shown(parts) -> str:
    console = Console(width=110, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    for part in parts:
        console.print(part)
    return plain(console.export_text())


def test_the_terminal_shows_the_account():
    text = shown(verify_tables.verification(table(GOOD, BAD)))
    assert re.search(r"^sync_fifo +lock-step +2 +800 +- +0 +1\.2 s +equal *$", text, re.M)
    assert re.search(r"^neuro_mesh +traffic +1 +400 +1 234 +7 +3\.0 s +DIFFERS *$", text, re.M)
    assert re.search(r"^core 1 +arrival of packet 4 +cycle 9 +<never> *$", text, re.M)
    assert re.search(r"^neuro_mesh, traffic +on 2x1 tiles *$", text, re.M)
    assert "nothing; with --out DIR the waveform around it and the simulator's log" in text
    assert text.rstrip().endswith("DIFFERENT: first in cycle 9, core 1, arrival of packet 4")


def test_a_check_that_stopped_at_the_first_difference_does_not_say_one():
    stopped = replace(BAD, differences=1, first=replace(FIRST, n_different=None))
    text = shown(verify_tables.verification(table(stopped)))
    assert re.search(r"^neuro_mesh +traffic +1 +400 +1 234 +1\+ +3\.0 s +DIFFERS *$", text, re.M)
    assert "a + behind the differences: nothing was compared after the first" in text
    assert "a + behind" not in shown(verify_tables.verification(table(BAD)))
    page = render(table(GOOD, stopped), FIGURES)
    assert page.count(">1+<") == 2  # the headline and the row
    assert "a + behind the differences" in page


def test_the_benchmark_says_whether_the_aim_is_reached():
    rows = (RtlRow("demo", 1000, 10, 1.0, 400.0, 1000.0, 2.5, 400.0, 300.0), RtlRow("mesh", 1000, 10, 1.0, 4.0, 1000.0, 250.0, 4.0, 10.0))  # fmt: skip
    text = shown(verify_tables.rtl_bench(RtlBenchMade(rows, 5)))
    assert re.search(r"^demo +1 000 +10 +1,000 +2 +400\.0 +300 +yes *$", text, re.M)
    assert re.search(r"^mesh .* 4\.0 +10 +NO *$", text, re.M)
    assert "Seed 5." in text
