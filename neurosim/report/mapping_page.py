"""The page of a mapping: a picture of every chip, and all its figures with their formulas.

Reads a partition, a placement, a chip and the content of ``mapping.json``; writes one self-contained HTML
page without scripts.  Also draws a whole wafer: one small square per core that is used, by layer.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

from neurosim.artefacts.mapping import Partition, Placement
from neurosim.chip.defects import dead_parts
from neurosim.chip.models import Chip
from neurosim.report.text import count

SIDE = 10  # units of the drawing per tile
HUES = 47  # degrees between the colours of layers that follow each other
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem}
body{color:#1d2430;background:#fff}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}svg{width:100%;height:auto;display:block}
.chip{fill:none;stroke:#8a94a6}.tile{fill:#e8ebf0}.dead{fill:#d5281e}.cut{stroke:#d5281e;stroke-width:2}
@media(prefers-color-scheme:dark){body{color:#e5e9f0;background:#15181e}.tile{fill:#262b34}.chip{stroke:#697386}}
"""


def mapping_page(
    partition: Partition, placement: Placement, chip: Chip, figures: Mapping[str, Any]
) -> str:
    """The page as text; ``figures`` is the content of ``mapping.json`` with its ``formulas``."""
    metrics, formulas = figures["metrics"], figures.get("formulas", {})
    rows = "".join(
        f"<tr><td>{escape(name)}</td><td class=n>{_value(value)}</td>"
        f"<td>{escape(formulas.get(name, ''))}</td></tr>"
        for name, value in metrics.items()
    )
    solver = "".join(
        f"<tr><td>{escape(r['stage'])}</td><td>{escape(r['method'])}</td><td>{escape(r['status'])}</td>"
        f"<td class=n>{_value(r['objective'])}</td><td class=n>"
        f"{'none' if r['bound'] is None else _value(r['bound'])}</td><td>{escape(r['detail'])}</td></tr>"
        for r in figures["solver"]
    )
    lines = "".join(f"<li>{escape(line)}</li>" for line in figures["deadlock"]["lines"])
    what = f"{chip.n_chips} chips" if chip.n_chips > 1 else "chip"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Mapping of {escape(figures['network']['name'])}</title><style>{STYLE}</style>"
        f"<h1>{escape(figures['network']['name'])} on {escape(chip.name)}</h1>"
        f"<p>{count(figures['network']['neurons'])} neurons on {count(figures['cores']['used'])} of "
        f"{count(figures['cores']['available'])} cores; traffic: {escape(figures['activity'])}.</p>"
        f"<h2>The {what}</h2><p>One square per core that is used, coloured by layer (hover for its name); "
        f"red: dead.</p>{picture(partition, placement, chip)}"
        f"<h2>Deadlock</h2><ul>{lines}</ul><h2>Figures</h2><table><tr><th>figure<th>value<th>formula</tr>{rows}"
        "</table><h2>Solvers</h2><table><tr><th>stage<th>method<th>status<th>objective<th>bound<th></tr>"
        f"{solver}</table></html>\n"
    )


def picture(partition: Partition, placement: Placement, chip: Chip) -> str:
    """All chips as one SVG; row 0 at the bottom."""
    mesh = chip.mesh
    width, height = chip.system.chips_x * mesh.width, chip.system.chips_y * mesh.height
    parts = [
        f"<rect class=chip x={cx * mesh.width * SIDE} y={cy * mesh.height * SIDE} "
        f"width={mesh.width * SIDE} height={mesh.height * SIDE} />"
        for cy in range(chip.system.chips_y)
        for cx in range(chip.system.chips_x)
    ]
    colour: dict[str, int] = {}
    for cluster, core in zip(partition.clusters, placement.core.tolist(), strict=True):
        name = cluster.slices[0].population
        hue = colour.setdefault(name, len(colour) * HUES % 360)
        tile, k = divmod(core, mesh.cores_per_tile)
        names = ", ".join(dict.fromkeys(piece.population for piece in cluster.slices))
        fill, title = f"hsl({hue} 60% 52%)", f"{names}, core {core}"
        parts.append(_square(tile, k, width, height, mesh.cores_per_tile, fill, title))
    parts += _dead(chip, width, height)
    frame = f"-4 -4 {width * SIDE + 8} {height * SIDE + 8}"
    return f"<svg viewBox='{frame}' role=img aria-label='cores by layer'>{''.join(parts)}</svg>"


def _square(
    tile: int, k: int, width: int, height: int, per_tile: int, fill: str, title: str
) -> str:
    x, y = tile % width * SIDE, (height - 1 - tile // width) * SIDE
    share = (SIDE - 2) / per_tile
    return (
        f"<rect x={x + 1 + k * share:g} y={y + 1} width={share:g} height={SIDE - 2} fill='{fill}'>"
        f"<title>{escape(title)}</title></rect>"
    )


def _dead(chip: Chip, width: int, height: int) -> Sequence[str]:
    dead = dead_parts(chip)
    if dead is None:
        return ()
    per_tile = chip.mesh.cores_per_tile
    parts = [
        _square(core // per_tile, core % per_tile, width, height, per_tile, "#d5281e", f"core {core}, dead")
        for core in dead.core.nonzero()[0].tolist()
    ]
    for cut, vertical in ((dead.east, True), (dead.north, False)):
        for tile in cut.nonzero()[0].tolist():
            x, y = tile % width * SIDE, (height - 1 - tile // width) * SIDE
            ends = (x + SIDE, y, x + SIDE, y + SIDE) if vertical else (x, y, x + SIDE, y)
            parts.append("<line class=cut x1={} y1={} x2={} y2={} />".format(*ends))
    return parts


def _value(value: float) -> str:
    return count(value) if float(value).is_integer() or abs(value) >= 1000 else f"{value:.4g}"
