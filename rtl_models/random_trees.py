"""Random multicast trees on a fabric, and traffic that uses them among packets to single cores.

Reads a :class:`~neurosim.fabric.topology.Fabric`; the ways of a tree are those of the routing rule to its
leaves, which are cores drawn at random.  The same seed gives the same trees and traffic.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from neurosim.artefacts.tree_table import TreeTable, as_target, make_trees
from neurosim.engines.base import Traffic
from neurosim.fabric.topology import Fabric
from neurosim.rules import ports

TREES_PER_CORE = 2
TREE_SHARE = 0.6  # of the packets
OMIT_SHARE = 0.7  # of the entries that say no more than straight on
MOST_LEAF_AXON = 200
Ways = dict[int, tuple[int, int]]
"""By router: the port a packet comes in by, and the mask of those it leaves by."""


def tree_traffic(fabric: Fabric, traffic: Traffic, seed: int) -> tuple[Traffic, TreeTable]:
    """``traffic`` with trees in the place of some targets, and the trees: as many as there is room for."""
    rng = np.random.default_rng(seed)
    entries: dict[tuple[int, int], int] = {}
    leaves: dict[tuple[int, int], int] = {}
    trees: dict[int, list[int]] = {}  # by sender
    n_trees = 0
    for source in np.unique(traffic.source).tolist() * TREES_PER_CORE:
        n_leaves = int(rng.integers(2, fabric.n_cores + 1)) if fabric.n_cores > 2 else fabric.n_cores
        ends = rng.choice(fabric.n_cores, n_leaves, replace=False).tolist()
        ways = _ways(fabric, source, ends)
        mine = {} if ways is None else _entries(fabric, source, ways, rng)
        if not mine or not _fits(fabric, entries, mine, n_trees):
            continue
        entries |= {(router, n_trees): mask for router, mask in mine.items()}
        leaves |= {(n_trees, core): int(rng.integers(0, MOST_LEAF_AXON + 1)) for core in ends}
        trees.setdefault(source, []).append(n_trees)
        n_trees += 1
    target = traffic.target.copy()
    for packet in np.flatnonzero(rng.random(len(target)) < TREE_SHARE).tolist():
        choices = trees.get(int(traffic.source[packet]))
        if choices:
            target[packet] = as_target(int(rng.choice(choices)))
    return dataclasses.replace(traffic, target=target), make_trees(entries, leaves)


def _ways(fabric: Fabric, source: int, ends: list[int]) -> Ways | None:
    """The union of the ways to ``ends``; None if it is no tree, or one of them leads nowhere."""
    found: Ways = {}
    for end in ends:
        steps = fabric.walk(source, end)
        if steps[-1][0] != fabric.tile_of(end):
            return None
        for router, in_port, _, out_port, _ in steps:
            came, mask = found.get(router, (in_port, 0))
            if came != in_port:
                return None
            found[router] = in_port, mask | 1 << out_port
    return found


def _entries(fabric: Fabric, source: int, ways: Ways, rng: np.random.Generator) -> dict[int, int]:
    """Mask by router; some of those that say straight on are left out."""
    found = {}
    for router, (in_port, mask) in ways.items():
        is_straight = in_port < ports.LOCAL and mask == 1 << ports.OPPOSITE[in_port]
        if not is_straight or router == fabric.tile_of(source) or rng.random() > OMIT_SHARE:
            found[router] = mask
    return found


def _fits(fabric: Fabric, entries: dict[tuple[int, int], int], mine: dict[int, int], n_trees: int) -> bool:
    limit, bits = fabric.chip.router.multicast_entries or 0, fabric.chip.packet.tree_bits or 0
    held = [sum(at == router for at, _ in entries) for router in mine]
    return n_trees < 1 << bits and max(held) < limit
