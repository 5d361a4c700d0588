"""Records of cores and packets, compiled: where they lie, who is looked at, what is freed.

In all kernels of the cores ``D`` is the tuple of layout CORES, ``P`` its int32 and ``Q`` its int64 fields,
``Wt`` the synapse weights; ``C``, ``A``, ``B`` and ``K`` are the network's.  A core is its index among the
used cores; the host is index ``N_CORES``.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.core_places import (
    CORE,
    CORE_AT,
    CORE_LOG,
    CORE_SHIFT,
    CORE_STEP,
    IS_FAR,
    IS_WOKEN,
    N_CORE_LOG,
    N_FREE,
    N_PACKET_LOG,
    N_WOKEN,
    OPEN,
    PACKET_AT,
    PACKET_LOG,
    PACKET_SHIFT,
    PK_AXON,
    PK_ENDED,
    PK_FREE,
    PK_INJECT,
    PK_NUMBER,
    PK_SOURCE,
    PK_STEP,
    PK_TARGET,
    RUN,
    TRACE_SLOTS,
    WOKEN,
)
from neurosim.engines.compiled.jit import inlined, inner, prefetch
from neurosim.engines.compiled.layout import INDEX

Array = Any


@inlined
def core_record(D: Array, core: int) -> int:
    """Where a core's record starts in ``P``; half of it is the place in ``Q``."""
    return (D[CORE_AT] + (core << D[CORE_SHIFT])) & INDEX


@inlined
def packet_record(D: Array, packet: int) -> int:
    """Where a packet's record starts in ``P``; half of it is the place in ``Q``."""
    return (D[PACKET_AT] + (packet << D[PACKET_SHIFT])) & INDEX


@inlined
def free_place(D: Array, P: Array, Q: Array) -> int:
    """Where no packet is."""
    Q[D[RUN] + N_FREE] -= 1
    return int64(P[D[PK_FREE] + Q[D[RUN] + N_FREE]])


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
def expect_core(D: Array, P: Array, k: int, n: int) -> None:
    """While entry ``k`` of the ``n`` woken cores is looked at, have a later one's record fetched."""
    if D[IS_FAR]:
        at = core_record(D, int64(P[D[WOKEN] + min(k + 3, n - 1)]))
        for line in range(4):
            prefetch(P, at + 16 * line)


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
