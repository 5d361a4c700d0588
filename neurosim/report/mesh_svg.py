"""Mesh maps as SVG: tiles, cores and links of all chips and the host, coloured by CSS classes.

Reads a fabric and one value per core or per output port; writes SVG text.  Colours are classes only
(``h0`` .. ``h8`` for heat, ``c0`` .. ``c7`` for layers, ``off`` for unused, ``dead`` and ``cut`` for what
does not work), so the page's style decides them for light and dark.  ``y`` grows to the north, so row 0 is
drawn at the bottom.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape
from typing import TypeVar

from neurosim.artefacts.mapping import HOST
from neurosim.fabric.topology import TO_HOST, Fabric
from neurosim.report.dead_marks import DEAD, bars, dead_of
from neurosim.report.wafer_svg import area_map, busiest_of_tiles, is_wafer
from neurosim.rules import ports

Key = TypeVar("Key")
N_HEAT = 9
SMALL = 10
"""Systems of at most so many tiles a side are shown whole."""
_QUADRANTS = {1: ((0.0, 0.0, 1.0, 1.0),), 2: ((0.0, 0.0, 0.5, 1.0), (0.5, 0.0, 0.5, 1.0))}
_FOUR = ((0.0, 0.5, 0.5, 0.5), (0.5, 0.5, 0.5, 0.5), (0.0, 0.0, 0.5, 0.5), (0.5, 0.0, 0.5, 0.5))


@dataclass(frozen=True)
class Mark:
    """How a core or link is drawn: CSS class and tooltip."""

    css: str
    title: str
    label: str = ""


def heat_class(value: float, largest: float) -> str:
    """``h0`` .. ``h8`` for values above 0 up to ``largest``, else ``off``."""
    if value <= 0 or largest <= 0:
        return "off"
    return f"h{min(N_HEAT - 1, int(N_HEAT * value / largest))}"


@dataclass(frozen=True)
class Window:
    """The tiles that a map shows: columns ``x0`` to ``x1`` and rows ``y0`` to ``y1``, ends included."""

    x0: int
    y0: int
    x1: int
    y1: int

    def holds(self, fabric: Fabric, router: int) -> bool:
        """Whether a tile is shown."""
        x, y = fabric.xy(router)
        return self.x0 <= x <= self.x1 and self.y0 <= y <= self.y1


def whole(fabric: Fabric) -> Window:
    """All tiles of the system."""
    return Window(0, 0, fabric.width - 1, fabric.height - 1)


def window_around(fabric: Fabric, routers: Iterable[int]) -> Window:
    """The tiles around ``routers`` and the host with a margin of one; all of a system up to 10 x 10."""
    used = [fabric.xy(r) for r in routers if r >= 0]
    if max(fabric.width, fabric.height) <= SMALL or not used:
        return whole(fabric)
    if fabric.chip.host is not None:
        used.append(fabric.xy(fabric.tile_of(HOST)))
    xs, ys = [x for x, _ in used], [y for _, y in used]
    return Window(
        max(0, min(xs) - 1), max(0, min(ys) - 1),
        min(fabric.width - 1, max(xs) + 1), min(fabric.height - 1, max(ys) + 1),
    )  # fmt: skip


def inset(fabric: Fabric, window: Window) -> str:
    """A small picture of where ``window`` lies in the system; empty if it is all of it."""
    if window == whole(fabric):
        return ""
    w, h = window.x1 - window.x0 + 1, window.y1 - window.y0 + 1
    top = fabric.height - 1 - window.y1
    return (
        f'<svg class="inset" viewBox="-1 -1 {fabric.width + 2} {fabric.height + 2}" role="img" '
        f'aria-label="where these tiles lie"><rect class="whole" x="0" y="0" width="{fabric.width}" '
        f'height="{fabric.height}"/><rect class="shown" x="{window.x0}" y="{top}" width="{w}" '
        f'height="{h}"/></svg>'
    )


def is_large(fabric: Fabric, window: Window | None) -> bool:
    """Whether a window (None: all tiles) is drawn without single tiles and links."""
    return is_wafer(_box(window or whole(fabric)))


def _box(window: Window) -> tuple[int, int, int, int]:
    return window.x0, window.y0, window.x1, window.y1


def _classes(marks: Mapping[Key, Mark]) -> dict[Key, str]:
    return {key: mark.css for key, mark in marks.items()}


class MeshDrawing:
    """Places tiles on paper; the same geometry for every map of a system."""

    def __init__(self, fabric: Fabric, tile_share: float, window: Window | None = None) -> None:
        self.fabric = fabric
        self.window = at = window or whole(fabric)
        columns, rows = at.x1 - at.x0 + 1, at.y1 - at.y0 + 1
        widest = max(columns, rows)
        self.pitch = 68.0 if widest <= 5 else 56.0 if widest <= 10 else 36.0 if widest <= 16 else 26.0
        self.side = self.pitch * tile_share
        self.chip_gap = self.pitch * 0.35
        mesh = fabric.chip.mesh
        edge = self.pitch * (0.36 if fabric.chip.mesh.topology == "torus" else 0.1)
        self._margin = [edge] * 4  # by direction, as ports are numbered
        if fabric.chip.host is not None:
            self._margin[fabric.port_of(HOST)] = self.pitch * 0.9
        east, north, west, south = self._margin
        gaps_x = at.x1 // mesh.width - at.x0 // mesh.width
        gaps_y = at.y1 // mesh.height - at.y0 // mesh.height
        self.width = east + west + columns * self.pitch + gaps_x * self.chip_gap
        self.height = north + south + rows * self.pitch + gaps_y * self.chip_gap
        self._mesh = mesh
        self.routers = [r for r in range(fabric.n_routers) if at.holds(fabric, r)]

    def centre(self, router: int) -> tuple[float, float]:
        """Middle of a tile on paper."""
        x, y = self.fabric.xy(router)
        wide, high, at = self._mesh.width, self._mesh.height, self.window
        left = (x - at.x0 + 0.5) * self.pitch + (x // wide - at.x0 // wide) * self.chip_gap
        up = (y - at.y0 + 0.5) * self.pitch + (y // high - at.y0 // high) * self.chip_gap
        return self._margin[ports.WEST] + left, self.height - self._margin[ports.SOUTH] - up

    def svg(self, body: list[str], label: str) -> str:
        """The whole picture with chips' outlines and the host."""
        parts = [
            f'<svg class="mesh" viewBox="0 0 {self.width:.0f} {self.height:.0f}" role="img" '
            f'aria-label="{escape(label)}" style="max-width:{max(220.0, self.width):.0f}px;'
            f'--lane:{0.085 * self.pitch:.1f}px">'
        ]
        parts += self._chips() + body + self._host()
        return "".join([*parts, "</svg>"])

    def _chips(self) -> list[str]:
        mesh, system = self._mesh, self.fabric.chip.system
        outlines = []
        for cy in range(system.chips_y):
            for cx in range(system.chips_x):
                corner = (cy * mesh.height + mesh.height - 1) * self.fabric.width + cx * mesh.width
                x, y = self.centre(corner)
                outlines.append(
                    f'<rect class="chip" x="{x - self.pitch / 2:.1f}" y="{y - self.pitch / 2:.1f}" '
                    f'width="{mesh.width * self.pitch:.1f}" height="{mesh.height * self.pitch:.1f}" rx="6"/>'
                )
        return outlines

    def host_box(self) -> tuple[float, float] | None:
        """Middle of the host's box, or None without a host."""
        if self.fabric.chip.host is None:
            return None
        x, y = self.centre(self.fabric.tile_of(HOST))
        port = self.fabric.port_of(HOST)
        reach = 0.98 * self.pitch
        return x + reach * ports.STEP_X[port], y - reach * ports.STEP_Y[port]

    def _host(self) -> list[str]:
        at = self.host_box()
        if at is None:
            return []
        w, h = min(34.0, 0.62 * self.pitch), min(18.0, 0.5 * self.pitch)
        name = "host" if self.pitch > 30 else "H"
        return [
            f'<rect class="host" x="{at[0] - w / 2:.1f}" y="{at[1] - h / 2:.1f}" width="{w:.1f}" '
            f'height="{h:.1f}" rx="4"><title>the host</title></rect>',
            f'<text class="hostname" x="{at[0]:.1f}" y="{at[1]:.1f}" '
            f'font-size="{min(11.0, 0.33 * self.pitch):.1f}">{name}</text>',
        ]


