"""Checkpoints that cannot be continued or written say why, and stay as they are."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosim.api import checkpoints
from neurosim.api.folders import seal_of
from neurosim.api.unfinished import locked
from tests.cli.conftest import Neurosim
from tests.cli.keeping import RUN, Cut, damage
from tests.cli.test_outputs import contents, names


def test_the_same_command_again(cut: Cut, neurosim: Neurosim) -> None:
    before = contents(cut())
    for line in (RUN + "80", RUN.removesuffix(" --checkpoint-every ")):
        found = neurosim(line)
        assert (found.code, found.err) == (
            2,
            "error: out.checkpoint: an unfinished run of this output exists [checkpoint-exists]\n"
            "  hint: continue it with `neurosim resume out.checkpoint`, or start anew with --force\n",
        )
    assert contents(Path("out.checkpoint")) == before


@pytest.mark.parametrize("line", [RUN + "180 --force", RUN.removesuffix(" --checkpoint-every ") + " --force"])
def test_force_starts_anew(line: str, cut: Cut, long_run: Path, neurosim: Neurosim) -> None:
    cut()
    assert neurosim(line).code == 0
    assert contents(Path("out")) == contents(long_run / "out")
    assert not Path("out.checkpoint").exists()


def test_force_spares_a_file_of_the_user(cut: Cut, neurosim: Neurosim) -> None:
    (cut() / "notes.txt").write_text("three years of work")
    for line in (RUN + "180 --force", "resume out.checkpoint"):
        assert neurosim(line).err == (
            "error: out.checkpoint: the checkpoint holds what this program did not make [checkpoint-foreign]\n"
            "  got: notes.txt\n"
            "  hint: take the file away\n"
        )
    assert Path("out.checkpoint/notes.txt").read_text() == "three years of work"


def test_two_at_once(cut: Cut, neurosim: Neurosim) -> None:
    with locked(cut() / "manifest.json") as is_mine:
        assert is_mine
        found = neurosim("resume out.checkpoint")
    assert (found.code, found.err) == (
        2,
        "error: out.checkpoint: another process is at work on this checkpoint [checkpoint-in-use]\n"
        "  hint: wait for it, or stop it\n",
    )


@pytest.mark.parametrize(
    ("spoil", "got"),
    [
        (damage, "a damaged file"),
        (lambda path: path.write_bytes(path.read_bytes()[:999]), "another kind of file, or one cut off"),
        (lambda path: shutil.copyfile("net.npz", path), "Network"),
    ],
)
def test_a_damaged_state(spoil: Callable[[Path], None], got: str, cut: Cut, neurosim: Neurosim) -> None:
    spoil(cut() / "state.npz")
    found = neurosim("resume out.checkpoint")
    assert (found.code, found.err) == (
        2,
        "error: out.checkpoint/state.npz: the checkpoint cannot be used: its state is damaged "
        f"[checkpoint-broken]\n  got: {got}\n  hint: start the run anew\n",
    )


def test_a_checkpoint_is_checked(cut: Cut, neurosim: Neurosim) -> None:
    checkpoint = cut(trace=True)
    found = neurosim("check out.checkpoint --json")
    assert (found.code, found.err) == (0, "")
    document = json.loads(found.out)
    assert (document["kind"], document["is_good"], document["warnings"]) == ("checkpoint", True, [])
    assert {"manifest.json", "mapping/program.npz", "input.npz", "state.npz", "events"} < {
        line["what"] for line in document["checked"]
    }
    damage(checkpoint / "state.npz")
    document = json.loads(neurosim("check out.checkpoint --json").out)
    bad = {line["what"]: line["problems"] for line in document["checked"] if line["problems"]}
    assert set(bad) == {"state.npz", "events"}
    assert "its state is damaged" in bad["state.npz"][0]
    (checkpoint / "state.npz").unlink()
    (checkpoint / "notes.txt").write_text("mine")
    document = json.loads(neurosim("check out.checkpoint --json").out)
    bad = {line["what"]: line["problems"] for line in document["checked"] if line["problems"]}
    assert bad == {"files": ["notes.txt is not one of the files of a checkpoint"]}
    (checkpoint / "notes.txt").unlink()
    found = neurosim("check out.checkpoint --quiet")
    assert (found.code, found.err) == (
        0, "warning: nothing was kept yet: `neurosim resume` begins the run anew\n"
    )  # fmt: skip


def test_broken_events_are_noticed_at_the_start(
    cut: Cut, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before a single step is simulated; ``check`` sees them too."""
    monkeypatch.setattr("neurosim.report.trace_files.PART_ROWS", 1000)
    part = cut(events=True) / "events" / "packets-000001.parquet"
    whole = part.read_bytes()
    monkeypatch.setattr("neurosim.engines.compiled.program.CompiledSample.run", None)
    for spoil in (damage, lambda path: path.write_bytes(whole[:-9]), Path.unlink):
        spoil(part)
        found = neurosim("resume out.checkpoint")
        assert (found.code, found.err) == (
            2,
            f"error: {part.relative_to(Path.cwd())}: a file of recorded events is broken or gone "
            "[checkpoint-broken]\n  hint: run again from the start\n",
        )
        assert neurosim("check out.checkpoint --quiet").code == 5
        part.write_bytes(whole)
    assert neurosim("check out.checkpoint --quiet").code == 0


