"""Routing: the output port a packet wants at a router, computed from coordinates, but for exceptions.

Coordinates are global tile coordinates of the whole system (chips side by side).  ``exit_port`` is
the port at the destination router: a LOCAL port, or the border port on which the host hangs.
Next hops are computed, not looked up: an N x N table costs more time than it saves on large meshes.
What a routing table says otherwise is found by :func:`find_exception` before the rule is asked.  A multicast
packet has a tree instead of a destination: the same function finds its entry, else it goes straight on.
"""

from __future__ import annotations

from typing import Any

from neurosim.rules.ports import EAST, NORTH, OPPOSITE, SOUTH, WEST

XY = 0
YX = 1
TORUS_XY = 2  # shortest way round each ring, x first; a tie goes EAST or NORTH
HIERARCHICAL_XY = 3  # XY over chips through gateways, XY inside the chip to the gateway
ROUTING_NAMES = ("xy", "yx", "torus_xy", "hierarchical_xy")

VC_ZERO = 0
VC_CROSSINGS = 1  # min(chip crossings, 1)
VC_DATELINE = 2  # 1 after the wrap-around link of the ring that the packet is in, else 0
VC_POLICY_NAMES = ("zero", "crossings", "dateline")
BY_POLICY = -1  # the VC of an exception that leaves it to the VC policy


def find_exception(goals: Any, first: int, last: int, goal: int) -> int:
    """Where ``goal`` stands in ``goals[first:last]``, or -1; at most log2(last - first) + 2 looks.

    These, ascending integers, are the destinations for which a router has exceptions.
    """
    low, high = first, last
    while low < high:
        middle = (low + high) // 2
        if goals[middle] < goal:
            low = middle + 1
        else:
            high = middle
    return low if low < last and goals[low] == goal else -1


def straight_on(in_port: int) -> int:
    """The output port of a multicast packet where its tree has no entry; ``in_port`` is a direction."""
    return OPPOSITE[in_port]


def toward_x(x: int, dx: int) -> int:
    """EAST or WEST (``x != dx``)."""
    return EAST if dx > x else WEST


def toward_y(y: int, dy: int) -> int:
    """NORTH or SOUTH (``y != dy``)."""
    return NORTH if dy > y else SOUTH


def route_xy(x: int, y: int, dx: int, dy: int, exit_port: int) -> int:
    """Dimension order, x first."""
    if x != dx:
        return toward_x(x, dx)
    if y != dy:
        return toward_y(y, dy)
    return exit_port


def route_yx(x: int, y: int, dx: int, dy: int, exit_port: int) -> int:
    """Dimension order, y first."""
    if y != dy:
        return toward_y(y, dy)
    if x != dx:
        return toward_x(x, dx)
    return exit_port


def ring_forward(position: int, target: int, size: int) -> bool:
    """Whether the shortest way round a ring goes up (a tie goes up)."""
    return 2 * ((target - position) % size) <= size


def route_torus_xy(
    x: int, y: int, dx: int, dy: int, exit_port: int, width: int, height: int
) -> int:
    """Dimension order on a torus of ``width`` x ``height`` tiles, the shorter way round."""
    if x != dx:
        return EAST if ring_forward(x, dx, width) else WEST
    if y != dy:
        return NORTH if ring_forward(y, dy, height) else SOUTH
    return exit_port


def route_hierarchical(
    x: int,
    y: int,
    dx: int,
    dy: int,
    exit_port: int,
    chip_width: int,
    chip_height: int,
    gateway_row: int,
    gateway_column: int,
) -> int:
    """XY over chips, XY inside a chip.

    All traffic between two chips crosses at one gateway per side: the EAST and WEST gateways lie in
    row ``gateway_row`` of the chip, the NORTH and SOUTH ones in column ``gateway_column``.
    """
    chip_x, chip_y = x // chip_width, y // chip_height
    goal_x, goal_y = dx // chip_width, dy // chip_height
    if chip_x != goal_x:
        side = toward_x(chip_x, goal_x)
        gate_x = chip_x * chip_width + (chip_width - 1 if side == EAST else 0)
        return route_xy(x, y, gate_x, chip_y * chip_height + gateway_row, side)
    if chip_y != goal_y:
        side = toward_y(chip_y, goal_y)
        gate_y = chip_y * chip_height + (chip_height - 1 if side == NORTH else 0)
        return route_xy(x, y, chip_x * chip_width + gateway_column, gate_y, side)
    return route_xy(x, y, dx, dy, exit_port)


def output_port(
    routing: int,
    x: int,
    y: int,
    dx: int,
    dy: int,
    exit_port: int,
    chip_width: int,
    chip_height: int,
    system_width: int,
    system_height: int,
    gateway_row: int,
    gateway_column: int,
) -> int:
    """The output port under any of the routing functions above."""
    if routing == XY:
        return route_xy(x, y, dx, dy, exit_port)
    if routing == YX:
        return route_yx(x, y, dx, dy, exit_port)
    if routing == TORUS_XY:
        return route_torus_xy(x, y, dx, dy, exit_port, system_width, system_height)
    return route_hierarchical(
        x, y, dx, dy, exit_port, chip_width, chip_height, gateway_row, gateway_column
    )


def output_vc(
    policy: int, vc: int, in_port: int, out_port: int, crosses_chip: bool, wraps: bool
) -> int:
    """The virtual channel a packet takes on the link behind ``out_port``.

    ``vc`` is the channel it came in on, ``crosses_chip`` says whether that link joins two chips,
    ``wraps`` whether it is the wrap-around link of a ring.
    """
    if policy == VC_CROSSINGS:
        return 1 if crosses_chip else vc
    if policy == VC_DATELINE:
        if wraps:
            return 1
        same_ring = in_port < 4 and out_port < 4 and in_port % 2 == out_port % 2
        return vc if same_ring else 0
    return 0
