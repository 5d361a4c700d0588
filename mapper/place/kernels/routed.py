"""Swap annealing by routes in Numba: hops, multicast-tree hops and the busiest link, under X-then-Y routes.

Reads pairs and nets in CSR form and coordinates; writes positions in place.  A swap takes the pairs and nets
of two clusters off and puts them on again, so it costs as many steps as they have links.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numba
import numpy as np

from mapper.place.kernels.swaps import draw, offer
from neurosim.jit import use_cache

use_cache(Path(__file__).parent)

_S11 = np.uint64(11)
_UNIT = 1.0 / (1 << 53)


def _put(loads: Any, where: Any, a: int, b: int, flow: float) -> None:
    """Add ``flow`` to the links from ``a`` to ``b``: along the row, then along the column.

    ``loads`` (4, height, width): links to the east, north, west and south of each tile.
    """
    x, y, to_x, to_y = where[a, 2], where[a, 3], where[b, 2], where[b, 3]
    while x < to_x:
        loads[0, y, x] += flow
        x += 1
    while x > to_x:
        loads[2, y, x] += flow
        x -= 1
    while y < to_y:
        loads[1, y, x] += flow
        y += 1
    while y > to_y:
        loads[3, y, x] += flow
        y -= 1


put = numba.njit(cache=True)(_put)


def _tree(net: int, nets: Any, where: Any, columns: Any) -> float:
    """Length of the union of a net's X-then-Y routes: the stretch of its row, and of every column it uses.

    ``nets`` = (source (m,), pointer (m + 1,), pins, flow (m,)); ``columns`` (3, width) is scratch.
    """
    source, pointer, pins, _ = nets
    s = source[net]
    low = high = where[s, 0]
    length = 0
    for e in range(pointer[net], pointer[net + 1]):
        x = where[pins[e], 2]
        columns[0, x] = 0
    for e in range(pointer[net], pointer[net + 1]):
        k = pins[e]
        x, y = where[k, 2], where[k, 1]
        low, high = min(low, where[k, 0]), max(high, where[k, 0])
        if columns[0, x] == 0:
            columns[0, x], columns[1, x], columns[2, x] = 1, where[s, 1], where[s, 1]
        if y < columns[1, x]:
            length += columns[1, x] - y
            columns[1, x] = y
        if y > columns[2, x]:
            length += y - columns[2, x]
            columns[2, x] = y
    return np.float64(length + high - low)


tree = numba.njit(cache=True)(_tree)


def _add(
    i: int, other: int, sign: float, weights: Any, pairs: Any, nets: Any, member: Any, where: Any,
    loads: Any, columns: Any,
) -> float:  # fmt: skip
    """Put on (``sign`` 1) or take off (-1) all that cluster ``i`` sends and gets, but what ``other`` has too.

    ``pairs`` = (pointer, neighbour, flow out, flow in); ``member`` = (pointer, net) of each cluster.  Gives
    the weighted hops and tree hops; loads are changed if the busiest link counts.
    """
    pointer, neighbour, flow_out, flow_in = pairs
    cost = 0.0
    if weights[0] > 0.0 or weights[2] > 0.0:
        for e in range(pointer[i], pointer[i + 1]):
            k = neighbour[e]
            if k == other:
                continue
            away = abs(where[i, 0] - where[k, 0]) + abs(where[i, 1] - where[k, 1])
            cost += weights[0] * (flow_out[e] + flow_in[e]) * away
            if weights[2] > 0.0:
                if flow_out[e] > 0.0:
                    put(loads, where, i, k, sign * flow_out[e])
                if flow_in[e] > 0.0:
                    put(loads, where, k, i, sign * flow_in[e])
    if weights[1] > 0.0:
        first, of = member
        source, net_pointer, pins, flow = nets
        for m in range(first[i], first[i + 1]):
            net = of[m]
            shared = other >= 0 and source[net] == other
            for e in range(net_pointer[net], net_pointer[net + 1]):
                shared = shared or pins[e] == other
            if not shared or other < 0:
                cost += weights[1] * flow[net] * tree(net, nets, where, columns)
    return cost


add = numba.njit(cache=True)(_add)


def _swap(i: int, p: int, j: int, q: int, place: Any, where: Any, holder: Any) -> None:
    where[i, :4], where[i, 4] = place[q], q
    holder[q], holder[p] = i, j
    if j >= 0:
        where[j, :4], where[j, 4] = place[p], p


swap = numba.njit(cache=True)(_swap)


def _reaches(i: int, pairs: Any, where: Any, reach: Any) -> bool:
    pointer, neighbour, _, _ = pairs
    for e in range(pointer[i], pointer[i + 1]):
        k = neighbour[e]
        if abs(where[i, 2] - where[k, 2]) > reach[0] or abs(where[i, 3] - where[k, 3]) > reach[1]:
            return False
    return True


reaches = numba.njit(cache=True)(_reaches)


def _anneal_routes(
    moves: int, heat: float, window: int, cursor: int, state: Any, weights: Any, pairs: Any, nets: Any,
    member: Any, place: Any, where: Any, holder: Any, cells: Any, width: int, kind: Any, fits: Any,
    reach: Any, loads: Any, columns: Any,
) -> Any:  # fmt: skip
    """As :func:`mapper.place.kernels.swaps.anneal`, by ``weights`` of (hops, tree hops, busiest link).

    ``where`` has a row more than there are clusters: the host, which stays where it is.
    """
    n, tiles = where.shape[0] - 1, cells.shape[0] - 1
    height = tiles // width
    i, total, accepted = cursor, 0.0, 0
    busiest = loads.max() if weights[2] > 0.0 else 0.0
    for _ in range(moves):
        i += 1
        if i >= n:
            i = 0
        p = where[i, 4]
        q = offer(draw(state), where[i, 2], where[i, 3], window, cells, width, height)
        if q < 0:
            continue
        if q == p or not fits[i, kind[q]]:
            continue
        j = holder[q]
        if j >= 0 and not fits[j, kind[p]]:
            continue
        change = -add(i, -1, -1.0, weights, pairs, nets, member, where, loads, columns)
        if j >= 0:
            change -= add(j, i, -1.0, weights, pairs, nets, member, where, loads, columns)
        swap(i, p, j, q, place, where, holder)
        change += add(i, -1, 1.0, weights, pairs, nets, member, where, loads, columns)
        if j >= 0:
            change += add(j, i, 1.0, weights, pairs, nets, member, where, loads, columns)
        now = loads.max() if weights[2] > 0.0 else 0.0
        change += weights[2] * (now - busiest)
        good = reaches(i, pairs, where, reach) and (j < 0 or reaches(j, pairs, where, reach))
        if good and change > 0.0:
            chance = math.exp(-change / heat) if heat > 0.0 else 0.0
            good = np.float64(draw(state) >> _S11) * _UNIT < chance
        if good:
            total += change
            accepted += 1
            busiest = now
            continue
        add(i, -1, -1.0, weights, pairs, nets, member, where, loads, columns)
        if j >= 0:
            add(j, i, -1.0, weights, pairs, nets, member, where, loads, columns)
        swap(i, q, j, p, place, where, holder)
        add(i, -1, 1.0, weights, pairs, nets, member, where, loads, columns)
        if j >= 0:
            add(j, i, 1.0, weights, pairs, nets, member, where, loads, columns)
    return total, accepted, i


anneal_routes = numba.njit(cache=True)(_anneal_routes)


def _measure(pairs: Any, nets: Any, where: Any, loads: Any, columns: Any) -> Any:
    """(hops, tree hops, busiest link) of a placement; ``loads`` is filled. ``pairs`` count flows out only."""
    pointer, neighbour, flow_out, _ = pairs
    hops, trees = 0.0, 0.0
    loads[:] = 0.0
    for i in range(where.shape[0]):
        for e in range(pointer[i], pointer[i + 1]):
            k = neighbour[e]
            if flow_out[e] > 0.0:
                hops += flow_out[e] * (abs(where[i, 0] - where[k, 0]) + abs(where[i, 1] - where[k, 1]))
                put(loads, where, i, k, flow_out[e])
    for net in range(len(nets[0])):
        trees += nets[3][net] * tree(net, nets, where, columns)
    return hops, trees, loads.max()


measure = numba.njit(cache=True)(_measure)
