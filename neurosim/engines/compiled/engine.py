"""The compiled engine: the reference engine's cycles from Numba kernels over the same rules."""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result, Verdict
from neurosim.chip.loader import load_chip_text
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult, Workload
from neurosim.engines.collect import SampleCounts
from neurosim.engines.samples import Watch, run_samples
from neurosim.engines.trace import recorder_of
from neurosim.fabric.tables import program_fabric


class CompiledEngine:
    """Runs programs and raw traffic on compiled kernels."""

    name = "compiled"

    def run(
        self, program: Program, workload: Workload, options: RunOptions, chip: Chip | None = None
    ) -> Result:
        """Run ``program`` on every sample, each from the reset state; stop at the first bad verdict.

        ``chip`` is the program's own, for callers that have read it anyway.
        """
        from neurosim.engines.compiled.core_state import ProgramTables
        from neurosim.engines.compiled.program import CompiledSample

        fabric = program_fabric(program, chip or load_chip_text(program.chip_yaml, "program"))
        recorder = recorder_of(options.sink, fabric)
        tables = ProgramTables(program, fabric, recorder is not None and recorder.wants("flits"))

        def one(x: NDArray[Any], sample: int, watch: Watch) -> tuple[Verdict, SampleCounts]:
            run = CompiledSample(tables, x, options, recorder, sample)
            if watch.inside:
                run.restore(watch.inside)
            verdict = run.run(sample, watch)
            counts = run.counts(verdict.cycle)
            if recorder is not None:
                run.finish_trace()
                recorder.steps(sample, counts)
            return verdict, counts

        return run_samples(self.name, program, fabric, workload, options, one)

    def run_traffic(
        self, chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
    ) -> TrafficResult:
        """Run raw traffic, see :class:`neurosim.engines.base.TrafficEngine`."""
        from neurosim.engines.compiled.traffic import run_traffic

        return run_traffic(chip, traffic, max_cycles, options)
