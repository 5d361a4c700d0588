"""The reference engine: SimPy, readable, and by definition right.

It obeys ``neurosim/rules/README.md`` cycle by cycle; the compiled engine and the Verilog are measured
against it.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result, Verdict
from neurosim.chip.loader import load_chip_text
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult, Workload
from neurosim.engines.collect import SampleCounts
from neurosim.engines.reference.counts import counts_of
from neurosim.engines.reference.sample import Plan, SampleRun
from neurosim.engines.reference.tracing import Tracer
from neurosim.engines.reference.traffic import run_traffic
from neurosim.engines.samples import Watch, run_samples
from neurosim.engines.trace import recorder_of
from neurosim.fabric.tables import program_fabric


class ReferenceEngine:
    """Runs programs and raw traffic on a SimPy model of the chip."""

    name = "reference"

    def run(self, program: Program, workload: Workload, options: RunOptions) -> Result:
        """Run ``program`` on every sample, each from the reset state; stop at the first bad verdict."""
        plan = Plan.of(program, program_fabric(program, load_chip_text(program.chip_yaml, "program")))
        recorder = recorder_of(options.sink, plan.fabric)

        def one(x: NDArray[Any], sample: int, watch: Watch) -> tuple[Verdict, SampleCounts]:
            run = SampleRun(plan, x, options, Tracer(recorder, sample) if recorder else None)
            with watch.restartable():
                verdict = run.run(sample, watch)
            counts = counts_of(run, verdict.cycle)
            if recorder is not None:
                run.finish_trace()
                recorder.steps(sample, counts)
            return verdict, counts

        return run_samples(self.name, program, plan.fabric, workload, options, one)

    def run_traffic(
        self, chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
    ) -> TrafficResult:
        """Run raw traffic, see :class:`neurosim.engines.base.TrafficEngine`."""
        return run_traffic(chip, traffic, max_cycles, options)
