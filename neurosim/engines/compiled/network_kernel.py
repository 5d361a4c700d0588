"""The network's two phases, compiled: messages arrive, routers step.

The same rules, in the same order, as :mod:`neurosim.engines.reference.router`; only the bookkeeping
differs: requests are kept as bit masks that change when a FIFO's front changes, and a router is looked
at only while some requested output has a credit.  ``C``, ``A`` and ``B`` are the tuple and
the int32 and int64 views of layout FABRIC; ``K`` are the packets' addresses.  ``router_at`` and a channel's
``input_at`` or ``output_at`` are where a record starts in ``A``; ``x >> 1`` is the same place in ``B``.

With one channel per port, no giving up and an arbiter per output (``IS_SIMPLE``) an input asks for one
output and outputs do not compete, so a router's step is one walk over the outputs that can grant.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.fabric_state import COORDINATE_BITS, CROSSES, FIXED_VC, WRAPS
from neurosim.engines.compiled.jit import RULES, inlined, inner, lowest_set, prefetch
from neurosim.engines.compiled.layout import FABRIC, INDEX
from neurosim.rules import arbiter

Array = Any
_pick = RULES.pick
_advance = RULES.advance
_output_port = RULES.output_port
_output_vc = RULES.output_vc
_find_exception = RULES.find_exception
_ONE_WINNER = arbiter.ONE_WINNER_PER_ROUTER
AHEAD = 6  # messages; more or fewer changes little
_MASK = (1 << COORDINATE_BITS) - 1
_TILE_MASK = (1 << 2 * COORDINATE_BITS) - 1

ACTIVE = FABRIC.place("ACTIVE")
ACTIVE_WORDS = FABRIC.place("ACTIVE_WORDS")
N_ACTIVE_WORDS = FABRIC.place("N_ACTIVE_WORDS")
CHIP_HEIGHT = FABRIC.place("CHIP_HEIGHT")
CHIP_WIDTH = FABRIC.place("CHIP_WIDTH")
CREDIT = FABRIC.place("CREDIT")
DROPPED = FABRIC.place("DROPPED")
DROP_AFTER = FABRIC.place("DROP_AFTER")
FLIT = FABRIC.place("FLIT")
FLITS = FABRIC.place("FLITS")
FLIT_LOG = FABRIC.place("FLIT_LOG")
GATEWAY_COLUMN = FABRIC.place("GATEWAY_COLUMN")
GATEWAY_ROW = FABRIC.place("GATEWAY_ROW")
HEIGHT = FABRIC.place("HEIGHT")
CHANNEL_SHIFT = FABRIC.place("CHANNEL_SHIFT")
SLOT_SHIFT = FABRIC.place("SLOT_SHIFT")
TABLE_GOAL = FABRIC.place("TABLE_GOAL")
TABLE_OUT = FABRIC.place("TABLE_OUT")
IN_WHEEL = FABRIC.place("IN_WHEEL")
IS_FAR = FABRIC.place("IS_FAR")
IS_SIMPLE = FABRIC.place("IS_SIMPLE")
N_ACTIVE = FABRIC.place("N_ACTIVE")
LOST = FABRIC.place("LOST")
N_CREDITS = FABRIC.place("N_CREDITS")
N_FLITS = FABRIC.place("N_FLITS")
N_FLIT_LOG = FABRIC.place("N_FLIT_LOG")
N_LOST = FABRIC.place("N_LOST")
N_FULL = FABRIC.place("N_FULL")
DEPTH = FABRIC.place("DEPTH")
N_PORTS = FABRIC.place("N_PORTS")
PICK = FABRIC.place("PICK")
POLICY = FABRIC.place("POLICY")
RING = FABRIC.place("RING")
ROUTERS = FABRIC.place("ROUTERS")
ROUTER_SHIFT = FABRIC.place("ROUTER_SHIFT")
ROUTING = FABRIC.place("ROUTING")
TRACE_SLOTS = FABRIC.place("TRACE_SLOTS")
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
INTERVAL = FABRIC.word("INTERVAL")
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
TABLE_FIRST = FABRIC.word("TABLE_FIRST")
TABLE_LAST = FABRIC.word("TABLE_LAST")
VC_POINTER = FABRIC.word("VC_POINTER")
WANT = FABRIC.word("WANT")
X = FABRIC.word("X")
Y = FABRIC.word("Y")


@inlined
def router_record(C: Array, router: int) -> int:
    """Where a router's record starts."""
    return (C[ROUTERS] + (router << C[ROUTER_SHIFT])) & INDEX


