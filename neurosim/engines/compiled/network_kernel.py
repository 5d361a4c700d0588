"""The network's two phases, compiled: messages arrive, routers step.

The same rules, in the same order, as :mod:`neurosim.engines.reference.router`; only the bookkeeping
differs: requests are kept as bit masks that change when a FIFO's front changes, and a router is looked
at only while some requested output has a credit.  ``C``, ``A`` and ``B`` are the tuple and
the int32 and int64 fields of layout FABRIC; ``K`` are the packets' addresses.
"""

from __future__ import annotations

from typing import Any

from numba import njit

from neurosim.engines.compiled.jit import RULES
from neurosim.engines.compiled.layout import FABRIC
from neurosim.rules import arbiter

Array = Any
_pick = RULES.pick
_advance = RULES.advance
_output_port = RULES.output_port
_output_vc = RULES.output_vc
_ONE_WINNER = arbiter.ONE_WINNER_PER_ROUTER

ACTIVE = FABRIC.place("ACTIVE")
ASKED = FABRIC.place("ASKED")
BACK = FABRIC.place("BACK")
BACK_LATENCY = FABRIC.place("BACK_LATENCY")
BLOCKED = FABRIC.place("BLOCKED")
CHIP_HEIGHT = FABRIC.place("CHIP_HEIGHT")
CHIP_WIDTH = FABRIC.place("CHIP_WIDTH")
CREDITED = FABRIC.place("CREDITED")
CREDITS = FABRIC.place("CREDITS")
CREDIT_TO = FABRIC.place("CREDIT_TO")
CROSSES = FABRIC.place("CROSSES")
DESTINATION = FABRIC.place("DESTINATION")
DROPPED = FABRIC.place("DROPPED")
DROPPING = FABRIC.place("DROPPING")
DROP_AFTER = FABRIC.place("DROP_AFTER")
FIFO = FABRIC.place("FIFO")
FIRST = FABRIC.place("FIRST")
FLITS = FABRIC.place("FLITS")
FLIT_TO = FABRIC.place("FLIT_TO")
FLIT_WHAT = FABRIC.place("FLIT_WHAT")
FREE_AT = FABRIC.place("FREE_AT")
GATEWAY_COLUMN = FABRIC.place("GATEWAY_COLUMN")
GATEWAY_ROW = FABRIC.place("GATEWAY_ROW")
HEIGHT = FABRIC.place("HEIGHT")
HELD = FABRIC.place("HELD")
INTERVAL = FABRIC.place("INTERVAL")
IN_WHEEL = FABRIC.place("IN_WHEEL")
IS_ACTIVE = FABRIC.place("IS_ACTIVE")
LATENCY = FABRIC.place("LATENCY")
LENGTH = FABRIC.place("LENGTH")
N_ACTIVE = FABRIC.place("N_ACTIVE")
N_CREDITS = FABRIC.place("N_CREDITS")
N_FLITS = FABRIC.place("N_FLITS")
N_PORTS = FABRIC.place("N_PORTS")
OWNER = FABRIC.place("OWNER")
PEAK = FABRIC.place("PEAK")
PICK = FABRIC.place("PICK")
POLICY = FABRIC.place("POLICY")
PORT_FLITS = FABRIC.place("PORT_FLITS")
PORT_POINTER = FABRIC.place("PORT_POINTER")
REQUESTS = FABRIC.place("REQUESTS")
RING = FABRIC.place("RING")
ROUTER_POINTER = FABRIC.place("ROUTER_POINTER")
ROUTING = FABRIC.place("ROUTING")
SINCE = FABRIC.place("SINCE")
SLOTS = FABRIC.place("SLOTS")
VCS = FABRIC.place("VCS")
VC_POINTER = FABRIC.place("VC_POINTER")
VC_POLICY = FABRIC.place("VC_POLICY")
VSHIFT = FABRIC.place("VSHIFT")
WANT = FABRIC.place("WANT")
WHEEL = FABRIC.place("WHEEL")
WIDTH = FABRIC.place("WIDTH")
WRAPS = FABRIC.place("WRAPS")
X = FABRIC.place("X")
Y = FABRIC.place("Y")


