"""What every engine is: it runs a program on inputs and returns a Result, or it runs raw traffic.

The library never prints: an engine reports progress by calling ``RunOptions.progress``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.artefacts.route_table import RouteTable
from neurosim.chip.models import Chip
from neurosim.engines.checkpoint import Keeper

Progress = Callable[[int, int, str], None]
"""``progress(done, total, text)``: called now and then; it must not raise."""


@dataclass(frozen=True)
class TraceRequest:
    """What a sink wants of a run: ``tables`` by the names in :data:`neurosim.engines.trace.TABLES`.

    ``steps`` (first, end) keeps hardware steps first <= step < end; ``cores`` keeps what concerns these
    core numbers (HOST is the host): packets from or to them, their own events, and the flits of
    the routers that they hang on.  None keeps all.
    """

    tables: frozenset[str]
    steps: tuple[int, int] | None = None
    cores: frozenset[int] | None = None


class Sink(Protocol):
    """Takes the events of a run in blocks while it runs, so that no engine keeps them.

    The rows of a table come in one fixed order, the same from every cycle engine; where it is cut into
    blocks is the engine's business and must not show in what the sink makes of them.
    """

    request: TraceRequest

    def write(self, table: str, columns: Mapping[str, NDArray[np.int64]]) -> None:
        """Append rows: every column of the table, equally long (see :mod:`neurosim.engines.trace`)."""
        ...

    def state(self) -> dict[str, NDArray[np.int64]]:
        """What a checkpoint must keep so that :meth:`restore` goes on with the same bytes."""
        ...

    def restore(self, state: Mapping[str, NDArray[np.int64]]) -> None:
        """Forget every row written after ``state`` was taken, here or by a process that was killed."""
        ...


@dataclass(frozen=True)
class RunOptions:
    """Options of a run.

    ``max_step_cycles`` bounds one time step (a run that passes it ends with verdict "limit");
    ``check_every_cycles`` is how often the wait-for graph is looked at for a partial deadlock;
    ``log_packets`` keeps one row per packet in the result; ``sink`` gets the events that it asks for
    while the engine runs (the cycle engines; others give none); ``shuffle_seed`` (tests) visits
    components in a random order within a cycle, which must change nothing.  ``keeper`` keeps checkpoints
    (the cycle engines; see :mod:`neurosim.engines.samples`).
    """

    seed: int = 0
    max_step_cycles: int = 10_000_000
    check_every_cycles: int = 10_000
    log_packets: bool = False
    shuffle_seed: int | None = None
    progress: Progress | None = None
    sink: Sink | None = None
    keeper: Keeper | None = None


@dataclass(frozen=True)
class Workload:
    """Inputs of a run: ``spikes`` (samples, steps, n_inputs) counts per step, ``labels`` (samples,).

    ``labels`` is -1 where unknown; ``digest`` identifies the input.
    """

    spikes: NDArray[np.uint8]
    labels: NDArray[np.int64]
    digest: str


class Engine(Protocol):
    """A cycle engine.  ``name`` is what ``--engine`` takes."""

    name: str

    def run(self, program: Program, workload: Workload, options: RunOptions) -> Result:
        """Run ``program`` on every sample of ``workload``, each from the reset state."""
        ...


@dataclass(frozen=True)
class Traffic:
    """Packets to inject without any cores: arrays sorted by ``cycle``.

    Packet ``p`` enters the unbounded queue of core ``source[p]`` in ``cycle[p]`` and goes to core
    ``target[p]``, whose sink takes one flit per cycle and gives the credit back at once.  ``table`` are the
    routers' exceptions to the chip's routing rule.
    """

    cycle: NDArray[np.int64]
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    table: RouteTable | None = None


@dataclass(frozen=True)
class TrafficResult:
    """``arrive`` (packets,) is the cycle in which the tail reached its sink, -1 if never."""

    inject: NDArray[np.int64]
    arrive: NDArray[np.int64]
    end_cycle: int
    router_traversals: int
    verdict: Any
    port_flits: NDArray[np.int64]


class TrafficEngine(Protocol):
    """An engine that can also run raw traffic on a chip's fabric."""

    def run_traffic(
        self, chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
    ) -> TrafficResult:
        """Inject ``traffic`` and run until all has arrived, a deadlock, or ``max_cycles``.

        Raises:
            MismatchError: the routing table is not sound, or a packet's way ends in nothing or in a loop.
        """
        ...
