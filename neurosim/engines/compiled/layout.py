"""Where things lie: a compiled kernel's state is a tuple of constants and two flat arrays.

Numba passes an array as the seven values of its descriptor, so a kernel whose small functions take
dozens of arrays spends its time on that (and, unless ``_nrt=False`` says that nothing is allocated, on
counting references: three quarters of the time, measured).  All state therefore lies in an int32 array
and an int64 array, and a tuple holds the constants and the offset of every field: with ``C`` the tuple
and ``A`` the int32 array, ``A[C[CREDITS] + channel]`` reads field CREDITS at ``channel``.  A tuple is
never written, so the offsets stay in registers.  The cores' functions take the same values as an array
instead (``State.array``): there are many of them, they are less hot, and passing 150 values by name doubled
the time that compiling takes.
"""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
from numpy.typing import NDArray


class Layout:
    """Names of a kernel's constants, int32 fields and int64 fields, and their places in the tuple."""

    def __init__(self, constants: tuple[str, ...], narrow: tuple[str, ...], wide: tuple[str, ...]) -> None:
        self.constants = constants
        self.narrow = narrow
        self.wide = wide
        self._place = {name: index for index, name in enumerate(constants + narrow + wide)}

    def place(self, name: str) -> int:
        """Index in the tuple of a constant, or of a field's offset."""
        return self._place[name]


class State:
    """The tuple and the two arrays, and views of single fields by name for everything else."""

    def __init__(
        self, layout: Layout, constants: dict[str, int], fields: dict[str, NDArray[Any]]
    ) -> None:
        self._layout = layout
        self._span: dict[str, tuple[int, int]] = {}
        self.narrow = self._pack(layout.narrow, fields, np.int32)
        self.wide = self._pack(layout.wide, fields, np.int64)
        offsets = [self._span[name][0] for name in layout.narrow + layout.wide]
        self.tuple = tuple(int(constants[name]) for name in layout.constants) + tuple(offsets)
        self.array = np.array(self.tuple, np.int64)

    def _pack(self, names: tuple[str, ...], fields: dict[str, NDArray[Any]], kind: Any) -> NDArray[Any]:
        start = 0
        for name in names:
            self._span[name] = (start, start + len(fields[name]))
            start += len(fields[name])
        packed = np.zeros(max(start, 1), kind)
        limits = np.iinfo(kind)
        for name in names:
            values = fields[name]
            assert not len(values) or (limits.min <= values.min() and values.max() <= limits.max), name
            packed[slice(*self._span[name])] = values
        return packed

    def copy(self) -> State:
        """An independent copy."""
        twin = copy.copy(self)
        twin.narrow, twin.wide = self.narrow.copy(), self.wide.copy()
        return twin

    def constant(self, name: str) -> int:
        """A constant by name."""
        return self.tuple[self._layout.place(name)]

    def field(self, name: str) -> NDArray[Any]:
        """A view of a field by name."""
        first, last = self._span[name]
        return (self.narrow if name in self._layout.narrow else self.wide)[first:last]


FABRIC = Layout(
    constants=(
        "VCS", "VSHIFT", "RING", "WHEEL", "SLOTS", "N_CHANNELS", "FLITS", "POLICY", "DROP_AFTER",
        "ROUTING", "VC_POLICY", "CHIP_WIDTH", "CHIP_HEIGHT", "WIDTH", "HEIGHT", "GATEWAY_ROW",
        "GATEWAY_COLUMN", "N_PORTS",
    ),
    narrow=(
        # per router
        "X", "Y", "ROUTER_POINTER", "ACTIVE", "IS_ACTIVE",
        # per input channel: ring buffer of flits, its first slot, its length, the output its front wants
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
    ),
    wide=(
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
    ),
)  # fmt: skip

CORES = Layout(
    constants=(
        "N_CORES", "N_NEURONS", "N_BANKS", "MAX_DELAY", "RX_RING", "TX_RING", "TX_FLITS", "INJECTION",
        "HOST_LATENCY", "HOST_INTERVAL", "HOST_CHANNEL", "HOST_CREDIT_LATENCY", "HOST_LINK", "SHARED_PORT",
        "RECEIVE_DURING_UPDATE", "SPIKE_CYCLES", "TARGET_CYCLES", "MEMBRANE_WRAPS",
        "ACCUMULATOR_WRAPS", "V_LOW", "V_HIGH", "I_LOW", "I_HIGH", "ACC_LOW", "ACC_HIGH",
        "SAMPLE_STEPS", "N_STEPS", "IS_TICK", "PERIOD", "BARRIER", "LOG_PACKETS", "N_EVENTS",
    ),
    narrow=(
        # per core: number, first neuron, groups, axons, the router channel that it sends to, port index
        "CORE", "FIRST_NEURON", "FIRST_GROUP", "FIRST_AXON", "CHANNEL", "LINK",
        # per group: first neuron (global), neurons, rule codes, start step, cycles of an update
        "G_FIRST", "G_N", "G_MODEL", "G_RESET", "G_SHIFT", "G_START", "G_ACTIVE", "G_IDLE",
        # per neuron: parameters of the rule, then the outcome of the current step
        "KEEP", "CURRENT_KEEP", "BIAS", "THRESHOLD", "RESET_AMOUNT", "V_FLOOR", "SPIKES", "CYCLES",
        # per axon: block, row in it, words, synaptic operations, cycles
        "AXON_BLOCK", "AXON_ROW", "AXON_WORDS", "AXON_OPERATIONS", "AXON_CYCLES",
        # per block: format, first neuron (global) and size of its group, delay, places of its data
        "B_FORMAT", "B_FIRST", "B_N", "B_DELAY", "B_WEIGHT", "B_POINTER", "B_SOURCE", "B_GEOMETRY",
        # block data: sparse pointers and targets, conv sources and geometries (with kernel shape)
        "POINTER", "TARGET", "SOURCE", "GEOMETRY",
        # target tables: per neuron, then per entry; the host's list of packets, per step, then per packet
        "T_POINTER", "T_ADDRESS", "T_AXON", "T_CORE", "H_POINTER", "H_ADDRESS", "H_AXON", "H_CORE", "H_STEP",
        # receive FIFOs per core and vc, transmit FIFO per core
        "RX", "RX_FIRST", "RX_LENGTH", "RX_WHOLE", "TX", "TX_FIRST", "TX_LENGTH",
        # per core: small state
        "RX_POINTER", "PACKET", "TX_CREDITS", "LOOPING", "POSITION", "SEND_NEXT", "SEND_LAST",
        "SEND_TIMES", "SEND_NEURON", "START_NEXT", "START_COUNT", "CORE_STEP", "WOKEN", "IS_WOKEN",
        # packets in flight
        "PK_AXON", "PK_STEP", "PK_SOURCE", "PK_TARGET", "PK_LOG", "PK_FREE",
        # accumulators: bank * n_neurons + neuron
        "BANK",
    ),
    wide=(
        "V", "I",
        # per core
        "PIPELINE_UNTIL", "MEMORY_FREE", "LOOP_UNTIL", "STALLED_SINCE", "ALARM", "PIPELINE_BUSY",
        "LOOP_BUSY", "STALL", "LATE", "MEMBRANE_OVER", "ACCUMULATOR_OVER", "EVENTS",
        # per packet in flight
        "PK_INJECT",
        # alarms: a binary heap of cycle * 2**20 + core
        "HEAP",
        # per step
        "STEP_START", "STEP_END",
        # single values of the run, see program_kernel
        "RUN",
    ),
)  # fmt: skip
