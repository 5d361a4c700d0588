"""Placing around defects: no flow may lead through a dead link or router.

A routing function has one path per pair, so it cannot go round a dead link.  Routers with tables lead flows
round it (:mod:`mapper.route.exceptions`); where they cannot, or there are none, the clusters move.  Reads
flows and a placement made as if all links worked; writes one whose flows all arrive, or refuses and names
the flows that do not.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.place.distance import walked
from mapper.route.exceptions import Exceptions, find_exceptions
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import HOST, Partition, SolverReport
from neurosim.errors import DoesNotFitError
from neurosim.fabric.topology import Fabric
from neurosim.fabric.walks import arrives

IntArray = NDArray[np.int64]
NEAREST = 96  # cores, free or held, that a cluster is tried on
ROUNDS = 8
WALK_STEPS = 1500  # of the random walk that follows where descent gets stuck
WORSE = 0.05  # how often the walk takes a step that is no better than staying
INDEXED_CLUSTERS = 4096
TRIALS = 400_000  # moves that are weighed at most, where all pairs were walked once
TRIALS_WALKED = 20_000  # and where each has to be walked: about a minute
TABLE_CORES = 1024  # up to so many cores all pairs are walked once
NAMED_AT_MOST = 3


def ways(
    fabric: Fabric, flows: Flows, core: IntArray, last_resort: bool = False, untie: bool = True
) -> Exceptions | None:
    """The routers' tables that lead all flows of a placement home; None if they cannot, or need not.

    Without ``last_resort`` flows that have a way keep it, without ``untie`` their cycles too (see
    :mod:`mapper.route.exceptions`).
    """
    place = np.append(core, HOST)
    source, target = place[flows.source], place[flows.target]
    order = np.lexsort((target, source))  # that of the routes: so their table is this one
    found = find_exceptions(fabric, source[order], target[order], last_resort, untie)
    return None if found.table is None or found.without.size else found


def ways_report(
    found: Exceptions, core: IntArray, flows: Flows, fabric: Fabric, whole: Fabric
) -> SolverReport:
    """What the ways through tables cost; as bound, what the rule's would on ``whole``."""
    assert found.table is not None
    place = np.append(core, HOST)
    ends = place[flows.source], place[flows.target]
    costs = [
        float((walked(on, *ends)[0] * flows.spikes).sum())
        for on in (replace(fabric, table=found.table), whole)
    ]
    most, limit = int(np.bincount(found.table.router).max()), fabric.chip.router.table_entries
    return SolverReport(
        "routing tables", "detours", "heuristic", costs[0], min(costs),
        f"{len(found.rerouted)} flows led by tables of {found.table.n} entries, at most {most} of {limit} in "
        f"a router; bound: the routing rule {'without them' if whole is fabric else 'if no link were dead'}",
    )  # fmt: skip


def place_around(
    partition: Partition, core: IntArray, flows: Flows, fabric: Fabric, whole: Fabric, untie: bool = True
) -> tuple[IntArray, int]:
    """``core`` (one per cluster) changed so that every flow arrives; and how many clusters were moved.

    Where no such change is found, but routers have tables, these are the last resort, and nothing is moved.

    ``fabric`` has the defects, ``whole`` is wired as if there were none.

    Raises:
        DoesNotFitError: flows remain that cannot arrive; they are named.
    """
    repair = _Repair(partition, core, flows, fabric, whole)
    for _ in range(ROUNDS):
        blamed = repair.blamed()
        if not blamed:
            break
        if sum(repair.improve(cluster) for cluster in blamed) == 0:
            break
    if repair.broken().size:
        repair.walk()
    broken = repair.broken()
    if broken.size and ways(fabric, flows, core, True, untie):
        return core, 0
    if broken.size:
        raise _no_way(repair.places(), flows, broken, fabric)
    return repair.core, int((repair.core != core).sum())


