"""The routers' STEP, compiled: who moves, in the order of :mod:`neurosim.engines.reference.router`.

With one channel per port, no giving up and an arbiter per output (``IS_SIMPLE``) an input asks for one
output and outputs do not compete, so a router's step is one walk over the outputs that can grant.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.channel_kernel import pop
from neurosim.engines.compiled.drop_kernel import discard, give_up
from neurosim.engines.compiled.fabric_places import (
    ACTIVE,
    ACTIVE_WORDS,
    ASKED,
    BLOCKED,
    CREDITED,
    CREDITS,
    DESTINATION,
    DROP_AFTER,
    DROPPING,
    FLIT_LOG,
    FLITS,
    FREE_AT,
    IN_WHEEL,
    INTERVAL,
    IS_SIMPLE,
    LATENCY,
    N_ACTIVE,
    N_ACTIVE_WORDS,
    N_FLIT_LOG,
    N_LOST,
    N_PORTS,
    OWED,
    OWNER,
    PICK,
    POLICY,
    PORT_FLITS,
    PORT_POINTER,
    REQUESTS,
    ROUTER_POINTER,
    SINCE,
    TRACE_SLOTS,
    VC_POINTER,
    VCS,
    VSHIFT,
    WANT,
)
from neurosim.engines.compiled.jit import RULES, inlined, inner, lowest_set
from neurosim.engines.compiled.layout import INDEX
from neurosim.engines.compiled.wires_kernel import channel_record, has_trees, put_flit, router_record
from neurosim.rules import arbiter

Array = Any
_pick = RULES.pick
_advance = RULES.advance
_ONE_WINNER = arbiter.ONE_WINNER_PER_ROUTER


@inner
def _log_flit(C: Array, B: Array, K: Array, router: int, out: int, flit: int, now: int) -> None:
    """A row of the trace: ``flit`` leaves ``router`` by local output channel ``out``."""
    row = B[C[N_FLIT_LOG]]
    at = C[FLIT_LOG] + 10 * row
    B[at], B[at + 1] = now, router
    B[at + 2], B[at + 3] = out >> C[VSHIFT], out & ((1 << C[VSHIFT]) - 1)
    packet = (flit >> 4) + C[TRACE_SLOTS]
    for k in range(5):  # source, number, step, target, axon
        B[at + 4 + k] = K[packet]
        packet += C[TRACE_SLOTS]
    B[at + 9] = flit & 15
    B[C[N_FLIT_LOG]] = row + 1


@inlined
def _move(
    C: Array, A: Array, B: Array, K: Array, router: int, local: int, out: int, now: int, asked: int,
    credited: int,
) -> tuple[int, int]:  # fmt: skip
    """Send the front flit of a channel on to ``out``: a flit and a credit go on the wheel.

    Returns the new ASKED and CREDITED.
    """
    vs = C[VSHIFT]
    base = router << (3 + vs)
    output_at = channel_record(C, base + out)
    port_at = channel_record(C, base + (out >> vs << vs))
    B[(port_at >> 1) + BLOCKED] += now - B[(channel_record(C, base + local) >> 1) + SINCE]
    flit, asked = pop(C, A, B, K, router, local, out, now, asked)
    if C[TRACE_SLOTS]:
        _log_flit(C, B, K, router, out, flit, now)
    if C[FLITS] > 1:
        A[output_at + OWNER] = -1 if (flit & 15) == C[FLITS] - 1 else local
    credits = A[output_at + CREDITS] - 1
    A[output_at + CREDITS] = credits
    if credits == 0:
        credited &= ~(1 << out)
    B[(port_at >> 1) + FREE_AT] = now + A[port_at + INTERVAL]
    B[(port_at >> 1) + PORT_FLITS] += 1
    if vs > 0:
        A[channel_record(C, base + (local >> vs << vs)) + VC_POINTER] = _advance(
            local & ((1 << vs) - 1), C[VCS]
        )
    put_flit(C, A, now + A[port_at + LATENCY], int64(A[output_at + DESTINATION]), flit)
    return asked, credited


@inlined
def _movable(C: Array, A: Array, B: Array, router: int, out: int, now: int) -> int:
    """Mask of local input channels whose front flit could go to ``out`` now."""
    vs = C[VSHIFT]
    base = router << (3 + vs)
    if now < B[(channel_record(C, base + (out >> vs << vs)) >> 1) + FREE_AT]:
        return 0
    output_at = channel_record(C, base + out)
    mask = B[(output_at >> 1) + REQUESTS]
    owner = A[output_at + OWNER]
    if owner >= 0:
        mask &= 1 << owner
    if C[DROP_AFTER]:
        mask &= ~B[(router_record(C, router) >> 1) + DROPPING]
        for local in range(C[N_PORTS] << vs):
            if mask >> local & 1 and B[(channel_record(C, base + local) >> 1) + SINCE] > now:
                mask &= ~(1 << local)
    return mask


@inlined
def _step_simple(C: Array, A: Array, B: Array, K: Array, router: int, now: int) -> int:
    """One router's STEP when ``IS_SIMPLE``; returns how many flits moved.

    An input that moved may have a new front that asks for a later output of this walk: that one moves
    in the next cycle at the earliest, so inputs that moved are masked.  A multicast packet may go on.
    """
    router_at = router_record(C, router) >> 1
    asked, credited = B[router_at + ASKED], B[router_at + CREDITED]
    ready = asked & credited
    moved = n = 0
    while ready:
        out = lowest_set(ready)
        ready &= ready - 1
        output_at = channel_record(C, router * 8 + out)
        if now < B[(output_at >> 1) + FREE_AT]:
            continue
        mask = B[(output_at >> 1) + REQUESTS] & ~moved
        if C[FLITS] > 1 and A[output_at + OWNER] >= 0:
            mask &= 1 << A[output_at + OWNER]
        if mask == 0:
            continue
        winner = int64(A[(C[PICK] + A[output_at + PORT_POINTER] * 256 + mask) & INDEX])
        A[output_at + PORT_POINTER] = _advance(winner, C[N_PORTS])
        moved |= 1 << winner
        asked, credited = _move(C, A, B, K, router, winner, out, now, asked, credited)
        if has_trees(C) and B[(channel_record(C, router * 8 + winner) >> 1) + SINCE] <= now:
            moved &= ~(1 << winner)  # it has to go elsewhere too
        n += 1
    B[router_at + ASKED], B[router_at + CREDITED] = asked, credited
    return n


@inlined
def _propose(C: Array, A: Array, B: Array, router: int, now: int, by_port: Array, chosen: Array) -> int:
    """Which inputs ask for which output port; returns the mask of output ports asked for.

    ``by_port[o]`` becomes a mask of input ports, ``chosen[i]`` the local channel input ``i`` proposes.
    """
    vs = C[VSHIFT]
    base = router << (3 + vs)
    router_at = router_record(C, router)
    ready = B[(router_at >> 1) + ASKED] & B[(router_at >> 1) + CREDITED]
    outputs = 0
    eligible = 0
    for out in range(C[N_PORTS] << vs):
        if ready >> out & 1:
            eligible |= _movable(C, A, B, router, out, now)
    for port in range(C[N_PORTS]):
        by_port[port] = 0
    for port in range(C[N_PORTS]):
        vcs = eligible >> (port << vs) & ((1 << (1 << vs)) - 1)
        if vcs:
            pointer = A[channel_record(C, base + (port << vs)) + VC_POINTER]
            local = (port << vs) + _pick(C[POLICY], vcs, pointer)
            chosen[port] = local
            if has_trees(C):
                outputs |= _propose_branches(C, A, B, router, local, now, ready, by_port)
                continue
            out_port = A[channel_record(C, base + local) + WANT] >> vs
            by_port[out_port] |= 1 << port
            outputs |= 1 << out_port
    return outputs


@inner
def _propose_branches(
    C: Array, A: Array, B: Array, router: int, local: int, now: int, ready: int, by_port: Array
) -> int:
    """Ask for every port to which the front of ``local`` has to go and can; returns the mask of them."""
    vs = C[VSHIFT]
    owed, ports = B[C[OWED] + (router << (3 + vs)) + local] & ready, 0
    while owed:
        out = lowest_set(owed)
        owed &= owed - 1
        if _movable(C, A, B, router, out, now) >> local & 1:
            by_port[out >> vs] |= 1 << (local >> vs)
            ports |= 1 << (out >> vs)
    return ports


@inlined
def _wanted(C: Array, A: Array, B: Array, router: int, local: int, port: int) -> int:
    """The local output channel at ``port`` that the front of ``local`` wants."""
    vs = C[VSHIFT]
    channel = (router << (3 + vs)) + local
    if has_trees(C):
        return (port << vs) + lowest_set(B[C[OWED] + channel] >> (port << vs))
    return int64(A[channel_record(C, channel) + WANT])


@inlined
def _step_router(
    C: Array, A: Array, B: Array, K: Array, router: int, now: int,
    by_port: Array, chosen: Array, winners: Array,
) -> int:  # fmt: skip
    """One router's STEP in general; returns how many messages went on the wheel."""
    vs = C[VSHIFT]
    messages = 0
    if C[DROP_AFTER]:
        messages = discard(C, A, B, K, router, now)
    outputs = _propose(C, A, B, router, now, by_port, chosen)
    if outputs and C[POLICY] == _ONE_WINNER:
        pointer_at = router_record(C, router) + ROUTER_POINTER
        port = _pick(C[POLICY], outputs, A[pointer_at])
        A[pointer_at] = _advance(port, C[N_PORTS])
        outputs = 1 << port
    n = 0
    for port in range(C[N_PORTS]):
        if outputs >> port & 1:
            port_at = channel_record(C, (router * 8 + port) << vs)
            winner = A[C[PICK] + A[port_at + PORT_POINTER] * 256 + by_port[port]]
            A[port_at + PORT_POINTER] = _advance(winner, C[N_PORTS])
            winners[n] = port << 8 | chosen[winner]
            n += 1
    router_at = router_record(C, router) >> 1
    asked, credited = B[router_at + ASKED], B[router_at + CREDITED]
    for k in range(n):
        local = winners[k] & 255
        out = _wanted(C, A, B, router, local, winners[k] >> 8)
        asked, credited = _move(C, A, B, K, router, local, out, now, asked, credited)
    B[router_at + ASKED], B[router_at + CREDITED] = asked, credited
    if C[DROP_AFTER]:
        give_up(C, A, B, router, now)
    return messages + 2 * n


