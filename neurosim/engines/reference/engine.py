"""The reference engine: SimPy, readable, and by definition right.

It obeys ``neurosim/rules/README.md`` cycle by cycle; the compiled engine and the Verilog are measured
against it.
"""

from __future__ import annotations

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result, Verdict
from neurosim.chip.loader import load_chip_text
from neurosim.engines.base import RunOptions, Traffic, TrafficResult, Workload
from neurosim.engines.reference.collect import Collector
from neurosim.engines.reference.sample import Plan, SampleRun
from neurosim.engines.reference.traffic import run_traffic
from neurosim.chip.models import Chip
from neurosim.fabric.topology import build_fabric


class ReferenceEngine:
    """Runs programs and raw traffic on a SimPy model of the chip."""

    name = "reference"

    def run(self, program: Program, workload: Workload, options: RunOptions) -> Result:
        """Run ``program`` on every sample, each from the reset state; stop at the first bad verdict."""
        fabric = build_fabric(load_chip_text(program.chip_yaml, "program"))
        plan = Plan.of(program, fabric)
        collector = Collector(program, fabric, workload)
        n_samples = int(workload.spikes.shape[0])
        verdict = Verdict("ok", "every step of every sample ended")
        for sample in range(n_samples):
            run = SampleRun(plan, workload.spikes[sample], options)
            outcome = run.run(sample)
            collector.add(sample, run)
            if options.progress is not None:
                options.progress(sample + 1, n_samples, f"{run.clock.now} cycles")
            if outcome.status != "ok":
                verdict = outcome
                if outcome.status != "lost_packets":
                    break
        return collector.result(self.name, verdict, options)

    def run_traffic(
        self, chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
    ) -> TrafficResult:
        """Run raw traffic, see :class:`neurosim.engines.base.TrafficEngine`."""
        return run_traffic(chip, traffic, max_cycles, options)
