"""Parts into which defects cut a system: only the one that the host hangs on can be used.

Reads a chip; gives its parts, the tiles that are cut off, and what a refusal says about them.  A network that
fits the host's part is mapped there, as if the others were dead.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.chip.models import Chip
from neurosim.fabric import graphs
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rules.ports import DIRECTION_NAMES, LOCAL

NAMED_AT_MOST = 4


def system_parts(chip: Chip) -> tuple[tuple[int, ...], ...]:
    """The tiles of every part, the host's part first, then by size; one part where none is cut off."""
    return _parts(_Key(chip))[0]


def cut_off(chip: Chip) -> NDArray[np.bool_] | None:
    """(tiles,) which tiles no packet of the host can reach; None where there are none."""
    if chip.defects is None:
        return None
    parts, n_tiles = _parts(_Key(chip))
    if len(parts) < 2:
        return None
    out = np.ones(n_tiles, np.bool_)
    out[list(parts[0])] = False
    return out


def sizes_text(chip: Chip) -> str | None:
    """ "2 parts of 40 (the host's) and 24 tiles"; None where the system is whole."""
    parts = system_parts(chip) if chip.defects is not None else ()
    if len(parts) < 2:
        return None
    sizes = [f"{len(parts[0])} (the host's)", *(str(len(part)) for part in parts[1:NAMED_AT_MOST])]
    if len(parts) > NAMED_AT_MOST:
        sizes.append("fewer")
    return f"{len(parts)} parts of {', '.join(sizes[:-1])} and {sizes[-1]} tiles"


def divide(chip: Chip) -> str:
    """What is dead between the host's part and another, in words."""
    fabric, whole = build_fabric(chip), build_fabric(chip, with_defects=False)
    mine, routers = set(system_parts(chip)[0]), {t for part in system_parts(chip) for t in part}
    for tile in sorted(mine):
        for port in range(LOCAL):
            there = int(whole.target[tile, port])
            if there in routers - mine and fabric.target[tile, port] < 0:
                x, y = fabric.xy(tile)
                return f"a dead link of tile ({x}, {y}) to the {DIRECTION_NAMES[port]}"
    return "dead routers"


class _Key:
    """A chip as what its parts depend on, so that they are worked out once."""

    def __init__(self, chip: Chip) -> None:
        self.chip = chip
        self.described = (chip.system, chip.mesh, chip.link, chip.defects, chip.host)

    def __hash__(self) -> int:
        return hash(self.described)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Key) and self.described == other.described


@lru_cache(maxsize=8)
def _parts(key: _Key) -> tuple[tuple[tuple[int, ...], ...], int]:
    """(parts, tiles in all)."""
    fabric, chip = build_fabric(key.chip), key.chip
    graph = {r: [int(t) for t in fabric.target[r, :LOCAL] if t >= 0] for r in _working(fabric)}
    host = fabric.tile_of(HOST) if chip.host is not None else -1
    parts = sorted(graphs.components(graph), key=lambda part: (host not in part, -len(part), part[0]))
    return tuple(tuple(part) for part in parts), fabric.n_routers


def _working(fabric: Fabric) -> list[int]:
    """Routers that something hangs on."""
    found: list[int] = np.flatnonzero((fabric.target[:, LOCAL:] != -1).any(axis=1)).tolist()
    return found
