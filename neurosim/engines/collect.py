"""From the counts of finished samples to one Result: the same for every cycle engine."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim import store
from neurosim.artefacts.program import CoreProgram, Program
from neurosim.artefacts.result import Counters, PacketLog, Result, Spikes, Verdict
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.checkpoint import Arrays
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


@dataclass(frozen=True)
class SampleCounts:
    """What one sample counted; shapes as in :mod:`neurosim.artefacts.result`, without the samples.

    ``core_*`` run over all core positions; ``latency`` maps journey cycles to packets; ``packets`` (n, 6)
    rows are (step, source, target, axon, inject, arrive), any order; ``spikes`` (n, 4) rows are (core,
    hardware step, neuron in the core, count); ``membrane`` maps core numbers to final membranes.
    """

    port_flits: IntArray
    port_blocked: IntArray
    queue_peak: IntArray
    core_events: IntArray
    core_stall: IntArray
    core_busy: IntArray
    host_flits: int
    barriers: int
    sent: int
    arrived: int
    dropped: int
    late: int
    membrane_overflows: int
    accumulator_overflows: int
    latency: dict[int, int]
    packets: IntArray
    step_start: IntArray
    step_end: IntArray
    missed: list[tuple[int, int]]
    spikes: IntArray
    membrane: dict[int, IntArray]


class Rows:
    """A table of rows that grows in place: (n, ``width``) values of type ``kind``."""

    def __init__(self, width: int, kind: Any) -> None:
        self._block = np.empty((256, width), kind)  # doubled when full: pages not yet used cost nothing
        self._used = 0

    def add(self, rows: NDArray[Any]) -> None:
        """Append ``rows`` (n, width)."""
        needed = self._used + len(rows)
        if needed > len(self._block):
            block = np.empty((max(needed, 2 * len(self._block)), self._block.shape[1]), self._block.dtype)
            block[: self._used] = self.table
            self._block = block
        self._block[self._used : needed] = rows
        self._used = needed

    @property
    def table(self) -> NDArray[Any]:
        """All rows: a view."""
        return self._block[: self._used]


SPIKES_AT_ONCE = 1 << 16
"""Spikes of a sample that are sorted to their populations at once: it takes ten times their memory."""
_TOTALS = ("sent", "arrived", "dropped", "late", "membrane_overflows", "accumulator_overflows")


class Collector:
    """Adds up samples; :meth:`result` makes the artefact.

    What grows with the run: per sample one row of events and outputs, per step its two cycles, per spike
    16 bytes, and packets if they are logged.
    """

    def __init__(self, program: Program, fabric: Fabric, workload: Workload, options: RunOptions) -> None:
        n_samples, n_steps = workload.spikes.shape[0], workload.spikes.shape[1]
        hardware_steps = n_steps + program.depth
        routers, n_events = (fabric.n_routers, fabric.n_ports), len(EVENT_NAMES)
        self._program = program
        self._fabric = fabric
        self._workload = workload
        self._options = options
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
        self._missed = Rows(3, np.int64)
        self._packets = Rows(7, np.int64)
        self._outputs = np.zeros((n_samples, sum(n for _, n, _ in program.outputs)), np.int64)
        self._first_output: dict[str, int] = {}
        position = 0
        for name, n, _ in program.outputs:
            self._first_output[name] = position
            position += n
        names = (output[0] for output in program.outputs)
        self._readout = dict(zip(names, program.readout, strict=True))
        listed = {group.population for core in program.cores for group in core.groups}
        self._spikes = {name: Rows(4, np.int32) for name in sorted(listed)}

    def state(self) -> Arrays:
        """Everything collected so far, as arrays that are not copied."""
        rows = {f"spikes.{name}": part.table for name, part in self._spikes.items()}
        return rows | {
            "missed": self._missed.table,
            "packets": self._packets.table,
            "totals": np.array([self._done, *(self._totals[name] for name in _TOTALS)], np.int64),
            "latency": np.array(sorted(self._latency.items()), np.int64).reshape(-1, 2),
            **{name: array[: self._done] for name, array in self._by_sample().items()},
            **self._sums(),
        }

    def restore(self, state: Arrays) -> None:
        """Go on from what :meth:`state` of another collector of the same run said."""
        self._done, *totals = (int(value) for value in state["totals"])
        self._totals.update(zip(_TOTALS, totals, strict=True))
        self._latency.update((int(cycles), int(count)) for cycles, count in state["latency"])
        for name, array in self._by_sample().items():
            array[: self._done] = state[name]
        for name, array in self._sums().items():
            array[...] = state[name]
        self._missed.add(state["missed"])
        self._packets.add(state["packets"])
        for name, part in self._spikes.items():
            part.add(state[f"spikes.{name}"])

    def _by_sample(self) -> dict[str, IntArray]:
        """Arrays with one row per sample."""
        return {
            "sample_events": self._sample_events, "step_start": self._start, "step_end": self._end,
            "outputs": self._outputs,
        }  # fmt: skip

    def _sums(self) -> dict[str, IntArray]:
        """Arrays that are added up over samples."""
        return {
            "core_events": self._core_events, "port_flits": self._port_flits, "blocked": self._blocked,
            "peak": self._peak, "stall": self._stall, "busy": self._busy,
        }  # fmt: skip

    def add(self, sample: int, counts: SampleCounts) -> None:
        """Add what sample ``sample`` counted."""
        self._done = sample + 1
        self._port_flits += counts.port_flits
        self._blocked += counts.port_blocked
        np.maximum(self._peak, counts.queue_peak, out=self._peak)
        self._core_events += counts.core_events
        self._stall += counts.core_stall
        self._busy += counts.core_busy
        events = router_events(self._fabric, counts.port_flits).sum(axis=0) + counts.core_events.sum(axis=0)
        events[EVENT_INDEX["flit_host"]] += counts.host_flits
        events[EVENT_INDEX["barrier"]] += counts.barriers
        self._sample_events[sample] = events
        for name in _TOTALS:
            self._totals[name] += getattr(counts, name)
        for cycles, count in counts.latency.items():
            self._latency[cycles] += count
        self._start[sample, : len(counts.step_start)] = counts.step_start
        self._end[sample, : len(counts.step_end)] = counts.step_end
        if counts.missed:
            self._missed.add(np.array([(sample, step, core) for step, core in counts.missed], np.int64))
        if self._options.log_packets:
            self._add_packets(sample, counts.packets)
        for first in range(0, max(1, len(counts.spikes)), SPIKES_AT_ONCE):
            self._add_spikes(sample, counts.spikes[first : first + SPIKES_AT_ONCE], counts)

    def _add_spikes(self, sample: int, rows: NDArray[Any], counts: SampleCounts) -> None:
        """Some of a sample's spikes, in any order."""
        by_core = rows[np.argsort(rows[:, 0], kind="stable")]
        numbers = [core.core for core in self._program.cores]
        firsts = np.searchsorted(by_core[:, 0], numbers)
        ends = np.searchsorted(by_core[:, 0], numbers, side="right")
        for core, first, end in zip(self._program.cores, firsts, ends, strict=True):
            self._add_core_spikes(sample, core, by_core[first:end], counts)

    def _add_packets(self, sample: int, rows: IntArray) -> None:
        # by injection (never injected last), then source; the order per source is the order of sending
        inject = rows[:, 4]
        order = np.lexsort((rows[:, 1], inject, inject < 0))
        self._packets.add(np.insert(rows[order], 0, sample, axis=1))

    def _add_core_spikes(
        self, sample: int, core: CoreProgram, fired: IntArray, counts: SampleCounts
    ) -> None:
        for group in core.groups:
            mine = fired[(fired[:, 2] >= group.first) & (fired[:, 2] < group.first + group.n)]
            neurons = group.neurons[mine[:, 2] - group.first]
            steps = mine[:, 1] - group.start_step
            columns = (np.full(len(mine), sample), steps, neurons, mine[:, 3])
            self._spikes[group.population].add(np.stack(columns, axis=1))
            if group.population not in self._first_output:
                continue
            base = self._first_output[group.population]
            if self._readout[group.population] == "membrane":
                span = slice(group.first, group.first + group.n)
                self._outputs[sample, base + group.neurons] = counts.membrane[core.core][span]
            else:
                np.add.at(self._outputs[sample], base + neurons, mine[:, 3])

    def result(self, engine: str, verdict: Verdict) -> Result:
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
            membrane_overflows=totals["membrane_overflows"],
            accumulator_overflows=totals["accumulator_overflows"],
        )
        return Result(
            engine=engine,
            program_digest=store.digest(self._program),
            chip_digest=self._program.chip_digest,
            network_digest=self._program.network_digest,
            input_digest=self._workload.digest,
            seed=self._options.seed,
            n_samples=done,
            n_steps=int(self._workload.spikes.shape[1]),
            labels=self._workload.labels[:done],
            output_counts=self._outputs[:done],
            latency_cycles=self._end[:done, -1].copy(),
            step_start=self._start[:done],
            step_end=self._end[:done],
            spikes=tuple(spike_events(name, rows.table) for name, rows in self._spikes.items()),
            counters=counters,
            latency_histogram=histogram,
            missed=self._missed.table.copy(),
            packets=_packet_log(self._packets.table) if self._options.log_packets else None,
            verdict=verdict,
        )


def spike_events(population: str, table: NDArray[np.int32]) -> Spikes:
    """Sorted spike events from a (n, 4) table of (sample, step, neuron, count)."""
    order = np.lexsort((table[:, 2], table[:, 1], table[:, 0]))
    sample, step, neuron, count = (column[order] for column in table.T)
    return Spikes(population, sample, step, neuron, count)


def _packet_log(table: IntArray) -> PacketLog:
    sample, step, source, target, axon = (column.astype(np.int32) for column in table.T[:5])
    return PacketLog(sample, step, source, target, axon, table[:, 5].copy(), table[:, 6].copy())