def core_map(
    fabric: Fabric, marks: Mapping[int, Mark], label: str, window: Window | None = None
) -> str:
    """Every core in the window as a box; ``marks`` by core number, all others are unused.

    A large window is drawn by :mod:`neurosim.report.wafer_svg`, as in the other maps.
    """
    per_tile = fabric.chip.mesh.cores_per_tile
    marks = _with_dead(marks, dead_of(fabric).cores)
    if is_large(fabric, window):
        return area_map(fabric, _classes(marks), label, _box(window or whole(fabric)), per_tile)
    drawing = MeshDrawing(fabric, 0.86, window)
    boxes = _QUADRANTS.get(per_tile, _FOUR)
    body = []
    for router in drawing.routers:
        cx, cy = drawing.centre(router)
        for k in range(per_tile):
            left, top, wide, high = boxes[k]
            x, y = cx + (left - 0.5) * drawing.side, cy + (top - 0.5) * drawing.side
            core = router * per_tile + k
            body += _core_box(
                marks.get(core), x, y, wide * drawing.side, high * drawing.side,
                f"core {core} ({_place(fabric, router)})",
            )  # fmt: skip
    return drawing.svg(body + bars(drawing), label)


def _with_dead(marks: Mapping[int, Mark], dead: Iterable[int]) -> dict[int, Mark]:
    return {**dict.fromkeys(dead, Mark(DEAD, "dead")), **marks}


