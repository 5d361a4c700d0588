"""Cores, compiled: synapse pipeline, neuron loop, transmit FIFO, in the reference engine's order.

The same steps as :mod:`neurosim.engines.reference.core`, over the fields of layout CORES: ``D`` is its
tuple, ``P`` its int32 and ``Q`` its int64 fields, ``Wt`` the synapse weights; ``C``, ``A``, ``B`` and
``K`` are the network's.  A core is its index among the used cores; the host is index ``N_CORES``.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled import layout
from neurosim.engines.compiled.jit import RULES, inlined, inner, prefetch
from neurosim.engines.compiled.network_kernel import channel_record, post_credit, post_flit
from neurosim.rules import events as event_names
from neurosim.rules import neuron, synapse

Array = Any
_at, _word = layout.CORES.place, layout.CORES.word
_update = RULES.update
_update_first_spike = RULES.update_first_spike
_is_active = RULES.is_active
_is_awake = RULES.is_awake
_is_on_time = RULES.is_on_time
_slot = RULES.accumulator_slot
_fit = RULES.fit
_is_outside = RULES.is_outside
_pick = RULES.pick
_advance = RULES.advance
_conv_first = RULES.conv_first
_conv_last = RULES.conv_last
_conv_tap = RULES.conv_tap
INDEX = layout.INDEX
_DENSE = synapse.FORMAT_DENSE
_SPARSE = synapse.FORMAT_SPARSE
_TTFS = neuron.MODEL_TTFS

VCS = layout.FABRIC.place("VCS")
VSHIFT = layout.FABRIC.place("VSHIFT")
FLITS = layout.FABRIC.place("FLITS")
BACK_LATENCY = layout.FABRIC.word("BACK_LATENCY")

N_CORES, N_NEURONS, N_BANKS, MAX_DELAY = _at("N_CORES"), _at("N_NEURONS"), _at("N_BANKS"), _at("MAX_DELAY")
RX_RING, TX_RING, TX_FLITS, INJECTION = _at("RX_RING"), _at("TX_RING"), _at("TX_FLITS"), _at("INJECTION")
SHARED_PORT, RECEIVE_DURING_UPDATE = _at("SHARED_PORT"), _at("RECEIVE_DURING_UPDATE")
SPIKE_CYCLES, TARGET_CYCLES = _at("SPIKE_CYCLES"), _at("TARGET_CYCLES")
MEMBRANE_WRAPS, ACCUMULATOR_WRAPS, V_LOW = _at("MEMBRANE_WRAPS"), _at("ACCUMULATOR_WRAPS"), _at("V_LOW")
V_HIGH, I_LOW, I_HIGH, ACC_LOW = _at("V_HIGH"), _at("I_LOW"), _at("I_HIGH"), _at("ACC_LOW")
ACC_HIGH, SAMPLE_STEPS, LOG_PACKETS = _at("ACC_HIGH"), _at("SAMPLE_STEPS"), _at("LOG_PACKETS")
G_FIRST, G_N, G_MODEL, G_RESET = _at("G_FIRST"), _at("G_N"), _at("G_MODEL"), _at("G_RESET")
G_SHIFT, G_START, G_ACTIVE, G_IDLE = _at("G_SHIFT"), _at("G_START"), _at("G_ACTIVE"), _at("G_IDLE")
G_RAMP, G_INPUT_STEPS, G_SILENT_STEPS = _at("G_RAMP"), _at("G_INPUT_STEPS"), _at("G_SILENT_STEPS")
RAMP, RAMP_FLOOR = _at("RAMP"), _at("RAMP_FLOOR")
KEEP, CURRENT_KEEP, BIAS, THRESHOLD = _at("KEEP"), _at("CURRENT_KEEP"), _at("BIAS"), _at("THRESHOLD")
RESET_AMOUNT, V_FLOOR, SPIKES, CYCLES = _at("RESET_AMOUNT"), _at("V_FLOOR"), _at("SPIKES"), _at("CYCLES")
AXON_KIND, K_BLOCK, K_WORDS = _at("AXON_KIND"), _at("K_BLOCK"), _at("K_WORDS")
K_OPERATIONS, K_CYCLES, B_AXON = _at("K_OPERATIONS"), _at("K_CYCLES"), _at("B_AXON")
SPARSE_STRIDE, B_FORMAT, B_FIRST, B_N = _at("SPARSE_STRIDE"), _at("B_FORMAT"), _at("B_FIRST"), _at("B_N")
B_DELAY, B_WEIGHT, B_POINTER, B_SOURCE = _at("B_DELAY"), _at("B_WEIGHT"), _at("B_POINTER"), _at("B_SOURCE")
B_GEOMETRY, POINTER, TARGET, SOURCE = _at("B_GEOMETRY"), _at("POINTER"), _at("TARGET"), _at("SOURCE")
GEOMETRY, T_POINTER, T_AXON, T_CORE = _at("GEOMETRY"), _at("T_POINTER"), _at("T_AXON"), _at("T_CORE")
ADDRESS, RX, TX, WOKEN, PK_FREE = _at("ADDRESS"), _at("RX"), _at("TX"), _at("WOKEN"), _at("PK_FREE")
BANK, V, RUN, TRACE, IS_FAR = _at("BANK"), _at("V"), _at("RUN"), _at("TRACE"), _at("IS_FAR")
I = _at("I")  # noqa: E741
TRACE_SLOTS, PACKET_LOG, CORE_LOG = _at("TRACE_SLOTS"), _at("PACKET_LOG"), _at("CORE_LOG")
CORE_AT, CORE_SHIFT, PACKET_AT = _at("CORE_AT"), _at("CORE_SHIFT"), _at("PACKET_AT")
PACKET_SHIFT = _at("PACKET_SHIFT")
# words of the records of cores and packets
CORE, FIRST_AXON, CHANNEL, LINK = _word("CORE"), _word("FIRST_AXON"), _word("CHANNEL"), _word("LINK")
IS_WOKEN, TX_FIRST, TX_LENGTH = _word("IS_WOKEN"), _word("TX_FIRST"), _word("TX_LENGTH")
TX_CREDITS, RX_POINTER, PACKET = _word("TX_CREDITS"), _word("RX_POINTER"), _word("PACKET")
LOOPING, POSITION, SEND_NEXT = _word("LOOPING"), _word("POSITION"), _word("SEND_NEXT")
SEND_LAST, SEND_TIMES, SEND_NEURON = _word("SEND_LAST"), _word("SEND_TIMES"), _word("SEND_NEURON")
START_NEXT, START_COUNT, CORE_STEP = _word("START_NEXT"), _word("START_COUNT"), _word("CORE_STEP")
PIPELINE_UNTIL, MEMORY_FREE, LOOP_UNTIL = _word("PIPELINE_UNTIL"), _word("MEMORY_FREE"), _word("LOOP_UNTIL")
STALLED_SINCE, ALARM, PIPELINE_BUSY = _word("STALLED_SINCE"), _word("ALARM"), _word("PIPELINE_BUSY")
LOOP_BUSY, STALL, LATE = _word("LOOP_BUSY"), _word("STALL"), _word("LATE")
MEMBRANE_OVER, ACCUMULATOR_OVER = _word("MEMBRANE_OVER"), _word("ACCUMULATOR_OVER")
LOOP_SINCE, FIRST_NEURON, LAST_NEURON = _word("LOOP_SINCE"), _word("FIRST_NEURON"), _word("LAST_NEURON")
FIRST_GROUP, LAST_GROUP, RX_FIRST = _word("FIRST_GROUP"), _word("LAST_GROUP"), _word("RX_FIRST")
RX_LENGTH, RX_WHOLE, EVENTS = _word("RX_LENGTH"), _word("RX_WHOLE"), _word("EVENTS")
PK_AXON, PK_STEP, PK_SOURCE = _word("PK_AXON"), _word("PK_STEP"), _word("PK_SOURCE")
PK_TARGET, PK_LOG, PK_NUMBER = _word("PK_TARGET"), _word("PK_LOG"), _word("PK_NUMBER")
PK_ENDED, PK_INJECT = _word("PK_ENDED"), _word("PK_INJECT")
LOG_ARRIVED, LOG_DROPPED = range(2)  # outcomes in PACKET_LOG
LOG_LOOP, LOG_PACKET, LOG_STALL = range(3)  # kinds in CORE_LOG

HORIZON = 256  # cycles for which alarms are kept as bits

# entries of RUN
OPEN, SENT, ARRIVED, N_FREE, N_WOKEN, N_HEAP, N_LOG, N_SPIKES, N_OVER, NOW, UPCOMING = range(11)
LAST_ARRIVAL, STEP, NEXT_START, QUIET_AT, HOST_NEXT, HOST_DUE, HOST_FREE, HOST_CREDITS = range(11, 19)
HOST_FLITS, HOST_RECEIVED, BARRIERS, HOST_INDEX, HOST_PACKET, N_MISSED = range(19, 25)
N_HOST, N_PACKET_LOG, N_CORE_LOG = range(25, 28)
N_RUN = 28

_DECODED = event_names.EVENT_INDEX["packet_decoded"]
_WORD = event_names.EVENT_INDEX["synapse_word_read"]
_OPERATION = event_names.EVENT_INDEX["synaptic_operation"]
_ACTIVE = event_names.EVENT_INDEX["neuron_update_active"]
_IDLE = event_names.EVENT_INDEX["neuron_update_idle"]
_SPIKE = event_names.EVENT_INDEX["spike_generated"]
_SENT = event_names.EVENT_INDEX["packet_sent"]


@inlined
def core_record(D: Array, core: int) -> int:
    """Where a core's record starts in ``P``; half of it is the place in ``Q``."""
    return (D[CORE_AT] + (core << D[CORE_SHIFT])) & INDEX


