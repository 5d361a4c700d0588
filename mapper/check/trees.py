"""Checks multicast trees: limits, and that packets come to the leaves of their tree, once, and nowhere else.

Follows each tree from each of its senders by coordinates, the chip's dead parts and the entries alone; it
shares no walk, no wiring and no lookup with the fabric or the mapper.  :func:`alone` gives the program that
sends to all leaves singly, by which the other checks see what arrives where.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mapper.check.counting import shorten
from mapper.check.table import Place, Ways
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.artefacts.tree_table import TreeTable
from neurosim.chip.models import Chip
from neurosim.rules import ports

IntArray = NDArray[np.int64]


def check_trees(program: Program, chip: Chip) -> list[str]:
    """Problems of a program's multicast trees, and of who sends to them."""
    tables = [(HOST, program.host), *((image.core, image.targets) for image in program.cores)]
    named = [(source, target) for source, table in tables for target in np.unique(table.core).tolist()]
    sends = sorted((-2 - target, source) for source, target in named if target < HOST)
    trees = program.trees
    if trees is None:
        return shorten(
            [f"{name_of(source)} sends to tree {tree}, but there are no trees" for tree, source in sends]
        )
    limit, bits = chip.router.multicast_entries, chip.packet.tree_bits
    if limit is None or bits is None:
        return [f"the program has multicast trees, which chip '{chip.name}' does not have"]
    problems = _check_entries(trees, chip, limit, bits)
    for tree, source in sends:
        if tree >= trees.n_trees:
            problems.append(f"{name_of(source)} sends to tree {tree}; there are {trees.n_trees}")
    if problems:
        return shorten(problems)
    asked = {tree for tree, _ in sends}
    problems += [f"nobody sends to tree {tree}" for tree in range(trees.n_trees) if tree not in asked]
    walk = _Walk(chip, trees)
    for tree, source in sends:
        problems += walk.follow(tree, source)
    for tree, place in sorted(set(walk.entries) - walk.met) if not problems else ():
        problems.append(f"router {place} has an entry for tree {tree}, of which no packet comes there")
    return shorten(problems)


def name_of(core: int) -> str:
    """``core 3``, or ``the host``."""
    return "the host" if core == HOST else f"core {core}"


