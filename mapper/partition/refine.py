"""From a partition to a better one: its slices, their exact demands and traffic, polished by CP-SAT.

Reads a partition and its problem; writes a partition that is no worse, or None where the cores do not
suffice.  The rules of what fits are :mod:`mapper.capacity`'s.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.capacity import RESOURCES
from mapper.partition.base import Found, Problem, enough_cores
from mapper.partition.polish import Division, Polished, polish
from neurosim.artefacts.mapping import Cluster, Demand, Slice, SolverReport

IntArray = NDArray[np.int64]
BEFORE, STAGE = "before the polish", "partition polish"


def refine(problem: Problem, clusters: list[list[Slice]]) -> Found | None:
    """The slices of ``clusters`` (which may exceed limits) polished; None if some limit stays exceeded."""
    division, demands, pieces = division_of(problem, clusters)
    if division is None:
        return None
    options = problem.options
    done = polish(division, seed=options.seed, effort=options.effort)
    if done.after[0]:
        return None
    bins = [np.flatnonzero(done.home == core).tolist() for core in np.unique(done.home)]
    made = tuple(
        Cluster(tuple(pieces[i] for i in b), capacity.add(demands[i] for i in b)) for b in sorted(bins)
    )
    if not enough_cores(problem, [cluster.demand for cluster in made]):
        return None
    return Found(made, _reports(done))


def _reports(done: Polished) -> tuple[SolverReport, SolverReport]:
    """The division before and after, in the same figure: the traffic of the tiling's own report counts more
    (packets from the host, and those that stay on a core)."""
    (excess, cores, traffic), (_, now, less) = done.before, done.after
    over = f", {excess} over limits" if excess else ""
    detail = (
        f"{done.taken} of {done.steps} steps better; cores {cores} -> {now}, "
        f"packets between cores {traffic:.6g} -> {less:.6g}"
    )
    method = "cp-sat neighbourhoods"
    return (
        SolverReport(BEFORE, f"{_cores(cores)}{over}", "heuristic", traffic, None, "as cut above"),
        SolverReport(STAGE, f"{method}: {_cores(now)}", "heuristic", less, None, detail),
    )


def _cores(n: int) -> str:
    return "1 core" if n == 1 else f"{n} cores"


def division_of(
    problem: Problem, clusters: list[list[Slice]]
) -> tuple[Division | None, list[Demand], list[Slice]]:
    """The division that polishing works on, the demands and the slices; None if the cores run out."""
    pieces = [piece for cluster in clusters for piece in cluster]
    plain = [capacity.slice_demand(problem.anatomy, problem.chip.core, piece) for piece in pieces]
    demands = capacity.with_entries(problem.anatomy, pieces, plain)
    home = np.repeat(np.arange(len(clusters)), [len(cluster) for cluster in clusters])
    limit = _limits(problem, demands, home)
    if limit is None:
        return None, demands, pieces
    demand = np.array([[getattr(d, r) for r in RESOURCES] for d in demands], np.int64)
    traffic = _traffic(problem, pieces, demands)
    return Division(demand, limit, home.astype(np.int64), traffic), demands, pieces


def _limits(problem: Problem, demands: list[Demand], home: IntArray) -> IntArray | None:
    """(cores, resources): each cluster takes the least capable core that holds it, the others come after."""
    room = {k: len(kind.cores) for k, kind in enumerate(problem.kinds)}
    rows: list[IntArray] = []
    loads = [capacity.add(demands[i] for i in np.flatnonzero(home == c)) for c in range(int(home.max()) + 1)]
    for load in loads:
        free = [k for k in sorted(room) if room[k]]
        if not free:
            return None
        where = [k for k in problem.where(load) if room[k]] or free[::-1]
        room[where[0]] -= 1
        rows.append(_row(problem, where[0]))
    rows += [_row(problem, k) for k in sorted(room) for _ in range(room[k])]
    return np.array(rows, np.int64)


def _row(problem: Problem, kind: int) -> IntArray:
    return np.array([getattr(problem.kinds[kind].limit, r) for r in RESOURCES], np.int64)


def _traffic(
    problem: Problem, pieces: list[Slice], demands: list[Demand]
) -> tuple[IntArray, IntArray, NDArray[np.float64]]:
    from mapper.route.flows import cluster_flows

    alone = [Cluster((piece,), demand) for piece, demand in zip(pieces, demands, strict=True)]
    flows = cluster_flows(problem.anatomy, alone)
    inside = (flows.source < flows.n) & (flows.target < flows.n) & (flows.source != flows.target)
    return flows.source[inside], flows.target[inside], flows.spikes[inside]


def between_cores(problem: Problem, clusters: tuple[Cluster, ...]) -> float:
    """Expected packets per sample between different cores, those of the host left out."""
    from mapper.route.flows import cluster_flows

    flows = cluster_flows(problem.anatomy, clusters)
    inside = (flows.source < flows.n) & (flows.target < flows.n) & (flows.source != flows.target)
    return float(flows.spikes[inside].sum())
