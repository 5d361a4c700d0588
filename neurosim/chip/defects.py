"""Defects of a system, worked out: which cores and links are dead, listed or drawn from a yield model.

Reads a chip; fabric, capacities and reports ask here and nowhere else.  The same chip gives the same
defects: the draw has a seed of its own, and parts are drawn in a fixed order (chips, routers, cores,
links; row by row, links to the east before links to the north).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.models import Chip, Side
from neurosim.errors import DoesNotFitError

BoolArray = NDArray[np.bool_]
_SIDES: tuple[Side, Side] = ("east", "north")


@dataclass(frozen=True, eq=False)
class DeadParts:
    """What is dead, the consequences included.

    ``core`` (tiles * cores per tile,), ``router`` (tiles,), ``east`` and ``north`` (tiles,): the link from
    the tile in that direction (False where there is none: on a mesh's border, or beside a gateway).
    ``drawn`` counts what the yield model added by itself: chips, routers, cores, links.
    """

    core: BoolArray
    router: BoolArray
    east: BoolArray
    north: BoolArray
    drawn: tuple[int, int, int, int]

    @property
    def counts(self) -> dict[str, int]:
        """Dead cores, routers and links, consequences included."""
        links = int(self.east.sum() + self.north.sum())
        return {"cores": int(self.core.sum()), "routers": int(self.router.sum()), "links": links}


def dead_parts(chip: Chip) -> DeadParts | None:
    """The dead parts of a system; None where no defects are described.

    Raises:
        DoesNotFitError: the draw killed the host's router (with a hint for another seed).
    """
    if chip.defects is None:
        return None
    return _dead_parts(_Key(chip))


class _Key:
    """A chip as what the defects depend on, so that they are worked out once."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.parts = (chip.system, chip.mesh, chip.link, chip.defects, chip.host)

    def __hash__(self) -> int:
        return hash(self.parts)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.parts == other.parts


@lru_cache(maxsize=8)
def _dead_parts(key: _Key) -> DeadParts:
    chip = key.chip
    defects = chip.defects
    assert defects is not None
    width, height = chip.system.chips_x * chip.mesh.width, chip.system.chips_y * chip.mesh.height
    per_tile = chip.mesh.cores_per_tile
    dead_chip = np.zeros((chip.system.chips_y, chip.system.chips_x), np.bool_)
    router = np.zeros((height, width), np.bool_)
    core = np.zeros((height, width, per_tile), np.bool_)
    east, north = np.zeros((height, width), np.bool_), np.zeros((height, width), np.bool_)
    there = _links(chip)
    drawn = (0, 0, 0, 0)
    if defects.drawn is not None:
        lot = defects.drawn
        rng = np.random.Generator(np.random.PCG64(lot.seed))
        for parts, share in (
            (dead_chip, lot.chips), (router, lot.routers), (core, lot.cores), (east, lot.links),
            (north, lot.links),
        ):  # fmt: skip
            parts |= rng.random(parts.shape) >= share
        east &= there[0]
        north &= there[1]
        n_links = int(east.sum() + north.sum())
        drawn = (int(dead_chip.sum()), int(router.sum()), int(core.sum()), n_links)
    for x, y, k in defects.cores:
        core[y, x, k] = True
    for x, y in defects.routers:
        router[y, x] = True
    for column, row in defects.chips:
        dead_chip[row, column] = True
    for link in defects.links:
        x, y, side = link.from_west_or_south(width, height)
        (east if side == "east" else north)[y, x] = True
    router |= np.kron(dead_chip, np.ones((chip.mesh.height, chip.mesh.width), np.bool_)).astype(np.bool_)
    core |= router[:, :, None]
    east |= there[0] & (router | np.roll(router, -1, axis=1))
    north |= there[1] & (router | np.roll(router, -1, axis=0))
    if chip.host is not None and router[chip.host.y, chip.host.x]:
        raise DoesNotFitError(
            f"the defects drawn with seed {defects.drawn.seed if defects.drawn else 0} kill the router on "
            "which the host hangs",
            code="chip-dead-host",
            where="defects.drawn",
            hint="use another seed, or move the host",
        )
    return DeadParts(core.reshape(-1), router.reshape(-1), east.reshape(-1), north.reshape(-1), drawn)


def _links(chip: Chip) -> tuple[BoolArray, BoolArray]:
    """Whether there is a link to the east, and one to the north, of every tile; (rows, columns) each."""
    width, height = chip.system.chips_x * chip.mesh.width, chip.system.chips_y * chip.mesh.height
    east, north = (
        np.array([[chip.has_link(x, y, side) for x in range(width)] for y in range(height)], np.bool_)
        for side in _SIDES
    )
    return east, north
