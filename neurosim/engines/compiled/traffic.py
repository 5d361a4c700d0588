"""Raw traffic on the compiled fabric: from a Traffic to a TrafficResult."""

from __future__ import annotations

import numpy as np

from neurosim.artefacts.result import Verdict
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult
from neurosim.engines.compiled import traffic_kernel as kernel
from neurosim.engines.compiled.fabric_state import Net, build_net, by_port
from neurosim.engines.compiled.waits import traffic_waits
from neurosim.engines.verdicts import deadlock_verdict
from neurosim.fabric.topology import Fabric, build_fabric


def _prepare(fabric: Fabric, traffic: Traffic) -> tuple[Net, kernel.Nodes]:
    n_packets, n_nodes = len(traffic.cycle), fabric.n_cores
    net = build_net(
        fabric, {core: core for core in range(n_nodes)}, n_packets, fabric.chip.router.buffer_flits
    )
    per_tile = fabric.chip.mesh.cores_per_tile
    net.goal[:] = traffic.target // per_tile
    net.exit_port[:] = 4 + traffic.target % per_tile
    counts = np.bincount(traffic.source, minlength=n_nodes)
    first = np.concatenate(([0], np.cumsum(counts)))[:-1]
    nodes = kernel.Nodes(
        injection=fabric.chip.router.injection_cycles,
        source=traffic.source.astype(np.int32),
        cycle=traffic.cycle.astype(np.int64),
        arrive=np.full(n_packets, -1, np.int64),
        order=np.argsort(traffic.source, kind="stable").astype(np.int32),
        first=first.astype(np.int64),
        due=first.astype(np.int64),
        index=np.zeros(n_nodes, np.int8),
        credits=np.full(n_nodes, fabric.chip.router.buffer_flits, np.int32),
        busy=np.zeros(n_nodes, np.int32),
        n_busy=np.zeros(1, np.int64),
        is_busy=np.zeros(n_nodes, np.uint8),
        progress=np.zeros(3, np.int64),
    )
    return net, nodes


def run_traffic(
    chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
) -> TrafficResult:
    """Inject ``traffic`` on ``chip``; stop when all arrived, at a deadlock, or at ``max_cycles``."""
    fabric = build_fabric(chip)
    net, nodes = _prepare(fabric, traffic)
    verdict = _drain(fabric, net, nodes, max_cycles, options)
    flits = by_port(fabric, net.port_flits)
    return TrafficResult(
        inject=traffic.cycle,
        arrive=nodes.arrive,
        end_cycle=int(nodes.progress[0]),
        router_traversals=int(flits.sum()),
        verdict=verdict,
        port_flits=flits,
    )


def _drain(
    fabric: Fabric, net: Net, nodes: kernel.Nodes, max_cycles: int, options: RunOptions
) -> Verdict:
    next_check = options.check_every_cycles
    n_packets = len(nodes.cycle)
    while True:
        status = kernel.run(net, nodes, next_check, max_cycles)
        now = int(nodes.progress[0])
        if status == kernel.DONE:
            return Verdict("ok", "all packets arrived", -1, now)
        if status == kernel.LIMIT:
            left = n_packets - int(nodes.progress[2]) - int(net.dropped[0])
            text = f"{left} packets were still on their way after {max_cycles} cycles"
            return Verdict("limit", text, -1, now)
        finding = traffic_waits(fabric, net, nodes)
        if finding is not None:
            return deadlock_verdict(finding, now)
        assert status == kernel.CHECK, "traffic stopped without a wait-for cycle"
        next_check = _next_check(net, nodes, now, options)


def _next_check(net: Net, nodes: kernel.Nodes, now: int, options: RunOptions) -> int:
    """As the reference: ``check_every_cycles`` after the first cycle with work that passed the mark."""
    raise NotImplementedError
