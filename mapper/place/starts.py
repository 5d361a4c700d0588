"""Placements to start from: rows, Hilbert curve, folded layers, spectral, recursive min-cut.

Each reads a :class:`~mapper.place.grid.GridProblem` and gives positions, one per cluster and core; a
start that puts clusters on cores that do not hold them is mended by :func:`mend`.  Deterministic.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.place.base import FloatArray, IntArray
from mapper.place.grid import GridProblem
from mapper.place.mincut import min_cut

SPREAD_LEAF = 6  # cores of a region whose clusters are no longer told apart
SPECTRAL_COARSE = 300  # vertices of the graph whose eigenvectors are computed
SMOOTHINGS = 12
FAULT_WEIGHT = 4.0  # how much dearer a start is if all pairs were out of reach
MANY = 200_000  # clusters above which only orders are tried


def rows(problem: GridProblem) -> IntArray | None:
    """Clusters in order on cores row by row, each on the first that holds it; None if that is impossible."""
    if problem.is_free:
        return np.arange(problem.n) if problem.n <= problem.p else None
    kind_of = kinds_for(problem)
    if kind_of is None:
        return None
    position = np.zeros(problem.n, np.int64)
    for kind in range(problem.fits.shape[1]):
        mine = np.flatnonzero(kind_of == kind)
        position[mine] = np.flatnonzero(problem.kind == kind)[: len(mine)]
    return position


def kinds_for(problem: GridProblem) -> IntArray | None:
    """A kind of core for every cluster, so that all find one (maximum flow); None if they cannot."""
    import networkx

    groups, group = np.unique(problem.fits, axis=0, return_inverse=True)
    room = np.bincount(problem.kind, minlength=problem.fits.shape[1])
    net: Any = networkx.DiGraph()
    for g, count in enumerate(np.bincount(group.reshape(-1)).tolist()):
        net.add_edge("all", ("group", g), capacity=count)
        for kind in np.flatnonzero(groups[g]).tolist():
            net.add_edge(("group", g), ("kind", kind))
    for kind, count in enumerate(room.tolist()):
        net.add_edge(("kind", kind), "cores", capacity=count)
    placed, flow = networkx.maximum_flow(net, "all", "cores")
    if placed < problem.n:
        return None
    out = np.zeros(problem.n, np.int64)
    for g in range(len(groups)):
        takes = [(kind[1], count) for kind, count in sorted(flow["group", g].items()) if count]
        kinds, counts = [kind for kind, _ in takes], [count for _, count in takes]
        out[group.reshape(-1) == g] = np.repeat(kinds, counts)
    return out


def hilbert(problem: GridProblem) -> IntArray:
    """Clusters in order along a Hilbert curve through the smallest square that covers the tiles."""
    x, y = problem.place[:, 2].astype(np.int64), problem.place[:, 3].astype(np.int64)
    order = np.argsort(hilbert_index(x, y), kind="stable")
    return np.asarray(order[: problem.n])


def hilbert_index(x: IntArray, y: IntArray) -> IntArray:
    """How far along the curve each point lies (Hilbert 1891; the bit rule is Warren's, Hacker's Delight)."""
    x, y = x.copy(), y.copy()
    side = 1 << max(int(max(x.max(initial=0), y.max(initial=0))).bit_length(), 1)
    index = np.zeros_like(x)
    s = side // 2
    while s:
        right, up = ((x & s) > 0).astype(np.int64), ((y & s) > 0).astype(np.int64)
        index += s * s * ((3 * right) ^ up)
        turned = up == 0
        flipped = turned & (right == 1)
        x, y = np.where(flipped, side - 1 - x, x), np.where(flipped, side - 1 - y, y)
        x, y = np.where(turned, y, x), np.where(turned, x, y)
        s //= 2
    return index


def folded(problem: GridProblem) -> IntArray | None:
    """Layers on top of each other: clusters at the same place of their layers come to lie together."""
    return None if problem.fold is None else spread(problem, problem.fold)


def spectral(problem: GridProblem) -> IntArray:
    """Clusters spread by the graph's two smoothest vectors (Hall 1970), computed on a coarse graph."""
    from mapper.place.kernels import cuts

    graph, size = problem.graph, np.ones(problem.n, np.int64)
    bias, maps = np.zeros(problem.n), []
    rng = np.random.Generator(np.random.PCG64(problem.seed))
    levels = [graph]
    while len(size) > SPECTRAL_COARSE:
        coarse, made = cuts.match(graph, size, problem.n, rng.permutation(len(size)).astype(np.int32))
        if made > 0.95 * len(size):
            break
        graph, size, bias = cuts.contract(graph, size, bias, coarse, made)
        levels.append(graph)
        maps.append(coarse)
    if len(size) > 10 * SPECTRAL_COARSE:  # hardly any edges: there is nothing to see
        return np.arange(problem.n)
    points = _smoothest(graph)
    for coarse, graph in zip(reversed(maps), reversed(levels[:-1]), strict=True):
        points = _smoothed(graph, points[coarse])
    return spread(problem, points)