@inlined
def packet_record(D: Array, packet: int) -> int:
    """Where a packet's record starts in ``P``; half of it is the place in ``Q``."""
    return (D[PACKET_AT] + (packet << D[PACKET_SHIFT])) & INDEX


@inner
def log_packet(D: Array, P: Array, Q: Array, packet: int, now: int, outcome: int) -> None:
    """A row of the trace: ``packet`` ends."""
    packet_at = packet_record(D, packet)
    row = Q[D[RUN] + N_PACKET_LOG]
    at = D[PACKET_LOG] + 8 * row
    Q[at], Q[at + 1], Q[at + 2] = now, P[packet_at + PK_SOURCE], P[packet_at + PK_NUMBER]
    Q[at + 3], Q[at + 4] = P[packet_at + PK_STEP], P[packet_at + PK_TARGET]
    Q[at + 5], Q[at + 6], Q[at + 7] = P[packet_at + PK_AXON], Q[(packet_at >> 1) + PK_INJECT], outcome
    Q[D[RUN] + N_PACKET_LOG] = row + 1


@inner
def log_core(D: Array, P: Array, Q: Array, core: int, kind: int, start: int, packet: int, now: int) -> None:
    """A row of the trace: something of ``core`` (``packet`` -1: not about a packet) ends."""
    own = core_record(D, core)
    packet_at = packet_record(D, packet)
    row = Q[D[RUN] + N_CORE_LOG]
    at = D[CORE_LOG] + 8 * row
    Q[at], Q[at + 1], Q[at + 2], Q[at + 4] = now, P[own + CORE], kind, start
    if packet >= 0:
        Q[at + 3], Q[at + 5] = P[packet_at + PK_STEP], P[packet_at + PK_SOURCE]
        Q[at + 6], Q[at + 7] = P[packet_at + PK_NUMBER], P[packet_at + PK_AXON]
    else:
        Q[at + 3], Q[at + 5], Q[at + 6], Q[at + 7] = P[own + CORE_STEP], -1, -1, -1
    Q[D[RUN] + N_CORE_LOG] = row + 1


