"""Time steps as SimPy processes: the barrier, or the tick."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import Any

from simpy.events import Event

from neurosim.chip.models import Chip
from neurosim.chip.timing import barrier_length
from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.core import CoreModel, HostModel
from neurosim.engines.reference.packets import Ledger

HostTargets = Callable[[int], list[tuple[int, int]]]


class StepController:
    """Starts all cores and the host step by step and records when steps begin and end."""

    def __init__(
        self,
        chip: Chip,
        clock: Clock,
        ledger: Ledger,
        cores: dict[int, CoreModel],
        host: HostModel,
        host_targets: HostTargets,
        n_steps: int,
    ) -> None:
        self.start_cycles: list[int] = []
        self.end_cycles: list[int] = []
        self.missed: list[tuple[int, int]] = []  # (step, core)
        self.barriers = 0
        self._chip = chip
        self._clock = clock
        self._ledger = ledger
        self._cores = cores
        self._host = host
        self._host_targets = host_targets
        self._n_steps = n_steps
        self._quiet: Event = clock.env.event()
        ledger.on_quiet = self._on_quiet
        ticks = chip.sync.mode == "tick"
        self.done = clock.env.process(self._run_ticks() if ticks else self._run_barriers())

    @property
    def is_quiet(self) -> bool:
        """Whether all work of the current step is done."""
        return self._quiet.triggered

    def _on_quiet(self) -> None:
        if not self._quiet.triggered:
            self._quiet.succeed()

    def _launch(self, step: int, at: int) -> None:
        """Send every core and the host its token for ``step``; it arrives in cycle ``at``."""
        self._quiet = self._clock.env.event()
        self.start_cycles.append(at)
        for number in sorted(self._cores):
            self._ledger.begin()
            self._clock.send(at, self._cores[number].start, step)
        self._ledger.begin()
        self._clock.send(at, self._start_host, step)

    def _start_host(self, step: int) -> None:
        self._host.start(step, self._host_targets(step))
        self._ledger.end()

    def _run_barriers(self) -> Generator[Event, Any, None]:
        """A step ends when nothing is left to do; the barrier's length later the next begins."""
        length = barrier_length(self._chip)
        at = 1
        for step in range(self._n_steps):
            self._launch(step, at)
            yield self._quiet
            self.end_cycles.append(self._clock.now)
            self.barriers += 1
            at = self._clock.now + length

    def _run_ticks(self) -> Generator[Event, Any, None]:
        """A step begins at every tick, whether or not the one before is done."""
        period = self._chip.sync.tick_period_cycles
        assert period is not None
        self._launch(0, 1)
        for step in range(1, self._n_steps):
            tick = 1 + step * period
            quiet = self._quiet
            yield self._clock.env.timeout(tick - 1 - self._clock.now) | quiet
            ended = self._clock.now if quiet.triggered else None
            if ended is not None:
                yield self._clock.env.timeout(tick - 1 - self._clock.now)
            self._note_missed(step - 1)
            self.end_cycles.append(ended if ended is not None else tick)
            self._launch(step, tick)
        yield self._quiet
        self.end_cycles.append(self._clock.now)

    def _note_missed(self, step: int) -> None:
        self.missed += [(step, number) for number in sorted(self._cores) if self._cores[number].is_busy]
        if self._host.is_busy:
            self.missed.append((step, -1))
