"""``diff``: equal, or where two runs, mappings or files part, and exit code 5."""

from __future__ import annotations

import dataclasses
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim import api, map_network, run_mapping, store
from neurosim.api.folders import MARKER, as_json, file_digest, seal_of
from neurosim.artefacts.result import Result
from neurosim.chip.catalogue import preset_path
from neurosim.engines import diff as engines
from tests.cli.conftest import DIGITS, Neurosim
from tests.conformance.test_state_digest import Spoilt, add


@pytest.fixture(scope="session")
def twin(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders: ``compiled`` and ``simpy``, the same run by both engines; ``more``, on other samples; ``four``, 4-bit."""
    folder = tmp_path_factory.mktemp("twin")
    digits = DIGITS / "dense_test.npz"
    run_mapping(made / "mapped", digits, "compiled", 2, out=folder / "compiled")
    run_mapping(made / "mapped", digits, "reference", 2, out=folder / "simpy")
    arrays = np.load(digits)
    x, y = arrays["x"][:2].copy(), arrays["y"][:2]
    x[1, 3].reshape(-1)[17] ^= 1
    np.savez(folder / "x.npz", x=x, y=y)
    run_mapping(made / "mapped", folder / "x.npz", "compiled", out=folder / "more")
    text = preset_path("tiny").read_text()
    (folder / "slow.yaml").write_text(text.replace("  buffer_flits: 4", "  buffer_flits: 3", 1))
    map_network(made / "net.npz", str(folder / "slow.yaml"), folder / "four", digits, samples=20, weight_bits=4)
    return folder


@pytest.fixture
def there(here: Path, twin: Path) -> Path:
    """The folder ``here`` with those in it."""
    for name in ("compiled", "simpy", "more", "four", "slow.yaml"):
        (here / name).symlink_to(twin / name)
    return here


def spoil(folder: Path, change: Callable[[Result], Result]) -> None:
    """Change the result of a run as if it had been written so."""
    path = folder / "result.npz"
    result = change(store.load(path, Result))
    store.save(result, path)
    manifest = json.loads((folder / MARKER).read_bytes())
    manifest["files"]["result.npz"] = file_digest(path)
    manifest["seal"] = seal_of(manifest)
    (folder / MARKER).write_bytes(as_json(manifest))


@pytest.fixture
def mine(there: Path) -> Path:
    """A copy of ``compiled`` that a test may spoil."""
    shutil.copytree(there / "compiled", there / "mine")
    return there / "mine"


def test_two_engines_give_equal_runs(there: Path, neurosim: Neurosim):
    said = neurosim("diff simpy compiled")
    assert (said.code, said.err) == (0, "")
    assert said.out.splitlines()[-1] == "equal"
    assert "engine reference and compiled" in said.out


def test_every_cycle_of_two_engines(there: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch):
    asked = []
    monkeypatch.setattr(engines, "lock_step", lambda ours, theirs, last, **_: asked.append(last))
    said = neurosim("diff simpy compiled --cycles")
    assert said.code == 0
    assert "have the same state in every cycle of every sample" in said.out.replace("\n", " ")
    ends = store.load(there / "simpy/result.npz", Result).step_end
    assert asked == ends.max(axis=1).tolist()


def test_a_changed_result_is_found_in_time_order(mine: Path, neurosim: Neurosim):
    def change(result: Result) -> Result:
        ends = result.step_end.copy()
        ends[1, 4] += 2
        counters = dataclasses.replace(result.counters, packets_sent=result.counters.packets_sent + 1)
        return dataclasses.replace(result, step_end=ends, counters=counters)

    spoil(mine, change)
    said = neurosim("diff compiled mine --json")
    found = json.loads(said.out)
    assert said.code == 5
    before = int(store.load(mine.parent / "compiled/result.npz", Result).step_end[1, 4])
    assert found["first_result"] == {
        "sample": 1, "step": 4, "what": "cycle of the end of the step", "ours": str(before),
        "theirs": str(before + 2),
    }  # fmt: skip
    assert [d["what"] for d in found["results"]] == ["cycle of the end of the step", "packets sent"]
    assert found["notes"] == ["not run again cycle by cycle: both were made by the same engine (compiled)"]
    assert neurosim("diff compiled mine").out.splitlines()[-1] == (
        "DIFFERENT: first in cycle of the end of the step"
    )


def test_two_engines_that_part_are_run_again_to_find_the_cycle(
    mine: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch
):
    """A compiled engine with a fault: in cycle 700 of a sample one membrane is off by 3."""
    honest = engines.program_probe

    def faulty(engine: str, *given: Any) -> Any:
        probe = honest(engine, *given)
        return Spoilt(probe, 700, add("V", 5, 3)) if engine == "compiled" else probe

    monkeypatch.setattr(engines, "program_probe", faulty)
    spoil(mine, lambda result: dataclasses.replace(result, step_start=result.step_start + 1))
    said = neurosim("diff simpy mine --json")
    found = json.loads(said.out)
    assert said.code == 5
    state = found["first_state"]
    assert (state["sample"], state["cycle"]) == (0, 700)
    start = store.load(mine.parent / "simpy/result.npz", Result).step_start[0]
    assert state["step"] == int((start <= 700).sum()) - 1
    assert len(state["fields"]) == 1
    field = state["fields"][0]
    assert field["component"].endswith(" neurons")
    assert field["field"] == "membrane"
    assert field["ours"].startswith("[5] ")
    assert int(field["theirs"].split()[1]) - int(field["ours"].split()[1]) == 3
    text = neurosim("diff simpy mine").out
    assert text.splitlines()[-1] == f"DIFFERENT: first in cycle 700, {field['component']}, membrane"


def test_a_stored_result_that_no_engine_gives(
    mine: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch
):
    asked = []
    monkeypatch.setattr(engines, "lock_step", lambda ours, theirs, last, **_: asked.append(last))
    spoil(mine, lambda result: dataclasses.replace(result, output_counts=result.output_counts + 1))
    found = json.loads(neurosim("diff simpy mine --json").out)
    assert found["first_state"] is None
    assert found["first_result"]["what"] == "output 0"
    assert found["notes"][-1] == (
        "run again now, both engines have the same state in every cycle of sample 0; make both runs again"
    )
    ends = store.load(mine.parent / "simpy/result.npz", Result).step_end
    assert asked == [ends[0].max()]


def test_another_input_is_named_first_and_then_what_it_did(there: Path, neurosim: Neurosim):
    said = neurosim("diff compiled more --json")
    found = json.loads(said.out)
    assert said.code == 5
    assert [d["what"] for d in found["setup"]] == ["input x[1, 3, 17], the first of 1"]
    assert {found["setup"][0]["ours"], found["setup"][0]["theirs"]} == {"0", "1"}
    first = found["first_result"]
    assert (first["sample"], first["step"]) == (1, 3)
    assert found["first_state"] is None
    assert "DIFFERENT: not the same set-up" in neurosim("diff compiled more").out


def test_two_mappings(there: Path, neurosim: Neurosim):
    said = neurosim("diff mapped four --json")
    found = json.loads(said.out)
    assert said.code == 5
    what = [d["what"] for d in found["setup"]]
    assert found["setup"][0] == {"what": "chip router.buffer_flits", "ours": "4", "theirs": "3"}
    assert what[1].startswith("quantised network ")
    assert what[-1] == "program weight_bits"
    assert neurosim("diff mapped mapped").code == 0


def test_two_files(there: Path, neurosim: Neurosim):
    program = neurosim("diff mapped/program.npz four/program.npz --json")
    assert program.code == 5
    assert json.loads(program.out)["kind"] == "Program"
    assert neurosim("diff mapped/program.npz mapped/program.npz").code == 0
    assert neurosim("diff tiny mapped/chip.yaml").code == 0
    presets = neurosim("diff tiny tiny_2x2 --json")
    assert (presets.code, json.loads(presets.out)["kind"]) == (5, "chip")
    assert {"what": "chip system.chips_x", "ours": "1", "theirs": "2"} in json.loads(presets.out)["setup"]
    chip = neurosim("diff mapped/chip.yaml four/chip.yaml --json")
    assert json.loads(chip.out)["setup"] == [{"what": "chip router.buffer_flits", "ours": "4", "theirs": "3"}]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("diff run nowhere", "nowhere: no such file or folder [file-missing]\n"),
        (
            "diff tiny loihi_2081",
            "loihi_2081: no such file or folder [file-missing]\n  hint: did you mean 'loihi_2018'?\n",
        ),
        (
            "diff run mapped",
            "mapped: the two are not of one kind [diff-kinds]\n"
            "  expected: a run (made by `run`), as run is\n  got: a mapping (made by `map`)\n",
        ),
        (
            "diff run mapped/chip.yaml",
            "mapped/chip.yaml: the two are not of one kind [diff-kinds]\n"
            "  expected: a run (made by `run`), as run is\n  got: a chip\n",
        ),
        (
            "diff . run",
            ".: not a folder that this program made [folder-foreign]\n"
            "  expected: a mapping (made by `map`) or a run (made by `run`)\n"
            "  got: a folder without a readable manifest.json\n",
        ),
        (
            "diff mapped mapped --cycles",
            "mapped: only runs have cycles to compare [diff-cycles]\n  got: a mapping (made by `map`)\n"
            "  hint: leave out --cycles\n",
        ),
        (
            "diff dense_test.npz net.npz",
            "dense_test.npz: not a whole artefact of this program [artefact-broken]\n"
            "  got: an .npz file of plain arrays: x, y\n  hint: make it again, or check the path\n",
        ),
    ],
)
def test_what_cannot_be_compared(there: Path, neurosim: Neurosim, line: str, expected: str):
    said = neurosim(line)
    assert (said.code, said.out) == (2, "")
    assert said.err.removeprefix("error: ") == expected


def test_a_demo_stands_for_its_run(there: Path):
    shutil.copytree(there / "compiled", there / "demo/run")
    facts = {"made_by": "neurosim", "kind": "demo", "files": {}}
    (there / "demo" / MARKER).write_bytes(as_json({**facts, "seal": seal_of(facts)}))
    found = api.diff(there / "demo", there / "compiled")
    assert found.is_equal
    assert found.ours == there / "demo/run"