def _place(fabric: Fabric, router: int) -> str:
    x, y = fabric.xy(router)
    return f"chip {fabric.chip_of(router)}, x {x}, y {y}"


def _core_box(mark: Mark | None, x: float, y: float, w: float, h: float, name: str) -> list[str]:
    css = mark.css if mark else "off"
    rect = f'<rect class="core {css}" x="{x:.1f}" y="{y:.1f}" width="{w:.1f}" height="{h:.1f}" rx="2.5"'
    if mark is None:
        return [rect + "/>"]
    box = [f"{rect}><title>{escape(f'{name}: {mark.title}')}</title></rect>"]
    size = min(12.0, 0.42 * h, 1.5 * w / max(1, len(mark.label)))
    if mark.label and size >= 8:  # smaller ones cannot be read
        box.append(
            f'<text class="corelabel {css}" x="{x + w / 2:.1f}" y="{y + h / 2:.1f}" '
            f'font-size="{size:.1f}">{escape(mark.label)}</text>'
        )
    return box


def router_map(
    fabric: Fabric, marks: Mapping[int, Mark], label: str, window: Window | None = None
) -> str:
    """Every router as one box, however many cores its tile has; ``marks`` by router number."""
    marks = _with_dead(marks, dead_of(fabric).routers)
    if is_large(fabric, window):
        return area_map(fabric, _classes(marks), label, _box(window or whole(fabric)))
    drawing = MeshDrawing(fabric, 0.7, window)
    body = []
    for router in drawing.routers:
        cx, cy = drawing.centre(router)
        x, y = cx - drawing.side / 2, cy - drawing.side / 2
        name = f"router ({_place(fabric, router)})"
        body += _core_box(marks.get(router), x, y, drawing.side, drawing.side, name)
    return drawing.svg(body + bars(drawing), label)


