"""Where things lie: a compiled kernel's state is a tuple of constants and one memory seen twice.

Numba passes an array as the seven values of its descriptor, so a kernel whose small functions take
dozens of arrays spends its time on that (and, unless ``_nrt=False`` says that nothing is allocated, on
counting references: three quarters of the time, measured).  All state therefore lies in one memory, seen
as int32 and as int64, and a tuple holds the constants and the offset of every field: with ``C`` the tuple,
``A`` the int32 and ``B`` the int64 view, ``A[C[ACTIVE] + k]`` reads field ACTIVE at ``k``.  A tuple is
never written, so the offsets stay in registers.  The cores' functions take the same values as an array
instead (``State.array``): there are many of them, they are less hot, and passing 150 values by name doubled
the time that compiling takes.

What a flit touches at one place lies in one *record*, a cache line where it fits: a field of a record
is a constant distance from the record's start, known when the kernel is compiled.  With one array per field
a hop touched 25 cache lines, and large meshes ran at half the speed.

Numba lets a negative index count from the end, at three instructions per access; ``x & INDEX`` tells the
compiler that ``x`` is not negative.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.rules.events import EVENT_NAMES

LINE = 8  # int64 values in a cache line
INDEX = (1 << 40) - 1  # more than any index


@dataclass(frozen=True)
class Record:
    """Records of one kind, one after the other from offset ``name`` (in int32 words).

    ``stride`` names the constant that holds log2 of a record's int32 words.  ``narrow`` maps a field to its
    int32 word within the record; ``wide`` to its int64 word.  A field named in ``rings`` is the record's last
    and takes what is left of it, as (records, words); one in ``spans`` takes so many words.  Views leave out
    the last ``spare`` records.
    """

    name: str
    stride: str
    narrow: dict[str, int]
    wide: dict[str, int]
    rings: tuple[str, ...] = ()
    spans: dict[str, int] = field(default_factory=dict)
    spare: int = 0


class Layout:
    """Names of a kernel's constants, records and fields of both widths, and their places in the tuple."""

    def __init__(
        self, constants: tuple[str, ...], narrow: tuple[str, ...], wide: tuple[str, ...],
        records: tuple[Record, ...] = (),
    ) -> None:  # fmt: skip
        self.constants = constants
        self.narrow = narrow
        self.wide = wide
        self.records = records
        names = constants + narrow + wide + tuple(record.name for record in records)
        self._place = {name: index for index, name in enumerate(names)}

    def names(self) -> tuple[str, ...]:
        """All fields, those of records included."""
        inside = [name for record in self.records for name in (*record.narrow, *record.wide)]
        return (*self.narrow, *self.wide, *inside)

    @property
    def size(self) -> int:
        """Values in the tuple."""
        return len(self._place)

    def place(self, name: str) -> int:
        """Index in the tuple of a constant, or of the offset of a field or of a kind of record."""
        return self._place[name]

    def word(self, name: str) -> int:
        """Word of a record's field within the record, in units of the field's own width."""
        return next((r.narrow | r.wide)[name] for r in self.records if name in r.narrow | r.wide)


