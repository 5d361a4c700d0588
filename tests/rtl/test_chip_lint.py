"""The Verilog of cores, barrier and whole chips is clean under all warnings of Icarus and Verilator."""

from __future__ import annotations

import pytest

from neurosim.chip.loader import edit_chip, load_chip
from neurosim.rtl.images import chip_header_text
from rtl_models import chip as chip_bench
from rtl_models import toolchain
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs

CHIPS = {
    "tiny, 2 x 2 tiles": edit_chip(load_chip("tiny"), {"mesh.width": 2, "mesh.height": 2}),
    "two flits, two VCs, two chips": make_chip(
        1, 1, chips=(2, 1), flits=2, router={"virtual_channels": 2}, core={"memory_ports": 1}, cores_per_tile=2
    ),
    "wraps, ticks, several words a cycle": make_chip(
        1, 1, core={
            "overflow": {"membrane": "wrap", "accumulator": "wrap"}, "words_per_cycle": 2, "weight_bits": (2, 4),
            "receive_during_update": False, "max_delay_steps": 1,
        }, sync={"mode": "tick", "tick_period_cycles": 100},
    ),
}  # fmt: skip


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
@pytest.mark.parametrize("name", CHIPS)
def test_lint_of_the_whole_chip(tool, name):
    needs(tool)
    sources = toolchain.hdl_sources((*toolchain.FABRIC, *chip_bench.CORES))
    design = toolchain.Design("neuro_chip", sources, chip_header_text(CHIPS[name]))
    assert toolchain.lint(tool, design) == ""


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
def test_lint_sees_a_bad_core(tool):
    needs(tool)
    text = (toolchain.HDL / "host_port.v").read_text()
    bad = text.replace("assign busy = waiting != 32'd0;", "assign busy = waiting != undeclared_name;")
    assert bad != text
    design = toolchain.Design(
        "host_port", toolchain.hdl_sources(("host_port", "credit_counter")), chip_header_text(CHIPS["tiny, 2 x 2 tiles"]),
        replace={"host_port.v": bad},
    )  # fmt: skip
    try:
        said = toolchain.lint(tool, design)
    except toolchain.InputError as error:  # Icarus takes an undeclared name in an expression for an error
        said = error.text()
    assert "undeclared_name" in said or "rtl-tool-failed" in said


def test_presets_that_the_verilog_refuses_say_why():
    slow = edit_chip(load_chip("tiny"), {"sync.base_cycles": 1})
    with pytest.raises(toolchain.InputError) as caught:
        chip_header_text(slow)
    assert str(caught.value) == (
        "chip 'tiny': the Verilog cores cannot run this [rtl-unsupported]\n"
        "  got: sync.base_cycles 1: a core's report and the token are registers, one cycle each"
    )
