"""Lower bounds of the placement cost: Gilmore-Lawler, with one linear assignment at the end, and a quick one.

Valid for any placement, not tight: 50 to 85 % of the optimum is usual on meshes for the first.
"""

from __future__ import annotations

import numpy as np

from mapper.place.assign import assign
from mapper.place.base import FloatArray, PlaceProblem
from mapper.place.grid import GridProblem


def gilmore_lawler(problem: PlaceProblem) -> float | None:
    """Bound of the cost of every legal placement; None if no placement is legal."""
    found = assign(least_costs(problem), problem.allowed)
    return None if found is None else max(0.0, found[1])


def least_costs(problem: PlaceProblem) -> FloatArray:
    """(n, p) the least that a cluster at a position can pay, so that all together pay the cost.

    Its host flows and half of its other flows, largest flows over shortest distances:
    ``L[i, p] = host[i, p] + 1/2 * sorted flows of i . sorted distances of p``.
    """
    flow = problem.flow + problem.flow.T
    np.fill_diagonal(flow, 0.0)
    distance = np.minimum(problem.distance, problem.distance.T).astype(np.float64)
    own = ~np.eye(problem.p, dtype=bool)
    near = np.sort(distance[own].reshape(problem.p, problem.p - 1), axis=1)[:, : problem.n - 1]
    heavy = -np.sort(-flow, axis=1)[:, : problem.n - 1]
    return np.asarray(problem.host_cost() + 0.5 * heavy @ near.T)


def degree_bound(problem: GridProblem) -> float:
    """Bound of any placement's cost, fast at any size: every cluster's heaviest flows over the nearest cores.

    On a mesh of one core a tile, 4 cores lie within 1 hop of another, 12 within 2, and so on without end;
    with ``c`` cores a tile there are ``c`` of each, and ``c - 1`` at distance 0.  Half of each flow is paid
    by either end; host flows pay the least distance to the host.
    """
    pointer, _, weight = problem.graph
    degree = np.diff(pointer)
    row = np.repeat(np.arange(problem.n), degree)
    heavy = weight[np.lexsort((-weight, row))]
    rank = np.arange(len(weight)) - np.repeat(pointer[:-1], degree)
    per_tile = int(np.diff(problem.cells).max(initial=1))
    most = int(degree.max(initial=0))
    rings = int(np.sqrt(most / 2 / per_tile)) + 2
    near = np.repeat(np.arange(rings + 1), [per_tile - 1, *(4 * per_tile * np.arange(1, rings + 1))])
    between = 0.5 * float((heavy * near[rank]).sum())
    host_out, host_in, from_host, to_host = problem.host
    return between + float(host_out.sum() * from_host.min() + host_in.sum() * to_host.min())