@inlined
def step_routers(
    C: Array, A: Array, B: Array, K: Array, now: int,
    by_port: Array, chosen: Array, winners: Array,
) -> None:  # fmt: skip
    """STEP of every active router; those with nothing to grant fall asleep.

    They come in order of number, which changes nothing, but neighbours share cache lines.
    """
    B[C[N_LOST]] = messages = asleep = 0
    for group in range(C[N_ACTIVE_WORDS]):
        words_at = (C[ACTIVE_WORDS] + group) & INDEX
        words = B[words_at]
        while words:
            word = group * 64 + lowest_set(words)
            words &= words - 1
            word_at = (C[ACTIVE] + word) & INDEX
            waiting = B[word_at]
            awake = waiting
            while waiting:
                bit = lowest_set(waiting)
                waiting &= waiting - 1
                router = word * 64 + bit
                if C[IS_SIMPLE]:
                    messages += 2 * _step_simple(C, A, B, K, router, now)
                else:
                    messages += _step_router(C, A, B, K, router, now, by_port, chosen, winners)
                router_at = router_record(C, router) >> 1
                asked = B[router_at + ASKED]
                if asked & B[router_at + CREDITED] == 0 and (C[DROP_AFTER] == 0 or asked == 0):
                    awake &= ~(1 << bit)
                    asleep += 1
            B[word_at] = awake
            if awake == 0:
                B[words_at] &= ~(1 << (word & 63))
    B[C[N_ACTIVE]] -= asleep
    B[C[IN_WHEEL]] += messages
