"""A keeper of checkpoints in memory, and a run that is stopped again and again."""

from __future__ import annotations

import contextlib
import copy
from collections.abc import Iterator
from dataclasses import replace
from typing import NoReturn

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.checkpoint import EngineState


class Stopped(BaseException):
    """What this keeper ends a run with."""


class MemoryKeeper:
    """Keeps copies; stops the run when it is asked the ``asked``-th time, or after the ``kept``-th save."""

    def __init__(
        self, every_steps: int, start: EngineState | None = None, asked: int = 1 << 60, kept: int = 1 << 60
    ) -> None:
        self.every_steps = every_steps
        self.start = start
        self.asked = asked
        self.kept = kept
        self.saved: list[EngineState] = []

    def is_stopping(self) -> bool:
        self.asked -= 1
        return self.asked <= 0

    @contextlib.contextmanager
    def interruptible(self) -> Iterator[None]:
        yield

    def save(self, state: EngineState) -> None:
        self.saved.append(copy.deepcopy(state))
        if len(self.saved) >= self.kept:
            raise Stopped

    def stop(self) -> NoReturn:
        raise Stopped


def in_pieces(
    engine: object, program: Program, workload: Workload, options: RunOptions, every: int, cuts: int = 6, **stops: int
) -> tuple[Result, list[EngineState]]:
    """The result of a run that is stopped up to ``cuts`` times (see :class:`MemoryKeeper`) and continued."""
    states: list[EngineState] = []
    for piece in range(cuts + 1):
        start = states[-1] if states else None
        keeper = MemoryKeeper(every, start, **stops) if piece < cuts else MemoryKeeper(every, start)
        with contextlib.suppress(Stopped):
            return engine.run(program, workload, replace(options, keeper=keeper)), states  # type: ignore[attr-defined]
        states += keeper.saved
    raise AssertionError("the last piece was stopped")
