"""A lower bound of the placement cost: Gilmore-Lawler, with one linear assignment at the end.

Valid for any placement, not tight: 50 to 85 % of the optimum is usual on meshes.
"""

from __future__ import annotations

import numpy as np

from mapper.place.assign import assign
from mapper.place.base import FloatArray, PlaceProblem


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
