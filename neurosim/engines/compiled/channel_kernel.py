"""Channels, compiled: what flits and credits do when they arrive at a router, and flits when they leave it.

The same rules as :mod:`neurosim.engines.reference.router`; only the bookkeeping differs: requests are kept
as bit masks that change when a FIFO's front changes, and a router is looked at only while some requested
output has a credit.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.artefacts.tree_table import FIRST_TREE
from neurosim.engines.compiled.fabric_places import (
    ACTIVE,
    ACTIVE_WORDS,
    ASKED,
    BACK,
    BACK_LATENCY,
    CREDITED,
    CREDITS,
    DEPTH,
    FIFO,
    FIRST,
    IN_WHEEL,
    LENGTH,
    N_ACTIVE,
    N_FULL,
    OWED,
    PEAK,
    REQUESTS,
    RING,
    SINCE,
    VSHIFT,
    WANT,
)
from neurosim.engines.compiled.jit import inlined, inner, lowest_set
from neurosim.engines.compiled.layout import INDEX
from neurosim.engines.compiled.route_kernel import branches, route
from neurosim.engines.compiled.wires_kernel import channel_record, has_trees, put_credit, router_record

Array = Any


@inlined
def activate(C: Array, B: Array, router: int) -> None:
    """Look at ``router`` in this cycle's STEP."""
    word_at = (C[ACTIVE] + (router >> 6)) & INDEX
    old = B[word_at]
    new = old | 1 << (router & 63)
    B[word_at] = new
    B[(C[ACTIVE_WORDS] + (router >> 12)) & INDEX] |= 1 << (router >> 6 & 63)
    B[C[N_ACTIVE] & INDEX] += 1 if old != new else 0


@inner
def _ask(
    C: Array, A: Array, B: Array, K: Array, router: int, local: int, flit: int, now: int, asked: int
) -> int:
    """As `_new_front`, where there are trees: ask for every output that the one-flit packet has to go to."""
    first = router << (3 + C[VSHIFT])
    B[(channel_record(C, first + local) >> 1) + SINCE] = now
    address = K[(flit >> 4) & INDEX]
    if address < 0:
        owed = branches(C, A, router, local, FIRST_TREE - address)
    else:
        owed = 1 << route(C, A, K, router, local, flit >> 4)
    B[(C[OWED] + first + local) & INDEX] = owed
    asked |= owed
    while owed:
        B[(channel_record(C, first + lowest_set(owed)) >> 1) + REQUESTS] |= 1 << local
        owed &= owed - 1
    return asked


@inlined
def _new_front(
    C: Array, A: Array, B: Array, K: Array, router: int, local: int, flit: int, now: int, asked: int
) -> int:
    """``flit`` came to the front of a channel: route a head, let a body follow; returns the new ASKED."""
    if has_trees(C):
        return _ask(C, A, B, K, router, local, flit, now, asked)
    first = router << (3 + C[VSHIFT])
    input_at = channel_record(C, first + local)
    B[(input_at >> 1) + SINCE] = now
    if flit & 15 == 0:
        out = route(C, A, K, router, local, flit >> 4)
        A[input_at + WANT] = out
    else:
        out = A[input_at + WANT]
    B[(channel_record(C, first + out) >> 1) + REQUESTS] |= 1 << local
    return asked | 1 << out


@inlined
def arrive_flit(C: Array, A: Array, B: Array, K: Array, channel: int, flit: int, now: int) -> None:
    """A flit reaches an input channel of a router.

    Behind another flit it changes nothing that the router decides by, so it does not wake it.
    """
    vs = C[VSHIFT]
    input_at = channel_record(C, channel)
    n = A[input_at + LENGTH]
    A[(input_at + FIFO + ((A[input_at + FIRST] + n) & (C[RING] - 1))) & INDEX] = flit
    A[input_at + LENGTH] = n + 1
    if n + 1 == C[DEPTH]:
        B[C[N_FULL] & INDEX] += 1
    port_at, held = input_at, n + 1
    if vs > 0:
        port_at, held = channel_record(C, channel >> vs << vs), 0
        for vc in range(1 << vs):
            held += A[channel_record(C, (channel >> vs << vs) + vc) + LENGTH]
    if held > A[port_at + PEAK]:
        A[port_at + PEAK] = held
    if n == 0:
        router = channel >> (3 + vs)
        asked_at = (router_record(C, router) >> 1) + ASKED
        B[asked_at] = _new_front(
            C, A, B, K, router, channel - (router << (3 + vs)), flit, now, B[asked_at]
        )
        activate(C, B, router)


