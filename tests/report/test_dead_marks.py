"""Dead cores, tiles and links on the mesh maps, and what the deadlock verdict is about."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from neurosim.analysis.deadlock import analyse_deadlock, scope_text, verdict_lines
from neurosim.artefacts.route_table import RouteTable
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.report import maps, sections
from neurosim.report.data import ReportData, report_data
from neurosim.report.html import render_html
from neurosim.report.mesh_svg import Mark, MeshDrawing, Window, core_map, link_map, router_map
from neurosim.report.wafer_svg import PITCH
from neurosim.rules import ports
from tests.helpers.chips import make_chip
from tests.helpers.small_run import small_run

LINK = {"x": 2, "y": 1, "side": "west"}


def hurt(preset: str = "tiny", **defects: Any) -> Fabric:
    return build_fabric(edit_chip(load_chip(preset), {"defects": defects}))


def bars(svg: str) -> list[str]:
    return re.findall(r'<path class="cut"[^>]*><title>([^<]*)</title>', svg)


def drawn(fabric: Fabric, window: Window | None = None) -> tuple[str, str, str]:
    return core_map(fabric, {}, "c", window), router_map(fabric, {}, "r", window), link_map(fabric, {}, "l", window)


def test_a_dead_link_is_barred_on_every_map() -> None:
    for svg in drawn(hurt(links=[LINK])):
        assert bars(svg) == ["dead link between chip 0 router (1,1) east and chip 0 router (2,1) west"]
        assert "dead" not in svg.replace("dead link", "")


def test_the_bar_stands_across_the_middle_of_its_link() -> None:
    """Between two tiles, upright for a link to the east, lying for one to the north; also between chips."""
    for preset, link, is_upright in (("tiny", LINK, True), ("tiny_2x2", {"x": 3, "y": 3, "side": "north"}, False)):
        svg = router_map(hurt(preset, links=[link]), {}, "r")
        ((x0, y0, x1, y1),) = re.findall(r'class="cut"[^>]*d="M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)"', svg)
        assert (x0 == x1, y0 == y1) == (is_upright, not is_upright)
        boxes = [tuple(map(float, b)) for b in re.findall(r'core off" x="([\d.]+)" y="([\d.]+)" width="([\d.]+)"', svg)]
        middle = ((float(x0) + float(x1)) / 2, (float(y0) + float(y1)) / 2)
        gaps = sorted(abs(x + side / 2 - middle[0]) + abs(y + side / 2 - middle[1]) for x, y, side in boxes)
        assert gaps[0] == pytest.approx(gaps[1], abs=0.3)
        assert gaps[1] < gaps[2]


def test_a_dead_router_is_a_hatched_tile_without_bars() -> None:
    cores, routers, links = drawn(hurt(routers=[[2, 2]], cores=[[0, 3, 0]]))
    assert cores.count('class="core dead"') == 2
    assert "core 12 (chip 0, x 0, y 3): dead" in cores
    assert routers.count('class="core dead"') == links.count('class="tile dead"') == 1
    assert "router (chip 0, x 2, y 2): dead" in routers
    assert "chip 0, x 2, y 2: dead" in links
    assert bars(cores + routers + links) == []


def test_a_closing_link_of_a_ring_is_barred_at_both_ends() -> None:
    ring = make_chip(3, 2, topology="torus", host=None, router={"routing": "torus_xy"})
    fabric = build_fabric(edit_chip(ring, {"defects": {"links": [{"x": 0, "y": 1, "side": "west"}]}}))
    svg = link_map(fabric, {}, "l")
    assert bars(svg) == ["dead link between chip 0 router (2,1) east and chip 0 router (0,1) west"] * 2
    east, west = (float(x) for x in re.findall(r'class="cut"[^>]*d="M([\d.]+) ', svg))
    paper = MeshDrawing(fabric, 0.46)
    assert east == pytest.approx(paper.centre(5)[0] + paper.pitch / 2, abs=0.1)
    assert west == pytest.approx(paper.centre(3)[0] - paper.pitch / 2, abs=0.1)


def test_what_lies_outside_the_window_is_not_drawn() -> None:
    fabric = hurt("tiny_2x2", links=[LINK, {"x": 5, "y": 5, "side": "east"}], routers=[[7, 7]])
    svg = link_map(fabric, {}, "l", Window(0, 0, 1, 1))
    assert len(bars(svg)) == 1  # of the link that leads out
    assert "tile dead" not in svg


def test_a_wafer_shows_dead_tiles_and_cores_as_areas() -> None:
    chip = edit_chip(load_chip("darwinwafer"), {"defects": {"routers": [[3, 0], [4, 0]]}})
    fabric = build_fabric(chip)
    for svg in drawn(fabric):
        assert f'<path class="core dead" style="stroke:none" d="M{3 * PITCH} ' in svg
    busy = link_map(fabric, {(3, ports.EAST): Mark("h3", "")}, "l")
    assert 'class="core h3"' in busy


def run_on(**defects: Any) -> ReportData:
    run = small_run("tiny")
    chip = edit_chip(run.chip, {"defects": defects})
    return report_data(run.result, run.case.program, chip, run.case.network)


def test_the_page_explains_its_marks() -> None:
    data = run_on(routers=[[2, 3]], links=[{"x": 3, "y": 2, "side": "north"}])
    found = {m.title: m.legend for m in maps.load_maps(data)}
    assert found["Busy cores"] == (("dead", "dead core (1)"), ("cut", "dead link (1)"))
    assert found["Link traffic"] == (("dead", "dead tile (1)"), ("cut", "dead link (1)"))
    assert found["Placement"][-2:] == found["Busy cores"]
    page = render_html(data)
    assert page.count('<pattern id="dead-hatch"') == 1
    assert '<span class="swatch cut"></span>dead link (1)' in page


def test_a_sound_system_has_no_marks() -> None:
    run = small_run("tiny")
    page = render_html(report_data(run.result, run.case.program, run.chip, run.case.network))
    assert "dead-hatch\"" not in page
    assert 'class="cut"' not in page
    assert "core dead" not in page


def test_a_verdict_says_what_the_tables_have_to_do_with_it() -> None:
    """One entry that says what the rule says too: the finding changes its name, not its sense."""
    run = small_run("tiny")
    program = run.case.program
    one = np.ones(1, np.int64)
    tabled = replace(program, table=RouteTable(0 * one, 1 * one, ports.EAST * one, -1 * one))
    plain, with_table = analyse_deadlock(run.chip, program, None), analyse_deadlock(run.chip, tabled, None)
    assert [line.split(":")[0] for line in verdict_lines(plain)] == [
        "routing function", "mapped flows", "run", "conclusion"
    ]  # fmt: skip
    assert [line.split(":")[0] for line in verdict_lines(with_table)] == [
        "routing function without routing tables", "mapped flows with routing tables", "run", "conclusion"
    ]  # fmt: skip
    assert scope_text(tabled) == (
        "The routing function is checked for any core sending to any other, by the chip's rule alone, routing "
        "tables left out. The mapped flows are the packets that this mapping can send, by that rule and routing "
        "tables: they decide whether it can deadlock."
    )
    assert scope_text(program) == (
        "The routing function is checked for any core sending to any other, by the chip's rule alone. The mapped "
        "flows are the packets that this mapping can send, by that rule: they decide whether it can deadlock."
    )
    data = report_data(run.result, tabled, run.chip, run.case.network)
    assert "routing function without routing tables proven free" in {b.text for b in sections.badges(data)}
    assert scope_text(tabled).replace("'", "&#39;") in render_html(data)
