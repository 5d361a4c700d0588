"""The network's two phases, compiled: messages arrive, routers step.

The same rules, in the same order, as :mod:`neurosim.engines.reference.router`; only the bookkeeping
differs: requests are kept as bit masks that change when a FIFO's front changes, and a router is looked
at only while some requested output has a credit.  ``C``, ``A`` and ``B`` are the tuple and
the int32 and int64 views of layout FABRIC; ``K`` are the packets' addresses.  ``router_at``, ``input_at`` and
``output_at`` are where a record starts in ``A``; ``x >> 1`` is the same place in ``B``.

With one channel per port, no giving up and an arbiter per output (``IS_SIMPLE``) an input asks for one
output and outputs do not compete, so a router's step is one walk over the outputs that can grant.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from neurosim.engines.compiled.fabric_state import COORDINATE_BITS, CROSSES, WRAPS
from neurosim.engines.compiled.jit import RULES
from neurosim.engines.compiled.layout import FABRIC
from neurosim.rules import arbiter

Array = Any
_pick = RULES.pick
_advance = RULES.advance
_output_port = RULES.output_port
_output_vc = RULES.output_vc
_ONE_WINNER = arbiter.ONE_WINNER_PER_ROUTER
_MASK = (1 << COORDINATE_BITS) - 1

ACTIVE = FABRIC.place("ACTIVE")
CHIP_HEIGHT = FABRIC.place("CHIP_HEIGHT")
CHIP_WIDTH = FABRIC.place("CHIP_WIDTH")
CREDIT = FABRIC.place("CREDIT")
DROPPED = FABRIC.place("DROPPED")
DROP_AFTER = FABRIC.place("DROP_AFTER")
FLIT = FABRIC.place("FLIT")
FLITS = FABRIC.place("FLITS")
GATEWAY_COLUMN = FABRIC.place("GATEWAY_COLUMN")
GATEWAY_ROW = FABRIC.place("GATEWAY_ROW")
HEIGHT = FABRIC.place("HEIGHT")
INPUTS = FABRIC.place("INPUTS")
IN_SHIFT = FABRIC.place("IN_SHIFT")
IN_WHEEL = FABRIC.place("IN_WHEEL")
IS_SIMPLE = FABRIC.place("IS_SIMPLE")
N_ACTIVE = FABRIC.place("N_ACTIVE")
N_CREDITS = FABRIC.place("N_CREDITS")
N_FLITS = FABRIC.place("N_FLITS")
N_PORTS = FABRIC.place("N_PORTS")
OUTPUTS = FABRIC.place("OUTPUTS")
OUT_SHIFT = FABRIC.place("OUT_SHIFT")
PICK = FABRIC.place("PICK")
POLICY = FABRIC.place("POLICY")
RING = FABRIC.place("RING")
ROUTERS = FABRIC.place("ROUTERS")
ROUTER_SHIFT = FABRIC.place("ROUTER_SHIFT")
ROUTING = FABRIC.place("ROUTING")
SLOTS = FABRIC.place("SLOTS")
VCS = FABRIC.place("VCS")
VC_POLICY = FABRIC.place("VC_POLICY")
VSHIFT = FABRIC.place("VSHIFT")
WHEEL = FABRIC.place("WHEEL")
WIDTH = FABRIC.place("WIDTH")
# words of the records
ASKED = FABRIC.word("ASKED")
BACK = FABRIC.word("BACK")
BACK_LATENCY = FABRIC.word("BACK_LATENCY")
BLOCKED = FABRIC.word("BLOCKED")
CREDITED = FABRIC.word("CREDITED")
CREDITS = FABRIC.word("CREDITS")
DESTINATION = FABRIC.word("DESTINATION")
DROPPING = FABRIC.word("DROPPING")
FIFO = FABRIC.word("FIFO")
FIRST = FABRIC.word("FIRST")
FREE_AT = FABRIC.word("FREE_AT")
HELD = FABRIC.word("HELD")
INTERVAL = FABRIC.word("INTERVAL")
IS_ACTIVE = FABRIC.word("IS_ACTIVE")
LATENCY = FABRIC.word("LATENCY")
LENGTH = FABRIC.word("LENGTH")
LINK_KIND = FABRIC.word("LINK_KIND")
OWNER = FABRIC.word("OWNER")
PEAK = FABRIC.word("PEAK")
PORT_FLITS = FABRIC.word("PORT_FLITS")
PORT_POINTER = FABRIC.word("PORT_POINTER")
REQUESTS = FABRIC.word("REQUESTS")
ROUTER_POINTER = FABRIC.word("ROUTER_POINTER")
SINCE = FABRIC.word("SINCE")
VC_POINTER = FABRIC.word("VC_POINTER")
WANT = FABRIC.word("WANT")
X = FABRIC.word("X")
Y = FABRIC.word("Y")


@njit(cache=True, _nrt=False, forceinline=True)
def router_record(C: Array, router: int) -> int:
    """Where a router's record starts."""
    return C[ROUTERS] + (router << C[ROUTER_SHIFT])


