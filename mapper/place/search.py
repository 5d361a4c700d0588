"""The search: swap annealing from a start, its temperatures and window, progress, limits and Ctrl-C.

Reads a :class:`~mapper.place.grid.GridProblem` and positions; gives the best positions seen.  The budget is
counted in moves, so equal seeds give equal bytes; a wall-clock limit can only cut it, and says so.  The moves
are :mod:`mapper.place.kernels.swaps`; the window follows Lam and Delosme (1988): it keeps the share of
accepted moves near 0.44.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from mapper.place.base import IntArray
from mapper.place.grid import GridProblem

CHUNKS = 400  # temperatures of one annealing
QUENCH = 20  # of them at temperature 0, at the end
MOVES_PER_CLUSTER = 40_000  # at effort 1, as far as VISITS allows
VISITS = 2e9  # edges that may be looked at, at effort 1 (about 1.5e8 per second and core)
MOVE_VISITS = 20  # what a move costs besides its edges, in edges
HOT = 3.0  # first temperature over a cluster's mean traffic, on grids of WIDE tiles a side or more
WIDE = 32
FULL_HEAT = 8_000  # moves per cluster from which the first temperature is not lowered
COLD = 0.07  # last temperature over the root of a cluster's mean sum of squared weights
GOAL = 0.44  # share of moves to be accepted, by the window
TELL_EVERY_S = 0.5

Tell = Callable[[str], None]


@dataclass(frozen=True)
class Budget:
    """``moves`` in all; ``time_limit_s`` of wall clock at most (None: no limit)."""

    moves: int
    time_limit_s: float | None = None


@dataclass(frozen=True)
class Found:
    """The best ``position`` seen and its ``cost``; ``stopped`` says what cut the search short."""

    position: IntArray
    cost: float
    moves: int
    stopped: str | None


def default_moves(problem: GridProblem, effort: float) -> int:
    """Moves at an effort: enough for small problems, what the work allows for large ones."""
    degree = len(problem.graph[1]) / max(1, problem.n)
    affordable = VISITS / (2 * degree + MOVE_VISITS)
    return max(CHUNKS, int(min(MOVES_PER_CLUSTER * problem.n, affordable) * effort))


def temperatures(problem: GridProblem, moves: int) -> tuple[float, float]:
    """(first, last) temperature: hot enough to melt small grids, cooler the fewer moves there are."""
    pointer, _, weight = problem.graph
    row = np.repeat(np.arange(problem.n), np.diff(pointer))
    host = (problem.host[0] + problem.host[1]).mean() if problem.n else 0.0
    traffic = weight.sum() / max(1, problem.n) + host
    squares = np.bincount(row, weight * weight, problem.n) if len(row) else np.zeros(problem.n)
    jolt = float(np.sqrt(squares + problem.host[0] ** 2 + problem.host[1] ** 2).mean())
    extent = math.sqrt(len(problem.cells) - 1)
    budget = math.sqrt(min(1.0, moves / max(1, problem.n) / FULL_HEAT))
    hot = HOT * traffic * min(1.0, extent / WIDE) * budget
    cold = COLD * jolt
    return max(hot, 2 * cold), cold


class Search:
    """One annealing, resumable chunk by chunk."""

    def __init__(self, problem: GridProblem, start: IntArray, budget: Budget, seed: int) -> None:
        self.problem, self.budget = problem, budget
        self.state = np.array([np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]], np.uint64)
        diameter = float(np.ptp(problem.place[:, :2], axis=0).sum())
        pointer, _, weight = problem.graph
        row = np.repeat(np.arange(problem.n), np.diff(pointer))
        heaviest = float(np.bincount(row, weight, problem.n).max(initial=0.0))
        self.penalty = 1.0 + 2.0 * diameter * heaviest if problem.has_reach else 0.0
        self.window = float(max(problem.width, (len(problem.cells) - 1) // problem.width))
        self.widest, self.cursor, self.moves = self.window, -1, 0
        self._restore(start)
        self.best, self.least = start.copy(), self.cost

    def _restore(self, position: IntArray) -> None:
        self.where = self.problem.where(position)
        self.holder = np.full(self.problem.p, -1, np.int32)
        self.holder[position] = np.arange(self.problem.n)
        cost, faults = self.problem.cost_and_faults(position)
        self.cost = cost + self.penalty * faults

    def run(self, tell: Callable[[Search], None]) -> str | None:
        """Anneal; gives what stopped it before its budget was used, if anything did."""
        hot, cold = temperatures(self.problem, self.budget.moves)
        chunk, began = max(1, self.budget.moves // CHUNKS), time.monotonic()
        limit = self.budget.time_limit_s
        try:
            for number in range(CHUNKS):
                last = CHUNKS - QUENCH
                heat = hot * (cold / hot) ** (number / (last - 1)) if number < last else 0.0
                if number == last and self.cost > self.least:
                    self._restore(self.best)
                self.chunk(chunk, heat)
                if limit is not None and time.monotonic() - began >= limit and number < CHUNKS - 1:
                    return f"the time limit of {limit:g} s"
                tell(self)
        except KeyboardInterrupt:
            return "Ctrl-C"
        return None

    def chunk(self, moves: int, heat: float) -> None:
        """So many moves at one temperature; the best placement seen is kept."""
        from mapper.place.kernels import swaps

        p = self.problem
        change, accepted, self.cursor = swaps.anneal(
            moves, heat, max(1, round(self.window)), self.cursor, self.state, p.graph, p.place, self.where,
            self.holder, p.cells, p.width, p.host, p.kind, p.fits, p.table, p.rules, self.penalty,
        )  # fmt: skip
        self.moves += moves
        self.cost += change
        self.window = min(max(self.window * (1 - GOAL + accepted / moves), 1.0), self.widest)
        if self.cost < self.least:
            self.least, self.best = self.cost, self.where[:, 4].astype(np.int64)


def anneal(
    problem: GridProblem, start: IntArray, budget: Budget, *, bound: float | None = None,
    tell: Tell | None = None,
) -> Found:  # fmt: skip
    """The best placement seen from ``start`` on; never worse than ``start``.

    ``tell`` gets cost, bound, gap and moves per second, twice a second.  Ctrl-C ends the search, not the
    program: the best so far is given.
    """
    if not problem.n or (not len(problem.graph[1]) and not any(h.any() for h in problem.host[:2])):
        return Found(start, problem.cost(start), 0, None)
    search = Search(problem, start, budget, problem.seed)
    stopped = search.run(_reporter(budget.moves, bound, tell))
    return Found(search.best, problem.cost(search.best), search.moves, stopped)


def _reporter(moves: int, bound: float | None, tell: Tell | None) -> Callable[[Search], None]:
    began = shown = time.monotonic()

    def report(search: Search) -> None:
        nonlocal shown
        now = time.monotonic()
        if tell is None or now - shown < TELL_EVERY_S:
            return
        shown = now
        text = f"cost {search.least:.6g}"
        if bound is not None:
            gap = 100 * (search.least - bound) / search.least if search.least else 0.0
            text += f", bound {bound:.6g}, gap {gap:.0f} %"
        rate = search.moves / (now - began)
        left = (moves - search.moves) / rate
        tell(f"{text}, {rate / 1e6:.1f} M moves/s, {100 * search.moves / moves:.0f} %, {left:.0f} s left")

    return report
