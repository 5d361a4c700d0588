"""The exact wait-for graph of a stopped or running system.

A node is a FIFO (or a neuron loop) whose front waits for exactly one other node.  An edge exists only
if the wait cannot end by itself: the FIFO behind the wanted output is full, the output channel is owned
by another packet, the loop waits for its transmit FIFO, or the receive FIFO waits for the loop.  A
cycle of such edges never resolves: it is a deadlock, even while the rest of the system goes on.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.engines.reference.core import CoreModel
from neurosim.engines.reference.network import Mesh
from neurosim.engines.reference.router import FREE, Router
from neurosim.fabric.topology import TO_CORE
from neurosim.fabric.waitfor import find_wait_cycles, nodes_leading_to


@dataclass(frozen=True)
class WaitFinding:
    """One cycle of the wait-for graph in words, and how much hangs on it.

    ``blocked`` and ``waiting`` count the nodes that can never move again, and all that hold flits.
    """

    sentences: tuple[str, ...]
    blocked: int
    waiting: int

    @property
    def is_global(self) -> bool:
        """Whether everything that holds flits is stuck."""
        return self.blocked >= self.waiting


class WaitGraph:
    """Builds the graph from the components' state; ``cores`` by core number."""

    def __init__(self, mesh: Mesh, cores: dict[int, CoreModel]) -> None:
        self._mesh = mesh
        self._cores = cores
        self._per_router = mesh.fabric.n_ports * mesh.fabric.n_vcs
        self._first_core = mesh.fabric.n_routers * self._per_router

    def find(self) -> WaitFinding | None:
        """The first cycle, or None if every wait can end."""
        waits, waiting = self._edges()
        cycles = find_wait_cycles(waits)
        if not cycles:
            return None
        blocked = sum(map(len, cycles)) + len(nodes_leading_to(waits, cycles))
        sentences = tuple(self._sentence(node, waits[node]) for node in cycles[0])
        return WaitFinding(sentences, blocked, waiting)

    def _edges(self) -> tuple[dict[int, int], int]:
        waits: dict[int, int] = {}
        waiting = 0
        for router in self._mesh.routers:
            for channel in sorted(router.occupied):
                waiting += 1
                goal = self._router_wait(router, channel)
                if goal is not None:
                    waits[router.number * self._per_router + channel] = goal
        for number, core in sorted(self._cores.items()):
            waiting += self._core_waits(number, core, waits)
        return waits, waiting

    def _router_wait(self, router: Router, channel: int) -> int | None:
        out, port = router.want_channel[channel], router.want_port[channel]
        base = router.number * self._per_router
        owner = router.owner[out]
        if owner not in (FREE, channel):
            return base + owner
        if router.credits[out]:
            return None
        vc = out % self._mesh.fabric.n_vcs
        target = int(self._mesh.fabric.target[router.number, port])
        if target >= 0:
            in_port = int(self._mesh.fabric.target_port[router.number, port])
            behind = in_port * self._mesh.fabric.n_vcs + vc
            is_full = len(self._mesh.routers[target].fifo[behind]) == self._mesh.fabric.chip.router.buffer_flits
            return target * self._per_router + behind if is_full else None
        if target != TO_CORE:
            return None
        number = router.number * self._mesh.fabric.chip.mesh.cores_per_tile + port - 4
        core = self._cores.get(number)
        if core is None or len(core.receive_queue(vc)) < self._mesh.fabric.chip.core.rx_flits:
            return None
        return self._receive_node(number)

    def _core_waits(self, number: int, core: CoreModel, waits: dict[int, int]) -> int:
        """Add the edges receive FIFO -> loop -> transmit FIFO -> router of one core."""
        waiting = 0
        if core.input_blocked:
            waits[self._receive_node(number)] = self._loop_node(number)
            waiting += 1
        if core.is_stalled:
            waits[self._loop_node(number)] = self._transmit_node(number)
            waiting += 1
        if core.transmit.queue:
            waiting += 1
            fabric = self._mesh.fabric
            router = self._mesh.routers[fabric.tile_of(number)]
            channel = fabric.port_of(number) * fabric.n_vcs
            if not core.transmit.credits and len(router.fifo[channel]) == fabric.chip.router.buffer_flits:
                waits[self._transmit_node(number)] = router.number * self._per_router + channel
        return waiting

    def _receive_node(self, core: int) -> int:
        return self._first_core + 3 * core

    def _loop_node(self, core: int) -> int:
        return self._first_core + 3 * core + 1

    def _transmit_node(self, core: int) -> int:
        return self._first_core + 3 * core + 2

    def _name(self, node: int) -> str:
        if node >= self._first_core:
            core, part = divmod(node - self._first_core, 3)
            return f"core {core} {('receive FIFO', 'neuron loop', 'transmit FIFO')[part]}"
        number, channel = divmod(node, self._per_router)
        port, vc = divmod(channel, self._mesh.fabric.n_vcs)
        return f"{self._mesh.fabric.describe(number, port)} input vc {vc}"

    def _sentence(self, node: int, goal: int) -> str:
        text = f"{self._name(node)} waits for {self._name(goal)}"
        if node < self._first_core:
            number, channel = divmod(node, self._per_router)
            text += f", holding {self._mesh.routers[number].fifo[channel][0][0]}"
        return text
