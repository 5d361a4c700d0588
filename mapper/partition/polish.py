"""Polish and repair: slices change cores under all limits at once, a few cores at a time, by CP-SAT.

Reads the demands of slices, the limits of cores, which slice lies on which core and the traffic between
slices; writes a better division.  What a slice takes of a core does not depend on what else lies there, so
every limit is exact and linear.  Each step frees all slices of a few cores (neighbours by traffic, or those
with room) and solves for, in this order: the least excess over the limits, the fewest cores, the least
traffic between different cores.  The division is counted anew after each step, outside the solver, and a
step that is not better is not taken: it never worsens.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
Score = tuple[int, int, float]

CORES = 4  # that are freed at a time
SLICES = 22  # at most, on them
STEPS = 400  # at effort 1
PASSES = 3
STEP_SECONDS = 0.3  # of deterministic time, at most, for each step
TRAFFIC_UNITS = 1 << 20


@dataclass(frozen=True)
class Division:
    """``n`` slices on cores.

    ``demand`` (n, resources); ``limit`` (cores, resources); ``home`` (n,) the core of every slice;
    ``traffic`` = (source, target, packets) between slices, in any order.  Empty cores may be used.
    """

    demand: IntArray
    limit: IntArray
    home: IntArray
    traffic: tuple[IntArray, IntArray, FloatArray]

    def score(self, home: IntArray) -> Score:
        """(excess over the limits, cores used, packets between different cores) of a division."""
        load = np.zeros_like(self.limit)
        np.add.at(load, home, self.demand)
        excess = int(np.maximum(0, load - self.limit).sum())
        source, target, packets = self.traffic
        return excess, len(np.unique(home)), float(packets[home[source] != home[target]].sum())


@dataclass(frozen=True)
class Polished:
    """``home`` (n,) with the scores ``before`` and ``after``; ``taken`` of ``steps`` were better."""

    home: IntArray
    before: Score
    after: Score
    steps: int
    taken: int


def polish(division: Division, *, seed: int = 0, effort: float = 1.0) -> Polished:
    """A division that is no worse: in excess, then in cores, then in traffic."""
    search = _Search(division, seed, effort)
    before = search.score
    for _ in range(PASSES):
        was = search.score
        for core in search.order():
            search.improve(core)
        if search.score == was or search.steps >= search.most:
            break
    return Polished(search.home, before, search.score, search.steps, search.taken)


class _Search:
    def __init__(self, division: Division, seed: int, effort: float) -> None:
        self.division, self.seed, self.effort = division, seed, effort
        self.home = division.home.copy()
        self.score = division.score(self.home)
        self.most, self.steps, self.taken = max(1, round(STEPS * effort)), 0, 0
        self.tried: set[tuple[tuple[int, ...], tuple[int, ...]]] = set()
        source, target, packets = division.traffic
        n = len(division.home)
        low, high = np.minimum(source, target), np.maximum(source, target)
        key, place = np.unique(low * n + high, return_inverse=True)
        self.low, self.high = np.divmod(key, max(1, n))
        self.weight = np.bincount(place, packets, len(key)) if len(key) else np.zeros(0)

    def order(self) -> list[int]:
        """Cores in use: those over a limit first, then the emptiest."""
        share = self._share()
        used = np.unique(self.home)
        over = share[used] > 1
        return [int(c) for c in used[np.lexsort((used, share[used], ~over))]]

    def _share(self) -> FloatArray:
        """(cores,) the fullest resource of every core over its limit."""
        load = np.zeros(self.division.limit.shape)
        np.add.at(load, self.home, self.division.demand.astype(np.float64))
        return np.asarray((load / np.maximum(1, self.division.limit)).max(axis=1))

    def improve(self, core: int) -> None:
        """Free ``core`` with its neighbours, then with the emptiest cores."""
        for near in (self._by_traffic(core), self._by_room(core)):
            if self.steps >= self.most:
                return
            cores = self._chosen(core, near)
            items = np.flatnonzero(np.isin(self.home, cores))
            key = (tuple(cores), tuple(items.tolist()))
            if len(cores) < 2 or key in self.tried:
                continue
            self.tried.add(key)
            self.steps += 1
            self._take(items, _solved(self, items, cores))

    def _take(self, items: IntArray, homes: IntArray | None) -> None:
        if homes is None:
            return
        other = self.home.copy()
        other[items] = homes
        score = self.division.score(other)
        slack = 1e-9 * (1 + self.score[2])
        if score[:2] < self.score[:2] or (score[:2] == self.score[:2] and score[2] < self.score[2] - slack):
            self.home, self.score, self.taken = other, score, self.taken + 1

    def _by_traffic(self, core: int) -> list[int]:
        """Cores by the packets between them and ``core``, most first."""
        a, b = self.home[self.low], self.home[self.high]
        other = np.where(a == core, b, a)
        mine = ((a == core) | (b == core)) & (a != b)
        packets = np.bincount(other[mine], self.weight[mine], len(self.division.limit))
        found = np.flatnonzero(packets)
        return [int(c) for c in found[np.lexsort((found, -packets[found]))]]

    def _by_room(self, core: int) -> list[int]:
        """Cores by how empty they are; a core without slices comes first only if ``core`` is too full."""
        share = self._share()
        used = np.unique(self.home)
        rest = used[used != core]
        near = [int(c) for c in rest[np.lexsort((rest, share[rest]))]]
        if share[core] > 1:
            free = np.setdiff1d(np.arange(len(self.division.limit)), used)
            near = [int(c) for c in free[:1]] + near
        return near

    def _chosen(self, core: int, near: list[int]) -> list[int]:
        held = np.bincount(self.home, minlength=len(self.division.limit))
        cores, total = [core], int(held[core])
        for other in near:
            if other != core and total + held[other] <= SLICES and len(cores) < CORES:
                cores.append(other)
                total += int(held[other])
        return sorted(cores)


def _solved(search: _Search, items: IntArray, cores: list[int]) -> IntArray | None:
    """The best homes of ``items`` among ``cores`` that CP-SAT finds; None if it finds none."""
    from ortools.sat.python import cp_model

    division, model = search.division, cp_model.CpModel()
    held = [[model.new_bool_var("") for _ in cores] for _ in items]
    for row, item in zip(held, items.tolist(), strict=True):
        model.add_exactly_one(row)
        for variable, core in zip(row, cores, strict=True):
            model.add_hint(variable, int(search.home[item]) == core)
    over: list[Any] = []
    used = [model.new_bool_var("") for _ in cores]
    may_exceed = search.score[0] > 0
    for k, core in enumerate(cores):
        model.add_max_equality(used[k], [row[k] for row in held])
        for r in range(division.demand.shape[1]):
            demands = division.demand[items, r].tolist()
            load = sum(d * row[k] for d, row in zip(demands, held, strict=True))
            excess: Any = model.new_int_var(0, sum(demands), "") if may_exceed else 0
            model.add(load <= int(division.limit[core, r]) + excess)
            over += [excess] if may_exceed else []
    together, worth = _together(search, model, items, held)
    most = sum(worth) + 1
    best = sum(w * variable for w, variable in zip(worth, together, strict=True))
    model.minimize(sum(over) * most * (len(cores) + 1) + sum(used) * most - best)
    solver = cp_model.CpSolver()
    parameters: Any = solver.parameters
    parameters.num_workers = 1
    parameters.catch_sigint_signal = False  # Ctrl-C is not the solver's to swallow
    parameters.random_seed = search.seed
    parameters.max_deterministic_time = STEP_SECONDS
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    chosen = [next(c for c, v in zip(cores, row, strict=True) if solver.boolean_value(v)) for row in held]
    return np.array(chosen, np.int64)


def _together(
    search: _Search, model: Any, items: IntArray, held: list[list[Any]]
) -> tuple[list[Any], list[int]]:
    """Per pair of items that talk and per core: whether both are on it, and what that is worth."""
    place = np.full(len(search.home), -1, np.int64)
    place[items] = np.arange(len(items))
    mine = (place[search.low] >= 0) & (place[search.high] >= 0) & (search.weight > 0)
    a, b, weight = place[search.low[mine]], place[search.high[mine]], search.weight[mine]
    scale = TRAFFIC_UNITS / float(weight.max(initial=0.0) or 1.0)
    units = np.rint(weight * scale).astype(np.int64)
    both, worth = [], []
    for i, j, w in zip(a.tolist(), b.tolist(), units.tolist(), strict=True):
        for left, right in zip(held[i], held[j], strict=True):
            if i == j or not w:
                continue
            variable = model.new_bool_var("")
            model.add_implication(variable, left)
            model.add_implication(variable, right)
            both.append(variable)
            worth.append(w)
    return both, worth
