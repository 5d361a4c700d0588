"""Recursive min-cut placement: halve the cores and the clusters together until both are few.

Reads a :class:`~mapper.place.grid.GridProblem`; gives positions.  Regions are halved across their longer side
in hop equivalents, between chips where they span several, so chips come first and cores after them.  The
clusters of a region go to its halves by the least cut, flows to clusters outside pulling towards where those
are known to be (terminal propagation, Dunlop and Kernighan 1985); the cut is multilevel
(:mod:`mapper.place.kernels.cuts`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mapper.place.base import FloatArray, IntArray
from mapper.place.grid import GridProblem

LEAF = 3  # cores of a region that is not halved any more
COARSE = 60  # vertices at which coarsening ends
SEEDS = 6  # growths tried on the coarsest graph
SHRINKS = 0.9  # a level must have at most so many vertices of the one before
MIDDLE = 0.26  # cuts are sought where each side keeps at least 1/2 - MIDDLE of the cores
PASSES = 4


@dataclass(frozen=True)
class _Region:
    clusters: IntArray
    cores: IntArray


def min_cut(problem: GridProblem) -> IntArray:
    """Positions of all clusters; kinds of cores and reach are not looked at."""
    rng = np.random.Generator(np.random.PCG64(problem.seed))
    position = np.full(problem.n, -1, np.int64)
    at = np.tile(problem.place[:, :2].mean(axis=0), (problem.n, 1))
    scratch = np.full(problem.n, -1, np.int32)
    regions = [_Region(np.arange(problem.n), np.arange(problem.p))]
    while regions:
        halves: list[_Region] = []
        for region in regions:
            sides = _halves_of_cores(problem, region)
            if sides is None:
                position[region.clusters] = region.cores[: len(region.clusters)]
                continue
            halves += _halve(problem, region, sides, at, scratch, rng)
        regions = halves
    return position


def _halves_of_cores(problem: GridProblem, region: _Region) -> tuple[IntArray, IntArray] | None:
    """The cores on either side of the cut across the longer side; None if the region is a leaf."""
    if len(region.cores) <= LEAF or len(region.clusters) <= 1:
        return None
    xy = problem.place[region.cores, :2]
    spans = xy.max(axis=0) - xy.min(axis=0)
    along = xy[:, 0] if spans[0] >= spans[1] else xy[:, 1]
    values, counts = np.unique(along, return_counts=True)
    if len(values) < 2:
        return None  # one tile
    share = np.abs(np.cumsum(counts)[:-1] / len(along) - 0.5)
    central = share <= max(MIDDLE, float(share.min()))
    score = np.where(central, np.diff(values) - share, -1.0)  # widest gap first, then the most even
    low = along <= values[int(np.argmax(score))]
    return region.cores[low], region.cores[~low]


def _halve(
    problem: GridProblem, region: _Region, sides: tuple[IntArray, IntArray], at: FloatArray, scratch: Any,
    rng: np.random.Generator,
) -> list[_Region]:  # fmt: skip
    from mapper.place.kernels import cuts

    centres = [problem.place[cores, :2].mean(axis=0).astype(np.float64) for cores in sides]
    n, most = len(region.clusters), (len(sides[0]), len(sides[1]))
    graph, bias = cuts.subgraph(problem.graph, region.clusters, scratch, at, centres[0], centres[1])
    side = bisect(graph, bias, max(0, n - most[1]), min(n, most[0]), rng)
    out = []
    for number in (0, 1):
        mine = region.clusters[side == number]
        at[mine] = centres[number]
        if len(mine):
            out.append(_Region(mine, sides[number]))
    return out


def bisect(graph: Any, bias: FloatArray, low: int, high: int, rng: np.random.Generator) -> Any:
    """(n,) sides 0 or 1 with ``low`` to ``high`` vertices on side 0, at little cut."""
    from mapper.place.kernels import cuts

    size = np.ones(len(bias), np.int64)
    levels: list[Any] = [(graph, size, bias, None)]
    while len(size) > COARSE:
        order = rng.permutation(len(size)).astype(np.int32)
        coarse, made = cuts.match(graph, size, max(1, len(levels[0][1]) // 24), order)
        if made > SHRINKS * len(size):
            break
        graph, size, bias = cuts.contract(graph, size, bias, coarse, made)
        levels.append((graph, size, bias, coarse))
    side = _first_sides(levels, low, high, rng)
    for number in range(len(levels) - 2, -1, -1):
        side = side[levels[number + 1][3]]
        graph, size, bias, _ = levels[number]
        slack = int(size.max()) if number else 0
        cuts.refine(graph, size, bias, side, low - slack, high + slack, PASSES)
    return side


def _first_sides(levels: list[Any], low: int, high: int, rng: np.random.Generator) -> Any:
    from mapper.place.kernels import cuts

    graph, size, bias, _ = levels[-1]
    slack = int(size.max()) if len(levels) > 1 else 0
    best, least = None, np.inf
    for _ in range(SEEDS):
        side = cuts.grow(graph, size, bias, int(rng.integers(len(size))), (low + high) // 2)
        cut = cuts.refine(graph, size, bias, side, low - slack, high + slack, 2 * PASSES)
        if best is None or cut < least - 1e-9:
            best, least = side, cut
    return best
