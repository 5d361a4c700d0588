"""A whole sample, compiled: messages, alarms, time steps and the loop over cycles."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.artefacts.mapping import HOST
from neurosim.engines.compiled import layout
from neurosim.engines.compiled.alarm_kernel import (
    CORE_BITS,
    compact_alarms,
    next_alarm,
    next_near_alarm,
    pop_alarm,
    push_alarm,
    ring,
)
from neurosim.engines.compiled.channel_kernel import after_check, arrive_credit, arrive_flit
from neurosim.engines.compiled.core_kernel import step_core
from neurosim.engines.compiled.core_places import (
    ALARM,
    BARRIERS,
    CORE,
    HOST_CREDITS,
    HOST_DUE,
    HOST_FLITS,
    HOST_FREE,
    HOST_INDEX,
    HOST_NEXT,
    HOST_PACKET,
    HOST_RECEIVED,
    IS_WOKEN,
    LAST_ARRIVAL,
    LOG_DROPPED,
    LOOPING,
    N_CORE_LOG,
    N_CORES,
    N_HEAP,
    N_HOST,
    N_LOG,
    N_MISSED,
    N_NEURONS,
    N_OVER,
    N_PACKET_LOG,
    N_SPIKES,
    N_WOKEN,
    NEXT_START,
    NOW,
    OPEN,
    PACKET,
    PK_TARGET,
    QUIET_AT,
    RUN,
    RX_WHOLE,
    SENT,
    START_COUNT,
    STEP,
    TRACE,
    TX_CREDITS,
    TX_LENGTH,
    UPCOMING,
    WOKEN,
)
from neurosim.engines.compiled.fabric_places import FLITS, VCS, VSHIFT
from neurosim.engines.compiled.jit import entry, inlined, inner
from neurosim.engines.compiled.packet_kernel import land, new_packet, packet_arrived
from neurosim.engines.compiled.pipeline_kernel import core_receives
from neurosim.engines.compiled.record_kernel import (
    core_record,
    expect_core,
    free_packet,
    log_packet,
    packet_record,
    wake,
)
from neurosim.engines.compiled.router_kernel import step_routers
from neurosim.engines.compiled.wires_kernel import (
    expect_credit,
    expect_flit,
    has_trees,
    next_message,
    post_credit,
    post_flit,
)

Array = Any
_at = layout.CORES.place
INDEX = layout.INDEX
_fabric = layout.FABRIC.place
WHEEL, SLOT_SHIFT, N_CHANNELS = _fabric("WHEEL"), _fabric("SLOT_SHIFT"), _fabric("N_CHANNELS")
FLIT, N_FLITS = _fabric("FLIT"), _fabric("N_FLITS")
CREDIT, N_CREDITS, N_ACTIVE = _fabric("CREDIT"), _fabric("N_CREDITS"), _fabric("N_ACTIVE")
IN_WHEEL, LOST, N_LOST = _fabric("IN_WHEEL"), _fabric("LOST"), _fabric("N_LOST")
N_FLIT_LOG, FLIT_LIMIT = _fabric("N_FLIT_LOG"), _fabric("FLIT_LIMIT")
PACKET_LIMIT, CORE_LIMIT = _at("PACKET_LIMIT"), _at("CORE_LIMIT")
HEAP, STEP_START, STEP_END = _at("HEAP"), _at("STEP_START"), _at("STEP_END")
N_STEPS, IS_TICK, PERIOD, BARRIER = _at("N_STEPS"), _at("IS_TICK"), _at("PERIOD"), _at("BARRIER")
HOST_LATENCY, HOST_INTERVAL = _at("HOST_LATENCY"), _at("HOST_INTERVAL")
HOST_CHANNEL, HOST_LINK = _at("HOST_CHANNEL"), _at("HOST_LINK")
HOST_CREDIT_LATENCY = _at("HOST_CREDIT_LATENCY")
H_POINTER, H_ADDRESS, H_AXON = _at("H_POINTER"), _at("H_ADDRESS"), _at("H_AXON")
H_CORE, H_STEP, H_COUNT = _at("H_CORE"), _at("H_STEP"), _at("H_COUNT")
LOG_RESERVE = _at("LOG_RESERVE")

DONE, STALLED, CHECK, LIMIT, GROW, PAUSE = 0, 1, 2, 3, 4, 5


@inlined
def arrivals(
    C: Array, A: Array, B: Array, K: Array, D: Array, P: Array, Q: Array, Log: Array, Hist: Array,
    Over: Array, now: int,
) -> None:  # fmt: skip
    """ARRIVE: the cycle's flits and credits."""
    slot = now & (C[WHEEL] - 1)
    base = slot << C[SLOT_SHIFT]
    vs = C[VSHIFT]
    n = A[C[N_FLITS] + slot]
    for k in range(n):
        expect_flit(C, A, base, k, n)
        place = (C[FLIT] + 2 * (base + k)) & INDEX
        to, flit = int64(A[place]), int64(A[place + 1])
        if to < C[N_CHANNELS]:
            arrive_flit(C, A, B, K, to, flit, now)
            continue
        endpoint = (to - C[N_CHANNELS]) >> vs
        vc = (to - C[N_CHANNELS]) & ((1 << vs) - 1)
        if has_trees(C) and P[packet_record(D, flit >> 4) + PK_TARGET] < HOST:
            flit = land(D, P, Q, flit >> 4, P[core_record(D, endpoint) + CORE]) << 4
        if endpoint < D[N_CORES]:
            core_receives(C, D, P, Q, Log, Hist, Over, endpoint, vc, flit, now)
        else:
            Q[D[RUN] + HOST_RECEIVED] += 1
            post_credit(C, A, B, now + D[HOST_CREDIT_LATENCY], (D[HOST_LINK] << vs) + vc)
            if (flit & 15) == C[FLITS] - 1:
                packet_arrived(D, P, Q, Log, Hist, Over, flit >> 4, now)
                free_packet(D, P, Q, flit >> 4)
    A[C[N_FLITS] + slot] = 0
    m = A[C[N_CREDITS] + slot]
    for k in range(m):
        expect_credit(C, A, base, k, m)
        to = int64(A[(C[CREDIT] + base + k) & INDEX])
        if to < C[N_CHANNELS]:
            arrive_credit(C, A, B, to)
            continue
        endpoint = (to - C[N_CHANNELS]) >> vs
        if endpoint < D[N_CORES]:
            own = core_record(D, endpoint)
            P[own + TX_CREDITS] += 1
            if P[own + TX_LENGTH]:
                wake(D, P, Q, endpoint)
        else:
            Q[D[RUN] + HOST_CREDITS] += 1
            if Q[D[RUN] + HOST_NEXT] < Q[D[RUN] + HOST_DUE]:
                wake(D, P, Q, endpoint)
    A[C[N_CREDITS] + slot] = 0
    B[C[IN_WHEEL]] -= n + m
    if n + m:
        Q[D[RUN] + LAST_ARRIVAL] = now


