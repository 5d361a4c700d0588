"""Linear-sum assignment by OR-Tools on rectangular matrices with forbidden pairs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COST_UNITS = 1 << 32  # real costs are scaled to integers up to this


def assign(
    cost: NDArray[np.float64], allowed: NDArray[np.bool_]
) -> tuple[NDArray[np.int64], float] | None:
    """Each of ``n`` rows to a column of its own among ``p >= n`` at least total cost.

    Returns:
        (columns (n,), lower bound of the optimum) or None if the allowed pairs admit none.  Costs are
        rounded down to ``1 / COST_UNITS`` of their span, so the bound is below the optimum.
    """
    from ortools.graph.python import linear_sum_assignment

    n = cost.shape[0]
    if n > cost.shape[1]:
        return None
    column = _worth_a_look(cost, allowed)
    cost, allowed, p = cost[:, column], allowed[:, column], len(column)
    if n > p:
        return None
    low = float(cost[allowed].min()) if allowed.any() else 0.0
    span = float(cost[allowed].max()) - low if allowed.any() else 0.0
    scale = COST_UNITS / span if span > 0 else 1.0
    whole = np.floor((cost - low) * scale).astype(np.int64)
    rows, columns = np.nonzero(np.vstack([allowed, np.ones((p - n, p), np.bool_)]))
    costs = np.zeros(len(rows), np.int64)
    real = rows < n
    costs[real] = whole[rows[real], columns[real]]
    solver = linear_sum_assignment.SimpleLinearSumAssignment()
    solver.add_arcs_with_cost(rows, columns, costs)
    if solver.solve() != solver.OPTIMAL:
        return None
    picked = np.array([solver.right_mate(i) for i in range(n)], np.int64)
    return column[picked], float(whole[np.arange(n), picked].sum()) / scale + n * low


def _worth_a_look(cost: NDArray[np.float64], allowed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Columns among the ``n`` cheapest of some row, ascending.

    No optimum needs another: the ``n - 1`` other rows leave one of a row's ``n`` cheapest free.
    """
    n = cost.shape[0]
    order = np.argsort(np.where(allowed, cost, np.inf), axis=1, kind="stable")[:, :n]
    used = np.zeros(cost.shape[1], np.bool_)
    used[order[np.take_along_axis(allowed, order, axis=1)]] = True
    return np.flatnonzero(used)
