"""What the host sends in one sample, packet by packet, made for a window of steps at a time.

Reads the program's host table and the sample's input; gives the kernel's fields ``H_...``.  A whole sample's
list would be many times larger than its input, and grow with the steps.  With a barrier all packets of the
steps before are sent when a step is announced, so the next window can take their place.  Ticks wait for
nobody: there, what the host still holds comes first in the next window, and the room is that of the whole
list, though no more memory is used of it than the largest window takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import TargetTable

Array = NDArray[Any]
WINDOW_PACKETS = 1 << 16
COLUMNS = ("H_ADDRESS", "H_AXON", "H_CORE", "H_STEP")
NAMES = ("H_POINTER", "H_COUNT", *COLUMNS)
NOTHING_HELD = np.zeros((0, len(COLUMNS)), np.int32)
_ROWS = 1 << 10  # steps that are counted at once


class HostList:
    """The host's packets for one sample ``x`` (steps, inputs) that takes ``n_steps`` hardware steps.

    ``address`` maps a core number + 1 to what the kernel calls its place; ``count`` says of every entry of
    the table how many packets one to it counts as.
    """

    def __init__(
        self, table: TargetTable, address: Array, count: Array, x: Array, n_steps: int, is_tick: bool
    ) -> None:
        self._table = table
        self._address = address
        self._x = x
        fan = np.diff(table.pointer)
        leaves = np.diff(np.append(0, np.cumsum(count))[table.pointer])
        sent = np.zeros((n_steps, 2), np.int64)
        for first in range(0, len(x), _ROWS):
            rows = x[first : first + _ROWS]
            sent[first : first + len(rows)] = rows @ np.stack([fan, leaves], axis=1)
        self._counts = sent[:, 1]
        self._total = np.append(0, np.cumsum(sent[:, 0]))  # packets before each step
        self._bounds = self._cut(n_steps)
        windows = np.diff(self._total[self._bounds])
        self._room = int(self._total[-1] if is_tick else windows.max())

    def _cut(self, n_steps: int) -> list[int]:
        bounds = [0]
        while bounds[-1] < n_steps:
            last = np.searchsorted(self._total, self._total[bounds[-1]] + WINDOW_PACKETS, side="right") - 1
            bounds.append(min(max(int(last), bounds[-1] + 1), n_steps))
        return bounds

    def end(self, first: int) -> int:
        """The step after the window that begins with step ``first``."""
        return self._bounds[self._bounds.index(first) + 1]

    def empty(self) -> dict[str, Array]:
        """The fields at their full lengths, with nothing in them."""
        nothing = np.broadcast_to(np.int32(0), (self._room,))
        steps = {"H_POINTER": np.zeros(len(self._total), np.int32), "H_COUNT": self._counts}
        return steps | dict.fromkeys(COLUMNS, nothing)

    def fields(self, first: int, held: Array = NOTHING_HELD) -> dict[str, Array]:
        """The beginnings of the fields for the window that begins with step ``first``, in order of sending.

        ``held`` (n, 4) are columns of earlier packets that are not sent yet.  ``H_POINTER`` is 0 outside of
        the window.
        """
        end = self.end(first)
        pointer = np.zeros(len(self._total), np.int32)
        pointer[first : end + 1] = self._total[first : end + 1] - self._total[first] + len(held)
        entry, step = self._entries(first, end)
        core = self._table.core[entry]
        address = np.where(core < HOST, core, self._address[np.maximum(core, HOST) + 1])
        columns = (address, self._table.axon[entry], core, step)
        own = dict(zip(COLUMNS, columns, strict=True))
        return {"H_POINTER": pointer, "H_COUNT": self._counts} | {
            name: np.concatenate([held[:, number], own[name]]) for number, name in enumerate(COLUMNS)
        }

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
