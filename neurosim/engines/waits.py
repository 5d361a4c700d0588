"""The exact wait-for graph of a stopped or running system, for every cycle engine.

A node is a FIFO (or a neuron loop) whose front waits for one other node; a multicast flit waits for as
many as it owes branches that are blocked, and needs them all.  An edge exists only if the wait cannot end
by itself: the FIFO behind the wanted output is full, the output channel is owned by another packet, the
loop waits for its transmit FIFO, or the receive FIFO waits for the loop.  A cycle of such edges never
resolves: it is a deadlock, even while the rest of the system goes on.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.result import Verdict
from neurosim.artefacts.tree_table import as_tree
from neurosim.fabric.topology import TO_CORE, Fabric
from neurosim.fabric.waitfor import find_wait_cycles, nodes_leading_to
from neurosim.rules.ports import LOCAL


class RouterView(Protocol):
    """One router's state; channels are ``port * n_vcs + vc``, inputs and outputs alike."""

    def occupied_channels(self) -> Sequence[int]:
        """Input channels that hold flits, ascending."""
        ...

    def wanted(self, channel: int) -> Sequence[int]:
        """Output channels that the front flit of an input channel has yet to take, ascending.

        One for a unicast flit; for a multicast flit the branches that it still owes, movable or not.
        """
        ...

    def owner_of(self, out: int) -> int:
        """Input channel that owns an output channel, -1 if free."""
        ...

    def credits_of(self, out: int) -> int:
        """Credits of an output channel."""
        ...

    def length_of(self, channel: int) -> int:
        """Flits in an input channel."""
        ...

    def front_packet(self, channel: int) -> str:
        """The packet at the front of an input channel, in words."""
        ...


class CoreView(Protocol):
    """One core's state."""

    @property
    def input_blocked(self) -> bool:
        """A whole packet waits only because the neuron loop is not done."""
        ...

    @property
    def is_stalled(self) -> bool:
        """The neuron loop waits for room in the transmit FIFO."""
        ...

    def transmit_state(self) -> tuple[int, int]:
        """(flits, credits) of the transmit FIFO."""
        ...

    def received(self, vc: int) -> int:
        """Flits in the receive FIFO of ``vc``."""
        ...


@dataclass(frozen=True)
class WaitFinding:
    """One cycle of the wait-for graph in words, and how much hangs on it.

    ``blocked`` and ``waiting`` count the nodes that can never move again, and all that hold flits.
    """

    sentences: tuple[str, ...]
    blocked: int
    waiting: int

    def verdict(self, where: str, sample: int, cycle: int) -> Verdict:
        """The run's verdict; ``where`` ends up in front of the summary."""
        status = "deadlock" if self.blocked >= self.waiting else "partial_deadlock"
        text = (
            f"{where}a cycle of {len(self.sentences)} waits, {self.blocked} of {self.waiting} "
            "waiting queues can never move again"
        )
        return Verdict(status, text, sample, cycle, self.sentences)


def end_name(end: int) -> str:
    """Where a packet comes from or goes to: a core, the host or, as target tables name it, a tree."""
    if end == HOST:
        return "host"
    return f"core {end}" if as_tree(end) < 0 else f"tree {as_tree(end)}"