@njit(cache=True, _nrt=False, forceinline=True)
def input_record(C: Array, channel: int) -> int:
    """Where an input channel's record starts."""
    return C[INPUTS] + (channel << C[IN_SHIFT])


@njit(cache=True, _nrt=False, forceinline=True)
def output_record(C: Array, channel: int) -> int:
    """Where an output channel's record starts."""
    return C[OUTPUTS] + (channel << C[OUT_SHIFT])


@njit(cache=True, _nrt=False, forceinline=True)
def _put_flit(C: Array, A: Array, at: int, to: int, flit: int) -> None:
    slot = at & (C[WHEEL] - 1)
    n = A[C[N_FLITS] + slot]
    place = C[FLIT] + 2 * (slot * C[SLOTS] + n)
    A[place] = to
    A[place + 1] = flit
    A[C[N_FLITS] + slot] = n + 1


@njit(cache=True, _nrt=False, forceinline=True)
def _put_credit(C: Array, A: Array, at: int, to: int) -> None:
    slot = at & (C[WHEEL] - 1)
    n = A[C[N_CREDITS] + slot]
    A[C[CREDIT] + slot * C[SLOTS] + n] = to
    A[C[N_CREDITS] + slot] = n + 1


@njit(cache=True, _nrt=False, forceinline=True)
def post_flit(C: Array, A: Array, B: Array, at: int, to: int, flit: int) -> None:
    """Put a flit on the wheel for cycle ``at``."""
    _put_flit(C, A, at, to, flit)
    B[C[IN_WHEEL]] += 1


@njit(cache=True, _nrt=False, forceinline=True)
def post_credit(C: Array, A: Array, B: Array, at: int, to: int) -> None:
    """Put a credit on the wheel for cycle ``at``."""
    _put_credit(C, A, at, to)
    B[C[IN_WHEEL]] += 1


@njit(cache=True, _nrt=False, forceinline=True)
def _activate(C: Array, A: Array, B: Array, router: int, router_at: int) -> None:
    """Look at ``router`` in this cycle's STEP."""
    if A[router_at + IS_ACTIVE] == 0:
        A[router_at + IS_ACTIVE] = 1
        A[C[ACTIVE] + B[C[N_ACTIVE]]] = router
        B[C[N_ACTIVE]] += 1


@njit(cache=True, _nrt=False, forceinline=True)
def _route(C: Array, A: Array, K: Array, router: int, local: int, packet: int) -> int:
    """The local output channel that a packet's head, which came in on ``local``, goes to."""
    vs = C[VSHIFT]
    router_at = router_record(C, router)
    address = K[packet]
    port = _output_port(
        C[ROUTING], A[router_at + X], A[router_at + Y], address & _MASK, address >> COORDINATE_BITS & _MASK,
        address >> 2 * COORDINATE_BITS, C[CHIP_WIDTH], C[CHIP_HEIGHT], C[WIDTH], C[HEIGHT],
        C[GATEWAY_ROW], C[GATEWAY_COLUMN],
    )  # fmt: skip
    if vs == 0:
        return port
    kind = A[output_record(C, (router * 8 + port) << vs) + LINK_KIND]
    vc = _output_vc(
        C[VC_POLICY], local & ((1 << vs) - 1), local >> vs, port, kind & CROSSES != 0, kind & WRAPS != 0
    )
    return (port << vs) + vc


