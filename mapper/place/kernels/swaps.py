"""Swap annealing in Numba: clusters change places with others, or move to free ones, over flat arrays.

Reads a graph in CSR form (both directions, weights summed) and coordinates or a table of distances;
writes positions in place.  Every cost is a sum over edges, so a swap costs two walks over neighbours.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numba
import numpy as np

from neurosim.jit import use_cache

use_cache(Path(__file__).parent)

_A, _B, _C = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB)
_S30, _S27, _S31, _S11 = np.uint64(30), np.uint64(27), np.uint64(31), np.uint64(11)
_S16, _LOW16 = np.uint64(16), np.uint64(0xFFFF)
_UNIT = 1.0 / (1 << 53)


def _draw(state: Any) -> Any:
    """The next 64 bits of a SplitMix64 generator (Steele, Lea and Flood, OOPSLA 2014)."""
    state[0] += _A
    z = state[0]
    z = (z ^ (z >> _S30)) * _B
    z = (z ^ (z >> _S27)) * _C
    return z ^ (z >> _S31)


draw = numba.njit(cache=True, inline="always")(_draw)


def _gap(a: int, b: int, ring: int) -> int:
    """Distance along one axis; on a ring (its length, 0: none) the shorter way round."""
    gap = abs(a - b)
    if ring > 0 and ring - gap < gap:
        gap = ring - gap
    return gap


gap_of = numba.njit(cache=True, inline="always")(_gap)


def _offer(bits: Any, x: int, y: int, window: int, cells: Any, width: int, height: int) -> Any:
    """A random position within ``window`` tiles of (x, y) by 48 random bits; -1 if its tile has none.

    ``cells`` (tiles + 1) points into positions sorted by tile.
    """
    low, high = max(0, x - window), min(width - 1, x + window)
    column = low + np.int64(((bits & _LOW16) * np.uint64(high - low + 1)) >> _S16)
    bits = bits >> _S16
    low, high = max(0, y - window), min(height - 1, y + window)
    cell = (low + np.int64(((bits & _LOW16) * np.uint64(high - low + 1)) >> _S16)) * width + column
    room = cells[cell + 1] - cells[cell]
    q = cells[cell] if room > 0 else -1
    if room > 1:
        q += np.int64((((bits >> _S16) & _LOW16) * np.uint64(room)) >> _S16)
    return q


offer = numba.njit(cache=True, inline="always")(_offer)


def _moved(
    i: int, j: int, p: int, q: int, graph: Any, place: Any, where: Any, table: Any, rules: Any, penalty: float
) -> float:
    """Change of the cost if ``i`` goes from position ``p`` to ``q`` and all but ``j`` stay.

    ``graph`` = (pointer, neighbour, weight); ``place`` (p, 4): x, y in hop equivalents and as tiles;
    ``where`` (n, 5): each cluster's row of ``place`` and its position; ``rules`` = (ring x, ring y, tile
    ring x, tile ring y, reach x, reach y).
    """
    pointer, neighbour, weight = graph
    first, last = pointer[i], pointer[i + 1]
    change = 0.0
    if table.shape[0] > 0:
        for e in range(first, last):
            k = neighbour[e]
            if k != j:
                at = where[k, 4]
                change += weight[e] * (table[q, at] - table[p, at])
    elif rules[0] == 0 and rules[1] == 0:
        px, py, qx, qy = place[p, 0], place[p, 1], place[q, 0], place[q, 1]
        for e in range(first, last):
            k = neighbour[e]
            if k != j:
                x, y = where[k, 0], where[k, 1]
                change += weight[e] * (abs(qx - x) + abs(qy - y) - abs(px - x) - abs(py - y))
    else:
        for e in range(first, last):
            k = neighbour[e]
            if k != j:
                x, y = where[k, 0], where[k, 1]
                new = gap_of(place[q, 0], x, rules[0]) + gap_of(place[q, 1], y, rules[1])
                old = gap_of(place[p, 0], x, rules[0]) + gap_of(place[p, 1], y, rules[1])
                change += weight[e] * (new - old)
    if penalty > 0.0:
        for e in range(first, last):
            k = neighbour[e]
            if k != j:
                x, y = where[k, 2], where[k, 3]
                if gap_of(place[q, 2], x, rules[2]) > rules[4] or gap_of(place[q, 3], y, rules[3]) > rules[5]:
                    change += penalty
                if gap_of(place[p, 2], x, rules[2]) > rules[4] or gap_of(place[p, 3], y, rules[3]) > rules[5]:
                    change -= penalty
    return change


moved = numba.njit(cache=True)(_moved)


def _anneal(
    moves: int, heat: float, window: int, cursor: int, state: Any, graph: Any, place: Any,
    where: Any, holder: Any, cells: Any, width: int, host: Any, kind: Any, fits: Any, table: Any, rules: Any,
    penalty: float,
) -> Any:  # fmt: skip
    """``moves`` proposals at temperature ``heat``; gives (change of cost, accepted, next cluster).

    Clusters are visited in turn; each is offered a random position within ``window`` tiles of its own.
    ``cells`` (tiles + 1) points into positions sorted by tile; ``host`` = (out (n,), in (n,), from (p,), to
    (p,)); ``fits`` (n, kinds) says which kinds of positions hold a cluster, ``kind`` (p,) their kinds.
    """
    host_out, host_in, from_host, to_host = host
    n, tiles = where.shape[0], cells.shape[0] - 1
    height = tiles // width
    total, accepted = 0.0, 0
    i = cursor
    for _ in range(moves):
        i += 1
        if i >= n:
            i = 0
        p = where[i, 4]
        q = offer(draw(state) >> _S16, where[i, 2], where[i, 3], window, cells, width, height)
        if q < 0:
            continue
        if q == p or not fits[i, kind[q]]:
            continue
        j = holder[q]
        if j >= 0 and not fits[j, kind[p]]:
            continue
        change = moved(i, j, p, q, graph, place, where, table, rules, penalty)
        change += host_out[i] * (from_host[q] - from_host[p]) + host_in[i] * (to_host[q] - to_host[p])
        if j >= 0:
            change += moved(j, i, q, p, graph, place, where, table, rules, penalty)
            change += host_out[j] * (from_host[p] - from_host[q]) + host_in[j] * (to_host[p] - to_host[q])
        if change > 0.0:
            if heat <= 0.0 or change > 40.0 * heat:
                continue
            if np.float64(draw(state) >> _S11) * _UNIT >= math.exp(-change / heat):
                continue
        total += change
        accepted += 1
        holder[q], holder[p] = i, j
        where[i, :4], where[i, 4] = place[q], q
        if j >= 0:
            where[j, :4], where[j, 4] = place[p], p
    return total, accepted, i


anneal = numba.njit(cache=True)(_anneal)


def _total(graph: Any, where: Any, host: Any, table: Any, rules: Any) -> Any:
    """(cost of all placed clusters, pairs out of reach); every edge stands in the CSR form twice."""
    pointer, neighbour, weight = graph
    host_out, host_in, from_host, to_host = host
    cost, outside, twice = 0.0, 0, 0.0
    for i in range(where.shape[0]):
        p = where[i, 4]
        cost += host_out[i] * from_host[p] + host_in[i] * to_host[p]
        for e in range(pointer[i], pointer[i + 1]):
            k = neighbour[e]
            if table.shape[0] > 0:
                away = np.float64(table[p, where[k, 4]])
            else:
                away = np.float64(
                    gap_of(where[i, 0], where[k, 0], rules[0]) + gap_of(where[i, 1], where[k, 1], rules[1])
                )
            twice += weight[e] * away
            across = gap_of(where[i, 2], where[k, 2], rules[2])
            if across > rules[4] or gap_of(where[i, 3], where[k, 3], rules[3]) > rules[5]:
                outside += 1
    return cost + twice / 2, outside // 2


total = numba.njit(cache=True)(_total)
