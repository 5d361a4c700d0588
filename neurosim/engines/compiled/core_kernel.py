"""A core's STEP, compiled: pipeline, loop and transmit FIFO, in the reference engine's order."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.core_places import (
    CHANNEL,
    INJECTION,
    PACKET,
    PIPELINE_UNTIL,
    TX,
    TX_CREDITS,
    TX_FIRST,
    TX_LENGTH,
    TX_RING,
)
from neurosim.engines.compiled.jit import inlined
from neurosim.engines.compiled.loop_kernel import advance_loop
from neurosim.engines.compiled.pipeline_kernel import finish_packet, start_packet
from neurosim.engines.compiled.record_kernel import core_record
from neurosim.engines.compiled.wires_kernel import post_flit

Array = Any


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
