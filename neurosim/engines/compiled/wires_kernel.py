"""The wires, compiled: a wheel of the messages of cycles to come, and where records lie.

``C``, ``A`` and ``B`` are the tuple and the int32 and int64 views of layout FABRIC in all kernels of the
network; ``K`` are the packets' addresses.  ``router_at`` and a channel's ``input_at`` or ``output_at`` are
where a record starts in ``A``; ``x >> 1`` is the same place in ``B``.
"""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.fabric_places import (
    CHANNEL_SHIFT,
    CREDIT,
    FIRST,
    FLIT,
    IN_WHEEL,
    IS_FAR,
    N_CREDITS,
    N_FLITS,
    ROUTER_SHIFT,
    ROUTERS,
    SLOT_SHIFT,
    VSHIFT,
    WHEEL,
)
from neurosim.engines.compiled.jit import inlined, prefetch
from neurosim.engines.compiled.layout import FABRIC, INDEX

Array = Any
AHEAD = 6  # messages; more or fewer changes little
_PLAIN = FABRIC.size


@inlined
def has_trees(C: Array) -> bool:
    """Whether there is multicast: known when a kernel is compiled, by the length of the tuple.

    To ask at run time took a tenth of the speed of everything else (measured).
    """
    return len(C) > _PLAIN


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
def put_flit(C: Array, A: Array, at: int, to: int, flit: int) -> None:
    """As :func:`post_flit`, for who counts the messages on the wheel himself."""
    slot = at & (C[WHEEL] - 1)
    count_at = (C[N_FLITS] + slot) & INDEX
    n = A[count_at]
    place = (C[FLIT] + 2 * ((slot << C[SLOT_SHIFT]) + n)) & INDEX
    A[place] = to
    A[place + 1] = flit
    A[count_at] = n + 1


@inlined
def put_credit(C: Array, A: Array, at: int, to: int) -> None:
    """As :func:`post_credit`, for who counts the messages on the wheel himself."""
    slot = at & (C[WHEEL] - 1)
    count_at = (C[N_CREDITS] + slot) & INDEX
    n = A[count_at]
    A[(C[CREDIT] + (slot << C[SLOT_SHIFT]) + n) & INDEX] = to
    A[count_at] = n + 1


@inlined
def post_flit(C: Array, A: Array, B: Array, at: int, to: int, flit: int) -> None:
    """Put a flit on the wheel for cycle ``at``."""
    put_flit(C, A, at, to, flit)
    B[C[IN_WHEEL]] += 1


@inlined
def post_credit(C: Array, A: Array, B: Array, at: int, to: int) -> None:
    """Put a credit on the wheel for cycle ``at``."""
    put_credit(C, A, at, to)
    B[C[IN_WHEEL]] += 1


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
