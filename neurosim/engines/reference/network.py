"""All routers of a fabric wired together, with sockets for cores, the host and traffic sources."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Protocol

from neurosim.artefacts.mapping import HOST
from neurosim.engines.reference.clock import Clock, Component
from neurosim.engines.reference.packets import Flit, Ledger
from neurosim.engines.reference.router import OutputLink, Router, Upstream
from neurosim.engines.reference.transmit import Transmitter
from neurosim.fabric.topology import TO_CORE, TO_HOST, Fabric


class Endpoint(Component, Protocol):
    """A core, the host or a traffic node: it receives flits and has a transmitter."""

    transmit: Transmitter
    upstream: Upstream

    def receive(self, vc: int, flit: Flit) -> None:
        """ARRIVE: a flit comes out of the router."""
        ...


class Mesh:
    """The routers of ``fabric``, joined; :meth:`attach` hangs endpoints on them."""

    def __init__(self, fabric: Fabric, clock: Clock, ledger: Ledger) -> None:
        self.fabric = fabric
        self._clock = clock
        self.routers = [Router(n, fabric, clock, ledger) for n in range(fabric.n_routers)]
        for router in self.routers:
            for port in range(fabric.n_ports):
                if fabric.target[router.number, port] >= 0:
                    self._join(router, port)

    def _join(self, router: Router, port: int) -> None:
        number = router.number
        target = self.routers[int(self.fabric.target[number, port])]
        in_port = int(self.fabric.target_port[number, port])
        deliver: Callable[[int, Flit], None] = partial(target.receive, in_port)
        self._link(router, port, deliver)
        target.upstream[in_port] = Upstream(
            partial(router.credit, port), int(self.fabric.credit_latency[number, port])
        )

    def _link(
        self, router: Router, port: int, deliver: Callable[[int, Flit], None], core: int | None = None
    ) -> None:
        router.links[port] = OutputLink(
            deliver,
            int(self.fabric.latency[router.number, port]),
            int(self.fabric.interval[router.number, port]),
            core,
        )

    def attach(
        self, core: int, endpoint: Endpoint, receive_flits: int, transmit_flits: int | None
    ) -> None:
        """Hang ``endpoint`` where ``core`` (or HOST) sits, and give it its transmitter."""
        fabric, chip = self.fabric, self.fabric.chip
        router = self.routers[fabric.tile_of(core)]
        port = fabric.port_of(core)
        assert fabric.target[router.number, port] == (TO_HOST if core == HOST else TO_CORE)
        self._link(router, port, endpoint.receive, core)
        credit_latency = int(fabric.credit_latency[router.number, port])
        endpoint.upstream = Upstream(partial(router.credit, port), credit_latency)
        first = port * fabric.n_vcs
        router.credits[first : first + fabric.n_vcs] = [receive_flits] * fabric.n_vcs
        is_host = core == HOST and chip.host is not None
        endpoint.transmit = Transmitter(
            self._clock,
            endpoint,
            partial(router.receive, port),
            latency=chip.host.latency_cycles if is_host and chip.host else chip.router.injection_cycles,
            interval=chip.host.cycles_per_flit if is_host and chip.host else 1,
            credits=chip.router.buffer_flits,
            capacity=transmit_flits,
        )
        router.upstream[port] = Upstream(endpoint.transmit.credit, credit_latency)

    def holding(self) -> list[int]:
        """Numbers of the routers that hold flits."""
        return [router.number for router in self.routers if router.occupied]

    def finish(self, now: int) -> None:
        """Count the waiting of heads that never moved, when a run stops early."""
        for router in self.routers:
            for channel in sorted(router.occupied):
                wait = max(0, now - router.head_since[channel])
                for port in router.owed[channel]:
                    router.blocked_cycles[port] += wait
