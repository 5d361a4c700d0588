"""``check`` of folders in which something was changed, lost or added: exit 5, and the problem by its name."""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from neurosim import run_mapping, store
from neurosim.api import checking
from neurosim.api.folders import MARKER, as_json, file_digest, seal_of
from neurosim.api.integrity import first_difference
from neurosim.artefacts.mapping import Routes
from neurosim.artefacts.result import Result
from neurosim.cli import tables
from neurosim.network.model import Network
from tests.cli.conftest import DIGITS, Neurosim

Change = Callable[[Path], object]


@pytest.fixture(scope="session")
def whole(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of one sample with everything that it can have: events and a report."""
    from neurosim import report_run

    out = tmp_path_factory.mktemp("whole") / "run"
    run_mapping(made / "mapped", DIGITS / "dense_test.npz", samples=1, out=out, events=True)
    report_run(out)
    return out


@pytest.fixture
def mine(whole: Path, here: Path) -> Path:
    """A copy of it that a test may spoil."""
    shutil.copytree(whole, here / "mine")
    return here / "mine"


def problems(neurosim: Neurosim, folder: str = "mine") -> dict[str, list[str]]:
    """What ``check`` finds wrong, by what was checked; it must end with 5 if that is anything."""
    found = neurosim(f"check {folder} --json")
    document = json.loads(found.out)
    bad = {line["what"]: line["problems"] for line in document["checked"] if line["problems"]}
    assert (found.code, found.err) == (5 if bad else 0, "")
    assert document["is_good"] is not bool(bad)
    return bad


def text(name: str, content: str = "hi") -> Change:
    return lambda folder: (folder / name).write_text(content)


def lose(name: str) -> Change:
    return lambda folder: (folder / name).unlink()


def swap(name: str, old: str, new: str) -> Change:
    """Replaces one piece of a text file."""

    def change(folder: Path) -> None:
        content = (folder / name).read_text()
        assert old in content
        (folder / name).write_text(content.replace(old, new, 1))

    return change


def weight(name: str) -> Change:
    """Adds one to one weight of a network."""

    def change(folder: Path) -> None:
        network = store.load(folder / name, Network)
        first = network.projections[0]
        values = first.connection.weight.copy()
        values.flat[0] += 1
        connection = replace(first.connection, weight=values)
        store.save(
            replace(network, projections=(replace(first, connection=connection), *network.projections[1:])),
            folder / name,
        )

    return change


def queue_peak(folder: Path) -> None:
    result = store.load(folder / "result.npz", Result)
    counters = result.counters
    peak = counters.queue_peak_flits.copy()
    peak.flat[0] += 1
    store.save(replace(result, counters=replace(counters, queue_peak_flits=peak)), folder / "result.npz")


def routes(folder: Path) -> None:
    path = folder / "mapping" / "routes.npz"
    store.save(replace(store.load(path, Routes), verdict="cyclic"), path)


def other_input(folder: Path) -> None:
    with np.load(DIGITS / "dense_test.npz") as digits:
        np.savez_compressed(folder / "input.npz", x=digits["x"][5:6], y=digits["y"][5:6])


CHANGED = "{} has changed since it was written"
MISSING = "{} is missing"


@dataclass(frozen=True)
class Case:
    name: str
    change: Change
    problem: str
    """One of the problems of the line "files"."""


CASES = [
    Case("events are text", text("events.parquet"), CHANGED.format("events.parquet")),
    Case("events lost", lose("events.parquet"), MISSING.format("events.parquet")),
    Case("report is text", text("report.html"), CHANGED.format("report.html")),
    Case("report lost", lose("report.html"), MISSING.format("report.html")),
    Case("solver's status", swap("mapping/mapping.json", '"status": "', '"status": "x'),
         CHANGED.format("mapping/mapping.json")),
    Case("no figures", text("mapping/mapping.json", "{}"), CHANGED.format("mapping/mapping.json")),
    Case("queue peak", queue_peak, CHANGED.format("result.npz")),
    Case("result lost", lose("result.npz"), MISSING.format("result.npz")),
    Case("result is text", text("result.npz"), CHANGED.format("result.npz")),
    Case("input lost", lose("input.npz"), MISSING.format("input.npz")),
    Case("other input", other_input, CHANGED.format("input.npz")),
    Case("float weight", weight("mapping/float_network.npz"), CHANGED.format("mapping/float_network.npz")),
    Case("integer weight", weight("mapping/network.npz"), CHANGED.format("mapping/network.npz")),
    Case("routes", routes, CHANGED.format("mapping/routes.npz")),
    Case("chip's mesh", swap("mapping/chip.yaml", "width: 4", "width: 5"), CHANGED.format("mapping/chip.yaml")),
    Case("chip is nonsense", text("mapping/chip.yaml", "[1"), CHANGED.format("mapping/chip.yaml")),
    Case("manifest of the mapping", text("mapping/manifest.json"), CHANGED.format("mapping/manifest.json")),
    Case("comparison lost", lose("comparison.json"), MISSING.format("comparison.json")),
    Case("a file more", text("notes.txt"), "notes.txt is not one of the files that this folder was written with"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_changed_folder(case: Case, neurosim: Neurosim, mine: Path) -> None:
    case.change(mine)
    assert problems(neurosim)["files"] == [case.problem]


def test_whole_folder_is_good(neurosim: Neurosim, mine: Path) -> None:
    assert problems(neurosim) == {}


def change_manifest(folder: Path, change: Callable[[dict[str, object]], object], is_sealed: bool) -> None:
    manifest = json.loads((folder / MARKER).read_text())
    change(manifest)
    if is_sealed:
        manifest["seal"] = seal_of(manifest)
    (folder / MARKER).write_bytes(as_json(manifest))


def test_seed_in_the_manifest(neurosim: Neurosim, mine: Path) -> None:
    change_manifest(mine, lambda m: m.update(seed=5), is_sealed=False)
    assert problems(neurosim) == {
        "manifest.json": [
            "it has changed since it was written", "it does not agree with result.npz: seed is 5, not 0",
        ]
    }  # fmt: skip


def test_digest_in_the_manifest(neurosim: Neurosim, mine: Path) -> None:
    """Also where the change was sealed again."""
    right = json.loads((mine / MARKER).read_text())["digests"]["chip"]
    change_manifest(mine, lambda m: m["digests"].update(chip="0"), is_sealed=True)  # type: ignore[attr-defined]
    assert problems(neurosim) == {
        "manifest.json": [f'it does not agree with result.npz: digests.chip is "0", not "{right}"']
    }


def test_manifest_of_a_mapping(neurosim: Neurosim, here: Path) -> None:
    shutil.copytree(here / "mapped", here / "mine")
    assert problems(neurosim) == {}
    change_manifest(here / "mine", lambda m: m.update(seed=5), is_sealed=True)
    assert problems(neurosim) == {"manifest.json": ["it does not agree with its artefacts: seed is 5, not 0"]}


def test_empty_figures_of_a_mapping(neurosim: Neurosim, mine: Path) -> None:
    (mine / "mapping" / "mapping.json").write_text("{}")
    assert problems(neurosim)["mapping/mapping.json"] == [
        "cannot be checked: mapping.json: the figure 'network.digest' is missing"
    ]
    found = neurosim("report mine")
    assert (found.code, found.err.splitlines()[0]) == (
        2, "error: mine/mapping/mapping.json: the figure 'network.digest' is missing [mapping-figures]",
    )  # fmt: skip


def test_changed_float_network_is_not_run(neurosim: Neurosim, here: Path) -> None:
    shutil.copytree(here / "mapped", here / "mine")
    weight("float_network.npz")(here / "mine")
    found = neurosim("run mine --input dense_test.npz --samples 1 -o out")
    assert (found.code, found.err.splitlines()[0]) == (
        2, "error: mine: float_network.npz and mapping.json do not belong together [mapping-mixed]",
    )  # fmt: skip


def test_one_changed_file(neurosim: Neurosim, mine: Path) -> None:
    """A file of a folder is also held against its manifest when it is checked alone."""
    queue_peak(mine)
    (mine / "mapping" / "chip.yaml").write_text("[1")
    (mine / "mapping" / "routes.npz").write_text("hi")
    assert problems(neurosim, "mine/result.npz")["result.npz"][0] == CHANGED.format("result.npz")
    assert problems(neurosim, "mine/mapping/chip.yaml")["chip.yaml"][0] == CHANGED.format("chip.yaml")
    assert problems(neurosim, "mine/mapping/routes.npz")["routes.npz"] == [
        CHANGED.format("routes.npz"),
        "cannot be checked: routes.npz: not a whole artefact of this program "
        "(got another kind of file, or one cut off)",
    ]


def test_first_figure_that_differs(neurosim: Neurosim, mine: Path) -> None:
    """The name and both values, of figures and of the comparison."""
    metrics = json.loads((mine / "metrics.json").read_text())
    right = metrics["work"]["packets_sent"]
    metrics["work"]["packets_sent"] = right + 1
    (mine / "metrics.json").write_bytes(as_json(metrics))
    swap("comparison.json", '"accuracy_float": 1.0', '"accuracy_float": 0.5')(mine)
    found = problems(neurosim)
    assert found["metrics.json"] == [
        f"its figures do not follow from result.npz: work.packets_sent is {right + 1}, not {right}"
    ]
    assert found["comparison.json"] == [
        "its figures do not follow from result.npz and input.npz: accuracy_float is 0.5, not 1.0"
    ]


@pytest.mark.parametrize(
    ("error", "is_changed", "is_caught"),
    [
        (KeyError("routes"), True, True), (OverflowError("10**400"), True, True), (MemoryError(), True, True),
        (KeyError("routes"), False, False), (RuntimeError("ours"), True, False), (SystemError("ours"), True, False),
    ],
)  # fmt: skip
def test_a_checker_stumbles_over_changed_content_only(error: Exception, is_changed: bool, is_caught: bool) -> None:
    """Anything else is a bug of ours and must be seen as one."""

    def stumble() -> list[str]:
        raise error

    if is_caught:
        said = ["cannot be checked: its content is not what this program writes"]
        assert checking._found(stumble, is_changed) == said
    else:
        with pytest.raises(type(error)):
            checking._found(stumble, is_changed)


def test_first_difference() -> None:
    assert first_difference({"a": [1, {"b": 2}]}, {"a": [1, {"b": 3}]}) == "a.1.b is 2, not 3"
    assert first_difference({"b": 1, "z": 0}, {"a": 1, "b": 2, "z": 0}) == "a is missing, not 1"
    assert first_difference({"a": 1}, {}) == "a is 1, but does not belong there"
    assert first_difference({"a": [1]}, {"a": [1, 2]}) == "a is [1], not [1, 2]"
    assert first_difference({"a": 1}, {"a": 1.0}) == "a is 1, not 1.0"
    assert first_difference({"a": [1, None]}, {"a": [1, None]}) is None


def test_report_enters_the_manifest(neurosim: Neurosim, here: Path) -> None:
    """A report made later is listed with its digest, and again the same bytes come of it."""
    shutil.copytree(here / "run", here / "mine")
    assert neurosim("report mine --quiet").code == 0
    first = (here / "mine" / MARKER).read_bytes()
    assert json.loads(first)["files"]["report.html"] == file_digest(here / "mine" / "report.html")
    assert neurosim("report mine --quiet").code == 0
    assert (here / "mine" / MARKER).read_bytes() == first
    assert problems(neurosim) == {}


def test_report_does_not_seal_a_change(neurosim: Neurosim, mine: Path) -> None:
    change_manifest(mine, lambda m: m.update(python="2.7"), is_sealed=False)
    assert neurosim("report mine --quiet").code == 0
    assert problems(neurosim) == {"manifest.json": ["it has changed since it was written"]}


def test_report_within_a_demo(neurosim: Neurosim, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A report of a demo's run that comes out otherwise is listed by the demo too."""
    assert neurosim("demo --samples 1 --out mine --quiet").code == 0
    assert problems(neurosim) == {}
    (here / "mine" / "run" / "report.html").write_text("an older program's")
    assert problems(neurosim)["files"] == [CHANGED.format("run/report.html")]
    monkeypatch.setattr("neurosim.report.html.render_html", lambda data: "a later program's")
    assert neurosim("report mine/run --quiet").code == 0
    assert problems(neurosim) == {}
    change_manifest(here / "mine", lambda m: m.update(seed=3), is_sealed=True)
    assert problems(neurosim) == {"manifest.json": ["it does not agree with run/result.npz: seed is 3, not 0"]}


def test_one_problem_is_not_several() -> None:
    one = checking.Checked(Path("run"), "run", (("this", ()), ("that", ("lost",))))
    two = replace(one, lines=(("this", ("bad", "worse")),))
    for found, count in ((one, "1 problem"), (two, "2 problems")):
        said = StringIO()
        for part in tables.check(found):
            Console(file=said, width=100).print(part)
        assert re.search(rf"^th\w+ +{count} *$", said.getvalue(), re.MULTILINE)
        assert said.getvalue().endswith(f"NOT GOOD: {count}\n")
