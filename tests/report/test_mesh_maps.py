"""The maps of the report: every core and link, the right way up, cut to what is used."""

from __future__ import annotations

import dataclasses
import re

from neurosim.chip.loader import load_chip
from neurosim.fabric.topology import build_fabric
from neurosim.report import maps
from neurosim.report.mesh_svg import Mark, Window, core_map, heat_class, inset, link_map, window_around
from tests.helpers.pages import data_of
from tests.helpers.small_chips import HOST_WEST, small_chip, torus


def test_heat_classes() -> None:
    assert [heat_class(v, 9) for v in (0, 0.5, 1, 8.99, 9)] == ["off", "h0", "h1", "h8", "h8"]
    assert heat_class(0, 0) == "off"


def test_maps_draw_every_core_and_link() -> None:
    chip = small_chip(mesh={"width": 3, "height": 2, "cores_per_tile": 4}, host={**HOST_WEST, "y": 0})
    fabric = build_fabric(chip)
    svg = core_map(fabric, {5: Mark("h3", "half <full>", "5")}, "a map")
    assert svg.count("<rect class=\"core ") == 24
    assert svg.count("core h3") == 1
    assert "core 5 (chip 0, x 1, y 0): half &lt;full&gt;" in svg
    links = link_map(fabric, {(0, 0): Mark("h8", "busy")}, "links")
    assert links.count('class="link ') == 2 * (2 * 2 + 3) + 1  # both ways, and to the host
    assert "chip 0 router (0,0) east: busy" in links
    assert link_map(build_fabric(torus(4, 4)), {}, "ring").count('class="link ') == 64


def test_north_is_up() -> None:
    fabric = build_fabric(small_chip(mesh={"width": 1, "height": 2}))
    svg = core_map(fabric, {0: Mark("h1", "south"), 1: Mark("h2", "north")}, "two")
    tops = dict(re.findall(r'class="core (h\d)" x="[\d.]+" y="([\d.]+)"', svg))
    assert float(tops["h2"]) < float(tops["h1"])


def test_a_large_chip_stays_small_enough() -> None:
    fabric = build_fabric(load_chip("darwin3"))
    marks = {core: Mark("h4", "1 operation", str(core)) for core in range(fabric.n_cores)}
    assert len(core_map(fabric, marks, "all")) < 150_000


def test_a_core_with_two_layers_has_the_colour_of_the_larger() -> None:
    data = data_of("tiny")
    first, out = data.program.cores[0], data.program.cores[-1]
    group = dataclasses.replace(out.groups[0], first=first.n_neurons)
    both = dataclasses.replace(first, groups=(*first.groups, group))
    program = dataclasses.replace(data.program, cores=(both, *data.program.cores[1:]))
    placed = maps.placement_map(dataclasses.replace(data, program=program))
    assert "core 1 (chip 0, x 1, y 0): hidden (6 neurons), out (4 neurons)" in placed.svg
    assert placed.svg.count('class="core c0"') == 4
    assert placed.legend == (("c0", "hidden"), ("c1", "out"))


def test_a_large_system_is_cut_to_what_is_used() -> None:
    fabric = build_fabric(load_chip("darwin3"))
    window = window_around(fabric, [288, 290])  # (0, 12), where the host is, and (2, 12)
    assert window == Window(0, 11, 3, 13)
    svg = core_map(fabric, {288: Mark("c0", "a", "288")}, "part", window)
    assert svg.count('class="core ') == 12
    assert ">288</text>" in svg
    assert link_map(fabric, {}, "links", window).count('class="link ') == 2 * (3 * 3 + 2 * 4) + 1
    assert 'x="0" y="10" width="4" height="3"' in inset(fabric, window)
    small = build_fabric(load_chip("tiny"))
    assert window_around(small, [0]) == Window(0, 0, 3, 3)
    assert inset(small, Window(0, 0, 3, 3)) == ""


def test_a_cut_map_says_what_it_shows() -> None:
    fabric = build_fabric(load_chip("darwin3"))
    drawn = maps._cut(maps.MeshMap("t", "note", "<svg/>"), fabric, Window(0, 11, 3, 13))
    assert drawn.note == "note; showing x 0 to 3, y 11 to 13 of 24 x 24 tiles"
    assert drawn.inset
    assert drawn.columns == 4
