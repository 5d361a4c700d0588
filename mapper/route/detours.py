"""Detours: routes round dead links for chips with routing tables, free of deadlock by construction.

Reads a fabric with defects and pairs of tiles; writes one path per pair.  A pair whose X-then-Y route works
keeps it, on virtual channel 0.  On channel 0 no packet ever turns to the west, on channel 1 none to the east
(the turn model of Glass and Ni, ISCA 1992: west-first, and its mirror image), so neither has a cycle of
dependencies, and packets do not change channels.  A pair that must go round takes the shortest path that one
of the two allows.  This is what the shortest detours cost, pair by pair; the tables that engines follow know
destinations only, and are made by :mod:`mapper.route.exceptions`.
"""

from __future__ import annotations

import heapq
import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.place.distance import link_weights
from neurosim.fabric import graphs
from neurosim.fabric.topology import Fabric
from neurosim.fabric.walks import arrives
from neurosim.rules.ports import EAST, NORTH, SOUTH, WEST

IntArray = NDArray[np.int64]
WINDOWS = ((3, 8), (12, 24), (1 << 20, 1 << 20))
"""Columns and rows beyond the pair's box that a path may use; the next where none is found."""


@dataclass(frozen=True)
class Detours:
    """``path[i]`` are the links (router * 4 + direction) of pair ``pair[i]``, ``channel[i]`` its channel.

    ``without`` are pairs for which neither channel has a path; ``weight`` (pairs of ``pair``,) the lengths in
    hop equivalents.
    """

    pair: IntArray
    path: tuple[tuple[int, ...], ...]
    channel: IntArray
    weight: IntArray
    without: IntArray


def detours(fabric: Fabric, source: IntArray, target: IntArray) -> Detours:
    """Paths for those of the pairs of tiles whose X-then-Y route meets a dead link."""
    per_tile = fabric.chip.mesh.cores_per_tile
    broken = np.flatnonzero(~arrives(fabric, source * per_tile, target * per_tile))
    weights = link_weights(fabric)
    paths, channels, lengths, kept, without = [], [], [], [], []
    for number in broken.tolist():
        found = _shortest(fabric, weights, int(source[number]), int(target[number]))
        if found is None:
            without.append(number)
            continue
        length, channel, path = found
        kept.append(number)
        paths.append(path)
        channels.append(channel)
        lengths.append(length)
    return Detours(
        np.array(kept, np.int64), tuple(paths), np.array(channels, np.int64), np.array(lengths, np.int64),
        np.array(without, np.int64),
    )  # fmt: skip


def is_free(paths: list[tuple[tuple[int, ...], int]]) -> bool:
    """Whether the links' dependencies have no cycle; ``paths`` with their channels."""
    graph: dict[int, set[int]] = {}
    for path, channel in paths:
        numbers = [link * 2 + channel for link in path]
        for number in numbers:
            graph.setdefault(number, set())
        for a, b in itertools.pairwise(numbers):
            graph[a].add(b)
    return graphs.topological_order({n: sorted(after) for n, after in graph.items()}) is not None


def _shortest(
    fabric: Fabric, weights: IntArray, source: int, target: int
) -> tuple[int, int, tuple[int, ...]] | None:
    """(length, channel, links) of the shortest path that one of the two turn models allows."""
    for window in WINDOWS:
        ways = []
        for channel, first, then in ((0, WEST, EAST), (1, EAST, WEST)):
            found = _search(fabric, weights, source, target, (first, then), window)
            if found is not None:
                ways.append((found[0], channel, found[1]))
        if ways:
            return min(ways)
    return None


def _search(
    fabric: Fabric, weights: IntArray, source: int, target: int, sides: tuple[int, int],
    window: tuple[int, int],
) -> tuple[int, tuple[int, ...]] | None:  # fmt: skip
    """Shortest path: steps to the first of ``sides`` come before all others, of which none is to it."""
    first, then = sides
    (x0, y0), (x1, y1) = fabric.xy(source), fabric.xy(target)
    low_x, high_x, low_y, high_y = min(x0, x1), max(x0, x1), min(y0, y1), max(y0, y1)
    queue: list[tuple[int, int, int, tuple[int, ...]]] = [(0, source, first, ())]
    done: set[tuple[int, int]] = set()
    while queue:
        length, router, came, path = heapq.heappop(queue)
        if router == target:
            return length, path
        if (router, came) in done:
            continue
        done.add((router, came))
        for direction in (first, then, NORTH, SOUTH):
            turns_back = {came, direction} in ({NORTH, SOUTH}, {EAST, WEST}) and bool(path)
            if (direction == first and came != first) or turns_back:
                continue
            after = int(fabric.target[router, direction])
            if after < 0:
                continue
            x, y = fabric.xy(after)
            aside_x, aside_y = max(low_x - x, x - high_x), max(low_y - y, y - high_y)
            if aside_x > window[0] or aside_y > window[1]:
                continue
            step = int(weights[router, direction])
            heapq.heappush(queue, (length + step, after, direction, (*path, router * 4 + direction)))
    return None
