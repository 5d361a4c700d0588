"""The ways of multicast packets: what routers must do so that one packet reaches several destinations.

Reads a fabric and unicast flows; a tree's ways are the union of its flows' ways, so its packets wait for
nothing that theirs do not wait for.  Where a union would be no tree (a router reached from two sides, which
detours of routing tables can cause), or a table names another virtual channel than the rule, the destination
is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.fabric.topology import Fabric
from neurosim.fabric.walks import Walker
from neurosim.rules.ports import LOCAL
from neurosim.rules.routing import BY_POLICY, straight_on

IntArray = NDArray[np.int64]
CHUNK = 1 << 16  # flows that are walked at once
Hop = tuple[int, int, int]
"""(router, input port, output port)."""


class Ways:
    """The unicast ways of the flows ``sources[f] -> targets[f]``, each pair once."""

    def __init__(self, fabric: Fabric, sources: IntArray, targets: IntArray) -> None:
        self.fabric = fabric
        pairs = zip(sources.tolist(), targets.tolist(), strict=True)
        self._row = {pair: row for row, pair in enumerate(pairs)}
        self._pointer, self._hops, self._plain = _walk_all(fabric, sources, targets)
        self._kept: dict[int, list[Hop]] = {}
        self._branchings: dict[tuple[int, tuple[int, ...]], Branching] = {}

    def of(self, source: int, target: int) -> list[Hop]:
        """The hops of a flow, first to last."""
        row = self._row[source, target]
        found = self._kept.get(row)
        if found is None:
            hops = self._hops[:, self._pointer[row] : self._pointer[row + 1]]
            found = self._kept[row] = list(zip(*hops.tolist(), strict=True))
        return found

    def branching(self, source: int, cores: tuple[int, ...]) -> Branching:
        """:func:`branching`, each once."""
        found = self._branchings.get((source, cores))
        if found is None:
            found = self._branchings[source, cores] = branching(self, source, cores)
        return found

    def is_plain(self, source: int, target: int) -> bool:
        """Whether the rules choose every virtual channel on the way, as they do for a tree's packets."""
        return bool(self._plain[self._row[source, target]])

    def is_detour(self, source: int, target: int) -> bool:
        """Whether a routing table has a say on the way."""
        goal = self.fabric.tile_of(target)
        return any(
            self.fabric.exception(router, goal) is not None for router, _, _ in self.of(source, target)
        )


def _walk_all(
    fabric: Fabric, sources: IntArray, targets: IntArray
) -> tuple[IntArray, IntArray, NDArray[np.bool_]]:
    """(pointer, (3, hops) router and ports by flow and order, whether no table fixes another VC)."""
    parts: list[IntArray] = [np.zeros((5, 0), np.int64)]
    plain = np.ones(len(sources), np.bool_)
    for first in range(0, len(sources), CHUNK):
        part = slice(first, first + CHUNK)
        goals, goal = np.unique(targets[part], return_inverse=True)
        tiles = np.array([fabric.tile_of(core) for core in goals.tolist()], np.int64)
        walker = Walker(fabric, goals)
        heads = walker.start(sources[part], goal.astype(np.int64))
        flow, step = np.arange(first, first + len(heads.router)), 0
        while flow.size:
            channel, after, goes_on = walker.advance(heads)
            port = channel // fabric.n_vcs % fabric.n_ports
            parts.append(np.stack([flow, np.full_like(flow, step), heads.router, heads.in_port, port]))
            _, fixed = fabric.exceptions(heads.router, tiles[heads.goal])
            for k in np.flatnonzero(fixed != BY_POLICY).tolist():
                at = int(heads.router[k]), int(heads.vc[k]), int(heads.in_port[k]), int(port[k])
                plain[flow[k]] &= fabric.tree_vc(*at) == fixed[k]
            heads, flow, step = after.pick(goes_on), flow[goes_on], step + 1
    rows = np.concatenate(parts, axis=1)
    order = np.lexsort((rows[1], rows[0]))
    lengths = np.bincount(rows[0], minlength=len(sources))
    return np.append(0, np.cumsum(lengths)), rows[2:, order], plain


@dataclass(frozen=True)
class Branching:
    """The union of the ways from one sender to ``cores``.

    ``masks`` are the output ports by router, ``entries`` the routers that must be told them: where a packet
    comes in from its sender, branches, turns or ends.  A packet makes ``hops`` traversals, where packets to
    each of the cores would make ``alone``.  ``beside`` are destinations that cannot be part of it.
    """

    cores: tuple[int, ...]
    masks: dict[int, int]
    entries: frozenset[int]
    hops: int
    alone: int
    beside: tuple[int, ...]

    @property
    def saved(self) -> int:
        """Traversals that one packet saves."""
        return self.alone - self.hops


def branching(ways: Ways, source: int, cores: Sequence[int]) -> Branching:
    """The branches of packets from ``source`` (core or HOST) to ``cores``."""
    fabric = ways.fabric
    masks: dict[int, int] = {}
    came: dict[int, int] = {}
    alone, kept, beside = 0, [], []
    if fabric.table is not None:
        cores = sorted(cores, key=lambda core: (ways.is_detour(source, core), core))
    for core in cores:
        hops = ways.of(source, core)
        if not ways.is_plain(source, core) or any(came.get(r, port) != port for r, port, _ in hops):
            beside.append(core)
            continue
        kept.append(core)
        alone += len(hops)
        for router, in_port, out_port in hops:
            came[router] = in_port
            masks[router] = masks.get(router, 0) | 1 << out_port
    entries = {r for r, mask in masks.items() if _needs_entry(fabric, r, came[r], mask)}
    used = sum(mask.bit_count() for mask in masks.values())
    return Branching(
        tuple(sorted(kept)), masks, frozenset(entries), used, alone, tuple(sorted(beside))
    )  # fmt: skip


def _needs_entry(fabric: Fabric, router: int, in_port: int, mask: int) -> bool:
    if in_port >= LOCAL or fabric.target[router, in_port] < 0 or mask != 1 << straight_on(in_port):
        return True
    return bool(fabric.target[router, straight_on(in_port)] < 0)  # the host is a leaf


def without(ways: Ways, source: int, cores: Iterable[int], full: Iterable[int]) -> tuple[int, ...]:
    """Those of ``cores`` whose ways need no entry in one of the routers ``full``.

    Wherever several ways need one because they part, at least one of them does not go straight on.
    """
    avoid = set(full)
    return tuple(
        core for core in cores
        if not any(
            router in avoid and _needs_entry(ways.fabric, router, in_port, 1 << out_port)
            for router, in_port, out_port in ways.of(source, core)
        )
    )  # fmt: skip
