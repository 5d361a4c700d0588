"""One sample on the compiled kernels: run, grow logs, check for deadlock, and count."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.result import Verdict
from neurosim.engines.base import RunOptions
from neurosim.engines.collect import SampleCounts
from neurosim.engines.compiled import core_kernel as cores
from neurosim.engines.compiled import program_kernel as kernel
from neurosim.engines.compiled.core_state import ProgramTables, build_core_state
from neurosim.engines.compiled.fabric_state import by_port
from neurosim.engines.compiled.views import ArrayCore, holding, router_views
from neurosim.engines.waits import WaitGraph, next_check
from neurosim.rules.events import EVENT_NAMES

Array = NDArray[Any]
HISTOGRAM_CYCLES = 1 << 14  # longer journeys are kept one by one


class CompiledSample:
    """The kernel's arrays for one sample ``x`` (steps, inputs) of spike counts."""

    def __init__(self, tables: ProgramTables, x: Array, options: RunOptions) -> None:
        self.tables = tables
        self.options = options
        self.net = tables.net.copy()
        self.state = build_core_state(tables, x, options.log_packets)
        self._address = np.zeros(len(self.state.field("PK_AXON")), np.int32)
        n_endpoints = len(tables.endpoints)
        n = self.state.constant("N_NEURONS")
        rows = 4096 if options.log_packets else n_endpoints
        self._log = np.zeros((rows, 6), np.int64)
        self._spikes = np.zeros((max(4096, 2 * n), 3), np.int64)
        self._histogram = np.zeros(HISTOGRAM_CYCLES, np.int64)
        self._over = np.zeros(4096 + n_endpoints, np.int64)
        self._missed = np.zeros((64 + 4 * n_endpoints, 2), np.int64)
        self._scratch = [np.zeros(8, np.int64) for _ in range(3)]

    def _entry(self, index: int) -> int:
        return int(self.state.field("RUN")[index])

    def _advance(self, until: int) -> int:
        while True:
            status = kernel.run(
                self.net.tuple, self.net.narrow, self.net.wide, self._address, self.state.array,
                self.state.narrow, self.state.wide, self.tables.weights, self._log, self._spikes,
                self._histogram, self._over, self._missed, *self._scratch, until,
                self.options.max_step_cycles, 1 << 62, 1 << 62,
            )  # fmt: skip
            if status != kernel.GROW:
                return int(status)
            self._grow()

    def _grow(self) -> None:
        """Double whatever is short of room."""
        n_endpoints = len(self.tables.endpoints)
        n = self.state.constant("N_NEURONS")
        for name, used, reserve in (
            ("_log", cores.N_LOG, n_endpoints), ("_spikes", cores.N_SPIKES, n),
            ("_over", cores.N_OVER, n_endpoints), ("_missed", cores.N_MISSED, 3 * n_endpoints),
        ):  # fmt: skip
            array = getattr(self, name)
            if self._entry(used) + reserve > len(array):
                setattr(self, name, np.concatenate([array, np.zeros_like(array)]))

    def run(self, sample: int) -> Verdict:
        """Run to the end of the last step, a deadlock, or the limit."""
        fabric = self.tables.fabric
        numbers = [core.core for core in self.tables.cores]
        views = {n: ArrayCore(k, fabric.n_vcs, self.state) for k, n in enumerate(numbers)}
        routers = router_views(fabric, self.net, self._name)
        waits = WaitGraph(fabric, routers, views, lambda: holding(self.net))
        every = self.options.check_every_cycles
        mark = every
        while True:
            status = self._advance(mark)
            step = self._entry(cores.STEP)
            if status == kernel.DONE:
                return self._done(sample)
            finding = waits.find() if status != kernel.LIMIT else None
            if finding is not None:
                at = self._entry(cores.LAST_ARRIVAL) if status == kernel.STALLED else mark
                return finding.verdict(f"deadlock in step {step}: ", sample, at)
            assert status != kernel.STALLED, "the kernel stopped without a wait-for cycle"
            if status == kernel.LIMIT:
                limit = self.options.max_step_cycles
                text = f"step {step} took more than {limit} cycles"
                return Verdict("limit", text, sample, int(self.state.field("STEP_START")[step]) + limit)
            mark = next_check(every, self._entry(cores.UPCOMING))

    def _done(self, sample: int) -> Verdict:
        now, dropped = self._entry(cores.NOW), int(self.net.field("DROPPED")[0])
        if dropped:
            return Verdict("lost_packets", f"{dropped} packets were dropped by routers", sample, now)
        return Verdict("ok", "every step ended", sample, now)

    def _name(self, packet: int) -> str:
        source, target, step = (
            int(self.state.field(name)[packet]) for name in ("PK_SOURCE", "PK_TARGET", "PK_STEP")
        )
        ends = ["host" if end == HOST else f"core {end}" for end in (source, target)]
        return f"a packet ({ends[0]} -> {ends[1]}, step {step})"

    def counts(self, end_cycle: int) -> SampleCounts:
        """Everything that was counted, for the collector; heads waited up to ``end_cycle``."""
        fabric, numbers = self.tables.fabric, self.state.field("CORE")
        blocked = by_port(fabric, self.net.field("BLOCKED")) + self._still_blocked(end_cycle)
        events = np.zeros((fabric.n_cores, len(EVENT_NAMES)), np.int64)
        events[numbers] = self.state.field("EVENTS").reshape(len(numbers), -1)
        stall, busy = np.zeros(fabric.n_cores, np.int64), np.zeros((fabric.n_cores, 2), np.int64)
        stall[numbers] = self.state.field("STALL")
        busy[numbers, 0] = self.state.field("PIPELINE_BUSY")
        busy[numbers, 1] = self.state.field("LOOP_BUSY")
        starts, ends = self.state.field("STEP_START"), self.state.field("STEP_END")
        return SampleCounts(
            port_flits=by_port(fabric, self.net.field("PORT_FLITS")),
            port_blocked=blocked,
            queue_peak=by_port(fabric, self.net.field("PEAK")),
            core_events=events,
            core_stall=stall,
            core_busy=busy,
            host_flits=self._entry(cores.HOST_FLITS) + self._entry(cores.HOST_RECEIVED),
            barriers=self._entry(cores.BARRIERS),
            sent=self._entry(cores.SENT),
            arrived=self._entry(cores.ARRIVED),
            dropped=int(self.net.field("DROPPED")[0]),
            late=int(self.state.field("LATE").sum()),
            membrane_overflows=int(self.state.field("MEMBRANE_OVER").sum()),
            accumulator_overflows=int(self.state.field("ACCUMULATOR_OVER").sum()),
            latency=self._latency(),
            packets=self._packets(),
            step_start=starts[starts >= 0].copy(),
            step_end=ends[ends >= 0].copy(),
            missed=[(int(s), int(c)) for s, c in self._missed[: self._entry(cores.N_MISSED)]],
            spikes=self._spike_rows(),
            membrane=self._membranes(),
        )

    def _still_blocked(self, now: int) -> Array:
        """Waiting of heads that never moved, when the run stopped early."""
        fabric = self.tables.fabric
        waited = np.zeros((fabric.n_routers, fabric.n_ports), np.int64)
        stride = self.net.constant("VSHIFT")
        for channel in np.flatnonzero(self.net.field("LENGTH")):
            router = int(channel) >> (3 + stride)
            port = int(self.net.field("WANT")[channel]) >> stride
            waited[router, port] += max(0, now - int(self.net.field("SINCE")[channel]))
        return waited

    def _latency(self) -> dict[int, int]:
        counts = {int(c): int(self._histogram[c]) for c in np.flatnonzero(self._histogram)}
        for cycles in self._over[: self._entry(cores.N_OVER)].tolist():
            counts[cycles] = counts.get(cycles, 0) + 1
        return counts

    def _packets(self) -> Array:
        """Logged packets, with those that the host still holds as never injected."""
        if not self.options.log_packets:
            return np.zeros((0, 6), np.int64)
        logged = self._log[: self._entry(cores.N_LOG)]
        waiting = slice(self._entry(cores.HOST_NEXT), self._entry(cores.HOST_DUE))
        if self._entry(cores.HOST_INDEX):
            waiting = slice(waiting.start + 1, waiting.stop)
        fields = (self.state.field(name) for name in ("H_STEP", "H_CORE", "H_AXON"))
        step, core, axon = (field[waiting].astype(np.int64) for field in fields)
        never = np.full(len(step), -1)
        return np.concatenate([logged, np.stack([step, never, core, axon, never, never], axis=1)])

    def _spike_rows(self) -> Array:
        rows = self._spikes[: self._entry(cores.N_SPIKES)]
        first = self.state.field("FIRST_NEURON")
        index = np.searchsorted(first, rows[:, 1], side="right") - 1
        columns = (self.state.field("CORE")[index], rows[:, 0], rows[:, 1] - first[index], rows[:, 2])
        return np.stack(columns, axis=1).astype(np.int64)

    def _membranes(self) -> dict[int, Array]:
        first, v = self.state.field("FIRST_NEURON"), self.state.field("V")
        return {core.core: v[first[k] : first[k + 1]] for k, core in enumerate(self.tables.cores)}
