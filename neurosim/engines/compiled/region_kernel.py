"""Raw traffic in regions, compiled: what one thread does.

A region's tuple ``C`` differs from another's only in where its wheel and its list of active routers
lie, so the functions of :mod:`~neurosim.engines.compiled.traffic_kernel` step it.  What a region sends to
another lies in its own wheel until the quantum is over, then in a box by (sender, receiver), and goes on
the receiver's wheel when the next one begins.  Boxes, their counts and the regions' reports are there
twice, for quanta of even and of odd number: so one meeting per quantum is enough.
"""

from __future__ import annotations

from typing import Any

from numba import njit
from numba.np.unsafe.ndarray import to_fixed_tuple

from neurosim.engines.compiled import traffic_kernel as plain
from neurosim.engines.compiled.barrier import meet
from neurosim.engines.compiled.jit import inlined, inner
from neurosim.engines.compiled.layout import FABRIC, INDEX
from neurosim.engines.compiled.router_kernel import step_routers
from neurosim.engines.compiled.traffic_kernel import arrivals, make_due, send
from neurosim.engines.compiled.wires_kernel import next_message, post_credit, post_flit

Array = Any
NEVER = 1 << 60
# a region's progress has two entries more than the plain kernel's: the last cycle with work, and the one in
# which the last packet ended here; its NOW is the end of the quantum
WORKED, ENDED = 6, 7
# what a region reports after a quantum: packets that ended, its next cycle with work or NEVER
N_ENDED, NEXT = 0, 1
# places in the array of the barrier, a cache line from its counter: what all threads decided last
UPCOMING, PARITY = 8, 9

_N_TUPLE = FABRIC.size
_NOW, _NEXT_DUE, _ARRIVED, _N_BUSY = plain.NOW, plain.NEXT_DUE, plain.ARRIVED, plain.N_BUSY
_DONE, _STALLED, _CHECK, _LIMIT = plain.DONE, plain.STALLED, plain.CHECK, plain.LIMIT
WHEEL = FABRIC.place("WHEEL")
SLOT_SHIFT = FABRIC.place("SLOT_SHIFT")
VSHIFT = FABRIC.place("VSHIFT")
N_CHANNELS = FABRIC.place("N_CHANNELS")
N_ACTIVE = FABRIC.place("N_ACTIVE")
IN_WHEEL = FABRIC.place("IN_WHEEL")
DROPPED = FABRIC.place("DROPPED")
FLIT = FABRIC.place("FLIT")
N_FLITS = FABRIC.place("N_FLITS")
CREDIT = FABRIC.place("CREDIT")
N_CREDITS = FABRIC.place("N_CREDITS")


@inner
def _next_cycle(C: Array, A: Array, B: Array, cycle: Array, progress: Array) -> int:
    """The region's next cycle with work, NEVER if there is none."""
    if B[C[N_ACTIVE]] or progress[_N_BUSY]:
        return progress[_NOW] + 1
    upcoming = next_message(C, A, B, progress[_NOW])
    p = progress[_NEXT_DUE]
    if p < len(cycle) and (upcoming < 0 or cycle[p] < upcoming):
        upcoming = cycle[p]
    return upcoming if upcoming >= 0 else NEVER


@inner
def _advance(
    C: Array, A: Array, B: Array, K: Array, S: Array, source: Array, cycle: Array, order: Array,
    arrive: Array, progress: Array, scratch: Array, injection: int, end: int,
) -> int:  # fmt: skip
    """Run a region's cycles up to ``end``, which becomes its present; returns the next with work."""
    N = len(S) // 6
    by_port, chosen, winners = scratch[0], scratch[1], scratch[2]
    now = _next_cycle(C, A, B, cycle, progress)
    while now <= end:
        progress[_NOW] = progress[WORKED] = now
        ended = progress[_ARRIVED] + B[C[DROPPED]]
        arrivals(C, A, B, K, S, arrive, progress, N, now)
        make_due(S, source, cycle, progress, N, now)
        send(C, A, B, S, order, progress, injection, N, now)
        step_routers(C, A, B, K, now, by_port, chosen, winners)
        if progress[_ARRIVED] + B[C[DROPPED]] != ended:
            progress[ENDED] = now
        now = _next_cycle(C, A, B, cycle, progress)
    progress[_NOW] = end
    return now


@inlined
def _goes_to(C: Array, region: Array, me: int, to: int) -> int:
    """The region that a message goes to; one for an endpoint stays."""
    return region[to >> (3 + C[VSHIFT])] if to < C[N_CHANNELS] else me


@inlined
def _pack(place: Array, count: Array, box: Array, other: int, at: int, to: int, flit: int) -> None:
    entry = place[other] + count[other]
    box[entry, 0], box[entry, 1], box[entry, 2] = at, to, flit
    count[other] += 1


