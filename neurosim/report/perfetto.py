"""A run's event tables as a Perfetto trace (``.pftrace``), which https://ui.perfetto.dev opens.

One process per chip with tracks per core (neuron loop, synapse pipeline, stalls, packets that wait) and per
router output port, and one for the whole system with the time steps and the host.  A packet is a flow:
an arrow from the instant of sending over the links' slices of its head flit to its processing.
Timestamps are nanoseconds: cycle * period_ps / 1000, rounded down; samples follow one another.
Category of an event: its table or kind (``loop``, ``packet``, ``stall``, ``flit``, ``step``, ``barrier``,
``tick``, ``missed``, ``send``, ``receive``).  Reads blocks of rows, writes as it goes; only the counters
are collected first.
"""

from __future__ import annotations

from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.engines.trace import (
    ARRIVED,
    CORE_KINDS,
    LOOP,
    MISSED,
    NULL,
    PACKET,
    STALL,
    STEP_KINDS,
    TICK,
)
from neurosim.report.trace_export import Selection, needed
from neurosim.rules import ports

IntArray = NDArray[np.int64]
CHUNK = 4096  # trace packets per write
SYSTEM = "system"
PROCESS = "neurosim system"
"""Name of the first process of every trace that is written here."""
LANES = ("loop", "pipeline", "stalls", "waiting")
"""Tracks of a core, in order of display."""
_LANE_OF_KIND = {LOOP: "loop", PACKET: "pipeline", STALL: "stalls"}


class _Writer:
    """Trace packets into a file, in chunks; tracks are announced when they are first used."""

    def __init__(self, file: IO[bytes]) -> None:
        self._pb = needed("perfetto.protos.perfetto.trace.perfetto_trace_pb2", "Perfetto", "perfetto")
        self._file = file
        self._trace = self._pb.Trace()
        self._tracks: dict[tuple[Any, ...], int] = {}
        self.n_events = 0

    def _packet(self) -> Any:
        if len(self._trace.packet) >= CHUNK:
            self.flush()
        packet = self._trace.packet.add()
        packet.trusted_packet_sequence_id = 1
        return packet

    def flush(self) -> None:
        """Write what has been collected: concatenated messages are one message."""
        self._file.write(self._trace.SerializeToString(deterministic=True))
        self._trace.Clear()

    def process(self, key: tuple[Any, ...], name: str, pid: int) -> int:
        """The track of a process."""
        if key not in self._tracks:
            descriptor = self._packet().track_descriptor
            descriptor.uuid = self._tracks[key] = len(self._tracks) + 1
            descriptor.process.pid = pid
            descriptor.process.process_name = name
        return self._tracks[key]

    def track(self, key: tuple[Any, ...], name: str, parent: int, rank: int, unit: str = "") -> int:
        """A track below ``parent``; a counter if it has a ``unit``."""
        if key not in self._tracks:
            descriptor = self._packet().track_descriptor
            descriptor.uuid = self._tracks[key] = len(self._tracks) + 1
            descriptor.name = name
            descriptor.parent_uuid = parent
            descriptor.sibling_order_rank = rank
            if unit:
                descriptor.counter.unit_name = unit
        return self._tracks[key]

    def event(self, track: int, at_ns: int, kind: str, name: str, category: str, **flows: int) -> None:
        """``kind``: SLICE_BEGIN, SLICE_END or INSTANT; ``flow`` or ``last_flow`` is a flow's number."""
        packet = self._packet()
        packet.timestamp = at_ns
        event = packet.track_event
        event.type = getattr(self._pb.TrackEvent, f"TYPE_{kind}")
        event.track_uuid = track
        if kind != "SLICE_END":
            event.name = name
            event.categories.append(category)
            self.n_events += 1
        if "flow" in flows:
            event.flow_ids.append(flows["flow"])
        if "last_flow" in flows:
            event.terminating_flow_ids.append(flows["last_flow"])

    def slice(
        self, track: int, span_ns: tuple[int, int | None], name: str, category: str, **flows: int
    ) -> None:
        """A slice; one without an end stays open, which the viewer draws as "did not finish"."""
        self.event(track, span_ns[0], "SLICE_BEGIN", name, category, **flows)
        if span_ns[1] is not None:
            self.event(track, span_ns[1], "SLICE_END", "", "")

    def count(self, track: int, at_ns: int, value: int) -> None:
        """A counter's new value."""
        packet = self._packet()
        packet.timestamp = at_ns
        event = packet.track_event
        event.type = self._pb.TrackEvent.TYPE_COUNTER
        event.track_uuid = track
        event.counter_value = value


