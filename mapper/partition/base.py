"""What every partitioner is: it cuts layers into slices and says which slices share a core.

Reads a :class:`Problem`; gives a :class:`Found`, or None where it found nothing (which proves nothing:
why a network does not fit is :mod:`mapper.partition.scarcity`'s business).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.capacity import Kind
from mapper.options import MapOptions
from neurosim.artefacts.mapping import Cluster, Demand, Slice, SolverReport
from neurosim.chip.models import Chip


@dataclass(frozen=True)
class Problem:
    """A network (as its anatomy), a chip, its kinds of cores, and options.

    ``thorough`` False leaves out what takes long and seldom helps (remedies are tried like that).
    """

    anatomy: Anatomy
    chip: Chip
    kinds: tuple[Kind, ...]
    options: MapOptions
    thorough: bool = True

    @property
    def n_cores(self) -> int:
        """Neuron cores of the chip."""
        return sum(len(k.cores) for k in self.kinds)

    def on(self, chip: Chip) -> Problem:
        """The same network on another chip."""
        return replace(self, chip=chip, kinds=capacity.core_kinds(chip))

    def where(self, demand: Demand) -> tuple[int, ...]:
        """Indices of the kinds of cores on which ``demand`` fits."""
        return tuple(k for k, kind in enumerate(self.kinds) if capacity.fits(demand, kind.limit))


@dataclass(frozen=True)
class Found:
    """A partition: clusters in layer order, and what the solvers said."""

    clusters: tuple[Cluster, ...]
    solver: tuple[SolverReport, ...]


class Partitioner(Protocol):
    """A partitioning algorithm."""

    name: str

    def partition(self, problem: Problem) -> Found | None:
        """A legal partition, or None."""
        ...


def enough_cores(problem: Problem, demands: Sequence[Demand]) -> bool:
    """Whether all demands fit at once, one per core (Hall's condition over the kinds of cores)."""
    counts: dict[tuple[int, ...], int] = {}
    for demand in demands:
        where = problem.where(demand)
        counts[where] = counts.get(where, 0) + 1
    return all(
        sum(n for where, n in counts.items() if set(where) <= set(subset)) <= room
        for subset, room in kind_subsets(problem.kinds)
    )


def kind_subsets(kinds: tuple[Kind, ...]) -> list[tuple[tuple[int, ...], int]]:
    """Every subset of the kinds (the empty one too) with the number of its cores."""
    out = []
    for mask in range(1 << len(kinds)):
        subset = tuple(k for k in range(len(kinds)) if mask >> k & 1)
        out.append((subset, sum(len(kinds[k].cores) for k in subset)))
    return out


def one_slice_per_core(pieces: list[Slice], demands: list[Demand]) -> tuple[Cluster, ...]:
    """Clusters of one slice each."""
    return tuple(Cluster((piece,), demand) for piece, demand in zip(pieces, demands, strict=True))


def total_traffic(anatomy: Anatomy, pieces: Sequence[Slice]) -> float:
    """Expected packets per sample into all slices (those to the host not counted)."""
    return sum(anatomy.traffic_into(piece) for piece in pieces)
