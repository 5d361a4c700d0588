"""cocotb in lock-step: units against their models, meshes against the rules, every register in every cycle."""

from __future__ import annotations

import pytest

from neurosim.errors import MismatchError
from neurosim.fabric.topology import build_fabric
from neurosim.rtl.header import header_text
from rtl_models import toolchain
from rtl_models.cosim import lockstep, run_bench
from tests.helpers.chips import make_chip
from tests.helpers.traffic import uniform
from tests.rtl.fabric_cases import cases
from tests.rtl.needs import needs

LINK = {"FLIT_BITS": 21, "VC_BITS": 2, "CREDITS": 3}
UNITS = [
    ("sync_fifo", {"WIDTH": 8, "DEPTH": 1, "COUNT_BITS": 1}, {}),
    ("sync_fifo", {"WIDTH": 8, "DEPTH": 5, "COUNT_BITS": 3}, {}),
    ("rr_arbiter", {"N": 5, "INDEX_BITS": 3, "FIXED": 0}, {}),
    ("rr_arbiter", {"N": 8, "INDEX_BITS": 3, "FIXED": 1}, {}),
    ("credit_counter", {"INITIAL": 4, "COUNT_BITS": 3, "RETURN_BITS": 2}, {}),
    ("chip_link", {**LINK, "DELAY": 3, "CYCLES_PER_FLIT": 2, "CREDIT_DELAY": 2}, {}),
    ("chip_link", {**LINK, "DELAY": 9, "CYCLES_PER_FLIT": 4, "CREDIT_DELAY": 1}, {}),
    ("async_fifo", {"WIDTH": 8, "ADDRESS_BITS": 2}, {"write_period": 3, "read_period": 1}),
    ("async_fifo", {"WIDTH": 8, "ADDRESS_BITS": 3}, {"write_period": 2, "read_period": 5}),
]
QUICK_MESHES = (
    "shortest times, one slot", "yx, fixed priority, long links", "one winner per router", "torus, three flits",
    "drops after 6 cycles",
)  # fmt: skip


def run_unit(unit, parameters, more, folder, replace=None):
    sources = toolchain.hdl_sources(dict.fromkeys(("delay_line", "synchroniser", unit)))
    design = toolchain.Design(unit, sources, header_text(make_chip(2, 2)), replace=replace or {})
    job = {"unit": unit, "parameters": parameters, "cycles": 400, "seed": 1, **more}
    run_bench(design, "units_lockstep", job, folder, parameters)


@pytest.mark.parametrize(("unit", "parameters", "more"), UNITS)
def test_units_equal_their_models(unit, parameters, more, tmp_path):
    needs("iverilog", "cocotb")
    run_unit(unit, parameters, more, tmp_path)


def test_a_broken_pointer_across_clocks_is_seen(tmp_path):
    needs("iverilog", "cocotb")
    text = (toolchain.HDL / "async_fifo.v").read_text()
    bad = text.replace("read_next ^ (read_next >> 1)", "read_next")
    assert bad != text
    more = {"write_period": 2, "read_period": 5}
    with pytest.raises(MismatchError, match=r"Difference in cycle \d+: "):
        run_unit("async_fifo", {"WIDTH": 8, "ADDRESS_BITS": 2}, more, tmp_path, {"async_fifo.v": bad})


@pytest.mark.parametrize(
    "name", [name if name in QUICK_MESHES else pytest.param(name, marks=pytest.mark.slow) for name in cases()]
)
def test_meshes_equal_the_rules(name, tmp_path):
    needs("iverilog", "cocotb")
    chip = cases()[name]
    result = lockstep(chip, uniform(build_fabric(chip).n_cores, 0.5, 30, seed=1), 5000, tmp_path)
    assert result["cycles"] > 30
    assert any(key.endswith(" 1") for key in result["seen"])  # somebody had to wait


@pytest.mark.slow
def test_a_4x4_mesh_equals_the_rules(tmp_path):
    needs("iverilog", "cocotb")
    chip = make_chip(4, 4, flits=2, router={"virtual_channels": 2})
    result = lockstep(chip, uniform(16, 0.3, 300, seed=2), 5000, tmp_path)
    # every pair of ports that XY routing allows was seen (no U-turns, no turn from y to x), idle and blocked
    pairs = {tuple(map(int, key.split()[:2])) for key in result["seen"]}
    assert pairs >= {(2, 0), (0, 2), (1, 3), (3, 1), (2, 1), (2, 3), (0, 1), (0, 3)}
    assert pairs >= {(p, 4) for p in range(5)} | {(4, p) for p in range(5)}
    assert not pairs & {(p, q) for p in (1, 3) for q in (0, 2)}


@pytest.mark.slow
def test_a_mesh_equals_the_rules_under_verilator_too(tmp_path):
    needs("verilator", "cocotb")
    chip = make_chip(2, 2, flits=2)
    result = lockstep(chip, uniform(4, 0.5, 30, seed=1), 5000, tmp_path, simulator="verilator")
    assert result["cycles"] > 30


def test_the_first_difference_is_named(tmp_path):
    """A credit that starts one short shows in cycle 0, at the first router, before any packet moves."""
    needs("iverilog", "cocotb")
    text = (toolchain.HDL / "credit_counter.v").read_text()
    bad = {"credit_counter.v": text.replace("ALL = INITIAL;", "ALL = INITIAL - 1;")}
    chip = make_chip(2, 1)
    with pytest.raises(MismatchError) as error:
        lockstep(chip, uniform(2, 0.5, 10, seed=1), 200, tmp_path, bad)
    assert "Difference in cycle 0: router 0 port 0 vc 0 credits: expected 4, got 3" in str(error.value)
