"""Alarms, compiled: when a core wants to be looked at again.

The next ``HORIZON`` cycles are a ring of bits, a word per cycle and 64 cores, and a bit per cycle that has
any; later alarms lie in a heap as ``cycle << CORE_BITS | core``.  A core's record says which of its alarms
counts: the earliest; others are passed over when their time comes.
"""

from __future__ import annotations

from typing import Any

from neurosim.engines.compiled import layout
from neurosim.engines.compiled.core_places import ALARM, HORIZON, N_CORES, N_HEAP, RUN
from neurosim.engines.compiled.jit import inlined, inner, lowest_set
from neurosim.engines.compiled.record_kernel import core_record, wake

Array = Any
_at = layout.CORES.place
INDEX = layout.INDEX
HEAP = _at("HEAP")
ALARM_BITS, ALARM_CYCLES, ALARM_WORDS = _at("ALARM_BITS"), _at("ALARM_CYCLES"), _at("ALARM_WORDS")
CORE_BITS = 20  # an alarm is cycle << CORE_BITS | core


@inlined
def push_alarm(D: Array, Q: Array, core: int, at: int, now: int) -> None:
    """Wake ``core`` in cycle ``at``, unless it has an earlier alarm anyway."""
    alarm_at = (core_record(D, core) >> 1) + ALARM
    pending = Q[alarm_at]
    if now < pending <= at:
        return
    Q[alarm_at] = at
    if at - now < HORIZON:
        slot = at & (HORIZON - 1)
        Q[(D[ALARM_BITS] + slot * D[ALARM_WORDS] + (core >> 6)) & INDEX] |= 1 << (core & 63)
        Q[(D[ALARM_CYCLES] + (slot >> 6)) & INDEX] |= 1 << (slot & 63)
        return
    child = Q[D[RUN] + N_HEAP]
    Q[D[RUN] + N_HEAP] = child + 1
    heap, value = D[HEAP], at << CORE_BITS | core
    while child > 0:
        parent = (child - 1) >> 1
        if Q[heap + parent] <= value:
            break
        Q[heap + child] = Q[heap + parent]
        child = parent
    Q[heap + child] = value


@inlined
def ring(D: Array, P: Array, Q: Array, now: int) -> None:
    """Wake everybody whose near alarm is for this cycle."""
    slot = now & (HORIZON - 1)
    cycles_at = (D[ALARM_CYCLES] + (slot >> 6)) & INDEX
    if Q[cycles_at] >> (slot & 63) & 1 == 0:
        return
    Q[cycles_at] &= ~(1 << (slot & 63))
    for word in range(D[ALARM_WORDS]):
        bits_at = (D[ALARM_BITS] + slot * D[ALARM_WORDS] + word) & INDEX
        bits = Q[bits_at]
        Q[bits_at] = 0
        while bits:
            core = word * 64 + lowest_set(bits)
            bits &= bits - 1
            if Q[(core_record(D, core) >> 1) + ALARM] == now:
                wake(D, P, Q, core)


@inner
def is_due(D: Array, Q: Array, slot: int, at: int) -> bool:
    """Whether an alarm of ``slot`` still counts; others were overtaken by earlier ones."""
    for word in range(D[ALARM_WORDS]):
        bits = Q[(D[ALARM_BITS] + slot * D[ALARM_WORDS] + word) & INDEX]
        while bits:
            core = word * 64 + lowest_set(bits)
            bits &= bits - 1
            if Q[(core_record(D, core) >> 1) + ALARM] == at:
                return True
    return False


@inner
def next_near_alarm(D: Array, Q: Array, now: int) -> int:
    """Cycle of the earliest near alarm that still counts, or -1; what does not count before it is removed."""
    start = (now + 1) & (HORIZON - 1)
    after = -1 << (start & 63)  # the bits from the start on
    for turn in range(HORIZON // 64 + 1):
        word = ((start >> 6) + turn) & (HORIZON // 64 - 1)
        bits = Q[(D[ALARM_CYCLES] + word) & INDEX]
        if turn == 0:
            bits &= after
        elif turn == HORIZON // 64:
            bits &= ~after
        while bits:
            slot = word * 64 + lowest_set(bits)
            bits &= bits - 1
            at = now + 1 + ((slot - start) & (HORIZON - 1))
            if is_due(D, Q, slot, at):
                return at
            for place in range(D[ALARM_WORDS]):
                Q[(D[ALARM_BITS] + slot * D[ALARM_WORDS] + place) & INDEX] = 0
            Q[(D[ALARM_CYCLES] + word) & INDEX] &= ~(1 << (slot & 63))
    return -1


@inlined
def pop_alarm(D: Array, Q: Array) -> int:
    """Remove and return the earliest alarm."""
    heap = D[HEAP]
    top = Q[heap]
    n = Q[D[RUN] + N_HEAP] - 1
    Q[D[RUN] + N_HEAP] = n
    value = Q[heap + n]
    hole = 0
    while 2 * hole + 1 < n:
        child = 2 * hole + 1
        if child + 1 < n and Q[heap + child + 1] < Q[heap + child]:
            child += 1
        if value <= Q[heap + child]:
            break
        Q[heap + hole] = Q[heap + child]
        hole = child
    Q[heap + hole] = value
    return top


@inlined
def next_alarm(D: Array, Q: Array) -> int:
    """Cycle of the earliest alarm that still counts, or -1."""
    while Q[D[RUN] + N_HEAP]:
        top = Q[D[HEAP]]
        if Q[(core_record(D, top & ((1 << CORE_BITS) - 1)) >> 1) + ALARM] == top >> CORE_BITS:
            return top >> CORE_BITS
        pop_alarm(D, Q)
    return -1


@inner
def compact_alarms(D: Array, Q: Array, now: int) -> None:
    """Throw away alarms that were overtaken by earlier ones."""
    Q[D[RUN] + N_HEAP] = 0
    for core in range(D[N_CORES] + 1):
        alarm_at = (core_record(D, core) >> 1) + ALARM
        at = Q[alarm_at]
        if at > now:
            Q[alarm_at] = 0
            push_alarm(D, Q, core, at, now)
