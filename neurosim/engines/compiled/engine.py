"""The compiled engine: the reference engine's cycles from Numba kernels over the same rules."""

from __future__ import annotations

from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult


class CompiledEngine:
    """Runs raw traffic on compiled kernels."""

    name = "compiled"

    def run_traffic(
        self, chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
    ) -> TrafficResult:
        """Run raw traffic, see :class:`neurosim.engines.base.TrafficEngine`."""
        from neurosim.engines.compiled.traffic import run_traffic

        return run_traffic(chip, traffic, max_cycles, options)
