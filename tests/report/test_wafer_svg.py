"""Maps of large systems: equal neighbours are one run, every tile is where it belongs, and files stay small."""

from __future__ import annotations

import dataclasses
import re

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.fabric.topology import build_fabric
from neurosim.report import maps
from neurosim.report.data import report_data
from neurosim.report.mesh_svg import Mark, Window, core_map, link_map, router_map
from neurosim.report.wafer_svg import PITCH, area_map, busiest_of_tiles
from neurosim.rules import ports
from tests.helpers.small_run import small_run

SIZES = {"mesh.width": 30, "mesh.height": 30, "system.chips_x": 2, "system.chips_y": 2, "packet.fields": ()}
WAFER = build_fabric(edit_chip(load_chip("tiny_2x2"), SIZES))


def squares(svg: str, css: str) -> set[tuple[int, int]]:
    """(column, row from the top) of all tiles that a class covers; each must be covered once."""
    found = re.search(rf'<path class="core {css}"[^>]* d="([^"]*)"', svg)
    covered: list[tuple[int, int]] = []
    for x, y, wide in re.findall(r"M(\d+) (\d+)h(\d+)v6h-\d+z", found.group(1) if found else ""):
        covered += [(int(x) // PITCH + k, int(y) // PITCH) for k in range(int(wide) // PITCH)]
    assert len(set(covered)) == len(covered)
    return set(covered)


def test_tiles_lie_where_they_are_and_rows_are_runs() -> None:
    width = WAFER.width
    classes = {y * width + x: f"h{(x // 7 + y) % 3}" for y in range(60) for x in range(60) if (x + y) % 11}
    svg = area_map(WAFER, classes, "a map", (10, 20, 59, 59))
    for css in ("h0", "h1", "h2"):
        expected = {
            (router % width - 10, 59 - router // width)
            for router, own in classes.items()
            if own == css and router % width >= 10 and router // width >= 20
        }
        assert squares(svg, css) == expected
    assert svg.count("<path") == 4  # three colours and the borders of the chips


def test_large_maps_are_one_path_per_colour_and_small_ones_are_not() -> None:
    rng = np.random.default_rng(0)
    routers = range(WAFER.n_routers)
    marks = {r: Mark(f"h{h}", "never shown", "x") for r, h in zip(routers, rng.integers(0, 9, 3600), strict=True)}
    links = {(r, p): marks[(r * 7 + p) % 3600] for r in routers for p in range(4)}
    for svg in (core_map(WAFER, marks, "c"), router_map(WAFER, marks, "r"), link_map(WAFER, links, "l")):
        assert svg.count("<path") <= 10
        assert len(svg) < 100_000
        assert "never shown" not in svg
    small = core_map(WAFER, marks, "c", Window(0, 0, 9, 9))
    assert small.count("never shown") == 100


def test_a_tile_takes_the_hottest_of_its_links() -> None:
    classes = {(3, 0): "h2", (3, 1): "h7", (3, 2): "h0", (4, 1): "h1", (HOST, ports.SOUTH): "h8"}
    assert busiest_of_tiles(classes) == {3: "h7", 4: "h1"}


def test_many_layers_are_coloured_from_first_to_last() -> None:
    run = small_run("tiny")
    data = report_data(run.result, run.case.program, run.chip, run.case.network, run.case.workload.spikes)
    image = data.program.cores[0]
    layers = [f"layer {k:02}" for k in range(maps.MANY_LAYERS + 1)]
    cores = tuple(
        dataclasses.replace(image, core=k % 4, groups=(dataclasses.replace(image.groups[0], population=name),))
        for k, name in enumerate(layers)
    )
    many = dataclasses.replace(data, program=dataclasses.replace(data.program, cores=cores))
    placed = maps.placement_map(many)
    assert placed.scale == ("layer 00", "layer 24")
    assert placed.legend == ()
    assert placed.note == "cores coloured by layer, 25 from first to last"
    assert "c0" not in re.findall(r'class="core (\w+)"', placed.svg)
    few = dataclasses.replace(data, program=dataclasses.replace(data.program, cores=cores[:-1]))
    assert maps.placement_map(few).scale is None
