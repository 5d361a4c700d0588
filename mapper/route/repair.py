"""Repair of a mapping that can deadlock: other virtual channels if the chip has them, or another placement.

Reads a mapping whose flows have a cycle of dependencies; writes a mapping without one, and a sentence that
says what was done, or None where nothing helped.  What keeps every hop is tried first: the second virtual
channel after the first crossing between chips.  Then other seeds place again, and then
:mod:`mapper.route.untie` looks for a placement.  Where the routers' tables led flows apart already
(:mod:`mapper.route.exceptions`), :func:`by_tables` says so.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from mapper.route.around import ways, ways_report
from mapper.route.untie import dependencies, untie
from neurosim.artefacts.mapping import Placement, SolverReport
from neurosim.chip.models import Chip
from neurosim.errors import NeurosimError
from neurosim.fabric.cdg import CdgResult, analyse_flows, describe_channel
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.fabric.walks import arrives

if TYPE_CHECKING:
    from mapper.options import MapOptions
    from mapper.route.flows import Flows
    from neurosim.artefacts.mapping import Partition, Routes

SEEDS = 3  # other placements that are tried
CLUSTERS_AT_MOST = 512  # above, placing again would take too long


@dataclass(frozen=True)
class Repaired:
    """A placement on a chip whose flows cannot deadlock; ``what`` was done, for the user."""

    chip: Chip
    placement: Placement
    what: str


def repair(
    cut: Partition, flows: Flows, placement: Placement, chip: Chip, options: MapOptions, network_name: str
) -> Repaired | None:
    """A mapping free of deadlock, or None if none was found or nothing is wrong.

    Cores that the user gave stay as they are; only the channels may then change.
    """
    fabric = build_fabric(chip)
    before = dependencies(fabric, flows, placement.core)
    if before.is_free:
        return None
    options.say("repairing a cycle of dependencies")
    found = _other_channels(flows, placement, chip)
    if found is None and options.cores is None and len(cut.clusters) <= CLUSTERS_AT_MOST:
        found = _other_seeds(cut, flows, placement, fabric, options, network_name)
        found = found or _untied(cut, flows, placement, fabric, options)
    return found


def by_tables(
    flows: Flows, placement: Placement, routes: Routes, fabric: Fabric, options: MapOptions
) -> tuple[Placement, list[str]]:
    """The placement with the tables' report if it lacks one; what they did about a cycle, in sentences."""
    table, limit = routes.table, fabric.chip.router.table_entries
    if all(report.stage != "routing tables" for report in placement.solver):
        found = ways(fabric, flows, placement.core, True, options.repair)
        if found is not None:
            is_whole = fabric.chip.defects is None
            whole = fabric if is_whole else build_fabric(fabric.chip, with_defects=False)
            report = ways_report(found, placement.core, flows, fabric, whole)
            placement = replace(placement, solver=(*placement.solver, report))
    if table is None or not options.repair or routes.verdict != "free":
        return placement, []
    home = arrives(fabric, routes.source, routes.target)
    before = analyse_flows(fabric, routes.source[home], routes.target[home])
    if before.is_free:
        return placement, []
    most = int(np.bincount(table.router).max())
    what = f"routing tables lead flows away from it: {table.n} entries, at most {most} of {limit} in a router"
    return placement, [_cycle_sentence(fabric, before), f"{what}; no cluster was moved for it"]


def describe_cycle(chip: Chip, flows: Flows, placement: Placement) -> str:
    """The shortest cycle of a placement's flows in one sentence."""
    fabric = build_fabric(chip)
    return _cycle_sentence(fabric, dependencies(fabric, flows, placement.core))


def _cycle_sentence(fabric: Fabric, result: CdgResult) -> str:
    names = ", ".join(describe_channel(fabric, int(number)) for number in result.cycle[:4])
    more = f" and {len(result.cycle) - 4} more" if len(result.cycle) > 4 else ""
    return f"{len(result.cycle)} channels wait for each other in a circle: {names}{more}"


def _other_channels(flows: Flows, placement: Placement, chip: Chip) -> Repaired | None:
    """The second channel from the first crossing between chips on."""
    router, policy = chip.router, "crossings"
    if chip.n_chips == 1 or router.virtual_channels < 2 or router.vc_policy == policy:
        return None
    other = chip.model_copy(update={"router": router.model_copy(update={"vc_policy": policy})})
    if not dependencies(build_fabric(other), flows, placement.core).is_free:
        return None
    what = f"router.vc_policy is now '{policy}' (it was '{router.vc_policy}'); no cluster was moved"
    return Repaired(other, placement, what)


def _other_seeds(
    cut: Partition, flows: Flows, placement: Placement, fabric: Fabric, options: MapOptions, name: str
) -> Repaired | None:
    """The cheapest free placement of the next seeds."""
    from mapper.compile import place_whole

    free: list[tuple[float, int, Placement]] = []
    for seed in range(options.seed + 1, options.seed + 1 + SEEDS):
        tried = replace(options, seed=seed, progress=None, detail=None, place_for="hops")
        try:
            other = place_whole(cut, flows, fabric, tried, name)
        except NeurosimError:
            continue
        if dependencies(fabric, flows, other.core).is_free:
            free.append((_cost(other), seed, other))
    if not free:
        return None
    cost, seed, other = min(free, key=lambda f: f[:2])
    what = f"placed again with seed {seed}: packets x hops {_cost(placement):.6g} -> {cost:.6g}"
    return Repaired(fabric.chip, other, what)


def _cost(placement: Placement) -> float:
    return placement.solver[0].objective


def _untied(
    cut: Partition, flows: Flows, placement: Placement, fabric: Fabric, options: MapOptions
) -> Repaired | None:
    from mapper.place import place_problem

    problem = place_problem(cut, flows, fabric, options)
    position = np.searchsorted(problem.core, placement.core)  # cores ascend
    found = untie(problem, flows, fabric, position)
    if found is None:
        return None
    how, better = found
    core, old, new = problem.core[better], problem.cost(position), problem.cost(better)
    moved = int((core != placement.core).sum())
    report = SolverReport(
        "deadlock repair", how, "heuristic", new, min(old, new),
        f"{moved} clusters moved; bound: the placement that could deadlock",
    )  # fmt: skip
    what = f"{how}, {moved} of {len(core)} clusters moved: packets x hops {old:.6g} -> {new:.6g}"
    solved = replace(placement, core=core, solver=(*placement.solver, report))
    return Repaired(fabric.chip, solved, what)
