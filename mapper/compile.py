"""The mapping compiler: an integer network and a chip in, partition, placement, routes and program out.

Each stage is a function of the one before; every artefact can be saved, loaded and checked on its own
(:mod:`mapper.check`).  Same network, chip and options: same bytes.
"""

from __future__ import annotations

from dataclasses import dataclass

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.legalise import legalise
from mapper.options import MapOptions, describe_activity, spikes_of
from mapper.partition import Problem, partition
from mapper.place import place
from mapper.route import route
from mapper.route.flows import cluster_flows
from mapper.tables import emit
from neurosim.artefacts.mapping import Partition, Placement, Routes
from neurosim.artefacts.program import Program
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.fabric.topology import build_fabric
from neurosim.network.model import Network


@dataclass(frozen=True)
class Mapping:
    """A mapped network.

    ``network`` is the network as mapped (populations reshaped or split where needed; spikes of the
    populations that the user named are unchanged); ``activity`` says what traffic was weighed with.
    """

    network: Network
    partition: Partition
    placement: Placement
    routes: Routes
    program: Program
    activity: str


def compile_network(network: Network, chip: Chip, options: MapOptions) -> Mapping:
    """Map ``network`` (integer) onto ``chip``.

    Raises:
        InputError: the network is not made for this chip, or an option is wrong.
        DoesNotFitError: it does not fit; :class:`mapper.infeasible.InfeasibleError` has the numbers.
    """
    legal, spikes = legalise(network, chip, spikes_of(network, options))
    anatomy = Anatomy(legal, spikes)
    options.say(f"partitioning {len(anatomy.layers)} layers, {legal.n_neurons} neurons")
    cut = partition(Problem(anatomy, chip, capacity.core_kinds(chip), options), chip_digest(chip))
    options.say(f"placing {len(cut.clusters)} clusters")
    flows = cluster_flows(anatomy, cut.clusters)
    fabric = build_fabric(chip)
    placement = place(cut, flows, fabric, options, legal.name)
    options.say("routing and writing tables")
    routes = route(flows, placement, fabric)
    program = emit(anatomy, chip, cut, placement, routes)
    return Mapping(legal, cut, placement, routes, program, describe_activity(network, legal, options))
