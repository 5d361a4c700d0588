"""The built-in engines as plug-ins, registered by entry points like anybody else's.

An engine plug-in is a callable :class:`EnginePlugin`: it gets the mapped program, the integer network
that was mapped, and the chip, and takes what it needs.
"""

from __future__ import annotations

from typing import Protocol, TypeVar

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.network.model import Network


class EnginePlugin(Protocol):
    """What an entry point of group ``neurosim.engines`` names."""

    def __call__(
        self, program: Program, network: Network, chip: Chip, workload: Workload, options: RunOptions
    ) -> Result:
        """Run on every sample of ``workload``."""
        ...


E = TypeVar("E", bound=EnginePlugin)


def keeps_checkpoints(engine: E) -> E:
    """Marks an engine that serves ``RunOptions.keeper``; without the mark it is never given one."""
    engine.keeps_checkpoints = True  # type: ignore[attr-defined]
    return engine


def gives_events(engine: E) -> E:
    """Marks an engine that hands its events to ``RunOptions.sink``; without the mark none is given one."""
    engine.gives_events = True  # type: ignore[attr-defined]
    return engine


def functional(
    program: Program, network: Network, chip: Chip, workload: Workload, options: RunOptions
) -> Result:
    """Spikes only, straight from the integer network; labelled with the program that it stands for."""
    from dataclasses import replace

    from neurosim import store
    from neurosim.engines.functional import FunctionalEngine

    result = FunctionalEngine(chip).run(network, workload, options)
    return replace(result, program_digest=store.digest(program))


@keeps_checkpoints
@gives_events
def reference(
    program: Program, network: Network, chip: Chip, workload: Workload, options: RunOptions
) -> Result:
    """Cycle by cycle, in SimPy."""
    from neurosim.engines.reference.engine import ReferenceEngine

    return ReferenceEngine().run(program, workload, options)


@keeps_checkpoints
@gives_events
def compiled(
    program: Program, network: Network, chip: Chip, workload: Workload, options: RunOptions
) -> Result:
    """The reference engine's cycles from compiled kernels (the first run ever compiles them)."""
    from neurosim.engines.compiled.engine import CompiledEngine

    return CompiledEngine().run(program, workload, options, chip)


def estimate(
    program: Program, network: Network, chip: Chip, workload: Workload, options: RunOptions
) -> Result:
    """Events counted and time estimated from the functional engine's spikes; no cycles are simulated."""
    from neurosim.engines.estimate import EstimateEngine

    return EstimateEngine(chip).run(program, network, workload, options)