@njit(cache=True, _nrt=False, forceinline=True)
def post_flit(C: Array, A: Array, B: Array, at: int, to: int, flit: int) -> None:
    """Put a flit on the wheel for cycle ``at``."""
    slot = at & (C[WHEEL] - 1)
    n = A[C[N_FLITS] + slot]
    A[C[FLIT_TO] + slot * C[SLOTS] + n] = to
    A[C[FLIT_WHAT] + slot * C[SLOTS] + n] = flit
    A[C[N_FLITS] + slot] = n + 1
    B[C[IN_WHEEL]] += 1


@njit(cache=True, _nrt=False, forceinline=True)
def post_credit(C: Array, A: Array, B: Array, at: int, to: int) -> None:
    """Put a credit on the wheel for cycle ``at``."""
    slot = at & (C[WHEEL] - 1)
    n = A[C[N_CREDITS] + slot]
    A[C[CREDIT_TO] + slot * C[SLOTS] + n] = to
    A[C[N_CREDITS] + slot] = n + 1
    B[C[IN_WHEEL]] += 1


@njit(cache=True, _nrt=False, forceinline=True)
def activate(C: Array, A: Array, B: Array, router: int) -> None:
    """Look at ``router`` in this cycle's STEP."""
    if A[C[IS_ACTIVE] + router] == 0:
        A[C[IS_ACTIVE] + router] = 1
        A[C[ACTIVE] + B[C[N_ACTIVE]]] = router
        B[C[N_ACTIVE]] += 1


@njit(cache=True, _nrt=False, forceinline=True)
def new_front(C: Array, A: Array, B: Array, K: Array, router: int, local: int, now: int) -> None:
    """A flit came to the front of a channel: route a head, let a body follow."""
    vs = C[VSHIFT]
    channel = (router << (3 + vs)) + local
    B[C[SINCE] + channel] = now
    flit = A[C[FIFO] + channel * C[RING] + A[C[FIRST] + channel]]
    if flit & 15 == 0:
        address = K[flit >> 4]
        goal = address >> 3
        port = _output_port(
            C[ROUTING], A[C[X] + router], A[C[Y] + router], A[C[X] + goal], A[C[Y] + goal],
            address & 7, C[CHIP_WIDTH], C[CHIP_HEIGHT], C[WIDTH], C[HEIGHT],
            C[GATEWAY_ROW], C[GATEWAY_COLUMN],
        )  # fmt: skip
        if vs == 0:
            A[C[WANT] + channel] = port
        else:
            link = router * 8 + port
            vc = _output_vc(
                C[VC_POLICY], local & ((1 << vs) - 1), local >> vs, port, A[C[CROSSES] + link] != 0,
                A[C[WRAPS] + link] != 0,
            )  # fmt: skip
            A[C[WANT] + channel] = (port << vs) + vc
    out = A[C[WANT] + channel]
    B[C[REQUESTS] + (router << (3 + vs)) + out] |= 1 << local
    B[C[ASKED] + router] |= 1 << out


@njit(cache=True, _nrt=False, forceinline=True)
def arrive_flit(C: Array, A: Array, B: Array, K: Array, channel: int, flit: int, now: int) -> None:
    """A flit reaches an input channel of a router."""
    vs = C[VSHIFT]
    router = channel >> (3 + vs)
    port = channel >> vs
    n = A[C[LENGTH] + channel]
    A[C[FIFO] + channel * C[RING] + ((A[C[FIRST] + channel] + n) & (C[RING] - 1))] = flit
    A[C[LENGTH] + channel] = n + 1
    A[C[HELD] + port] += 1
    if A[C[HELD] + port] > A[C[PEAK] + port]:
        A[C[PEAK] + port] = A[C[HELD] + port]
    if n == 0:
        new_front(C, A, B, K, router, channel - (router << (3 + vs)), now)
    activate(C, A, B, router)


@njit(cache=True, _nrt=False, forceinline=True)
def arrive_credit(C: Array, A: Array, B: Array, channel: int) -> None:
    """A credit reaches an output channel of a router."""
    vs = C[VSHIFT]
    router = channel >> (3 + vs)
    bit = 1 << (channel - (router << (3 + vs)))
    A[C[CREDITS] + channel] += 1
    B[C[CREDITED] + router] |= bit
    if B[C[ASKED] + router] & bit:
        activate(C, A, B, router)


