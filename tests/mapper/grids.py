"""Grid problems for tests of placement: random ones, their cost by definition, and a mapping of many clusters."""

from __future__ import annotations

import dataclasses

import numpy as np

from mapper import MapOptions, compile_network
from mapper.place.base import PlaceProblem
from mapper.place.grid import GridProblem, plain_grid
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net


def random_grid(n: int, width: int, height: int, seed: int, density: float = 0.3, **options: object) -> GridProblem:
    rng = np.random.default_rng(seed)
    source, target = np.nonzero(rng.random((n, n)) < density)
    weight = rng.integers(1, 10, len(source)) / 4.0
    return plain_grid(n, source, target, weight, width, height, seed=seed, **options)


def by_hand(grid: GridProblem, position: np.ndarray) -> float:
    """The cost from its definition."""
    pointer, neighbour, weight = grid.graph
    xy, total = grid.place[position, :2], 0.0
    for i in range(grid.n):
        for e in range(pointer[i], pointer[i + 1]):
            if neighbour[e] > i:
                gap = np.abs(xy[i] - xy[neighbour[e]])
                gap = [min(g, ring - g) if ring else g for g, ring in zip(gap, grid.rules[:2], strict=True)]
                total += weight[e] * sum(gap)
    host_out, host_in, from_host, to_host = grid.host
    return float(total + (host_out * from_host[position] + host_in * to_host[position]).sum())


def with_host(grid: GridProblem, seed: int) -> GridProblem:
    rng = np.random.default_rng(seed)
    far = (grid.place[:, 0] + grid.place[:, 1]).astype(np.float64)
    return dataclasses.replace(grid, host=(rng.random(grid.n), rng.random(grid.n), far, far))


def dense(grid: GridProblem) -> PlaceProblem:
    """The same problem for the exact placer."""
    pointer, neighbour, weight = grid.graph
    flow = np.zeros((grid.n, grid.n))
    row = np.repeat(np.arange(grid.n), np.diff(pointer))
    flow[row, neighbour] = weight / 2
    xy = grid.place[:, :2].astype(np.int64)
    distance = np.abs(xy[:, None] - xy[None]).sum(axis=2)
    return PlaceProblem(
        core=np.arange(grid.p), x=grid.place[:, 2].astype(np.int64), y=grid.place[:, 3].astype(np.int64),
        flow=flow, linked=flow > 0, distance=distance, host_out=grid.host[0], host_in=grid.host[1],
        from_host=grid.host[2].astype(np.int64), to_host=grid.host[3].astype(np.int64),
        allowed=grid.fits[:, grid.kind], reachable=np.ones((grid.p, grid.p), np.bool_), seed=0, effort=1.0,
    )  # fmt: skip


def many_on(**options: object) -> tuple[object, object]:
    chip = make_chip(
        width=10, height=10, core={"neurons": 4, "axons": 512, "synapse_words": 8192, "target_entries": 8192},
    )  # fmt: skip
    net = dense_net(40, 120, 120, 60, reset="none")
    return compile_network(net, chip, MapOptions(**options)), chip
