"""State of all routers and links for the compiled kernel, built from the fabric.

Index conventions: a router has 8 ports, a port V channels, the power of two at or above the number of
virtual channels (shift, not divide); *channel* ``(router * 8 + port) * V + vc`` names an input FIFO or an
output link, depending on the field; *local* channel ``port * V + vc`` is its number within the router, a bit
in a mask.  A flit is ``packet * 16 + index``; a packet's *address* is its goal's x, y and exit port in one
integer (``COORDINATE_BITS`` each), because looking coordinates up touches one more cache line per hop.
The address of a packet to a multicast tree is what a target table calls the tree, below 0.

Messages in flight lie in a wheel, one slot per future cycle: flits as (destination, flit), credits as
destination.  Destinations below ``n_channels`` are routers' channels, above it endpoints:
``n_channels + endpoint * V + vc``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.engines.compiled.layout import FABRIC, FIFO_AT, State
from neurosim.engines.trace import DRAIN_ROWS, RAW
from neurosim.fabric.topology import TO_CORE, TO_HOST, Fabric
from neurosim.rules import arbiter, routing

STRIDE = 8
COORDINATE_BITS = 12  # 4,096 x 4,096 tiles
CROSSES, WRAPS = 1, 2  # bits of LINK_KIND
NEAR_BYTES = 1 << 20
"""Above this much state, more than an inner cache holds, kernels ask for lines before they need them."""
FIXED_VC = 4  # bit of TABLE_OUT from which on the VC stands, plus 1
Array = NDArray[Any]


def power_of_two(at_least: int) -> int:
    """The smallest power of two that is not below ``at_least``."""
    size = 1
    while size < at_least:
        size *= 2
    return size


def vc_stride(fabric: Fabric) -> int:
    """Channels per port in the kernel's numbering: a power of two."""
    return power_of_two(fabric.n_vcs)


def pick_table(policy: int) -> Array:
    """The arbiter's rule for up to 8 requesters, by pointer and mask."""
    table = np.zeros(STRIDE * 256, np.int32)
    for pointer in range(STRIDE):
        for mask in range(1, 256):
            table[pointer * 256 + mask] = arbiter.pick(policy, mask, pointer)
    return table


