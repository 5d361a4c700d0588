"""Images of the routers' tables: words of the Verilog's route_table, and where their fields lie.

Reads a fabric with a routing table; writes macros for the parameter header and one file of hexadecimal words
per router, as long as its memory.
"""

from __future__ import annotations

from pathlib import Path

from neurosim.chip.models import Chip
from neurosim.fabric.topology import Fabric
from neurosim.rtl.flits import bits_for
from neurosim.rtl.words import Layout, write_table
from neurosim.rules.ports import LOCAL
from neurosim.rules.routing import BY_POLICY

MOST_ENTRIES = 256
"""Entries that the Verilog can compare at once; a design with more takes hours to build."""


def _layout(chip: Chip) -> Layout:
    """The fields of a word."""
    return Layout((
        ("x", bits_for(chip.system.chips_x * chip.mesh.width)),
        ("y", bits_for(chip.system.chips_y * chip.mesh.height)),
        ("port", bits_for(LOCAL)), ("vc", bits_for(chip.router.virtual_channels)),
        ("fixes", 1), ("used", 1),
    ))  # fmt: skip


def macros(chip: Chip) -> dict[str, int]:
    """Slots of a table (at least one, so that there is a memory to name), and its words' layout."""
    layout = _layout(chip)
    slots = {"ROUTE_SLOTS": chip.router.table_entries or 1}
    return slots | layout.macros("ROUTE") | {"ROUTE_BITS": layout.bits}


def route_words(fabric: Fabric, router: int) -> list[int]:
    """The words of one router's table, padded with 0 to its memory's length."""
    chip, table, layout, words = fabric.chip, fabric.table, _layout(fabric.chip), []
    first, last = fabric.first_entry[router : router + 2].tolist()
    for e in range(first, last):
        assert table is not None
        x, y = fabric.xy(int(table.goal[e]))
        vc, port = int(table.vc[e]), int(table.port[e])
        fixes = int(vc != BY_POLICY)
        words.append(layout.pack("program.table", x=x, y=y, port=port, vc=max(vc, 0), fixes=fixes, used=1))
    return words + [0] * ((chip.router.table_entries or 0) - len(words))


def write_route_images(fabric: Fabric, folder: Path) -> None:
    """``router_<n>.route_table.hex`` for every router in ``folder``; nothing if routers have no tables."""
    if fabric.chip.router.table_entries is None:
        return
    for router in range(fabric.n_routers):
        write_table(folder, router, "route_table", route_words(fabric, router))