class _Export:
    """One export under way."""

    def __init__(self, selection: Selection, file: IO[bytes]) -> None:
        self._selection = selection
        self._fabric = selection.fabric
        self._out = _Writer(file)
        self._changes: dict[tuple[Any, ...], list[tuple[IntArray, int]]] = {}

    def run(self) -> int:
        """Write all tables there are; returns the number of slices and instants."""
        self._out.process((SYSTEM,), PROCESS, 1)
        for table, write in (
            ("steps", self._steps), ("cores", self._cores), ("packets", self._packets),
            ("flits", self._flits),
        ):  # fmt: skip
            for block in self._selection.blocks(table):
                write(block)
        self._counters()
        self._out.flush()
        return self._out.n_events

    def _ns(self, block: dict[str, IntArray], column: str) -> list[int | None]:
        cycles, at = block[column], self._selection.time_ns(block["sample"], block[column])
        return [None if cycle == NULL else int(ns) for cycle, ns in zip(cycles.tolist(), at, strict=True)]

    def _flow(self, block: dict[str, IntArray]) -> list[int]:
        """A number per packet; the sender's ``number``-th of a sample."""
        sender = block["sample"] * (self._fabric.n_cores + 1) + block["source"] + 1
        return [int(s) << 32 | int(n) for s, n in zip(sender, block["number"], strict=True)]

    def _system(self, lane: str, rank: int) -> int:
        parent = self._out.process((SYSTEM,), PROCESS, 1)
        return self._out.track((SYSTEM, lane), lane, parent, rank)

    def _chip(self, chip: int) -> int:
        return self._out.process(("chip", chip), f"chip {chip}", 2 + chip)

    def _core(self, core: int, lane: str) -> int:
        if core == HOST:
            return self._system("host", 2)
        chip = self._chip(self._fabric.chip_of(self._fabric.tile_of(core)))
        rank = core * len(LANES) + LANES.index(lane)
        unit = "packets" if lane == "waiting" else ""
        return self._out.track(("core", core, lane), f"core {core} {lane}", chip, rank, unit)

    def _link(self, router: int, port: int) -> int:
        x, y = self._fabric.xy(router)
        chip = self._chip(self._fabric.chip_of(router))
        rank = len(LANES) * self._fabric.n_cores + router * self._fabric.n_ports + port
        name = f"router ({x},{y}) {ports.port_name(port)}"
        return self._out.track(("link", router, port), name, chip, rank)

    def _steps(self, block: dict[str, IntArray]) -> None:
        rows = zip(
            block["sample"].tolist(), block["step"].tolist(), block["kind"].tolist(), block["core"].tolist(),
            self._ns(block, "start_cycle"), self._ns(block, "end_cycle"), strict=True,
        )  # fmt: skip
        for sample, step, kind, core, start, end in rows:
            assert start is not None
            name, lane = STEP_KINDS[kind], self._system("steps", 1)
            if kind == MISSED:
                who = "host" if core == HOST else f"core {core}"
                self._out.event(lane, start, "INSTANT", f"{who} missed step {step}", name)
            elif kind == TICK:
                self._out.event(lane, start, "INSTANT", f"tick {step}", name)
            else:
                self._out.slice(lane, (start, end), f"sample {sample} {name} {step}", name)

    def _cores(self, block: dict[str, IntArray]) -> None:
        rows = zip(
            block["core"].tolist(), block["kind"].tolist(), block["step"].tolist(), block["source"].tolist(),
            block["axon"].tolist(), self._ns(block, "start_cycle"), self._ns(block, "end_cycle"),
            self._flow(block), strict=True,
        )  # fmt: skip
        for core, kind, step, source, axon, start, end, flow in rows:
            assert start is not None
            lane, category = self._core(core, _LANE_OF_KIND[kind]), CORE_KINDS[kind]
            if kind == PACKET:
                whence = "host" if source == HOST else f"core {source}"
                self._out.slice(lane, (start, end), f"axon {axon} from {whence}", category, last_flow=flow)
            else:
                name = f"step {step}" if kind == LOOP else "transmit FIFO full"
                self._out.slice(lane, (start, end), name, category)
        taken = block["kind"] == PACKET
        self._change(block, taken, "start_cycle", "core", -1, "waiting")

    def _packets(self, block: dict[str, IntArray]) -> None:
        rows = zip(
            block["source"].tolist(), block["target"].tolist(), block["number"].tolist(),
            block["outcome"].tolist(), self._ns(block, "inject_cycle"), self._ns(block, "end_cycle"),
            self._flow(block), strict=True,
        )  # fmt: skip
        for source, target, number, outcome, inject, end, flow in rows:
            if inject is not None:
                whither = "host" if target == HOST else f"core {target}"
                lane = self._core(source, "loop")
                self._out.event(lane, inject, "INSTANT", f"packet {number} to {whither}", "send", flow=flow)
            if target == HOST and outcome == ARRIVED and end is not None:
                whence = f"packet {number} from core {source}"
                self._out.event(self._core(HOST, "loop"), end, "INSTANT", whence, "receive", last_flow=flow)
        left = block["inject_cycle"] != NULL
        self._change(block, left, "inject_cycle", "source", 1, "flight")
        self._change(block, left & (block["end_cycle"] != NULL), "end_cycle", "source", -1, "flight")
        arrived = (block["outcome"] == ARRIVED) & (block["target"] != HOST)
        self._change(block, arrived, "end_cycle", "target", 1, "waiting")

    def _flits(self, block: dict[str, IntArray]) -> None:
        interval = self._fabric.interval[block["router"], block["port"]]
        ends = self._selection.time_ns(block["sample"], block["cycle"] + interval).tolist()
        rows = zip(
            block["router"].tolist(), block["port"].tolist(), block["source"].tolist(),
            block["number"].tolist(), block["flit"].tolist(), self._ns(block, "cycle"), ends,
            self._flow(block), strict=True,
        )  # fmt: skip
        for router, port, source, number, index, start, end, flow in rows:
            assert start is not None
            whence = "host" if source == HOST else f"core {source}"
            flows = {"flow": flow} if index == 0 else {}
            name = f"{whence} packet {number} flit {index}"
            self._out.slice(self._link(router, port), (start, end), name, "flit", **flows)

    def _change(
        self, block: dict[str, IntArray], which: NDArray[np.bool_], when: str, whose: str, by: int, what: str
    ) -> None:
        """Note that a counter of ``what`` changes ``by`` so much at ``when`` for each row of ``which``.

        A core that was not selected has no counter, though packets from or to it are drawn.
        """
        selected = self._selection.cores
        if what == "waiting" and selected is not None:
            which = which & np.isin(block[whose], sorted(selected))
        at = self._selection.time_ns(block["sample"][which], block[when][which])
        cores = block[whose][which]
        if what == "flight":
            tiles = np.array([self._fabric.tile_of(int(core)) for core in np.unique(cores)], np.int64)
            chips = np.array([self._fabric.chip_of(int(tile)) for tile in tiles], np.int64)
            cores = chips[np.searchsorted(np.unique(cores), cores)] if len(cores) else cores
        for place in np.unique(cores).tolist():
            self._changes.setdefault((what, place), []).append((at[cores == place], by))

    def _counters(self) -> None:
        for (what, place), parts in sorted(self._changes.items()):
            at = np.concatenate([times for times, _ in parts])
            by = np.concatenate([np.full(len(times), change) for times, change in parts])
            times, index = np.unique(at, return_inverse=True)
            values = np.cumsum(np.bincount(index, weights=by, minlength=len(times)).astype(np.int64))
            if what == "flight":
                chip = self._chip(place)
                track = self._out.track(("flight", place), "packets in flight", chip, 0, "packets")
            else:
                track = self._core(place, "waiting")
            for ns, value in zip(times.tolist(), values.tolist(), strict=True):
                self._out.count(track, ns, value)


def write_perfetto(selection: Selection, file: IO[bytes]) -> int:
    """Write the selected part of a run's trace as a Perfetto trace; returns its slices and instants.

    Counters count from 0 at the window's start: packets that were sent before it are not in them.

    Raises:
        InputError: the package ``perfetto`` is missing, or a trace file is damaged.
    """
    return _Export(selection, file).run()
