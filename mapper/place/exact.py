"""Exact placement by CP-SAT: it looks for anything cheaper than the best known, or proves there is none.

Only for few clusters (measured: about 9, 12 if the flows are sparse).  The incumbent stays outside the
solver; the model asks for a strictly lower cost.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from typing import Any

import numpy as np

from mapper.place.base import IntArray, Placed, PlaceProblem
from mapper.place.bound import gilmore_lawler, least_costs
from neurosim.artefacts.mapping import SolverReport

DENSE_CLUSTERS = 9
SPARSE_CLUSTERS = 12
SPARSE_LINKS = 1.5  # links per cluster up to which a graph counts as sparse
DETERMINISTIC_SECONDS = 1.5  # measured: 3 to 7 seconds of a shared core each
FLOW_UNITS = 1 << 20  # CP-SAT takes integers: the largest flow is scaled to this
TABLE_CELLS = 300_000  # pairs of sites times pairs of clusters
COORDINATE_CELLS = 20_000  # sites times clusters


def is_small(problem: PlaceProblem) -> bool:
    """Whether a proof can be hoped for."""
    links = int(((problem.linked | problem.linked.T) & ~np.eye(problem.n, dtype=bool)).sum()) // 2
    sparse = links <= SPARSE_LINKS * problem.n
    return problem.n <= (SPARSE_CLUSTERS if sparse else DENSE_CLUSTERS)


class Exact:
    """CP-SAT placement."""

    name = "exact"

    def place(self, problem: PlaceProblem, start: IntArray) -> Placed | None:
        """An optimal placement, or the best known with the bound that was proven."""
        if not _is_affordable(problem):
            return None
        best, cost = start, problem.cost(start)
        legal = problem.faults(start) == 0
        scale = _flow_scale(problem)
        model = _Model(_without_hopeless(problem, cost) if legal else problem, scale)
        if legal:
            model.must_beat(start)
        status, position, bound = model.solve()
        if position is not None and problem.faults(position) == 0:
            better = problem.cost(position)
            if not legal or better < cost:
                best, cost = position, better
        if status == "infeasible" and not legal:
            return None
        proven = status in ("optimal", "infeasible")
        lower = _bound(problem, cost, bound / scale if bound is not None else 0.0, proven)
        report = SolverReport(
            "placement", "cp-sat", "optimal" if proven else "feasible", cost, lower, model.detail
        )
        return Placed(best, report)


def twins(problem: PlaceProblem) -> list[tuple[int, int]]:
    """Pairs (i, next j) of clusters that can change places at no cost, chained within each family."""
    pairs = []
    for i in range(problem.n):
        j = next((j for j in range(i + 1, problem.n) if _are_twins(problem, i, j)), None)
        if j is not None:
            pairs.append((i, j))
    return pairs


def _are_twins(problem: PlaceProblem, i: int, j: int) -> bool:
    order = np.arange(problem.n)
    order[[i, j]] = j, i
    return (
        bool((problem.flow[np.ix_(order, order)] == problem.flow).all())
        and bool((problem.linked[np.ix_(order, order)] == problem.linked).all())
        and bool(problem.host_in[i] == problem.host_in[j] and problem.host_out[i] == problem.host_out[j])
        and bool((problem.allowed[i] == problem.allowed[j]).all())
    )


def _is_affordable(problem: PlaceProblem) -> bool:
    """Whether the model stays small: coordinates, or not too many pairs of sites in tables."""
    sites, _ = _sites(problem)
    if len(sites) * problem.n > COORDINATE_CELLS:
        return False
    pairs = problem.n * (problem.n - 1) // 2
    return _stretched(problem, sites) is not None or len(sites) ** 2 * pairs <= TABLE_CELLS


def _bound(problem: PlaceProblem, cost: float, solver_bound: float, proven: bool) -> float:
    if proven:
        return cost
    simple = gilmore_lawler(problem) or 0.0
    return min(cost, max(simple, solver_bound, 0.0))


def _without_hopeless(problem: PlaceProblem, cost: float) -> PlaceProblem:
    """Forbids positions at which a cluster alone makes every placement dearer than ``cost``."""
    least = np.where(problem.allowed, least_costs(problem), np.inf)
    cheapest = least.min(axis=1)
    alone = least + (cheapest.sum() - cheapest)[:, None]
    return dataclasses.replace(problem, allowed=problem.allowed & (alone <= cost * (1 + 1e-9)))


def _flow_scale(problem: PlaceProblem) -> float:
    most = max(problem.flow.max(initial=0.0), problem.host_in.max(), problem.host_out.max())
    return FLOW_UNITS / float(most) if most > 0 else 1.0


class _Model:
    """The CP-SAT model of a placement problem; positions with equal distances (one tile) are one site."""

    def __init__(self, problem: PlaceProblem, scale: float) -> None:
        from ortools.sat.python import cp_model

        self.problem, self.scale = problem, scale
        self.cp = cp_model.CpModel()
        self.sites, self.site_of = _sites(problem)
        self.site_distance = problem.distance[np.ix_(self.sites, self.sites)]
        self.at: list[dict[int, Any]] = []
        self.detail = ""
        self._place_clusters()
        self.objective = self._host_cost() + self._flow_cost()
        self._reach()
        self._order_twins()
        self.cp.minimize(self.objective)

    def _place_clusters(self) -> None:
        room = np.bincount(self.site_of, minlength=len(self.sites))
        for i in range(self.problem.n):
            ok = [s for s, p in enumerate(self.sites) if self.problem.allowed[i, p]]
            self.at.append({s: self.cp.new_bool_var("") for s in ok})
            self.cp.add_exactly_one(self.at[i].values())  # no candidate at all: infeasible, rightly
        for site in range(len(self.sites)):
            held = [at[site] for at in self.at if site in at]
            self.cp.add(sum(held) <= int(room[site]))

    def _host_cost(self) -> Any:
        cost = np.rint(self.problem.host_cost() * self.scale).astype(np.int64)
        return sum(
            int(cost[i, self.sites[s]]) * v for i, at in enumerate(self.at) for s, v in at.items()
        )

    def _flow_cost(self) -> Any:
        weights = np.rint(self.problem.flow * self.scale).astype(np.int64)
        coordinates = _stretched(self.problem, self.sites)
        self.detail = "distances as coordinates" if coordinates is not None else "distances as tables"
        total: Any = 0
        for i in range(self.problem.n):
            for j in range(i + 1, self.problem.n):
                there, back = int(weights[i, j]), int(weights[j, i])
                if there + back == 0:
                    continue
                if coordinates is not None:
                    total += (there + back) * self._coordinate_gap(i, j, coordinates)
                else:
                    total += self._table_gap(i, j, there, back)
        return total

    def _coordinate_gap(self, i: int, j: int, coordinates: list[IntArray]) -> Any:
        gap: Any = 0
        for axis in coordinates:
            a = sum(int(axis[s]) * v for s, v in self.at[i].items())
            b = sum(int(axis[s]) * v for s, v in self.at[j].items())
            span = int(axis.max() - axis.min())
            length = self.cp.new_int_var(0, span, "")
            self.cp.add(length >= a - b)
            self.cp.add(length >= b - a)
            gap += length
        return gap

    def _table_gap(self, i: int, j: int, there: int, back: int) -> Any:
        cost = there * self.site_distance + back * self.site_distance.T
        length = self.cp.new_int_var(0, int(cost.max()), "")
        for s, here in self.at[i].items():
            for t, other in self.at[j].items():
                if cost[s, t]:
                    self.cp.add(length >= int(cost[s, t])).only_enforce_if(here, other)
        return length

    def _reach(self) -> None:
        ok = self.problem.reachable[np.ix_(self.sites, self.sites)]
        if ok.all():
            return
        for i, j in np.argwhere(self.problem.linked).tolist():
            for s, t in np.argwhere(~ok).tolist():
                if i != j and s in self.at[i] and t in self.at[j]:
                    self.cp.add_bool_or(~self.at[i][s], ~self.at[j][t])

    def _order_twins(self) -> None:
        """Interchangeable clusters take sites in ascending order: cuts their permutations away."""
        for i, j in twins(self.problem):
            a, b = (sum(s * v for s, v in self.at[k].items()) for k in (i, j))
            self.cp.add(a <= b)

    def must_beat(self, position: IntArray) -> None:
        """Ask for a cost below that of ``position`` (in the model's integers)."""
        weights = np.rint(self.problem.flow * self.scale).astype(np.int64)
        host = np.rint(self.problem.host_cost() * self.scale).astype(np.int64)
        between = (weights * self.problem.distance[np.ix_(position, position)]).sum()
        known = int(between + host[np.arange(self.problem.n), position].sum())
        self.cp.add(self.objective <= known - 1)

    def solve(self) -> tuple[str, IntArray | None, float | None]:
        """(optimal, feasible, infeasible or unknown; positions; bound in the model's integers)."""
        from ortools.sat.python import cp_model

        solver = cp_model.CpSolver()
        parameters: Any = solver.parameters
        parameters.num_workers = 1
        parameters.catch_sigint_signal = False  # Ctrl-C is not the solver's to swallow
        parameters.random_seed = self.problem.seed
        parameters.max_deterministic_time = DETERMINISTIC_SECONDS * self.problem.effort
        if self.problem.deadline is not None:
            parameters.max_time_in_seconds = max(0.01, self.problem.deadline - time.monotonic())
        status = solver.solve(self.cp)
        if status == cp_model.INFEASIBLE:
            return "infeasible", None, None
        if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
            return "unknown", None, solver.best_objective_bound
        chosen = [next(s for s, v in at.items() if solver.boolean_value(v)) for at in self.at]
        name = "optimal" if status == cp_model.OPTIMAL else "feasible"
        return name, self._positions(chosen), solver.best_objective_bound

    def _positions(self, chosen: list[int]) -> IntArray:
        free = {s: np.flatnonzero(self.site_of == s).tolist() for s in set(chosen)}
        return np.array([free[s].pop(0) for s in chosen], np.int64)


def _sites(problem: PlaceProblem) -> tuple[list[int], IntArray]:
    """Positions that are alike (distance 0, same clusters allowed): (one of each, site by position)."""
    sites: list[int] = []
    site_of = np.zeros(problem.p, np.int64)
    for position in range(problem.p):
        for number, first in enumerate(sites):
            alike = problem.distance[position, first] == 0 == problem.distance[first, position]
            if alike and (problem.allowed[:, position] == problem.allowed[:, first]).all():
                site_of[position] = number
                break
        else:
            site_of[position] = len(sites)
            sites.append(position)
    return sites, site_of


def _stretched(problem: PlaceProblem, sites: list[int]) -> list[IntArray] | None:
    """Two coordinates per site whose gaps add up to its distances, or None if there are none.

    On a mesh they are the tiles' own, stretched where a link between chips lies.
    """
    distance = problem.distance[np.ix_(sites, sites)]
    if not (distance == distance.T).all():
        return None
    axes = []
    for along, across in ((problem.x, problem.y), (problem.y, problem.x)):
        stretched = _stretch(along[sites], across[sites], distance)
        if stretched is None:
            return None
        axes.append(stretched)
    gaps = sum(np.abs(axis[:, None] - axis[None, :]) for axis in axes)
    return axes if (gaps == distance).all() else None


def _stretch(along: IntArray, across: IntArray, distance: IntArray) -> IntArray | None:
    at, where = {int(along.min()): 0}, 0
    values = sorted(set(along.tolist()))
    for low, high in itertools.pairwise(values):
        here, there = np.flatnonzero(along == low), np.flatnonzero(along == high)
        same = np.argwhere(across[here][:, None] == across[there][None, :])
        if not len(same):
            return None
        where += int(distance[here[same[0, 0]], there[same[0, 1]]])
        at[high] = where
    return np.array([at[v] for v in along.tolist()], np.int64)
