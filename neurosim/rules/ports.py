"""Port numbers of a router: four directions, then one LOCAL port per core of the tile.

``x`` grows to the EAST, ``y`` grows to the NORTH.  A port at the border of a chip is an ordinary
port; what hangs on it (nothing, a link to the next chip, the host) is data.
"""

from __future__ import annotations

EAST = 0
NORTH = 1
WEST = 2
SOUTH = 3
LOCAL = 4  # LOCAL + k is core k of the tile
DIRECTION_NAMES = ("east", "north", "west", "south")
OPPOSITE = (WEST, SOUTH, EAST, NORTH)
STEP_X = (1, 0, -1, 0)
STEP_Y = (0, 1, 0, -1)


def port_name(port: int) -> str:
    """``east`` .. ``south``, ``local0`` .."""
    return DIRECTION_NAMES[port] if port < LOCAL else f"local{port - LOCAL}"


def is_east_west(port: int) -> bool:
    """True for the two horizontal directions."""
    return port == EAST or port == WEST
