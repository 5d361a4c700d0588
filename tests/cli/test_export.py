"""``run --trace`` and ``export``: what they write, what they refuse, and that nothing half-written stays."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as parquet
import pytest

from neurosim import run_mapping
from neurosim.api.tracing import TraceChoices, parse_cores, parse_span
from neurosim.errors import InputError
from tests.cli.conftest import DIGITS, Neurosim
from tests.cli.test_outputs import contents

RUN = "run mapped --input dense_test.npz --samples 1 --quiet"
TABLES = ("cores", "flits", "packets", "steps")
HEADS = {".pftrace": b"neurosim system", ".vcd": b"$comment neurosim $end\n$timescale 1 ns $end"}


@pytest.fixture(scope="module")
def traced(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of two samples with trace and events."""
    out = tmp_path_factory.mktemp("traced") / "run"
    run_mapping(made / "mapped", DIGITS / "dense_test.npz", samples=2, out=out, trace=True, events=True)
    return out


@pytest.fixture
def run(here: Path, traced: Path) -> Path:
    (here / "traced").symlink_to(traced)
    return here


def rows(path: Path) -> list[dict[str, object]]:
    return parquet.read_table(path).to_pylist()


def test_a_traced_run_is_whole(run: Path, neurosim: Neurosim) -> None:
    manifest = json.loads((run / "traced" / "manifest.json").read_text())
    assert {f"trace/{name}.parquet" for name in TABLES} < set(manifest["files"])
    assert "events.parquet" in manifest["files"]
    assert manifest["command"][7:-2] == ["--seed", "0", "--events", "--trace"]
    metrics = json.loads((run / "traced" / "metrics.json").read_text())
    packets = rows(run / "traced" / "trace" / "packets.parquet")
    events = [row for row in rows(run / "traced" / "events.parquet") if row["kind"] == "packet"]
    assert len(packets) == len(events) == metrics["work"]["packets_sent"] > 0
    assert neurosim("check traced --quiet").code == 0
    assert neurosim("report mapped").code == 2


def test_without_a_trace_nothing_changes(run: Path, neurosim: Neurosim) -> None:
    """A trace changes no other file, and its folder is only there on request."""
    assert neurosim(RUN + " -o plain").code == 0
    assert neurosim(RUN + " --trace -o with").code == 0
    plain, traced = contents(run / "plain"), contents(run / "with")
    assert set(traced) - set(plain) == {f"trace/{name}.parquet" for name in TABLES}
    assert {n for n in plain if plain[n] != traced[n]} == {"manifest.json"}
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


def test_same_command_same_bytes(run: Path, neurosim: Neurosim) -> None:
    line = RUN + " --trace --trace-steps 2:5 --trace-cores 0-1,host -o "
    assert neurosim(line + "one").code == neurosim(line + "two").code == 0
    assert contents(run / "one") == contents(run / "two")
    manifest = json.loads((run / "one" / "manifest.json").read_text())
    words = " ".join(manifest["command"])
    assert "--trace --trace-steps 2:5 --trace-cores 0-1,host -o" in words
    steps = {row["step"] for row in rows(run / "one" / "trace" / "flits.parquet")}
    assert steps == {2, 3, 4}


def test_export(run: Path, neurosim: Neurosim) -> None:
    found = neurosim("export traced --perfetto a.pftrace --vcd a.vcd --json")
    assert found.code == 0
    document = json.loads(found.out)
    assert document["written"] == {"perfetto": "a.pftrace", "vcd": "a.vcd"}
    for name, head in HEADS.items():
        assert head in (run / f"a{name}").read_bytes()[:256]
    part = neurosim("export traced --perfetto b.pftrace --samples 1 --steps 3:5 --cores 0 --json")
    assert 0 < json.loads(part.out)["events"]["perfetto"] < document["events"]["perfetto"] / 4
    assert neurosim("export traced --perfetto b.pftrace --force").code == 0
    assert (run / "a.pftrace").read_bytes() == (run / "b.pftrace").read_bytes()
    assert [path.name for path in run.iterdir() if path.name.startswith(".")] == []


@dataclass(frozen=True)
class Case:
    name: str
    line: str
    said: str


