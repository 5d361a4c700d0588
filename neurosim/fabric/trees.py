"""Multicast trees on a fabric: the way of their packets, whether they are sound, and what depends on what.

A packet of one flit is copied by the routers of its tree; every branch moves by itself, so a buffer waits for
each of its branches and holds none of them: the dependencies are those of one flow per leaf.  Reads a
:class:`~neurosim.fabric.topology.Fabric` with trees, and who sends to which; engines take their fabric from
:mod:`neurosim.fabric.tables`, which asks here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.tree_table import FIRST_TREE, TreeTable
from neurosim.fabric.channels import injection_channel, output_channel
from neurosim.fabric.topology import NOTHING, TO_CORE, TO_HOST, Fabric
from neurosim.rules import ports

IntArray = NDArray[np.int64]


class Hop(NamedTuple):
    """One copy leaves ``router``, where the packet came in by ``in_port`` and ``in_vc``."""

    router: int
    in_port: int
    in_vc: int
    out_port: int
    out_vc: int


def walk(fabric: Fabric, source: int, tree: int) -> Iterator[Hop]:
    """All hops of a packet that ``source`` (a core, or HOST) sends to ``tree``, breadth first.

    A router that is reached a second time is not left again, and nothing goes on where nothing hangs.
    """
    waiting, seen = [(fabric.tile_of(source), fabric.port_of(source), 0)], set[int]()
    for router, in_port, in_vc in waiting:
        if router in seen:
            continue
        seen.add(router)
        mask = fabric.branches(router, tree, in_port)
        for port in range(fabric.n_ports):
            if mask >> port & 1:
                vc = fabric.tree_vc(router, in_vc, in_port, port)
                yield Hop(router, in_port, in_vc, port, vc)
                behind = int(fabric.target[router, port])
                if behind >= 0:
                    waiting.append((behind, int(fabric.target_port[router, port]), vc))


def end_of(fabric: Fabric, hop: Hop) -> int | None:
    """The core (or HOST) behind a hop; None if there is none."""
    behind = int(fabric.target[hop.router, hop.out_port])
    if behind == TO_HOST:
        return HOST
    if behind == TO_CORE:
        return hop.router * fabric.chip.mesh.cores_per_tile + hop.out_port - ports.LOCAL
    return None


def leaves(trees: TreeTable, tree: int) -> slice:
    """Where the leaves of ``tree`` stand."""
    first, last = np.searchsorted(trees.leaf_tree, [tree, tree + 1]).tolist()
    return slice(first, last)


def leaf_axon(trees: TreeTable, tree: int, core: int) -> int:
    """What the leaf ``core`` (or HOST) of ``tree`` adds to the axon that was sent."""
    span = leaves(trees, tree)
    return int(trees.leaf_axon[span][trees.leaf_core[span].tolist().index(core)])


def arrivals(
    table: TreeTable | None, target: IntArray, axon: IntArray
) -> tuple[IntArray, IntArray, IntArray]:
    """What arrives of packets to ``target`` (n,), cores, HOST or trees, that were sent for ``axon``.

    Returns:
        one row per arrival, in the order of the packets and of the trees' leaves: the packet's index, the
        core (or HOST) and the axon there.
    """
    tree = FIRST_TREE - target
    if table is None or not (tree >= 0).any():
        return np.arange(len(target)), target, axon
    first = np.searchsorted(table.leaf_tree, np.arange(table.n_trees + 1))
    times = np.append(np.diff(first), 1)[np.maximum(tree, -1)]
    packet = np.repeat(np.arange(len(target)), times)
    core, axon, is_leaf = target[packet], axon[packet], tree[packet] >= 0
    nth = np.arange(len(packet)) - np.repeat(np.cumsum(times) - times, times)
    leaf = first[tree[packet[is_leaf]]] + nth[is_leaf]
    core[is_leaf] = table.leaf_core[leaf]
    axon[is_leaf] += table.leaf_axon[leaf]
    return packet, core, axon


def tree_dependencies(fabric: Fabric, sources: IntArray, trees: IntArray) -> tuple[IntArray, IntArray]:
    """As :func:`neurosim.fabric.walks.dependencies`, of packets from ``sources[i]`` to ``trees[i]``."""
    edges: set[tuple[int, int]] = set()
    for source, tree in zip(sources.tolist(), trees.tolist(), strict=True):
        edges |= set(tree_edges(fabric, source, tree))
    pairs = np.array(sorted(edges), np.int64).reshape(-1, 2)
    return pairs[:, 0], pairs[:, 1]


def tree_edges(fabric: Fabric, source: int, tree: int) -> Iterator[tuple[int, int]]:
    """(channel held, channel wanted) of every hop; the receive FIFO of a leaf is wanted last."""
    held = {(fabric.tile_of(source), fabric.port_of(source)): injection_channel(fabric, source)}
    for hop in walk(fabric, source, tree):
        wanted = output_channel(fabric, hop.router, hop.out_port, hop.out_vc)
        yield held[hop.router, hop.in_port], wanted
        behind = int(fabric.target[hop.router, hop.out_port])
        if behind >= 0:
            held[behind, int(fabric.target_port[hop.router, hop.out_port])] = wanted


def tree_problems(fabric: Fabric, sources: IntArray, trees: IntArray) -> list[str]:
    """What is wrong with the fabric's trees, as used by ``sources[i]`` for ``trees[i]``; [] if nothing is."""
    table = fabric.trees
    if table is None:
        return ["a packet is sent to a tree, but there are none"] if len(trees) else []
    if fabric.chip.router.multicast_entries is None:
        return [f"chip '{fabric.chip.name}' has routers without multicast"]
    problems = _table_problems(fabric, table)
    if problems:
        return problems
    unknown = np.flatnonzero((trees < 0) | (trees >= table.n_trees))
    if unknown.size:
        return [f"a packet is sent to tree {trees[unknown[0]]}; there are 0 to {table.n_trees - 1}"]
    for source, tree in zip(sources.tolist(), trees.tolist(), strict=True):
        problems += _walk_problems(fabric, table, source, tree)
    return problems