@inlined
def channel_record(C: Array, channel: int) -> int:
    """Where a channel's record starts: its input's and its output's."""
    return (channel << C[CHANNEL_SHIFT]) & INDEX


@inlined
def expect_flit(C: Array, A: Array, base: int, k: int, n: int) -> None:
    """While flit ``k`` of the ``n`` at ``base`` arrives, have fetched what a later one needs."""
    if C[IS_FAR]:
        to = int64(A[(C[FLIT] + 2 * (base + min(k + AHEAD, n - 1))) & INDEX])
        prefetch(A, channel_record(C, to) + FIRST)
        prefetch(A, router_record(C, to >> (3 + C[VSHIFT])))


@inlined
def expect_credit(C: Array, A: Array, base: int, k: int, n: int) -> None:
    """The same for credits."""
    if C[IS_FAR]:
        to = int64(A[(C[CREDIT] + base + min(k + AHEAD, n - 1)) & INDEX])
        prefetch(A, channel_record(C, to))
        prefetch(A, router_record(C, to >> (3 + C[VSHIFT])))


@inlined
def _put_flit(C: Array, A: Array, at: int, to: int, flit: int) -> None:
    slot = at & (C[WHEEL] - 1)
    count_at = (C[N_FLITS] + slot) & INDEX
    n = A[count_at]
    place = (C[FLIT] + 2 * ((slot << C[SLOT_SHIFT]) + n)) & INDEX
    A[place] = to
    A[place + 1] = flit
    A[count_at] = n + 1


@inlined
def _put_credit(C: Array, A: Array, at: int, to: int) -> None:
    slot = at & (C[WHEEL] - 1)
    count_at = (C[N_CREDITS] + slot) & INDEX
    n = A[count_at]
    A[(C[CREDIT] + (slot << C[SLOT_SHIFT]) + n) & INDEX] = to
    A[count_at] = n + 1


@inlined
def post_flit(C: Array, A: Array, B: Array, at: int, to: int, flit: int) -> None:
    """Put a flit on the wheel for cycle ``at``."""
    _put_flit(C, A, at, to, flit)
    B[C[IN_WHEEL]] += 1


@inlined
def post_credit(C: Array, A: Array, B: Array, at: int, to: int) -> None:
    """Put a credit on the wheel for cycle ``at``."""
    _put_credit(C, A, at, to)
    B[C[IN_WHEEL]] += 1


@inlined
def _activate(C: Array, B: Array, router: int) -> None:
    """Look at ``router`` in this cycle's STEP."""
    word_at = (C[ACTIVE] + (router >> 6)) & INDEX
    old = B[word_at]
    new = old | 1 << (router & 63)
    B[word_at] = new
    B[(C[ACTIVE_WORDS] + (router >> 12)) & INDEX] |= 1 << (router >> 6 & 63)
    B[C[N_ACTIVE] & INDEX] += 1 if old != new else 0


@inner
def _exception(A: Array, router_at: int, goals: int, outs: int, goal: int) -> int:
    """What the routing table says at a router of packets for ``goal``, -1: nothing."""
    first, last = goals + A[router_at + TABLE_FIRST], goals + A[router_at + TABLE_LAST]
    at = _find_exception(A, first, last, goal)
    return int64(A[outs + at - goals]) if at >= 0 else int64(-1)


@inlined
def _route(C: Array, A: Array, K: Array, router: int, local: int, packet: int) -> int:
    """The local output channel that a packet's head, which came in on ``local``, goes to."""
    vs = C[VSHIFT]
    router_at = router_record(C, router)
    address = K[packet & INDEX]
    out = -1
    if A[router_at + TABLE_LAST]:
        out = _exception(A, router_at, C[TABLE_GOAL], C[TABLE_OUT], address & _TILE_MASK)
    if out < 0:
        port = _output_port(
            C[ROUTING], A[router_at + X], A[router_at + Y], address & _MASK,
            address >> COORDINATE_BITS & _MASK, address >> 2 * COORDINATE_BITS,
            C[CHIP_WIDTH], C[CHIP_HEIGHT], C[WIDTH], C[HEIGHT], C[GATEWAY_ROW], C[GATEWAY_COLUMN],
        )  # fmt: skip
    else:
        port = out & ((1 << FIXED_VC) - 1)
    if vs == 0:
        return port
    if out >= 1 << FIXED_VC:
        return (port << vs) + (out >> FIXED_VC) - 1
    kind = A[channel_record(C, (router * 8 + port) << vs) + LINK_KIND]
    vc = _output_vc(
        C[VC_POLICY], local & ((1 << vs) - 1), local >> vs, port, kind & CROSSES != 0, kind & WRAPS != 0
    )
    return (port << vs) + vc