@njit(cache=True, _nrt=False, forceinline=True)
def _new_front(C: Array, A: Array, B: Array, K: Array, router: int, local: int, flit: int, now: int) -> None:
    """``flit`` came to the front of a channel: route a head, let a body follow."""
    vs = C[VSHIFT]
    first = router << (3 + vs)
    input_at = input_record(C, first + local)
    B[(input_at >> 1) + SINCE] = now
    if flit & 15 == 0:
        A[input_at + WANT] = _route(C, A, K, router, local, flit >> 4)
    out = A[input_at + WANT]
    B[(output_record(C, first + out) >> 1) + REQUESTS] |= 1 << local
    B[(router_record(C, router) >> 1) + ASKED] |= 1 << out


@njit(cache=True, _nrt=False, forceinline=True)
def arrive_flit(C: Array, A: Array, B: Array, K: Array, channel: int, flit: int, now: int) -> None:
    """A flit reaches an input channel of a router."""
    vs = C[VSHIFT]
    router = channel >> (3 + vs)
    input_at = input_record(C, channel)
    n = A[input_at + LENGTH]
    A[input_at + FIFO + ((A[input_at + FIRST] + n) & (C[RING] - 1))] = flit
    A[input_at + LENGTH] = n + 1
    port_at = input_record(C, channel >> vs << vs)
    held = A[port_at + HELD] + 1
    A[port_at + HELD] = held
    if held > A[port_at + PEAK]:
        A[port_at + PEAK] = held
    if n == 0:
        _new_front(C, A, B, K, router, channel - (router << (3 + vs)), flit, now)
    _activate(C, A, B, router, router_record(C, router))


@njit(cache=True, _nrt=False, forceinline=True)
def arrive_credit(C: Array, A: Array, B: Array, channel: int) -> None:
    """A credit reaches an output channel of a router."""
    vs = C[VSHIFT]
    router = channel >> (3 + vs)
    router_at = router_record(C, router)
    bit = 1 << (channel - (router << (3 + vs)))
    A[output_record(C, channel) + CREDITS] += 1
    B[(router_at >> 1) + CREDITED] |= bit
    if B[(router_at >> 1) + ASKED] & bit:
        _activate(C, A, B, router, router_at)


@njit(cache=True, _nrt=False, forceinline=True)
def _pop(C: Array, A: Array, B: Array, K: Array, router: int, local: int, now: int) -> int:
    """Take the front flit of a channel and send its slot's credit upstream."""
    vs = C[VSHIFT]
    base = router << (3 + vs)
    input_at = input_record(C, base + local)
    first = A[input_at + FIRST]
    flit = A[input_at + FIFO + first]
    first = (first + 1) & (C[RING] - 1)
    A[input_at + FIRST] = first
    length = A[input_at + LENGTH] - 1
    A[input_at + LENGTH] = length
    out = A[input_at + WANT]
    output_at = output_record(C, base + out)
    rest = B[(output_at >> 1) + REQUESTS] & ~(1 << local)
    B[(output_at >> 1) + REQUESTS] = rest
    if rest == 0:
        B[(router_record(C, router) >> 1) + ASKED] &= ~(1 << out)
    A[input_record(C, (base + local) >> vs << vs) + HELD] -= 1
    _put_credit(C, A, now + A[input_at + BACK_LATENCY], A[input_at + BACK])
    if length > 0:
        _new_front(C, A, B, K, router, local, A[input_at + FIFO + first], now + 1)
    return flit


