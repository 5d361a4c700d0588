"""A core's receive FIFO and synapse pipeline, compiled: from a flit's arrival to sums in the accumulators."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.core_places import (
    ACC_HIGH,
    ACC_LOW,
    ACCUMULATOR_OVER,
    ACCUMULATOR_WRAPS,
    AXON_KIND,
    B_AXON,
    B_DELAY,
    B_FIRST,
    B_FORMAT,
    B_GEOMETRY,
    B_N,
    B_POINTER,
    B_SOURCE,
    B_WEIGHT,
    BANK,
    CORE_STEP,
    DECODED,
    EVENTS,
    FIRST_AXON,
    GEOMETRY,
    IS_FAR,
    K_BLOCK,
    K_CYCLES,
    K_OPERATIONS,
    K_WORDS,
    LATE,
    LINK,
    LOG_PACKET,
    LOOPING,
    MAX_DELAY,
    MEMORY_FREE,
    N_BANKS,
    N_NEURONS,
    OPERATION,
    PACKET,
    PIPELINE_BUSY,
    PIPELINE_UNTIL,
    PK_AXON,
    PK_STEP,
    POINTER,
    RECEIVE_DURING_UPDATE,
    RX,
    RX_FIRST,
    RX_LENGTH,
    RX_POINTER,
    RX_RING,
    RX_WHOLE,
    SHARED_PORT,
    SOURCE,
    SPARSE_STRIDE,
    TARGET,
    TRACE,
    WORD_READ,
)
from neurosim.engines.compiled.fabric_places import BACK_LATENCY, FLITS, VCS, VSHIFT
from neurosim.engines.compiled.jit import RULES, inlined, inner, prefetch
from neurosim.engines.compiled.packet_kernel import packet_arrived
from neurosim.engines.compiled.record_kernel import core_record, free_packet, log_core, packet_record, wake
from neurosim.engines.compiled.wires_kernel import channel_record, post_credit
from neurosim.rules import synapse

Array = Any
_pick = RULES.pick
_advance = RULES.advance
_is_on_time = RULES.is_on_time
_slot = RULES.accumulator_slot
_fit = RULES.fit
_is_outside = RULES.is_outside
_conv_first = RULES.conv_first
_conv_last = RULES.conv_last
_conv_tap = RULES.conv_tap
_DENSE = synapse.FORMAT_DENSE
_SPARSE = synapse.FORMAT_SPARSE


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
    Q[counts + DECODED] += 1
    Q[counts + WORD_READ] += P[D[K_WORDS] + kind]
    Q[counts + OPERATION] += P[D[K_OPERATIONS] + kind]
    if D[IS_FAR]:
        expect_row(D, P, Wt, P[own + FIRST_AXON] + P[packet_record(D, packet) + PK_AXON], kind)
    Q[(own >> 1) + PIPELINE_BUSY] += cycles
    Q[(own >> 1) + PIPELINE_UNTIL] = now + cycles
    if D[SHARED_PORT]:
        Q[(own >> 1) + MEMORY_FREE] = now + cycles
    return now + cycles
