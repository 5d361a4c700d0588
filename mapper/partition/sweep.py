"""Sweep: one grid of tiles per layer, chosen from the outputs back to the inputs; for very large networks.

Reads a problem; a layer is cut once all that it sends to is cut, so its target entries are exact from the
start and every tile is legal by construction.  Among the grids with nearly the fewest tiles the one with
the least expected traffic is taken.  No search over layers together: that is the tiling's business.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.capacity import Kind
from mapper.partition.base import Found, Problem, enough_cores, one_slice_per_core
from mapper.partition.candidates import grid_slices, part_counts
from neurosim.artefacts.mapping import Demand, Slice, SolverReport

IntArray = NDArray[np.int64]
Grid = tuple[int, int, int]
MORE_TILES = 1.1  # grids with up to so many times the fewest tiles compete for the least traffic
COMPARED = 24  # grids compared at most
GIVE_UP = 4000  # grids tried at most
LARGE_CORES = 512
"""From so many cores on the layers are cut one after the other, not searched together."""


class Sweep:
    """Sequential partitioner, outputs first."""

    name = "sweep"

    def partition(self, problem: Problem) -> Found | None:
        """Clusters in layer order, or None where a layer or the cores do not suffice."""
        cut: dict[str, tuple[list[Slice], list[Demand]]] = {}
        order = _outputs_first(problem)
        for number, name in enumerate(order):
            problem.options.say(f"cutting layer {number + 1} of {len(order)}, '{name}'")
            entries = _entries(problem, name, cut)
            found = None if entries is None else _cut(problem, name, entries)
            if found is None:
                return None
            cut[name] = found
        layers = [layer.name for layer in problem.anatomy.layers]
        pieces = [p for name in layers for p in cut[name][0]]
        demands = [d for name in layers for d in cut[name][1]]
        if not enough_cores(problem, demands):
            return None
        report = SolverReport(
            "partition cores", "sweep", "heuristic", float(len(pieces)), float(cores_at_least(problem)),
            "one grid per layer, outputs first; bound: neurons over the largest core's",
        )  # fmt: skip
        return Found(one_slice_per_core(pieces, demands), (report,))


def cores_at_least(problem: Problem) -> int:
    """Cores that the neurons take at least."""
    most = max(kind.limit.neurons for kind in problem.kinds)
    return -(-sum(layer.n for layer in problem.anatomy.layers) // most)


def _outputs_first(problem: Problem) -> list[str]:
    """Layers so that each comes after those it sends to; loops are broken at the later layer."""
    anatomy = problem.anatomy
    done: list[str] = []
    placed: set[str] = set()
    for layer in reversed(anatomy.layers):
        waiting = [layer.name]
        while waiting:
            name = waiting[-1]
            goals = [p.target for p in anatomy.out_of(name)]
            open_ = [g for g in goals if g not in placed and g not in waiting]
            if open_:
                waiting.append(open_[0])
                continue
            waiting.pop()
            if name not in placed:
                placed.add(name)
                done.append(name)
    return done


def _entries(
    problem: Problem, name: str, cut: dict[str, tuple[list[Slice], list[Demand]]]
) -> IntArray | None:
    """(C, H, W) target entries of every neuron; None if it sends to a layer that is not cut yet (a loop)."""
    anatomy = problem.anatomy
    entries = np.full(anatomy.population(name).n, capacity.host_entries(anatomy.network, name), np.int64)
    for projection in anatomy.out_of(name):
        if projection.target not in cut:
            return None
        entries += anatomy.fan_out(projection, cut[projection.target][0])
    return entries.reshape(anatomy.shape(name))


def _cut(problem: Problem, name: str, entries: IntArray) -> tuple[list[Slice], list[Demand]] | None:
    shape = problem.anatomy.shape(name)
    summed = np.zeros(tuple(n + 1 for n in shape), np.int64)
    summed[1:, 1:, 1:] = entries.cumsum(0).cumsum(1).cumsum(2)
    best: tuple[float, Grid, list[Slice], list[Demand]] | None = None
    fewest, compared = 0, 0
    for grid in _grids(problem.kinds, shape, int(summed[-1, -1, -1]))[:GIVE_UP]:
        tiles = math.prod(grid)
        if best is not None and (tiles > fewest * MORE_TILES or compared >= COMPARED):
            break
        found = _tiles(problem, name, grid, summed)
        if found is None:
            continue
        fewest, compared = fewest or tiles, compared + 1
        traffic = float(sum(d.axons for d in found[1]))
        if best is None or traffic < best[0]:
            best = traffic, grid, *found
    return None if best is None else best[2:]


def _grids(kinds: tuple[Kind, ...], shape: tuple[int, int, int], entries: int) -> list[Grid]:
    """Grids that can meet the limits on neurons and target entries, fewest tiles first."""
    most = max(kind.limit.neurons for kind in kinds)
    least = -(-entries // max(kind.limit.target_entries for kind in kinds))
    axes = [part_counts(n) for n in shape]
    c, y, x = (a.reshape(-1) for a in np.meshgrid(*(np.array(a, np.int64) for a in axes), indexing="ij"))
    size = -(-shape[0] // c) * -(-shape[1] // y) * -(-shape[2] // x)
    tiles = c * y * x
    ok = (size <= most) & (tiles >= least)
    order = np.lexsort((x[ok], y[ok], c[ok], tiles[ok]))
    return list(zip(c[ok][order].tolist(), y[ok][order].tolist(), x[ok][order].tolist(), strict=True))


def _tiles(
    problem: Problem, name: str, grid: Grid, summed: IntArray
) -> tuple[list[Slice], list[Demand]] | None:
    """The tiles of a grid with their whole demands; None if one fits on no core."""
    pieces = grid_slices(name, problem.anatomy.shape(name), grid)
    middle = pieces[(grid[0] // 2 * grid[1] + grid[1] // 2) * grid[2] + grid[2] // 2]
    if _demand(problem, middle, summed) is None:
        return None  # the middle has the most axons: most grids fail here
    demands = []
    for piece in pieces:
        demand = _demand(problem, piece, summed)
        if demand is None:
            return None
        demands.append(demand)
    return pieces, demands


def _demand(problem: Problem, piece: Slice, summed: IntArray) -> Demand | None:
    (c0, c1), (y0, y1), (x0, x1) = piece.c, piece.y, piece.x
    box = summed[c1] - summed[c0]
    entries = int(box[y1, x1] - box[y0, x1] - box[y1, x0] + box[y0, x0])
    plain = capacity.slice_demand(problem.anatomy, problem.chip.core, piece)
    demand = Demand(plain.neurons, plain.axons, plain.synapse_words, entries)
    return demand if problem.where(demand) else None