@inner
def note_packet(
    D: Array, P: Array, K: Array, packet: int, axon: int, step: int, source: int, target: int, number: int
) -> None:
    """What the trace will say of a new packet, its sender's ``number``-th."""
    packet_at = packet_record(D, packet)
    P[packet_at + PK_NUMBER] = number
    P[packet_at + PK_ENDED] = 0
    slots = D[TRACE_SLOTS]
    if slots:  # where the routers find it
        K[slots + packet], K[2 * slots + packet], K[3 * slots + packet] = source, number, step
        K[4 * slots + packet], K[5 * slots + packet] = target, axon


@inlined
def new_packet(
    D: Array, P: Array, Q: Array, K: Array, Log: Array, address: int, axon: int, step: int, source: int,
    target: int, inject: int, number: int,
) -> int:  # fmt: skip
    """A packet, its sender's ``number``-th, from the free list; if packets are logged, open its row."""
    Q[D[RUN] + N_FREE] -= 1
    packet = int64(P[D[PK_FREE] + Q[D[RUN] + N_FREE]])
    packet_at = packet_record(D, packet)
    K[packet] = address
    P[packet_at + PK_AXON] = axon
    P[packet_at + PK_STEP] = step
    P[packet_at + PK_SOURCE] = source
    P[packet_at + PK_TARGET] = target
    Q[(packet_at >> 1) + PK_INJECT] = inject
    if D[LOG_PACKETS]:
        row = Q[D[RUN] + N_LOG]
        P[packet_at + PK_LOG] = row
        Log[row, 0], Log[row, 1], Log[row, 2] = step, source, target
        Log[row, 3], Log[row, 4], Log[row, 5] = axon, inject, -1
        Q[D[RUN] + N_LOG] = row + 1
    if D[TRACE]:
        note_packet(D, P, K, packet, axon, step, source, target, number)
    return packet


