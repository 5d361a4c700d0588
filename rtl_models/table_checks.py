"""Routing tables in ``verify``: traffic that needs them, on a mesh with a dead link.

Reads a chip with ``router.table_entries``; its own dead parts count, and a mesh without any gets one, so that
entries are looked up at all.  The arrival cycle of every packet must be the compiled engine's.
"""

from __future__ import annotations

from itertools import product

from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.fabric.topology import build_fabric
from rtl_models import fabric_checks
from rtl_models.cases import Bench, Group
from rtl_models.scale import size_note

SOURCE = "dead link for the tables"
SOME_CYCLES = 100  # of traffic at full load: every core sends to nearly every other
SIDES = ("east", "north")


def traffic(chip: Chip, small: Chip, hurt: Chip, bench: Bench) -> Group:
    """Uniform traffic on ``hurt``, made from ``small``, every packet on its way by rule or by table."""
    return fabric_checks.traffic(chip, hurt, bench, "traffic by tables", _note(chip, small, hurt))


def _note(chip: Chip, small: Chip, hurt: Chip) -> str:
    parts = [size_note(chip, small), f"{_n_entries(hurt)} table entries"]
    if small.defects is None and hurt.defects is not None:
        link = hurt.defects.links[0]
        parts.append(f"made necessary by a dead link {link.side} of router ({link.x},{link.y})")
    return ", ".join(part for part in parts if part)


def hurt(small: Chip) -> Chip | None:
    """``small`` if its own dead parts need tables, else with the first dead link that does; None if none."""
    width, height = small.system.chips_x * small.mesh.width, small.system.chips_y * small.mesh.height
    if small.defects is not None:
        return small if _n_entries(small) else None
    for y, x, side in product(range(height), range(width), SIDES):
        try:
            found = edit_chip(small, {"defects": {"links": [{"x": x, "y": y, "side": side}]}}, SOURCE)
        except InputError:  # no such link
            continue
        if _n_entries(found):
            return found
    return None


def _n_entries(chip: Chip) -> int:
    """Entries by which packets of all cores find their ways."""
    table = fabric_checks.uniform(build_fabric(chip), 1.0, SOME_CYCLES, 0).table
    return 0 if table is None else table.n


def why_not(small: Chip) -> str:
    """Why there is no traffic by tables."""
    if small.router.table_entries is None:
        return "this chip's routers hold none (router.table_entries is not set)"
    if small.defects is not None:
        return "no packet goes by tables round the dead parts of the mesh that is verified"
    return "no dead link on the mesh that is verified leaves a way round it"
