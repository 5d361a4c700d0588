"""Raw traffic on the bare fabric: sources with unbounded queues and sinks that never block."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from neurosim.artefacts.result import Verdict
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult
from neurosim.engines.reference.clock import Clock
from neurosim.engines.reference.network import Mesh
from neurosim.engines.reference.packets import Flit, Ledger, Packet
from neurosim.engines.reference.router import Upstream
from neurosim.engines.reference.transmit import Transmitter
from neurosim.engines.waits import WaitGraph, next_check
from neurosim.fabric.tables import flow_fabric
from neurosim.fabric.topology import Fabric


class TrafficNode:
    """A source of scheduled packets and a sink that takes a flit a cycle."""

    def __init__(self, clock: Clock, ledger: Ledger) -> None:
        self.woken_for = -1
        self.stepped_in = -1
        self.transmit: Transmitter
        self.upstream: Upstream
        self._clock = clock
        self._ledger = ledger
        self._waiting: deque[tuple[int, Packet]] = deque()

    def plan(self, cycle: int, packet: Packet) -> None:
        """``packet`` is to enter the queue in ``cycle`` (called in order of cycles)."""
        self._waiting.append((cycle, packet))

    def wake_first(self) -> None:
        """Set the alarm for the first packet."""
        if self._waiting:
            self._clock.wake(self, self._waiting[0][0])

    def receive(self, vc: int, flit: Flit) -> None:
        """ARRIVE: sink the flit and give its slot back."""
        packet, index = flit
        now = self._clock.now
        self._clock.send(now + self.upstream.latency, self.upstream.return_credit, vc)
        if index == packet.flits - 1:
            self._ledger.arrive(packet, now)
            self._ledger.end()

    def step(self, now: int) -> None:
        """Queue what is due, send, and set the next alarm."""
        while self._waiting and self._waiting[0][0] <= now:
            _, packet = self._waiting.popleft()
            packet.inject = now
            self.transmit.push(packet)
        looks = [self.transmit.step(now)]
        if self._waiting:
            looks.append(self._waiting[0][0])
        later = [look for look in looks if look > now]
        if later:
            self._clock.wake(self, min(later))


class TrafficRun:
    """Routers and nodes with all packets of ``traffic`` planned, before the first cycle."""

    def __init__(self, fabric: Fabric, traffic: Traffic, shuffle_seed: int | None = None) -> None:
        chip = fabric.chip
        self.clock, self.ledger = Clock(shuffle_seed), Ledger(keep_packets=False)
        self.mesh = Mesh(fabric, self.clock, self.ledger)
        self.nodes = [TrafficNode(self.clock, self.ledger) for _ in range(fabric.n_cores)]
        for core, node in enumerate(self.nodes):
            self.mesh.attach(core, node, chip.router.buffer_flits, None)
        self.packets: list[Packet] = []
        columns = (traffic.cycle.tolist(), traffic.source.tolist(), traffic.target.tolist())
        for cycle, source, target in zip(*columns, strict=True):
            packet = Packet(
                source, target, fabric.tile_of(target), fabric.port_of(target), 0, 0, chip.packet.flits
            )
            packet.number = len(self.packets)
            self.ledger.inject(packet, cycle)
            self.nodes[source].plan(cycle, packet)
            self.packets.append(packet)
        for node in self.nodes:
            node.wake_first()


def run_traffic(
    chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
) -> TrafficResult:
    """Inject ``traffic`` on ``chip``; stop when all arrived, at a deadlock, or at ``max_cycles``."""
    fabric = flow_fabric(chip, traffic.table, traffic.source, traffic.target)
    run = TrafficRun(fabric, traffic, options.shuffle_seed)
    routers = run.mesh.routers
    waits = WaitGraph(fabric, routers, {}, run.mesh.holding)
    verdict = _drain(run.clock, run.ledger, waits, max_cycles, options)
    return TrafficResult(
        inject=traffic.cycle,
        arrive=np.array([packet.arrive for packet in run.packets], np.int64),
        end_cycle=verdict.cycle,
        router_traversals=sum(sum(router.port_flits) for router in routers),
        verdict=verdict,
        port_flits=np.array([router.port_flits for router in routers], np.int64),
    )


def _drain(
    clock: Clock, ledger: Ledger, waits: WaitGraph, max_cycles: int, options: RunOptions
) -> Verdict:
    mark = options.check_every_cycles
    while ledger.open:
        upcoming = clock.env.peek()
        if upcoming == math.inf:
            finding = waits.find()
            assert finding is not None, "traffic stopped without a wait-for cycle"
            return finding.verdict("", -1, clock.last_arrival)
        if upcoming > mark:
            finding = waits.find()
            if finding is not None:
                return finding.verdict("", -1, mark)
            mark = next_check(options.check_every_cycles, upcoming)
        if upcoming > max_cycles:
            text = f"{ledger.open} packets were still on their way after {max_cycles} cycles"
            return Verdict("limit", text, -1, max_cycles)
        clock.env.step()
    return Verdict("ok", "all packets arrived", -1, clock.now)