@inlined
def packet_arrived(
    D: Array, P: Array, Q: Array, Log: Array, Hist: Array, Over: Array, packet: int, now: int
) -> None:
    """A packet's tail reached its receiver."""
    packet_at = packet_record(D, packet)
    journey = now - Q[(packet_at >> 1) + PK_INJECT]
    if journey < len(Hist):
        Hist[journey] += 1
    else:
        Over[Q[D[RUN] + N_OVER]] = journey
        Q[D[RUN] + N_OVER] += 1
    Q[D[RUN] + ARRIVED] += 1
    if D[LOG_PACKETS]:
        Log[P[packet_at + PK_LOG], 5] = now
    if D[TRACE]:
        P[packet_at + PK_ENDED] = 1
        log_packet(D, P, Q, packet, now, LOG_ARRIVED)


@inlined
def free_packet(D: Array, P: Array, Q: Array, packet: int) -> None:
    """The packet's work is done."""
    P[D[PK_FREE] + Q[D[RUN] + N_FREE]] = packet
    Q[D[RUN] + N_FREE] += 1
    Q[D[RUN] + OPEN] -= 1


@inlined
def wake(D: Array, P: Array, Q: Array, core: int) -> None:
    """Let ``core`` (or the host) step in this cycle."""
    own = core_record(D, core)
    if P[own + IS_WOKEN] == 0:
        P[own + IS_WOKEN] = 1
        P[D[WOKEN] + Q[D[RUN] + N_WOKEN]] = core
        Q[D[RUN] + N_WOKEN] += 1


@inlined
def core_receives(
    C: Array, D: Array, P: Array, Q: Array, Log: Array, Hist: Array, Over: Array, core: int, vc: int,
    flit: int, now: int,
) -> None:  # fmt: skip
    """ARRIVE: a flit reaches a core's receive FIFO."""
    own = core_record(D, core)
    fifo = core * C[VCS] + vc
    place = (P[own + RX_FIRST + vc] + P[own + RX_LENGTH + vc]) & (D[RX_RING] - 1)
    P[D[RX] + fifo * D[RX_RING] + place] = flit
    P[own + RX_LENGTH + vc] += 1
    if (flit & 15) == C[FLITS] - 1:
        P[own + RX_WHOLE + vc] += 1
        packet_arrived(D, P, Q, Log, Hist, Over, flit >> 4, now)
        wake(D, P, Q, core)


@inner
def add_weight(D: Array, P: Array, Q: Array, core: int, at: int, weight: int) -> None:
    """Add one weight to an accumulator."""
    own = core_record(D, core)
    total = P[D[BANK] + at] + weight
    if _is_outside(total, D[ACC_LOW], D[ACC_HIGH]):
        Q[(own >> 1) + ACCUMULATOR_OVER] += 1
        total = _fit(total, D[ACC_LOW], D[ACC_HIGH], D[ACCUMULATOR_WRAPS])
    P[D[BANK] + at] = total


@inner
def add_conv(
    D: Array, P: Array, Q: Array, Wt: Array, core: int, block: int, row: int, bank: int
) -> None:
    """Add the weights of one axon of a convolution block, computed from the shared kernel."""
    g = D[GEOMETRY] + P[D[B_GEOMETRY] + block]
    in_c, in_h, in_w, out_c = P[g], P[g + 1], P[g + 2], P[g + 3]
    stride_y, stride_x, top, left = P[g + 6], P[g + 7], P[g + 8], P[g + 9]
    dilation_y, dilation_x, groups, c0 = P[g + 10], P[g + 11], P[g + 12], P[g + 13]
    y0, y1, x0, x1 = P[g + 14], P[g + 15], P[g + 16], P[g + 17]
    n_channels, kernel_y, kernel_x = P[g + 18], P[g + 19], P[g + 20]
    source = P[D[SOURCE] + P[D[B_SOURCE] + block] + row]
    x = source % in_w
    y = source // in_w % in_h
    channel = source // (in_w * in_h)
    per_in, per_out = in_c // groups, out_c // groups
    group = channel // per_in
    first = max(c0, group * per_out) - c0
    last = min(c0 + n_channels, (group + 1) * per_out) - c0
    from_y = max(_conv_first(y, top, kernel_y, dilation_y, stride_y), y0)
    to_y = min(_conv_last(y, top, stride_y), y1 - 1)
    from_x = max(_conv_first(x, left, kernel_x, dilation_x, stride_x), x0)
    to_x = min(_conv_last(x, left, stride_x), x1 - 1)
    width, plane = x1 - x0, (y1 - y0) * (x1 - x0)
    base = bank + P[D[B_FIRST] + block]
    for c in range(first, last):
        kernel = P[D[B_WEIGHT] + block] + (c * per_in + channel % per_in) * kernel_y * kernel_x
        for oy in range(from_y, to_y + 1):
            ky = _conv_tap(y, oy, top, dilation_y, stride_y)
            if ky < 0:
                continue
            for ox in range(from_x, to_x + 1):
                kx = _conv_tap(x, ox, left, dilation_x, stride_x)
                if kx >= 0:
                    at = base + c * plane + (oy - y0) * width + ox - x0
                    add_weight(D, P, Q, core, at, Wt[kernel + ky * kernel_x + kx])


