"""Giving up, compiled: packets whose head waited too long are discarded flit by flit."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.channel_kernel import pop
from neurosim.engines.compiled.fabric_places import (
    ASKED,
    DROP_AFTER,
    DROPPED,
    DROPPING,
    FIFO,
    FIRST,
    FLITS,
    LENGTH,
    LOST,
    N_LOST,
    N_PORTS,
    SINCE,
    VSHIFT,
    WANT,
)
from neurosim.engines.compiled.jit import inner
from neurosim.engines.compiled.wires_kernel import channel_record, router_record

Array = Any


@inner
def discard(C: Array, A: Array, B: Array, K: Array, router: int, now: int) -> int:
    """Throw away one flit of each packet that was given up here, up to its tail; returns how many."""
    base = router << (3 + C[VSHIFT])
    dropping = (router_record(C, router) >> 1) + DROPPING
    asked_at = (router_record(C, router) >> 1) + ASKED
    n = 0
    for local in range(C[N_PORTS] << C[VSHIFT]):
        if B[dropping] >> local & 1 and A[channel_record(C, base + local) + LENGTH]:
            out = int64(A[channel_record(C, base + local) + WANT])
            flit, B[asked_at] = pop(C, A, B, K, router, local, out, now, B[asked_at])
            n += 1
            if (flit & 15) == C[FLITS] - 1:
                B[dropping] &= ~(1 << local)
                A[C[LOST] + B[C[N_LOST]]] = flit >> 4
                B[C[N_LOST]] += 1
                B[C[DROPPED]] += 1
    return n


@inner
def give_up(C: Array, A: Array, B: Array, router: int, now: int) -> None:
    """Mark packets whose head waited too long."""
    base = router << (3 + C[VSHIFT])
    dropping = (router_record(C, router) >> 1) + DROPPING
    for local in range(C[N_PORTS] << C[VSHIFT]):
        input_at = channel_record(C, base + local)
        if A[input_at + LENGTH] == 0 or B[dropping] >> local & 1:
            continue
        flit = A[input_at + FIFO + A[input_at + FIRST]]
        if flit & 15 == 0 and now - B[(input_at >> 1) + SINCE] >= C[DROP_AFTER]:
            B[dropping] |= 1 << local
