"""Ways, compiled: the output channels that a packet takes at a router, by rule, routing table or tree."""

from __future__ import annotations

from typing import Any

from numpy import int64

from neurosim.engines.compiled.fabric_places import (
    CHIP_HEIGHT,
    CHIP_WIDTH,
    GATEWAY_COLUMN,
    GATEWAY_ROW,
    HEIGHT,
    LINK_KIND,
    ROUTING,
    TABLE_FIRST,
    TABLE_GOAL,
    TABLE_LAST,
    TABLE_OUT,
    TREE_FIRST,
    TREE_GOAL,
    TREE_LAST,
    TREE_PORTS,
    VC_POLICY,
    VSHIFT,
    WIDTH,
    X,
    Y,
)
from neurosim.engines.compiled.fabric_state import COORDINATE_BITS, CROSSES, FIXED_VC, WRAPS
from neurosim.engines.compiled.jit import RULES, inlined, inner, lowest_set
from neurosim.engines.compiled.layout import INDEX
from neurosim.engines.compiled.wires_kernel import channel_record, router_record

Array = Any
_output_port = RULES.output_port
_output_vc = RULES.output_vc
_find_exception = RULES.find_exception
_straight_on = RULES.straight_on
_MASK = (1 << COORDINATE_BITS) - 1
_TILE_MASK = (1 << 2 * COORDINATE_BITS) - 1


@inner
def _exception(A: Array, router_at: int, goals: int, outs: int, goal: int) -> int:
    """What the routing table says at a router of packets for ``goal``, -1: nothing."""
    first, last = goals + A[router_at + TABLE_FIRST], goals + A[router_at + TABLE_LAST]
    at = _find_exception(A, first, last, goal)
    return int64(A[outs + at - goals]) if at >= 0 else int64(-1)


@inlined
def route(C: Array, A: Array, K: Array, router: int, local: int, packet: int) -> int:
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
    return _by_vc_rule(C, A, router, local, port)


@inlined
def _by_vc_rule(C: Array, A: Array, router: int, local: int, port: int) -> int:
    """The local output channel at ``port`` for what came in on ``local``."""
    vs = C[VSHIFT]
    kind = A[channel_record(C, (router * 8 + port) << vs) + LINK_KIND]
    vc = _output_vc(
        C[VC_POLICY], local & ((1 << vs) - 1), local >> vs, port, kind & CROSSES != 0, kind & WRAPS != 0
    )
    return (port << vs) + vc


@inner
def branches(C: Array, A: Array, router: int, local: int, tree: int) -> int:
    """Mask of the local output channels for a packet to ``tree`` that came in on ``local``."""
    vs = C[VSHIFT]
    router_at = router_record(C, router)
    first, last = C[TREE_GOAL] + A[router_at + TREE_FIRST], C[TREE_GOAL] + A[router_at + TREE_LAST]
    entry = _find_exception(A, first, last, tree)
    if entry < 0:
        return 1 << _by_vc_rule(C, A, router, local, _straight_on(local >> vs))
    ports, owed = int64(A[C[TREE_PORTS] + entry - C[TREE_GOAL]]), 0
    while ports:
        owed |= 1 << _by_vc_rule(C, A, router, local, lowest_set(ports))
        ports &= ports - 1
    return owed