class State:
    """The tuple and the memory, and views of single fields by name for everything else.

    ``counts`` gives the number of records of each kind; a field may be left out of ``fields`` if it is a
    record's and starts as 0.
    """

    def __init__(
        self,
        layout: Layout,
        constants: dict[str, int],
        fields: dict[str, NDArray[Any]],
        counts: dict[str, int] | None = None,
    ) -> None:
        self._layout = layout
        self._constants = constants
        self._start: dict[str, int] = {}  # in words of the field's own width
        self._length: dict[str, int] = {}
        size = 0
        for record in layout.records:  # the first kind starts at 0
            self._start[record.name], self._length[record.name] = size * 2, (counts or {})[record.name]
            size += (counts or {})[record.name] << constants[record.stride] >> 1
            size = -(-size // LINE) * LINE
        for name in layout.narrow + layout.wide:
            width = 2 if name in layout.narrow else 1
            self._start[name], self._length[name] = size * width, len(fields[name])
            size += -(-len(fields[name]) // width)
        self._see(_aligned(max(size, 1)))
        for name, values in fields.items():
            self._fill(name, values)
        offsets = [self._start[name] for name in layout.narrow + layout.wide]
        offsets += [self._start[record.name] for record in layout.records]
        self.tuple = tuple(int(constants[name]) for name in layout.constants) + tuple(offsets)
        self.array = np.array(self.tuple, np.int64)

    def _see(self, memory: NDArray[np.int64]) -> None:
        self.wide = memory
        self.narrow = memory.view(np.int32)

    def _fill(self, name: str, values: NDArray[Any]) -> None:
        view = self.field(name)
        if values.size and values.strides == (0,) and not values[0]:
            return  # room for later: memory that nobody writes to costs nothing
        limits = np.iinfo(view.dtype)
        assert not values.size or (limits.min <= values.min() and values.max() <= limits.max), name
        view[...] = values

    def grow(self, words: int) -> int:
        """Append ``words`` int64 zeros; returns where they start, a cache line.  Earlier views are stale."""
        start = -(-len(self.wide) // LINE) * LINE
        memory = _aligned(start + words)
        memory[: len(self.wide)] = self.wide
        self._see(memory)
        return start

    def copy(self) -> State:
        """An independent copy."""
        twin = copy.copy(self)
        memory = _aligned(len(self.wide))
        memory[:] = self.wide
        twin._see(memory)
        return twin

    def constant(self, name: str) -> int:
        """A constant by name."""
        return int(self._constants[name])

    def spare(self, name: str) -> NDArray[np.int32]:
        """A view of the records of kind ``name`` that the views of fields leave out."""
        record = next(r for r in self._layout.records if r.name == name)
        words = 1 << self._constants[record.stride]
        end = self._start[name] + self._length[name] * words
        return self.narrow[end - record.spare * words : end]

    def field(self, name: str) -> NDArray[Any]:
        """A view of a field by name; of a record's field, one value (or ring) per record."""
        if name in self._start:
            memory = self.narrow if name in self._layout.narrow else self.wide
            return memory[self._start[name] : self._start[name] + self._length[name]]
        for record in self._layout.records:
            if name in record.narrow or name in record.wide:
                memory = self.narrow if name in record.narrow else self.wide
                words = (1 << self._constants[record.stride]) >> (name in record.wide)
                first = self._start[record.name] >> (name in record.wide)
                n = self._length[record.name] - record.spare
                table = memory[first : first + n * words].reshape(-1, words)
                column = (record.narrow | record.wide)[name]
                if name in record.spans:
                    return table[:, column : column + record.spans[name]]
                return table[:, column:] if name in record.rings else table[:, column]
        raise KeyError(name)


def _aligned(size: int) -> NDArray[np.int64]:
    """Zeros that start at a cache line."""
    raw = np.zeros(size + LINE, np.int64)
    skip = -(raw.ctypes.data // 8) % LINE
    return raw[skip : skip + size]


FABRIC = Layout(
    constants=(
        "VCS", "VSHIFT", "RING", "WHEEL", "N_CHANNELS", "FLITS", "POLICY", "DROP_AFTER",
        "ROUTING", "VC_POLICY", "CHIP_WIDTH", "CHIP_HEIGHT", "WIDTH", "HEIGHT", "GATEWAY_ROW",
        "GATEWAY_COLUMN", "N_PORTS", "DEPTH", "IS_SIMPLE", "ROUTER_SHIFT", "CHANNEL_SHIFT", "SLOT_SHIFT",
        "TRACE_SLOTS", "FLIT_LIMIT",
        "N_ACTIVE_WORDS", "IS_FAR", "HAS_TREES",
    ),
    narrow=(
        # the arbiter's rule over ports, by pointer * 256 + mask
        "PICK",
        # the wheel: per slot the messages that arrive in its cycle, flits as pairs (destination, flit)
        "FLIT", "N_FLITS", "CREDIT", "N_CREDITS",
        # packets whose last flit was discarded in this cycle
        "LOST",
        # routing table: destinations (x, y as in an address) ascending per router, and where they go: port
        # in bits 0 to 3, above it the VC + 1, or 0 where the VC policy decides
        "TABLE_GOAL", "TABLE_OUT",
        # multicast: trees ascending per router, and masks of the ports where their packets leave it
        "TREE_GOAL", "TREE_PORTS",
    ),
    # routers to look at: a bit each, a bit per word of those, and their number; messages in the wheel
    wide=(
        "ACTIVE", "ACTIVE_WORDS", "N_ACTIVE", "IN_WHEEL", "DROPPED", "N_LOST", "N_FULL",
        # where events are traced: flits that moved, ten values each (see `tracing`)
        "N_FLIT_LOG", "FLIT_LOG",
        # with multicast, per input channel: mask of local output channels that its front has yet to go to
        "OWED",
    ),
    records=(
        # Per channel, a line for the output and a line for the input of that number.
        # Output: credits, owning local input channel or -1, mask of local input channels that want it, what
        # is behind it and how far; with channel 0 also what belongs to the port: next free cycle, flits sent,
        # cycles waited, cycles per flit, pointer, whether its link crosses chips (1) or closes a ring (2).
        # Input: since when its front is there, first slot, length, output that the front wants (if there is
        # multicast see OWED), where credits go and how far, a ring buffer of flits; with channel 0 the port's
        # pointer over channels and the most flits it ever held.
        Record(
            "CHANNELS", "CHANNEL_SHIFT",
            wide={"REQUESTS": 1, "FREE_AT": 2, "PORT_FLITS": 3, "BLOCKED": 4, "SINCE": 8},
            narrow={
                "CREDITS": 0, "OWNER": 1, "DESTINATION": 10, "LATENCY": 11, "INTERVAL": 12,
                "PORT_POINTER": 13, "LINK_KIND": 14, "VC_POINTER": 15,
                "FIRST": 18, "LENGTH": 19, "WANT": 20, "BACK": 21, "BACK_LATENCY": 22, "PEAK": 23,
                "FIFO": 24,
            },
            rings=("FIFO",),
        ),
        Record(
            "ROUTERS", "ROUTER_SHIFT",
            # masks of local output channels wanted and credited, of input channels that discard; which
            # entries of the routing table are this router's (both 0: none), and which of the trees'
            wide={"ASKED": 0, "CREDITED": 1, "DROPPING": 2},
            narrow={
                "X": 6, "Y": 7, "ROUTER_POINTER": 8, "TABLE_FIRST": 9, "TABLE_LAST": 10,
                "TREE_FIRST": 11, "TREE_LAST": 12,
            },
        ),
    ),
)  # fmt: skip
FIFO_AT = FABRIC.word("FIFO")

CORES = Layout(
    constants=(
        "N_CORES", "N_NEURONS", "N_BANKS", "MAX_DELAY", "RX_RING", "TX_RING", "TX_FLITS", "INJECTION",
        "HOST_LATENCY", "HOST_INTERVAL", "HOST_CHANNEL", "HOST_CREDIT_LATENCY", "HOST_LINK", "SHARED_PORT",
        "RECEIVE_DURING_UPDATE", "SPIKE_CYCLES", "TARGET_CYCLES", "MEMBRANE_WRAPS",
        "ACCUMULATOR_WRAPS", "V_LOW", "V_HIGH", "I_LOW", "I_HIGH", "ACC_LOW", "ACC_HIGH",
        "SAMPLE_STEPS", "N_STEPS", "IS_TICK", "PERIOD", "BARRIER", "LOG_PACKETS", "CORE_SHIFT",
        "PACKET_SHIFT", "ALARM_WORDS", "SPARSE_STRIDE",
        "TRACE", "TRACE_SLOTS", "PACKET_LIMIT", "CORE_LIMIT", "IS_FAR",
        "LOG_RESERVE",
    ),
    narrow=(
        # per group: first neuron (global), neurons, rule codes, start step, cycles of an update
        "G_FIRST", "G_N", "G_MODEL", "G_RESET", "G_SHIFT", "G_START", "G_ACTIVE", "G_IDLE",
        # of first-spike groups also: place in RAMP less the first neuron, steps with input, silent steps
        "G_RAMP", "G_INPUT_STEPS", "G_SILENT_STEPS",
        # per neuron: parameters of the rule, then the outcome of the current step
        "KEEP", "CURRENT_KEEP", "BIAS", "THRESHOLD", "RESET_AMOUNT", "V_FLOOR", "SPIKES", "CYCLES",
        # per first-spike neuron
        "RAMP", "RAMP_FLOOR",
        # per axon its kind; per kind: block, words, synaptic operations, cycles
        "AXON_KIND", "K_BLOCK", "K_WORDS", "K_OPERATIONS", "K_CYCLES",
        # per block: format, first neuron (global) and size of its group, delay, places of its data
        "B_FORMAT", "B_FIRST", "B_N", "B_DELAY", "B_WEIGHT", "B_POINTER", "B_SOURCE", "B_GEOMETRY",
        "B_AXON",
        # block data: sparse pointers and targets, conv sources and geometries (with kernel shape)
        "POINTER", "TARGET", "SOURCE", "GEOMETRY",
        # addresses of HOST and of every core; target tables: per neuron, then per entry; the host's list of
        # packets, per step (with how many it counts as), then per packet
        "ADDRESS", "T_POINTER", "T_AXON", "T_CORE", "H_POINTER", "H_COUNT", "H_ADDRESS", "H_AXON", "H_CORE",
        "H_STEP",
        # multicast trees: first leaf per tree; per leaf its core and what it adds to the axon
        "LEAF_FIRST", "LEAF_CORE", "LEAF_AXON",
        # receive FIFOs per core and vc, transmit FIFO per core
        "RX", "TX",
        # endpoints to look at in this cycle; free slots for packets
        "WOKEN", "PK_FREE",
        # accumulators: bank * n_neurons + neuron
        "BANK",
    ),
    wide=(
        "V", "I",
        # alarms: of the cycles to come a bit per endpoint, a bit per cycle that has any; of later cycles a
        # binary heap of cycle * 2**20 + core
        "ALARM_BITS", "ALARM_CYCLES", "HEAP",
        # per step
        "STEP_START", "STEP_END",
        # single values of the run, see program_kernel
        "RUN",
        # where events are traced: packets that ended and what cores did, eight values each (see `tracing`)
        "PACKET_LOG", "CORE_LOG",
    ),
    records=(
        # Per core, the host last: its number, neurons, groups, first axon, the router channel that it sends
        # to, its port; state of its FIFOs (of the receive FIFOs per VC), pipeline, loop and memory; counts.
        Record(
            "CORE_AT", "CORE_SHIFT",
            narrow={
                "CORE": 0, "FIRST_NEURON": 1, "LAST_NEURON": 2, "FIRST_GROUP": 3, "LAST_GROUP": 4,
                "FIRST_AXON": 5, "CHANNEL": 6, "LINK": 7, "IS_WOKEN": 8, "TX_FIRST": 9, "TX_LENGTH": 10,
                "TX_CREDITS": 11, "RX_POINTER": 12, "PACKET": 13, "LOOPING": 14, "POSITION": 15,
                "SEND_NEXT": 16, "SEND_LAST": 17, "SEND_TIMES": 18, "SEND_NEURON": 19, "START_NEXT": 20,
                "START_COUNT": 21, "CORE_STEP": 22, "RX_FIRST": 24, "RX_LENGTH": 28, "RX_WHOLE": 32,
            },
            wide={
                "PIPELINE_UNTIL": 18, "MEMORY_FREE": 19, "LOOP_UNTIL": 20, "STALLED_SINCE": 21, "ALARM": 22,
                "PIPELINE_BUSY": 23, "LOOP_BUSY": 24, "STALL": 25, "LATE": 26, "MEMBRANE_OVER": 27,
                "ACCUMULATOR_OVER": 28, "LOOP_SINCE": 29, "EVENTS": 32,
            },
            spans={"RX_FIRST": 4, "RX_LENGTH": 4, "RX_WHOLE": 4, "EVENTS": len(EVENT_NAMES)},
            spare=1,
        ),
        # Per packet in flight; where events are traced also its place among its sender's, and whether it
        # arrived.  All copies of a packet to a tree share a record until they arrive: PK_LEAVES are to come.
        Record(
            "PACKET_AT", "PACKET_SHIFT",
            narrow={
                "PK_AXON": 0, "PK_STEP": 1, "PK_SOURCE": 2, "PK_TARGET": 3, "PK_LOG": 4, "PK_NUMBER": 5,
                "PK_ENDED": 8, "PK_LEAVES": 9,
            },
            wide={"PK_INJECT": 3},
        ),
    ),
)  # fmt: skip
