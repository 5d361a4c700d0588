"""Where a run stands, in a form that can be saved: what an engine hands to a :class:`Keeper` and gets back.

A run goes through samples, a sample through hardware steps.  Between two samples all that matters is what
was collected; half-way through a sample the engine's own arrays come with it.  Tables that follow from
program and input are not part of it: whoever goes on makes them again.
"""

from __future__ import annotations

import hashlib
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn, Protocol

from numpy.typing import NDArray

from neurosim.artefacts.result import Verdict
from neurosim.store import artefact

Arrays = dict[str, NDArray[Any]]


@artefact
@dataclass(frozen=True)
class EngineState:
    """A run that was left in ``sample`` when hardware step ``step`` of it was announced.

    ``step`` 0 and an empty ``inside`` mean that the sample has not begun.  ``verdict`` is that of the
    samples before; ``collected`` is what they counted, ``inside`` the engine's arrays of this one, ``sink``
    what the sink of events wants to have kept.
    """

    sample: int
    step: int
    verdict: Verdict
    collected: Arrays
    inside: Arrays
    sink: Arrays


class Keeper(Protocol):
    """Whoever keeps a run's checkpoints; an engine that gets one in its options asks and serves it.

    ``every_steps`` is the distance of two checkpoints in hardware steps, counted over all samples;
    ``start`` is the state to go on from, None for the beginning.
    """

    @property
    def every_steps(self) -> int:
        """See the class."""
        ...

    @property
    def start(self) -> EngineState | None:
        """See the class."""
        ...

    def is_stopping(self) -> bool:
        """Whether the run was asked to stop: save, then call :meth:`stop`.

        Before the first call of this a request to stop raises KeyboardInterrupt at once.
        """
        ...

    def interruptible(self) -> AbstractContextManager[None]:
        """A block in which a request to stop raises KeyboardInterrupt at once."""
        ...

    def save(self, state: EngineState) -> None:
        """Keep ``state`` in the place of the one before; its arrays may change afterwards."""
        ...

    def stop(self) -> NoReturn:
        """End the run after it was saved."""
        ...


def sources_digest() -> str:
    """SHA-256 over all sources that decide what a run does: a state means nothing to others."""
    root = Path(__file__).parents[1]
    sha = hashlib.sha256()
    for room in ("rules", "chip", "artefacts", "fabric", "engines"):
        for source in sorted((root / room).rglob("*.py")):
            sha.update(source.relative_to(root).as_posix().encode())
            sha.update(source.read_bytes())
    return sha.hexdigest()
