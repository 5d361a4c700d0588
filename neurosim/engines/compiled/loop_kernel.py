"""A core's neuron loop, compiled: the arithmetic of a whole step, then its walk through time."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.core_places import (
    BANK,
    BIAS,
    CORE,
    CORE_STEP,
    CURRENT_KEEP,
    CYCLES,
    EVENTS,
    FIRST_GROUP,
    FIRST_NEURON,
    G_ACTIVE,
    G_FIRST,
    G_IDLE,
    G_INPUT_STEPS,
    G_MODEL,
    G_N,
    G_RAMP,
    G_RESET,
    G_SHIFT,
    G_SILENT_STEPS,
    G_START,
    I_HIGH,
    I_LOW,
    KEEP,
    LAST_GROUP,
    LAST_NEURON,
    LOG_LOOP,
    LOG_STALL,
    LOOP_BUSY,
    LOOP_SINCE,
    LOOP_UNTIL,
    LOOPING,
    MEMBRANE_OVER,
    MEMBRANE_WRAPS,
    MEMORY_FREE,
    N_BANKS,
    N_NEURONS,
    N_SPIKES,
    OPEN,
    PACKET_SENT,
    POSITION,
    RAMP,
    RAMP_FLOOR,
    RESET_AMOUNT,
    RUN,
    RX_WHOLE,
    SAMPLE_STEPS,
    SEND_LAST,
    SEND_NEURON,
    SEND_NEXT,
    SEND_TIMES,
    SENT,
    SHARED_PORT,
    SPIKE,
    SPIKE_CYCLES,
    SPIKES,
    STALL,
    STALLED_SINCE,
    START_COUNT,
    START_NEXT,
    T_AXON,
    T_CORE,
    T_POINTER,
    TARGET_CYCLES,
    THRESHOLD,
    TRACE,
    TX,
    TX_CREDITS,
    TX_FIRST,
    TX_FLITS,
    TX_LENGTH,
    TX_RING,
    UPDATE_ACTIVE,
    UPDATE_IDLE,
    V_FLOOR,
    V_HIGH,
    V_LOW,
    I,
    V,
)
from neurosim.engines.compiled.fabric_places import FLITS, VCS
from neurosim.engines.compiled.jit import RULES, inlined, inner
from neurosim.engines.compiled.packet_kernel import address_of, new_packet, packets_to
from neurosim.engines.compiled.record_kernel import core_record, log_core
from neurosim.rules import neuron

Array = Any
_update = RULES.update
_update_first_spike = RULES.update_first_spike
_is_active = RULES.is_active
_is_awake = RULES.is_awake
_slot = RULES.accumulator_slot
_TTFS = neuron.MODEL_TTFS


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
            Q[counts + (UPDATE_ACTIVE if active else UPDATE_IDLE)] += 1
            if spikes:
                Q[counts + SPIKE] += spikes
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
    target = P[D[T_CORE] + entry]
    packet = new_packet(
        C, D, P, Q, K, Log, address_of(C, D, P, target), P[D[T_AXON] + entry], P[own + CORE_STEP],
        P[own + CORE], target, now, Q[(own >> 1) + EVENTS + PACKET_SENT],
    )  # fmt: skip
    n_packets = packets_to(C, D, P, target)
    Q[D[RUN] + SENT] += n_packets
    Q[D[RUN] + OPEN] += n_packets
    for index in range(C[FLITS]):
        place = (P[own + TX_FIRST] + length + index) & (D[TX_RING] - 1)
        P[D[TX] + core * D[TX_RING] + place] = packet * 16 + index
    P[own + TX_LENGTH] = length + C[FLITS]
    Q[(own >> 1) + EVENTS + PACKET_SENT] += 1
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
