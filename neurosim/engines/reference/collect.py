"""From finished sample runs to one Result."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim import store
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Counters, PacketLog, Result, Spikes, Verdict
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.reference.sample import SampleRun
from neurosim.fabric.topology import Fabric
from neurosim.rules import ports
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

IntArray = NDArray[np.int64]


def router_events(fabric: Fabric, port_flits: IntArray) -> IntArray:
    """Events per router (R, E) that follow from the flits sent per output port (R, P)."""
    events = np.zeros((fabric.n_routers, len(EVENT_NAMES)), np.int64)
    inside = np.where(fabric.crosses, 0, port_flits)
    inside[fabric.target < 0] = 0
    events[:, EVENT_INDEX["flit_hop_east_west"]] = inside[:, [ports.EAST, ports.WEST]].sum(axis=1)
    events[:, EVENT_INDEX["flit_hop_north_south"]] = inside[:, [ports.NORTH, ports.SOUTH]].sum(axis=1)
    events[:, EVENT_INDEX["flit_hop_local"]] = port_flits[:, ports.LOCAL :].sum(axis=1)
    events[:, EVENT_INDEX["flit_chip_crossing"]] = np.where(fabric.crosses, port_flits, 0).sum(axis=1)
    return events


class Collector:
    """Adds up samples; :meth:`result` makes the artefact."""

    def __init__(self, program: Program, fabric: Fabric, workload: Workload) -> None:
        n_samples, n_steps = workload.spikes.shape[0], workload.spikes.shape[1]
        hardware_steps = n_steps + program.depth
        routers, n_events = (fabric.n_routers, fabric.n_ports), len(EVENT_NAMES)
        self._program = program
        self._fabric = fabric
        self._workload = workload
        self._done = 0
        self._sample_events = np.zeros((n_samples, n_events), np.int64)
        self._core_events = np.zeros((fabric.n_cores, n_events), np.int64)
        self._port_flits = np.zeros(routers, np.int64)
        self._blocked = np.zeros(routers, np.int64)
        self._peak = np.zeros(routers, np.int64)
        self._stall = np.zeros(fabric.n_cores, np.int64)
        self._busy = np.zeros((fabric.n_cores, 2), np.int64)
        self._totals: dict[str, int] = defaultdict(int)
        self._latency: dict[int, int] = defaultdict(int)
        self._start = np.full((n_samples, hardware_steps), -1, np.int64)
        self._end = np.full((n_samples, hardware_steps), -1, np.int64)
        self._missed: list[tuple[int, int, int]] = []
        self._spikes: dict[str, list[tuple[int, int, int, int]]] = defaultdict(list)
        self._packets: list[tuple[int, ...]] = []
        self._outputs = np.zeros((n_samples, sum(n for _, n, _ in program.outputs)), np.int64)

    def add(self, sample: int, run: SampleRun) -> None:
        """Add what ``run`` counted as sample ``sample``."""
        self._done = sample + 1
        run.mesh.finish(run.clock.now)
        flits = np.array([router.port_flits for router in run.mesh.routers], np.int64)
        self._port_flits += flits
        self._blocked += np.array([router.blocked_cycles for router in run.mesh.routers], np.int64)
        peak = np.array([router.queue_peak for router in run.mesh.routers], np.int64)
        np.maximum(self._peak, peak, out=self._peak)
        events = router_events(self._fabric, flits).sum(axis=0)
        for number, core in run.cores.items():
            self._core_events[number] += core.events
            events = events + core.events
            self._stall[number] += core.loop_stall_cycles
            self._busy[number] += (core.pipeline_busy_cycles, core.loop_busy_cycles)
            self._totals["late"] += core.late_packets
            self._totals["membrane"] += core.membrane_overflows
            self._totals["accumulator"] += core.accumulator_overflows
        events[EVENT_INDEX["flit_host"]] += run.host.transmit.flits_sent + run.host.flits_received
        events[EVENT_INDEX["barrier"]] += run.steps.barriers
        self._sample_events[sample] = events
        self._add_ledger(sample, run)
        self._add_steps(sample, run)
        self._add_spikes(sample, run)

    def _add_ledger(self, sample: int, run: SampleRun) -> None:
        ledger = run.ledger
        self._totals["sent"] += ledger.sent
        self._totals["arrived"] += ledger.arrived
        self._totals["dropped"] += ledger.dropped
        for cycles, count in ledger.latency.items():
            self._latency[cycles] += count
        for packet in sorted(ledger.log or (), key=lambda p: (p.inject < 0, p.inject, p.source)):
            self._packets.append(
                (sample, packet.step, packet.source, packet.target, packet.axon, packet.inject,
                 packet.arrive)
            )  # fmt: skip

    def _add_steps(self, sample: int, run: SampleRun) -> None:
        steps = run.steps
        self._start[sample, : len(steps.start_cycles)] = steps.start_cycles
        self._end[sample, : len(steps.end_cycles)] = steps.end_cycles
        self._missed += [(sample, step, core) for step, core in steps.missed]

    def _add_spikes(self, sample: int, run: SampleRun) -> None:
        first = {}
        position = 0
        for name, n, _ in self._program.outputs:
            first[name] = position
            position += n
        readout = dict(zip((o[0] for o in self._program.outputs), self._program.readout, strict=True))
        for core in run.cores.values():
            fired = np.array(core.spikes, np.int64).reshape(-1, 3)
            for group in core.image.program.groups:
                mine = fired[(fired[:, 1] >= group.first) & (fired[:, 1] < group.first + group.n)]
                neurons = group.neurons[mine[:, 1] - group.first]
                steps = mine[:, 0] - group.start_step
                self._spikes[group.population] += [
                    (sample, step, neuron, count)
                    for step, neuron, count in zip(
                        steps.tolist(), neurons.tolist(), mine[:, 2].tolist(), strict=True
                    )
                ]
                if group.population not in first:
                    continue
                base = first[group.population]
                if readout[group.population] == "membrane":
                    span = slice(group.first, group.first + group.n)
                    self._outputs[sample, base + group.neurons] = core.v[span]
                else:
                    np.add.at(self._outputs[sample], base + neurons, mine[:, 2])

    def result(self, engine: str, verdict: Verdict, options: RunOptions) -> Result:
        """The artefact of all samples added so far (those of a stopped run included)."""
        totals, done = self._totals, self._done
        histogram = np.zeros(max(self._latency, default=-1) + 1, np.int64)
        for cycles, count in self._latency.items():
            histogram[cycles] = count
        counters = Counters(
            sample_events=self._sample_events[:done],
            core_events=self._core_events,
            router_events=router_events(self._fabric, self._port_flits),
            port_flits=self._port_flits,
            port_blocked_cycles=self._blocked,
            queue_peak_flits=self._peak,
            loop_stall_cycles=self._stall,
            core_busy_cycles=self._busy,
            packets_sent=totals["sent"],
            packets_arrived=totals["arrived"],
            packets_dropped=totals["dropped"],
            packets_in_flight=totals["sent"] - totals["arrived"] - totals["dropped"],
            late_packets=totals["late"],
            membrane_overflows=totals["membrane"],
            accumulator_overflows=totals["accumulator"],
        )
        return Result(
            engine=engine,
            program_digest=store.digest(self._program),
            chip_digest=self._program.chip_digest,
            network_digest=self._program.network_digest,
            input_digest=self._workload.digest,
            seed=options.seed,
            n_samples=done,
            n_steps=int(self._workload.spikes.shape[1]),
            labels=self._workload.labels[:done],
            output_counts=self._outputs[:done],
            latency_cycles=self._end[:done, -1].copy(),
            step_start=self._start[:done],
            step_end=self._end[:done],
            spikes=tuple(
                spike_events(name, self._spikes[name]) for name in sorted(self._spikes)
            ),
            counters=counters,
            latency_histogram=histogram,
            missed=np.array(self._missed, np.int64).reshape(-1, 3),
            packets=_packet_log(self._packets) if options.log_packets else None,
            verdict=verdict,
        )


def spike_events(population: str, rows: list[tuple[int, int, int, int]]) -> Spikes:
    """Sorted spike events from (sample, step, neuron, count) rows."""
    table = np.array(sorted(rows), np.int32).reshape(-1, 4)
    columns = [np.ascontiguousarray(table[:, k]) for k in range(4)]
    return Spikes(population, *columns)


def _packet_log(rows: list[tuple[int, ...]]) -> PacketLog:
    table = np.array(rows, np.int64).reshape(-1, 7)
    narrow: list[Any] = [table[:, k].astype(np.int32) for k in range(5)]
    return PacketLog(*narrow, table[:, 5].copy(), table[:, 6].copy())