@njit(cache=True, _nrt=False, forceinline=True)
def _move(C: Array, A: Array, B: Array, K: Array, router: int, local: int, now: int) -> None:
    """Send the front flit of a channel on: a flit and a credit go on the wheel."""
    vs = C[VSHIFT]
    base = router << (3 + vs)
    input_at = input_record(C, base + local)
    out = A[input_at + WANT]
    output_at = output_record(C, base + out)
    port_at = output_record(C, base + (out >> vs << vs))
    B[(port_at >> 1) + BLOCKED] += now - B[(input_at >> 1) + SINCE]
    flit = _pop(C, A, B, K, router, local, now)
    A[output_at + OWNER] = -1 if (flit & 15) == C[FLITS] - 1 else local
    credits = A[output_at + CREDITS] - 1
    A[output_at + CREDITS] = credits
    if credits == 0:
        B[(router_record(C, router) >> 1) + CREDITED] &= ~(1 << out)
    B[(port_at >> 1) + FREE_AT] = now + A[port_at + INTERVAL]
    B[(port_at >> 1) + PORT_FLITS] += 1
    if vs > 0:
        A[input_record(C, base + (local >> vs << vs)) + VC_POINTER] = _advance(
            local & ((1 << vs) - 1), C[VCS]
        )
    _put_flit(C, A, now + A[port_at + LATENCY], A[output_at + DESTINATION], flit)


@njit(cache=True, _nrt=False, forceinline=True)
def _movable(C: Array, A: Array, B: Array, router: int, out: int, now: int) -> int:
    """Mask of local input channels whose front flit could go to ``out`` now."""
    vs = C[VSHIFT]
    base = router << (3 + vs)
    if now < B[(output_record(C, base + (out >> vs << vs)) >> 1) + FREE_AT]:
        return 0
    output_at = output_record(C, base + out)
    mask = B[(output_at >> 1) + REQUESTS]
    owner = A[output_at + OWNER]
    if owner >= 0:
        mask &= 1 << owner
    if C[DROP_AFTER]:
        mask &= ~B[(router_record(C, router) >> 1) + DROPPING]
        for local in range(C[N_PORTS] << vs):
            if mask >> local & 1 and B[(input_record(C, base + local) >> 1) + SINCE] > now:
                mask &= ~(1 << local)
    return mask


@njit(cache=True, _nrt=False, forceinline=True)
def _step_simple(C: Array, A: Array, B: Array, K: Array, router: int, now: int) -> int:
    """One router's STEP when ``IS_SIMPLE``; returns how many flits moved.

    An input that moved may have a new front that asks for a later output of this walk: that one moves
    in the next cycle at the earliest, so inputs that moved are masked.
    """
    router_at = router_record(C, router)
    ready = B[(router_at >> 1) + ASKED] & B[(router_at >> 1) + CREDITED]
    moved = 0
    n = 0
    while ready:
        out = A[C[PICK] + ready]  # pointer 0: the lowest bit
        ready &= ready - 1
        output_at = output_record(C, router * 8 + out)
        if now < B[(output_at >> 1) + FREE_AT]:
            continue
        mask = B[(output_at >> 1) + REQUESTS] & ~moved
        owner = A[output_at + OWNER]
        if owner >= 0:
            mask &= 1 << owner
        if mask == 0:
            continue
        winner = A[C[PICK] + A[output_at + PORT_POINTER] * 256 + mask]
        A[output_at + PORT_POINTER] = _advance(winner, C[N_PORTS])
        moved |= 1 << winner
        _move(C, A, B, K, router, winner, now)
        n += 1
    return n


@njit(cache=True, _nrt=False, forceinline=True)
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
            pointer = A[input_record(C, base + (port << vs)) + VC_POINTER]
            local = (port << vs) + _pick(C[POLICY], vcs, pointer)
            out_port = A[input_record(C, base + local) + WANT] >> vs
            chosen[port] = local
            by_port[out_port] |= 1 << port
            outputs |= 1 << out_port
    return outputs


