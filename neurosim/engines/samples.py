"""The loop over samples, the same for every cycle engine; here runs report, are saved, and stop."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from numpy.typing import NDArray

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result, Verdict
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.checkpoint import Arrays, EngineState
from neurosim.engines.collect import Collector, SampleCounts
from neurosim.fabric.topology import Fabric

PROGRESS_S = 0.1
"""Seconds between two reports of progress, at least."""
MOST_OFTEN = 100
"""A report may take one part in so many of the time."""
NEVER = 1 << 62


class Watch:
    """What an engine calls now and then while it runs: it costs little, and may end the run.

    Hardware steps are counted over all samples; each sample has ``n_steps``.
    """

    def __init__(self, options: RunOptions, collector: Collector, n_samples: int, n_steps: int) -> None:
        self._keeper = options.keeper
        self._sink = options.sink
        self._progress = options.progress
        self._collector = collector
        self._n_samples = n_samples
        self._n_steps = n_steps
        self._hops = 0  # router traversals of the samples done since the start
        self._begun_s = self._tell_at_s = time.perf_counter()
        self._due = NEVER
        self.sample = 0
        self.verdict = Verdict("ok", "every step of every sample ended")
        self.inside: Arrays = {}
        """What the first sample goes on from; empty if it begins anew."""

    def resume(self) -> None:
        """Take up the state that was kept, if there is one."""
        start = self._keeper.start if self._keeper is not None else None
        first_step = 0
        if start is not None:
            self.sample, self.verdict, self.inside = start.sample, start.verdict, start.inside
            self._collector.restore(start.collected)
            if self._sink is not None:
                self._sink.restore(start.sink)
            first_step = start.step
            self._tell(first_step, None)  # so that the rate is not taken from the jump to here
        self._set_due(self.sample * self._n_steps + first_step)

    def _set_due(self, done: int) -> None:
        if self._keeper is not None:
            self._due = (done // self._keeper.every_steps + 1) * self._keeper.every_steps

    @property
    def pause_step(self) -> int:
        """The step of this sample that wants to be looked at when it is announced; far away if none."""
        return self._due - self.sample * self._n_steps

    def look(self, step: int, hops: Callable[[], int], inside: Callable[[], Arrays]) -> None:
        """Half-way through a sample: ``step`` is announced; ``hops()`` are the sample's traversals.

        ``inside()`` gives what the engine needs to go on from here, as arrays that need not be copies.
        """
        self.tell(step, hops)
        if self._keeper is None:
            return
        done = self.sample * self._n_steps + step
        is_stopping = self._keeper.is_stopping()
        if is_stopping or done >= self._due:
            self._keeper.save(self._state(step, inside()))
            self._set_due(done)
        if is_stopping:
            self._keeper.stop()

    def next_sample(self, sample: int, hops: int) -> None:
        """Between two samples: ``sample`` is next, the number of samples if none is."""
        self.sample = sample
        self.inside = {}
        self._hops += hops
        self.tell(0, None)
        if self._keeper is None:
            return
        done = sample * self._n_steps
        is_stopping = self._keeper.is_stopping()
        if is_stopping or (done >= self._due and sample < self._n_samples):
            self._keeper.save(self._state(0, {}))
            self._set_due(done)
        if is_stopping:
            self._keeper.stop()

    @contextmanager
    def restartable(self) -> Iterator[None]:
        """For a sample that cannot be saved half-way: a request to stop gives it up, to be run again."""
        if self._keeper is None:
            yield
            return
        before = self._sink_state()
        try:
            with self._keeper.interruptible():
                yield
        except KeyboardInterrupt:
            if not self._keeper.is_stopping():
                raise
            self._keeper.save(replace(self._state(0, {}), sink=before))
            self._keeper.stop()

    def _state(self, step: int, inside: Arrays) -> EngineState:
        collected = self._collector.state()
        return EngineState(self.sample, step, self.verdict, collected, inside, self._sink_state())

    def _sink_state(self) -> Arrays:
        return {} if self._sink is None else self._sink.state()

    def tell(self, step: int, hops: Callable[[], int] | None) -> None:
        """Half-way through a sample: report progress, if it is time."""
        if self._progress is None:
            return
        now = time.perf_counter()
        if now >= self._tell_at_s or self.sample == self._n_samples:
            self._tell(step, hops)
            done_s = time.perf_counter()  # counting a wafer's traversals takes a while
            self._tell_at_s = max(now + PROGRESS_S, done_s + MOST_OFTEN * (done_s - now))

    def _tell(self, step: int, hops: Callable[[], int] | None) -> None:
        """Steps done of all, and in words: the sample, its step, router traversals per second."""
        if self._progress is None:
            return
        done, total = self.sample * self._n_steps + step, self._n_samples * self._n_steps
        text = f"steps, {self.sample}/{self._n_samples} samples"
        traversals = self._hops + (hops() if hops is not None else 0)
        elapsed_s = time.perf_counter() - self._begun_s
        if traversals and elapsed_s > 0:
            text += f", {_short(traversals / elapsed_s)} router traversals/s"
        self._progress(done, total, text)


def _short(rate: float) -> str:
    """A rate as people read it: ``3.1 M``."""
    for unit, letter in ((1e9, " G"), (1e6, " M"), (1e3, " k")):
        if rate >= unit:
            return f"{rate / unit:.3g}{letter}"
    return f"{rate:.3g}"


RunSample = Callable[[NDArray[Any], int, Watch], tuple[Verdict, SampleCounts]]
"""``run_sample(x, sample, watch)``: one sample (steps, inputs), from ``watch.inside`` or the reset state."""


def run_samples(
    engine: str,
    program: Program,
    fabric: Fabric,
    workload: Workload,
    options: RunOptions,
    run_sample: RunSample,
) -> Result:
    """Run every sample and collect; stop at the first verdict that says the system cannot go on.

    With ``options.keeper`` the run goes on from its state, hands it new ones, and stops when it says so.
    """
    collector = Collector(program, fabric, workload, options)
    n_samples, own_steps = (int(n) for n in workload.spikes.shape[:2])
    watch = Watch(options, collector, n_samples, own_steps + program.depth)
    watch.resume()
    while watch.sample < n_samples:
        sample = watch.sample
        outcome, counts = run_sample(workload.spikes[sample], sample, watch)
        collector.add(sample, counts)
        if outcome.status != "ok":
            watch.verdict = outcome
        ends_all = outcome.status not in ("ok", "lost_packets")
        hops = int(counts.port_flits.sum())
        del counts  # of a long sample they are large
        watch.next_sample(n_samples if ends_all else sample + 1, hops)
    return collector.result(engine, watch.verdict)