def _check_entries(trees: TreeTable, chip: Chip, limit: int, bits: int) -> list[str]:
    problems = []
    width, height = chip.system.chips_x * chip.mesh.width, chip.system.chips_y * chip.mesh.height
    if trees.n_trees > 1 << bits:
        problems.append(f"there are {trees.n_trees} trees, packet.tree_bits {bits} can number {1 << bits}")
    columns = {
        "multicast entries": (trees.router, trees.tree, trees.ports),
        "trees' leaves": (trees.leaf_tree, trees.leaf_core, trees.leaf_axon),
    }
    for name, rows in columns.items():
        pairs = list(zip(*(r.tolist() for r in rows[:2]), strict=False))
        if len({len(r) for r in rows}) > 1 or pairs != sorted(set(pairs)):
            problems.append(f"the {name} do not ascend, each once")
    for router, n in sorted(Counter(trees.router.tolist()).items()):
        if not 0 <= router < width * height:
            problems.append(f"a multicast entry lies at router {router}, which does not exist")
        elif n > limit:
            place = (router % width, router // width)
            problems.append(f"router {place} has {n} multicast entries, the chip allows {limit}")
    for name, numbers in (("multicast entry", trees.tree), ("leaf", trees.leaf_tree)):
        for tree in sorted({t for t in numbers.tolist() if not 0 <= t < trees.n_trees}):
            problems.append(f"a {name} is of tree {tree}; there are {trees.n_trees}")
    return problems


class _Walk:
    """A chip with trees; ``met`` are the entries (tree, place) that some packet came to."""

    def __init__(self, chip: Chip, trees: TreeTable) -> None:
        self.chip, self.ways = chip, Ways(chip, None)
        width = self.ways.width
        rows = zip(trees.router.tolist(), trees.tree.tolist(), trees.ports.tolist(), strict=True)
        self.entries = {(tree, (router % width, router // width)): mask for router, tree, mask in rows}
        self.leaves: dict[int, set[int]] = {tree: set() for tree in range(trees.n_trees)}
        for tree, core in zip(trees.leaf_tree.tolist(), trees.leaf_core.tolist(), strict=True):
            self.leaves[tree].add(core)
        self.met: set[tuple[int, Place]] = set()

    def follow(self, tree: int, source: int) -> list[str]:
        """What is wrong with the tree's packets from ``source``."""
        who, at = f"tree {tree} from {name_of(source)}", self.ways.end(source)
        if (tree, at) not in self.entries:
            return [f"{who} starts at router {at}, which has no entry for it"]
        todo: list[tuple[Place, int | None]] = [(at, None)]
        seen, reached = {at}, dict[int, Place]()
        for here, came in todo:
            for port in self._ports(tree, here, came):
                end = self._end(here, port)
                if end is not None:
                    reached[end] = here
                    continue
                there = self.ways.next(here, port) if port < ports.LOCAL else None
                if there is None:
                    return [f"{who} goes {ports.port_name(port)} at router {here}, where nothing hangs"]
                if there in seen:
                    return [f"{who} comes to router {there} twice"]
                seen.add(there)
                todo.append((there, ports.OPPOSITE[port]))
        wrong = sorted(set(reached) - self.leaves[tree])
        lost = sorted(self.leaves[tree] - set(reached))
        return [
            *(f"{who} comes to {name_of(c)} at router {reached[c]}, which is no leaf of it" for c in wrong),
            *(f"{who} does not come to its leaf {name_of(c)} at router {self.ways.end(c)}" for c in lost),
        ]

    def _ports(self, tree: int, here: Place, came: int | None) -> list[int]:
        mask = self.entries.get((tree, here))
        if mask is None:
            return [] if came is None else [ports.OPPOSITE[came]]
        self.met.add((tree, here))
        return [port for port in range(mask.bit_length()) if mask >> port & 1]

    def _end(self, here: Place, port: int) -> int | None:
        """The core or the host behind a port; None for a link or nothing."""
        host, per_tile = self.chip.host, self.chip.mesh.cores_per_tile
        if host is not None and (*here, ports.port_name(port)) == (host.x, host.y, host.side):
            return HOST
        if ports.LOCAL <= port < ports.LOCAL + per_tile:
            return (here[1] * self.ways.width + here[0]) * per_tile + port - ports.LOCAL
        return None


def alone(program: Program) -> Program:
    """``program`` with an entry for every leaf in place of its trees'; what has no legal pointers stays."""
    if program.trees is None:
        return program
    images = [replace(image, targets=_alone(image.targets, program.trees)) for image in program.cores]
    return replace(program, host=_alone(program.host, program.trees), cores=tuple(images))


def _alone(table: TargetTable, trees: TreeTable) -> TargetTable:
    lengths = {len(table.core), len(table.axon), int(table.pointer[-1])}
    if (np.diff(table.pointer) < 0).any() or table.pointer[0] != 0 or len(lengths) > 1:
        return table
    neuron = np.repeat(np.arange(len(table.pointer) - 1), np.diff(table.pointer))
    single = table.core >= HOST
    rows = [np.stack([neuron, table.core, table.axon])[:, single]]
    for target in np.unique(table.core[~single]).tolist():
        mine = table.core == target
        for leaf in np.flatnonzero(trees.leaf_tree == -2 - target).tolist():
            core = np.full(int(mine.sum()), int(trees.leaf_core[leaf]))
            rows.append(np.stack([neuron[mine], core, table.axon[mine] + int(trees.leaf_axon[leaf])]))
    both = np.concatenate(rows, axis=1)
    both = both[:, np.lexsort(both[::-1])]
    counts = np.bincount(both[0], minlength=len(table.pointer) - 1)
    return TargetTable(np.append(0, np.cumsum(counts)).astype(np.int64), both[1], both[2])
