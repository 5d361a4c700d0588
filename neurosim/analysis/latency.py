"""Latency: of samples, packets and time steps, and the throughput that follows.

Reads a Result and the chip's cycle; all cycle counts are integers, seconds are ``cycles *
period_ps * 1e-12``.  A sample that did not finish (latency -1) is counted apart and is in no figure.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.stats import Spread, histogram_spread, spread
from neurosim.artefacts.result import Result
from neurosim.chip.models import Chip

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Timeline:
    """Per hardware step, over the finished samples: cycles from its start to its end, and to the next.

    ``active_*`` (T,) is the step itself, ``gap_mean`` (T,) the wait until the next step starts (the
    barrier); the last step has no next, its gap is 0.
    """

    active_mean: FloatArray
    active_max: IntArray
    gap_mean: FloatArray


@dataclass(frozen=True)
class LatencyReport:
    """``samples`` are latencies of finished samples, ``packets`` journeys of packets, in cycles.

    ``run_cycles`` is the time in which finished samples ran, one after the other; ``throughput_per_s`` is
    finished samples over that time.  ``simulated_cycles`` also has the cycles of a sample that broke off, up
    to its verdict (0: not known): counters count there too.  Parts that were not measured are None.
    """

    period_ps: int
    samples: Spread | None
    packets: Spread | None
    run_cycles: int
    simulated_cycles: int
    n_finished: int
    n_unfinished: int
    throughput_per_s: float | None
    timeline: Timeline | None
    n_missed_deadlines: int

    def seconds(self, cycles: float) -> float:
        """Cycles in seconds."""
        return cycles * self.period_ps * 1e-12


def latency(result: Result, chip: Chip) -> LatencyReport:
    """The latencies of a run."""
    finished = result.latency_cycles[result.latency_cycles >= 0]
    cycles = int(finished.sum())
    rate = len(finished) / (cycles * chip.cycle.period_ps * 1e-12) if cycles else None
    return LatencyReport(
        period_ps=chip.cycle.period_ps,
        samples=spread(finished),
        packets=histogram_spread(result.latency_histogram),
        run_cycles=cycles,
        simulated_cycles=_simulated(result, cycles),
        n_finished=len(finished),
        n_unfinished=len(result.latency_cycles) - len(finished),
        throughput_per_s=rate,
        timeline=_timeline(result),
        n_missed_deadlines=len(result.missed),
    )


def _simulated(result: Result, finished_cycles: int) -> int:
    """Cycles behind the counters; 0 if samples did not finish and the verdict does not say when."""
    verdict = result.verdict
    if (result.latency_cycles >= 0).all():
        return finished_cycles
    is_known = 0 <= verdict.sample < len(result.latency_cycles) and verdict.cycle >= 0
    broke_off = is_known and int(result.latency_cycles[verdict.sample]) < 0
    return finished_cycles + verdict.cycle if broke_off else 0


def _timeline(result: Result) -> Timeline | None:
    done = result.latency_cycles >= 0
    if not result.step_start.size or not done.any():
        return None
    start, end = result.step_start[done], result.step_end[done]
    gap = np.zeros(start.shape, np.int64)
    gap[:, :-1] = start[:, 1:] - end[:, :-1]
    active = end - start
    return Timeline(active.mean(axis=0), active.max(axis=0), gap.mean(axis=0))
