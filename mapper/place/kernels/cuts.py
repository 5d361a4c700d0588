"""Min-cut bisection of a graph in Numba: heavy-edge matching, contraction, and Fiduccia-Mattheyses moves.

Reads graphs in CSR form with vertex sizes and a bias per vertex (what it costs to be on side 1 rather than
on side 0, for edges that leave the graph); writes sides.  Multilevel as in Hendrickson and Leland (1995)
and Karypis and Kumar (1998); the moves are Fiduccia's and Mattheyses' (1982) on heaps, because weights are
real numbers.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np

from neurosim.jit import use_cache

use_cache(Path(__file__).parent)


def _subgraph(graph: Any, nodes: Any, local: Any, at: Any, low: Any, high: Any) -> Any:
    """The graph among ``nodes`` and their bias; ``local`` (n,) is -1 everywhere before and after.

    ``at`` (n, 2) are the places of all clusters as far as known, ``low`` and ``high`` the centres of the
    two sides.
    """
    pointer, neighbour, weight = graph
    n = len(nodes)
    for a in range(n):
        local[nodes[a]] = a
    most = 0
    for a in range(n):
        most += pointer[nodes[a] + 1] - pointer[nodes[a]]
    new_pointer = np.zeros(n + 1, np.int64)
    new_neighbour, new_weight = np.empty(most, np.int32), np.empty(most, np.float64)
    bias, used = np.zeros(n, np.float64), 0
    for a in range(n):
        for e in range(pointer[nodes[a]], pointer[nodes[a] + 1]):
            k = neighbour[e]
            if local[k] >= 0:
                new_neighbour[used], new_weight[used] = local[k], weight[e]
                used += 1
            else:
                far = abs(at[k, 0] - high[0]) + abs(at[k, 1] - high[1])
                bias[a] += weight[e] * (far - abs(at[k, 0] - low[0]) - abs(at[k, 1] - low[1]))
        new_pointer[a + 1] = used
    for a in range(n):
        local[nodes[a]] = -1
    apart = max(abs(high[0] - low[0]) + abs(high[1] - low[1]), 1e-9)
    return (new_pointer, new_neighbour[:used], new_weight[:used]), bias / apart


subgraph = numba.njit(cache=True)(_subgraph)


def _match(graph: Any, size: Any, largest: int, order: Any) -> Any:
    """Heavy-edge matching: (coarse vertex of every vertex, how many there are)."""
    pointer, neighbour, weight = graph
    n = len(size)
    coarse, made = np.full(n, -1, np.int32), 0
    for o in range(n):
        v = order[o]
        if coarse[v] >= 0:
            continue
        best, heaviest = -1, 0.0
        for e in range(pointer[v], pointer[v + 1]):
            k = neighbour[e]
            if coarse[k] < 0 and k != v and size[v] + size[k] <= largest and weight[e] > heaviest:
                best, heaviest = k, weight[e]
        coarse[v] = made
        if best >= 0:
            coarse[best] = made
        made += 1
    return coarse, made


match = numba.njit(cache=True)(_match)


def _contract(graph: Any, size: Any, bias: Any, coarse: Any, made: int) -> Any:
    """The graph of coarse vertices: ((pointer, neighbour, weight), sizes, biases)."""
    pointer, neighbour, weight = graph
    n = len(size)
    head, following = np.full(made, -1, np.int32), np.full(n, -1, np.int32)
    new_size, new_bias = np.zeros(made, np.int64), np.zeros(made, np.float64)
    for v in range(n - 1, -1, -1):
        c = coarse[v]
        following[v], head[c] = head[c], v
        new_size[c] += size[v]
        new_bias[c] += bias[v]
    new_pointer = np.zeros(made + 1, np.int64)
    new_neighbour, new_weight = np.empty(len(neighbour), np.int32), np.empty(len(neighbour), np.float64)
    seen, used = np.full(made, -1, np.int64), 0
    for c in range(made):
        first, v = used, head[c]
        while v >= 0:
            for e in range(pointer[v], pointer[v + 1]):
                k = coarse[neighbour[e]]
                if k == c:
                    continue
                if seen[k] >= first:
                    new_weight[seen[k]] += weight[e]
                else:
                    seen[k] = used
                    new_neighbour[used], new_weight[used] = k, weight[e]
                    used += 1
            v = following[v]
        new_pointer[c + 1] = used
    return (new_pointer, new_neighbour[:used].copy(), new_weight[:used].copy()), new_size, new_bias


contract = numba.njit(cache=True)(_contract)


def _sift(heap: Any, slot: Any, gain: Any, count: int, a: int) -> None:
    """Restore a max-heap of vertices by gain after the entry at ``a`` changed."""
    v = heap[a]
    while a > 0 and gain[heap[(a - 1) >> 1]] < gain[v]:
        up = (a - 1) >> 1
        heap[a] = heap[up]
        slot[heap[a]] = a
        a = up
    while True:
        down = 2 * a + 1
        if down >= count:
            break
        if down + 1 < count and gain[heap[down + 1]] > gain[heap[down]]:
            down += 1
        if gain[heap[down]] <= gain[v]:
            break
        heap[a] = heap[down]
        slot[heap[a]] = a
        a = down
    heap[a], slot[v] = v, a


sift = numba.njit(cache=True)(_sift)


def _refine(graph: Any, size: Any, bias: Any, side: Any, low: int, high: int, passes: int) -> float:
    """Move vertices so that the cut (biases included) falls, side 0 holding ``low`` to ``high``; in place.

    A pass ends after many moves that gained nothing and goes back to its best point; the first concern is
    the balance.  Gives the cut.
    """
    pointer, neighbour, weight = graph
    n = len(size)
    gain, locked = np.empty(n, np.float64), np.zeros(n, np.bool_)
    heap, slot, count = np.empty((2, n), np.int32), np.empty(n, np.int32), np.zeros(2, np.int64)
    moved, patience = np.empty(n, np.int32), max(60, n // 16)
    filled, cut = 0, 0.0
    for v in range(n):
        if side[v] == 0:
            filled += size[v]
        else:
            cut += bias[v]
        for e in range(pointer[v], pointer[v + 1]):
            if side[neighbour[e]] != side[v]:
                cut += 0.5 * weight[e]
    for _ in range(passes):
        count[:] = 0
        for v in range(n):
            locked[v] = False
            gain[v] = bias[v] if side[v] == 1 else -bias[v]
            for e in range(pointer[v], pointer[v + 1]):
                gain[v] += weight[e] if side[neighbour[e]] != side[v] else -weight[e]
            s = side[v]
            heap[s, count[s]], slot[v] = v, count[s]
            count[s] += 1
            sift(heap[s], slot, gain, count[s], count[s] - 1)
        done, best_at, start_cut, best_cut = 0, 0, cut, cut
        best_off = max(0, max(low - filled, filled - high))
        start_off = best_off
        while done - best_at < patience:
            chosen = -1
            for s in range(2):
                while count[s] > 0:
                    v = heap[s, 0]
                    after = filled - size[v] if s == 0 else filled + size[v]
                    off_now = max(0, max(low - filled, filled - high))
                    off_then = max(0, max(low - after, after - high))
                    if off_then == 0 or off_then < off_now:
                        better = chosen < 0 or gain[v] > gain[chosen]
                        if off_now > 0:  # only one direction mends the balance
                            better = chosen < 0 or (s == 0) == (filled > high)
                        if better:
                            chosen = v
                        break
                    if off_now > 0 and (s == 0) != (filled > high):
                        break  # this side is too small already
                    count[s] -= 1  # too large to move: out for this pass
                    locked[v] = True
                    if count[s] > 0:
                        heap[s, 0] = heap[s, count[s]]
                        slot[heap[s, 0]] = 0
                        sift(heap[s], slot, gain, count[s], 0)
            if chosen < 0:
                break
            v, s = chosen, side[chosen]
            a = slot[v]
            count[s] -= 1
            if a < count[s]:
                heap[s, a] = heap[s, count[s]]
                slot[heap[s, a]] = a
                sift(heap[s], slot, gain, count[s], a)
            locked[v] = True
            cut -= gain[v]
            filled += size[v] if s == 1 else -size[v]
            side[v] = 1 - s
            moved[done] = v
            done += 1
            for e in range(pointer[v], pointer[v + 1]):
                k = neighbour[e]
                if not locked[k]:
                    gain[k] += 2.0 * weight[e] if side[k] == s else -2.0 * weight[e]
                    sift(heap[side[k]], slot, gain, count[side[k]], slot[k])
            off = max(0, max(low - filled, filled - high))
            if off < best_off or (off == best_off and cut < best_cut - 1e-9):
                best_at, best_cut, best_off = done, cut, off
        for m in range(done - 1, best_at - 1, -1):
            v = moved[m]
            filled += size[v] if side[v] == 1 else -size[v]
            side[v] = 1 - side[v]
        cut = best_cut
        if best_off >= start_off and best_cut >= start_cut - 1e-9:
            break
    return cut


refine = numba.njit(cache=True)(_refine)


def _grow(graph: Any, size: Any, bias: Any, first: int, low: int) -> Any:
    """Sides made by growing side 0 from a vertex, always by the one that cuts least, to ``low``."""
    pointer, neighbour, weight = graph
    n = len(size)
    side, cost = np.ones(n, np.int8), np.empty(n, np.float64)
    for v in range(n):
        cost[v] = -bias[v]
        for e in range(pointer[v], pointer[v + 1]):
            cost[v] += weight[e]
    filled, v = 0, first
    while filled < low and v >= 0:
        side[v] = 0
        filled += size[v]
        for e in range(pointer[v], pointer[v + 1]):
            cost[neighbour[e]] -= 2.0 * weight[e]
        v = -1
        for k in range(n):
            if side[k] == 1 and (v < 0 or cost[k] < cost[v]):
                v = k
    return side


grow = numba.njit(cache=True)(_grow)
