"""Area and coverage: the figures are what the tools say, and the coverage is high enough."""

from __future__ import annotations

import pytest

from rtl_models.area import MODULES, area_table
from rtl_models.coverage import Coverage, coverage_table, read_coverage
from tests.helpers.chips import make_chip
from tests.helpers.traffic import uniform
from tests.rtl.needs import needs


def test_area_of_the_arbiter():
    """Three flip-flops (the pointer), and none left out."""
    needs("pyosys")
    (row,) = area_table(make_chip(2, 2), ["rr_arbiter"])
    assert (row.module, row.flip_flops) == ("rr_arbiter", 3)
    assert 30 < row.cells < 80
    assert 5 < row.depth < 30


@pytest.mark.slow
def test_area_of_the_router_grows_with_its_buffers():
    needs("pyosys")
    small, large = (
        area_table(make_chip(2, 2, router={"buffer_flits": depth}), ["aer_router"])[0] for depth in (2, 4)
    )
    flit_bits, channels = 1 + 1 + 3 + 32 + 2, 5
    assert large.flip_flops - small.flip_flops >= 2 * flit_bits * channels
    assert large.cells > small.cells


@pytest.mark.slow
def test_every_module_synthesises():
    needs("pyosys")
    rows = area_table(make_chip(2, 2), MODULES)
    assert [row.module for row in rows] == list(MODULES)
    assert all(row.cells and row.depth for row in rows)


def test_coverage_records_are_read():
    def record(file, line, page, comment, count, hier):
        fields = {"f": file, "l": line, "page": page, "o": comment, "h": hier}
        return "C '" + "".join(f"\x01{k}\x02{v}" for k, v in fields.items()) + f"' {count}"

    text = "\n".join([
        "# SystemC::Coverage-3",
        record("a.v", 3, "v_line/a", "block", 0, "top.x"), record("a.v", 3, "v_line/a", "block", 7, "top.y"),
        record("a.v", 5, "v_line/a", "block", 0, "top.x"), record("b.v", 1, "v_toggle/b", "q:0->1", 2, "top.z"),
        record("bench.v", 1, "v_line/bench", "block", 0, "top"),
    ])  # fmt: skip
    assert read_coverage(text, leave_out=("bench",)) == [
        Coverage("a", "line", 1, 2, ("a.v:5 block",)), Coverage("b", "toggle", 1, 1, ()),
    ]  # fmt: skip


@pytest.mark.slow
def test_router_bench_covers_all_lines():
    needs("verilator")
    chip = make_chip(2, 2, flits=2, cores_per_tile=2, router={"virtual_channels": 2, "buffer_flits": 3})
    rows = coverage_table(chip, uniform(8, 0.6, 400, seed=1), 10**5)
    for kind in ("line", "branch"):
        points = sum(row.points for row in rows if row.kind == kind)
        assert points > 10
        assert sum(row.covered for row in rows if row.kind == kind) >= 0.95 * points
    assert any(row.kind == "toggle" and row.covered for row in rows)
