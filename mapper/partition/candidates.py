"""Candidates of the layer tiling: every way to cut one population into a grid of nearly equal boxes.

Reads a problem; gives, per layer, tilings whose every tile fits some kind of core, each with its exact
demands (target entries excluded: they depend on how the targets are cut) and its expected traffic.
"""

from __future__ import annotations

import itertools
from collections import Counter
from dataclasses import dataclass, field
from functools import cached_property
from itertools import product

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.partition.base import Problem, total_traffic
from neurosim.artefacts.mapping import Demand, Slice

MAX_CANDIDATES = 4000  # per layer; beyond it only the coarsest are looked at


@dataclass(frozen=True)
class Tiling:
    """A layer cut into ``grid`` (channels, rows, columns) tiles, in C order."""

    population: str
    grid: tuple[int, int, int]
    pieces: tuple[Slice, ...]
    demands: tuple[Demand, ...]
    where: tuple[tuple[int, ...], ...]
    anatomy: Anatomy = field(repr=False, compare=False)

    @cached_property
    def traffic(self) -> float:
        """Expected packets per sample into all tiles."""
        return total_traffic(self.anatomy, self.pieces)

    @cached_property
    def kinds_of_demand(self) -> dict[Demand, int]:
        """How many tiles there are of each demand: few differ, those at the borders."""
        return Counter(self.demands)

    @property
    def n_tiles(self) -> int:
        """Tiles of the grid."""
        return len(self.pieces)

    def count_within(self, subset: tuple[int, ...]) -> int:
        """Tiles that fit only on kinds of ``subset``."""
        return sum(n for where, n in Counter(self.where).items() if set(where) <= set(subset))


def cuts(n: int, parts: int) -> list[tuple[int, int]]:
    """``range(n)`` in ``parts`` half-open ranges whose sizes differ by at most one."""
    edges = [i * n // parts for i in range(parts + 1)]
    return list(itertools.pairwise(edges))


def grid_slices(name: str, shape: tuple[int, int, int], grid: tuple[int, int, int]) -> list[Slice]:
    """The tiles of a grid in C order."""
    axes = [cuts(n, parts) for n, parts in zip(shape, grid, strict=True)]
    return [Slice(name, c, y, x) for c, y, x in product(*axes)]


def part_counts(n: int) -> list[int]:
    """Numbers of parts of ``range(n)`` that give different largest parts, ascending."""
    out, parts = [], 1
    while parts <= n:
        out.append(parts)
        largest = -(-n // parts)
        if largest == 1:
            break
        parts = -(-n // (largest - 1))
    return out


def grids(problem: Problem, name: str, max_tiles: int) -> list[tuple[int, int, int]]:
    """Grids of at most ``max_tiles`` tiles that meet the neuron limit, coarsest first."""
    shape = problem.anatomy.shape(name)
    most = max(kind.limit.neurons for kind in problem.kinds)
    channels, rows, columns = (part_counts(n) for n in shape)
    out = []
    for grid in product(channels, rows, columns):
        size = 1
        for n, parts in zip(shape, grid, strict=True):
            size *= -(-n // parts)
        if size <= most and grid[0] * grid[1] * grid[2] <= max_tiles:
            out.append(grid)
    return sorted(out, key=lambda g: (g[0] * g[1] * g[2], g))[:MAX_CANDIDATES]


def tile(problem: Problem, name: str, grid: tuple[int, int, int]) -> Tiling | None:
    """The tiling of a grid, or None if a tile fits on no core."""
    pieces = grid_slices(name, problem.anatomy.shape(name), grid)
    demands, where = [], []
    for piece in pieces:
        demand = capacity.slice_demand(problem.anatomy, problem.chip.core, piece)
        kinds = problem.where(demand)
        if not kinds:
            return None
        demands.append(demand)
        where.append(kinds)
    return Tiling(name, grid, tuple(pieces), tuple(demands), tuple(where), problem.anatomy)


def candidates(problem: Problem, name: str, max_tiles: int) -> list[Tiling]:
    """All legal tilings of a layer, coarsest first."""
    found = (tile(problem, name, grid) for grid in grids(problem, name, max_tiles))
    return [t for t in found if t is not None]


def coarsest(problem: Problem, name: str, max_tiles: int) -> list[Tiling]:
    """The legal tilings with the fewest tiles."""
    found: list[Tiling] = []
    for grid in grids(problem, name, max_tiles):
        if found and grid[0] * grid[1] * grid[2] > found[0].n_tiles:
            break
        tiling = tile(problem, name, grid)
        if tiling is not None:
            found.append(tiling)
    return found


def undominated(tilings: list[Tiling], n_kinds: int) -> list[Tiling]:
    """Those that no other beats in traffic and in tiles within every subset of kinds.

    Target entries are not looked at, so this is for the case in which they do not bind.
    """
    subsets = [tuple(k for k in range(n_kinds) if mask >> k & 1) for mask in range(1, 1 << n_kinds)]
    kept: list[tuple[tuple[float, ...], Tiling]] = []
    for tiling in sorted(tilings, key=lambda t: (t.n_tiles, t.traffic, t.grid)):
        costs = (tiling.traffic, *(float(tiling.count_within(s)) for s in subsets))
        if not any(all(a <= b for a, b in zip(other, costs, strict=True)) for other, _ in kept):
            kept.append((costs, tiling))
    return [tiling for _, tiling in kept]
