"""Packets in flight, and the ledger that knows how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from neurosim.artefacts.tree_table import as_tree
from neurosim.engines.trace import ARRIVED, DROPPED
from neurosim.engines.waits import end_name
from neurosim.fabric.topology import Fabric
from neurosim.fabric.trees import leaves

if TYPE_CHECKING:
    from neurosim.engines.reference.tracing import Tracer


NO_PORT = -1


class Packet:
    """One packet; its flits are ``(packet, index)`` pairs, index 0 is the head.

    ``goal`` and ``exit_port`` are the tile and port it goes to; ``step`` the hardware step in which it
    was sent; ``inject`` and ``arrive`` cycles, -1 until then; ``number`` its place in raw traffic, else -1;
    ``serial`` its place among its sender's packets, where events are traced.

    ``target`` and ``goal`` of a packet to a multicast tree name the tree as target tables do; its ``leaves``
    are the packets that its copies become on their last hops, by core (None for all others).
    """

    __slots__ = (
        "arrive", "axon", "dropped", "exit_port", "flits", "goal", "inject", "leaves", "number", "serial",
        "source", "step", "target",
    )  # fmt: skip

    def __init__(
        self, source: int, target: int, goal: int, exit_port: int, axon: int, step: int, flits: int,
        leaves: dict[int, Packet] | None = None,
    ) -> None:  # fmt: skip
        self.source = source
        self.target = target
        self.goal = goal
        self.exit_port = exit_port
        self.axon = axon
        self.step = step
        self.flits = flits
        self.leaves = leaves
        self.number = -1
        self.serial = -1
        self.inject = -1
        self.arrive = -1
        self.dropped = False

    def __str__(self) -> str:
        """For messages: where it comes from and goes to."""
        number = f"packet {self.number} " if self.number >= 0 else "a packet "
        return f"{number}({end_name(self.source)} -> {end_name(self.target)}, step {self.step})"

    @property
    def parts(self) -> list[Packet]:
        """The packets that arrive: this one, or its leaves in their order."""
        return [self] if self.leaves is None else list(self.leaves.values())

    def begin(self, now: int) -> None:
        """Its journey, and that of its leaves, begins."""
        self.inject = now
        if self.leaves is not None:
            for leaf in self.leaves.values():
                leaf.inject = now


Flit = tuple[Packet, int]


class PacketMaker:
    """Makes one sender's packets; ``source`` is its core number, or HOST."""

    def __init__(self, source: int, fabric: Fabric) -> None:
        self._source = source
        self._fabric = fabric
        self._flits = fabric.chip.packet.flits
        self._leaves: dict[int, list[tuple[int, int]]] = {}  # (core, axon) by target

    def make(self, target: int, axon: int, step: int) -> Packet:
        """A packet to ``target``, a core, HOST or a tree, sent in hardware step ``step``."""
        if as_tree(target) < 0:
            goal = (self._fabric.tile_of(target), self._fabric.port_of(target))
            return Packet(self._source, target, *goal, axon, step, self._flits)
        ends = self._leaves_of(target)
        parts = {core: self.make(core, first_axon + axon, step) for core, first_axon in ends}
        return Packet(self._source, target, target, NO_PORT, axon, step, self._flits, parts)

    def _leaves_of(self, target: int) -> list[tuple[int, int]]:
        found = self._leaves.get(target)
        if found is None:
            trees = self._fabric.trees
            assert trees is not None, "a packet is sent to a tree, but there are none"
            span = leaves(trees, as_tree(target))
            ends = (trees.leaf_core[span].tolist(), trees.leaf_axon[span].tolist())
            found = self._leaves[target] = list(zip(*ends, strict=True))
        return found


class Ledger:
    """Counts the work that must be finished before a step ends, and keeps every packet's fate.

    ``open`` is the number of packets sent and not yet consumed plus the loops still running.  When
    it falls to zero ``on_quiet`` is called, in the cycle of the last completion.  ``tracer``, if there is
    one, is told of every event.
    """

    def __init__(self, keep_packets: bool, tracer: Tracer | None = None) -> None:
        self.open = 0
        self.sent = 0
        self.arrived = 0
        self.dropped = 0
        self.latency: dict[int, int] = {}
        self.log: list[Packet] | None = [] if keep_packets else None
        self.tracer = tracer
        self.on_quiet: Callable[[], None] = lambda: None

    def begin(self) -> None:
        """Some work begins: a neuron loop, or the host's list of a step."""
        self.open += 1

    def end(self) -> None:
        """Some work ends."""
        self.open -= 1
        if self.open == 0:
            self.on_quiet()

    def inject(self, packet: Packet, now: int, number: int = -1) -> None:
        """A packet, its sender's ``number``-th, enters its queue (``now`` -1: the transmitter sets it).

        One to a tree counts as many times as it has leaves.
        """
        packet.begin(now)
        if self.tracer is not None:
            self.tracer.sent(packet, number)
        parts = packet.parts
        self.sent += len(parts)
        self.open += len(parts)
        if self.log is not None:
            self.log += parts

    def arrive(self, packet: Packet, now: int) -> None:
        """A packet's tail reached its receiver; it is still open until :meth:`end`."""
        packet.arrive = now
        self.arrived += 1
        journey = now - packet.inject
        self.latency[journey] = self.latency.get(journey, 0) + 1
        if self.tracer is not None:
            self.tracer.ended(packet, now, ARRIVED)

    def drop(self, packet: Packet, now: int) -> None:
        """A router gave the packet up and has thrown its last flit away."""
        packet.dropped = True
        if self.tracer is not None:
            self.tracer.ended(packet, now, DROPPED)
        self.dropped += 1
        self.end()
