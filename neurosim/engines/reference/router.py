"""An input-queued router: virtual channels, credits, wormhole switching.

Reads the fabric's wiring and the arbitration and routing rules; sends flits downstream and credits
upstream through the clock.  An *input channel* is ``in_port * n_vcs + vc``, an *output channel*
``out_port * n_vcs + vc``.  In STEP each input port proposes one of its channels whose head flit could
go, then each output port takes one of the input ports that ask for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.packets import Flit, Ledger
from neurosim.fabric.topology import Fabric
from neurosim.rules import arbiter

FREE = -1
NO_OUTPUT = -1


class OutputLink:
    """What hangs on an output port: whom to give the flit, and how long it takes."""

    __slots__ = ("deliver", "interval", "latency")

    def __init__(
        self, deliver: Callable[[int, Flit], None], latency: int, interval: int
    ) -> None:
        self.deliver = deliver  # deliver(vc, flit)
        self.latency = latency
        self.interval = interval


class Upstream:
    """Where an input port returns its credits."""

    __slots__ = ("latency", "return_credit")

    def __init__(self, return_credit: Callable[[int], None], latency: int) -> None:
        self.return_credit = return_credit  # return_credit(vc)
        self.latency = latency


class Router:
    """Router ``number`` of the fabric."""

    def __init__(self, number: int, fabric: Fabric, clock: Clock, ledger: Ledger) -> None:
        self.number = number
        self.woken_for = -1
        self.stepped_in = -1
        self._fabric = fabric
        self._clock = clock
        self._ledger = ledger
        self._policy = fabric.arbiter
        self._drop_after = fabric.chip.router.drop_after_cycles
        self.n_vcs = fabric.n_vcs
        self.n_ports = fabric.n_ports
        channels = self.n_ports * self.n_vcs
        depth = fabric.chip.router.buffer_flits
        self.fifo: list[deque[Flit]] = [deque() for _ in range(channels)]
        self.want_port = [NO_OUTPUT] * channels
        self.want_channel = [NO_OUTPUT] * channels
        self.head_since = [0] * channels
        self.credits = [depth] * channels
        self.owner = [FREE] * channels
        self.free_at = [0] * self.n_ports
        self.vc_pointer = [0] * self.n_ports
        self.port_pointer = [0] * self.n_ports
        self.router_pointer = 0
        self._routes: dict[tuple[int, int], tuple[int, int]] = {}  # answers of rule and table so far
        self.occupied: set[int] = set()  # input channels that hold flits
        self.dropping: set[int] = set()  # input channels that discard up to the next tail
        self.links: list[OutputLink | None] = [None] * self.n_ports
        self.upstream: list[Upstream | None] = [None] * self.n_ports
        self.port_flits = [0] * self.n_ports
        self.blocked_cycles = [0] * self.n_ports
        self.queue_peak = [0] * self.n_ports

    # ARRIVE

    def receive(self, in_port: int, vc: int, flit: Flit) -> None:
        """A flit reaches input channel (``in_port``, ``vc``)."""
        channel = in_port * self.n_vcs + vc
        fifo = self.fifo[channel]
        fifo.append(flit)
        if len(fifo) == 1:
            self.occupied.add(channel)
            self._new_head(channel, self._clock.now)
        held = len(fifo) if self.n_vcs == 1 else self._held(in_port)
        if held > self.queue_peak[in_port]:
            self.queue_peak[in_port] = held
        self._clock.wake(self, self._clock.now)

    def credit(self, out_port: int, vc: int) -> None:
        """A slot behind output channel (``out_port``, ``vc``) was freed."""
        self.credits[out_port * self.n_vcs + vc] += 1
        if self.occupied:
            self._clock.wake(self, self._clock.now)

    def _held(self, in_port: int) -> int:
        first = in_port * self.n_vcs
        return sum(len(self.fifo[channel]) for channel in range(first, first + self.n_vcs))

    def _new_head(self, channel: int, now: int) -> None:
        """A flit came to the front of a channel; a head flit is routed, a body flit follows it."""
        self.head_since[channel] = now
        packet, index = self.fifo[channel][0]
        if index == 0:
            in_port, vc = divmod(channel, self.n_vcs)
            goal = (packet.goal, packet.exit_port)
            route = self._routes.get(goal)
            if route is None:
                route = self._routes[goal] = self._fabric.route(self.number, *goal)
            out, fixed = route
            out_vc = self._fabric.output_vc(self.number, vc, in_port, out, fixed)
            self.want_port[channel] = out
            self.want_channel[channel] = out * self.n_vcs + out_vc

    # what the wait-for graph asks (neurosim.engines.waits.RouterView)

    def occupied_channels(self) -> list[int]:
        """Input channels that hold flits, ascending."""
        return sorted(self.occupied)

    def wanted(self, channel: int) -> int:
        """Output channel that the front flit of ``channel`` wants."""
        return self.want_channel[channel]

    def owner_of(self, out: int) -> int:
        """Input channel that owns output channel ``out``, FREE if none."""
        return self.owner[out]

    def credits_of(self, out: int) -> int:
        """Credits of output channel ``out``."""
        return self.credits[out]

    def length_of(self, channel: int) -> int:
        """Flits in input channel ``channel``."""
        return len(self.fifo[channel])

    def front_packet(self, channel: int) -> str:
        """The packet at the front, in words."""
        return str(self.fifo[channel][0][0])

    # STEP

    def step(self, now: int) -> None:
        """Arbitrate, move the winners, and decide when to look again."""
        again = self._discard_dropped(now) if self._drop_after is not None else False
        requests: dict[int, int] = {}
        chosen: dict[int, int] = {}
        next_look = 0
        for channel, port in self._proposals(now):
            requests[port] = requests.get(port, 0) | 1 << (channel // self.n_vcs)
            chosen[channel // self.n_vcs] = channel
        if self._policy == arbiter.ONE_WINNER_PER_ROUTER and requests:
            requests = self._one_output(requests)
        for port in sorted(requests):
            winner = arbiter.pick(self._policy, requests[port], self.port_pointer[port])
            self.port_pointer[port] = arbiter.advance(winner, self.n_ports)
            self._move(chosen[winner], now)
            again = True
        if self._drop_after is not None:
            again = self._give_up(now) or again
        if self.occupied:
            if again or chosen:
                self._clock.wake(self, now + 1)
            else:
                next_look = self._next_look(now)
                if next_look:
                    self._clock.wake(self, next_look)

    def _proposals(self, now: int) -> list[tuple[int, int]]:
        """One (input channel, output port) per input port that has a movable head flit."""
        proposals = []
        if self.n_vcs == 1:
            for channel in self.occupied:
                if self._movable(channel, now):
                    proposals.append((channel, self.want_port[channel]))
            return proposals
        masks: dict[int, int] = {}
        for channel in self.occupied:
            if self._movable(channel, now):
                in_port, vc = divmod(channel, self.n_vcs)
                masks[in_port] = masks.get(in_port, 0) | 1 << vc
        for in_port, mask in masks.items():
            vc = arbiter.pick(self._policy, mask, self.vc_pointer[in_port])
            channel = in_port * self.n_vcs + vc
            proposals.append((channel, self.want_port[channel]))
        return proposals

    def _movable(self, channel: int, now: int) -> bool:
        _, index = self.fifo[channel][0]
        out = self.want_channel[channel]
        if self.credits[out] == 0 or channel in self.dropping or self.head_since[channel] > now:
            return False
        owner = self.owner[out]
        if owner != channel and (owner != FREE or index != 0):
            return False
        return now >= self.free_at[self.want_port[channel]]

    def _one_output(self, requests: dict[int, int]) -> dict[int, int]:
        mask = sum(1 << port for port in requests)
        port = arbiter.pick(self._policy, mask, self.router_pointer)
        self.router_pointer = arbiter.advance(port, self.n_ports)
        return {port: requests[port]}

    def _move(self, channel: int, now: int) -> None:
        """Send the head flit of ``channel`` on, and its slot back."""
        out_port, out = self.want_port[channel], self.want_channel[channel]
        in_port, vc = divmod(channel, self.n_vcs)
        link = self.links[out_port]
        assert link is not None, "the routing rule chose a port without a link"
        self.blocked_cycles[out_port] += now - self.head_since[channel]
        flit = self._pop(channel, now)
        packet, index = flit
        tracer = self._ledger.tracer
        if tracer is not None and tracer.wants_flits:
            tracer.flit(now, self.number, out_port, out % self.n_vcs, packet, index)
        self.owner[out] = FREE if index == packet.flits - 1 else channel
        self.credits[out] -= 1
        self.free_at[out_port] = now + link.interval
        self.port_flits[out_port] += 1
        self.vc_pointer[in_port] = arbiter.advance(vc, self.n_vcs)
        self._clock.send(now + link.latency, link.deliver, out % self.n_vcs, flit)

    def _pop(self, channel: int, now: int) -> Flit:
        in_port, vc = divmod(channel, self.n_vcs)
        flit = self.fifo[channel].popleft()
        if self.fifo[channel]:
            self._new_head(channel, now + 1)
        else:
            self.occupied.discard(channel)
        source = self.upstream[in_port]
        assert source is not None
        self._clock.send(now + source.latency, source.return_credit, vc)
        return flit

    def _next_look(self, now: int) -> int:
        """The first later cycle in which a head could move or is due to be dropped; 0: never."""
        looks = []
        for channel in self.occupied:
            out, port = self.want_channel[channel], self.want_port[channel]
            if self.credits[out] and self.free_at[port] > now:
                looks.append(self.free_at[port])
            if self._drop_after is not None:
                looks.append(self.head_since[channel] + self._drop_after)
        return max(min(looks), now + 1) if looks else 0

    # dropping (only where the chip says so)

    def _discard_dropped(self, now: int) -> bool:
        """Throw away one flit of each packet that was given up here, up to its tail."""
        discarded = sorted(self.dropping & self.occupied)
        for channel in discarded:
            packet, index = self._pop(channel, now)
            if index == packet.flits - 1:
                self.dropping.discard(channel)
                self._ledger.drop(packet, now)
        return bool(discarded)

    def _give_up(self, now: int) -> bool:
        """Mark packets whose head waited too long; they are discarded from the next cycle on."""
        assert self._drop_after is not None
        late = [
            channel
            for channel in self.occupied - self.dropping
            if self.fifo[channel][0][1] == 0 and now - self.head_since[channel] >= self._drop_after
        ]
        self.dropping.update(late)
        return bool(late)