@inlined
def arrive_credit(C: Array, A: Array, B: Array, channel: int) -> None:
    """A credit reaches an output channel of a router; only the first makes a difference to it."""
    credits_at = channel_record(C, channel) + CREDITS
    credits = A[credits_at]
    A[credits_at] = credits + 1
    if credits == 0:
        vs = C[VSHIFT]
        router = channel >> (3 + vs)
        router_at = router_record(C, router) >> 1
        bit = 1 << (channel - (router << (3 + vs)))
        B[router_at + CREDITED] |= bit
        if B[router_at + ASKED] & bit:
            activate(C, B, router)


@inner
def _sent_to(C: Array, A: Array, B: Array, router: int, local: int, out: int, asked: int) -> tuple[int, int]:
    """A copy of the front flit of ``local`` goes to ``out``: returns where it has yet to go, and ASKED."""
    first = router << (3 + C[VSHIFT])
    requests_at = (channel_record(C, first + out) >> 1) + REQUESTS
    B[requests_at] &= ~(1 << local)
    if B[requests_at] == 0:
        asked &= ~(1 << out)
    owed = B[C[OWED] + first + local] & ~(1 << out)
    B[C[OWED] + first + local] = owed
    if owed:
        B[C[IN_WHEEL]] -= 1  # who counts messages takes it that every flit comes with a credit
    return owed, asked


@inlined
def pop(
    C: Array, A: Array, B: Array, K: Array, router: int, local: int, out: int, now: int, asked: int
) -> tuple[int, int]:
    """Take the front flit, which wants ``out``, off a channel and send its slot's credit upstream.

    Returns the flit and the new ASKED.  A flit that has to go elsewhere too only loses its wish for ``out``.
    """
    first_channel = router << (3 + C[VSHIFT])
    input_at = channel_record(C, first_channel + local)
    first = A[input_at + FIRST]
    flit = int64(A[(input_at + FIFO + first) & INDEX])
    if has_trees(C):
        owed, asked = _sent_to(C, A, B, router, local, out, asked)
        if owed:
            return flit, asked
    first = (first + 1) & (C[RING] - 1)
    A[input_at + FIRST] = first
    length = A[input_at + LENGTH] - 1
    A[input_at + LENGTH] = length
    if length + 1 == C[DEPTH]:
        B[C[N_FULL] & INDEX] -= 1
    requests_at = (channel_record(C, first_channel + out) >> 1) + REQUESTS
    rest = B[requests_at] & ~(1 << local)
    B[requests_at] = rest
    if rest == 0:
        asked &= ~(1 << out)
    put_credit(C, A, now + A[input_at + BACK_LATENCY], int64(A[input_at + BACK]))
    if length > 0:
        following = int64(A[(input_at + FIFO + first) & INDEX])
        asked = _new_front(C, A, B, K, router, local, following, now + 1, asked)
    return flit, asked


@inner
def after_check(C: Array, B: Array, every: int, until: int, upcoming: int) -> int:
    """The cycle up to which to run on, if ``upcoming`` has passed ``until`` and nobody can be in a deadlock.

    Every cycle of waits goes through a full input channel of a router: a packet that waits for an output
    which another owns waits for one that itself waits for a credit.  Returns ``until`` if some channel is
    full, or if ``every``, the distance of checks, is 0.
    """
    if every == 0 or B[C[N_FULL]]:
        return until
    return -(-upcoming // every) * every
