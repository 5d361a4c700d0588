"""A run that is stopped or killed and continued writes the same bytes; what cannot go on says why."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from neurosim import resume_run, run_mapping
from neurosim.api import checkpoints
from neurosim.api.folders import seal_of
from neurosim.api.unfinished import locked
from tests.cli.conftest import DIGITS, Neurosim
from tests.cli.test_outputs import contents, names

ROOT = Path(__file__).parents[2]
RUN = "run mapped --input long.npz --engine compiled -o out --quiet --checkpoint-every "
Cut = Callable[..., Path]


@pytest.fixture(scope="module")
def whole(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``long.npz`` (two samples of 300 steps), and ``out``: a run of it that nobody stopped."""
    folder = tmp_path_factory.mktemp("whole")
    with np.load(DIGITS / "dense_test.npz") as digits:
        np.savez(folder / "long.npz", x=digits["x"][:30].reshape(2, 300, 64))
    run_mapping(made / "mapped", folder / "long.npz", "compiled", out=folder / "out")
    return folder


@pytest.fixture
def place(here: Path, whole: Path) -> Path:
    """The folder ``here`` with the long input."""
    (here / "long.npz").symlink_to(whole / "long.npz")
    return here


def stopping(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let a run in this process be interrupted right after its ``after``-th checkpoint from now."""
    save, left = checkpoints.FolderKeeper.save, [after]

    def save_and_stop(keeper: checkpoints.FolderKeeper, state: checkpoints.EngineState) -> None:
        save(keeper, state)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.FolderKeeper, "save", save_and_stop)


@pytest.fixture
def cut(place: Path, monkeypatch: pytest.MonkeyPatch) -> Cut:
    """``cut(after=3)`` leaves the checkpoint of a run of ``long.npz`` that was stopped; returns its folder."""

    def run(after: int = 3, mapping: str = "mapped", out: str = "out", **options: object) -> Path:
        with monkeypatch.context() as patch:
            stopping(patch, after)
            with pytest.raises(checkpoints.StoppedError):
                run_mapping(mapping, "long.npz", "compiled", out=out, checkpoint_every=80, **options)  # type: ignore[arg-type]
        assert not (place / out).exists()
        return place / f"{out}.checkpoint"

    return run


def process(line: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "neurosim", *line.split()], cwd=cwd, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


# ---- the same bytes


def test_stopped_again_and_again(cut: Cut, whole: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-way through the first sample, then the second, then at the border: the same files, to the byte."""
    checkpoint = cut(after=2)
    for after in (3, 1):
        with monkeypatch.context() as patch:
            stopping(patch, after)
            with pytest.raises(checkpoints.StoppedError):
                resume_run(checkpoint, checkpoint_every=100)
    made = resume_run(checkpoint)
    assert contents(here / "out") == contents(whole / "out")
    assert made.folder.resolve() == (here / "out").resolve()
    assert "out.checkpoint" not in names(here)


def test_a_kept_run_that_nobody_stopped(place: Path, whole: Path, neurosim: Neurosim) -> None:
    assert neurosim(RUN + "200").code == 0
    assert contents(place / "out") == contents(whole / "out")
    assert [n for n in names(place) if "checkpoint" in n] == []


def test_with_events(cut: Cut, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was written before the cut, and after it by a process that was then killed, is as if in one piece."""
    monkeypatch.setattr("neurosim.report.trace_files.PART_ROWS", 1000)  # so that there are several parts
    wanted = {"events": True, "trace": True}
    run_mapping("mapped", "long.npz", "compiled", out="events", **wanted)  # type: ignore[arg-type]
    checkpoint = cut(after=5, **wanted)
    state = (checkpoint / "state.npz").read_bytes()
    with monkeypatch.context() as patch:
        stopping(patch, 2)
        with pytest.raises(checkpoints.StoppedError):
            resume_run(checkpoint)
    (checkpoint / "state.npz").write_bytes(state)
    resume_run(checkpoint)
    assert contents(place / "out") == contents(place / "events")
    assert {"events.parquet", "trace/packets.parquet"} <= set(contents(place / "out"))


def test_killed_while_events_are_put_together(
    cut: Cut, place: Path, whole: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("neurosim.report.trace_files.PART_ROWS", 1000)
    run_mapping("mapped", "long.npz", "compiled", out="events", events=True)
    checkpoint = cut(after=7, events=True)
    with monkeypatch.context() as patch:
        patch.setattr("neurosim.report.parquet.write_events", fail)
        with pytest.raises(checkpoints.StoppedError):
            resume_run(checkpoint)
    resume_run(checkpoint)
    assert contents(place / "out") == contents(place / "events")


def test_reference_engine_between_samples(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = ("mapped", "dense_test.npz", "reference", 3)
    run_mapping(*run, out="whole")
    with monkeypatch.context() as patch:
        stopping(patch, 2)
        with pytest.raises(checkpoints.StoppedError):
            run_mapping(*run, out="out", checkpoint_every=5)
    state = checkpoints.load_state(here / "out.checkpoint")
    assert state is not None
    assert (state.sample, state.step, state.inside) == (2, 0, {})
    resume_run("out.checkpoint")
    assert contents(here / "out") == contents(here / "whole")


def test_killed_before_the_first_checkpoint(place: Path, whole: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there, but no state: the run begins anew."""
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "remove", lambda folder: None)
        patch.setattr("neurosim.api.running.compare", None)  # fails, after the engine
        with pytest.raises(TypeError):
            run_mapping("mapped", "long.npz", "compiled", out="out", checkpoint_every=10**6)
    assert names(place / "out.checkpoint") == ["input.npz", "manifest.json", "mapping"]
    resume_run("out.checkpoint")
    assert contents(place / "out") == contents(whole / "out")


@pytest.mark.parametrize("seed", [1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 40))])
def test_killed_at_a_random_moment(seed: int, place: Path, whole: Path, neurosim: Neurosim) -> None:
    """kill -9, also in the middle of writing: with a checkpoint at every step most of the time goes there."""
    rng = random.Random(seed)
    child = process(RUN + "1", place)
    wait_for(place / "out.checkpoint", child)
    for last in (False, True):
        time.sleep(rng.uniform(0, 2))
        child.kill()
        child.communicate()
        if not (place / "out.checkpoint").exists():
            break  # it was done before
        child = process(f"resume out.checkpoint --quiet --checkpoint-every {200 if last else 1}", place)
    child.communicate(timeout=300)
    assert contents(place / "out") == contents(whole / "out")
    assert [n for n in names(place) if "checkpoint" in n] == []


