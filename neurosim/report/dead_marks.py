"""What is dead, as the mesh maps draw it: hatched cores and tiles, and bars across dead links.

Reads a fabric; the bars are SVG text on a drawing's paper.  A link of a dead router is not marked by itself:
the hatched tile says it.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, NamedTuple

from neurosim.chip.defects import dead_parts
from neurosim.fabric.topology import Fabric
from neurosim.report.text import count
from neurosim.rules import ports

if TYPE_CHECKING:
    from neurosim.report.mesh_svg import MeshDrawing

DEAD, CUT = "dead", "cut"
"""CSS classes: of a core or tile, and of the bar across a link."""


class Dead(NamedTuple):
    """Numbers of dead cores and routers, and dead links as (router, EAST or NORTH) between live routers."""

    cores: frozenset[int]
    routers: frozenset[int]
    links: tuple[tuple[int, int], ...]


def dead_of(fabric: Fabric) -> Dead:
    """What of the system does not work."""
    found = dead_parts(fabric.chip)
    if found is None:
        return Dead(frozenset(), frozenset(), ())
    routers = frozenset(found.router.nonzero()[0].tolist())
    links = [
        (router, port)
        for port, cut in ((ports.EAST, found.east), (ports.NORTH, found.north))
        for router in cut.nonzero()[0].tolist()
        if not {router, _behind(fabric, router, port)} & routers
    ]
    return Dead(frozenset(found.core.nonzero()[0].tolist()), routers, tuple(sorted(links)))


def _behind(fabric: Fabric, router: int, port: int) -> int:
    """The tile behind a port, as if nothing were dead."""
    x, y = fabric.xy(router)
    x, y = (x + ports.STEP_X[port]) % fabric.width, (y + ports.STEP_Y[port]) % fabric.height
    return y * fabric.width + x


def dead_legend(fabric: Fabric, of_cores: bool) -> tuple[tuple[str, str], ...]:
    """(css class, text) of what is dead, for a map of cores or of whole tiles; empty if nothing is."""
    dead = dead_of(fabric)
    boxes = ("dead core", len(dead.cores)) if of_cores else ("dead tile", len(dead.routers))
    kinds = ((DEAD, *boxes), (CUT, "dead link", len(dead.links)))
    return tuple((css, f"{name} ({count(n)})") for css, name, n in kinds if n)


def bars(drawing: MeshDrawing) -> list[str]:
    """A bar across every dead link of which an end is shown; a ring's closing link has one at both."""
    fabric, found = drawing.fabric, []
    for router, port in dead_of(fabric).links:
        back = ports.OPPOSITE[port]
        other = _behind(fabric, router, port)
        title = f"dead link between {fabric.describe(router, port)} and {fabric.describe(other, back)}"
        is_flat = ports.is_east_west(port)
        found += [_bar(drawing, at, is_flat, title) for at in _middles(drawing, router, port, other)]
    return found


def _middles(drawing: MeshDrawing, router: int, port: int, other: int) -> list[tuple[float, float]]:
    """Where a link is cut on paper: halfway, or beside every end that is shown."""
    fabric = drawing.fabric
    ends = [(router, port), (other, ports.OPPOSITE[port])]
    shown = [end for end in ends if drawing.window.holds(fabric, end[0])]
    is_ring = sum(fabric.xy(other)) < sum(fabric.xy(router))  # east and north lead up, but for closing links
    if len(shown) < 2 or is_ring:
        return [_beside(drawing, *end) for end in shown]
    (ax, ay), (bx, by) = drawing.centre(router), drawing.centre(other)
    return [((ax + bx) / 2, (ay + by) / 2)]


def _beside(drawing: MeshDrawing, router: int, port: int) -> tuple[float, float]:
    x, y = drawing.centre(router)
    reach = 0.5 * drawing.pitch
    return x + reach * float(ports.STEP_X[port]), y - reach * float(ports.STEP_Y[port])


def _bar(drawing: MeshDrawing, middle: tuple[float, float], is_flat: bool, title: str) -> str:
    """A line of a third of the pitch, at right angles to the link, which is flat if it leads east."""
    (x, y), half = middle, 0.19 * drawing.pitch
    dx, dy = (0.0, half) if is_flat else (half, 0.0)
    return (
        f'<path class="{CUT}" style="stroke-width:{0.075 * drawing.pitch:.1f}px" '
        f'd="M{x - dx:.1f} {y - dy:.1f}L{x + dx:.1f} {y + dy:.1f}"><title>{escape(title)}</title></path>'
    )
