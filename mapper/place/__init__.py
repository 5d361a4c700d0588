"""Placement: which core each cluster sits on.

:func:`place` reads a partition, its flows and a fabric, runs the chosen algorithm (one file each) and
writes a :class:`~neurosim.artefacts.mapping.Placement`, or raises why no placement is legal.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from mapper import capacity
from mapper.infeasible import Infeasibility
from mapper.options import MapOptions
from mapper.place import distance
from mapper.place.annealed import Annealed
from mapper.place.base import IntArray, Placed, PlaceProblem, Placer
from mapper.place.exact import Exact, is_small
from mapper.place.positions import as_of_all_cores, positions
from mapper.place.row_order import RowOrder, row_order
from mapper.route.flows import HOST_ROW, Flows
from neurosim.artefacts.mapping import HOST, Partition, Placement
from neurosim.fabric.topology import Fabric
from neurosim.store import digest

__all__ = ["Placer", "place", "place_problem"]

EFFORT_BEFORE_EXACT = 0.25


def place(
    partition: Partition, flows: Flows, fabric: Fabric, options: MapOptions, network_name: str
) -> Placement:
    """Place the clusters of ``partition``.

    Raises:
        InfeasibleError: reach or kinds of cores leave no placement that the placers can find.
    """
    problem = place_problem(partition, flows, fabric, options)
    start = row_order(problem)
    if start is None:
        raise _no_core(problem, fabric).error(network_name)
    placed = _run(problem, start, options)
    if problem.faults(placed.position):
        raise _out_of_reach(problem, placed, fabric).error(network_name)
    core = problem.core[placed.position]
    n_cores = sum(len(kind.cores) for kind in capacity.core_kinds(fabric.chip))
    report = as_of_all_cores(placed.report, problem.p, n_cores)
    return Placement(digest(partition), partition.chip_digest, core, (report,))


def _run(problem: PlaceProblem, start: IntArray, options: MapOptions) -> Placed:
    """The placers in turn: exact goes on from the annealed incumbent; the better one is kept."""
    if options.placer == "row_order":
        placed = RowOrder().place(problem, start)
        assert placed is not None  # the baseline always answers
        return placed
    exact_follows = options.placer == "exact" or (options.placer == "auto" and is_small(problem))
    effort = options.effort * (EFFORT_BEFORE_EXACT if exact_follows else 1.0)
    best = Annealed().place(dataclasses.replace(problem, effort=effort), start)
    assert best is not None  # annealing always answers
    if best.report.status == "optimal" and not problem.faults(best.position):
        return best
    if exact_follows:
        exact = Exact().place(problem, best.position)
        if exact is not None:
            return exact
    return best


def place_problem(
    partition: Partition, flows: Flows, fabric: Fabric, options: MapOptions
) -> PlaceProblem:
    """The placement problem of a partition with given flows on a fabric."""
    kinds = capacity.core_kinds(fabric.chip)
    kind_of = {core: number for number, kind in enumerate(kinds) for core in kind.cores}
    core = positions(fabric, kinds, len(partition.clusters))
    tile = core // fabric.chip.mesh.cores_per_tile
    tiles, index = np.unique(tile, return_inverse=True)
    from_host, to_host = distance.host_distances(fabric, tiles)
    fit = np.array(
        [[capacity.fits(c.demand, kind.limit) for kind in kinds] for c in partition.clusters]
    )
    allowed = fit[:, [kind_of[c] for c in core.tolist()]]
    host = np.array([fabric.tile_of(HOST)])
    linked = flows.linked > 0
    allowed &= ~linked[HOST_ROW, :-1, None] | distance.reachable(fabric, host, tile)
    allowed &= ~linked[:-1, HOST_ROW, None] | distance.reachable(fabric, tile, host).T
    return PlaceProblem(
        core=core,
        x=tile % fabric.width,
        y=tile // fabric.width,
        flow=flows.packets[:-1, :-1],
        linked=linked[:-1, :-1],
        distance=distance.tile_distances(fabric, tiles)[np.ix_(index, index)],
        host_out=flows.packets[HOST_ROW, :-1],
        host_in=flows.packets[:-1, HOST_ROW],
        from_host=from_host[index],
        to_host=to_host[index],
        allowed=allowed,
        reachable=distance.reachable(fabric, tile, tile),
        seed=options.seed,
        effort=options.effort,
    )


def _no_core(problem: PlaceProblem, fabric: Fabric) -> Infeasibility:
    """Names clusters that have fewer cores than they are many (Hall's condition)."""
    unions = np.zeros((1, problem.p), np.bool_)  # of the cores that some of the clusters fit on
    for row in np.unique(problem.allowed, axis=0):
        unions = np.unique(np.vstack([unions, unions | row]), axis=0)
    needs = [int((~problem.allowed | union).all(axis=1).sum()) for union in unions]
    haves = [int(union.sum()) for union in unions]
    need, have = max(zip(needs, haves, strict=True), key=lambda pair: (pair[0] - pair[1], pair[0]))
    what = f"{need} of {problem.n} clusters fit only on {have} cores of chip '{fabric.chip.name}'"
    if _reach_text(fabric):
        what += f" within reach of the host ({_reach_text(fabric)})"
    # Another partition might share cores more, so nothing beyond one core is proven here.
    return Infeasibility("cores that hold them", None, need, 1, have, what)


def _out_of_reach(problem: PlaceProblem, placed: Placed, fabric: Fabric) -> Infeasibility:
    faults = problem.faults(placed.position)
    what = (
        "no placement was found in which all connected clusters reach each other and the host "
        f"({_reach_text(fabric)})"
    )
    return Infeasibility("connections out of reach", None, faults, 0, 0, what, ("a longer reach",))


def _reach_text(fabric: Fabric) -> str:
    reach = fabric.chip.reach
    limits = [(n, axis) for n, axis in ((reach.x_hops, "x"), (reach.y_hops, "y")) if n is not None]
    return ", ".join(f"at most {n} hop{'s' if n > 1 else ''} along {axis}" for n, axis in limits)