@inner
def add_list(
    D: Array, P: Array, Q: Array, Wt: Array, core: int, block: int, begin: int, end: int, base: int
) -> None:
    """Add synapses ``begin`` to ``end`` of a sparse block, packed in one of the ways of `core_state`."""
    weight = P[D[B_WEIGHT] + block]
    bank, low, high = D[BANK] + base, D[ACC_LOW], D[ACC_HIGH]
    if D[SPARSE_STRIDE] == 3:
        for at in range(weight + 3 * begin, weight + 3 * end, 3):
            target = (Wt[at + 1] & 255) | (Wt[at + 2] & 255) << 8
            total = P[bank + target] + Wt[at]
            if _is_outside(total, low, high):
                add_weight(D, P, Q, core, base + target, Wt[at])
            else:
                P[bank + target] = total
    elif D[SPARSE_STRIDE] == 2:
        for at in range(weight + 2 * begin, weight + 2 * end, 2):
            add_weight(D, P, Q, core, base + (Wt[at + 1] & 65535), Wt[at])
    else:
        for k in range(begin, end):
            target = P[D[TARGET] + P[D[B_SOURCE] + block] + k]
            add_weight(D, P, Q, core, base + target, Wt[weight + k])


@inlined
def finish_packet(D: Array, P: Array, Q: Array, Wt: Array, core: int, now: int) -> None:
    """The pipeline's packet, if its time has come, enters the accumulators."""
    own = core_record(D, core)
    packet = int64(P[own + PACKET])
    if packet < 0 or now < Q[(own >> 1) + PIPELINE_UNTIL]:
        return
    packet_at = packet_record(D, packet)
    P[own + PACKET] = -1
    axon = P[own + FIRST_AXON] + P[packet_at + PK_AXON]
    block = P[D[K_BLOCK] + P[D[AXON_KIND] + axon]]
    row = axon - P[D[B_AXON] + block]
    step, delay = P[packet_at + PK_STEP], P[D[B_DELAY] + block]
    if _is_on_time(step + delay, P[own + CORE_STEP], D[MAX_DELAY]):
        bank = _slot(step, delay, D[N_BANKS]) * D[N_NEURONS]
        first, weight = P[D[B_FIRST] + block], P[D[B_WEIGHT] + block]
        if P[D[B_FORMAT] + block] == _DENSE:
            n = P[D[B_N] + block]
            for k in range(n):
                add_weight(D, P, Q, core, bank + first + k, Wt[weight + row * n + k])
        elif P[D[B_FORMAT] + block] == _SPARSE:
            pointer = D[POINTER] + P[D[B_POINTER] + block] + row
            add_list(D, P, Q, Wt, core, block, P[pointer], P[pointer + 1], bank + first)
        else:
            add_conv(D, P, Q, Wt, core, block, row, bank)
    else:
        Q[(own >> 1) + LATE] += 1
    if D[TRACE] & 2:
        start = Q[(own >> 1) + PIPELINE_UNTIL] - P[D[K_CYCLES] + P[D[AXON_KIND] + axon]]
        log_core(D, P, Q, core, int64(LOG_PACKET), start, packet, now)
    free_packet(D, P, Q, packet)


@inlined
def expect_core(D: Array, P: Array, k: int, n: int) -> None:
    """While entry ``k`` of the ``n`` woken cores is looked at, have a later one's record fetched."""
    if D[IS_FAR]:
        at = core_record(D, int64(P[D[WOKEN] + min(k + 3, n - 1)]))
        for line in range(4):
            prefetch(P, at + 16 * line)