@inlined
def step_host(
    C: Array, A: Array, B: Array, K: Array, D: Array, P: Array, Q: Array, Log: Array, now: int
) -> int:
    """The host's STEP: one flit per interval and credit; returns when to look again."""
    run = D[RUN]
    index = Q[run + HOST_INDEX]  # next flit of the packet under way
    if Q[run + HOST_NEXT] < Q[run + HOST_DUE] and Q[run + HOST_CREDITS] and now >= Q[run + HOST_FREE]:
        entry = Q[run + HOST_NEXT]
        if index == 0:
            Q[run + HOST_PACKET] = new_packet(
                C, D, P, Q, K, Log, P[D[H_ADDRESS] + entry], P[D[H_AXON] + entry], P[D[H_STEP] + entry],
                P[core_record(D, D[N_CORES]) + CORE], P[D[H_CORE] + entry], now, Q[run + N_HOST],
            )  # fmt: skip
            Q[run + N_HOST] += 1
        post_flit(C, A, B, now + D[HOST_LATENCY], D[HOST_CHANNEL], Q[run + HOST_PACKET] * 16 + index)
        index += 1
        if index == C[FLITS]:
            index = 0
            Q[run + HOST_NEXT] += 1
        Q[run + HOST_INDEX] = index
        Q[run + HOST_CREDITS] -= 1
        Q[run + HOST_FLITS] += 1
        Q[run + HOST_FREE] = now + D[HOST_INTERVAL]
    if Q[run + HOST_NEXT] < Q[run + HOST_DUE] and Q[run + HOST_CREDITS]:
        return max(Q[run + HOST_FREE], now + 1)
    return 0


@inner
def launch(D: Array, Q: Array, step: int, at: int) -> None:
    """Announce ``step`` for cycle ``at``: from now on its loops and the host's list are open work."""
    Q[D[RUN] + OPEN] += D[N_CORES] + 1
    Q[D[RUN] + STEP] = step
    Q[D[RUN] + NEXT_START] = at
    Q[D[RUN] + QUIET_AT] = -1
    Q[D[STEP_START] + step] = at