# ---- signals


@pytest.mark.parametrize(
    ("number", "code", "by"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "a request to end")]
)
def test_stopped_by_a_signal(number: int, code: int, by: str, place: Path, whole: Path, neurosim: Neurosim) -> None:
    child = process(RUN + "50", place)
    wait_for(place / "out.checkpoint" / "state.npz", child)
    child.send_signal(number)
    out, err = child.communicate(timeout=60)
    assert err == (
        f"out: stopped by {by}; the run so far is kept [run-stopped]\n"
        "  hint: continue it with `neurosim resume out.checkpoint`\n"
    )
    assert (child.returncode, out) == (code, "")
    assert "out" not in names(place)
    assert neurosim("resume out.checkpoint --quiet").code == 0
    assert contents(place / "out") == contents(whole / "out")


def test_ctrl_c_half_way_through_a_sample_of_the_reference_engine(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It does not wait for the sample's end: the sample is given up, with its events, and run again."""
    from neurosim.engines.reference.clock import Clock

    run = ("mapped", "dense_test.npz", "reference", 2)
    run_mapping(*run, out="whole", events=True, trace=True)
    tick, ticks = Clock._tick, [0]

    def tick_and_ask(clock: Clock, event: object) -> None:
        ticks[0] += 1
        if ticks[0] == 4000:
            signal.raise_signal(signal.SIGINT)
        tick(clock, event)  # type: ignore[arg-type]

    with monkeypatch.context() as patch:
        patch.setattr(Clock, "_tick", tick_and_ask)
        with pytest.raises(checkpoints.StoppedError):
            run_mapping(*run, out="out", checkpoint_every=10**6, events=True, trace=True)
    assert ticks[0] == 4000
    state = checkpoints.load_state(here / "out.checkpoint")
    assert state is not None
    assert state.sample == 1
    resume_run("out.checkpoint")
    assert contents(here / "out") == contents(here / "whole")


def test_ctrl_c_without_checkpoints(place: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is left, and the message says what would have helped."""
    before = names(place)
    monkeypatch.setattr("neurosim.engines.samples.Watch.tell", lambda *given: signal.raise_signal(signal.SIGINT))
    found = neurosim(RUN.removesuffix(" --checkpoint-every "))
    assert (found.code, found.out, found.err) == (
        130,
        "",
        "stopped by Ctrl-C; nothing half-written was left behind\n"
        "a run with --checkpoint-every N can be continued\n",
    )
    assert names(place) == before


def test_ctrl_c_before_the_engine_works(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """There is nothing to keep yet, so nothing is kept."""

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    before = names(place)
    monkeypatch.setattr("neurosim.engines.samples.Watch.resume", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run_mapping("mapped", "long.npz", "compiled", out="out", checkpoint_every=10)
    assert names(place) == before


def test_ctrl_c_after_the_engine(cut: Cut, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While results are compared and written the last checkpoint stays."""

    def interrupted(*given: object) -> None:
        raise KeyboardInterrupt

    before = contents(cut(after=7))
    monkeypatch.setattr("neurosim.api.running.compare", interrupted)
    with pytest.raises(checkpoints.StoppedError) as caught:
        resume_run("out.checkpoint")
    assert caught.value.exit_code == 130
    assert contents(place / "out.checkpoint") == before


# ---- what cannot go on


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
def test_force_starts_anew(line: str, cut: Cut, whole: Path, neurosim: Neurosim) -> None:
    cut()
    assert neurosim(line).code == 0
    assert contents(Path("out")) == contents(whole / "out")
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


def damage(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0xFF
    path.write_bytes(bytes(content))


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


def test_a_renamed_checkpoint(cut: Cut, whole: Path, neurosim: Neurosim) -> None:
    cut().rename("kept")
    assert neurosim("resume kept").err == (
        "error: kept: the folder's name does not end in .checkpoint, so it does not say where the run is to go "
        "[checkpoint-name]\n  hint: name the output with -o\n"
    )
    assert neurosim("resume kept -o out --quiet").code == 0
    assert contents(Path("out")) == contents(whole / "out")
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
        ("--checkpoint-every 0", "the number of steps between two checkpoints is out of range [option-range]\n"
         "  expected: a whole number, at least 1\n  got: 0\n"),
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


# ---- progress


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_progress_counts_hardware_steps(engine: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.engines.samples.PROGRESS_S", 0)
    told: list[tuple[int, int, str]] = []
    run_mapping("mapped", "dense_test.npz", engine, 3, out="out", progress=lambda *given: told.append(given))
    steps = [done for done, _, _ in told]
    assert steps == sorted(steps)
    assert {22, 44, 66} <= set(steps)  # 20 own steps and a depth of 2
    assert {total for _, total, _ in told} == {66}
    assert told[-1][2].startswith("steps, 3/3 samples, ")
    assert told[-1][2].endswith(" router traversals/s")


def test_progress_goes_on_after_a_resume(cut: Cut) -> None:
    cut(after=4)
    told: list[int] = []
    resume_run("out.checkpoint", progress=lambda done, total, text: told.append(done))
    assert told[0] == 320
    assert told[-1] == 604