def next_check(every: int, upcoming: float) -> int:
    """The first multiple of ``every`` that is not before ``upcoming``."""
    return -(-int(upcoming) // every) * every


class WaitGraph:
    """Builds the graph from views of all routers (by number) and of the used cores.

    ``holding()`` lists the routers that hold flits, ascending: most of a large chip is empty.  ``blocked()``
    lists at least those with a front that has no credit or whose output is owned: only these have edges.
    ``has_cycle()`` says of the routers alone whether there is a cycle, faster than this graph can.
    """

    def __init__(
        self,
        fabric: Fabric,
        routers: Sequence[RouterView],
        cores: Mapping[int, CoreView],
        holding: Callable[[], Sequence[int]],
        blocked: Callable[[], Sequence[int]] | None = None,
        has_cycle: Callable[[], bool] | None = None,
    ) -> None:
        self._fabric = fabric
        self._routers = routers
        self._cores = cores
        self._holding = holding
        self._blocked = blocked or holding
        self._has_cycle = has_cycle
        self._depth = fabric.chip.router.buffer_flits
        self._per_router = fabric.n_ports * fabric.n_vcs
        self._first_core = fabric.n_routers * self._per_router

    def find(self) -> WaitFinding | None:
        """The first cycle, or None if every wait can end."""
        through_cores = any(core.input_blocked for core in self._cores.values())
        if not through_cores and self._has_cycle is not None and not self._has_cycle():
            return None
        waits = self._router_edges()
        if not waits:
            return None  # a cycle through a core goes on through the router behind its transmit FIFO
        if not through_cores and not find_wait_cycles(waits):
            return None  # no receive FIFO waits for anybody, so no cycle goes through a core
        for number in sorted(self._cores):
            self._add_core_waits(number, self._cores[number], waits)
        cycles = find_wait_cycles(waits)
        if not cycles:
            return None
        stuck = sum(map(len, cycles)) + len(nodes_leading_to(waits, cycles))
        first = cycles[0]
        sentences = tuple(map(self._sentence, first, first[1:] + first[:1]))
        return WaitFinding(sentences, stuck, self._count_waiting())

    def _router_edges(self) -> dict[int, list[int]]:
        waits: dict[int, list[int]] = {}
        for number in self._blocked():
            router = self._routers[number]
            for channel in router.occupied_channels():
                found = (self._router_wait(number, router, channel, out) for out in router.wanted(channel))
                goals = sorted({goal for goal in found if goal is not None})
                if goals:
                    waits[number * self._per_router + channel] = goals
        return waits

    def _count_waiting(self) -> int:
        """Queues that hold something, and loops that stand still."""
        waiting = sum(len(self._routers[number].occupied_channels()) for number in self._holding())
        for core in self._cores.values():
            waiting += core.input_blocked + core.is_stalled + (core.transmit_state()[0] > 0)
        return waiting

    def _router_wait(self, number: int, router: RouterView, channel: int, out: int) -> int | None:
        """The node that keeps the front of ``channel`` from output channel ``out``; None: it may yet go."""
        owner = router.owner_of(out)
        if owner not in (-1, channel):
            return number * self._per_router + owner
        if router.credits_of(out):
            return None
        port, vc = divmod(out, self._fabric.n_vcs)
        target = int(self._fabric.target[number, port])
        if target >= 0:
            behind = int(self._fabric.target_port[number, port]) * self._fabric.n_vcs + vc
            is_full = self._routers[target].length_of(behind) == self._depth
            return target * self._per_router + behind if is_full else None
        if target != TO_CORE:
            return None
        core_number = number * self._fabric.chip.mesh.cores_per_tile + port - LOCAL
        core = self._cores.get(core_number)
        if core is None or core.received(vc) < self._fabric.chip.core.rx_flits:
            return None
        return self._receive_node(core_number)

    def _add_core_waits(self, number: int, core: CoreView, waits: dict[int, list[int]]) -> None:
        """Add the edges receive FIFO -> loop -> transmit FIFO -> router of one core."""
        if core.input_blocked:
            waits[self._receive_node(number)] = [self._receive_node(number) + 1]
        if core.is_stalled:
            waits[self._receive_node(number) + 1] = [self._receive_node(number) + 2]
        flits, credits = core.transmit_state()
        if flits and not credits:
            tile = self._fabric.tile_of(number)
            channel = self._fabric.port_of(number) * self._fabric.n_vcs
            if self._routers[tile].length_of(channel) == self._depth:
                waits[self._receive_node(number) + 2] = [tile * self._per_router + channel]

    def _receive_node(self, core: int) -> int:
        """Node of a core's receive FIFO; its neuron loop and transmit FIFO are the next two."""
        return self._first_core + 3 * core

    def _name(self, node: int) -> str:
        if node >= self._first_core:
            core, part = divmod(node - self._first_core, 3)
            return f"core {core} {('receive FIFO', 'neuron loop', 'transmit FIFO')[part]}"
        number, channel = divmod(node, self._per_router)
        port, vc = divmod(channel, self._fabric.n_vcs)
        return f"{self._fabric.describe(number, port)} input vc {vc}"

    def _sentence(self, node: int, goal: int) -> str:
        text = f"{self._name(node)} waits for {self._name(goal)}"
        if node < self._first_core:
            number, channel = divmod(node, self._per_router)
            text += f", holding {self._routers[number].front_packet(channel)}"
        return text