def build_state(
    fabric: Fabric, endpoints: dict[int, int], sink_flits: int, trace_slots: int = 0
) -> State:
    """Fresh state of ``fabric``.

    ``endpoints`` maps core numbers (and HOST) to endpoint numbers; ``sink_flits`` is the depth of a
    core's receive FIFO per VC.  With ``trace_slots``, the number of packets that can be in flight, every
    flit that moves is logged; what a row says of its packet then lies behind the addresses, as rows of so
    many.
    """
    chip, n, v = fabric.chip, fabric.n_routers, vc_stride(fabric)
    channels = n * STRIDE * v
    ring = power_of_two(chip.router.buffer_flits)
    wheel = power_of_two(_horizon(fabric) + 1)
    slots = wheel_slots(fabric, n, len(endpoints))
    tiles = np.arange(n)
    sizes = {
        "ACTIVE": -(-n // 64), "ACTIVE_WORDS": -(-n // 4096), "FLIT": 2 * wheel * slots,
        "N_FLITS": wheel, "CREDIT": wheel * slots, "N_CREDITS": wheel, "N_ACTIVE": 1, "IN_WHEEL": 1,
        "DROPPED": 1, "N_LOST": 1, "N_FULL": 1,
        "LOST": channels if chip.router.drop_after_cycles else 0,
    }  # fmt: skip
    fields: dict[str, Array] = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    fields |= _port_tables(fabric, endpoints, channels) | _route_tables(fabric)
    fields |= _tree_tables(fabric, channels) | {
        "X": tiles % fabric.width, "Y": tiles // fabric.width, "PICK": pick_table(fabric.arbiter),
        "CREDITS": _credits(fabric, endpoints, channels, sink_flits), "OWNER": np.full(channels, -1),
        "CREDITED": np.full(n, (1 << (STRIDE * v)) - 1),
    }  # fmt: skip
    drop_after = chip.router.drop_after_cycles or 0
    rows = DRAIN_ROWS + n * fabric.n_ports if trace_slots else 0  # one per port and cycle after the limit
    fields |= {"N_FLIT_LOG": np.zeros(1, np.int64), "FLIT_LOG": np.zeros(rows * len(RAW["flits"]), np.int64)}
    simple = v == 1 and not drop_after and fabric.arbiter != arbiter.ONE_WINNER_PER_ROUTER
    constants = {
        "VCS": fabric.n_vcs, "VSHIFT": v.bit_length() - 1, "RING": ring, "WHEEL": wheel,
        "SLOT_SHIFT": slots.bit_length() - 1, "N_CHANNELS": channels,
        "FLITS": chip.packet.flits, "POLICY": fabric.arbiter, "DROP_AFTER": drop_after,
        "ROUTING": fabric.routing, "VC_POLICY": fabric.vc_policy, "CHIP_WIDTH": chip.mesh.width,
        "CHIP_HEIGHT": chip.mesh.height, "WIDTH": fabric.width, "HEIGHT": fabric.height,
        "GATEWAY_ROW": fabric.gateway_row, "GATEWAY_COLUMN": fabric.gateway_column,
        "N_PORTS": fabric.n_ports, "DEPTH": chip.router.buffer_flits,
        "IS_SIMPLE": int(simple), "ROUTER_SHIFT": 4, "HAS_TREES": int(fabric.trees is not None),
        "TRACE_SLOTS": trace_slots, "FLIT_LIMIT": DRAIN_ROWS,
        "N_ACTIVE_WORDS": -(-n // 4096), "CHANNEL_SHIFT": power_of_two(FIFO_AT + ring).bit_length() - 1,
    }  # fmt: skip
    constants["IS_FAR"] = int(channels << constants["CHANNEL_SHIFT"] + 2 > NEAR_BYTES)
    state = State(FABRIC, constants, fields, {"ROUTERS": n, "CHANNELS": channels})
    if fabric.trees is not None:
        state.tuple += (1,)  # another length, another type: see `wires_kernel.has_trees`
    return state


def wheel_slots(fabric: Fabric, n_routers: int, n_endpoints: int, crossing: int = 0) -> int:
    """Room for one cycle's flits, or credits: of all ports of routers, endpoints and ``crossing`` links.

    A port sends one flit or credit a cycle, but a router that gives packets up frees a slot of every VC.
    """
    per_port = fabric.n_vcs if fabric.chip.router.drop_after_cycles else 1
    at_endpoints = n_endpoints * (1 + fabric.chip.packet.flits)
    return power_of_two((n_routers * fabric.n_ports + crossing) * per_port + at_endpoints + 1)


def _horizon(fabric: Fabric) -> int:
    """The longest time that any message is under way."""
    chip = fabric.chip
    host = (chip.host.latency_cycles, chip.host.credit_cycles) if chip.host else ()
    return max(
        int(fabric.latency.max()), int(fabric.credit_latency.max()), chip.router.injection_cycles, *host
    )


def _port_tables(fabric: Fabric, endpoints: dict[int, int], n_channels: int) -> dict[str, Array]:
    """Wiring by channel; what belongs to a port stands at each of its channels."""
    v, shape = vc_stride(fabric), (fabric.n_routers, STRIDE)
    names = ("DESTINATION", "LATENCY", "INTERVAL", "BACK", "BACK_LATENCY", "LINK_KIND")
    tables = {name: np.zeros(shape, np.int64) for name in names}
    for name in ("LATENCY", "INTERVAL"):
        tables[name][:, : fabric.n_ports] = getattr(fabric, name.lower())
    tables["LINK_KIND"][:, : fabric.n_ports] = fabric.crosses * CROSSES + fabric.wraps * WRAPS
    tables["DESTINATION"][:] = tables["BACK"][:] = -v
    router, port = np.nonzero(fabric.target >= 0)
    target, in_port = fabric.target[router, port], fabric.target_port[router, port]
    tables["DESTINATION"][router, port] = (target * STRIDE + in_port) * v
    tables["BACK"][target, in_port] = (router * STRIDE + port) * v
    tables["BACK_LATENCY"][target, in_port] = fabric.credit_latency[router, port]
    for core, endpoint in endpoints.items():
        at = fabric.tile_of(core), fabric.port_of(core)
        assert fabric.target[at] == (TO_HOST if core == HOST else TO_CORE)
        tables["DESTINATION"][at] = tables["BACK"][at] = n_channels + endpoint * v
        tables["BACK_LATENCY"][at] = fabric.credit_latency[at]
    channels = {name: np.repeat(table.reshape(-1), v) for name, table in tables.items()}
    for name in ("DESTINATION", "BACK"):
        channels[name] += np.tile(np.arange(v), shape[0] * STRIDE)
    return channels


def _route_tables(fabric: Fabric) -> dict[str, Array]:
    """The routing table by router."""
    first, last = fabric.first_entry[:-1], fabric.first_entry[1:]
    has_any = first < last
    spans = {"TABLE_FIRST": np.where(has_any, first, 0), "TABLE_LAST": np.where(has_any, last, 0)}
    if fabric.table is None:
        none = np.zeros(0, np.int64)
        return {**spans, "TABLE_GOAL": none, "TABLE_OUT": none}
    goal, vc = fabric.table.goal, fabric.table.vc
    out = fabric.table.port | (vc - routing.BY_POLICY) << FIXED_VC
    return {**spans, "TABLE_GOAL": _pack_xy(goal % fabric.width, goal // fabric.width), "TABLE_OUT": out}


def _tree_tables(fabric: Fabric, n_channels: int) -> dict[str, Array]:
    """What routers do with packets to trees, by router, and what the fronts of channels owe: nothing yet."""
    spans = {"TREE_FIRST": fabric.first_branching[:-1], "TREE_LAST": fabric.first_branching[1:]}
    none = np.zeros(0, np.int64)
    if fabric.trees is None:
        return {**spans, "TREE_GOAL": none, "TREE_PORTS": none, "OWED": none}
    owed = np.zeros(n_channels, np.int64)
    return {**spans, "TREE_GOAL": fabric.trees.tree, "TREE_PORTS": fabric.trees.ports, "OWED": owed}


def _credits(
    fabric: Fabric, endpoints: dict[int, int], n_channels: int, sink_flits: int
) -> Array:
    credits = np.full(n_channels, fabric.chip.router.buffer_flits)
    for core in endpoints:
        if core != HOST:
            first = (fabric.tile_of(core) * STRIDE + fabric.port_of(core)) * vc_stride(fabric)
            credits[first : first + vc_stride(fabric)] = sink_flits
    return credits


def by_port(fabric: Fabric, by_channel: Array) -> NDArray[np.int64]:
    """A port's field, which stands in the record of its channel 0, as (routers, ports)."""
    ports = by_channel.reshape(fabric.n_routers, STRIDE, -1)[:, : fabric.n_ports, 0]
    return ports.astype(np.int64)


def pack_address(fabric: Fabric, core: int) -> int:
    """Where a core (or HOST) is, as :func:`~neurosim.engines.compiled.route_kernel.route` reads it."""
    x, y = fabric.xy(fabric.tile_of(core))
    return int(_pack_xy(x, y)) | fabric.port_of(core) << 2 * COORDINATE_BITS


def _pack_xy(x: Any, y: Any) -> Any:
    """A tile as an address has it; ascends as tile numbers do."""
    return x | y << COORDINATE_BITS