CASES = [
    Case("no file", "export traced",
         "nothing to export [export-nothing]\n  hint: name a file: --perfetto FILE or --vcd FILE"),
    Case("no trace", "export run --vcd a.vcd",
         "run: the run has no trace [export-no-trace]\n  hint: run it again with --trace"),
    Case("no run", "export mapped --vcd a.vcd",
         "mapped: a folder of another kind [folder-kind]\n  expected: a run (made by `run`)\n"
         "  got: a mapping (made by `map`)"),
    Case("exists", "export traced --vcd dense_test.npz",
         "dense_test.npz: the output exists [output-exists]\n"
         "  hint: choose another output, or replace it with --force"),
    Case("not ours", "export traced --vcd dense_test.npz --force",
         "dense_test.npz: the output exists and this program did not make it [output-foreign]\n"
         "  hint: --force replaces only exports of the same kind"),
    Case("no parent", "export traced --vcd no/a.vcd",
         "no: the folder to write into does not exist [output-no-parent]\n"
         "  hint: make it, or choose another output"),
    Case("the same file twice", "export traced --vcd a.x --perfetto a.x",
         "a.x: both exports have the same name [output-overlap]"),
    Case("no such sample", "export traced --vcd a.vcd --samples 7",
         "traced: the run has no such sample [option-span]\n  expected: 0..1\n  got: 7"),
    Case("steps that are none", "export traced --vcd a.vcd --steps 5:2",
         "the steps are not a range [option-span]\n  expected: A:B (A to B - 1), A:, :B or A\n  got: 5:2"),
    Case("cores that are none", "export traced --vcd a.vcd --cores 1,x",
         "the cores are not a list [option-cores]\n  expected: numbers, ranges or host: 0,3-5,host\n"
         "  got: 1,x"),
    Case("no such core", RUN + " -o out --trace --trace-cores 0-99",
         "the chip has no such core [option-cores]\n  expected: 0..15\n  got: 99"),
    Case("window without trace", RUN + " -o out --trace-cores 0",
         "a window of the trace, but no trace [trace-window]\n  hint: add --trace, or leave it out"),
    Case("window with events", RUN + " -o out --trace --events --trace-steps 0",
         "events.parquet lists every packet, not those of a window [trace-window]\n"
         "  hint: leave out --events: the trace lists the window's packets too"),
    Case("an engine without events", RUN + " -o out --engine functional --trace",
         "engine 'functional' has no events to trace [trace-no-events]\n"
         "  hint: a trace needs a cycle engine, such as compiled"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_bad_input(case: Case, run: Path, neurosim: Neurosim) -> None:
    before = sorted(path.name for path in run.iterdir())
    found = neurosim(case.line)
    assert (found.code, found.out, found.err) == (2, "", f"error: {case.said}\n")
    assert sorted(path.name for path in run.iterdir()) == before


def test_a_damaged_trace(run: Path, neurosim: Neurosim, traced: Path) -> None:
    import shutil

    shutil.copytree(traced, run / "mine")
    path = run / "mine" / "trace" / "flits.parquet"
    path.write_bytes(path.read_bytes()[:-500])
    found = neurosim("export mine --vcd a.vcd")
    assert (found.code, found.err) == (
        2, "error: mine/trace/flits.parquet: not a whole trace file of this program [artefact-broken]\n"
        "  hint: make the run again\n",
    )  # fmt: skip
    assert not (run / "a.vcd").exists()
    assert neurosim("check mine --quiet").code == 5


def test_missing_packages(run: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "vcd", None)
    found = neurosim("export traced --vcd a.vcd")
    assert (found.code, found.err) == (
        2, "error: the VCD export needs the package 'pyvcd', which is not installed [export-no-pyvcd]\n"
        "  hint: pip install 'neurosim-cycle[trace]'\n",
    )  # fmt: skip
    assert not (run / "a.vcd").exists()


def test_spans_and_cores() -> None:
    end = 1 << 31
    spans = {"3": (3, 4), "3:5": (3, 5), "3:": (3, end), ":5": (0, 5), ":": (0, end), " 1 : 2 ": (1, 2)}
    assert {text: parse_span(text, "steps") for text in spans} == spans
    for text in ("", "x", "3:3", "5:4", "1:2:3", "-1", "3 4", f"0:{end + 1}"):
        with pytest.raises(InputError, match="option-span"):
            parse_span(text, "steps")
    assert parse_cores("0, 3-5,host", 16) == frozenset({-1, 0, 3, 4, 5})
    for text in ("", "a", "5-3", "1,,2", "1-", "-1", "host-3"):
        with pytest.raises(InputError, match="option-cores"):
            parse_cores(text, 16)
    assert TraceChoices(trace=True, steps="1:2").words() == ["--trace", "--trace-steps", "1:2"]


def test_a_window_without_events_is_a_warning(run: Path, neurosim: Neurosim) -> None:
    said = neurosim("export traced --vcd late.vcd --steps 100: --quiet")
    assert said.code == 0
    assert said.err == "warning: late.vcd holds no events: nothing of the trace lies in the window\n"


def test_a_trace_without_events_is_a_warning(run: Path, neurosim: Neurosim) -> None:
    """A window that lies outside of the run, in time or in space; the run itself is as always."""
    said = neurosim(RUN + " -o late --trace --trace-steps 100:200")
    assert (said.code, said.err) == (
        0, "warning: late/trace holds no packets, flits or core events: none of the run lie in the window\n"
    )  # fmt: skip
    assert neurosim("check late --quiet").code == 0
    said = neurosim(RUN + " -o idle --trace --trace-cores 15 --json")
    assert json.loads(said.out)["warnings"] == [
        "idle/trace holds no packets, flits or core events: none of the run lie in the window"
    ]
    assert neurosim(RUN + " -o part --trace --trace-steps 3:200").err == ""


def test_an_export_is_not_checked_alone(run: Path, neurosim: Neurosim) -> None:
    (run / "exports").mkdir()
    assert neurosim("export traced --perfetto exports/a.pftrace --vcd exports/a.vcd --quiet").code == 0
    for what in ("exports", "exports/a.pftrace", "exports/a.vcd"):
        found = neurosim(f"check {what}")
        assert (found.code, found.err) == (
            2, f"error: {what}: an export of a trace is not checked: it follows from the trace of its run "
            "[check-export]\n  hint: check the run that it was made of, or export that again\n",
        )  # fmt: skip


def test_an_export_into_the_run_is_refused(run: Path, neurosim: Neurosim) -> None:
    said = neurosim("export traced --perfetto traced/x.pftrace")
    assert (said.code, "[output-overlap]" in said.err) == (2, True)
    assert not (run / "traced/x.pftrace").exists()