@inlined
def _new_front(
    C: Array, A: Array, B: Array, K: Array, router: int, local: int, flit: int, now: int, asked: int
) -> int:
    """``flit`` came to the front of a channel: route a head, let a body follow; returns the new ASKED."""
    first = router << (3 + C[VSHIFT])
    input_at = channel_record(C, first + local)
    B[(input_at >> 1) + SINCE] = now
    if flit & 15 == 0:
        out = _route(C, A, K, router, local, flit >> 4)
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
        _activate(C, B, router)


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
            _activate(C, B, router)


@inlined
def _pop(
    C: Array, A: Array, B: Array, K: Array, router: int, local: int, out: int, now: int, asked: int
) -> tuple[int, int]:
    """Take the front flit, which wants ``out``, off a channel and send its slot's credit upstream.

    Returns the flit and the new ASKED.
    """
    first_channel = router << (3 + C[VSHIFT])
    input_at = channel_record(C, first_channel + local)
    first = A[input_at + FIRST]
    flit = int64(A[(input_at + FIFO + first) & INDEX])
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
    _put_credit(C, A, now + A[input_at + BACK_LATENCY], int64(A[input_at + BACK]))
    if length > 0:
        following = int64(A[(input_at + FIFO + first) & INDEX])
        asked = _new_front(C, A, B, K, router, local, following, now + 1, asked)
    return flit, asked


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
    flit, asked = _pop(C, A, B, K, router, local, out, now, asked)
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
    _put_flit(C, A, now + A[port_at + LATENCY], int64(A[output_at + DESTINATION]), flit)
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
    in the next cycle at the earliest, so inputs that moved are masked.
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
            out_port = A[channel_record(C, base + local) + WANT] >> vs
            chosen[port] = local
            by_port[out_port] |= 1 << port
            outputs |= 1 << out_port
    return outputs


@inlined
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
            winners[n] = chosen[winner]
            n += 1
    router_at = router_record(C, router) >> 1
    asked, credited = B[router_at + ASKED], B[router_at + CREDITED]
    for k in range(n):
        out = int64(A[channel_record(C, (router << (3 + vs)) + winners[k]) + WANT])
        asked, credited = _move(C, A, B, K, router, winners[k], out, now, asked, credited)
    B[router_at + ASKED], B[router_at + CREDITED] = asked, credited
    if C[DROP_AFTER]:
        _give_up(C, A, B, router, now)
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


@inner
def _discard(C: Array, A: Array, B: Array, K: Array, router: int, now: int) -> int:
    """Throw away one flit of each packet that was given up here, up to its tail; returns how many."""
    base = router << (3 + C[VSHIFT])
    dropping = (router_record(C, router) >> 1) + DROPPING
    asked_at = (router_record(C, router) >> 1) + ASKED
    n = 0
    for local in range(C[N_PORTS] << C[VSHIFT]):
        if B[dropping] >> local & 1 and A[channel_record(C, base + local) + LENGTH]:
            out = int64(A[channel_record(C, base + local) + WANT])
            flit, B[asked_at] = _pop(C, A, B, K, router, local, out, now, B[asked_at])
            n += 1
            if (flit & 15) == C[FLITS] - 1:
                B[dropping] &= ~(1 << local)
                A[C[LOST] + B[C[N_LOST]]] = flit >> 4
                B[C[N_LOST]] += 1
                B[C[DROPPED]] += 1
    return n


@inner
def _give_up(C: Array, A: Array, B: Array, router: int, now: int) -> None:
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


@inlined
def next_message(C: Array, A: Array, B: Array, now: int) -> int:
    """The next cycle after ``now`` with a message, or -1."""
    if B[C[IN_WHEEL]] == 0:
        return -1
    for ahead in range(1, C[WHEEL]):
        slot = (now + ahead) & (C[WHEEL] - 1)
        if A[C[N_FLITS] + slot] or A[C[N_CREDITS] + slot]:
            return now + ahead
    return -1


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
