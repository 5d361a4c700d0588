"""Programs with multicast trees, made from unicast programs without the mapper's help.

Every neuron that sends to two cores or more gets a tree; its ways are the union of the unicast ways.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.artefacts.tree_table import as_target, make_trees
from neurosim.chip.loader import load_chip_text
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rules.ports import OPPOSITE

Shape = tuple[int, tuple[tuple[int, int], ...]]  # sender; (core, leaf axon) of every leaf


def with_trees(program: Program, every: int = 1, omit_straight: bool = True) -> Program:
    """``program`` with trees for every ``every``-th neuron that has two destination cores or more.

    The program's chip must have multicast with room enough.  Without ``omit_straight`` a router that only
    passes a tree's packets straight on has an entry all the same.
    """
    fabric = build_fabric(load_chip_text(program.chip_yaml, "program"), table=program.table)
    numbers: dict[Shape, int] = {}
    host = _table(HOST, program.host, numbers, every)
    cores = tuple(replace(c, targets=_table(c.core, c.targets, numbers, every)) for c in program.cores)
    entries: dict[tuple[int, int], int] = {}
    leaves: dict[tuple[int, int], int] = {}
    for (source, ends), tree in numbers.items():
        leaves |= {(tree, core): axon for core, axon in ends}
        for router, mask in _ways(fabric, source, [core for core, _ in ends], omit_straight).items():
            entries[router, tree] = mask
    return replace(program, host=host, cores=cores, trees=make_trees(entries, leaves))


def _table(source: int, table: TargetTable, numbers: dict[Shape, int], every: int) -> TargetTable:
    """``table`` with one entry for a tree in the place of the entries that are its leaves."""
    pointer, core, axon = [0], list[int](), list[int]()
    for neuron, (first, last) in enumerate(zip(table.pointer[:-1], table.pointer[1:], strict=True)):
        rows = list(zip(table.core[first:last].tolist(), table.axon[first:last].tolist(), strict=True))
        ends = dict(reversed(rows))  # the first axon of each core
        if len(ends) > 1 and neuron % every == 0:
            sent = min(ends.values())
            shape = (source, tuple((c, ends[c] - sent) for c in sorted(ends)))
            tree = numbers.setdefault(shape, len(numbers))
            rest = [(c, a) for c, a in rows if ends[c] != a]
            rows = [(as_target(tree), sent), *rest]
        core += [c for c, _ in rows]
        axon += [a for _, a in rows]
        pointer.append(len(core))
    return TargetTable(np.array(pointer, np.int64), np.array(core, np.int64), np.array(axon, np.int64))


def _ways(fabric: Fabric, source: int, cores: list[int], omit_straight: bool) -> dict[int, int]:
    """Mask of output ports by router, of the union of the ways from ``source`` to ``cores``."""
    masks: dict[int, int] = {}
    came_by: dict[int, int] = {}
    for core in cores:
        for router, in_port, _, out_port, _ in fabric.walk(source, core):
            assert came_by.setdefault(router, in_port) == in_port, "the ways are no tree"
            masks[router] = masks.get(router, 0) | 1 << out_port
    if not omit_straight:
        return masks
    first, ends = fabric.tile_of(source), {fabric.tile_of(core) for core in cores}
    return {
        router: mask
        for router, mask in masks.items()
        if router == first or router in ends or mask != 1 << OPPOSITE[came_by[router]]
    }
