"""What fits on a core: the only file of the mapper that knows it.

Reads a chip and a network's anatomy; gives the exact demand of a slice and the kinds of cores that a
chip has.  All four resources add up over the slices of a core, because an axon belongs to one slice::

    neurons         = neurons of the slice
    axons           = sum over projections of the distinct pooled sources with a synapse into it
    synapse_words   = sum over projections of the cheapest legal block, plus state words per neuron
    target_entries  = sum over its neurons of the slices (anywhere) that they reach, plus 1 per neuron
                      of a spiking output; depends on how the targets are cut, not on where they lie

A block takes ``axon_header_words`` per axon plus its weights: a whole row per axon (dense), a list per
axon with target indices (sparse), or one kernel however many axons there are (conv).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.anatomy import Anatomy, Profile
from mapper.parts import cut_off
from neurosim.artefacts.mapping import Demand, Slice
from neurosim.chip.capacity import tile_capacity
from neurosim.chip.defects import dead_parts
from neurosim.chip.models import Chip, Core
from neurosim.network.connections import Conv
from neurosim.network.model import Network, Population, Projection
from neurosim.rules import synapse
from neurosim.rules.neuron import RESET_NAMES, RESET_NONE

RESOURCES = ("neurons", "axons", "synapse_words", "target_entries")
RESOURCE_TEXT = {
    "neurons": "neurons per core",
    "axons": "axons per core",
    "synapse_words": "synapse words per core",
    "target_entries": "target entries per core",
}
UNSTORABLE_WORDS = 1 << 60
"""Words of a block that no format of the core can hold (a list whose indices are too narrow)."""

NOTHING = Demand(0, 0, 0, 0)


@dataclass(frozen=True)
class Kind:
    """Cores of equal capacity: ``cores`` are their global numbers, ascending."""

    name: str
    limit: Demand
    cores: tuple[int, ...]


def core_kinds(chip: Chip) -> tuple[Kind, ...]:
    """The chip's neuron cores that work, grouped by capacity, smallest synapse memory first.

    Cores on tiles that defects cut off from the host are none: no packet would reach them.
    """
    mesh, per_tile = chip.mesh, chip.mesh.cores_per_tile
    found: dict[tuple[str, Demand], NDArray[np.bool_]] = {}
    for y, x in np.ndindex(mesh.height, mesh.width):  # all chips are alike
        at = tile_capacity(chip, x, y)
        if at.is_neuron_core:
            limit = Demand(at.neurons, at.axons, at.synapse_words, at.target_entries)
            found.setdefault((at.kind, limit), np.zeros((mesh.height, mesh.width), np.bool_))[y, x] = True
    dead, away = dead_parts(chip), cut_off(chip)
    kinds = []
    for name, limit in sorted(found, key=lambda k: (k[1].synapse_words, k[1].axons, k[1].neurons, k)):
        tiles = np.tile(found[name, limit], (chip.system.chips_y, chip.system.chips_x)).reshape(-1)
        here = np.repeat(tiles, per_tile)
        if dead is not None:
            here &= ~dead.core[: len(here)]
        cores = np.flatnonzero(here if away is None else here & ~np.repeat(away, per_tile))
        if len(cores):
            kinds.append(Kind(name, limit, tuple(cores.tolist())))
    return tuple(kinds)


def fits(demand: Demand, limit: Demand) -> bool:
    """Whether every resource is within its limit."""
    return all(getattr(demand, r) <= getattr(limit, r) for r in RESOURCES)


def add(demands: Iterable[Demand]) -> Demand:
    """The sum of demands."""
    totals = dict.fromkeys(RESOURCES, 0)
    for demand in demands:
        for resource in RESOURCES:
            totals[resource] += getattr(demand, resource)
    return Demand(**totals)


def is_spiking(population: Population) -> bool:
    """Whether a population ever fires (a read-out with reset "none" does not)."""
    return population.neuron is None or population.neuron.reset != RESET_NAMES[RESET_NONE]


def host_entries(network: Network, name: str) -> int:
    """Target entries per neuron that go to the host."""
    return int(name in network.outputs and is_spiking(network.population(name)))


def legal_formats(core: Core, projection: Projection) -> tuple[int, ...]:
    """Codes of the formats in which a core can hold blocks of a projection."""
    names = [f for f in core.synapse_formats if f != "conv" or isinstance(projection.connection, Conv)]
    return tuple(sorted(synapse.FORMAT_NAMES.index(f) for f in names))


def block_words(
    fmt: int, core: Core, weight_bits: int, n_group: int, profile: Profile, kernel_size: int
) -> int:
    """Synapse memory words of a block, headers included (UNSTORABLE_WORDS if it cannot be)."""
    if fmt == synapse.FORMAT_SPARSE and n_group > 1 << core.index_bits:
        return UNSTORABLE_WORDS
    words = core.axon_header_words * profile.n_axons
    if fmt == synapse.FORMAT_CONV:
        return words + synapse.axon_words(fmt, kernel_size, weight_bits, core.index_bits, core.word_bits)
    if fmt == synapse.FORMAT_DENSE:
        row = synapse.axon_words(fmt, n_group, weight_bits, core.index_bits, core.word_bits)
        return words + row * profile.n_axons
    for n, count in zip(profile.synapses.tolist(), profile.count.tolist(), strict=True):
        words += count * synapse.axon_words(fmt, n, weight_bits, core.index_bits, core.word_bits)
    return words


def best_format(anatomy: Anatomy, core: Core, projection: Projection, piece: Slice) -> tuple[int, int]:
    """(format code, words) of the cheapest legal block; a tie goes to the fewest synaptic operations."""
    profile = anatomy.profile(projection, piece)
    kernel = anatomy.kernel_size(projection, piece)
    key = (projection.name, profile, kernel, piece.n, *_memory_layout(core))
    found = anatomy.formats.get(key)
    if found is None:
        found = anatomy.formats[key] = _cheapest(anatomy, core, projection, profile, kernel, piece.n)
    return found


def _cheapest(
    anatomy: Anatomy, core: Core, projection: Projection, profile: Profile, kernel_size: int, n_group: int
) -> tuple[int, int]:
    weight_bits = anatomy.network.weight_bits
    assert weight_bits is not None
    choices = []
    for fmt in legal_formats(core, projection):
        words = block_words(fmt, core, weight_bits, n_group, profile, kernel_size)
        dense = fmt == synapse.FORMAT_DENSE
        operations = profile.n_axons * n_group if dense else profile.n_synapses
        choices.append((words, operations, fmt))
    words, _, fmt = min(choices)
    return fmt, words


def _memory_layout(core: Core) -> tuple[object, ...]:
    """What a block's size depends on besides the network."""
    return core.synapse_formats, core.index_bits, core.word_bits, core.axon_header_words


