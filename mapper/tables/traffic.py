"""What a program's target tables send: packets to cores and to trees, and where these end up.

Reads a program and expected spikes; writes arrays.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.artefacts.tree_table import FIRST_TREE, TreeTable
from neurosim.fabric.trees import arrivals

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Traffic:
    """``packets[k]`` expected per sample from ``source[k]`` to ``target[k]``: a core, HOST, or a tree."""

    source: IntArray
    target: IntArray
    packets: FloatArray


def senders(
    program: Program, spikes: Mapping[str, FloatArray]
) -> list[tuple[int, TargetTable, FloatArray]]:
    """The host and every core: number, target table, expected spikes of each neuron that the table is of."""
    tables = [(HOST, program.host, [spikes[name] for name, _ in program.inputs])]
    for image in program.cores:
        tables.append((image.core, image.targets, [spikes[g.population][g.neurons] for g in image.groups]))
    return [(core, table, np.concatenate([np.zeros(0), *held])) for core, table, held in tables]


def traffic(program: Program, spikes: Mapping[str, FloatArray]) -> Traffic:
    """What is sent, each pair once, by source and target; ``spikes`` per neuron and sample by population."""
    parts: list[tuple[IntArray, IntArray, FloatArray]] = []
    for source, table, weights in sorted(senders(program, spikes), key=lambda sender: sender[0]):
        packets = np.repeat(weights, np.diff(table.pointer))
        targets, index = np.unique(table.core, return_inverse=True)
        sums = np.bincount(index, weights=packets, minlength=len(targets)).astype(np.float64)
        parts.append((np.full(len(targets), source, np.int64), targets, sums))
    sources, goals, packets = (np.concatenate([p[k] for p in parts]) for k in range(3))
    return Traffic(sources.astype(np.int64), goals.astype(np.int64), packets.astype(np.float64))


def spread(table: TargetTable, trees: TreeTable | None) -> TargetTable:
    """``table`` with the leaves of its trees in their place: one entry per packet that arrives, in order."""
    if trees is None or not (table.core <= FIRST_TREE).any():
        return table
    entry, core, axon = arrivals(trees, table.core, table.axon)
    neuron = np.repeat(np.arange(len(table.pointer) - 1), np.diff(table.pointer))[entry]
    order = np.lexsort((axon, core, neuron))
    pointer = np.append(0, np.cumsum(np.bincount(neuron, minlength=len(table.pointer) - 1)))
    return TargetTable(pointer.astype(np.int64), core[order], axon[order])
