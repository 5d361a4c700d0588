"""One sample on the compiled kernels: run, empty and grow logs, check for deadlock, and count.

The kernel comes back several times a second, and at the step that ``Watch.pause_step`` names: there the
sample can be saved (:meth:`CompiledSample.saved`), and another one goes on from it as if nothing had been.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Verdict
from neurosim.engines.base import RunOptions
from neurosim.engines.checkpoint import Arrays
from neurosim.engines.collect import Rows, SampleCounts
from neurosim.engines.compiled import core_places as cores
from neurosim.engines.compiled import host_list
from neurosim.engines.compiled import program_kernel as kernel
from neurosim.engines.compiled.core_state import ProgramTables, build_core_state
from neurosim.engines.compiled.fabric_state import by_port
from neurosim.engines.compiled.layout import CORES
from neurosim.engines.compiled.tracing import TraceLogs, trace_bits
from neurosim.engines.compiled.views import ArrayCore, RouterViews, blocked, fronts, has_wait_cycle, holding
from neurosim.engines.samples import NEVER, Watch
from neurosim.engines.trace import Recorder
from neurosim.engines.waits import WaitGraph, end_name, next_check
from neurosim.fabric.trees import arrivals
from neurosim.rules.events import EVENT_NAMES

Array = NDArray[Any]
HISTOGRAM_CYCLES = 1 << 14  # longer journeys are counted outside the kernel
CALL_S = (0.05, 0.2)
"""Seconds that one call of the kernel should take: its budget of visits is halved or doubled towards this."""
FIRST_BUDGET = 1 << 17


class CompiledSample:
    """The kernel's arrays for one sample ``x`` (steps, inputs) of spike counts."""

    def __init__(
        self, tables: ProgramTables, x: Array, options: RunOptions, recorder: Recorder | None = None,
        sample: int = 0,
    ) -> None:  # fmt: skip
        self.tables = tables
        self.options = options
        self.net = tables.net.copy()
        self._host = tables.host_list(x)
        self._window = 0  # first step of what the kernel has of the host's list
        self._held = host_list.NOTHING_HELD  # what comes before that: not sent when the window began
        self.state = build_core_state(tables, x, options.log_packets, self._host, trace_bits(recorder))
        self._fill_host_list(0)
        self._trace = None if recorder is None else TraceLogs(recorder, sample, self.net, self.state, tables)
        slots = len(self.state.field("PK_AXON"))
        self._address = np.zeros(slots * (6 if tables.trace_slots else 1), np.int32)
        n_endpoints = len(tables.endpoints)
        n = self.state.constant("N_NEURONS")
        rows = 4096 if options.log_packets else n_endpoints
        self._log = np.zeros((rows, 6), np.int64)
        self._spike_log = np.zeros((max(4096, 2 * n), 3), np.int64)
        self._histogram = np.zeros(HISTOGRAM_CYCLES, np.int64)
        self._over = np.zeros(4096 + n_endpoints, np.int64)
        self._missed = np.zeros((64 + 4 * n_endpoints, 2), np.int64)
        self._scratch = [np.zeros(8, np.int64) for _ in range(3)]
        self._spikes = Rows(3, np.int32)  # step, neuron, count: what was taken out of the kernel's log
        self._long: dict[int, int] = {}  # journeys that the kernel's histogram does not hold
        self._mark = options.check_every_cycles
        self._budget = FIRST_BUDGET

    def _entry(self, index: int) -> int:
        return int(self.state.field("RUN")[index])

    def _advance(self, until: int, pause_step: int | None = None, every: int = 0) -> int:
        """Run up to cycle ``until``; returns the kernel's status, PAUSE only if a step is given for it.

        With ``every``, the distance of checks, the kernel passes over those that can find nothing.
        """
        while True:
            ends = self._host.end(self._window)
            pause = ends if pause_step is None else min(ends, pause_step)
            begun_s = time.perf_counter()
            status = kernel.run(
                self.net.tuple, self.net.narrow, self.net.wide, self._address, self.state.array,
                self.state.narrow, self.state.wide, self.tables.weights, self._log, self._spike_log,
                self._histogram, self._over, self._missed, *self._scratch, until,
                self.options.max_step_cycles, pause, self._budget, every,
            )  # fmt: skip
            if every:
                until = max(until, self._last_mark())
            elapsed_s = time.perf_counter() - begun_s
            if elapsed_s > CALL_S[1]:
                self._budget = max(self._budget // 2, 1)
            elif status == kernel.PAUSE and elapsed_s < CALL_S[0]:
                self._budget = min(2 * self._budget, NEVER)
            if status == kernel.GROW:
                self._empty()
                self._grow()
                continue
            if status == kernel.PAUSE and self._entry(cores.STEP) == ends:
                self._turn_host_list(ends)
            if status != kernel.PAUSE or pause_step is not None:
                return int(status)

    def _last_mark(self) -> int:
        """The mark where the kernel stops or has stopped: the first not before the last cycle with work."""
        return next_check(self.options.check_every_cycles, max(1, self._entry(cores.NOW)))

    def _turn_host_list(self, first: int) -> None:
        """Step ``first`` is announced: give the host the next window, after what it has not sent yet."""
        run = self.state.field("RUN")
        held = slice(run[cores.HOST_NEXT], run[cores.HOST_DUE])
        is_tick = self.tables.fabric.chip.sync.mode == "tick"
        assert is_tick or held.start == held.stop, "the host has not sent everything"
        self._held = np.stack([self.state.field(name)[held] for name in host_list.COLUMNS], axis=1)
        run[cores.HOST_NEXT], run[cores.HOST_DUE] = 0, len(self._held)
        self._fill_host_list(first)

    def _fill_host_list(self, first: int) -> None:
        self._window = first
        for name, values in self._host.fields(first, self._held).items():
            self.state.field(name)[: len(values)] = values

    def _empty(self) -> None:
        """Take spikes and long journeys out of the kernel's logs, so that these need not grow."""
        self._spikes.add(self._spike_log[: self._entry(cores.N_SPIKES)])
        for cycles in self._over[: self._entry(cores.N_OVER)].tolist():
            self._long[cycles] = self._long.get(cycles, 0) + 1
        self.state.field("RUN")[[cores.N_SPIKES, cores.N_OVER]] = 0
        if self._trace is not None:
            self._trace.drain()

    def finish_trace(self) -> None:
        """After the end of the run: hand over what is logged, and what was not over."""
        if self._trace is not None:
            self._trace.finish()

    def _grow(self) -> None:
        """Double what is short of room, of what is kept to the end of the sample."""
        n_endpoints, n_sent = len(self.tables.endpoints), self.state.constant("LOG_RESERVE")
        for name, used, reserve in (
            ("_log", cores.N_LOG, n_sent), ("_missed", cores.N_MISSED, 3 * n_endpoints),
        ):  # fmt: skip
            array = getattr(self, name)
            if self._entry(used) + reserve > len(array):
                setattr(self, name, np.concatenate([array, np.zeros_like(array)]))

    def saved(self) -> Arrays:
        """What this sample needs to go on, besides the tables of program and input; no copies."""
        self._empty()
        return {
            "fabric": self.net.wide,
            "address": self._address,
            **{f"cores.{name}": self.state.field(name) for name in self._moving()},
            "host": self.state.spare("CORE_AT"),
            "log": self._log[: self._entry(cores.N_LOG)],
            "missed": self._missed[: self._entry(cores.N_MISSED)],
            "histogram": self._histogram,
            "spikes": self._spikes.table,
            "long": np.array(sorted(self._long.items()), np.int64).reshape(-1, 2),
            "held": self._held,
            "numbers": np.array([self._mark, self._window], np.int64),
        }

    def restore(self, saved: Arrays) -> None:
        """Go on from what :meth:`saved` of another object for the same sample said."""
        self.net.wide[:] = saved["fabric"]
        self._address[:] = saved["address"]
        for name in self._moving():
            self.state.field(name)[...] = saved[f"cores.{name}"]
        self.state.spare("CORE_AT")[:] = saved["host"]
        for name in ("_log", "_missed"):
            rows = saved[name[1:]]
            setattr(self, name, np.concatenate([rows, np.zeros_like(getattr(self, name))]))
        self._histogram[:] = saved["histogram"]
        self._spikes.add(saved["spikes"])
        self._long = {int(cycles): int(count) for cycles, count in saved["long"]}
        self._mark, window = (int(number) for number in saved["numbers"])
        self._held = saved["held"]
        self._fill_host_list(window)

    def _moving(self) -> list[str]:
        """Fields of the cores that change while a sample runs; the rest are tables."""
        tables = set(self.tables.fields) | set(host_list.NAMES)
        return [name for name in CORES.names() if name not in tables]

    def run(self, sample: int, watch: Watch) -> Verdict:
        """Run to the end of the last step, a deadlock, or the limit; ``watch`` looks on."""
        fabric = self.tables.fabric
        numbers = [core.core for core in self.tables.cores]
        views = {n: ArrayCore(k, fabric.n_vcs, self.state) for k, n in enumerate(numbers)}
        routers = RouterViews(fabric, self.net, self._name)
        waits = WaitGraph(
            fabric, routers, views, lambda: holding(self.net), lambda: blocked(self.net),
            lambda: has_wait_cycle(self.net),
        )  # fmt: skip
        while True:
            status = self._advance(self._mark, watch.pause_step, self.options.check_every_cycles)
            step = self._entry(cores.STEP)
            if status == kernel.DONE:
                return self._done(sample)
            if status == kernel.PAUSE:
                self._mark = max(self._mark, self._last_mark())  # what the kernel has passed over stays so
                watch.look(step, self._hops, self.saved)
                continue
            finding = waits.find() if status != kernel.LIMIT else None
            if finding is not None:
                at = self._entry(cores.LAST_ARRIVAL) if status == kernel.STALLED else self._last_mark()
                return finding.verdict(f"deadlock in step {step}: ", sample, at)
            assert status != kernel.STALLED, "the kernel stopped without a wait-for cycle"
            if status == kernel.LIMIT:
                limit = self.options.max_step_cycles
                text = f"step {step} took more than {limit} cycles"
                return Verdict("limit", text, sample, int(self.state.field("STEP_START")[step]) + limit)
            self._mark = next_check(self.options.check_every_cycles, self._entry(cores.UPCOMING))
            watch.look(step, self._hops, self.saved)

    def _hops(self) -> int:
        """Router traversals so far."""
        return int(self.net.field("PORT_FLITS").sum())

    def _done(self, sample: int) -> Verdict:
        now, dropped = self._entry(cores.NOW), int(self.net.field("DROPPED")[0])
        if dropped:
            return Verdict("lost_packets", f"{dropped} packets were dropped by routers", sample, now)
        return Verdict("ok", "every step ended", sample, now)

    def _name(self, packet: int) -> str:
        source, target, step = (
            int(self.state.field(name)[packet]) for name in ("PK_SOURCE", "PK_TARGET", "PK_STEP")
        )
        return f"a packet ({end_name(source)} -> {end_name(target)}, step {step})"

    def counts(self, end_cycle: int) -> SampleCounts:
        """Everything that was counted, for the collector; heads waited up to ``end_cycle``."""
        self._empty()
        fabric, numbers = self.tables.fabric, self.state.field("CORE")
        blocked = by_port(fabric, self.net.field("BLOCKED")) + self._still_blocked(end_cycle)
        events = np.zeros((fabric.n_cores, len(EVENT_NAMES)), np.int64)
        events[numbers] = self.state.field("EVENTS")
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
        shift = self.net.constant("VSHIFT")
        channels, outs = fronts(self.net)
        cycles = np.maximum(0, now - self.net.field("SINCE")[channels])
        np.add.at(waited, (outs >> (3 + shift), outs >> shift & 7), cycles)
        return waited

    def _latency(self) -> dict[int, int]:
        counts = {int(c): int(self._histogram[c]) for c in np.flatnonzero(self._histogram)}
        for cycles, count in self._long.items():
            counts[cycles] = counts.get(cycles, 0) + count
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
        step, target, axon = (field[waiting].astype(np.int64) for field in fields)
        row, core, axon = arrivals(self.tables.program.trees, target, axon)
        never = np.full(len(row), -1)
        return np.concatenate([logged, np.stack([step[row], never, core, axon, never, never], axis=1)])

    def _spike_rows(self) -> Array:
        rows = self._spikes.table
        first = self.state.field("FIRST_NEURON")
        index = np.searchsorted(first, rows[:, 1], side="right") - 1
        columns = (self.state.field("CORE")[index], rows[:, 0], rows[:, 1] - first[index], rows[:, 2])
        out = np.empty((len(rows), 4), np.int32)
        for number, column in enumerate(columns):
            out[:, number] = column
        return out

    def _membranes(self) -> dict[int, Array]:
        first, last, v = (self.state.field(name) for name in ("FIRST_NEURON", "LAST_NEURON", "V"))
        return {core.core: v[first[k] : last[k]] for k, core in enumerate(self.tables.cores)}