@njit(cache=True, _nrt=False, forceinline=True)
def pop(C: Array, A: Array, B: Array, K: Array, router: int, local: int, now: int) -> int:
    """Take the front flit of a channel and send its slot's credit upstream."""
    vs = C[VSHIFT]
    channel = (router << (3 + vs)) + local
    first = A[C[FIRST] + channel]
    flit = A[C[FIFO] + channel * C[RING] + first]
    A[C[FIRST] + channel] = (first + 1) & (C[RING] - 1)
    A[C[LENGTH] + channel] -= 1
    out = A[C[WANT] + channel]
    slot = (router << (3 + vs)) + out
    B[C[REQUESTS] + slot] &= ~(1 << local)
    if B[C[REQUESTS] + slot] == 0:
        B[C[ASKED] + router] &= ~(1 << out)
    port = channel >> vs
    A[C[HELD] + port] -= 1
    post_credit(C, A, B, now + A[C[BACK_LATENCY] + port], A[C[BACK] + port] + channel - (port << vs))
    if A[C[LENGTH] + channel] > 0:
        new_front(C, A, B, K, router, local, now + 1)
    return flit


@njit(cache=True, _nrt=False, forceinline=True)
def move(C: Array, A: Array, B: Array, K: Array, router: int, local: int, now: int) -> None:
    """Send the front flit of a channel on."""
    vs = C[VSHIFT]
    base = router << (3 + vs)
    out = A[C[WANT] + base + local]
    link = router * 8 + (out >> vs)
    B[C[BLOCKED] + link] += now - B[C[SINCE] + base + local]
    flit = pop(C, A, B, K, router, local, now)
    A[C[OWNER] + base + out] = -1 if (flit & 15) == C[FLITS] - 1 else local
    A[C[CREDITS] + base + out] -= 1
    if A[C[CREDITS] + base + out] == 0:
        B[C[CREDITED] + router] &= ~(1 << out)
    B[C[FREE_AT] + link] = now + A[C[INTERVAL] + link]
    B[C[PORT_FLITS] + link] += 1
    if vs > 0:
        A[C[VC_POINTER] + router * 8 + (local >> vs)] = _advance(local & ((1 << vs) - 1), C[VCS])
    post_flit(C, A, B, now + A[C[LATENCY] + link], A[C[DESTINATION] + link] + (out & ((1 << vs) - 1)), flit)


@njit(cache=True, _nrt=False, forceinline=True)
def movable(C: Array, A: Array, B: Array, router: int, out: int, now: int) -> int:
    """Mask of local input channels whose front flit could go to ``out`` now."""
    vs = C[VSHIFT]
    base = router << (3 + vs)
    if now < B[C[FREE_AT] + router * 8 + (out >> vs)]:
        return 0
    mask = B[C[REQUESTS] + base + out]
    owner = A[C[OWNER] + base + out]
    if owner >= 0:
        mask &= 1 << owner
    if C[DROP_AFTER]:
        mask &= ~B[C[DROPPING] + router]
        for local in range(C[N_PORTS] << vs):
            if mask >> local & 1 and B[C[SINCE] + base + local] > now:
                mask &= ~(1 << local)
    return mask


