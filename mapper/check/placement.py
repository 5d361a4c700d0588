"""Checks a Placement: one core per cluster, capacities of that very core, and reach of all packets."""

from __future__ import annotations

import numpy as np

from mapper.check.counting import Counting, shorten
from mapper.check.partition import count_entries, fits, recount
from neurosim.artefacts.mapping import HOST, Partition, Placement
from neurosim.chip.capacity import tile_capacity
from neurosim.chip.defects import dead_parts
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.network.model import IntNeuron, Network
from neurosim.store import digest


def check_placement(
    placement: Placement, partition: Partition, network: Network, chip: Chip
) -> list[str]:
    """Problems of ``placement`` as a placement of ``partition`` on ``chip``."""
    problems = []
    if placement.partition_digest != digest(partition):
        problems.append("the placement was made for another partition")
    if placement.chip_digest != chip_digest(chip):
        problems.append("the placement was made for another chip")
    if placement.core.shape != (len(partition.clusters),):
        return [*problems, f"{len(partition.clusters)} clusters, but {placement.core.size} places"]
    width = chip.system.chips_x * chip.mesh.width
    n_cores = width * chip.system.chips_y * chip.mesh.height * chip.mesh.cores_per_tile
    counting = Counting(network)
    entries = count_entries(partition, counting)
    seen: dict[int, int] = {}
    dead = dead_parts(chip)
    for number, core in enumerate(placement.core.tolist()):
        if not 0 <= core < n_cores:
            problems.append(f"cluster {number} is on core {core}, the chip has {n_cores}")
            continue
        if core in seen:
            problems.append(f"clusters {seen[core]} and {number} are both on core {core}")
        seen[core] = number
        if dead is not None and dead.core[core]:
            problems.append(f"cluster {number} is on core {core}, which is dead")
        tile = core // chip.mesh.cores_per_tile
        kind = tile_capacity(chip, tile % width, tile // width)
        if not kind.is_neuron_core:
            problems.append(f"cluster {number} is on core {core}, which is no neuron core")
            continue
        demand = recount(partition.clusters[number], counting, chip, entries)
        if not fits(demand, kind):
            problems.append(f"cluster {number} does not fit on core {core}: it takes {demand}")
    if (placement.core < 0).any() or (placement.core >= n_cores).any():
        return shorten(problems)
    return shorten(problems) + _check_reach(placement, partition, network, chip)


def _check_reach(
    placement: Placement, partition: Partition, network: Network, chip: Chip
) -> list[str]:
    problems = []
    for source, target in sorted(connected(placement, partition, network)):
        if not can_reach(chip, source, target):
            a, b = ("the host" if core == HOST else f"core {core}" for core in (source, target))
            problems.append(f"{a} cannot address {b}: it is out of reach")
    return shorten(problems)


def can_reach(chip: Chip, source: int, target: int) -> bool:
    """Whether a packet from one core (or HOST) can be addressed to another."""
    width = chip.system.chips_x * chip.mesh.width
    height = chip.system.chips_y * chip.mesh.height
    places = []
    for core in (source, target):
        if core == HOST:
            assert chip.host is not None
            places.append((chip.host.x, chip.host.y))
        else:
            tile = core // chip.mesh.cores_per_tile
            places.append((tile % width, tile // width))
    for axis, (limit, size) in enumerate(((chip.reach.x_hops, width), (chip.reach.y_hops, height))):
        steps = abs(places[0][axis] - places[1][axis])
        if chip.mesh.topology == "torus":
            steps = min(steps, size - steps)
        if limit is not None and steps > limit:
            return False
    return True


def connected(placement: Placement, partition: Partition, network: Network) -> set[tuple[int, int]]:
    """All (source core, target core) that packets can go between; HOST is -1."""
    counting = Counting(network)
    core_of = {p.name: np.full(p.n, HOST, np.int64) for p in network.populations}
    for number, cluster in enumerate(partition.clusters):
        for piece in cluster.slices:
            core_of[piece.population][counting.neurons(piece)] = placement.core[number]
    pairs = set()
    sends = np.zeros(int(placement.core.max(initial=0)) + 2, np.bool_)  # by core + 1, so HOST comes first
    for number, cluster in enumerate(partition.clusters):
        sends[:] = False
        for piece in cluster.slices:
            for projection in counting.into[piece.population]:
                axons = counting.reached(projection, piece)[0]
                sends[core_of[projection.source][counting.sources(projection, axons)] + 1] = True
        pairs |= {(core - 1, int(placement.core[number])) for core in np.flatnonzero(sends).tolist()}
    for name in network.outputs:
        neuron = network.population(name).neuron
        if isinstance(neuron, IntNeuron) and neuron.reset != "none":
            pairs |= {(core, HOST) for core in np.unique(core_of[name]).tolist()}
    return pairs
