"""Raw traffic, compiled: sources, sinks and the loop over cycles.

``S`` (int64) is the state of the sources, field after field; node = core number.  Packets are numbered by
(cycle, input order); ``order`` sorts them by source.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.channel_kernel import after_check, arrive_credit, arrive_flit
from neurosim.engines.compiled.fabric_state import COORDINATE_BITS
from neurosim.engines.compiled.jit import entry, inlined, inner
from neurosim.engines.compiled.layout import FABRIC, INDEX
from neurosim.engines.compiled.router_kernel import step_routers
from neurosim.engines.compiled.wires_kernel import (
    channel_record,
    expect_credit,
    expect_flit,
    next_message,
    post_credit,
    post_flit,
)

Array = Any
DONE, STALLED, CHECK, LIMIT = 0, 1, 2, 3
_MASK = (1 << COORDINATE_BITS) - 1
# rows of S: next position in ``order`` to send, position after the last due, next flit of that packet,
# credits, list of busy nodes, whether a node is in it
FIRST, DUE, NEXT_FLIT, CREDITS, BUSY, IS_BUSY = range(6)
# entries of ``progress``
NOW, NEXT_DUE, ARRIVED, LAST_ARRIVAL, UPCOMING, N_BUSY = range(6)

VSHIFT = FABRIC.place("VSHIFT")
WHEEL = FABRIC.place("WHEEL")
SLOT_SHIFT = FABRIC.place("SLOT_SHIFT")
N_CHANNELS = FABRIC.place("N_CHANNELS")
N_PORTS = FABRIC.place("N_PORTS")
FLITS = FABRIC.place("FLITS")
FLIT = FABRIC.place("FLIT")
N_FLITS = FABRIC.place("N_FLITS")
CREDIT = FABRIC.place("CREDIT")
N_CREDITS = FABRIC.place("N_CREDITS")
WIDTH = FABRIC.place("WIDTH")
BACK_LATENCY = FABRIC.word("BACK_LATENCY")
N_ACTIVE = FABRIC.place("N_ACTIVE")
IN_WHEEL = FABRIC.place("IN_WHEEL")
DROPPED = FABRIC.place("DROPPED")


@inlined
def _wake(S: Array, progress: Array, N: int, node: int) -> None:
    if S[IS_BUSY * N + node] == 0:
        S[IS_BUSY * N + node] = 1
        S[BUSY * N + progress[N_BUSY]] = node
        progress[N_BUSY] += 1


@inlined
def _sink(
    C: Array, A: Array, B: Array, K: Array, arrive: Array, progress: Array, to: int, flit: int, now: int
) -> None:
    packet = flit >> 4
    x, y = K[packet] & _MASK, K[packet] >> COORDINATE_BITS & _MASK
    link = (y * C[WIDTH] + x) * 8 + (K[packet] >> 2 * COORDINATE_BITS)
    channel = (link << C[VSHIFT]) + ((to - C[N_CHANNELS]) & ((1 << C[VSHIFT]) - 1))
    post_credit(C, A, B, now + A[channel_record(C, channel) + BACK_LATENCY], channel)
    if (flit & 15) == C[FLITS] - 1:
        arrive[packet] = now
        progress[ARRIVED] += 1


@inlined
def arrivals(
    C: Array, A: Array, B: Array, K: Array, S: Array, arrive: Array, progress: Array, N: int, now: int
) -> None:
    """ARRIVE of cycle ``now``: flits and credits reach routers, sinks and sources."""
    slot = now & (C[WHEEL] - 1)
    base = slot << C[SLOT_SHIFT]
    n = A[C[N_FLITS] + slot]
    for k in range(n):
        expect_flit(C, A, base, k, n)
        place = (C[FLIT] + 2 * (base + k)) & INDEX
        to, flit = int64(A[place]), int64(A[place + 1])
        if to < C[N_CHANNELS]:
            arrive_flit(C, A, B, K, to, flit, now)
        else:
            _sink(C, A, B, K, arrive, progress, to, flit, now)
    A[C[N_FLITS] + slot] = 0
    m = A[C[N_CREDITS] + slot]
    for k in range(m):
        expect_credit(C, A, base, k, m)
        to = int64(A[(C[CREDIT] + base + k) & INDEX])
        if to < C[N_CHANNELS]:
            arrive_credit(C, A, B, to)
        else:
            node = (to - C[N_CHANNELS]) >> C[VSHIFT]
            S[CREDITS * N + node] += 1
            if S[FIRST * N + node] < S[DUE * N + node]:
                _wake(S, progress, N, node)
    A[C[N_CREDITS] + slot] = 0
    B[C[IN_WHEEL]] -= n + m
    if n + m:
        progress[LAST_ARRIVAL] = now


@inner
def make_due(S: Array, source: Array, cycle: Array, progress: Array, N: int, now: int) -> None:
    """Packets whose cycle has come join their source's queue."""
    p = progress[NEXT_DUE]
    while p < len(cycle) and cycle[p] <= now:
        node = source[p]
        S[DUE * N + node] += 1
        if S[CREDITS * N + node] > 0:
            _wake(S, progress, N, node)
        p += 1
    progress[NEXT_DUE] = p


