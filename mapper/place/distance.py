"""Distances between tiles, as the fabric's own routing walks them.

Reads a fabric and tiles; writes matrices.  A link on the chip counts 1; a link between chips counts as
many on-chip hops as its latency is worth, ``ceil(link latency / hop latency)``.  Nothing here knows
XY or gateways: every path is asked of :class:`~neurosim.fabric.walks.Walker`.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.fabric.topology import Fabric
from neurosim.fabric.walks import Walker
from neurosim.rules.arith import ceil_div

IntArray = NDArray[np.int64]
CHUNK = 1 << 16  # flows that are walked at once
STATES = 1 << 20  # pairs of router and goal that are joined at once
FEW_OF = 4  # tiles that are fewer than one in so many are walked one by one


def link_weights(fabric: Fabric) -> IntArray:
    """(routers, ports) hop equivalents of each link: 1 on the chip, more between chips, 0 elsewhere."""
    hop = fabric.chip.router.hop_cycles
    on_chip = max(hop.east_west, hop.north_south)
    weights = np.where(fabric.crosses, ceil_div(fabric.latency, on_chip), 1)
    return np.where(fabric.target >= 0, np.maximum(weights, 1), 0).astype(np.int64)


def walked(fabric: Fabric, sources: IntArray, targets: IntArray) -> tuple[IntArray, IntArray]:
    """For flows between cores (or HOST): (distance in hop equivalents, routers entered)."""
    weights = link_weights(fabric)
    distance, hops = np.zeros(len(sources), np.int64), np.zeros(len(sources), np.int64)
    for first in range(0, len(sources), CHUNK):
        part = slice(first, first + CHUNK)
        goals, goal = np.unique(targets[part], return_inverse=True)
        walker = Walker(fabric, goals)
        heads = walker.start(sources[part], goal.astype(np.int64))
        flow = np.arange(first, first + len(sources[part]))
        while flow.size:
            router = heads.router
            channel, after, goes_on = walker.advance(heads)
            port = channel // fabric.n_vcs % fabric.n_ports
            distance[flow] += weights[router, port]
            hops[flow] += 1
            heads, flow = after.pick(goes_on), flow[goes_on]
    return distance, hops


def tile_distances(fabric: Fabric, tiles: IntArray) -> IntArray:
    """(n, n) hop equivalents from tile to tile."""
    cores, n = tiles * fabric.chip.mesh.cores_per_tile, len(tiles)
    if n * FEW_OF < fabric.n_routers:
        return walked(fabric, np.repeat(cores, n), np.tile(cores, n))[0].reshape(n, n)
    group = max(1, STATES // fabric.n_routers)
    parts = [_to_goals(fabric, cores[first : first + group])[tiles] for first in range(0, n, group)]
    return np.concatenate([np.zeros((n, 0), np.int64), *parts], axis=1)


def _to_goals(fabric: Fabric, goals: IntArray) -> IntArray:
    """(routers, goals) hop equivalents from every router to the cores ``goals``.

    Every packet is advanced by one hop only; the walks of all are then joined, twice as long each time.
    """
    n, walker = len(goals), Walker(fabric, goals)
    goal = np.tile(np.arange(n), fabric.n_routers)
    cores = np.arange(fabric.n_routers) * fabric.chip.mesh.cores_per_tile
    heads = walker.start(np.repeat(cores, n), goal)
    channel, after, goes_on = walker.advance(heads)
    port = channel // fabric.n_vcs % fabric.n_ports
    distance = link_weights(fabric)[heads.router, port]  # 0 into a core
    state = np.where(goes_on, after.router * n + goal, np.arange(len(goal)))
    while (state[state] != state).any():
        distance, state = distance + distance[state], state[state]
    return distance.reshape(fabric.n_routers, n)


def host_distances(fabric: Fabric, tiles: IntArray) -> tuple[IntArray, IntArray]:
    """(n,) from the host to each tile, and (n,) from each tile to the host."""
    cores = tiles * fabric.chip.mesh.cores_per_tile
    host = np.full(len(tiles), HOST, np.int64)
    return walked(fabric, host, cores)[0], walked(fabric, cores, host)[0]


def reachable(fabric: Fabric, a: IntArray, b: IntArray) -> NDArray[np.bool_]:
    """(n, m) whether a packet can be addressed from tile ``a[i]`` to tile ``b[j]``.

    ``reach`` bounds the hops per axis; on a ring the shorter way round counts.
    """
    reach, torus = fabric.chip.reach, fabric.chip.mesh.topology == "torus"
    ok = np.ones((len(a), len(b)), np.bool_)
    sides = (fabric.width, fabric.height)
    limits = (reach.x_hops, reach.y_hops)
    for axis, (side, limit) in enumerate(zip(sides, limits, strict=True)):
        if limit is None:
            continue
        at = [t % fabric.width if axis == 0 else t // fabric.width for t in (a, b)]
        gap = np.abs(at[0][:, None] - at[1][None, :])
        ok &= (np.minimum(gap, side - gap) if torus else gap) <= limit
    return ok
