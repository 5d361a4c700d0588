"""Placements whose flows cannot wait for each other in a circle, where the one at hand can.

Reads a placement problem, its flows and a fabric; gives positions.  Chips filled one after another in the
order of the layers let most flows cross from chip to chip in one direction; each order of the chips is
tried.  Where none is free, clusters of the cycle change places one by one for as long as fewer channels lie
on cycles.  From what is free, clusters go back to where they were, for as long as it stays free.
"""

from __future__ import annotations

import itertools
import math

import numpy as np

from mapper.place.base import IntArray, PlaceProblem
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import HOST
from neurosim.fabric.cdg import CdgResult, analyse_flows
from neurosim.fabric.topology import Fabric

ORDERS = 24  # of the chips that are tried: all, for up to four chips
KEPT = 3  # of them that are worked on
PASSES = 3
CHECKS = 1000  # dependency graphs that the exchange of clusters may look at, at effort 1
OFFERS = 60  # of them for each exchange
BLAMED = 12  # clusters of the cycle that may change places at a time


def dependencies(fabric: Fabric, flows: Flows, core: IntArray) -> CdgResult:
    """The check of the flows of clusters on the cores ``core`` (n,)."""
    at = np.append(core, HOST)
    return analyse_flows(fabric, at[flows.source], at[flows.target])


def untie(
    problem: PlaceProblem, flows: Flows, fabric: Fabric, position: IntArray
) -> tuple[str, IntArray] | None:
    """(how, positions) of a placement without a cycle and without more faults, or None."""
    filled = _by_chips(problem, flows, fabric)
    free = [(cost, other) for size, cost, other in filled if not size]
    if free:
        ways = [_towards(problem, flows, fabric, other, position) for _, other in free[:KEPT]]
        best = min(ways, key=problem.cost)
        return "chips filled in the order of the layers", _cheaper(problem, flows, fabric, best, position)
    starts = [position, *(other for _, _, other in filled[:KEPT])]
    checks = max(OFFERS, round(CHECKS * problem.effort)) // len(starts)
    for start in starts:
        search = _Exchange(problem, flows, fabric, start, checks)
        if search.run():
            found = _towards(problem, flows, fabric, search.position, position)
            return "exchange of clusters", _cheaper(problem, flows, fabric, found, position)
    return None


