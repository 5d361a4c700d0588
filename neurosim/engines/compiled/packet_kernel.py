"""Packets, compiled: they set out, become one per leaf where they come from a tree, and arrive."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.tree_table import FIRST_TREE
from neurosim.engines.compiled.core_places import (
    ADDRESS,
    ARRIVED,
    LEAF_AXON,
    LEAF_CORE,
    LEAF_FIRST,
    LOG_ARRIVED,
    LOG_PACKETS,
    N_LOG,
    N_OVER,
    PK_AXON,
    PK_ENDED,
    PK_INJECT,
    PK_LEAVES,
    PK_LOG,
    PK_NUMBER,
    PK_SOURCE,
    PK_STEP,
    PK_TARGET,
    RUN,
    TRACE,
)
from neurosim.engines.compiled.jit import RULES, inlined, inner
from neurosim.engines.compiled.record_kernel import free_place, log_packet, note_packet, packet_record
from neurosim.engines.compiled.wires_kernel import has_trees

Array = Any
_find_exception = RULES.find_exception


@inlined
def open_row(
    D: Array, Q: Array, Log: Array, step: int, source: int, target: int, axon: int, inject: int
) -> None:
    """A row of the packet log, of a packet that has not arrived."""
    row = Q[D[RUN] + N_LOG]
    Log[row, 0], Log[row, 1], Log[row, 2] = step, source, target
    Log[row, 3], Log[row, 4], Log[row, 5] = axon, inject, -1
    Q[D[RUN] + N_LOG] = row + 1


@inlined
def first_leaf(D: Array, P: Array, target: int) -> tuple[int, int]:
    """The first leaf of the tree that ``target`` names, and that after its last."""
    at = D[LEAF_FIRST] + FIRST_TREE - target
    return int64(P[at]), int64(P[at + 1])


@inlined
def packets_to(C: Array, D: Array, P: Array, target: int) -> int:
    """How many packets one to ``target`` counts as: one, but with a tree one per leaf."""
    if has_trees(C) and target < HOST:
        first, last = first_leaf(D, P, target)
        return last - first
    return 1


@inlined
def address_of(C: Array, D: Array, P: Array, target: int) -> int:
    """The address of packets to ``target``, a core, the host or a tree."""
    if has_trees(C) and target < HOST:
        return target
    return P[D[ADDRESS] + target + 1]


@inner
def open_leaves(D: Array, P: Array, Q: Array, Log: Array, packet: int) -> None:
    """A packet to a tree sets out: count its leaves and, if packets are logged, open a row for each."""
    packet_at = packet_record(D, packet)
    first, last = first_leaf(D, P, P[packet_at + PK_TARGET])
    P[packet_at + PK_LEAVES] = last - first
    P[packet_at + PK_LOG] = Q[D[RUN] + N_LOG]
    if D[LOG_PACKETS]:
        for leaf in range(first, last):
            open_row(
                D, Q, Log, P[packet_at + PK_STEP], P[packet_at + PK_SOURCE], P[D[LEAF_CORE] + leaf],
                P[packet_at + PK_AXON] + P[D[LEAF_AXON] + leaf], Q[(packet_at >> 1) + PK_INJECT],
            )  # fmt: skip


@inner
def land(D: Array, P: Array, Q: Array, packet: int, core: int) -> int:
    """What ``packet``, of a tree, is at leaf ``core``: a packet of its own, at the last leaf the same."""
    packet_at = own_at = packet_record(D, packet)
    first, last = first_leaf(D, P, P[packet_at + PK_TARGET])
    leaf = _find_exception(P, D[LEAF_CORE] + first, D[LEAF_CORE] + last, core) - D[LEAF_CORE]
    P[packet_at + PK_LEAVES] -= 1
    if P[packet_at + PK_LEAVES]:
        packet = free_place(D, P, Q)
        own_at = packet_record(D, packet)
        for word in (PK_STEP, PK_SOURCE, PK_NUMBER):
            P[own_at + word] = P[packet_at + word]
        Q[(own_at >> 1) + PK_INJECT] = Q[(packet_at >> 1) + PK_INJECT]
    P[own_at + PK_TARGET] = core
    P[own_at + PK_AXON] = P[packet_at + PK_AXON] + P[D[LEAF_AXON] + leaf]
    P[own_at + PK_LOG] = P[packet_at + PK_LOG] + leaf - first
    P[own_at + PK_ENDED] = 0
    return packet


@inlined
def new_packet(
    C: Array, D: Array, P: Array, Q: Array, K: Array, Log: Array, address: int, axon: int, step: int,
    source: int, target: int, inject: int, number: int,
) -> int:  # fmt: skip
    """A packet, its sender's ``number``-th, from the free list; if packets are logged, open its row."""
    packet = free_place(D, P, Q)
    packet_at = packet_record(D, packet)
    K[packet] = address
    P[packet_at + PK_AXON] = axon
    P[packet_at + PK_STEP] = step
    P[packet_at + PK_SOURCE] = source
    P[packet_at + PK_TARGET] = target
    Q[(packet_at >> 1) + PK_INJECT] = inject
    if has_trees(C) and target < HOST:
        open_leaves(D, P, Q, Log, packet)
    elif D[LOG_PACKETS]:
        P[packet_at + PK_LOG] = Q[D[RUN] + N_LOG]
        open_row(D, Q, Log, step, source, target, axon, inject)
    if D[TRACE]:
        note_packet(D, P, K, packet, axon, step, source, target, number)
    return packet


@inlined
def packet_arrived(
    D: Array, P: Array, Q: Array, Log: Array, Hist: Array, Over: Array, packet: int, now: int
) -> None:
    """A packet's tail reached its receiver."""
    packet_at = packet_record(D, packet)
    journey = now - Q[(packet_at >> 1) + PK_INJECT]
    if journey < len(Hist):
        Hist[journey] += 1
    else:
        Over[Q[D[RUN] + N_OVER]] = journey
        Q[D[RUN] + N_OVER] += 1
    Q[D[RUN] + ARRIVED] += 1
    if D[LOG_PACKETS]:
        Log[P[packet_at + PK_LOG], 5] = now
    if D[TRACE]:
        P[packet_at + PK_ENDED] = 1
        log_packet(D, P, Q, packet, now, LOG_ARRIVED)
