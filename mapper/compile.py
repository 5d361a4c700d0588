"""The mapping compiler: an integer network and a chip in, partition, placement, routes and program out.

Each stage is a function of the one before; every artefact can be saved, loaded and checked on its own
(:mod:`mapper.check`).  Same network, chip and options: same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.given import partition_as_given, place_as_given
from mapper.legalise import legalise
from mapper.objectives import Nets, cluster_nets
from mapper.options import MapOptions, describe_activity, spikes_of
from mapper.partition import Problem, partition
from mapper.place import place
from mapper.place.distance import walked
from mapper.route import route
from mapper.route.around import place_around, ways, ways_report
from mapper.route.flows import Flows, cluster_flows
from mapper.route.repair import by_tables, describe_cycle, repair
from mapper.split import Spikes
from mapper.tables import emit
from mapper.tables.multicast import Multicast, with_trees
from neurosim.artefacts.mapping import HOST, Partition, Placement, Routes, SolverReport
from neurosim.artefacts.program import Program
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.network.model import Network
from neurosim.store import digest

IntArray = NDArray[np.int64]
TREES = ("tree_hops", "weighted")  # what placement counts multicast nets for


@dataclass(frozen=True)
class Mapping:
    """A mapped network.

    ``network`` is the network as mapped (populations reshaped or split where needed; spikes of the
    populations that the user named are unchanged); ``activity`` says what traffic was weighed with,
    ``spikes`` is it: expected spikes per neuron and sample by population, shape (n,).  ``chip`` is the
    chip as mapped to, ``repairs`` what was done about a cycle of dependencies, in sentences (none: nothing);
    ``multicast`` what trees do, None where the chip has none or they were not asked for.
    """

    network: Network
    partition: Partition
    placement: Placement
    routes: Routes
    program: Program
    activity: str
    spikes: Spikes
    chip: Chip
    repairs: tuple[str, ...] = ()
    multicast: Multicast | None = None


def compile_network(network: Network, chip: Chip, options: MapOptions) -> Mapping:
    """Map ``network`` (integer) onto ``chip``.

    Raises:
        InputError: the network is not made for this chip, or an option is wrong.
        DoesNotFitError: it does not fit; :class:`mapper.infeasible.InfeasibleError` has the numbers.
    """
    legal, spikes = legalise(network, chip, spikes_of(network, options))
    anatomy = Anatomy(legal, spikes)
    options.say(f"partitioning {len(anatomy.layers)} layers, {legal.n_neurons} neurons")
    fabric = build_fabric(chip)
    if options.cores is not None:
        cut, core = partition_as_given(anatomy, fabric, options.cores)
        flows = cluster_flows(anatomy, cut.clusters)
        placement = place_as_given(cut, core, flows, fabric, legal.name)
    else:
        cut = partition(Problem(anatomy, chip, capacity.core_kinds(chip), options), chip_digest(chip))
        options.say(f"placing {len(cut.clusters)} clusters")
        flows = cluster_flows(anatomy, cut.clusters)
        by_trees = options.place_for in TREES
        nets = cluster_nets(anatomy, cut.clusters) if by_trees else None
        placement = place_whole(cut, flows, fabric, options, legal.name, nets)
    options.say("routing and writing tables")
    routes = route(flows, placement, fabric, options.repair)
    repairs: list[str] = []
    if routes.table is not None and chip.defects is None and routes.verdict != "free":
        routes = route(flows, placement, fabric, untie=False)  # tables that do not suffice are of no use
    if routes.table is not None:
        placement, repairs = by_tables(flows, placement, routes, fabric, options)
        routes = replace(routes, placement_digest=digest(placement))
    if options.repair and routes.verdict == "cyclic" and not _has_detours(chip):
        cycle = describe_cycle(chip, flows, placement)
        repaired = repair(cut, flows, placement, chip, options, legal.name)
        if repaired is not None:
            chip, fabric, repairs = repaired.chip, build_fabric(repaired.chip), [cycle, repaired.what]
            cut, placement = _on_chip(cut, repaired.placement, chip)
            routes = route(flows, placement, fabric)
    program = emit(anatomy, chip, cut, placement, routes)
    multicast = None
    if options.multicast and chip.router.multicast_entries is not None:
        program, multicast = with_trees(program, replace(fabric, table=routes.table), spikes)
    activity = describe_activity(network, legal, options)
    return Mapping(
        legal, cut, placement, routes, program, activity, spikes, chip, tuple(repairs), multicast
    )


def _has_detours(chip: Chip) -> bool:
    """Whether routers' tables lead round what is dead, so that a repair must not undo it."""
    return chip.defects is not None and chip.router.table_entries is not None


def _on_chip(cut: Partition, placement: Placement, chip: Chip) -> tuple[Partition, Placement]:
    """The same partition and placement with the digests of ``chip``."""
    number = chip_digest(chip)
    cut = replace(cut, chip_digest=number)
    return cut, replace(placement, partition_digest=digest(cut), chip_digest=number)


def place_whole(
    cut: Partition, flows: Flows, fabric: Fabric, options: MapOptions, network_name: str,
    nets: Nets | None = None,
) -> Placement:  # fmt: skip
    """Place as if every link worked; then tables lead flows round dead ones, or clusters move aside.

    Without ``options.repair`` tables are for what is dead only, not for cycles of dependencies.
    """
    if fabric.chip.defects is None:
        return place(cut, flows, fabric, options, network_name, nets)
    whole = build_fabric(fabric.chip, with_defects=False)
    placement = place(cut, flows, whole, options, network_name, nets)
    found = ways(fabric, flows, placement.core, untie=options.repair)
    if found is None:
        core, moved = place_around(cut, placement.core, flows, fabric, whole, options.repair)
        if moved:
            report = _moved_report(placement, core, flows, whole, moved)
            placement = replace(placement, core=core, solver=(*placement.solver, report))
        found = ways(fabric, flows, core, True, options.repair)
    if found is None:
        return placement
    report = ways_report(found, placement.core, flows, fabric, whole)
    return replace(placement, solver=(*placement.solver, report))


def _moved_report(
    placement: Placement, core: IntArray, flows: Flows, whole: Fabric, moved: int
) -> SolverReport:
    """What the way round the dead links costs; the cost of the unhindered placement is its bound."""
    costs = []
    for cores in (core, placement.core):
        place_of = np.append(cores, HOST)
        hops = walked(whole, place_of[flows.source], place_of[flows.target])[0]
        costs.append(float((hops * flows.spikes).sum()))
    return SolverReport(
        "around defects", "moves and swaps", "heuristic", costs[0], min(costs),
        f"{moved} clusters moved; bound: the same placement if no link were dead",
    )  # fmt: skip
