"""Placement: which core each cluster sits on.

:func:`place` reads a partition, its flows and a fabric, runs the algorithms that suit the size (one file
each) and writes a :class:`~neurosim.artefacts.mapping.Placement`, or raises why no placement is legal.  Few
clusters are placed by annealed assignment and proved by CP-SAT, many by swap annealing on flat arrays.
"""

from __future__ import annotations

import dataclasses
import time

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.infeasible import Infeasibility
from mapper.objectives import Nets
from mapper.options import MapOptions
from mapper.place import distance
from mapper.place.annealed import Annealed
from mapper.place.base import IntArray, Placed, PlaceProblem, Placer
from mapper.place.exact import Exact, is_small
from mapper.place.many import place_many
from mapper.place.positions import as_of_all_cores, positions
from mapper.place.row_order import RowOrder, row_order
from mapper.place.shapes import place_for
from mapper.route.flows import HOST_ROW, Flows
from neurosim.artefacts.mapping import HOST, Partition, Placement
from neurosim.errors import InputError
from neurosim.fabric.topology import Fabric
from neurosim.store import digest

__all__ = ["Placer", "place", "place_problem"]

EFFORT_BEFORE_EXACT = 0.25
FEW = 64  # clusters up to which assignment and proof are affordable
DENSE_AT_MOST = 2048  # clusters whose every pair may be tabulated


def place(
    partition: Partition, flows: Flows, fabric: Fabric, options: MapOptions, network_name: str,
    nets: Nets | None = None,
) -> Placement:  # fmt: skip
    """Place the clusters of ``partition``; ``nets`` are its multicast nets where trees of them count.

    Raises:
        InputError: the placer that was asked for is for fewer clusters, or the fabric's routes do not suit
            ``options.place_for``.
        InfeasibleError: reach or kinds of cores leave no placement that the placers can find.
    """
    n = len(partition.clusters)
    asked = options.placer in ("exact", "annealed")
    if asked and n > DENSE_AT_MOST:
        raise InputError(
            f"the placer '{options.placer}' is for at most {DENSE_AT_MOST} clusters", code="map-option",
            where="MapOptions.placer", got=f"{n} clusters", hint="use the placer 'auto' or 'swaps'",
        )  # fmt: skip
    if asked or (options.placer != "swaps" and n <= FEW):
        placed, core = _place_few(partition, flows, fabric, options, network_name)
    else:
        found = place_many(partition, flows, fabric, options)
        if isinstance(found, tuple):
            fits, kind = found
            raise _no_room(fits, np.bincount(kind, minlength=fits.shape[1]), fabric).error(network_name)
        placed, core = found.placed, found.core
        if found.faults:
            raise _out_of_reach(found.faults, fabric).error(network_name)
    n_cores = sum(len(kind.cores) for kind in capacity.core_kinds(fabric.chip))
    reports = [as_of_all_cores(placed.report, len(core), n_cores)]
    chosen = core[placed.position]
    if options.place_for != "hops":
        chosen, report = place_for(partition, flows, fabric, chosen, core, options, nets)
        reports.append(report)
    return Placement(digest(partition), partition.chip_digest, chosen, tuple(reports))


def _place_few(
    partition: Partition, flows: Flows, fabric: Fabric, options: MapOptions, network_name: str
) -> tuple[Placed, IntArray]:
    problem = place_problem(partition, flows, fabric, options)
    start = row_order(problem)
    if start is None:
        raise _no_core(problem, fabric).error(network_name)
    placed = _run(problem, start, options)
    faults = problem.faults(placed.position)
    if faults:
        raise _out_of_reach(faults, fabric).error(network_name)
    return placed, problem.core


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
    if exact_follows and not problem.is_late and "stopped" not in best.report.detail:
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
        deadline=None if options.time_limit_s is None else time.monotonic() + options.time_limit_s,
    )


def _no_core(problem: PlaceProblem, fabric: Fabric) -> Infeasibility:
    columns, room = np.unique(problem.allowed, axis=1, return_counts=True)
    return _no_room(columns, room, fabric)


def _no_room(fits: NDArray[np.bool_], room: IntArray, fabric: Fabric) -> Infeasibility:
    """Names clusters that have fewer cores than they are many (Hall's condition).

    ``fits`` (n, kinds) says which kinds of cores hold a cluster, ``room`` (kinds,) how many there are.
    """
    unions = np.zeros((1, len(room)), np.bool_)  # of the kinds that some of the clusters fit on
    for row in np.unique(fits, axis=0):
        unions = np.unique(np.vstack([unions, unions | row]), axis=0)
    needs = [int((~fits | union).all(axis=1).sum()) for union in unions]
    haves = [int(room[union].sum()) for union in unions]
    need, have = max(zip(needs, haves, strict=True), key=lambda pair: (pair[0] - pair[1], pair[0]))
    cores = "1 core" if have == 1 else f"{have} cores"
    what = f"{need} of {len(fits)} clusters fit only on {cores} of chip '{fabric.chip.name}'"
    if _reach_text(fabric):
        what += f" within reach of the host ({_reach_text(fabric)})"
    # Another partition might share cores more, so nothing beyond one core is proven here.
    return Infeasibility("cores that hold them", None, need, 1, have, what)


def _out_of_reach(faults: int, fabric: Fabric) -> Infeasibility:
    what = (
        "no placement was found in which all connected clusters reach each other and the host "
        f"({_reach_text(fabric)})"
    )
    return Infeasibility("connections out of reach", None, faults, 0, 0, what, ("a longer reach",))


def _reach_text(fabric: Fabric) -> str:
    reach = fabric.chip.reach
    limits = [(n, axis) for n, axis in ((reach.x_hops, "x"), (reach.y_hops, "y")) if n is not None]
    return ", ".join(f"at most {n} hop{'s' if n > 1 else ''} along {axis}" for n, axis in limits)