@inlined
def start_step(D: Array, P: Array, Q: Array, now: int) -> None:
    """ARRIVE: the step token reaches every core and the host."""
    run = D[RUN]
    Q[run + NEXT_START] = -1
    Q[run + LAST_ARRIVAL] = now
    for core in range(D[N_CORES]):
        P[core_record(D, core) + START_COUNT] += 1
        wake(D, P, Q, core)
    due = P[D[H_POINTER] + Q[run + STEP] + 1]
    n_packets = P[D[H_COUNT] + Q[run + STEP]]
    Q[run + SENT] += n_packets
    Q[run + OPEN] += n_packets - 1
    if due > Q[run + HOST_DUE]:
        Q[run + HOST_DUE] = due
        wake(D, P, Q, D[N_CORES])


@inner
def is_busy(C: Array, D: Array, P: Array, core: int) -> bool:
    """Whether a core has work of the current step left."""
    own = core_record(D, core)
    if P[own + LOOPING] or P[own + START_COUNT] or P[own + PACKET] >= 0:
        return True
    for vc in range(C[VCS]):
        if P[own + RX_WHOLE + vc]:
            return True
    return P[own + TX_LENGTH] > 0


@inner
def note_missed(C: Array, D: Array, P: Array, Q: Array, Missed: Array, step: int) -> None:
    """List everybody who has work left before the next tick."""
    n = Q[D[RUN] + N_MISSED]
    for core in range(D[N_CORES]):
        if is_busy(C, D, P, core):
            Missed[n, 0], Missed[n, 1] = step, P[core_record(D, core) + CORE]
            n += 1
    if Q[D[RUN] + HOST_NEXT] < Q[D[RUN] + HOST_DUE]:
        Missed[n, 0], Missed[n, 1] = step, -1
        n += 1
    Q[D[RUN] + N_MISSED] = n


@inlined
def upcoming_cycle(C: Array, A: Array, B: Array, D: Array, Q: Array, now: int) -> int:
    """The next cycle with work, or -1."""
    if B[C[N_ACTIVE]] or Q[D[RUN] + N_WOKEN]:
        return now + 1
    soonest = next_message(C, A, B, now)
    near = next_near_alarm(D, Q, now)
    if near > 0 and (soonest < 0 or near < soonest):
        soonest = near
    alarm = next_alarm(D, Q)
    if alarm > 0 and (soonest < 0 or alarm < soonest):
        soonest = alarm
    start = Q[D[RUN] + NEXT_START]
    if start > 0 and (soonest < 0 or start < soonest):
        soonest = start
    return soonest


@inner
def turn_step(
    C: Array, D: Array, P: Array, Q: Array, Missed: Array, upcoming: int, now: int
) -> int:
    """Between two cycles: end a step and launch the next; returns 1 if something changed, 2 if done."""
    run = D[RUN]
    step = Q[run + STEP]
    if not D[IS_TICK]:
        if step >= 0 and Q[run + QUIET_AT] < 0:
            return 0
        if step >= 0:
            Q[D[STEP_END] + step] = Q[run + QUIET_AT]
            Q[run + BARRIERS] += 1
        if step + 1 == D[N_STEPS]:
            return 2
        launch(D, Q, step + 1, 1 if step < 0 else now + D[BARRIER])
        return 1
    if step + 1 == D[N_STEPS]:
        if Q[run + QUIET_AT] < 0:
            return 0
        Q[D[STEP_END] + step] = Q[run + QUIET_AT]
        return 2
    tick = 1 + (step + 1) * D[PERIOD]
    if step >= 0 and 0 <= upcoming < tick:
        return 0
    if step >= 0:
        note_missed(C, D, P, Q, Missed, step)
        Q[D[STEP_END] + step] = tick if Q[run + QUIET_AT] < 0 else Q[run + QUIET_AT]
    launch(D, Q, step + 1, tick)
    return 1


