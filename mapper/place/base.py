"""What every placer is: it puts clusters on cores so that traffic times distance is small.

Reads a :class:`PlaceProblem`; gives positions and a solver report.  The cost of a placement is::

    sum over flows (a -> b) of packets(a, b) * distance(position(a), position(b))

with HOST at a fixed position, ``distance`` in hop equivalents (:mod:`mapper.place.distance`), and a
penalty for every connected pair that cannot reach each other.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import SolverReport

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class PlaceProblem:
    """``n`` clusters for ``p`` positions (cores).

    ``core`` (p,) are the positions' global core numbers, ``x`` and ``y`` the global coordinates of
    their tiles; ``flow`` (n, n) expected packets per sample
    from cluster to cluster, ``linked`` (n, n) whether there is any connection; ``distance`` (p, p);
    ``host_out`` (n,) packets from the host, ``host_in`` (n,) to it; ``from_host`` (p,) and ``to_host``
    (p,) the distances; ``allowed`` (n, p) whether a cluster fits and is within reach of the host;
    ``reachable`` (p, p) whether a packet can be addressed from one position to another.
    """

    core: IntArray
    x: IntArray
    y: IntArray
    flow: FloatArray
    linked: NDArray[np.bool_]
    distance: IntArray
    host_out: FloatArray
    host_in: FloatArray
    from_host: IntArray
    to_host: IntArray
    allowed: NDArray[np.bool_]
    reachable: NDArray[np.bool_]
    seed: int
    effort: float
    deadline: float | None = None

    @property
    def is_late(self) -> bool:
        """Whether the time limit is over (``deadline`` is on the monotonic clock)."""
        return self.deadline is not None and time.monotonic() >= self.deadline

    @property
    def n(self) -> int:
        """Clusters."""
        return int(self.flow.shape[0])

    @property
    def p(self) -> int:
        """Positions."""
        return int(self.core.shape[0])

    def host_cost(self) -> FloatArray:
        """(n, p) cost of the host flows of each cluster at each position."""
        return np.outer(self.host_out, self.from_host) + np.outer(self.host_in, self.to_host)

    def cost(self, position: IntArray) -> float:
        """Traffic times distance of a placement (penalties not included)."""
        between = self.flow * self.distance[np.ix_(position, position)]
        host = self.host_cost()[np.arange(self.n), position]
        return float(between.sum() + host.sum())

    def faults(self, position: IntArray) -> int:
        """Clusters on cores that do not hold them, and connected pairs out of reach."""
        misfits = int((~self.allowed[np.arange(self.n), position]).sum())
        return misfits + int((self.linked & ~self.reachable[np.ix_(position, position)]).sum())


@dataclass(frozen=True)
class Placed:
    """``position`` (n,) indexes the problem's positions; ``report`` says what is proven."""

    position: IntArray
    report: SolverReport


class Placer(Protocol):
    """A placement algorithm."""

    name: str

    def place(self, problem: PlaceProblem, start: IntArray) -> Placed | None:
        """A placement that is no worse than ``start``, or None if the algorithm gives up."""
        ...
