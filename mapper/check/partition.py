"""Checks a Partition: every neuron in one cluster, demands recounted, every cluster fits some core."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.check.counting import cheapest_words, neurons_of, senders, shorten, synapses_per_axon
from neurosim.artefacts.mapping import Cluster, Demand, Partition, Slice
from neurosim.chip.capacity import CoreCapacity, tile_capacity
from neurosim.chip.defects import dead_parts
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
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
    problems += _check_cover(partition, network)
    entries = count_entries(partition, network)
    kinds = core_kinds(chip)
    wrong = []
    for number, cluster in enumerate(partition.clusters):
        demand = recount(cluster, network, chip, entries)
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
    return shorten(problems)


def _check_cover(partition: Partition, network: Network) -> list[str]:
    times = {p.name: np.zeros(p.n, np.int64) for p in network.populations if not p.is_input}
    for cluster in partition.clusters:
        for piece in cluster.slices:
            times[piece.population][neurons_of(piece, network)] += 1
    problems = []
    for name, count in times.items():
        for neuron in np.flatnonzero(count != 1).tolist():
            problems.append(f"neuron {neuron} of '{name}' is in {count[neuron]} slices, must be in one")
    return shorten(problems)


def count_entries(partition: Partition, network: Network) -> dict[str, IntArray]:
    """By population, the target entries of every neuron."""
    entries = {p.name: np.zeros(p.n, np.int64) for p in network.populations}
    for projection in network.projections:
        source, axon = senders(projection, network)
        for piece in _slices(partition, projection.target):
            reaches = synapses_per_axon(projection, piece, network) > 0
            np.add.at(entries[projection.source], source[reaches[axon]], 1)
    for name in network.outputs:
        neuron = network.population(name).neuron
        if isinstance(neuron, IntNeuron) and neuron.reset != "none":
            entries[name] += 1
    return entries


def _slices(partition: Partition, population: str) -> list[Slice]:
    return [s for c in partition.clusters for s in c.slices if s.population == population]


def recount(
    cluster: Cluster, network: Network, chip: Chip,
    entries: dict[str, IntArray],
) -> Demand:
    """The demand of a cluster, counted from the network."""
    neurons = axons = words = targets = 0
    assert network.weight_bits is not None
    for piece in cluster.slices:
        mine = neurons_of(piece, network)
        neurons += len(mine)
        words += len(mine) * chip.core.state_words_per_neuron
        targets += int(entries[piece.population][mine].sum())
        for projection in network.into(piece.population):
            synapses = synapses_per_axon(projection, piece, network)
            synapses = synapses[synapses > 0]
            if len(synapses):
                axons += len(synapses)
                channels = piece.c[1] - piece.c[0]
                words += cheapest_words(
                    projection, chip.core, network.weight_bits, len(mine), channels, synapses
                )
    return Demand(neurons, axons, words, targets)


def _compare(number: int, said: Demand, counted: Demand) -> list[str]:
    return [
        f"cluster {number} says {getattr(said, r)} {r}, counted {getattr(counted, r)}"
        for r in RESOURCES
        if getattr(said, r) != getattr(counted, r)
    ]