@njit(cache=True, _nrt=False, forceinline=True)
def propose(C: Array, A: Array, B: Array, router: int, now: int, by_port: Array, chosen: Array) -> int:
    """Which inputs ask for which output port; returns the mask of output ports asked for.

    ``by_port[o]`` becomes a mask of input ports, ``chosen[i]`` the local channel input ``i`` proposes.
    """
    vs = C[VSHIFT]
    ready = B[C[ASKED] + router] & B[C[CREDITED] + router]
    outputs = 0
    if vs == 0:
        for out in range(C[N_PORTS]):
            if ready >> out & 1:
                mask = movable(C, A, B, router, out, now)
                by_port[out] = mask
                if mask:
                    outputs |= 1 << out
        for port in range(C[N_PORTS]):
            chosen[port] = port
        return outputs
    eligible = 0
    for out in range(C[N_PORTS] << vs):
        if ready >> out & 1:
            eligible |= movable(C, A, B, router, out, now)
    for port in range(C[N_PORTS]):
        by_port[port] = 0
    for port in range(C[N_PORTS]):
        vcs = eligible >> (port << vs) & ((1 << (1 << vs)) - 1)
        if vcs:
            local = (port << vs) + _pick(C[POLICY], vcs, A[C[VC_POINTER] + router * 8 + port])
            out_port = A[C[WANT] + (router << (3 + vs)) + local] >> vs
            chosen[port] = local
            by_port[out_port] |= 1 << port
            outputs |= 1 << out_port
    return outputs


@njit(cache=True, _nrt=False, forceinline=True)
def step_router(
    C: Array, A: Array, B: Array, K: Array, router: int, now: int,
    by_port: Array, chosen: Array, winners: Array,
) -> None:  # fmt: skip
    """One router's STEP."""
    if C[DROP_AFTER]:
        discard(C, A, B, K, router, now)
    outputs = propose(C, A, B, router, now, by_port, chosen)
    if outputs and C[POLICY] == _ONE_WINNER:
        port = _pick(C[POLICY], outputs, A[C[ROUTER_POINTER] + router])
        A[C[ROUTER_POINTER] + router] = _advance(port, C[N_PORTS])
        outputs = 1 << port
    n = 0
    for port in range(C[N_PORTS]):
        if outputs >> port & 1:
            link = router * 8 + port
            winner = A[C[PICK] + A[C[PORT_POINTER] + link] * 256 + by_port[port]]
            A[C[PORT_POINTER] + link] = _advance(winner, C[N_PORTS])
            winners[n] = chosen[winner]
            n += 1
    for k in range(n):
        move(C, A, B, K, router, winners[k], now)
    if C[DROP_AFTER]:
        give_up(C, A, B, router, now)


@njit(cache=True, _nrt=False)
def step_routers(
    C: Array, A: Array, B: Array, K: Array, now: int,
    by_port: Array, chosen: Array, winners: Array,
) -> None:  # fmt: skip
    """STEP of every active router; those with nothing to grant fall asleep."""
    n, keep = B[C[N_ACTIVE]], 0
    for k in range(n):
        router = A[C[ACTIVE] + k]
        step_router(C, A, B, K, router, now, by_port, chosen, winners)
        awake = B[C[ASKED] + router] & B[C[CREDITED] + router]
        if awake or (C[DROP_AFTER] and B[C[ASKED] + router]):
            A[C[ACTIVE] + keep] = router
            keep += 1
        else:
            A[C[IS_ACTIVE] + router] = 0
    B[C[N_ACTIVE]] = keep


@njit(cache=True, _nrt=False)
def discard(C: Array, A: Array, B: Array, K: Array, router: int, now: int) -> None:
    """Throw away one flit of each packet that was given up here, up to its tail."""
    base = router << (3 + C[VSHIFT])
    for local in range(C[N_PORTS] << C[VSHIFT]):
        if B[C[DROPPING] + router] >> local & 1 and A[C[LENGTH] + base + local]:
            flit = pop(C, A, B, K, router, local, now)
            if (flit & 15) == C[FLITS] - 1:
                B[C[DROPPING] + router] &= ~(1 << local)
                B[C[DROPPED]] += 1


@njit(cache=True, _nrt=False)
def give_up(C: Array, A: Array, B: Array, router: int, now: int) -> None:
    """Mark packets whose head waited too long."""
    base = router << (3 + C[VSHIFT])
    for local in range(C[N_PORTS] << C[VSHIFT]):
        channel = base + local
        if A[C[LENGTH] + channel] == 0 or B[C[DROPPING] + router] >> local & 1:
            continue
        flit = A[C[FIFO] + channel * C[RING] + A[C[FIRST] + channel]]
        if flit & 15 == 0 and now - B[C[SINCE] + channel] >= C[DROP_AFTER]:
            B[C[DROPPING] + router] |= 1 << local


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
