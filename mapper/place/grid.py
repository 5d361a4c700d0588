"""Placement of many clusters: a weighted graph in flat arrays, and a grid of cores to put it on.

Reads edges and positions; everything the compiled kernels need stands in one :class:`GridProblem`.  The
cost is the same as in :mod:`mapper.place.base`::

    sum over flows (a -> b) of packets(a, b) * distance(position(a), position(b))

Distances are ``|x - x'| + |y - y'|`` in hop equivalents: a link between chips that is worth ``h`` hops
stretches the coordinates by ``h`` there, so a grid of chiplets is a stretched grid.  On a ring the shorter
way round counts.  Where routing is no sum over axes, a table of distances takes their place.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from mapper.place.base import FloatArray, IntArray

SmallInts = NDArray[np.int32]
Graph = tuple[IntArray, SmallInts, FloatArray]
NO_LIMIT = 1 << 30


@dataclass(frozen=True)
class GridProblem:
    """``n`` clusters for ``p`` positions.

    ``graph`` = (pointer (n + 1,), neighbour, weight) holds every edge from both its ends, both directions of
    traffic summed.  ``place`` (p, 4) are the positions' x and y in hop equivalents and as tiles, sorted by
    tile; ``width`` the tiles of a row.  ``host`` = packets from the host (n,), to it (n,), and distances from
    it (p,) and to it (p,).  ``fits`` (n, kinds) says on which ``kind`` (p,) of position a cluster may be;
    ``table`` (p, p) or (0, 0) replaces coordinates; ``rules`` = rings in x and y (0: none) in hop equivalents
    and in tiles, then reach in x and y in tiles.  ``fold`` (n, 2) are the clusters' places in their layers, 0
    to 1.
    """

    graph: Graph
    place: SmallInts
    width: int
    host: tuple[FloatArray, FloatArray, FloatArray, FloatArray]
    kind: NDArray[np.int16]
    fits: NDArray[np.bool_]
    table: SmallInts
    rules: IntArray
    seed: int = 0
    fold: FloatArray | None = None
    cells: IntArray = field(init=False)

    def __post_init__(self) -> None:
        tile = self.place[:, 3].astype(np.int64) * self.width + self.place[:, 2]
        height = int(self.place[:, 3].max(initial=0)) + 1
        pointer = np.searchsorted(tile, np.arange(self.width * height + 1))
        object.__setattr__(self, "cells", pointer.astype(np.int64))

    @property
    def n(self) -> int:
        """Clusters."""
        return len(self.graph[0]) - 1

    @property
    def p(self) -> int:
        """Positions."""
        return len(self.place)

    @property
    def n_edges(self) -> int:
        """Pairs of clusters that talk, or are linked."""
        return len(self.graph[1]) // 2

    @property
    def is_free(self) -> bool:
        """Whether every cluster may be anywhere."""
        return bool(self.fits.all())

    @property
    def has_reach(self) -> bool:
        """Whether packets can be addressed only so far."""
        return bool((self.rules[4:] < NO_LIMIT).any())

    def where(self, position: IntArray) -> SmallInts:
        """(n, 5) the kernels' form of a placement: each cluster's row of ``place`` and its position."""
        return np.ascontiguousarray(
            np.concatenate([self.place[position], position[:, None].astype(np.int32)], axis=1)
        )

    def cost(self, position: IntArray) -> float:
        """Traffic times distance."""
        return self.cost_and_faults(position)[0]

    def cost_and_faults(self, position: IntArray) -> tuple[float, int]:
        """Traffic times distance; clusters where they do not fit and pairs out of reach."""
        from mapper.place.kernels import swaps

        cost, outside = swaps.total(self.graph, self.where(position), self.host, self.table, self.rules)
        misfits = int((~self.fits[np.arange(self.n), self.kind[position]]).sum())
        return float(cost), int(outside) + misfits


def graph_of(
    n: int, source: IntArray, target: IntArray, weight: FloatArray, keep_silent: bool = False
) -> Graph:
    """Both directions of every edge in CSR form, parallel ones summed, neighbours ascending.

    Edges from a cluster to itself are left out, and those without traffic unless ``keep_silent``.
    """
    real = (source != target) & ((weight > 0) | keep_silent)
    a, b, w = (np.asarray(v)[real] for v in (source, target, weight))
    key = np.concatenate([a.astype(np.int64) * n + b, b.astype(np.int64) * n + a])
    order = np.argsort(key, kind="stable")
    key, both = key[order], np.concatenate([w, w])[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    summed = np.add.reduceat(both, first) if len(first) else both
    row, neighbour = np.divmod(key[first], max(n, 1))
    pointer = np.searchsorted(row, np.arange(n + 1))
    return pointer.astype(np.int64), neighbour.astype(np.int32), np.asarray(summed, np.float64)


def plain_grid(
    n: int,
    source: IntArray,
    target: IntArray,
    weight: FloatArray,
    width: int,
    height: int,
    *,
    chip: tuple[int, int] | None = None,
    crossing_hops: int = 0,
    n_positions: int | None = None,
    seed: int = 0,
    fold: FloatArray | None = None,
) -> GridProblem:
    """Clusters on a mesh of ``width`` x ``height`` cores with no host.

    ``chip`` (width, height) cuts it into chips; a link between them counts as ``crossing_hops`` more hops.
    ``n_positions``: only the first so many cores, row by row.
    """
    p = width * height if n_positions is None else n_positions
    y, x = np.divmod(np.arange(p), width)
    far_x, far_y = x, y
    if chip is not None:
        far_x, far_y = x + crossing_hops * (x // chip[0]), y + crossing_hops * (y // chip[1])
    none, nowhere = np.zeros(n), np.zeros(p)
    return GridProblem(
        graph=graph_of(n, source, target, weight),
        place=np.stack([far_x, far_y, x, y], axis=1).astype(np.int32),
        width=width,
        host=(none, none, nowhere, nowhere),
        kind=np.zeros(p, np.int16),
        fits=np.ones((n, 1), np.bool_),
        table=np.zeros((0, 0), np.int32),
        rules=np.array([0, 0, 0, 0, NO_LIMIT, NO_LIMIT], np.int64),
        seed=seed,
        fold=fold,
    )
