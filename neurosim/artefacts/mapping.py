"""Artefacts of the mapper: Partition, Placement and Routes.

A *cluster* is what one core holds.  A *core* has a global number
``core = tile * cores_per_tile + k`` with ``tile = y * system_width + x`` in global tile coordinates.
``HOST`` (-1) stands for the host wherever a core or cluster is named.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.route_table import RouteTable
from neurosim.store import artefact

HOST = -1


@artefact
@dataclass(frozen=True)
class Slice:
    """A box of a population: channels, rows, columns as half-open ranges of its (C, H, W) form."""

    population: str
    c: tuple[int, int]
    y: tuple[int, int]
    x: tuple[int, int]

    @property
    def n(self) -> int:
        """Neurons in the box."""
        return (self.c[1] - self.c[0]) * (self.y[1] - self.y[0]) * (self.x[1] - self.x[0])

    def neurons(self, shape: tuple[int, int, int]) -> NDArray[np.int64]:
        """Indices of the box's neurons in a population of (C, H, W) ``shape``, C order."""
        c = np.arange(*self.c)[:, None, None] * (shape[1] * shape[2])
        y = np.arange(*self.y)[None, :, None] * shape[2]
        return np.asarray(c + y + np.arange(*self.x)[None, None, :]).reshape(-1)


@artefact
@dataclass(frozen=True)
class Scattered(Slice):
    """Some neurons of a box, the least that holds them: ``members`` are their indices, ascending.

    No convolution feeds its population: what a kernel reaches is known of boxes only.
    """

    members: tuple[int, ...]

    @property
    def n(self) -> int:
        """Neurons that are meant."""
        return len(self.members)

    def neurons(self, shape: tuple[int, int, int]) -> NDArray[np.int64]:
        """Indices of the neurons in the population."""
        return np.array(self.members, np.int64)


@artefact
@dataclass(frozen=True)
class Demand:
    """What a cluster takes of a core's capacities."""

    neurons: int
    axons: int
    synapse_words: int
    target_entries: int


@artefact
@dataclass(frozen=True)
class Cluster:
    """The content of one core: slices in the order in which its neuron loop visits them."""

    slices: tuple[Slice, ...]
    demand: Demand


UNITS = {
    "partition traffic": "packets into cores",
    "before the polish": "packets between cores",
    "partition polish": "packets between cores",
    "placement for tree_hops": "packet links over trees",
    "placement for busiest_link": "packets over that link",
    "placement for weighted": "of 3 before",
}
"""Units of solvers' objectives, by stage, where its name does not tell.

Weighted is the sum of hops, tree hops and the busiest link, each over its value before.
"""


@artefact
@dataclass(frozen=True)
class SolverReport:
    """What a solver proved: ``status`` optimal, feasible, heuristic or exact; gap is relative.

    ``bound`` is None where no bound was computed (it is then "not measured", never 0).
    """

    stage: str
    method: str
    status: str
    objective: float
    bound: float | None
    detail: str = ""

    @property
    def gap(self) -> float | None:
        """(objective - bound) / objective; None without a bound."""
        if self.bound is None:
            return None
        return (self.objective - self.bound) / self.objective if self.objective else 0.0

    @property
    def unit(self) -> str:
        """What ``objective`` and ``bound`` count, per sample; empty where the stage's name says it."""
        return UNITS.get(self.stage, "")


@artefact
@dataclass(frozen=True)
class Partition:
    """All clusters of a network on a kind of chip."""

    network_digest: str
    chip_digest: str
    clusters: tuple[Cluster, ...]
    solver: tuple[SolverReport, ...]


@artefact
@dataclass(frozen=True)
class Placement:
    """``core[i]`` is the global core number of cluster ``i``."""

    partition_digest: str
    chip_digest: str
    core: NDArray[np.int64]
    solver: tuple[SolverReport, ...]


@artefact
@dataclass(frozen=True)
class Routes:
    """The unicast flows between cores and the deadlock verdict of the paths they take.

    Flow ``f`` goes from ``source[f]`` to ``target[f]`` (core numbers, or HOST) and carries
    ``packets[f]`` packets per sample (expected, from the activity that the mapper was given).
    ``hops[f]`` counts routers entered.  ``verdict`` is "free" or "cyclic" for the mapped flows;
    ``order`` is then the certificate, channel numbers of the fabric in topological order, else
    ``cycle`` lists the channels of one cycle.  ``table`` are the routers' exceptions to the chip's routing
    rule that the paths take; None: there are none.
    """

    placement_digest: str
    chip_digest: str
    source: NDArray[np.int64]
    target: NDArray[np.int64]
    packets: NDArray[np.float64]
    hops: NDArray[np.int64]
    verdict: str
    order: NDArray[np.int64]
    cycle: NDArray[np.int64]
    table: RouteTable | None = None