@inner
def send(
    C: Array, A: Array, B: Array, S: Array, order: Array, progress: Array, injection: int, N: int, now: int
) -> None:
    """Every source that has a flit and a credit sends one flit."""
    keep = 0
    per_tile = C[N_PORTS] - 4
    for k in range(progress[N_BUSY]):
        node = S[BUSY * N + k]
        packet, index = order[S[FIRST * N + node]], S[NEXT_FLIT * N + node]
        router = node // per_tile
        channel = (router * 8 + 4 + node - router * per_tile) << C[VSHIFT]
        post_flit(C, A, B, now + injection, channel, packet * 16 + index)
        S[CREDITS * N + node] -= 1
        if index == C[FLITS] - 1:
            S[NEXT_FLIT * N + node] = 0
            S[FIRST * N + node] += 1
        else:
            S[NEXT_FLIT * N + node] = index + 1
        if S[CREDITS * N + node] > 0 and S[FIRST * N + node] < S[DUE * N + node]:
            S[BUSY * N + keep] = node
            keep += 1
        else:
            S[IS_BUSY * N + node] = 0
    progress[N_BUSY] = keep


@entry
def run(
    C: Array, A: Array, B: Array, K: Array, S: Array, source: Array, cycle: Array, order: Array,
    arrive: Array, progress: Array, by_port: Array, chosen: Array, winners: Array,
    injection: int, until: int, max_cycles: int, every: int,
) -> int:  # fmt: skip
    """Run cycles up to ``until`` (a check) or ``max_cycles``; returns DONE, STALLED, CHECK or LIMIT.

    Checks that can find nothing are passed over up to the next multiple of ``every`` (0: none is).

    ``by_port``, ``chosen`` and ``winners`` are scratch of 8 entries each.
    """
    n_packets = len(cycle)
    N = len(S) // 6
    now = progress[NOW]
    while progress[ARRIVED] + B[C[DROPPED]] < n_packets:
        if B[C[N_ACTIVE]] or progress[N_BUSY]:
            upcoming = now + 1
        else:
            upcoming = next_message(C, A, B, now)
            p = progress[NEXT_DUE]
            if p < n_packets and (upcoming < 0 or cycle[p] < upcoming):
                upcoming = cycle[p]
        if upcoming < 0:
            return STALLED
        progress[UPCOMING] = upcoming
        if upcoming > until:
            until = after_check(C, B, every, until, upcoming)
        if upcoming > until:
            return CHECK
        if upcoming > max_cycles:
            return LIMIT
        now = upcoming
        progress[NOW] = now
        arrivals(C, A, B, K, S, arrive, progress, N, now)
        make_due(S, source, cycle, progress, N, now)
        send(C, A, B, S, order, progress, injection, N, now)
        step_routers(C, A, B, K, now, by_port, chosen, winners)
    return DONE
