"""Raw traffic on the compiled fabric: from a Traffic to a TrafficResult."""

from __future__ import annotations

import numpy as np

from neurosim.artefacts.result import Verdict
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult
from neurosim.engines.compiled import traffic_kernel as kernel
from neurosim.engines.compiled.fabric_state import build_state, by_port, pack_address
from neurosim.engines.compiled.views import RouterViews, blocked, has_wait_cycle, holding
from neurosim.engines.waits import WaitGraph, next_check
from neurosim.fabric.tables import flow_fabric
from neurosim.fabric.topology import Fabric


class TrafficRun:
    """The kernel's arrays for one run of raw traffic."""

    def __init__(self, fabric: Fabric, traffic: Traffic) -> None:
        n_nodes = fabric.n_cores
        self.fabric = fabric
        self.state = build_state(
            fabric, {core: core for core in range(n_nodes)}, fabric.chip.router.buffer_flits
        )
        addresses = np.array([pack_address(fabric, core) for core in range(n_nodes)], np.int32)
        self.address = addresses[traffic.target]
        self.source = traffic.source.astype(np.int32)
        self.target = traffic.target
        self.cycle = traffic.cycle.astype(np.int64)
        self.order = np.argsort(traffic.source, kind="stable").astype(np.int32)
        self.arrive = np.full(len(traffic.cycle), -1, np.int64)
        counts = np.bincount(traffic.source, minlength=n_nodes)
        self.nodes = np.zeros((6, n_nodes), np.int64)
        self.nodes[kernel.FIRST] = self.nodes[kernel.DUE] = np.cumsum(counts) - counts
        self.nodes[kernel.CREDITS] = fabric.chip.router.buffer_flits
        self.progress = np.zeros(6, np.int64)
        self.scratch = [np.zeros(8, np.int64) for _ in range(3)]

    def advance(self, until: int, max_cycles: int, every: int = 0) -> int:
        """Run the kernel; returns its status.  With ``every`` it passes over checks that can find nothing."""
        status = kernel.run(
            self.state.tuple, self.state.narrow, self.state.wide, self.address,
            self.nodes.reshape(-1), self.source, self.cycle, self.order, self.arrive, self.progress,
            *self.scratch,
            self.fabric.chip.router.injection_cycles, until, max_cycles, every,
        )  # fmt: skip
        return int(status)

    def name(self, packet: int) -> str:
        """A packet in words."""
        return f"packet {packet} (core {self.source[packet]} -> core {self.target[packet]}, step 0)"

    def drain(self, max_cycles: int, options: RunOptions) -> Verdict:
        """Run until all has arrived, a deadlock, or ``max_cycles``."""
        views = RouterViews(self.fabric, self.state, self.name)
        waits = WaitGraph(
            self.fabric, views, {}, lambda: holding(self.state), lambda: blocked(self.state),
            lambda: has_wait_cycle(self.state),
        )  # fmt: skip
        mark = every = options.check_every_cycles
        while True:
            status = self.advance(mark, max_cycles, every)
            if status == kernel.DONE:
                return Verdict("ok", "all packets arrived", -1, int(self.progress[kernel.NOW]))
            finding = waits.find() if status != kernel.LIMIT else None
            if finding is not None:
                stalled = status == kernel.STALLED
                mark = next_check(every, max(1, int(self.progress[kernel.NOW])))
                return finding.verdict("", -1, int(self.progress[kernel.LAST_ARRIVAL]) if stalled else mark)
            assert status != kernel.STALLED, "traffic stopped without a wait-for cycle"
            if status == kernel.LIMIT:
                return Verdict("limit", self._limit_text(max_cycles), -1, max_cycles)
            mark = next_check(every, int(self.progress[kernel.UPCOMING]))

    def _limit_text(self, max_cycles: int) -> str:
        done = int(self.progress[kernel.ARRIVED]) + int(self.state.field("DROPPED")[0])
        return f"{len(self.cycle) - done} packets were still on their way after {max_cycles} cycles"


def run_traffic(
    chip: Chip, traffic: Traffic, max_cycles: int, options: RunOptions
) -> TrafficResult:
    """Inject ``traffic`` on ``chip``; stop when all arrived, at a deadlock, or at ``max_cycles``."""
    run = TrafficRun(flow_fabric(chip, traffic.table, traffic.source, traffic.target), traffic)
    return result_of(run, traffic, run.drain(max_cycles, options))


def result_of(run: TrafficRun, traffic: Traffic, verdict: Verdict) -> TrafficResult:
    """What ``run``, which ended with ``verdict``, made of ``traffic``."""
    flits = by_port(run.fabric, run.state.field("PORT_FLITS"))
    return TrafficResult(
        inject=traffic.cycle,
        arrive=run.arrive,
        end_cycle=verdict.cycle,
        router_traversals=int(flits.sum()),
        verdict=verdict,
        port_flits=flits,
    )
