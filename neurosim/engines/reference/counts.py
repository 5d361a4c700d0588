"""What a finished :class:`SampleRun` counted, in the form that every engine hands in."""

from __future__ import annotations

import numpy as np

from neurosim.engines.collect import SampleCounts
from neurosim.engines.reference.sample import SampleRun
from neurosim.rules.events import EVENT_NAMES


def counts_of(run: SampleRun, end_cycle: int) -> SampleCounts:
    """Read the components' counters; ``end_cycle`` is the verdict's, up to which heads waited."""
    run.mesh.finish(end_cycle)
    n_cores = run.plan.fabric.n_cores
    events = np.zeros((n_cores, len(EVENT_NAMES)), np.int64)
    stall, busy = np.zeros(n_cores, np.int64), np.zeros((n_cores, 2), np.int64)
    spikes: list[tuple[int, int, int, int]] = []
    for number, core in run.cores.items():
        events[number] = core.events
        stall[number] = core.loop_stall_cycles
        busy[number] = (core.pipeline_busy_cycles, core.loop_busy_cycles)
        spikes += [(number, *spike) for spike in core.spikes]
    routers, ledger = run.mesh.routers, run.ledger
    packets = [(p.step, p.source, p.target, p.axon, p.inject, p.arrive) for p in ledger.log or ()]
    return SampleCounts(
        port_flits=np.array([router.port_flits for router in routers], np.int64),
        port_blocked=np.array([router.blocked_cycles for router in routers], np.int64),
        queue_peak=np.array([router.queue_peak for router in routers], np.int64),
        core_events=events,
        core_stall=stall,
        core_busy=busy,
        host_flits=run.host.transmit.flits_sent + run.host.flits_received,
        barriers=run.steps.barriers,
        sent=ledger.sent,
        arrived=ledger.arrived,
        dropped=ledger.dropped,
        late=sum(core.late_packets for core in run.cores.values()),
        membrane_overflows=sum(core.membrane_overflows for core in run.cores.values()),
        accumulator_overflows=sum(core.accumulator_overflows for core in run.cores.values()),
        latency=ledger.latency,
        packets=np.array(packets, np.int64).reshape(-1, 6),
        step_start=np.array(run.steps.start_cycles, np.int64),
        step_end=np.array(run.steps.end_cycles, np.int64),
        missed=run.steps.missed,
        spikes=np.array(spikes, np.int64).reshape(-1, 4),
        membrane={number: core.v for number, core in run.cores.items()},
    )
