"""The sending end of a core, of the host and of traffic sources: a flit queue on a router's port."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from neurosim.engines.reference.clock import Clock, Component
from neurosim.engines.reference.packets import Flit, Packet


class Transmitter:
    """Sends queued flits, one per ``interval`` cycles and one per credit, on virtual channel 0.

    ``capacity`` is in flits, None for unbounded (host memory, traffic sources).  ``owner`` is the
    component that is woken by credits and calls :meth:`step`.
    """

    def __init__(
        self,
        clock: Clock,
        owner: Component,
        deliver: Callable[[int, Flit], None],
        latency: int,
        interval: int,
        credits: int,
        capacity: int | None,
    ) -> None:
        self.queue: deque[Flit] = deque()
        self.credits = credits
        self.flits_sent = 0
        self._clock = clock
        self._owner = owner
        self._deliver = deliver
        self._latency = latency
        self._interval = interval
        self._capacity = capacity
        self._free_at = 0

    def has_room(self, flits: int) -> bool:
        """Whether a packet of ``flits`` fits now."""
        return self._capacity is None or len(self.queue) + flits <= self._capacity

    def push(self, packet: Packet) -> None:
        """Queue all flits of a packet."""
        self.queue.extend((packet, index) for index in range(packet.flits))

    def credit(self, _vc: int) -> None:
        """ARRIVE: the router freed a slot."""
        self.credits += 1
        if self.queue:
            self._clock.wake(self._owner, self._clock.now)

    def step(self, now: int) -> int:
        """Send one flit if possible; return the cycle to look again, 0 for "when something comes"."""
        if self.queue and self.credits and now >= self._free_at:
            flit = self.queue.popleft()
            if flit[0].inject < 0:
                flit[0].begin(now)
            self.credits -= 1
            self.flits_sent += 1
            self._free_at = now + self._interval
            self._clock.send(now + self._latency, self._deliver, 0, flit)
        if self.queue and self.credits:
            return max(self._free_at, now + 1)
        return 0
