"""An input-queued router: virtual channels, credits, wormhole switching, multicast.

Reads the fabric's wiring and the arbitration and routing rules; sends flits downstream and credits
upstream through the clock.  An *input channel* is ``in_port * n_vcs + vc``, an *output channel*
``out_port * n_vcs + vc``.  The flit at the front *owes* a copy to every branch of its packet: one, or those
of its multicast tree.  In STEP each input port proposes one of its channels whose front flit could go by
some branch, then each output port takes one of the input ports that ask for it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence

from neurosim.artefacts.tree_table import as_tree
from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.packets import Flit, Ledger
from neurosim.fabric.topology import Fabric
from neurosim.rules import arbiter

FREE = -1
Branches = dict[int, int]
"""Output channel by output port."""


class OutputLink:
    """What hangs on an output port: whom to give the flit, and how long it takes.

    ``core`` is the core (or HOST) behind it, None where a router is.
    """

    __slots__ = ("core", "deliver", "interval", "latency")

    def __init__(
        self, deliver: Callable[[int, Flit], None], latency: int, interval: int, core: int | None = None
    ) -> None:
        self.deliver = deliver  # deliver(vc, flit)
        self.latency = latency
        self.interval = interval
        self.core = core


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
        self.branches: list[Branches] = [{}] * channels  # of the packet at the front
        self.owed: list[Branches] = [{}] * channels  # those that the front flit has not taken yet
        self.head_since = [0] * channels
        self.credits = [depth] * channels
        self.owner = [FREE] * channels
        self.free_at = [0] * self.n_ports
        self.vc_pointer = [0] * self.n_ports
        self.port_pointer = [0] * self.n_ports
        self.router_pointer = 0
        self._routes: dict[tuple[int, int], tuple[int, int]] = {}  # answers of rule and table so far
        self._branches: dict[tuple[int, int, int], Branches] = {}  # by input channel, goal and exit port
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
        channel, now = in_port * self.n_vcs + vc, self._clock.now
        fifo = self.fifo[channel]
        fifo.append(flit)
        if len(fifo) == 1:
            self.occupied.add(channel)
            self._new_head(channel, now)
        held = len(fifo) if self.n_vcs == 1 else self._held(in_port)
        if held > self.queue_peak[in_port]:
            self.queue_peak[in_port] = held
        self._clock.wake(self, now)

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
            key = (channel, packet.goal, packet.exit_port)
            found = self._branches.get(key)
            if found is None:
                found = self._branches[key] = self._branches_of(*key)
            self.branches[channel] = found
        self.owed[channel] = self.branches[channel]

    def _branches_of(self, channel: int, goal: int, exit_port: int) -> Branches:
        """The branches of packets in ``channel`` to port ``exit_port`` of tile ``goal``, or to a tree."""
        fabric, tree = self._fabric, as_tree(goal)
        in_port, vc = divmod(channel, self.n_vcs)
        if tree < 0:
            route = self._routes.get((goal, exit_port))
            if route is None:
                route = self._routes[goal, exit_port] = fabric.route(self.number, goal, exit_port)
            out, fixed = route
            vcs = {out: fabric.output_vc(self.number, vc, in_port, out, fixed)}
        else:
            mask = fabric.branches(self.number, tree, in_port)
            outs = [port for port in range(self.n_ports) if mask >> port & 1]
            vcs = {out: fabric.tree_vc(self.number, vc, in_port, out) for out in outs}
        return {out: out * self.n_vcs + out_vc for out, out_vc in vcs.items()}

    # what the wait-for graph asks (neurosim.engines.waits.RouterView)

    def occupied_channels(self) -> list[int]:
        """Input channels that hold flits, ascending."""
        return sorted(self.occupied)

    def wanted(self, channel: int) -> Sequence[int]:
        """Output channels that the front flit of ``channel`` has yet to take."""
        return sorted(self.owed[channel].values())

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
        for channel, ports in self._proposals(now):
            in_port = channel // self.n_vcs
            chosen[in_port] = channel
            for port in ports:
                requests[port] = requests.get(port, 0) | 1 << in_port
        if self._policy == arbiter.ONE_WINNER_PER_ROUTER and requests:
            requests = self._one_output(requests)
        for port in sorted(requests):
            winner = arbiter.pick(self._policy, requests[port], self.port_pointer[port])
            self.port_pointer[port] = arbiter.advance(winner, self.n_ports)
            self._move(chosen[winner], port, now)
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

    def _proposals(self, now: int) -> list[tuple[int, list[int]]]:
        """One (input channel, output ports) per input port that has a movable front flit."""
        found = []
        masks: dict[int, int] = {}  # virtual channels by input port
        movable: dict[int, list[int]] = {}
        for channel in self.occupied:
            ports = self._movable(channel, now)
            if not ports:
                continue
            if self.n_vcs == 1:
                found.append((channel, ports))
            else:
                in_port, vc = divmod(channel, self.n_vcs)
                masks[in_port] = masks.get(in_port, 0) | 1 << vc
                movable[channel] = ports
        for in_port, mask in masks.items():
            channel = in_port * self.n_vcs + arbiter.pick(self._policy, mask, self.vc_pointer[in_port])
            found.append((channel, movable[channel]))
        return found

    def _movable(self, channel: int, now: int) -> list[int]:
        """The output ports by which the front flit of ``channel`` could go now."""
        found: list[int] = []
        if channel in self.dropping or self.head_since[channel] > now:
            return found
        for port, out in self.owed[channel].items():
            if self.credits[out] == 0 or now < self.free_at[port]:
                continue
            owner = self.owner[out]
            if owner == channel or (owner == FREE and self.fifo[channel][0][1] == 0):
                found.append(port)
        return found

    def _one_output(self, requests: dict[int, int]) -> dict[int, int]:
        mask = sum(1 << port for port in requests)
        port = arbiter.pick(self._policy, mask, self.router_pointer)
        self.router_pointer = arbiter.advance(port, self.n_ports)
        return {port: requests[port]}

    def _move(self, channel: int, out_port: int, now: int) -> None:
        """Send the front flit of ``channel`` on by ``out_port``; its slot goes back with its last copy."""
        owed = self.owed[channel]
        out = owed[out_port]
        in_port, vc = divmod(channel, self.n_vcs)
        link = self.links[out_port]
        assert link is not None, "the routing rule chose a port without a link"
        self.blocked_cycles[out_port] += now - self.head_since[channel]
        flit = self.fifo[channel][0]
        packet, index = flit
        if len(owed) == 1:
            self._pop(channel, now)
        else:
            self.owed[channel] = {port: rest for port, rest in owed.items() if port != out_port}
        tracer = self._ledger.tracer
        if tracer is not None and tracer.wants_flits:
            tracer.flit(now, self.number, out_port, out % self.n_vcs, packet, index)
        self.owner[out] = FREE if index == packet.flits - 1 else channel
        self.credits[out] -= 1
        self.free_at[out_port] = now + link.interval
        self.port_flits[out_port] += 1
        self.vc_pointer[in_port] = arbiter.advance(vc, self.n_vcs)
        if packet.leaves is not None and link.core is not None:
            flit = (packet.leaves[link.core], index)
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
            for port, out in self.owed[channel].items():
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
