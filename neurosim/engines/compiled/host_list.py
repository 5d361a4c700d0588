"""What the host sends in one sample, packet by packet, made for a window of steps at a time.

Reads the program's host table and the sample's input; gives the kernel's fields ``H_...``.  A whole sample's
list would be many times larger than its input, and grow with the steps.  With a barrier all packets of the
steps before are sent when a step is announced, so the next window can take their place; ticks wait for
nobody, so there one window holds everything.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import TargetTable

Array = NDArray[Any]
WINDOW_PACKETS = 1 << 16
NAMES = ("H_POINTER", "H_ADDRESS", "H_AXON", "H_CORE", "H_STEP")
_ROWS = 1 << 10  # steps that are counted at once


class HostList:
    """The host's packets for one sample ``x`` (steps, inputs) that takes ``n_steps`` hardware steps.

    ``address`` maps a core number + 1 to what the kernel calls its place.
    """

    def __init__(self, table: TargetTable, address: Array, x: Array, n_steps: int, is_tick: bool) -> None:
        self._table = table
        self._address = address
        self._x = x
        counts = np.zeros(n_steps + 1, np.int64)
        fan = np.diff(table.pointer)
        for first in range(0, len(x), _ROWS):
            counts[first + 1 : first + _ROWS + 1][: len(x) - first] = x[first : first + _ROWS] @ fan
        self._total = np.cumsum(counts)  # packets before each step
        self._bounds = [0, n_steps] if is_tick else self._cut(n_steps)
        self._room = int(np.diff(self._total[self._bounds]).max())

    def _cut(self, n_steps: int) -> list[int]:
        bounds = [0]
        while bounds[-1] < n_steps:
            last = np.searchsorted(self._total, self._total[bounds[-1]] + WINDOW_PACKETS, side="right") - 1
            bounds.append(min(max(int(last), bounds[-1] + 1), n_steps))
        return bounds

    def end(self, first: int) -> int:
        """The step after the window that begins with step ``first``."""
        return self._bounds[self._bounds.index(first) + 1]

    def fields(self, first: int) -> dict[str, Array]:
        """The fields for the window that begins with step ``first``: per step, in order of sending.

        Their lengths are those of the largest window; ``H_POINTER`` is 0 outside of this one.
        """
        end = self.end(first)
        pointer = np.zeros(len(self._total), np.int32)
        pointer[first : end + 1] = self._total[first : end + 1] - self._total[first]
        entry, step = self._entries(first, end)
        columns = {
            "H_ADDRESS": self._address[self._table.core[entry] + 1], "H_AXON": self._table.axon[entry],
            "H_CORE": self._table.core[entry], "H_STEP": step,
        }  # fmt: skip
        room = {name: np.zeros(self._room, np.int32) for name in columns}
        for name, column in columns.items():
            room[name][: len(column)] = column
        return {"H_POINTER": pointer, **room}

    def _entries(self, first: int, end: int) -> tuple[Array, Array]:
        """Entry of the host's table and step of every packet of steps ``first`` to ``end`` - 1."""
        part = self._x[first:end]
        row, neuron = np.nonzero(part)
        times = part[row, neuron]
        row, neuron = np.repeat(row, times), np.repeat(neuron, times)  # one per spike
        fan = np.diff(self._table.pointer)[neuron]
        begins = np.cumsum(fan) - fan
        within = np.arange(int(fan.sum())) - np.repeat(begins, fan)
        return np.repeat(self._table.pointer[neuron], fan) + within, np.repeat(row, fan) + first
