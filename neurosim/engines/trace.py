"""The event tables of a run: their columns, their order, and what a window keeps; every cycle engine's.

Engines log *raw* rows of integers while they run (:data:`RAW`) and drain them between two cycles;
:class:`Recorder` keeps what the sink's request asks for, sorts, and hands the sink named columns.  A row
is logged in the cycle in which what it tells is over, so the drains of one sample, put together, are
sorted wherever they were cut.  The order within a sample is: packets by (end, outcome, source, number,
target), cores by (end, core, kind, start), flits by (cycle, router, port); what was not over when the
sample ended comes last.  ``docs/traces.md`` says it for users.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.timing import barrier_length
from neurosim.engines.base import Sink, TraceRequest
from neurosim.engines.collect import SampleCounts
from neurosim.fabric.topology import Fabric

IntArray = NDArray[np.int64]
NULL = -(1 << 62)
"""No value, in every column that may be null (core numbers use -1 for the host)."""

ARRIVED, DROPPED, IN_FLIGHT = range(3)
OUTCOMES = ("arrived", "dropped", "in_flight")
LOOP, PACKET, STALL = range(3)
CORE_KINDS = ("loop", "packet", "stall")
STEP, BARRIER, TICK, MISSED = range(4)
STEP_KINDS = ("step", "barrier", "tick", "missed")
DRAIN_ROWS = 1 << 14
"""Raw rows that an engine collects before it drains."""


@dataclass(frozen=True)
class Column:
    """``bits`` wide, or one of ``names`` (then the integer is an index); ``nullable``: may be NULL."""

    name: str
    bits: int = 32
    nullable: bool = False
    names: tuple[str, ...] = ()


TABLES: dict[str, tuple[Column, ...]] = {
    "packets": (
        Column("sample"), Column("step"), Column("source"), Column("number"), Column("target"),
        Column("axon"), Column("inject_cycle", 64, True), Column("end_cycle", 64, True),
        Column("outcome", names=OUTCOMES),
    ),
    "cores": (
        Column("sample"), Column("step"), Column("core"), Column("kind", names=CORE_KINDS),
        Column("start_cycle", 64), Column("end_cycle", 64, True), Column("source", 32, True),
        Column("number", 32, True), Column("axon", 32, True),
    ),
    "steps": (
        Column("sample"), Column("step"), Column("kind", names=STEP_KINDS), Column("core", 32, True),
        Column("start_cycle", 64), Column("end_cycle", 64, True),
    ),
    "flits": (
        Column("sample"), Column("step"), Column("cycle", 64), Column("router"), Column("port"),
        Column("vc"), Column("source"), Column("number"), Column("target"), Column("axon"),
        Column("flit"),
    ),
}  # fmt: skip
"""Columns by table, in order."""

RAW: dict[str, tuple[str, ...]] = {
    "packets": ("cycle", "source", "number", "step", "target", "axon", "inject", "outcome"),
    "cores": ("cycle", "core", "kind", "step", "start", "source", "number", "axon"),
    "flits": ("cycle", "router", "port", "vc", "source", "number", "step", "target", "axon", "flit"),
}
"""Raw rows by table.  ``cycle`` is the end (NULL: not over); ``number`` of a core's row is -1 where it
is not about a packet; ``inject`` -1: the packet never left the host."""
_ORDER = {
    "packets": ("cycle", "outcome", "source", "number", "target"),
    "cores": ("cycle", "core", "kind", "start"),
    "flits": ("cycle", "router", "port"),
}


class Window:
    """Which rows a request keeps, raw or of the tables; ``fabric`` says where cores hang."""

    def __init__(self, request: TraceRequest, fabric: Fabric) -> None:
        self._steps = request.steps
        self._cores = self._routers = np.zeros(0, np.int64)
        self._all_cores = request.cores is None
        if request.cores is not None:
            self._cores = np.array(sorted(request.cores), np.int64)
            self._routers = np.array(sorted({fabric.tile_of(core) for core in request.cores}), np.int64)

    def mask(self, table: str, columns: Mapping[str, IntArray]) -> NDArray[np.bool_]:
        """(n,) which rows are kept."""
        step = columns["step"]
        keep = np.ones(len(step), np.bool_)
        if self._steps is not None:
            keep &= (step >= self._steps[0]) & (step < self._steps[1])
        if self._all_cores:
            return keep
        if table == "packets":
            ends = (columns["source"], columns["target"])
            keep &= np.isin(ends[0], self._cores) | np.isin(ends[1], self._cores)
        elif table == "flits":
            keep &= np.isin(columns["router"], self._routers)
        else:  # a NULL core: a step of all cores
            keep &= (columns["core"] == NULL) | np.isin(columns["core"], self._cores)
        return keep


class Recorder:
    """Hands raw rows to ``sink``, cut to its request, in order, under the tables' column names."""

    def __init__(self, sink: Sink, fabric: Fabric) -> None:
        self._sink = sink
        self._fabric = fabric
        self._window = Window(sink.request, fabric)

    def wants(self, table: str) -> bool:
        """Whether rows of ``table`` are asked for."""
        return table in self._sink.request.tables

    def raw(self, table: str, sample: int, rows: IntArray) -> None:
        """Write raw rows (n, columns) of ``sample``: all that were logged since the last call."""
        parts = dict(zip(RAW[table], np.asarray(rows, np.int64).T, strict=True))
        keep = self._window.mask(table, parts)
        keys = [parts[name] for name in reversed(_ORDER[table])]
        order = np.lexsort((*keys, parts["cycle"] == NULL))
        order = order[keep[order]]
        if len(order):
            self._write(table, sample, {name: column[order] for name, column in parts.items()})

    def _write(self, table: str, sample: int, parts: dict[str, IntArray]) -> None:
        parts["sample"] = np.full(len(parts["cycle"]), sample, np.int64)
        if table == "packets":
            parts["inject_cycle"] = np.where(parts["inject"] < 0, NULL, parts["inject"])
            parts["end_cycle"] = parts["cycle"]
        elif table == "cores":
            parts["start_cycle"], parts["end_cycle"] = parts["start"], parts["cycle"]
            for name in ("source", "axon", "number"):  # last the one that tells
                parts[name] = np.where(parts["number"] < 0, NULL, parts[name])
        self._sink.write(table, {column.name: parts[column.name] for column in TABLES[table]})

    def steps(self, sample: int, counts: SampleCounts) -> None:
        """Write the step events of a finished (or stopped) sample, by (start, kind, step, core)."""
        if not self.wants("steps"):
            return
        rows = np.array(list(self._step_rows(counts)), np.int64).reshape(-1, 5)
        rows = rows[np.lexsort((rows[:, 2], rows[:, 0], rows[:, 1], rows[:, 3]))]
        names = ("step", "kind", "core", "start_cycle", "end_cycle")
        columns = dict(zip(names, rows.T, strict=True))
        keep = self._window.mask("steps", columns)
        if keep.any():
            columns["sample"] = np.full(len(rows), sample, np.int64)
            columns = {name: column[keep] for name, column in columns.items()}
            self._sink.write("steps", {column.name: columns[column.name] for column in TABLES["steps"]})

    def _step_rows(self, counts: SampleCounts) -> Iterable[tuple[int, int, int, int, int]]:
        """(step, kind, core, start, end) of every step event, any order."""
        chip = self._fabric.chip
        starts, ends = counts.step_start.tolist(), counts.step_end.tolist()
        for step, start in enumerate(starts):
            end = ends[step] if step < len(ends) else NULL
            yield step, STEP, NULL, start, end
            if chip.sync.mode == "tick":
                yield step, TICK, NULL, start, start
            elif end != NULL:
                yield step, BARRIER, NULL, end, end + barrier_length(chip)
        for step, core in counts.missed:
            yield step, MISSED, core, starts[step + 1], starts[step + 1]


def recorder_of(sink: Sink | None, fabric: Fabric) -> Recorder | None:
    """The recorder for a run's sink; None without one."""
    return None if sink is None else Recorder(sink, fabric)


def never_ended(packets: Iterable[tuple[int, int, int, int, int, int]]) -> IntArray:
    """Raw rows of packets in flight when the sample ended: (source, number, step, target, axon, inject)."""
    rows: list[Any] = [(NULL, *packet, IN_FLIGHT) for packet in packets]
    return np.array(rows, np.int64).reshape(-1, len(RAW["packets"]))

