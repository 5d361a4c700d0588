"""The baseline: clusters in order on cores in order, row by row, each on the first that holds it.

Every other placer starts from it.
"""

from __future__ import annotations

import numpy as np

from mapper.place.assign import assign
from mapper.place.base import IntArray, Placed, PlaceProblem
from neurosim.artefacts.mapping import SolverReport


class RowOrder:
    """Row-major placement, no search."""

    name = "row_order"

    def place(self, problem: PlaceProblem, start: IntArray) -> Placed | None:
        """``start`` itself: it is the row order."""
        cost = problem.cost(start)
        return Placed(start, SolverReport("placement", "row order", "heuristic", cost, None, "no search"))


def row_order(problem: PlaceProblem) -> IntArray | None:
    """First fit in order; where mixed cores get it stuck, an assignment near it; else None."""
    free = np.ones(problem.p, np.bool_)
    position = np.zeros(problem.n, np.int64)
    for cluster in range(problem.n):
        options = np.flatnonzero(free & problem.allowed[cluster])
        if not options.size:
            rank = np.tile(np.arange(problem.p, dtype=np.float64), (problem.n, 1))
            found = assign(rank, problem.allowed)
            return None if found is None else found[0]
        position[cluster] = options[0]
        free[options[0]] = False
    return position