def _table_problems(fabric: Fabric, table: TreeTable) -> list[str]:
    """Of the arrays by themselves: shapes, ranges, order, limits."""
    ends = (table.leaf_tree, table.leaf_core, table.leaf_axon)
    for columns in ((table.router, table.tree, table.ports), ends):
        if any(np.asarray(c).ndim != 1 or np.asarray(c).dtype.kind not in "iu" for c in columns):
            return ["the tree table's parts are not rows of whole numbers"]
        if len({len(c) for c in columns}) > 1:
            return ["the tree table's parts differ in length"]
    chip, problems = fabric.chip, []
    bits, limit = chip.packet.tree_bits, chip.router.multicast_entries
    assert bits is not None
    assert limit is not None
    if table.n_trees > 1 << bits:
        problems.append(f"{table.n_trees} trees; packet.tree_bits {bits} number no more than {1 << bits}")
    for name, values, low, end in (
        ("router", table.router, 0, fabric.n_routers), ("tree", table.tree, 0, table.n_trees),
        ("set of ports", table.ports, 1, 1 << fabric.n_ports),
        ("leaf's tree", table.leaf_tree, 0, table.n_trees),
        ("leaf core", table.leaf_core, HOST if chip.host is not None else 0, fabric.n_cores),
        ("leaf's axon", table.leaf_axon, 0, 1 << 31),
    ):  # fmt: skip
        for e in np.flatnonzero((values < low) | (values >= end)).tolist():
            problems.append(f"entry {e} names {name} {values[e]}; there are {low} to {end - 1}")
    if problems:
        return problems
    if (np.diff(table.router * table.n_trees + table.tree) <= 0).any():
        problems.append("the trees' entries do not ascend by router and tree")
    if (np.diff(table.leaf_tree * (fabric.n_cores + 1) + table.leaf_core + 1) <= 0).any():
        problems.append("the trees' leaves do not ascend by tree and core")
    counts = np.bincount(table.router, minlength=fabric.n_routers)
    for router in np.flatnonzero(counts > limit).tolist():
        x, y = fabric.xy(router)
        held = f"router ({x},{y}) has {counts[router]} multicast entries"
        problems.append(f"{held}, router.multicast_entries is {limit}")
    return problems


def _walk_problems(fabric: Fabric, table: TreeTable, source: int, tree: int) -> list[str]:
    """Whether a packet from ``source`` comes to every leaf of ``tree`` once, and nowhere else."""
    who = f"packets of tree {tree} from {'the host' if source == HOST else f'core {source}'}"
    reached: list[int] = []
    seen = {fabric.tile_of(source)}
    for hop in walk(fabric, source, tree):
        behind = int(fabric.target[hop.router, hop.out_port])
        if behind == NOTHING:
            place = fabric.describe(hop.router, hop.out_port)
            return [f"{who} are led to {place}, behind which there is nothing"]
        if behind in seen:
            x, y = fabric.xy(behind)
            return [f"{who} come to router ({x},{y}) twice"]
        if behind >= 0:
            seen.add(behind)
        end = end_of(fabric, hop)
        if end is not None:
            reached.append(end)
            if not fabric.has_branching(hop.router, tree):
                return [f"{who} come to {_name(end)} by a router without an entry, which would hold its axon"]
    expected = table.leaf_core[leaves(table, tree)].tolist()
    missing, extra = sorted(set(expected) - set(reached)), sorted(set(reached) - set(expected))
    if missing or not expected:
        return [f"{who} do not come to " + (_name(missing[0]) if missing else "any core")]
    return [f"{who} come to {_name(extra[0])}, which is no leaf of it"] if extra else []


def _name(core: int) -> str:
    return "the host" if core == HOST else f"core {core}"
