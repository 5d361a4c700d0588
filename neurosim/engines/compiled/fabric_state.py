"""State of all routers and links as flat arrays, for the compiled kernel.

Index conventions: a router has 8 ports (shift, not divide); *channel* ``(router * 8 + port) * V + vc``
names an input FIFO or an output link, depending on the array; *local* channel ``port * V + vc`` is its
number within the router, a bit in a 32-bit mask.  A flit is ``packet * 16 + index``.

Messages in flight lie in a wheel of ``wheel`` slots, one per future cycle: flits as (destination, flit),
credits as destination.  Destinations below ``n_channels`` are routers' channels, above it endpoints:
``n_channels + endpoint * V + vc`` (the host is the last endpoint).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.fabric.topology import TO_CORE, TO_HOST, Fabric
from neurosim.rules import arbiter

STRIDE = 8
FLIT_SHIFT = 4

Array = NDArray[Any]


class Net(NamedTuple):
    """Everything that the network phases read and write."""

    # constants
    vcs: int
    depth: int
    ring: int  # slots of a FIFO's ring, a power of two
    wheel: int  # slots of the message wheel, a power of two
    n_channels: int
    flits: int
    policy: int
    drop_after: int  # 0: block
    routing: int
    vc_policy: int
    chip_width: int
    chip_height: int
    width: int
    height: int
    gateway_row: int
    gateway_column: int
    n_ports: int
    pick: Array  # [pointer * 256 + mask]: the arbiter's rule over ports, tabulated
    x: Array
    y: Array
    # per input channel
    fifo: Array
    first: Array
    length: Array
    want: Array  # local output channel of the front flit
    since: Array  # cycle in which the front flit came to the front
    # per output channel
    credits: Array
    owner: Array  # local input channel, or -1
    requests: Array  # mask of local input channels
    # per router
    asked: Array  # mask of local output channels with requests
    credited: Array  # mask of local output channels with credits
    dropping: Array  # mask of local input channels
    router_pointer: Array
    active: Array
    n_active: Array
    is_active: Array
    # per router and port
    free_at: Array
    vc_pointer: Array
    port_pointer: Array
    destination: Array  # of flits sent through an output port (VC 0)
    latency: Array
    interval: Array
    back: Array  # destination of credits for an input port (VC 0)
    back_latency: Array
    crosses: Array
    wraps: Array
    held: Array
    # counters per router and port
    port_flits: Array
    blocked: Array
    peak: Array
    # wheel
    flit_to: Array
    flit_what: Array
    n_flits: Array
    credit_to: Array
    n_credits: Array
    in_wheel: Array  # [0]: messages in flight
    # packets
    goal: Array
    exit_port: Array
    dropped: Array  # [0] packets given up so far, [1] scratch


def power_of_two(at_least: int) -> int:
    """The smallest power of two that is not below ``at_least``."""
    size = 1
    while size < at_least:
        size *= 2
    return size


def pick_table(policy: int) -> Array:
    """The arbiter's rule for up to 8 requesters, by pointer and mask."""
    table = np.zeros(STRIDE * 256, np.int8)
    for pointer in range(STRIDE):
        for mask in range(1, 256):
            table[pointer * 256 + mask] = arbiter.pick(policy, mask, pointer)
    return table


