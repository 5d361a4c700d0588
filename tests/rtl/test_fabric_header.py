"""Parameter header and flit layout, derived from the chip; read back from the elaborated design."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from neurosim.chip.dump import chip_digest
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.errors import InputError
from neurosim.rtl.flits import flit_layout
from neurosim.rtl.header import header_text, macros, unsupported
from rtl_models import toolchain
from rtl_models.traffic import run_traffic
from tests.helpers.chips import make_chip
from tests.helpers.traffic import one
from tests.rtl.needs import needs

PRESETS = ("tiny", "tiny_2x2", "tiny_2x2_gateway", "tiny_2x2_gateway_vc", "darwin3", "loihi_2018")


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_has_a_header_or_a_reason(name):
    chip = load_chip(name)
    assert unsupported(chip) == []
    text = header_text(chip)
    assert f"`define CHIP_DIGEST 256'h{chip_digest(chip)}" in text
    assert f"`define ROUTER_BUFFER_FLITS {chip.router.buffer_flits}\n" in text
    assert re.findall(r"^`define \S+ (?![-0-9])", text, re.M) == []  # numbers only


def test_choices_are_numbered_as_the_rules_number_them():
    found = macros(make_chip(2, 2, router={"routing": "yx", "arbiter": "one_winner_per_router"}))
    assert found["ROUTER_ROUTING"] == found["ROUTER_ROUTING_YX"] == 1
    assert found["ROUTER_ARBITER"] == found["ROUTER_ARBITER_ONE_WINNER_PER_ROUTER"] == 2
    assert (found["HOST_SIDE"], found["PORT_WEST"], found["PORT_LOCAL"]) == (2, 2, 4)
    assert found["CORE_UPDATE_CYCLES_CUBA_LIF_ACTIVE"] == 2


def test_what_is_absent_is_zero():
    found = macros(make_chip(2, 2, host=None))
    assert (found["HOST_PRESENT"], found["HOST_LATENCY_CYCLES"], found["LINK_PRESENT"]) == (0, 0, 0)
    assert found["ROUTER_DROP_AFTER_CYCLES"] == 0


def test_a_link_too_long_for_registers_is_refused():
    chip = make_chip(2, 1, router={"credit_cycles": 5000})
    with pytest.raises(InputError) as error:
        header_text(chip)
    assert str(error.value) == (
        "chip 'test': the Verilog cannot be built for chip 'test' [rtl-unsupported]\n"
        "  got: a link of 5000 cycles: the Verilog's delay lines are registers, of at most 1024"
    )


def test_layout_packs_and_unpacks():
    layout = flit_layout(make_chip(4, 3, cores_per_tile=2))
    flit = layout.pack(x=3, y=2, exit=5, axon=77, step=9, head=1)
    assert layout.unpack(flit) == {"x": 3, "y": 2, "exit": 5, "axon": 77, "step": 9, "head": 1, "tail": 0}
    assert layout.bits == 2 + 2 + 3 + 16 + 16 + 2
    with pytest.raises(InputError, match="4 does not fit into the 2 bits of flit field 'x'"):
        layout.pack(x=4)


def test_axon_and_step_have_their_declared_widths():
    layout = flit_layout(load_chip("tiny"))
    assert (layout.field("axon").bits, layout.field("step").bits) == (12, 6)
    assert flit_layout(make_chip(2, 2, core={"axons": 2**17})).field("axon").bits == 17


def test_readme_shows_the_layout_of_tiny():
    readme = Path(toolchain.HERE / "README.md").read_text()
    assert flit_layout(load_chip("tiny")).table() in readme


def test_the_elaborated_design_says_for_which_chip_it_is():
    """The bench prints the mesh's own localparam; read_log refuses any other than the chip's."""
    needs("iverilog")
    chip = make_chip(2, 1)
    other = edit_chip(chip, {"description": "another description, another digest"})
    assert chip_digest(chip) != chip_digest(other)
    assert run_traffic(other, one(0, 1), 100, "icarus").arrive.tolist() == [1 + 1 + 3 + 3]


def test_no_verilog_of_the_fabric_has_a_number_of_its_own_for_a_chip_field():
    """Numbers come from the header: the mesh and the router name no size but through a macro."""
    for name in ("neuro_mesh", "aer_router", "aer_route", "port_pace"):
        text = re.sub(r"//.*", "", (toolchain.HDL / f"{name}.v").read_text())
        numbers = {int(n) for n in re.findall(r"(?<![\w'`])(\d+)(?![\w'])", text)}
        assert numbers <= {0, 1, 2, 3, 4, 255}, name  # indices, the four directions, the digest


def test_a_missing_tool_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(toolchain.shutil, "which", lambda name: None)
    assert toolchain.missing("iverilog") == "iverilog is not installed: apt-get install iverilog"
    with pytest.raises(InputError) as error:
        toolchain.require("iverilog")
    assert str(error.value) == "iverilog is not installed [rtl-tool-missing]\n  hint: apt-get install iverilog"


def test_a_design_that_does_not_elaborate_names_its_log(monkeypatch, tmp_path):
    needs("iverilog")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    design = toolchain.Design("no_such_top", toolchain.hdl_sources(("delay_line",)), header_text(make_chip(2, 2)))
    with pytest.raises(InputError) as error:
        toolchain.build_icarus(design)
    assert error.value.code == "rtl-tool-failed"
    assert "no_such_top" in str(error.value)
    assert Path(error.value.where).read_text()
