"""Checks a Partition: every neuron in one cluster, demands recounted, every cluster fits some core."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from mapper.check.counting import Counting, cheapest_words, shorten
from neurosim.artefacts.mapping import Cluster, Demand, Partition, Scattered
from neurosim.chip.capacity import CoreCapacity, tile_capacity
from neurosim.chip.defects import dead_parts
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.network.connections import Conv
from neurosim.network.model import IntNeuron, Network, as_chw
from neurosim.store import digest

IntArray = NDArray[np.int64]
RESOURCES = ("neurons", "axons", "synapse_words", "target_entries")


def check_partition(partition: Partition, network: Network, chip: Chip) -> list[str]:
    """Problems of ``partition`` as a partition of ``network`` for ``chip``."""
    problems = []
    if partition.network_digest != digest(network):
        problems.append("the partition was made for another network")
    if partition.chip_digest != chip_digest(chip):
        problems.append("the partition was made for another chip")
    boxes = _check_boxes(partition, network)
    if boxes:
        return problems + boxes
    counting = Counting(network)
    problems += _check_cover(partition, counting)
    entries = count_entries(partition, counting)
    kinds = core_kinds(chip)
    wrong = []
    for number, cluster in enumerate(partition.clusters):
        demand = recount(cluster, counting, chip, entries)
        wrong += _compare(number, cluster.demand, demand)
        if not any(fits(demand, kind) for kind, _ in kinds):
            wrong.append(f"cluster {number} fits on no core of the chip: it takes {demand}")
    if len(partition.clusters) > sum(n for _, n in kinds):
        problems.append(
            f"{len(partition.clusters)} clusters, but the chip has {sum(n for _, n in kinds)} neuron cores"
        )
    return problems + shorten(wrong)


def fits(demand: Demand, kind: CoreCapacity) -> bool:
    """Whether a demand is within a core's capacities."""
    return all(getattr(demand, r) <= getattr(kind, r) for r in RESOURCES)


def core_kinds(chip: Chip) -> list[tuple[CoreCapacity, int]]:
    """Capacities of neuron cores with the number of such cores that work."""
    counts: dict[CoreCapacity, int] = {}
    dead = dead_parts(chip)
    for y in range(chip.system.chips_y * chip.mesh.height):
        for x in range(chip.system.chips_x * chip.mesh.width):
            kind = tile_capacity(chip, x, y)
            if kind.is_neuron_core:
                tile = y * chip.system.chips_x * chip.mesh.width + x
                first = tile * chip.mesh.cores_per_tile
                own = range(first, first + chip.mesh.cores_per_tile)
                alive = sum(dead is None or not dead.core[core] for core in own)
                counts[kind] = counts.get(kind, 0) + alive
    return list(counts.items())


def _check_boxes(partition: Partition, network: Network) -> list[str]:
    problems = []
    names = {p.name for p in network.populations if not p.is_input}
    for number, cluster in enumerate(partition.clusters):
        for piece in cluster.slices:
            if piece.population not in names:
                problems.append(f"cluster {number} holds '{piece.population}', which is no layer")
                continue
            shape = as_chw(network.population(piece.population).shape)
            for (low, high), size in zip((piece.c, piece.y, piece.x), shape, strict=True):
                if not 0 <= low < high <= size:
                    problems.append(f"cluster {number}: a slice of '{piece.population}' leaves {shape}")
                    break
            if isinstance(piece, Scattered):
                problems += _check_members(number, piece, shape, network)
    return shorten(problems)


def _check_members(
    number: int, piece: Scattered, shape: tuple[int, int, int], network: Network
) -> list[str]:
    """Ascending neurons of the population whose least box is the slice's, and no convolution into it."""
    where, n = f"cluster {number}: the scattered neurons of '{piece.population}'", math.prod(shape)
    if list(piece.members) != sorted(set(piece.members)) or not piece.members:
        return [f"{where} do not ascend"]
    if piece.members[0] < 0 or piece.members[-1] >= n:
        return [f"{where} are not all below {n}"]
    axes = np.unravel_index(np.array(piece.members), shape)
    if [(int(a.min()), int(a.max()) + 1) for a in axes] != [piece.c, piece.y, piece.x]:
        return [f"{where} do not fill the slice's box"]
    if any(isinstance(p.connection, Conv) for p in network.into(piece.population)):
        return [f"{where} are fed by a convolution, which reaches boxes only"]
    return []


def _check_cover(partition: Partition, counting: Counting) -> list[str]:
    times = {p.name: np.zeros(p.n, np.int64) for p in counting.network.populations if not p.is_input}
    for cluster in partition.clusters:
        for piece in cluster.slices:
            times[piece.population][counting.neurons(piece)] += 1
    problems = []
    for name, count in times.items():
        for neuron in np.flatnonzero(count != 1).tolist():
            problems.append(f"neuron {neuron} of '{name}' is in {count[neuron]} slices, must be in one")
    return shorten(problems)


def count_entries(partition: Partition, counting: Counting) -> dict[str, IntArray]:
    """By population, the target entries of every neuron."""
    network = counting.network
    entries = {p.name: np.zeros(p.n, np.int64) for p in network.populations}
    for cluster in partition.clusters:
        for piece in cluster.slices:
            for projection in counting.into[piece.population]:
                axons = counting.reached(projection, piece)[0]
                entries[projection.source][counting.sources(projection, axons)] += 1
    for name in network.outputs:
        neuron = network.population(name).neuron
        if isinstance(neuron, IntNeuron) and neuron.reset != "none":
            entries[name] += 1
    return entries


def recount(
    cluster: Cluster, counting: Counting, chip: Chip,
    entries: dict[str, IntArray],
) -> Demand:
    """The demand of a cluster, counted from the network."""
    neurons = axons = words = targets = 0
    weight_bits = counting.network.weight_bits
    assert weight_bits is not None
    for piece in cluster.slices:
        mine = counting.neurons(piece)
        neurons += len(mine)
        words += len(mine) * chip.core.state_words_per_neuron
        targets += int(entries[piece.population][mine].sum())
        for projection in counting.into[piece.population]:
            synapses = counting.reached(projection, piece)[1]
            if len(synapses):
                axons += len(synapses)
                channels = piece.c[1] - piece.c[0]
                words += cheapest_words(projection, chip.core, weight_bits, len(mine), channels, synapses)
    return Demand(neurons, axons, words, targets)


def _compare(number: int, said: Demand, counted: Demand) -> list[str]:
    return [
        f"cluster {number} says {getattr(said, r)} {r}, counted {getattr(counted, r)}"
        for r in RESOURCES
        if getattr(said, r) != getattr(counted, r)
    ]
