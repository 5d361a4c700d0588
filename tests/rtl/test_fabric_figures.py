"""Area and coverage: the figures are what the tools say, and the coverage is high enough."""

from __future__ import annotations

import pytest

from rtl_models import core_checks
from rtl_models.area import CORE_MODULES, MODULES, Area, area_table
from rtl_models.coverage import Coverage, chip_coverage, coverage_table, read_coverage
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


def test_memories_and_multipliers_stay_whole(monkeypatch, tmp_path):
    """Counted from the sources: 4096 words of 9 bits, one product, eight flip-flops; the word read is the memory's."""
    needs("pyosys")
    (tmp_path / "toy.v").write_text(
        "module toy (input wire clk, input wire [11:0] at, input wire [8:0] in, output reg [7:0] out);\n"
        "    reg [8:0] memory[0:4095];\n    reg [8:0] word;\n"
        "    always @(posedge clk) begin\n        memory[at] <= in;\n        word <= memory[at];\n"
        "        out <= word[3:0] * in[3:0];\n    end\nendmodule\n"
    )
    monkeypatch.setattr("rtl_models.toolchain.HDL", tmp_path)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    (row,) = area_table(make_chip(2, 2), ["toy"])
    assert (row.flip_flops, row.memory_bits, row.blocks) == (8, 4096 * 9, 1)
    (tmp_path / "twins.v").write_text(  # parts are mapped by themselves, and counted as often as they are there
        "module twins (input wire clk, input wire [11:0] at, input wire [8:0] in, output wire [15:0] out);\n"
        "    toy left (.clk(clk), .at(at), .in(in), .out(out[7:0]));\n"
        "    toy right (.clk(clk), .at(at), .in(~in), .out(out[15:8]));\nendmodule\n"
    )
    (both,) = area_table(make_chip(2, 2), ["twins"])
    assert (both.flip_flops, both.memory_bits, both.blocks) == (16, 2 * 4096 * 9, 2)
    assert next(tmp_path.glob("neurosim/rtl/area-*.json"))
    assert area_table(make_chip(2, 2), ["toy"]) == [row]  # from the cache
    assert isinstance(row, Area)


@pytest.mark.slow
def test_every_module_of_the_core_synthesises():
    needs("pyosys")
    rows = {row.module: row for row in area_table(make_chip(2, 1), CORE_MODULES)}
    assert list(rows) == list(CORE_MODULES)
    assert all(row.cells and row.depth for row in rows.values())
    assert rows["neuron_update"].blocks > 0
    core, pipeline = rows["neuron_core"], rows["synapse_pipeline"]
    assert core.memory_bits > pipeline.memory_bits > 4096 * 32  # the synapses alone
    assert core.flip_flops > pipeline.flip_flops


@pytest.mark.slow
def test_random_networks_cover_the_lines_of_a_whole_chip():
    needs("verilator")
    chip = make_chip(2, 1, core={"neurons": 32})
    rows = chip_coverage([core_checks.random_program(chip, 1000 * k) for k in range(12)], 10**7)
    assert {"neuron_loop", "synapse_pipeline", "barrier_root", "host_port", "aer_router"} <= {r.module for r in rows}
    points = sum(row.points for row in rows if row.kind == "line")
    assert sum(row.covered for row in rows if row.kind == "line") >= 0.95 * points
    assert any(row.kind == "toggle" and row.covered for row in rows)


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