@inlined
def expect_row(D: Array, P: Array, Wt: Array, axon: int, kind: int) -> None:
    """Have the first synapses of an axon fetched: they are needed when its packet is finished."""
    block = P[D[K_BLOCK] + kind]
    if P[D[B_FORMAT] + block] == _SPARSE:
        row = axon - P[D[B_AXON] + block]
        first = int64(P[D[B_WEIGHT] + block])
        first += D[SPARSE_STRIDE] * P[D[POINTER] + P[D[B_POINTER] + block] + row]
        prefetch(Wt, first)
        prefetch(Wt, first + 64)


@inlined
def start_packet(
    C: Array, A: Array, B: Array, D: Array, P: Array, Q: Array, Wt: Array, core: int, now: int
) -> int:
    """Take the next whole packet; returns when to look again, 0 for "when something comes"."""
    own = core_record(D, core)
    if P[own + PACKET] >= 0 or (P[own + LOOPING] and not D[RECEIVE_DURING_UPDATE]):
        return 0
    mask = 0
    for vc in range(C[VCS]):
        if P[own + RX_WHOLE + vc]:
            mask |= 1 << vc
    if mask == 0:
        return 0
    if D[SHARED_PORT] and now < Q[(own >> 1) + MEMORY_FREE]:
        return Q[(own >> 1) + MEMORY_FREE]
    vc = _pick(0, mask, P[own + RX_POINTER])
    P[own + RX_POINTER] = _advance(vc, C[VCS])
    fifo = core * C[VCS] + vc
    P[own + RX_WHOLE + vc] -= 1
    packet = int64(P[D[RX] + fifo * D[RX_RING] + P[own + RX_FIRST + vc]]) >> 4
    P[own + RX_FIRST + vc] = (P[own + RX_FIRST + vc] + C[FLITS]) & (D[RX_RING] - 1)
    P[own + RX_LENGTH + vc] -= C[FLITS]
    link = P[own + LINK]
    channel = (link << C[VSHIFT]) + vc
    for _ in range(C[FLITS]):
        post_credit(C, A, B, now + A[channel_record(C, channel) + BACK_LATENCY], channel)
    P[own + PACKET] = packet
    kind = P[D[AXON_KIND] + P[own + FIRST_AXON] + P[packet_record(D, packet) + PK_AXON]]
    cycles = P[D[K_CYCLES] + kind]
    counts = (own >> 1) + EVENTS
    Q[counts + _DECODED] += 1
    Q[counts + _WORD] += P[D[K_WORDS] + kind]
    Q[counts + _OPERATION] += P[D[K_OPERATIONS] + kind]
    if D[IS_FAR]:
        expect_row(D, P, Wt, P[own + FIRST_AXON] + P[packet_record(D, packet) + PK_AXON], kind)
    Q[(own >> 1) + PIPELINE_BUSY] += cycles
    Q[(own >> 1) + PIPELINE_UNTIL] = now + cycles
    if D[SHARED_PORT]:
        Q[(own >> 1) + MEMORY_FREE] = now + cycles
    return now + cycles


