"""Annealed linear-sum assignment: the placer for a few dozen clusters that cannot be placed exactly.

At each temperature one independent set of clusters (no two of which talk to each other) is lifted off
together with some free cores, and OR-Tools re-places it optimally with Gumbel noise on the costs;
then single clusters swap with whoever holds the core they like best, noise included.  The best
placement seen is kept, so the result is never worse than the start.  Small problems are annealed
several times over, which finds more than one long annealing does.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.place.assign import assign
from mapper.place.base import FloatArray, IntArray, Placed, PlaceProblem
from mapper.place.bound import gilmore_lawler
from neurosim.artefacts.mapping import SolverReport

STEPS = 60  # temperatures of one annealing
RUNS = 8  # annealings, at effort 1, as far as WORK allows
WORK = 4e8  # matrix cells that may be touched, at effort 1
SET_AT_MOST = 256  # clusters lifted at once
FREE_AT_MOST = 128  # free cores offered with them
SWAPS_AT_MOST = 128  # clusters that are offered a swap per temperature
HOT = 0.2  # first temperature over a cluster's mean cost (measured: 0.1 to 0.5 do as well)
COOL = 1e-2  # last temperature over the first


class Annealed:
    """LSA-annealed placement with a Gilmore-Lawler bound."""

    name = "annealed"

    def place(self, problem: PlaceProblem, start: IntArray) -> Placed | None:
        """The best placement seen."""
        bound = gilmore_lawler(problem)
        rng = np.random.Generator(np.random.PCG64(problem.seed))
        state = _State(problem, start)
        runs, steps = _effort(problem)
        stopped = ""
        try:
            for _ in range(runs):
                _anneal(state, rng, steps)
                if problem.is_late:
                    stopped = "; stopped by the time limit"
                    break
                if bound is not None and _is_optimal(problem, state.best, bound):
                    break
                state.restart(start)
        except KeyboardInterrupt:  # the best so far is whole: it is only ever replaced at once
            stopped = "; stopped by Ctrl-C"
        cost = problem.cost(state.best)
        detail = f"{runs} x {steps} temperatures, seed {problem.seed}; bound: Gilmore-Lawler{stopped}"
        status = "heuristic"
        if bound is not None:
            bound = min(bound, cost)
            if _is_optimal(problem, state.best, bound):
                status, bound = "optimal", cost
        report = SolverReport("placement", "annealed assignment", status, cost, bound, detail)
        return Placed(state.best, report)


def _is_optimal(problem: PlaceProblem, position: IntArray, bound: float) -> bool:
    return problem.faults(position) == 0 and problem.cost(position) * (1 - 1e-9) <= bound


def _effort(problem: PlaceProblem) -> tuple[int, int]:
    """(annealings, temperatures of each)."""
    step = float(problem.n) * problem.p * min(problem.n, SWAPS_AT_MOST)
    total = min(RUNS * STEPS, WORK / max(step, 1.0)) * problem.effort
    runs = max(1, round(total / STEPS))
    return runs, max(10, min(STEPS, int(total)))


def _anneal(state: _State, rng: np.random.Generator, steps: int) -> None:
    hot = HOT * state.mean_cost()
    for step in range(steps):
        heat = hot * COOL ** (step / max(1, steps - 1)) if step < steps - 1 else 0.0
        state.reassign(rng, heat)
        state.swap_some(rng, heat, SWAPS_AT_MOST)
        if state.problem.is_late:
            return
    while state.swap_some(rng, 0.0, state.problem.n):
        state.reassign(rng, 0.0)


class _State:
    """A placement, what each cluster would pay at each position, and the best seen."""

    def __init__(self, problem: PlaceProblem, start: IntArray) -> None:
        self.problem = problem
        self.best = start.copy()
        host = problem.host_cost()
        self.penalty = 1.0 + float(problem.flow.sum() * problem.distance.max() + host.max(1).sum())
        self.host = np.where(problem.allowed, host, self.penalty)
        flow: FloatArray = problem.flow.copy()
        np.fill_diagonal(flow, 0.0)
        self.terms: list[tuple[FloatArray, FloatArray]] = [(flow, problem.distance.astype(np.float64))]
        if not problem.reachable.all():
            linked = (problem.linked * self.penalty).astype(np.float64)
            np.fill_diagonal(linked, 0.0)
            self.terms.append((linked, (~problem.reachable).astype(np.float64)))
        talks = (problem.flow > 0) | problem.linked
        self.talks = talks | talks.T
        self.best_cost = np.inf
        self.restart(start)

    def restart(self, start: IntArray) -> None:
        """Begin again from ``start``; the best seen stays."""
        self.position = start.copy()
        self.holder = np.full(self.problem.p, -1, np.int64)
        self.holder[start] = np.arange(self.problem.n)
        self.rebuild()

    def rebuild(self) -> None:
        """``pay[i, q]``: what cluster i would pay at position q, all others where they are."""
        self.pay = self.host.copy()
        for flow, distance in self.terms:
            self.pay += flow @ distance[:, self.position].T + flow.T @ distance[self.position]
        self.keep_best()

    def total(self) -> float:
        """Cost of the placement, penalties included."""
        cost = float(self.host[np.arange(self.problem.n), self.position].sum())
        for flow, distance in self.terms:
            cost += float((flow * distance[np.ix_(self.position, self.position)]).sum())
        return cost

    def keep_best(self) -> None:
        """Remember the placement if none was better."""
        cost = self.total()
        if cost < self.best_cost * (1 - 1e-12):
            self.best_cost, self.best = cost, self.position.copy()

    def mean_cost(self) -> float:
        """Cost per cluster of the present placement, penalties not included."""
        return self.problem.cost(self.position) / max(1, self.problem.n)

    def reassign(self, rng: np.random.Generator, heat: float) -> None:
        """Re-place an independent set of clusters optimally (up to noise)."""
        lifted = self._independent(rng)
        free = np.flatnonzero(self.holder < 0)
        free = np.sort(rng.permutation(free)[:FREE_AT_MOST])
        places = np.concatenate([self.position[lifted], free])
        cost = self.pay[np.ix_(lifted, places)]
        noise = heat * rng.gumbel(size=cost.shape)
        found = assign(cost + noise, np.ones(cost.shape, np.bool_))
        assert found is not None  # as many places as clusters, nothing forbidden
        self.holder[self.position[lifted]] = -1
        self.position[lifted] = places[found[0]]
        self.holder[self.position[lifted]] = lifted
        self.rebuild()

    def _independent(self, rng: np.random.Generator) -> IntArray:
        blocked = np.zeros(self.problem.n, np.bool_)
        chosen = []
        for cluster in rng.permutation(self.problem.n).tolist():
            if not blocked[cluster]:
                chosen.append(cluster)
                blocked |= self.talks[cluster]
                if len(chosen) == SET_AT_MOST:
                    break
        return np.array(sorted(chosen), np.int64)

    def swap_some(self, rng: np.random.Generator, heat: float, at_most: int) -> bool:
        """Offer clusters in turn the position they like best; True if the best was improved."""
        before = self.best_cost
        for cluster in rng.permutation(self.problem.n)[:at_most].tolist():
            change = self._changes(cluster)
            if heat:
                change = change - heat * rng.gumbel(size=change.shape)
            wish = int(np.argmin(change))
            if wish != self.position[cluster] and (heat or change[wish] < -1e-9 * (1 + self.best_cost)):
                self._swap(cluster, wish)
        self.rebuild()
        return self.best_cost < before * (1 - 1e-9)

    def _changes(self, i: int) -> NDArray[np.float64]:
        """(p,) change of the total if cluster ``i`` swaps with the content of each position."""
        here = int(self.position[i])
        change = self.pay[i] - self.pay[i, here]
        held = np.flatnonzero(self.holder >= 0)
        other = self.holder[held]
        change[held] += self.pay[other, here] - self.pay[other, held]
        for flow, distance in self.terms:
            there = flow[i, other] * (distance[here, held] + distance[held, here])
            back = flow[other, i] * (distance[held, here] + distance[here, held])
            change[held] += there + back
        change[here] = 0.0
        return np.asarray(change)

    def _swap(self, i: int, place: int) -> None:
        here, j = int(self.position[i]), int(self.holder[place])
        self._move(i, here, place)
        if j >= 0:
            self._move(j, place, here)
        self.holder[here] = j
        self.holder[place] = i

    def _move(self, i: int, old: int, new: int) -> None:
        self.position[i] = new
        for flow, distance in self.terms:
            senders, receivers = np.flatnonzero(flow[:, i]), np.flatnonzero(flow[i])
            self.pay[senders] += np.outer(flow[senders, i], distance[:, new] - distance[:, old])
            self.pay[receivers] += np.outer(flow[i, receivers], distance[new] - distance[old])