@pytest.mark.parametrize("name", ["input.npz", "mapping/program.npz", "mapping/chip.yaml"])
def test_another_input_program_or_chip(name: str, cut: Cut, neurosim: Neurosim) -> None:
    path = cut() / name
    path.write_bytes(path.read_bytes() + b"\n")
    found = neurosim("resume out.checkpoint")
    assert (found.code, found.err) == (
        2,
        f"error: out.checkpoint: the checkpoint cannot be used: {name} has changed since it was written "
        "[checkpoint-changed]\n  hint: start the run anew\n",
    )


def test_other_options(cut: Cut, neurosim: Neurosim) -> None:
    path = cut() / "manifest.json"
    path.write_text(path.read_text().replace('"seed": 0', '"seed": 1'))
    assert neurosim("resume out.checkpoint").err == (
        "error: out.checkpoint: the checkpoint cannot be used: manifest.json has changed since it was written "
        "[checkpoint-changed]\n  hint: start the run anew\n"
    )


def test_the_state_of_another_run(cut: Cut, neurosim: Neurosim) -> None:
    cut()
    other = cut(out="other", seed=1)
    shutil.copyfile(other / "state.npz", "out.checkpoint/state.npz")
    seals = [json.loads((Path(n) / "manifest.json").read_text())["seal"] for n in ("out.checkpoint", other)]
    assert neurosim("resume out.checkpoint").err == (
        "error: out.checkpoint/state.npz: the state is that of another run [checkpoint-mixed]\n"
        f"  expected: {seals[0][:12]}\n  got: {seals[1][:12]}\n"
        "  hint: put the right one back, or start the run anew\n"
    )


def test_another_version(cut: Cut, neurosim: Neurosim) -> None:
    path = cut() / "manifest.json"
    manifest = json.loads(path.read_text())
    ours = manifest["sources"][:12]
    manifest |= {"neurosim": "0.0.9", "sources": "0" * 64}
    path.write_text(json.dumps({**manifest, "seal": seal_of(manifest)}))
    assert neurosim("check out.checkpoint --quiet").err == (
        "warning: this program cannot resume it: another version made it (neurosim 0.0.9, sources 000000000000)\n"
    )
    found = neurosim("resume out.checkpoint")
    assert (found.code, found.err) == (
        2,
        "error: out.checkpoint: the checkpoint was made by another version of the program [checkpoint-version]\n"
        f"  expected: neurosim 0.1.0, sources {ours}\n  got: neurosim 0.0.9, sources 000000000000\n"
        "  hint: continue it with that version, or start the run anew\n",
    )


def test_not_a_checkpoint(here: Path, neurosim: Neurosim) -> None:
    assert neurosim("resume nothing.checkpoint").err == (
        "error: nothing.checkpoint: no such folder [folder-missing]\n"
        "  expected: a checkpoint (made by `run --checkpoint-every`)\n"
    )
    assert neurosim("resume run").err == (
        "error: run: a folder of another kind [folder-kind]\n"
        "  expected: a checkpoint (made by `run --checkpoint-every`)\n  got: a run (made by `run`)\n"
    )
    assert neurosim("report mapped").code == 2


def test_a_renamed_checkpoint(cut: Cut, long_run: Path, neurosim: Neurosim) -> None:
    cut().rename("kept")
    assert neurosim("resume kept").err == (
        "error: kept: the folder's name does not end in .checkpoint, so it does not say where the run is to go "
        "[checkpoint-name]\n  hint: name the output with -o\n"
    )
    assert neurosim("resume kept -o out --quiet").code == 0
    assert contents(Path("out")) == contents(long_run / "out")
    assert not Path("kept").exists()


def test_the_output_was_made_meanwhile(cut: Cut, neurosim: Neurosim) -> None:
    cut()
    Path("out").mkdir()
    found = neurosim("resume out.checkpoint")
    assert (found.code, found.err) == (
        2,
        "error: out: the output exists [output-exists]\n"
        "  hint: choose another output, or replace it with --force\n",
    )
    assert Path("out.checkpoint/state.npz").is_file()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ("--engine functional --checkpoint-every 5", "engine 'functional' cannot keep a run [checkpoint-engine]\n"
         "  hint: --checkpoint-every needs a cycle engine, such as compiled\n"),
        ("--checkpoint-every 0", "--checkpoint-every: the number of steps between two checkpoints is out of range [option-range]\n"
         "  expected: a whole number, 1..4611686018427387904\n  got: 0\n"),
    ],
)  # fmt: skip
def test_options_that_cannot_be(options: str, said: str, here: Path, neurosim: Neurosim) -> None:
    before = names(here)
    found = neurosim(f"run mapped --input dense_test.npz -o out {options}")
    assert (found.code, found.err) == (2, f"error: {said}")
    assert names(here) == before


def test_the_disk_is_full(cut: Cut, place: Path, monkeypatch: pytest.MonkeyPatch, neurosim: Neurosim) -> None:
    """The checkpoint before stays whole."""
    import errno

    before = contents(cut())

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(checkpoints.os, "fsync", full)
    found = neurosim("resume out.checkpoint")
    assert (found.code, found.err) == (
        2,
        "error: out.checkpoint/state.npz: cannot write: No space left on device [output-unwritable]\n"
        "  hint: the checkpoint before is whole: `neurosim resume out.checkpoint`\n",
    )
    assert contents(place / "out.checkpoint") == before