@inner
def begin_step(D: Array, P: Array, Q: Array, SpikeLog: Array, core: int, now: int) -> None:
    """Run the arithmetic of a whole neuron loop; its timing is walked through afterwards."""
    own = core_record(D, core)
    step = P[own + START_NEXT]
    P[own + START_NEXT] += 1
    P[own + START_COUNT] -= 1
    P[own + CORE_STEP] = step
    bank = D[BANK] + _slot(step, 0, D[N_BANKS]) * D[N_NEURONS]
    counts = (own >> 1) + EVENTS
    for group in range(P[own + FIRST_GROUP], P[own + LAST_GROUP]):
        first = P[D[G_FIRST] + group]
        n = P[D[G_N] + group]
        if not _is_awake(step, P[D[G_START] + group], D[SAMPLE_STEPS]):
            for k in range(first, first + n):
                P[D[SPIKES] + k] = 0
                P[D[CYCLES] + k] = 0
                P[bank + k] = 0
            continue
        model, reset, shift = P[D[G_MODEL] + group], P[D[G_RESET] + group], P[D[G_SHIFT] + group]
        for k in range(first, first + n):
            x = P[bank + k] << shift
            P[bank + k] = 0
            v, i = Q[D[V] + k], Q[D[I] + k]
            if model == _TTFS:
                ramp = P[D[G_RAMP] + group] + k
                new_v, new_i, spikes, over = _update_first_spike(
                    D[MEMBRANE_WRAPS], v, i, x, P[D[KEEP] + k], P[D[CURRENT_KEEP] + k], P[D[BIAS] + k],
                    P[D[THRESHOLD] + k], P[D[V_FLOOR] + k], D[V_LOW], D[V_HIGH], D[I_LOW], D[I_HIGH],
                    step - P[D[G_START] + group], P[D[RAMP] + ramp], P[D[RAMP_FLOOR] + ramp],
                    P[D[G_INPUT_STEPS] + group], P[D[G_SILENT_STEPS] + group],
                )  # fmt: skip
            else:
                new_v, new_i, spikes, over = _update(
                    model, reset, D[MEMBRANE_WRAPS], v, i, x, P[D[KEEP] + k], P[D[CURRENT_KEEP] + k],
                    P[D[BIAS] + k], P[D[THRESHOLD] + k], P[D[RESET_AMOUNT] + k], P[D[V_FLOOR] + k],
                    D[V_LOW], D[V_HIGH], D[I_LOW], D[I_HIGH],
                )  # fmt: skip
            active = _is_active(v, i, new_v, new_i, x, spikes)
            Q[D[V] + k] = new_v
            Q[D[I] + k] = new_i
            P[D[SPIKES] + k] = spikes
            P[D[CYCLES] + k] = P[D[G_ACTIVE] + group] if active else P[D[G_IDLE] + group]
            Q[(own >> 1) + MEMBRANE_OVER] += over
            Q[counts + (_ACTIVE if active else _IDLE)] += 1
            if spikes:
                Q[counts + _SPIKE] += spikes
                row = Q[D[RUN] + N_SPIKES]
                SpikeLog[row, 0], SpikeLog[row, 1], SpikeLog[row, 2] = step, k, spikes
                Q[D[RUN] + N_SPIKES] = row + 1
    P[own + LOOPING] = 1
    P[own + POSITION] = P[own + FIRST_NEURON]
    P[own + SEND_TIMES] = 0
    Q[(own >> 1) + LOOP_UNTIL] = now
    Q[(own >> 1) + LOOP_SINCE] = now


@inlined
def update_next(D: Array, P: Array, Q: Array, core: int, now: int) -> int:
    """Start the next update, or run of quiet ones; nonzero: wait for the memory till then.

    Neurons whose group sleeps take no cycles and are passed over.
    """
    own = core_record(D, core)
    last = P[own + LAST_NEURON]
    k = P[own + POSITION]
    while k < last and P[D[CYCLES] + k] == 0:
        k += 1
    P[own + POSITION] = k
    if k == last:
        return 0
    if D[SHARED_PORT] and now < Q[(own >> 1) + MEMORY_FREE]:
        return Q[(own >> 1) + MEMORY_FREE]
    cycles = P[D[CYCLES] + k]
    if not D[SHARED_PORT]:
        while P[D[SPIKES] + k] == 0 and k + 1 < last:
            k += 1
            cycles += P[D[CYCLES] + k]
    else:
        Q[(own >> 1) + MEMORY_FREE] = now + cycles
    count = P[D[SPIKES] + k]
    if count:
        cycles += D[SPIKE_CYCLES]
        P[own + SEND_NEURON] = k
        P[own + SEND_NEXT] = P[D[T_POINTER] + k]
        P[own + SEND_LAST] = P[D[T_POINTER] + k + 1]
        P[own + SEND_TIMES] = count if P[D[T_POINTER] + k + 1] > P[D[T_POINTER] + k] else 0
    P[own + POSITION] = k + 1
    Q[(own >> 1) + LOOP_UNTIL] = now + cycles
    Q[(own >> 1) + LOOP_BUSY] += cycles
    return 0


