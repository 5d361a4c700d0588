"""The estimate engine: the functional engine's spikes, exact events, estimated times, as one Result.

Dropped packets, deadlocks, missed deadlines and overflows that depend on the order of arrival are not
simulated; event counts are the cycle engines' own whenever theirs end with verdict "ok" and nothing late.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim import store
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Counters, Result, Verdict
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.collect import router_events
from neurosim.engines.estimate.counts import SampleLoad, sample_load
from neurosim.engines.estimate.latency import step_lengths, step_times
from neurosim.engines.estimate.tables import Tables
from neurosim.engines.functional import FunctionalEngine, Seen
from neurosim.fabric.tables import program_fabric
from neurosim.fabric.topology import TO_HOST
from neurosim.network.model import Network
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

SUMMARY = "events counted, times estimated from loads; no cycle was simulated"


class EstimateEngine:
    """Estimates programs for ``chip``."""

    name = "estimate"

    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def run(
        self, program: Program, network: Network, workload: Workload, options: RunOptions | None = None
    ) -> Result:
        """Estimate ``program``, the image of ``network``, on every sample of ``workload``.

        Raises:
            InputError: inputs of the wrong size.
        """
        tables = Tables(program, program_fabric(program, self.chip))
        totals = _Totals(tables, workload)

        def watch(seen: Seen) -> None:
            for sample in range(next(iter(seen.counts.values())).shape[0]):
                host = workload.spikes[seen.first + sample]
                totals.add(seen.first + sample, sample_load(tables, seen, sample, host))

        spikes = FunctionalEngine(self.chip).run(
            network, workload, options, watch, network_digest=program.network_digest
        )
        return replace(
            spikes,
            engine=self.name,
            program_digest=store.digest(program),
            latency_cycles=totals.end[:, -1].copy(),
            step_start=totals.start,
            step_end=totals.end,
            counters=totals.counters(spikes.counters),
            verdict=Verdict("ok", SUMMARY),
        )


class _Totals:
    """Adds up samples."""

    def __init__(self, tables: Tables, workload: Workload) -> None:
        fabric, steps = tables.fabric, workload.spikes.shape[1] + tables.program.depth
        n_samples = workload.spikes.shape[0]
        self.tables = tables
        self.sample_events = np.zeros((n_samples, len(EVENT_NAMES)), np.int64)
        self.core_events = np.zeros((fabric.n_cores, len(EVENT_NAMES)), np.int64)
        self.core_busy = np.zeros((fabric.n_cores, 2), np.int64)
        self.port_flits = np.zeros((fabric.n_routers, fabric.n_ports), np.int64)
        self.start = np.zeros((n_samples, steps), np.int64)
        self.end = np.zeros((n_samples, steps), np.int64)
        self.packets = 0

    def add(self, sample: int, load: SampleLoad) -> None:
        """Add one sample."""
        tables, chip = self.tables, self.tables.fabric.chip
        steps, cores = load.packets.shape[0], tables.numbers[:-1]
        flits = chip.packet.flits
        port_packets = tables.paths.port_packets(load.ways)
        ports = np.rint(port_packets.sum(axis=0)).astype(np.int64).reshape(self.port_flits.shape) * flits
        self.start[sample], self.end[sample] = step_times(tables, step_lengths(tables, load, port_packets))
        self.port_flits += ports
        self.packets += int(load.packets.sum())
        self.core_events[cores] += load.events[:-1]
        self.core_busy[cores, 0] += np.rint(load.pipeline[:, :-1].sum(axis=0)).astype(np.int64)
        self.core_busy[cores, 1] += np.rint(load.loop[:, :-1].sum(axis=0)).astype(np.int64)
        events = load.events.sum(axis=0) + router_events(tables.fabric, ports).sum(axis=0)
        to_host = int(ports[tables.fabric.target == TO_HOST].sum())
        events[EVENT_INDEX["flit_host"]] = to_host + int(load.sent[:, -1].sum()) * flits
        events[EVENT_INDEX["barrier"]] = 0 if chip.sync.mode == "tick" else steps
        self.sample_events[sample] = events

    def counters(self, spikes: Counters) -> Counters:
        """All counters; those of queues and waiting stay empty."""
        return replace(
            spikes,
            sample_events=self.sample_events,
            core_events=self.core_events,
            router_events=router_events(self.tables.fabric, self.port_flits),
            port_flits=self.port_flits,
            core_busy_cycles=self.core_busy,
            packets_sent=self.packets,
            packets_arrived=self.packets,
        )
