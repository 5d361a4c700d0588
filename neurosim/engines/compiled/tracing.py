"""What the kernels log of a sample for the trace, and its way to the recorder.

Three logs lie in the kernels' memory: FLIT_LOG with the network's fields, PACKET_LOG and CORE_LOG with the
cores'.  Rows are those of :data:`neurosim.engines.trace.RAW`, except that kinds and outcomes are the
kernel's numbers.  When one is full the kernel comes back between two cycles, and they are drained.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.engines.compiled import core_places as cores
from neurosim.engines.compiled.copies import Copies
from neurosim.engines.compiled.core_state import ProgramTables
from neurosim.engines.compiled.layout import State
from neurosim.engines.trace import ARRIVED, DROPPED, LOOP, NULL, PACKET, RAW, STALL, Recorder, never_ended
from neurosim.fabric.trees import arrivals

IntArray = NDArray[np.int64]
_PACKETS, _CORES = 1, 2
_CODES = {
    "packets": ("outcome", {cores.LOG_ARRIVED: ARRIVED, cores.LOG_DROPPED: DROPPED}),
    "cores": ("kind", {cores.LOG_LOOP: LOOP, cores.LOG_PACKET: PACKET, cores.LOG_STALL: STALL}),
}


def trace_bits(recorder: Recorder | None) -> int:
    """Constant TRACE: what the cores' kernels log; not 0 if anything is traced: packets are then numbered."""
    if recorder is None:
        return 0
    return _PACKETS | (_CORES if recorder.wants("cores") else 0)


class TraceLogs:
    """The logs of one sample of a program of ``tables``, in the memory of ``net`` and ``state``."""

    def __init__(
        self, recorder: Recorder, sample: int, net: State, state: State, tables: ProgramTables
    ) -> None:
        self._tables = tables
        self._recorder = recorder
        self._sample = sample
        self._net = net
        self._state = state

    def drain(self) -> None:
        """Hand over everything logged so far; between two cycles."""
        run = self._state.field("RUN")
        self._hand_over("flits", self._net.field("FLIT_LOG"), self._net.field("N_FLIT_LOG"))
        for table, log, count in (
            ("packets", "PACKET_LOG", cores.N_PACKET_LOG), ("cores", "CORE_LOG", cores.N_CORE_LOG),
        ):  # fmt: skip
            self._hand_over(table, self._state.field(log), run[count : count + 1])

    def _hand_over(self, table: str, log: NDArray[Any], count: NDArray[Any]) -> None:
        width = len(RAW[table])
        rows = log[: int(count[0]) * width].reshape(-1, width)
        if len(rows) and self._recorder.wants(table):
            self._recorder.raw(table, self._sample, self._translated(table, rows))
        rows[:] = 0  # so that a checkpoint does not keep them
        count[0] = 0

    def _translated(self, table: str, rows: IntArray) -> IntArray:
        if table not in _CODES:
            return rows
        name, codes = _CODES[table]
        column = RAW[table].index(name)
        rows = rows.copy()
        rows[:, column] = np.array([codes[code] for code in sorted(codes)], np.int64)[rows[:, column]]
        return rows

    def finish(self) -> None:
        """The sample ended: drain, and list what was not over."""
        self.drain()
        if self._recorder.wants("cores"):
            rows = np.array(self._open_intervals(), np.int64).reshape(-1, len(RAW["cores"]))
            self._recorder.raw("cores", self._sample, rows)
        if self._recorder.wants("packets"):
            self._recorder.raw("packets", self._sample, never_ended(self._under_way()))

    def _open_intervals(self) -> list[tuple[int, ...]]:
        field = self._state.field
        found: list[tuple[int, ...]] = []
        for k, core in enumerate(field("CORE").tolist()):
            step = int(field("CORE_STEP")[k])
            if field("LOOPING")[k]:
                found.append((NULL, core, LOOP, step, int(field("LOOP_SINCE")[k]), -1, -1, -1))
            if field("STALLED_SINCE")[k] >= 0:
                found.append((NULL, core, STALL, step, int(field("STALLED_SINCE")[k]), -1, -1, -1))
            packet = int(field("PACKET")[k])
            if packet >= 0:
                axon = int(field("PK_AXON")[packet])
                kind = int(field("AXON_KIND")[int(field("FIRST_AXON")[k]) + axon])
                start = int(field("PIPELINE_UNTIL")[k]) - int(field("K_CYCLES")[kind])
                about = (int(field(name)[packet]) for name in ("PK_SOURCE", "PK_NUMBER"))
                found.append((NULL, core, PACKET, int(field("PK_STEP")[packet]), start, *about, axon))
        return found

    def _under_way(self) -> list[tuple[int, int, int, int, int, int]]:
        """Packets in flight, and those that the host still holds."""
        field = self._state.field
        run = field("RUN")
        used = np.ones(len(field("PK_AXON")), np.bool_)
        used[field("PK_FREE")[: int(run[cores.N_FREE])]] = False
        used &= field("PK_ENDED") == 0
        names = ("PK_SOURCE", "PK_NUMBER", "PK_STEP", "PK_TARGET", "PK_AXON", "PK_INJECT")
        found = np.stack([field(name)[used].astype(np.int64) for name in names], axis=1)
        if self._net.constant("HAS_TREES"):
            found = self._split(found, used.nonzero()[0].tolist())
        first = int(run[cores.HOST_NEXT]) + int(run[cores.HOST_INDEX] > 0)  # the one under way has a place
        waiting = np.arange(first, int(run[cores.HOST_DUE]))
        trees = self._tables.program.trees
        row, core, axon = arrivals(trees, field("H_CORE")[waiting], field("H_AXON")[waiting])
        number, step = int(run[cores.N_HOST]) + row, field("H_STEP")[waiting][row]
        host, none = np.full(len(row), HOST), np.full(len(row), -1)
        columns = (host, number, step, core, axon, none)
        held = np.stack([np.asarray(column, np.int64) for column in columns], axis=1)
        return [tuple(row) for row in np.concatenate([found, held]).tolist()]

    def _split(self, found: IntArray, packets: list[int]) -> IntArray:
        """``found``, of ``packets``, with a row for each leaf that a packet to a tree has not come to."""
        copies = Copies(self._tables, self._net, self._state)
        rows = []
        for packet, about in zip(packets, found.tolist(), strict=True):
            source, number, step, target, axon, inject = about
            ends = [(target, axon)] if target >= HOST else copies.ends(packet)
            rows += [(source, number, step, core, leaf_axon, inject) for core, leaf_axon in ends]
        return np.array(rows, np.int64).reshape(-1, 6)
