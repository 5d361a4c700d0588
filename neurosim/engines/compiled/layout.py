"""Where things lie: the compiled kernel's state is three flat arrays.

Numba passes an array as the seven values of its descriptor, so a kernel whose small functions take
dozens of arrays spends its time on that (and, unless ``_nrt=False`` says that nothing is allocated, on
counting references: three quarters of the time, measured).  All state therefore lies in ``C``
(int64: constants, and the offset of every field), ``A`` (int32 fields) and ``B`` (int64 fields);
``A[C[CREDITS] + channel]`` reads field CREDITS at ``channel``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

CONSTANTS = (
    "VCS", "VSHIFT", "RING", "WHEEL", "SLOTS", "N_CHANNELS", "FLITS", "POLICY", "DROP_AFTER", "ROUTING",
    "VC_POLICY", "CHIP_WIDTH", "CHIP_HEIGHT", "WIDTH", "HEIGHT", "GATEWAY_ROW", "GATEWAY_COLUMN",
    "N_PORTS",
)  # fmt: skip
NARROW = (
    # per router
    "X", "Y", "ROUTER_POINTER", "ACTIVE", "IS_ACTIVE",
    # per input channel: ring buffer of flits, its first slot, its length, the output that its front wants
    "FIFO", "FIRST", "LENGTH", "WANT",
    # per output channel: credits, owning local input channel or -1
    "CREDITS", "OWNER",
    # per router and port: wiring, pointers, flits held by the input port and the most there ever were
    "DESTINATION", "LATENCY", "INTERVAL", "BACK", "BACK_LATENCY", "CROSSES", "WRAPS", "VC_POINTER",
    "PORT_POINTER", "HELD", "PEAK",
    # the arbiter's rule over ports, by pointer * 256 + mask
    "PICK",
    # the wheel: per slot the messages that arrive in its cycle
    "FLIT_TO", "FLIT_WHAT", "N_FLITS", "CREDIT_TO", "N_CREDITS",
)  # fmt: skip
WIDE = (
    # per input channel: the cycle in which the front flit came to the front
    "SINCE",
    # per output channel: mask of local input channels that want it
    "REQUESTS",
    # per router: masks of local output channels wanted and credited, of input channels that discard
    "ASKED", "CREDITED", "DROPPING",
    # per router and port: next free cycle, flits sent, cycles waited
    "FREE_AT", "PORT_FLITS", "BLOCKED",
    # single values
    "N_ACTIVE", "IN_WHEEL", "DROPPED",
)  # fmt: skip

_PLACE = {name: index for index, name in enumerate(CONSTANTS + NARROW + WIDE)}


def place(name: str) -> int:
    """Index in ``C`` of a constant, or of a field's offset."""
    return _PLACE[name]


class State:
    """The three arrays, and views of single fields by name for everything outside the kernel."""

    def __init__(self, constants: dict[str, int], fields: dict[str, NDArray[Any]]) -> None:
        self.C = np.zeros(len(_PLACE), np.int64)
        self._span: dict[str, tuple[int, int]] = {}
        for name in CONSTANTS:
            self.C[_PLACE[name]] = constants[name]
        self.A = self._pack(NARROW, fields, np.int32)
        self.B = self._pack(WIDE, fields, np.int64)
        self.constants = tuple(int(value) for value in self.C)

    def _pack(self, names: tuple[str, ...], fields: dict[str, NDArray[Any]], kind: Any) -> NDArray[Any]:
        start = 0
        for name in names:
            self.C[_PLACE[name]] = start
            self._span[name] = (start, start + len(fields[name]))
            start += len(fields[name])
        return np.concatenate([fields[name].astype(kind) for name in names])

    def constant(self, name: str) -> int:
        """A constant by name."""
        return int(self.C[_PLACE[name]])

    def field(self, name: str) -> NDArray[Any]:
        """A view of a field by name."""
        first, last = self._span[name]
        return (self.A if name in NARROW else self.B)[first:last]
