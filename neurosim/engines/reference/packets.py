"""Packets in flight, and the ledger that knows how many there are."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from neurosim.artefacts.mapping import HOST
from neurosim.engines.trace import ARRIVED, DROPPED

if TYPE_CHECKING:
    from neurosim.engines.reference.tracing import Tracer


class Packet:
    """One packet; its flits are ``(packet, index)`` pairs, index 0 is the head.

    ``goal`` and ``exit_port`` are the tile and port it goes to; ``step`` the hardware step in which it
    was sent; ``inject`` and ``arrive`` cycles, -1 until then; ``number`` its place in raw traffic, else -1;
    ``serial`` its place among its sender's packets, where events are traced.
    """

    __slots__ = (
        "arrive", "axon", "dropped", "exit_port", "flits", "goal", "inject", "number", "serial",
        "source", "step", "target",
    )  # fmt: skip

    def __init__(
        self, source: int, target: int, goal: int, exit_port: int, axon: int, step: int, flits: int
    ) -> None:
        self.source = source
        self.target = target
        self.goal = goal
        self.exit_port = exit_port
        self.axon = axon
        self.step = step
        self.flits = flits
        self.number = -1
        self.serial = -1
        self.inject = -1
        self.arrive = -1
        self.dropped = False

    def __str__(self) -> str:
        """For messages: where it comes from and goes to."""
        ends = ["host" if end == HOST else f"core {end}" for end in (self.source, self.target)]
        number = f"packet {self.number} " if self.number >= 0 else "a packet "
        return f"{number}({ends[0]} -> {ends[1]}, step {self.step})"


Flit = tuple[Packet, int]


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
        """A packet, its sender's ``number``-th, enters its queue (``now`` -1: the transmitter sets it)."""
        packet.inject = now
        if self.tracer is not None:
            self.tracer.sent(packet, number)
        self.sent += 1
        self.open += 1
        if self.log is not None:
            self.log.append(packet)

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