class _Repair:
    def __init__(
        self, partition: Partition, core: IntArray, flows: Flows, fabric: Fabric, whole: Fabric
    ) -> None:
        self.flows, self.fabric, self.whole = flows, fabric, whole
        self.core = core.copy()
        kinds = capacity.core_kinds(fabric.chip)
        self.cores = np.array(sorted(c for kind in kinds for c in kind.cores), np.int64)
        limit = {c: kind.limit for kind in kinds for c in kind.cores}
        self.demand, self.limit = [c.demand for c in partition.clusters], limit
        n = flows.n
        few = n <= INDEXED_CLUSTERS
        self.of = [np.flatnonzero((flows.source == c) | (flows.target == c)) for c in range(n if few else 0)]
        self.table = _all_ways(fabric) if fabric.n_cores <= TABLE_CORES else None
        self.trials = TRIALS_WALKED if self.table is None else TRIALS
        self.holder = dict(zip(self.core.tolist(), range(n), strict=True))

    def places(self) -> IntArray:
        """Core of every cluster, then HOST."""
        return np.append(self.core, HOST)

    def edges(self, clusters: list[int]) -> IntArray:
        """Flows that one of ``clusters`` takes part in."""
        if self.of:
            return np.unique(np.concatenate([self.of[c] for c in clusters]))
        return np.flatnonzero(np.isin(self.flows.source, clusters) | np.isin(self.flows.target, clusters))

    def broken(self) -> IntArray:
        """Flows that do not arrive."""
        return np.flatnonzero(~self._arrive(np.arange(len(self.flows.source)), self.places()))

    def blamed(self) -> list[int]:
        """Clusters with broken flows, those with the most first."""
        broken = self.broken()
        ends = np.concatenate([self.flows.source[broken], self.flows.target[broken]])
        counts = np.bincount(ends[ends < self.flows.n], minlength=self.flows.n)
        order = np.lexsort((np.arange(len(counts)), -counts))
        return [int(c) for c in order if counts[c]]

    def improve(self, cluster: int) -> bool:
        """Move or swap ``cluster`` so that fewer flows are broken, at the least cost; False if it cannot."""
        now = int((~self._arrive(self.edges([cluster]), self.places())).sum())
        best: tuple[int, float, int] | None = None
        for goal in self._near(cluster) if now else ():
            if self.trials <= 0:
                break
            change, edges, place = self._changed(cluster, goal)
            if change < 0 and (best is None or change <= best[0]):
                rank = (change, self._cost(edges, place), goal)
                best = rank if best is None else min(best, rank)
            if best is not None and best[0] == -now:
                break  # nearest first: what heals everything close by is not beaten from afar
        if best is None:
            return False
        self._take(cluster, best[2])
        return True

    def walk(self) -> None:
        """Min-conflicts with noise: one end of a random broken flow goes where it breaks least."""
        rng = np.random.Generator(np.random.PCG64(0))
        for _ in range(WALK_STEPS):
            broken = self.broken()
            if not broken.size or self.trials <= 0:
                return
            flow = int(rng.choice(broken))
            ends = [int(e[flow]) for e in (self.flows.source, self.flows.target)]
            cluster = int(rng.choice([e for e in ends if e < self.flows.n]))
            goals = [g for g in self._near(cluster) if self._may(cluster, g)]
            if not goals:
                continue
            if rng.random() < WORSE:
                self._take(cluster, int(rng.choice(goals)))
                continue
            changes = [self._changed(cluster, g)[0] for g in goals]
            least = min(changes)
            best = [g for g, change in zip(goals, changes, strict=True) if change == least]
            self._take(cluster, int(rng.choice(best)))

    def _may(self, cluster: int, goal: int) -> bool:
        other = self.holder.get(goal)
        return self._fits(cluster, goal) and (other is None or self._fits(other, int(self.core[cluster])))

    def _fits(self, cluster: int, core: int) -> bool:
        return capacity.fits(self.demand[cluster], self.limit[core])

    def _changed(self, cluster: int, goal: int) -> tuple[int, IntArray, IntArray]:
        """How many more flows are broken after a move or swap (0 if it is not allowed); its flows, places."""
        self.trials -= 1
        other, place = self.holder.get(goal), self.places()
        edges = self.edges([cluster] if other is None else [cluster, other])
        if not self._may(cluster, goal):
            return 0, edges, place
        before = int((~self._arrive(edges, place)).sum())
        place[cluster] = goal
        if other is not None:
            place[other] = self.core[cluster]
        return int((~self._arrive(edges, place)).sum()) - before, edges, place

    def _near(self, cluster: int) -> list[int]:
        width, per_tile = self.fabric.width, self.fabric.chip.mesh.cores_per_tile
        here, tiles = int(self.core[cluster]) // per_tile, self.cores // per_tile
        away = np.abs(tiles % width - here % width) + np.abs(tiles // width - here // width)
        order = np.lexsort((self.cores, away))
        return [c for c in self.cores[order[: NEAREST + 1]].tolist() if c != self.core[cluster]]

    def _arrive(self, edges: IntArray, place: IntArray) -> NDArray[np.bool_]:
        ends = place[self.flows.source[edges]], place[self.flows.target[edges]]
        return arrives(self.fabric, *ends) if self.table is None else self.table[ends]

    def _cost(self, edges: IntArray, place: IntArray) -> float:
        ends = place[self.flows.source[edges]], place[self.flows.target[edges]]
        return float((walked(self.whole, *ends)[0] * self.flows.spikes[edges]).sum())

    def _take(self, cluster: int, goal: int) -> None:
        here, other = int(self.core[cluster]), self.holder.pop(goal, None)
        del self.holder[here]
        self.core[cluster], self.holder[goal] = goal, cluster
        if other is not None:
            self.core[other], self.holder[here] = here, other


def _all_ways(fabric: Fabric) -> NDArray[np.bool_]:
    """(cores + 1, cores + 1) whether a packet arrives; HOST (-1) is the last."""
    ends = np.append(np.arange(fabric.n_cores), HOST)
    sources, targets = np.repeat(ends, len(ends)), np.tile(ends, len(ends))
    ways = np.ones(len(sources), np.bool_)
    known = (sources != HOST) | (targets != HOST)
    ways[known] = arrives(fabric, sources[known], targets[known])
    return ways.reshape(len(ends), len(ends))


def _no_way(place: IntArray, flows: Flows, broken: IntArray, fabric: Fabric) -> DoesNotFitError:
    def name(core: int) -> str:
        return "the host" if core == HOST else f"core {core}"

    pairs = [(int(place[flows.source[f]]), int(place[flows.target[f]])) for f in broken[:NAMED_AT_MOST]]
    named = ", ".join(f"{name(a)} -> {name(b)}" for a, b in pairs)
    more = f" and {len(broken) - NAMED_AT_MOST} more" if len(broken) > NAMED_AT_MOST else ""
    router = fabric.chip.router
    why, hint = f"routing '{router.routing}' knows one path per pair", "give it router.table_entries, or "
    if router.table_entries is not None:
        n_vcs = router.virtual_channels
        why = f"tables of {router.table_entries} entries on {n_vcs} virtual channel{'s' * (n_vcs > 1)}"
        why, hint = f"{why} lead no way that is free of deadlock", "give it more of either, or "
    return DoesNotFitError(
        f"{len(broken)} flow{'s' if len(broken) > 1 else ''} cannot go round the dead links of chip "
        f"'{fabric.chip.name}': {why}",
        code="map-dead-links",
        where="defects.links",
        expected="a placement in which no flow meets a dead link",
        got=f"{named}{more}",
        hint=hint
        + "use a larger chip or one with fewer dead links, so that the clusters can lie beside them",
    )