def _smoothest(graph: tuple[IntArray, NDArray[np.int32], FloatArray]) -> FloatArray:
    """(n, 2) eigenvectors 2 and 3 of the normalised Laplacian, signs fixed."""
    pointer, neighbour, weight = graph
    n = len(pointer) - 1
    dense = np.zeros((n, n))
    dense[np.repeat(np.arange(n), np.diff(pointer)), neighbour] = weight
    root = np.sqrt(np.maximum(dense.sum(axis=1), 1e-12))
    _, vectors = np.linalg.eigh(np.eye(n) - dense / root[:, None] / root[None, :])
    found = np.zeros((n, 2))
    for column in range(min(2, n - 1)):
        vector = vectors[:, column + 1] / root
        found[:, column] = vector * (1.0 if vector[np.argmax(np.abs(vector))] > 0 else -1.0)
    return found


def _smoothed(graph: tuple[IntArray, NDArray[np.int32], FloatArray], points: FloatArray) -> FloatArray:
    """Points moved half-way towards their neighbours' mean, a few times; clusters alone stay."""
    pointer, neighbour, weight = graph
    row = np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))
    total = np.maximum(np.bincount(row, weight, len(points)), 1e-12)
    alone = np.diff(pointer) == 0
    for _ in range(SMOOTHINGS):
        for axis in (0, 1):
            mean = np.bincount(row, weight * points[neighbour, axis], len(points)) / total
            points[:, axis] = np.where(alone, points[:, axis], (points[:, axis] + mean) / 2)
    return points


def spread(problem: GridProblem, points: FloatArray) -> IntArray:
    """Clusters to cores so that the order of ``points`` (n, 2) is kept along both axes, region by region."""
    position = np.zeros(problem.n, np.int64)
    todo = [(np.arange(problem.n), np.arange(problem.p))]
    while todo:
        clusters, cores = todo.pop()
        xy = problem.place[cores, :2]
        spans = xy.max(axis=0) - xy.min(axis=0)
        axis = 0 if spans[0] >= spans[1] else 1
        middle = np.sort(xy[:, axis])[len(cores) // 2]
        low = xy[:, axis] < middle
        if len(cores) <= SPREAD_LEAF or len(clusters) <= 1 or not low.any():
            position[clusters] = cores[: len(clusters)]
            continue
        share = round(len(clusters) * int(low.sum()) / len(cores))
        share = min(max(share, len(clusters) - int((~low).sum())), int(low.sum()))
        order = np.lexsort((points[clusters, 1 - axis], points[clusters, axis]))
        for mine, room in ((order[:share], low), (order[share:], ~low)):
            if len(mine):
                todo.append((np.sort(clusters[mine]), cores[room]))
    return position


def mend(problem: GridProblem, position: IntArray) -> IntArray | None:
    """``position`` with every cluster on a core that holds it, moved no further than needed; None: stuck."""
    if problem.is_free:
        return position
    position = position.copy()
    holder = np.full(problem.p, -1, np.int64)
    holder[position] = np.arange(problem.n)
    wrong = np.flatnonzero(~problem.fits[np.arange(problem.n), problem.kind[position]])
    for cluster in wrong[np.argsort(problem.fits[wrong].sum(axis=1), kind="stable")].tolist():
        here = int(position[cluster])
        if problem.fits[cluster, problem.kind[here]]:
            continue
        away = np.abs(problem.place[:, :2] - problem.place[here, :2]).sum(axis=1)
        other = np.where(holder >= 0, holder, cluster)
        free = holder < 0
        swaps = problem.fits[other, problem.kind[here]] | ~problem.fits[other, problem.kind]
        able = problem.fits[cluster, problem.kind] & (free | swaps)
        if not able.any():
            return None
        there = int(np.argmin(np.where(able, away, np.iinfo(np.int64).max)))
        moved = int(holder[there])
        position[cluster], holder[there] = there, cluster
        holder[here] = moved
        if moved >= 0:
            position[moved] = here
    legal = bool(problem.fits[np.arange(problem.n), problem.kind[position]].all())
    return position if legal else None


STARTS: dict[str, Callable[[GridProblem], IntArray | None]] = {
    "rows": rows,
    "Hilbert": hilbert,
    "folded layers": folded,
    "spectral": spectral,
    "min-cut": min_cut,
}
"""Every start by the name that reports give it."""


def best_start(
    problem: GridProblem, names: tuple[str, ...] | None = None, faults_first: bool = False
) -> tuple[str, IntArray] | None:
    """(name, positions) of the cheapest start; None if the clusters find no cores.

    A start with pairs out of reach is judged dearer, since the search can mend it; with ``faults_first`` the
    fewest such pairs win.
    """
    base = rows(problem)
    if base is None:
        return None
    best, least = ("rows", base), _judged(problem, base, faults_first)
    usual = ("Hilbert",) if problem.n > MANY else tuple(STARTS)
    for name in usual if names is None else names:
        found = None if name == "rows" else STARTS[name](problem)
        legal = None if found is None else mend(problem, found)
        if legal is not None and _judged(problem, legal, faults_first) < least:
            best, least = (name, legal), _judged(problem, legal, faults_first)
    return best


def _judged(problem: GridProblem, position: IntArray, faults_first: bool) -> tuple[int, float]:
    cost, faults = problem.cost_and_faults(position)
    return faults if faults_first else 0, cost * (1 + FAULT_WEIGHT * faults / max(1, problem.n_edges))
