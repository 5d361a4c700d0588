"""Maps of large systems: tiles side by side, runs of equal colour drawn as one, so that a wafer stays small.

Reads a fabric and one CSS class per core, router or link; writes SVG text with one path per class.  Single
tiles carry no words: what they would say is in the tables.
"""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from neurosim.artefacts.mapping import HOST
from neurosim.fabric.topology import Fabric
from neurosim.rules import ports

PITCH = 6  # units of the drawing per tile
MARGIN = 8
MANY = 2500
"""Tiles of a window from which maps are drawn so."""

Box = tuple[int, int, int, int]
"""Columns and rows that are shown: x0, y0, x1, y1, ends included."""


def is_wafer(box: Box) -> bool:
    """Whether a window is too large for a drawing of single tiles."""
    return (box[2] - box[0] + 1) * (box[3] - box[1] + 1) > MANY


def area_map(
    fabric: Fabric, classes: Mapping[int, str], label: str, box: Box, per_tile: int = 1
) -> str:
    """Every core (or router, if ``per_tile`` is 1) with a class as a box, those of a tile side by side."""
    runs: dict[str, list[str]] = {}
    wide = PITCH / per_tile
    for y in range(box[1], box[3] + 1):
        row = [
            classes.get((y * fabric.width + x) * per_tile + k, "")
            for x in range(box[0], box[2] + 1)
            for k in range(per_tile)
        ]
        first = 0
        for at in range(1, len(row) + 1):
            if at == len(row) or row[at] != row[first]:
                if row[first]:
                    runs.setdefault(row[first], []).append(
                        f"M{first * wide:g} {(box[3] - y) * PITCH}h{(at - first) * wide:g}v{PITCH}"
                        f"h{(first - at) * wide:g}z"
                    )
                first = at
    body = [
        f'<path class="core {css}" style="stroke:none" d="{"".join(parts)}"/>'
        for css, parts in sorted(runs.items())
    ]
    return _svg(fabric, body, label, box)


def busiest_of_tiles(classes: Mapping[tuple[int, int], str]) -> dict[int, str]:
    """From classes by (router, port) to those by router: the last in their order, which is the hottest."""
    out: dict[int, str] = {}
    for (router, _), css in classes.items():
        if router != HOST:
            out[router] = max(out.get(router, ""), css)
    return out


def _svg(fabric: Fabric, body: list[str], label: str, box: Box) -> str:
    width, height = (box[2] - box[0] + 1) * PITCH, (box[3] - box[1] + 1) * PITCH
    frame = f"{-MARGIN} {-MARGIN} {width + 2 * MARGIN} {height + 2 * MARGIN}"
    return (
        f'<svg class="mesh" viewBox="{frame}" role="img" aria-label="{escape(label)}" '
        f'style="max-width:{width + 2 * MARGIN}px"><rect class="core off" style="stroke:none" x="0" y="0" '
        f'width="{width}" height="{height}"/>{"".join(body)}{_chips(fabric, box)}{_host(fabric, box)}</svg>'
    )


def _chips(fabric: Fabric, box: Box) -> str:
    """The borders of the chips, and of the window."""
    mesh = fabric.chip.mesh
    columns, rows = box[2] - box[0] + 1, box[3] - box[1] + 1
    lines = [f"M0 0h{columns * PITCH}v{rows * PITCH}h{-columns * PITCH}z"]
    for x in range(box[0] + 1, box[2] + 1):
        if x % mesh.width == 0:
            lines.append(f"M{(x - box[0]) * PITCH} 0v{rows * PITCH}")
    for y in range(box[1] + 1, box[3] + 1):
        if y % mesh.height == 0:
            lines.append(f"M0 {(box[3] + 1 - y) * PITCH}h{columns * PITCH}")
    return f'<path class="chip" d="{"".join(lines)}"/>'


def _host(fabric: Fabric, box: Box) -> str:
    """A mark outside the tile that the host hangs on, if it is shown."""
    if fabric.chip.host is None:
        return ""
    x, y = fabric.xy(fabric.tile_of(HOST))
    if not (box[0] <= x <= box[2] and box[1] <= y <= box[3]):
        return ""
    port = fabric.port_of(HOST)
    left = (x - box[0] + 0.5 + float(ports.STEP_X[port])) * PITCH
    top = (box[3] - y + 0.5 - float(ports.STEP_Y[port])) * PITCH
    return f'<circle class="host" cx="{left:g}" cy="{top:g}" r="{PITCH / 2}"><title>the host</title></circle>'