@njit(cache=True, _nrt=False, forceinline=True)
def _step_router(
    C: Array, A: Array, B: Array, K: Array, router: int, now: int,
    by_port: Array, chosen: Array, winners: Array,
) -> int:  # fmt: skip
    """One router's STEP in general; returns how many messages went on the wheel."""
    vs = C[VSHIFT]
    messages = 0
    if C[DROP_AFTER]:
        messages = _discard(C, A, B, K, router, now)
    outputs = _propose(C, A, B, router, now, by_port, chosen)
    if outputs and C[POLICY] == _ONE_WINNER:
        router_at = router_record(C, router)
        port = _pick(C[POLICY], outputs, A[router_at + ROUTER_POINTER])
        A[router_at + ROUTER_POINTER] = _advance(port, C[N_PORTS])
        outputs = 1 << port
    n = 0
    for port in range(C[N_PORTS]):
        if outputs >> port & 1:
            port_at = output_record(C, (router * 8 + port) << vs)
            winner = A[C[PICK] + A[port_at + PORT_POINTER] * 256 + by_port[port]]
            A[port_at + PORT_POINTER] = _advance(winner, C[N_PORTS])
            winners[n] = chosen[winner]
            n += 1
    for k in range(n):
        _move(C, A, B, K, router, winners[k], now)
    if C[DROP_AFTER]:
        _give_up(C, A, B, router, now)
    return messages + 2 * n


@njit(cache=True, _nrt=False)
def step_routers(
    C: Array, A: Array, B: Array, K: Array, now: int,
    by_port: Array, chosen: Array, winners: Array,
) -> None:  # fmt: skip
    """STEP of every active router; those with nothing to grant fall asleep."""
    keep = messages = 0
    for k in range(B[C[N_ACTIVE]]):
        router = A[C[ACTIVE] + k]
        if C[IS_SIMPLE]:
            messages += 2 * _step_simple(C, A, B, K, router, now)
        else:
            messages += _step_router(C, A, B, K, router, now, by_port, chosen, winners)
        router_at = router_record(C, router)
        asked = B[(router_at >> 1) + ASKED]
        if asked & B[(router_at >> 1) + CREDITED] or (C[DROP_AFTER] and asked):
            A[C[ACTIVE] + keep] = router
            keep += 1
        else:
            A[router_at + IS_ACTIVE] = 0
    B[C[N_ACTIVE]] = keep
    B[C[IN_WHEEL]] += messages


@njit(cache=True, _nrt=False)
def _discard(C: Array, A: Array, B: Array, K: Array, router: int, now: int) -> int:
    """Throw away one flit of each packet that was given up here, up to its tail; returns how many."""
    base = router << (3 + C[VSHIFT])
    dropping = (router_record(C, router) >> 1) + DROPPING
    n = 0
    for local in range(C[N_PORTS] << C[VSHIFT]):
        if B[dropping] >> local & 1 and A[input_record(C, base + local) + LENGTH]:
            flit = _pop(C, A, B, K, router, local, now)
            n += 1
            if (flit & 15) == C[FLITS] - 1:
                B[dropping] &= ~(1 << local)
                B[C[DROPPED]] += 1
    return n


@njit(cache=True, _nrt=False)
def _give_up(C: Array, A: Array, B: Array, router: int, now: int) -> None:
    """Mark packets whose head waited too long."""
    base = router << (3 + C[VSHIFT])
    dropping = (router_record(C, router) >> 1) + DROPPING
    for local in range(C[N_PORTS] << C[VSHIFT]):
        input_at = input_record(C, base + local)
        if A[input_at + LENGTH] == 0 or B[dropping] >> local & 1:
            continue
        flit = A[input_at + FIFO + A[input_at + FIRST]]
        if flit & 15 == 0 and now - B[(input_at >> 1) + SINCE] >= C[DROP_AFTER]:
            B[dropping] |= 1 << local


@njit(cache=True, _nrt=False)
def next_message(C: Array, A: Array, B: Array, now: int) -> int:
    """The next cycle after ``now`` with a message, or -1."""
    if B[C[IN_WHEEL]] == 0:
        return -1
    for ahead in range(1, C[WHEEL]):
        slot = (now + ahead) & (C[WHEEL] - 1)
        if A[C[N_FLITS] + slot] or A[C[N_CREDITS] + slot]:
            return now + ahead
    return -1