@entry
def run(
    C: Array, A: Array, B: Array, K: Array, D: Array, P: Array, Q: Array, Wt: Array, Log: Array,
    SpikeLog: Array, Hist: Array, Over: Array, Missed: Array, by_port: Array, chosen: Array,
    winners: Array, until: int, max_step_cycles: int, pause_step: int, budget: int, every: int,
) -> int:  # fmt: skip
    """Run a sample up to cycle ``until``; returns DONE, STALLED, CHECK, LIMIT, GROW or PAUSE.

    GROW asks for more room in Log, SpikeLog, Over or Missed, or for the trace's logs to be emptied; call
    again after that.  PAUSE comes when step ``pause_step`` is announced and after ``budget`` visits of a
    router or core, so that no call is long; the next call goes on as if there had been none.  Checks that
    can find nothing are passed over up to the next multiple of ``every`` (0: none is).
    """
    r = D[RUN]
    n_endpoints = D[N_CORES] + 1
    heap_size = D[STEP_START] - D[HEAP]
    work = 0
    while True:
        now = Q[r + NOW]
        upcoming = upcoming_cycle(C, A, B, D, Q, now)
        step = Q[r + STEP]
        if step >= 0 and Q[r + OPEN] == 0 and Q[r + QUIET_AT] < 0:
            Q[r + QUIET_AT] = now
        if D[IS_TICK] and 0 <= step < D[N_STEPS] - 1:
            due = (step + 1) * D[PERIOD]  # the cycle before the next tick
            if upcoming < 0 or upcoming > due:
                Q[r + UPCOMING] = due
                if due > until:
                    until = after_check(C, B, every, until, due)
                if due > until:
                    return CHECK
                if Q[r + QUIET_AT] < 0 and due - Q[D[STEP_START] + step] > max_step_cycles:
                    return LIMIT
        turned = turn_step(C, D, P, Q, Missed, upcoming, now)
        if turned == 2:
            return DONE
        if turned == 1:
            if Q[r + STEP] == pause_step:
                return PAUSE
            upcoming = upcoming_cycle(C, A, B, D, Q, now)
        if upcoming < 0:
            return STALLED
        Q[r + UPCOMING] = upcoming
        if upcoming > until:
            until = after_check(C, B, every, until, upcoming)
        if upcoming > until:
            return CHECK
        if work > budget:
            return PAUSE
        age = upcoming - Q[D[STEP_START] + Q[r + STEP]]
        if Q[r + QUIET_AT] < 0 and age > max_step_cycles:
            return LIMIT
        if (
            Q[r + N_LOG] + D[LOG_RESERVE] > len(Log)
            or Q[r + N_SPIKES] + D[N_NEURONS] > len(SpikeLog)
            or Q[r + N_OVER] + n_endpoints > len(Over)
            or Q[r + N_MISSED] + 3 * n_endpoints > len(Missed)
            or Q[r + N_PACKET_LOG] > D[PACKET_LIMIT]
            or Q[r + N_CORE_LOG] > D[CORE_LIMIT]
            or B[C[N_FLIT_LOG]] > C[FLIT_LIMIT]
        ):
            return GROW
        if Q[r + N_HEAP] + n_endpoints > heap_size:
            compact_alarms(D, Q, now)
        now = upcoming
        Q[r + NOW] = now
        arrivals(C, A, B, K, D, P, Q, Log, Hist, Over, now)
        if Q[r + NEXT_START] == now:
            start_step(D, P, Q, now)
        ring(D, P, Q, now)
        while Q[r + N_HEAP] and Q[D[HEAP]] >> CORE_BITS <= now:
            alarm = pop_alarm(D, Q)
            core = alarm & ((1 << CORE_BITS) - 1)
            if Q[(core_record(D, core) >> 1) + ALARM] == alarm >> CORE_BITS:
                wake(D, P, Q, core)
        work += 1 + Q[r + N_WOKEN] + B[C[N_ACTIVE]]
        keep = 0  # those to look at in the next cycle already stay on the list
        for k in range(Q[r + N_WOKEN]):
            core = int64(P[D[WOKEN] + k])
            expect_core(D, P, k, Q[r + N_WOKEN])
            if core < D[N_CORES]:
                look = step_core(C, A, B, D, P, Q, K, Wt, Log, SpikeLog, core, now)
            else:
                look = step_host(C, A, B, K, D, P, Q, Log, now)
            if look == now + 1:
                P[D[WOKEN] + keep] = core
                keep += 1
                continue
            P[core_record(D, core) + IS_WOKEN] = 0
            if look:
                push_alarm(D, Q, core, look, now)
        Q[r + N_WOKEN] = keep
        step_routers(C, A, B, K, now, by_port, chosen, winners)
        for k in range(B[C[N_LOST]]):
            if D[TRACE]:
                log_packet(D, P, Q, A[C[LOST] + k], now, LOG_DROPPED)
            free_packet(D, P, Q, A[C[LOST] + k])