def link_map(
    fabric: Fabric, marks: Mapping[tuple[int, int], Mark], label: str, window: Window | None = None
) -> str:
    """Every link as an arrow; ``marks`` by (router, output port), all others are faint.

    Opposite directions lie side by side, each on its right; a ring's closing link is a stub at the
    border.  Key (router, port of the host) is the link to the host, (HOST, that port) the one from it.
    In a large window every tile has the class of its busiest link out instead.
    """
    dead = dead_of(fabric).routers
    if is_large(fabric, window):
        busiest = {**dict.fromkeys(dead, DEAD), **busiest_of_tiles(_classes(marks))}
        return area_map(fabric, busiest, label, _box(window or whole(fabric)))
    drawing = MeshDrawing(fabric, 0.46, window)
    body: list[str] = []
    loud: list[str] = []
    for router in drawing.routers:
        cx, cy = drawing.centre(router)
        half = drawing.side / 2
        css, said = (f"tile {DEAD}", ": dead") if router in dead else ("tile", "")
        body.append(
            f'<rect class="{css}" x="{cx - half:.1f}" y="{cy - half:.1f}" width="{drawing.side:.1f}" '
            f'height="{drawing.side:.1f}" rx="3"><title>{escape(_place(fabric, router))}{said}</title></rect>'
        )
        for port in range(ports.LOCAL):
            target = int(fabric.target[router, port])
            if target < 0 and target != TO_HOST:
                continue
            if target >= 0 and not drawing.window.holds(fabric, target):
                continue
            mark = marks.get((router, port))
            (loud if mark else body).append(_arrow(drawing, router, port, target, mark))
    entry = [(port, mark) for (router, port), mark in marks.items() if router == HOST]
    loud += [_host_arrow(drawing, port, mark) for port, mark in entry]
    return drawing.svg(body + loud + bars(drawing), label)


def _host_arrow(drawing: MeshDrawing, port: int, mark: Mark) -> str:
    """The link from the host into its router."""
    dx, dy = -float(ports.STEP_X[port]), float(ports.STEP_Y[port])
    cx, cy = drawing.centre(drawing.fabric.tile_of(HOST))
    far, near = _host_reach(drawing), drawing.side / 2 + 1.5
    aside = 0.12 * drawing.pitch
    start = cx - dx * far - dy * aside, cy - dy * far + dx * aside
    return _loud(drawing, start, (dx, dy), far - near, mark, "from the host")


def _host_reach(drawing: MeshDrawing) -> float:
    return 0.98 * drawing.pitch - min(17.0, 0.31 * drawing.pitch) - 1.5


def _arrow(drawing: MeshDrawing, router: int, port: int, target: int, mark: Mark | None) -> str:
    dx, dy = float(ports.STEP_X[port]), -float(ports.STEP_Y[port])
    cx, cy = drawing.centre(router)
    start = drawing.side / 2 + 1.5
    if target == TO_HOST:
        reach = _host_reach(drawing)
    elif drawing.fabric.wraps[router, port]:
        reach = start + 0.3 * drawing.pitch
    else:
        tx, ty = drawing.centre(target)
        reach = abs(tx - cx) + abs(ty - cy) - start
    aside = 0.12 * drawing.pitch
    x0, y0 = cx + dx * start - dy * aside, cy + dy * start + dx * aside
    if mark is None:
        x1, y1 = x0 + dx * (reach - start), y0 + dy * (reach - start)
        return f'<path class="link off" d="M{x0:.1f} {y0:.1f}L{x1:.1f} {y1:.1f}"/>'
    name = drawing.fabric.describe(router, port)
    return _loud(drawing, (x0, y0), (dx, dy), reach - start, mark, name)


def _loud(
    drawing: MeshDrawing, start: tuple[float, float], way: tuple[float, float], length: float,
    mark: Mark, name: str,
) -> str:
    """An arrow with a tooltip: a line up to the neck, and a filled head."""
    (x0, y0), (dx, dy) = start, way
    head = min(0.17 * drawing.pitch, 0.8 * length)
    x1, y1 = x0 + dx * length, y0 + dy * length
    neck_x, neck_y, wing = x1 - dx * head, y1 - dy * head, 0.6 * head
    path = (
        f"M{x0:.1f} {y0:.1f}L{neck_x:.1f} {neck_y:.1f}"
        f"M{x1:.1f} {y1:.1f}L{neck_x - dy * wing:.1f} {neck_y + dx * wing:.1f}"
        f"L{neck_x + dy * wing:.1f} {neck_y - dx * wing:.1f}Z"
    )
    return f'<path class="link {mark.css}" d="{path}"><title>{escape(f"{name}: {mark.title}")}</title></path>'
