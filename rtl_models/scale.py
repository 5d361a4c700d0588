"""A chip small enough for a simulator of Verilog: fewer chips and tiles, every other parameter as it is.

Reads a :class:`~neurosim.chip.models.Chip`; the copy keeps what a mesh can keep of it: two chips per
direction where there were several, two tiles per direction where they fit, gateways, host and core kinds.
"""

from __future__ import annotations

from itertools import product
from typing import Any

from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.errors import InputError

SOURCE = "smaller mesh for the Verilog"


def n_tiles(chip: Chip) -> int:
    """Tiles of the whole system."""
    return chip.n_chips * chip.mesh.width * chip.mesh.height


def n_cores(chip: Chip) -> int:
    """Core positions of the whole system."""
    return n_tiles(chip) * chip.mesh.cores_per_tile


def shrink(chip: Chip, most_tiles: int, most_cores: int | None = None) -> Chip:
    """``chip`` itself if it has at most ``most_tiles`` tiles (and cores), else the best smaller one.

    Raises:
        InputError: no smaller mesh makes a valid chip.
    """
    most = most_tiles
    if most_cores is not None:
        most = max(1, min(most, most_cores // chip.mesh.cores_per_tile))
    if n_tiles(chip) <= most:
        return chip
    found: InputError | None = None
    for size in _sizes(chip, most):
        try:
            return edit_chip(chip, _changes(chip, *size), SOURCE)
        except InputError as error:
            found = error
    raise found or InputError(
        f"no mesh of {most} tiles is a smaller one of this chip", code="rtl-unsupported",
        where=f"chip '{chip.name}'",
    )  # fmt: skip


def size_text(chip: Chip) -> str:
    """``2x1 chips of 4x4 tiles``, ``4x4 tiles of 2 cores``."""
    tiles = f"{chip.mesh.width}x{chip.mesh.height} tiles"
    cores = f" of {chip.mesh.cores_per_tile} cores" if chip.mesh.cores_per_tile > 1 else ""
    grid = f"{chip.system.chips_x}x{chip.system.chips_y} chips of " if chip.n_chips > 1 else ""
    return f"{grid}{tiles}{cores}"


def size_note(chip: Chip, small: Chip) -> str:
    """What the reader must know if ``small`` stands for ``chip``; "" if it is the chip itself."""
    if small is chip:
        return ""
    lost = "" if chip.defects is None or small.defects is not None else ", without its defects"
    return f"on {size_text(small)} in place of {size_text(chip)}{lost}"


def _sizes(chip: Chip, most: int) -> list[tuple[int, int, int, int]]:
    """(chips_x, chips_y, width, height), best first."""
    across = range(1, min(chip.system.chips_x, 2) + 1), range(1, min(chip.system.chips_y, 2) + 1)
    sides = range(1, min(chip.mesh.width, most) + 1), range(1, min(chip.mesh.height, most) + 1)
    fitting = [size for size in product(*across, *sides) if size[0] * size[1] * size[2] * size[3] <= most]

    def worth(size: tuple[int, int, int, int]) -> tuple[int, ...]:
        chips_x, chips_y, width, height = size
        turns = min(width, 2) + min(height, 2)
        several = int(chips_x * chips_y > 1)
        tiles = chips_x * chips_y * width * height
        return several, turns, chips_x * chips_y, tiles, -abs(width - height), width

    return sorted(fitting, key=worth, reverse=True)


def _changes(chip: Chip, chips_x: int, chips_y: int, width: int, height: int) -> dict[str, Any]:
    changes: dict[str, Any] = {
        "system.chips_x": chips_x, "system.chips_y": chips_y, "mesh.width": width, "mesh.height": height,
    }  # fmt: skip
    host = chip.host
    if host is not None:
        old_x = chip.system.chips_x * chip.mesh.width
        old_y = chip.system.chips_y * chip.mesh.height
        changes["host.x"] = _moved(host.x, old_x, chips_x * width)
        changes["host.y"] = _moved(host.y, old_y, chips_y * height)
    if chip.link is not None and chips_x * chips_y == 1:
        changes["link"] = None
        if chip.router.routing == "hierarchical_xy":
            changes |= {"router.routing": "xy", "router.vc_policy": "zero"}
    elif chip.link is not None and chip.link.gateways is not None:
        changes["link.gateways.row"] = min(chip.link.gateways.row, height - 1)
        changes["link.gateways.column"] = min(chip.link.gateways.column, width - 1)
    if chip.defects is not None:
        changes["defects"] = None
    return changes


def _moved(at: int, old: int, new: int) -> int:
    """A coordinate on a shorter side: first and last stay first and last."""
    return new - 1 if at == old - 1 else min(at, new - 1)
