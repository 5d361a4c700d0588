"""Multicast trees: what routers do with packets that carry a tree's number instead of a destination.

Written by the mapper, carried by Program; fabric, engines and the Verilog's images read it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.store import artefact

IntArray = NDArray[np.int64]
FIRST_TREE = -2  # as a target: below HOST


def as_target(tree: int) -> int:
    """How a target table names ``tree`` where it otherwise names a core."""
    return FIRST_TREE - tree


def as_tree(target: int) -> int:
    """The tree that a target names; negative for a core or HOST."""
    return FIRST_TREE - target


@artefact
@dataclass(frozen=True)
class TreeTable:
    """Trees ``0 .. n_trees - 1``: entries of the routers, and the trees' leaves.

    At router ``router[e]`` packets of ``tree[e]`` leave by every port ``p`` with ``ports[e] >> p & 1``; they
    ascend by (router, tree), each pair once, at most ``router.multicast_entries`` per router.  A router
    without an entry passes a packet straight on; one with a leaf has one.

    Leaf ``l`` of ``leaf_tree[l]`` is ``leaf_core[l]`` (or HOST): what arrives there is a packet for axon
    ``leaf_axon[l]`` plus the axon that the sender's target entry gave.  Leaves ascend by (tree, core).  In
    hardware ``leaf_axon`` is part of the entry of the leaf's router.
    """

    n_trees: int
    router: IntArray
    tree: IntArray
    ports: IntArray
    leaf_tree: IntArray
    leaf_core: IntArray
    leaf_axon: IntArray

    @property
    def n(self) -> int:
        """Entries, of all routers together."""
        return int(self.router.shape[0])


def make_trees(
    entries: dict[tuple[int, int], int], leaves: dict[tuple[int, int], int]
) -> TreeTable:
    """The table of ``entries``, (router, tree) to mask of ports, and ``leaves``, (tree, core) to axon.

    Trees are those of ``leaves``: a number that no leaf has, below the highest, is a tree without leaves.
    """
    rows = np.array([(*key, entries[key]) for key in sorted(entries)], np.int64).reshape(-1, 3)
    ends = np.array([(*key, leaves[key]) for key in sorted(leaves)], np.int64).reshape(-1, 3)
    n_trees = int(ends[:, 0].max(initial=-1)) + 1
    return TreeTable(n_trees, *(rows[:, k].copy() for k in range(3)), *(ends[:, k].copy() for k in range(3)))