def slice_demand(anatomy: Anatomy, core: Core, piece: Slice, target_entries: int = 0) -> Demand:
    """The exact demand of a slice, given its target entries (see :func:`with_entries`)."""
    key = (piece, target_entries, core.state_words_per_neuron, *_memory_layout(core))
    found = anatomy.demands.get(key)
    if found is None:
        axons, words = 0, core.state_words_per_neuron * piece.n
        for projection in anatomy.into(piece.population):
            n_axons = anatomy.profile(projection, piece).n_axons
            if n_axons:
                axons += n_axons
                words += best_format(anatomy, core, projection, piece)[1]
        found = anatomy.demands[key] = Demand(piece.n, axons, words, target_entries)
    return found


def with_entries(anatomy: Anatomy, pieces: list[Slice], demands: list[Demand]) -> list[Demand]:
    """``demands`` of all slices of a network, completed by their exact target entries."""
    by_population: dict[str, list[Slice]] = {}
    for piece in pieces:
        by_population.setdefault(piece.population, []).append(piece)
    entries = {
        layer.name: sum(
            (anatomy.fan_out(p, by_population[p.target]) for p in anatomy.out_of(layer.name)),
            start=0,
        )
        for layer in anatomy.layers
    }
    out = []
    for piece, demand in zip(pieces, demands, strict=True):
        mine = piece.neurons(anatomy.shape(piece.population))
        spread = entries[piece.population]
        total = 0 if isinstance(spread, int) else int(spread[mine].sum())
        total += piece.n * host_entries(anatomy.network, piece.population)
        out.append(Demand(demand.neurons, demand.axons, demand.synapse_words, total))
    return out
