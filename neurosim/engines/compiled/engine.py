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
from neurosim.engines.samples import run_samples
from neurosim.fabric.topology import build_fabric


class CompiledEngine:
    """Runs programs and raw traffic on compiled kernels."""

    name = "compiled"

    def run(self, program: Program, workload: Workload, options: RunOptions) -> Result:
        """Run ``program`` on every sample, each from the reset state; stop at the first bad verdict."""
        from neurosim.engines.compiled.core_state import ProgramTables
        from neurosim.engines.compiled.program import CompiledSample

        fabric = build_fabric(load_chip_text(program.chip_yaml, "program"))
        tables = ProgramTables(program, fabric)

        def one(x: NDArray[Any], sample: int) -> tuple[Verdict, SampleCounts]:
            run = CompiledSample(tables, x, options)
            verdict = run.run(sample)
            return verdict, run.counts(verdict.cycle)

        return run_samples(self.name, program, fabric, workload, options, one)

    def run_traffic(
        self, chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
    ) -> TrafficResult:
        """Run raw traffic, see :class:`neurosim.engines.base.TrafficEngine`."""
        from neurosim.engines.compiled.traffic import run_traffic

        return run_traffic(chip, traffic, max_cycles, options)
