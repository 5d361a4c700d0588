"""Annealed linear-sum assignment: the placer for everything that cannot be placed exactly.

At each temperature one independent set of clusters (no two of which talk to each other) is lifted off
together with some free cores, and OR-Tools re-places it optimally with Gumbel noise on the costs;
then single clusters swap with whoever holds the core they like best, noise included.  The best
placement seen is kept, so the result is never worse than the start.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.place.assign import assign
from mapper.place.base import FloatArray, IntArray, Placed, PlaceProblem
from mapper.place.bound import gilmore_lawler
from neurosim.artefacts.mapping import SolverReport

STEPS = 60  # temperatures, at effort 1
WORK = 3e8  # matrix cells that may be touched, at effort 1
SET_AT_MOST = 256  # clusters lifted at once
FREE_AT_MOST = 128  # free cores offered with them
COOL = 1e-3  # last temperature over the first


class Annealed:
    """LSA-annealed placement with a Gilmore-Lawler bound."""

    name = "annealed"

    def place(self, problem: PlaceProblem, start: IntArray) -> Placed | None:
        """The best placement seen."""
        state = _State(problem, start)
        rng = np.random.Generator(np.random.PCG64(problem.seed))
        steps = _steps(problem)
        hot = state.typical_cost()
        for step in range(steps):
            cooling = step / max(1, steps - 1)
            heat = hot * COOL**cooling if step < steps - 1 else 0.0
            state.reassign(rng, heat)
            state.swap_all(rng, heat)
        while state.swap_all(rng, 0.0):
            state.reassign(rng, 0.0)
        bound = gilmore_lawler(problem)
        cost = problem.cost(state.best)
        bound = None if bound is None else min(bound, cost)
        status = "optimal" if bound is not None and bound >= cost * (1 - 1e-9) else "heuristic"
        detail = f"{steps} temperatures, seed {problem.seed}; bound: Gilmore-Lawler"
        return Placed(
            state.best, SolverReport("placement", "annealed assignment", status, cost, bound, detail)
        )


def _steps(problem: PlaceProblem) -> int:
    sweep = float(problem.n) * problem.n * problem.p
    return max(4, int(min(STEPS, WORK / max(sweep, 1.0)) * problem.effort))


class _State:
    """A placement, what each cluster would pay at each position, and the best seen."""

    def __init__(self, problem: PlaceProblem, start: IntArray) -> None:
        self.problem = problem
        self.position = start.copy()
        self.best = start.copy()
        self.holder = np.full(problem.p, -1, np.int64)
        self.holder[start] = np.arange(problem.n)
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

    def typical_cost(self) -> float:
        """The first temperature: half of a cluster's mean cost."""
        return 0.5 * self.problem.cost(self.position) / max(1, self.problem.n)

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

    def swap_all(self, rng: np.random.Generator, heat: float) -> bool:
        """Offer every cluster in turn the position it likes best; True if the best was improved."""
        before = self.best_cost
        for cluster in rng.permutation(self.problem.n).tolist():
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
            self.pay += np.outer(flow[:, i], distance[:, new] - distance[:, old])
            self.pay += np.outer(flow[i], distance[new] - distance[old])
