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
LARGEST = 48  # pixels of a tile on a page that is wide enough
FEW_COLOURS = ("#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#f0e442", "#d55e00")
"""Of up to seven layers: Okabe and Ito's set for all kinds of colour vision (jfly.uni-koeln.de/color)."""
RAMP = ("#31446b", "#666970", "#958f78", "#cbba69", "#ffea46")
"""Of more, from first to last: part of cividis (Nunez et al. 2018, DOI 10.1371/journal.pone.0199239)."""
LEGEND = 24  # more layers are shown as first, last and some between
STYLE = """
body{font:15px/1.5 system-ui,sans-serif;max-width:76rem;margin:2rem auto;padding:0 1rem}
body{color:#1d2430;background:#fff}
table{border-collapse:collapse}td,th{padding:.2rem .8rem .2rem 0;text-align:left;vertical-align:top}
td.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}svg{width:100%;height:auto;display:block}
.chip{fill:none;stroke:#8a94a6;vector-effect:non-scaling-stroke}.dead{fill:url(#dead);stroke:currentColor;stroke-width:.5}
.hatch{stroke:currentColor;stroke-width:1.1}.cut{stroke:currentColor;stroke-width:1.4;stroke-dasharray:2 1}
.legend{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:.2rem 1.2rem}
.legend svg{display:inline-block;width:1em;height:1em;margin-right:.4em;vertical-align:-.1em}
@media(prefers-color-scheme:dark){body{color:#e5e9f0;background:#15181e}.chip{stroke:#697386}}
"""
HATCH = (
    "<defs><pattern id=dead width=3 height=3 patternUnits=userSpaceOnUse patternTransform='rotate(45)'>"
    "<line class=hatch x1=0 y1=0 x2=0 y2=3 /></pattern></defs>"
)


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
        f"<td class=n>{_value(r['objective'])} "
        f"{escape(r.get('unit', ''))}</td><td class=n>"
        f"{'none' if r['bound'] is None else _value(r['bound'])}</td><td>{escape(r['detail'])}</td></tr>"
        for r in figures["solver"]
    )
    said = [*figures.get("deadlock_repairs", ()), *figures["deadlock"]["lines"]]
    lines = "".join(f"<li>{escape(line)}</li>" for line in said)
    what = f"{chip.n_chips} chips" if chip.n_chips > 1 else "chip"
    return (
        "<!doctype html><html lang=en><meta charset=utf-8>"
        "<meta name=viewport content='width=device-width'>"
        f"<title>Mapping of {escape(figures['network']['name'])}</title><style>{STYLE}</style>"
        f"<h1>{escape(figures['network']['name'])} on {escape(chip.name)}</h1>"
        f"<p>{count(figures['network']['neurons'])} neurons on {count(figures['cores']['used'])} of "
        f"{count(figures['cores']['available'])} cores; traffic: {escape(figures['activity'])}.</p>"
        f"<h2>The {what}</h2><p>One square per core that is used, coloured by its first layer; hover for "
        f"all of them.</p>{_legend(partition, chip)}{picture(partition, placement, chip)}"
        f"<h2>Deadlock</h2><ul>{lines}</ul><h2>Figures</h2><table><tr><th>figure<th>value<th>formula</tr>{rows}"
        "</table><h2>Solvers</h2><table><tr><th>stage<th>method<th>status<th>objective<th>bound<th></tr>"
        f"{solver}</table></html>\n"
    )


def layer_colours(partition: Partition) -> dict[str, str]:
    """Colour of every layer that comes first on some core, in order of appearance.

    Up to seven are told apart by any eye; of more, neighbours in the network have like colours.
    """
    names = list(dict.fromkeys(cluster.slices[0].population for cluster in partition.clusters))
    if len(names) <= len(FEW_COLOURS):
        return dict(zip(names, FEW_COLOURS, strict=False))
    return {name: _on_ramp(index / (len(names) - 1)) for index, name in enumerate(names)}


def _on_ramp(share: float) -> str:
    at = share * (len(RAMP) - 1)
    low = min(int(at), len(RAMP) - 2)
    ends = [[int(colour[i : i + 2], 16) for i in (1, 3, 5)] for colour in RAMP[low : low + 2]]
    return "#" + "".join(f"{round(a + (b - a) * (at - low)):02x}" for a, b in zip(*ends, strict=True))


def _legend(partition: Partition, chip: Chip) -> str:
    """Every colour with its layer (some, if there are many), and what is dead."""
    colours, dead = list(layer_colours(partition).items()), dead_parts(chip)
    step = -(-len(colours) // LEGEND)
    shown = [pair for index, pair in enumerate(colours) if index % step == 0 or index == len(colours) - 1]
    items = [
        "<li>" + _swatch(f"<rect width=10 height=10 fill='{colour}' />") + escape(name)
        for name, colour in shown
    ]
    if step > 1:
        items.append(f"<li>{count(len(colours))} layers in all, coloured from first to last")
    if dead is not None and dead.core.any():
        box = _swatch("<rect class=dead width=10 height=10 />")  # its pattern is in the picture
        items.append(f"<li>{box}dead core ({count(int(dead.core.sum()))})")
    if dead is not None and (dead.east.any() or dead.north.any()):
        line = _swatch("<line class=cut x1=5 y1=0 x2=5 y2=10 />")
        items.append(f"<li>{line}dead link ({count(int(dead.east.sum() + dead.north.sum()))})")
    return f"<ul class=legend>{''.join(items)}</ul>"


def _swatch(drawing: str) -> str:
    return f"<svg viewBox='0 0 10 10' aria-hidden=true>{drawing}</svg>"


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
    colours = layer_colours(partition)
    for cluster, core in zip(partition.clusters, placement.core.tolist(), strict=True):
        tile, k = divmod(core, mesh.cores_per_tile)
        names = ", ".join(dict.fromkeys(piece.population for piece in cluster.slices))
        fill = f"fill='{colours[cluster.slices[0].population]}'"
        parts.append(_square(tile, k, width, height, mesh.cores_per_tile, fill, f"{names}, core {core}"))
    parts += _dead(chip, width, height)
    frame = f"-4 -4 {width * SIDE + 8} {height * SIDE + 8}"
    widest = (width * SIDE + 8) * LARGEST // SIDE
    return (
        f"<svg viewBox='{frame}' style='max-width:{widest}px' role=img aria-label='cores by layer'>"
        f"{HATCH}{''.join(parts)}</svg>"
    )


def _square(
    tile: int, k: int, width: int, height: int, per_tile: int, look: str, title: str
) -> str:
    x, y = tile % width * SIDE, (height - 1 - tile // width) * SIDE
    share = (SIDE - 2) / per_tile
    return (
        f"<rect x={x + 1 + k * share:g} y={y + 1} width={share:g} height={SIDE - 2} {look}>"
        f"<title>{escape(title)}</title></rect>"
    )


def _dead(chip: Chip, width: int, height: int) -> Sequence[str]:
    dead = dead_parts(chip)
    if dead is None:
        return ()
    each = chip.mesh.cores_per_tile
    parts = [
        _square(core // each, core % each, width, height, each, "class=dead", f"core {core}, dead")
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