@inlined
def send_one(C: Array, D: Array, P: Array, Q: Array, K: Array, Log: Array, core: int, now: int) -> bool:
    """Push the next target entry's packet; False if the transmit FIFO is full."""
    own = core_record(D, core)
    length = P[own + TX_LENGTH]
    if length + C[FLITS] > D[TX_FLITS]:
        if Q[(own >> 1) + STALLED_SINCE] < 0:
            Q[(own >> 1) + STALLED_SINCE] = now
        return False
    if Q[(own >> 1) + STALLED_SINCE] >= 0:
        Q[(own >> 1) + STALL] += now - Q[(own >> 1) + STALLED_SINCE]
        if D[TRACE] & 2:
            log_core(D, P, Q, core, int64(LOG_STALL), Q[(own >> 1) + STALLED_SINCE], int64(-1), now)
        Q[(own >> 1) + STALLED_SINCE] = -1
    entry = P[own + SEND_NEXT]
    packet = new_packet(
        D, P, Q, K, Log, P[D[ADDRESS] + P[D[T_CORE] + entry] + 1], P[D[T_AXON] + entry],
        P[own + CORE_STEP], P[own + CORE], P[D[T_CORE] + entry], now,
        Q[(own >> 1) + EVENTS + _SENT],
    )  # fmt: skip
    Q[D[RUN] + SENT] += 1
    Q[D[RUN] + OPEN] += 1
    for index in range(C[FLITS]):
        place = (P[own + TX_FIRST] + length + index) & (D[TX_RING] - 1)
        P[D[TX] + core * D[TX_RING] + place] = packet * 16 + index
    P[own + TX_LENGTH] = length + C[FLITS]
    Q[(own >> 1) + EVENTS + _SENT] += 1
    entry += 1
    if entry == P[own + SEND_LAST]:
        P[own + SEND_TIMES] -= 1
        entry = P[D[T_POINTER] + P[own + SEND_NEURON]]
    P[own + SEND_NEXT] = entry
    Q[(own >> 1) + LOOP_UNTIL] = now + D[TARGET_CYCLES]
    Q[(own >> 1) + LOOP_BUSY] += D[TARGET_CYCLES]
    return True


@inlined
def advance_loop(
    C: Array, D: Array, P: Array, Q: Array, K: Array, Log: Array, SpikeLog: Array, core: int, now: int
) -> int:
    """Let the neuron loop do what it can in this cycle; returns when it can go on."""
    own = core_record(D, core)
    if P[own + LOOPING] == 0:
        if P[own + START_COUNT] == 0:
            return 0
        begin_step(D, P, Q, SpikeLog, core, now)
    last = P[own + LAST_NEURON]
    while now >= Q[(own >> 1) + LOOP_UNTIL]:
        if P[own + SEND_TIMES]:
            if not send_one(C, D, P, Q, K, Log, core, now):
                return 0 if P[own + TX_CREDITS] == 0 else now + 1
        elif P[own + POSITION] < last:
            wait = update_next(D, P, Q, core, now)
            if wait:
                return wait
        else:
            P[own + LOOPING] = 0
            Q[D[RUN] + OPEN] -= 1
            if D[TRACE] & 2:
                log_core(D, P, Q, core, int64(LOG_LOOP), Q[(own >> 1) + LOOP_SINCE], int64(-1), now)
            more = P[own + START_COUNT]
            for vc in range(C[VCS]):
                more += P[own + RX_WHOLE + vc]
            return now + 1 if more else 0
    return Q[(own >> 1) + LOOP_UNTIL]


@inlined
def transmit(C: Array, A: Array, B: Array, D: Array, P: Array, Q: Array, core: int, now: int) -> int:
    """Send one flit if there is a credit; returns when to look again."""
    own = core_record(D, core)
    if P[own + TX_LENGTH] and P[own + TX_CREDITS]:
        first = P[own + TX_FIRST]
        flit = int64(P[D[TX] + core * D[TX_RING] + first])
        post_flit(C, A, B, now + D[INJECTION], int64(P[own + CHANNEL]), flit)
        P[own + TX_FIRST] = (first + 1) & (D[TX_RING] - 1)
        P[own + TX_LENGTH] -= 1
        P[own + TX_CREDITS] -= 1
    return now + 1 if P[own + TX_LENGTH] and P[own + TX_CREDITS] else 0


@inlined
def step_core(
    C: Array, A: Array, B: Array, D: Array, P: Array, Q: Array, K: Array, Wt: Array, Log: Array,
    SpikeLog: Array, core: int, now: int,
) -> int:  # fmt: skip
    """One core's STEP; returns the cycle in which it wants to be looked at again, 0 if none."""
    own = core_record(D, core)
    finish_packet(D, P, Q, Wt, core, now)
    start = start_packet(C, A, B, D, P, Q, Wt, core, now)
    loop = advance_loop(C, D, P, Q, K, Log, SpikeLog, core, now)
    send = transmit(C, A, B, D, P, Q, core, now)
    soonest = 0
    if P[own + PACKET] >= 0:
        soonest = Q[(own >> 1) + PIPELINE_UNTIL]
    for look in (start, loop, send):
        if look > now and (soonest == 0 or look < soonest):
            soonest = look
    return soonest
