"""Placing many clusters: the cheapest start, then swap annealing, on the flat arrays of a GridProblem.

Reads a partition, flows and a fabric; gives positions and a report whose cost is the fabric's own.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.options import MapOptions
from mapper.place.base import IntArray, Placed
from mapper.place.bound import degree_bound
from mapper.place.distance import walked
from mapper.place.grid import GridProblem
from mapper.place.onto_fabric import on_fabric
from mapper.place.search import Budget, anneal, default_moves
from mapper.place.starts import best_start
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import HOST, Partition, SolverReport
from neurosim.fabric.topology import Fabric


@dataclass(frozen=True)
class PlacedMany:
    """``placed`` among the cores ``core``; ``faults`` counts misfits and pairs out of reach."""

    placed: Placed
    core: IntArray
    faults: int


def place_many(
    partition: Partition, flows: Flows, fabric: Fabric, options: MapOptions
) -> PlacedMany | tuple[NDArray[np.bool_], NDArray[np.int16]]:
    """The best placement seen; or, where the clusters find no cores, what fits where and the cores' kinds."""
    problem, core, exact = on_fabric(partition, flows, fabric, options.seed)
    bound = degree_bound(problem)
    only_rows = options.placer == "row_order"
    options.tell(f"looking for a start among {problem.p} cores")
    stopped = False
    try:
        start = best_start(problem, ("rows",) if only_rows else None)
    except KeyboardInterrupt:  # before any search: the plainest start is there at once
        start, stopped = best_start(problem, ("rows",)), True
    if start is None:
        return problem.fits, problem.kind
    name, position = start
    method, detail = "row order", "no search; stopped by Ctrl-C before it" if stopped else "no search"
    if not only_rows and not stopped:
        method = "swap annealing"
        position, detail = _searched(problem, name, position, bound, options)
    cost, faults = problem.cost_and_faults(position)
    if not exact:
        cost = fabric_cost(flows, core[position], fabric)
    bound = min(bound, cost)
    status = "optimal" if cost <= bound * (1 + 1e-9) and not faults else "heuristic"
    detail += "; bound: heaviest flows over nearest cores"
    report = SolverReport("placement", method, status, cost, bound, detail)
    return PlacedMany(Placed(position, report), core, faults)


def _searched(
    problem: GridProblem, name: str, start: IntArray, bound: float, options: MapOptions
) -> tuple[IntArray, str]:
    """Anneal from a start; once more from the one with the fewest faults, if some remain."""
    moves = default_moves(problem, options.effort)
    budget = Budget(moves, options.time_limit_s)
    found = anneal(problem, start, budget, bound=bound, tell=options.tell)
    faults = problem.cost_and_faults(found.position)[1]
    if faults and not found.stopped:
        other = best_start(problem, faults_first=True)
        assert other is not None  # there was one before
        again = anneal(problem, other[1], budget, bound=bound, tell=options.tell)
        if problem.cost_and_faults(again.position)[1] < faults:
            name, found = other[0], again
    detail = f"start: {name}; {found.moves} moves, seed {options.seed}"
    if found.stopped:
        detail += f"; stopped by {found.stopped} after {found.moves} of {moves} moves"
    return found.position, detail


def fabric_cost(flows: Flows, core: IntArray, fabric: Fabric) -> float:
    """Sum over all flows of packets x hop equivalents, as the fabric's routing walks them."""
    at = np.append(core, HOST)
    away, _ = walked(fabric, at[flows.source], at[flows.target])
    return float((flows.spikes * away).sum())
