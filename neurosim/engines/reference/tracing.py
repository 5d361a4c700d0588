"""What the reference engine's components call to log an event, and the drain into the recorder."""

from __future__ import annotations

import numpy as np

from neurosim.engines.reference.packets import Packet
from neurosim.engines.trace import DRAIN_ROWS, PACKET, Recorder, never_ended

Row = tuple[int, ...]


class Tracer:
    """Raw rows of one sample (see :data:`neurosim.engines.trace.RAW`), drained between two cycles."""

    def __init__(self, recorder: Recorder, sample: int) -> None:
        self.wants_flits = recorder.wants("flits")
        self._recorder = recorder
        self._sample = sample
        self._rows: dict[str, list[Row]] = {name: [] for name in ("packets", "cores", "flits")}
        self._under_way: dict[int, Packet] = {}

    def sent(self, packet: Packet, number: int) -> None:
        """A packet enters its sender's queue as the ``number``-th of its sender."""
        packet.serial = number
        for part in packet.parts:
            part.serial = number
            self._under_way[id(part)] = part

    def ended(self, packet: Packet, now: int, outcome: int) -> None:
        """A packet arrived, or was dropped."""
        del self._under_way[id(packet)]
        self._rows["packets"].append((now, *_facts(packet), outcome))

    def flit(self, now: int, router: int, port: int, vc: int, packet: Packet, index: int) -> None:
        """A flit left ``router`` by ``port``."""
        about = (packet.source, packet.serial, packet.step, packet.target, packet.axon)
        self._rows["flits"].append((now, router, port, vc, *about, index))

    def core(self, core: int, kind: int, step: int, start: int, end: int) -> None:
        """Something other than a packet's processing went on in ``core`` from ``start`` to ``end``."""
        self._rows["cores"].append((end, core, kind, step, start, -1, -1, -1))

    def processed(self, core: int, packet: Packet, start: int, end: int) -> None:
        """The synapse pipeline of ``core`` worked on ``packet`` from ``start`` to ``end``."""
        row = (end, core, PACKET, packet.step, start, packet.source, packet.serial, packet.axon)
        self._rows["cores"].append(row)

    @property
    def is_full(self) -> bool:
        """Whether it is time to drain."""
        return any(len(rows) >= DRAIN_ROWS for rows in self._rows.values())

    def drain(self) -> None:
        """Hand over everything logged so far; between two cycles."""
        for table, rows in self._rows.items():
            if rows and self._recorder.wants(table):
                self._recorder.raw(table, self._sample, np.array(rows, np.int64))
            rows.clear()

    def finish(self) -> None:
        """The sample ended: drain, and list the packets that are still under way."""
        self.drain()
        if self._under_way and self._recorder.wants("packets"):
            rows = never_ended(_facts(packet) for packet in self._under_way.values())
            self._recorder.raw("packets", self._sample, rows)


def _facts(packet: Packet) -> tuple[int, int, int, int, int, int]:
    return packet.source, packet.serial, packet.step, packet.target, packet.axon, packet.inject
