"""Target tables: for every neuron, the packets that one of its spikes becomes.

Reads where each slice's axons lie; writes one table per core and one for the host.  Entries of a neuron
are sorted by destination core, then axon; the host (-1) comes first.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper.anatomy import Anatomy
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import TargetTable
from neurosim.network.model import Projection

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Landing:
    """The axons of one block: ``axons`` (n,) pooled indices, ``first`` of them on core ``core``."""

    core: int
    first: int
    axons: IntArray


def entries_of(
    anatomy: Anatomy, name: str, landings: dict[str, list[Landing]], host_axon: int | None
) -> tuple[IntArray, IntArray, IntArray]:
    """(neuron, core, axon) of all entries of a population, sorted in order of sending.

    ``landings`` by projection name; ``host_axon`` is the host's number of the population's first
    neuron, None if it does not send there.
    """
    n = anatomy.population(name).n
    parts: list[tuple[IntArray, IntArray, IntArray]] = []
    for projection in anatomy.out_of(name):
        parts += [_one(anatomy, projection, landing) for landing in landings[projection.name]]
    if host_axon is not None:
        own = np.arange(n)
        parts.append((own, np.full(n, HOST, np.int64), own + host_axon))
    if not parts:
        none = np.zeros(0, np.int64)
        return none, none, none
    neuron, core, axon = (np.concatenate([p[k] for p in parts]) for k in range(3))
    order = np.lexsort((axon, core, neuron))
    return neuron[order], core[order], axon[order]


def _one(
    anatomy: Anatomy, projection: Projection, landing: Landing
) -> tuple[IntArray, IntArray, IntArray]:
    if projection.pool is None:
        axons = landing.first + np.arange(len(landing.axons))
        return landing.axons, np.full(len(axons), landing.core, np.int64), axons
    local = np.full(projection.connection.n_in, -1, np.int64)
    local[landing.axons] = landing.first + np.arange(len(landing.axons))
    pooled = anatomy.source_axon(projection)
    axon = np.where(pooled >= 0, local[np.maximum(pooled, 0)], -1)
    neuron = np.flatnonzero(axon >= 0)
    return neuron, np.full(len(neuron), landing.core, np.int64), axon[neuron]


@dataclass(frozen=True)
class Entries:
    """All entries of a population: those of neuron ``i`` are ``first[i] .. first[i + 1]``."""

    first: IntArray
    core: IntArray
    axon: IntArray


def indexed(entries: tuple[IntArray, IntArray, IntArray], n: int) -> Entries:
    """The sorted (neuron, core, axon) of a population of ``n`` neurons, with where each neuron's begin."""
    neuron, core, axon = entries
    return Entries(np.concatenate([[0], np.cumsum(np.bincount(neuron, minlength=n))]), core, axon)


def table(entries: Entries, neurons: IntArray) -> TargetTable:
    """The table of ``neurons`` (indices in the population), in their order."""
    first = entries.first[neurons]
    mine = entries.first[neurons + 1] - first
    pointer = np.concatenate([[0], np.cumsum(mine)]).astype(np.int64)
    index = np.repeat(first - pointer[:-1], mine) + np.arange(pointer[-1])
    return TargetTable(pointer, entries.core[index], entries.axon[index])


def join(tables: list[TargetTable]) -> TargetTable:
    """Tables one after the other."""
    pointers, shift = [np.zeros(1, np.int64)], 0
    for part in tables:
        pointers.append(part.pointer[1:] + shift)
        shift += int(part.pointer[-1])
    none = [np.zeros(0, np.int64)]
    return TargetTable(
        np.concatenate(pointers),
        np.concatenate([*none, *(t.core for t in tables)]),
        np.concatenate([*none, *(t.axon for t in tables)]),
    )
