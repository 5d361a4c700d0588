"""Where the copies of multicast packets are: which leaves each of them has yet to come to.

The kernels only count how many; here the copies are looked for in all queues and on all wires.  Reads the
states of network and cores.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from neurosim.artefacts.tree_table import as_tree
from neurosim.engines.compiled.core_state import ProgramTables
from neurosim.engines.compiled.layout import State
from neurosim.engines.compiled.views import fronts
from neurosim.fabric.trees import Hop, end_of, leaves


class Copies:
    """All copies under way in ``net`` and ``state`` of a program with trees."""

    def __init__(self, tables: ProgramTables, net: State, state: State) -> None:
        self._fabric = tables.fabric
        self._net = net
        self._state = state
        self._shift = net.constant("VSHIFT")
        self._tree = [as_tree(target) for target in state.field("PK_TARGET").tolist()]
        self._reached: dict[int, set[int]] = defaultdict(set)  # cores by packet
        endpoint = {index: core for core, index in tables.endpoints.items()}
        for packet, router, in_port, mask in (*self._at_fronts(), *self._behind(), *self._unsent()):
            self._follow(packet, router, in_port, mask)
        for packet, to in self._on_wires():
            if to < net.constant("N_CHANNELS"):
                self._follow(packet, *self._place(to), None)
            elif self._tree[packet] >= 0:
                self._reached[packet].add(endpoint[to - net.constant("N_CHANNELS") >> self._shift])

    def ends(self, packet: int) -> list[tuple[int, int]]:
        """(core, axon) of every leaf to which ``packet``, of a tree, has yet to come, in their order."""
        trees = self._fabric.trees
        assert trees is not None
        span = leaves(trees, self._tree[packet])
        sent = int(self._state.field("PK_AXON")[packet])
        both = zip(trees.leaf_core[span].tolist(), trees.leaf_axon[span].tolist(), strict=True)
        found = [(core, sent + axon) for core, axon in both if core in self._reached[packet]]
        assert len(found) == int(self._state.field("PK_LEAVES")[packet]), "a copy was overlooked"
        return found

    def _place(self, channel: int) -> tuple[int, int]:
        """Router and port of a channel."""
        return channel >> 3 + self._shift, channel >> self._shift & 7

    def _at_fronts(self) -> Iterator[tuple[int, int, int, int]]:
        """(packet, router, input port, mask of ports owed) at the fronts of routers' queues."""
        fifo, first = self._net.field("FIFO"), self._net.field("FIRST")
        for channel, out in zip(*(column.tolist() for column in fronts(self._net)), strict=True):
            yield int(fifo[channel, first[channel]]) >> 4, *self._place(channel), 1 << self._place(out)[1]

    def _behind(self) -> Iterator[tuple[int, int, int, None]]:
        """The same of those behind the fronts, which have not been routed."""
        fifo, first, length = (self._net.field(name) for name in ("FIFO", "FIRST", "LENGTH"))
        for channel in np.flatnonzero(length > 1).tolist():
            for k in range(1, int(length[channel])):
                slot = int(first[channel]) + k & self._net.constant("RING") - 1
                yield int(fifo[channel, slot]) >> 4, *self._place(channel), None

    def _unsent(self) -> Iterator[tuple[int, int, int, None]]:
        """The same of those in the cores' transmit FIFOs."""
        field, size = self._state.field, self._state.constant("TX_RING")
        for k, link in enumerate(field("LINK").tolist()):
            for place in range(int(field("TX_LENGTH")[k])):
                slot = k * size + (int(field("TX_FIRST")[k]) + place & size - 1)
                yield int(field("TX")[slot]) >> 4, link >> 3, link & 7, None

    def _on_wires(self) -> Iterator[tuple[int, int]]:
        """(packet, where it goes)."""
        pairs, room = self._net.field("FLIT"), 2 << self._net.constant("SLOT_SHIFT")
        for slot, n in enumerate(self._net.field("N_FLITS").tolist()):
            for to, flit in pairs[slot * room : slot * room + 2 * n].reshape(-1, 2).tolist():
                yield flit >> 4, to

    def _follow(self, packet: int, router: int, in_port: int, mask: int | None) -> None:
        """Note where a copy comes to that leaves ``router`` by the ports of ``mask`` (None: its branches)."""
        fabric, tree = self._fabric, self._tree[packet]
        if tree < 0:
            return
        waiting = [(router, in_port, fabric.branches(router, tree, in_port) if mask is None else mask)]
        for router, in_port, owed in waiting:
            for port in (port for port in range(fabric.n_ports) if owed >> port & 1):
                behind, there = int(fabric.target[router, port]), int(fabric.target_port[router, port])
                end = end_of(fabric, Hop(router, in_port, 0, port, 0))
                if end is not None:
                    self._reached[packet].add(end)
                else:
                    waiting.append((behind, there, fabric.branches(behind, tree, there)))