@inner
def _take_out(
    C: Array, A: Array, B: Array, me: int, region: Array, first: int, last: int,
    place: Array, count: Array, box: Array,
) -> int:  # fmt: skip
    """Box what arrives elsewhere in cycles ``first`` to ``last``; returns the first such cycle or NEVER."""
    count[:] = 0
    soonest, gone = NEVER, 0
    for at in range(first, last + 1):
        slot = at & (C[WHEEL] - 1)
        base = slot << C[SLOT_SHIFT]
        n, m, keep = A[C[N_FLITS] + slot], A[C[N_CREDITS] + slot], 0
        for k in range(n):
            there = (C[FLIT] + 2 * (base + k)) & INDEX
            to, flit = A[there], A[there + 1]
            other = _goes_to(C, region, me, to)
            if other != me:
                _pack(place, count, box, other, at, to, flit)
            else:
                there = (C[FLIT] + 2 * (base + keep)) & INDEX
                A[there], A[there + 1] = to, flit
                keep += 1
        A[C[N_FLITS] + slot] = keep
        here = n - keep
        keep = 0
        for k in range(m):
            to = A[(C[CREDIT] + base + k) & INDEX]
            other = _goes_to(C, region, me, to)
            if other != me:
                _pack(place, count, box, other, at, to, -1)
            else:
                A[(C[CREDIT] + base + keep) & INDEX] = to
                keep += 1
        A[C[N_CREDITS] + slot] = keep
        here += m - keep
        gone += here
        if here and soonest == NEVER:
            soonest = at
    B[C[IN_WHEEL]] -= gone
    return soonest


@inner
def _put_in(C: Array, A: Array, B: Array, me: int, place: Array, counts: Array, box: Array) -> None:
    """Put what the others sent on the wheel of region ``me``, in order of sender."""
    for other in range(len(place)):
        first = place[other, me]
        for entry in range(first, first + counts[other, me]):
            at, to, flit = box[entry, 0], box[entry, 1], box[entry, 2]
            if flit >= 0:
                post_flit(C, A, B, at, to, flit)
            else:
                post_credit(C, A, B, at, to)


@inner
def _decide(reports: Array, until: int, max_cycles: int, n_packets: int) -> tuple[int, int]:
    """What the plain kernel would return, or -1 to go on; and the next cycle with work."""
    ended, upcoming = 0, NEVER
    for r in range(len(reports)):
        ended += reports[r, N_ENDED]
        upcoming = min(upcoming, reports[r, NEXT])
    if ended >= n_packets:
        return _DONE, upcoming
    if upcoming == NEVER:
        return _STALLED, upcoming
    if upcoming > until:
        return _CHECK, upcoming
    return (_LIMIT if upcoming > max_cycles else -1), upcoming


@njit(cache=True, _nrt=False, nogil=True)
def run(
    thread: int, n_threads: int, barrier: Array, Cs: Array, A: Array, B: Array, K: Array, S: Array,
    source: Array, cycle: Array, first_packet: Array, order: Array, arrive: Array, progress: Array,
    scratch: Array, region: Array, place: Array, counts: Array, boxes: Array, reports: Array,
    injection: int, ahead: int, horizon: int, until: int, max_cycles: int, parity: int,
) -> int:  # fmt: skip
    """Run every ``n_threads``-th region up to ``until`` or ``max_cycles``; all threads return one status.

    Arrays by region: ``Cs`` the tuples, ``S``, ``progress`` and ``scratch`` as the plain kernel has them;
    region r's packets stand in ``source`` and ``cycle`` from ``first_packet[r]``.
    """
    meetings = 0
    while True:
        status, upcoming = _decide(reports[parity], until, max_cycles, len(arrive))
        if status >= 0:
            if thread == 0:
                barrier[UPCOMING], barrier[PARITY] = upcoming, parity
            return status
        end = min(upcoming + ahead - 1, min(until, max_cycles))
        for r in range(thread, len(Cs), n_threads):
            C = to_fixed_tuple(Cs[r], _N_TUPLE)
            a, b = first_packet[r], first_packet[r + 1]
            _put_in(C, A, B, r, place, counts[parity], boxes[parity])
            upcoming_here = _advance(
                C, A, B, K, S[r], source[a:b], cycle[a:b], order, arrive, progress[r], scratch[r],
                injection, end,
            )  # fmt: skip
            soonest = _take_out(
                C, A, B, r, region, upcoming + ahead, end + horizon, place[r], counts[1 - parity, r],
                boxes[1 - parity],
            )  # fmt: skip
            reports[1 - parity, r, N_ENDED] = progress[r, _ARRIVED] + B[C[DROPPED]]
            reports[1 - parity, r, NEXT] = min(upcoming_here, soonest)
        parity = 1 - parity
        meetings += 1
        if n_threads > 1:
            meet(barrier, n_threads, meetings)
