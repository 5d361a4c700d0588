"""The loop over samples, the same for every cycle engine."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from numpy.typing import NDArray

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result, Verdict
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.collect import Collector, SampleCounts
from neurosim.fabric.topology import Fabric

RunSample = Callable[[NDArray[Any], int], tuple[Verdict, SampleCounts]]
"""``run_sample(x, sample)``: one sample (steps, inputs) from the reset state."""


def run_samples(
    engine: str,
    program: Program,
    fabric: Fabric,
    workload: Workload,
    options: RunOptions,
    run_sample: RunSample,
) -> Result:
    """Run every sample and collect; stop at the first verdict that says the system cannot go on."""
    collector = Collector(program, fabric, workload)
    n_samples = int(workload.spikes.shape[0])
    verdict = Verdict("ok", "every step of every sample ended")
    for sample in range(n_samples):
        outcome, counts = run_sample(workload.spikes[sample], sample)
        collector.add(sample, counts)
        if options.progress is not None:
            options.progress(sample + 1, n_samples, f"{int(counts.step_end.max(initial=0))} cycles")
        if outcome.status != "ok":
            verdict = outcome
            if outcome.status != "lost_packets":
                break
    return collector.result(engine, verdict, options)