def build_net(fabric: Fabric, endpoints: dict[int, int], n_packets: int, sink_flits: int) -> Net:
    """Fresh state of ``fabric``; ``endpoints`` maps core numbers (and HOST) to endpoint numbers.

    ``sink_flits`` is the depth of a core's receive FIFO per VC; ``n_packets`` the size of the table.
    """
    chip, v = fabric.chip, fabric.n_vcs
    rp = fabric.n_routers * STRIDE
    n_channels = rp * v
    depth = chip.router.buffer_flits
    ring = power_of_two(depth)
    inject = chip.router.injection_cycles
    if chip.host is not None:
        inject = max(inject, chip.host.latency_cycles)
    horizon = max(int(fabric.latency.max()), int(fabric.credit_latency.max()), inject)
    wheel = power_of_two(horizon + 1)
    ports = _port_tables(fabric, endpoints, n_channels)
    credits = np.full(n_channels, depth, np.int32)
    _sink_credits(fabric, endpoints, credits, sink_flits)
    tiles = np.arange(fabric.n_routers)
    bits = np.uint32((1 << (fabric.n_ports * v)) - 1)
    slots = 2 * (fabric.n_routers * fabric.n_ports + len(endpoints)) + 8

    def zeros(n: int, kind: Any) -> Array:
        return np.zeros(n, kind)

    return Net(
        vcs=v, depth=depth, ring=ring, wheel=wheel, n_channels=n_channels, flits=chip.packet.flits,
        policy=fabric.arbiter, drop_after=chip.router.drop_after_cycles or 0,
        routing=fabric.routing, vc_policy=fabric.vc_policy, chip_width=chip.mesh.width,
        chip_height=chip.mesh.height, width=fabric.width, height=fabric.height,
        gateway_row=fabric.gateway_row, gateway_column=fabric.gateway_column,
        n_ports=fabric.n_ports, pick=pick_table(fabric.arbiter),
        x=(tiles % fabric.width).astype(np.int32), y=(tiles // fabric.width).astype(np.int32),
        fifo=zeros(n_channels * ring, np.int32), first=zeros(n_channels, np.int16),
        length=zeros(n_channels, np.int16), want=zeros(n_channels, np.int8),
        since=zeros(n_channels, np.int64), credits=credits,
        owner=np.full(n_channels, -1, np.int8), requests=zeros(n_channels, np.uint32),
        asked=zeros(fabric.n_routers, np.uint32), credited=np.full(fabric.n_routers, bits, np.uint32),
        dropping=zeros(fabric.n_routers, np.uint32), router_pointer=zeros(fabric.n_routers, np.int8),
        active=zeros(fabric.n_routers, np.int32), n_active=zeros(1, np.int64),
        is_active=zeros(fabric.n_routers, np.uint8), free_at=zeros(rp, np.int64),
        vc_pointer=zeros(rp, np.int8), port_pointer=zeros(rp, np.int8), **ports,
        held=zeros(rp, np.int32), port_flits=zeros(rp, np.int64), blocked=zeros(rp, np.int64),
        peak=zeros(rp, np.int32), flit_to=np.zeros((wheel, slots), np.int32),
        flit_what=np.zeros((wheel, slots), np.int32), n_flits=zeros(wheel, np.int64),
        credit_to=np.zeros((wheel, slots), np.int32), n_credits=zeros(wheel, np.int64),
        in_wheel=zeros(1, np.int64), goal=zeros(n_packets, np.int32),
        exit_port=zeros(n_packets, np.int8), dropped=zeros(2, np.int64),
    )  # fmt: skip


def _port_tables(fabric: Fabric, endpoints: dict[int, int], n_channels: int) -> dict[str, Array]:
    """Wiring by (router, port), in the kernel's stride."""
    v, shape = fabric.n_vcs, (fabric.n_routers, STRIDE)
    tables = {
        name: np.zeros(shape, np.int32)
        for name in ("destination", "latency", "interval", "back", "back_latency")
    }
    for name in ("latency", "interval"):
        tables[name][:, : fabric.n_ports] = getattr(fabric, name)
    tables["destination"][:] = tables["back"][:] = -1
    for router, port in zip(*np.nonzero(fabric.target >= 0), strict=True):
        target = int(fabric.target[router, port])
        in_port = int(fabric.target_port[router, port])
        tables["destination"][router, port] = (target * STRIDE + in_port) * v
        tables["back"][target, in_port] = (int(router) * STRIDE + int(port)) * v
        tables["back_latency"][target, in_port] = fabric.credit_latency[router, port]
    for core, endpoint in endpoints.items():
        router, port = fabric.tile_of(core), fabric.port_of(core)
        assert fabric.target[router, port] == (TO_HOST if core == HOST else TO_CORE)
        tables["destination"][router, port] = n_channels + endpoint * v
        tables["back"][router, port] = n_channels + endpoint * v
        tables["back_latency"][router, port] = fabric.credit_latency[router, port]
    flags = {name: np.zeros(shape, np.uint8) for name in ("crosses", "wraps")}
    for name, table in flags.items():
        table[:, : fabric.n_ports] = getattr(fabric, name)
    return {name: table.reshape(-1) for name, table in {**tables, **flags}.items()}


def _sink_credits(
    fabric: Fabric, endpoints: dict[int, int], credits: Array, sink_flits: int
) -> None:
    for core in endpoints:
        if core == HOST:
            continue
        first = (fabric.tile_of(core) * STRIDE + fabric.port_of(core)) * fabric.n_vcs
        credits[first : first + fabric.n_vcs] = sink_flits


def by_port(fabric: Fabric, flat: Array) -> NDArray[np.int64]:
    """A per-port array of the kernel as (routers, ports)."""
    return flat.reshape(fabric.n_routers, STRIDE)[:, : fabric.n_ports].astype(np.int64)
