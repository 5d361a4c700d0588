"""A run that is stopped or killed and continued writes the same bytes, and tells how far it is."""

from __future__ import annotations

import random
import signal
import time
from pathlib import Path

import pytest

from neurosim import resume_run, run_mapping
from neurosim.api import checkpoints
from tests.cli.conftest import Neurosim
from tests.cli.keeping import RUN, Cut, process, stopping, wait_for
from tests.cli.test_outputs import contents, names

# ---- the same bytes


def test_stopped_again_and_again(cut: Cut, long_run: Path, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Half-way through the first sample, then the second, then at the border: the same files, to the byte."""
    checkpoint = cut(after=2)
    for after in (3, 1):
        with monkeypatch.context() as patch:
            stopping(patch, after)
            with pytest.raises(checkpoints.StoppedError):
                resume_run(checkpoint, checkpoint_every=100)
    made = resume_run(checkpoint)
    assert contents(here / "out") == contents(long_run / "out")
    assert made.folder.resolve() == (here / "out").resolve()
    assert "out.checkpoint" not in names(here)


def test_a_kept_run_that_nobody_stopped(place: Path, long_run: Path, neurosim: Neurosim) -> None:
    assert neurosim(RUN + "200").code == 0
    assert contents(place / "out") == contents(long_run / "out")
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
    cut: Cut, place: Path, long_run: Path, monkeypatch: pytest.MonkeyPatch
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


def test_killed_before_the_first_checkpoint(place: Path, long_run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The folder is there, but no state: the run begins anew."""
    with monkeypatch.context() as patch:
        patch.setattr(checkpoints, "remove", lambda folder: None)
        patch.setattr("neurosim.api.running.compare", None)  # fails, after the engine
        with pytest.raises(TypeError):
            run_mapping("mapped", "long.npz", "compiled", out="out", checkpoint_every=10**6)
    assert names(place / "out.checkpoint") == ["input.npz", "manifest.json", "mapping"]
    resume_run("out.checkpoint")
    assert contents(place / "out") == contents(long_run / "out")


@pytest.mark.parametrize("seed", [1, *(pytest.param(s, marks=pytest.mark.slow) for s in range(2, 40))])
def test_killed_at_a_random_moment(seed: int, place: Path, long_run: Path, neurosim: Neurosim) -> None:
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
    assert contents(place / "out") == contents(long_run / "out")
    assert [n for n in names(place) if "checkpoint" in n] == []


# ---- signals


@pytest.mark.parametrize(
    ("number", "code", "by"), [(signal.SIGINT, 130, "Ctrl-C"), (signal.SIGTERM, 143, "a request to end")]
)
def test_stopped_by_a_signal(number: int, code: int, by: str, place: Path, long_run: Path, neurosim: Neurosim) -> None:
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
    assert contents(place / "out") == contents(long_run / "out")


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


# ---- progress


@pytest.mark.parametrize("engine", ["compiled", "reference"])
def test_progress_counts_hardware_steps(engine: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("neurosim.engines.samples.PROGRESS_S", 0)
    monkeypatch.setattr("neurosim.engines.samples.MOST_OFTEN", 0)
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