def _chip_of(problem: PlaceProblem, fabric: Fabric) -> IntArray:
    mesh = fabric.chip.mesh
    columns = fabric.width // mesh.width
    return np.asarray(problem.y // mesh.height * columns + problem.x // mesh.width)


def _orders(n: int) -> list[tuple[int, ...]]:
    if math.factorial(min(n, 12)) <= ORDERS:
        return list(itertools.permutations(range(n)))
    return [tuple(range(n)), tuple(range(n))[::-1]]


def _by_chips(
    problem: PlaceProblem, flows: Flows, fabric: Fabric
) -> list[tuple[int, float, IntArray]]:
    """(channels on cycles, cost, positions), best first, of the orders whose placement has no fault."""
    chip = _chip_of(problem, fabric)
    found = []
    for order in _orders(int(chip.max(initial=0)) + 1):
        rank = np.argsort(np.array(order))[chip]
        other = _filled(problem, np.lexsort((np.arange(problem.p), rank)))
        if other is None or problem.faults(other):
            continue
        size = sum(dependencies(fabric, flows, problem.core[other]).cyclic_sizes)
        found.append((size, problem.cost(other), other))
    return sorted(found, key=lambda f: (f[:2], f[2].tolist()))


def _filled(problem: PlaceProblem, order: IntArray) -> IntArray | None:
    """Clusters in their order on the first free position that holds them; None if there is none."""
    free = np.ones(problem.p, np.bool_)
    position = np.empty(problem.n, np.int64)
    for cluster in range(problem.n):
        fits = np.flatnonzero((free & problem.allowed[cluster])[order])
        if not len(fits):
            return None
        position[cluster] = order[fits[0]]
        free[position[cluster]] = False
    return position


def _towards(
    problem: PlaceProblem, flows: Flows, fabric: Fabric, start: IntArray, goal: IntArray
) -> IntArray:
    """The cheapest free placement on the way from ``start``, a free one, to ``goal``.

    Cluster by cluster takes its place in ``goal`` if the flows stay free, until none can.
    """
    here, best = start, start
    for _ in range(PASSES):
        taken = 0
        for cluster in np.flatnonzero(here != goal).tolist():
            other = _moved(here, cluster, int(goal[cluster]))
            is_free = not problem.faults(other)
            if is_free and dependencies(fabric, flows, problem.core[other]).is_free:
                here, taken = other, taken + 1
                best = min(best, here, key=problem.cost)
        if not taken:
            break
    return best


def _cheaper(
    problem: PlaceProblem, flows: Flows, fabric: Fabric, here: IntArray, home: IntArray
) -> IntArray:
    """Descent: clusters that are away from ``home`` go where it costs less and the flows stay free."""
    checks, refused = round(CHECKS * problem.effort) // 4, set[tuple[int, int]]()
    while checks > 0:
        now, offers = problem.cost(here), []
        for cluster in np.flatnonzero(here != home).tolist():
            for goal in range(problem.p):
                cost = problem.cost(_moved(here, cluster, goal))
                if cost < now * (1 - 1e-9) and (cluster, goal) not in refused:
                    offers.append((cost, cluster, goal))
        for _, cluster, goal in sorted(offers)[:checks]:
            checks -= 1
            other = _moved(here, cluster, goal)
            is_free = not problem.faults(other)
            if is_free and dependencies(fabric, flows, problem.core[other]).is_free:
                here = other
                break
            refused.add((cluster, goal))
        else:
            break
    return here


def _moved(position: IntArray, cluster: int, goal: int) -> IntArray:
    """``cluster`` at ``goal``, and what was there where it was."""
    other = position.copy()
    other[position == goal] = position[cluster]
    other[cluster] = goal
    return other


class _Exchange:
    """Descent on the number of channels that lie on cycles; among equals the cheapest exchange goes first."""

    def __init__(
        self, problem: PlaceProblem, flows: Flows, fabric: Fabric, position: IntArray, checks: int
    ) -> None:
        self.problem, self.flows, self.fabric = problem, flows, fabric
        self.position, self.checks = position, checks
        self.result = dependencies(fabric, flows, problem.core[position])

    def run(self) -> bool:
        """Whether the flows are free in the end."""
        while not self.result.is_free:
            if not self._step():
                return False
        return True

    def _step(self) -> bool:
        size = sum(self.result.cyclic_sizes)
        for other in self._offers():
            if self.checks <= 0:
                return False
            self.checks -= 1
            result = dependencies(self.fabric, self.flows, self.problem.core[other])
            if sum(result.cyclic_sizes) < size:
                self.position, self.result = other, result
                return True
        return False

    def _offers(self) -> list[IntArray]:
        """Placements with one cluster of the cycle elsewhere, cheapest first."""
        faults = self.problem.faults(self.position)
        found: list[tuple[float, int, int]] = []
        for cluster in self._blamed():
            for goal in range(self.problem.p):
                if goal != self.position[cluster]:
                    found.append((self._change(cluster, goal), cluster, goal))
        out = []
        for _, cluster, goal in sorted(found):
            other = _moved(self.position, cluster, goal)
            if self.problem.faults(other) <= faults:
                out.append(other)
            if len(out) == OFFERS:
                break
        return out

    def _blamed(self) -> list[int]:
        """Clusters whose flows make the cycle, those of most flows first."""
        number = {int(core): k for k, core in enumerate(self.problem.core[self.position])}
        ends = [core for flows in self.result.cycle_flows for flow in flows for core in flow if core != HOST]
        cores, counts = np.unique(np.array(ends, np.int64), return_counts=True)
        order = np.lexsort((cores, -counts))
        return [number[int(core)] for core in cores[order][:BLAMED]]

    def _change(self, cluster: int, goal: int) -> float:
        return self.problem.cost(_moved(self.position, cluster, goal))
