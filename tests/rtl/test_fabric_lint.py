"""The fabric's Verilog is clean under all warnings of Icarus and Verilator, for chips that reach every branch."""

from __future__ import annotations

import pytest

from neurosim.errors import InputError
from neurosim.rtl.header import header_text
from rtl_models import toolchain
from tests.rtl.fabric_cases import cases
from tests.rtl.needs import needs

CHIPS = (
    "plain", "ring of four, two cores", "chips, serial links", "drops at once, fixed priority",
    pytest.param("torus, three flits", marks=pytest.mark.slow),
    pytest.param("gateways, a VC per crossing", marks=pytest.mark.slow),
)  # fmt: skip


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
@pytest.mark.parametrize("name", CHIPS)
def test_lint_of_the_mesh(tool, name):
    needs(tool)
    design = toolchain.Design("neuro_mesh", toolchain.hdl_sources(), header_text(cases()[name]))
    assert toolchain.lint(tool, design) == ""


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
def test_lint_of_the_asynchronous_fifo(tool):
    needs(tool)
    design = toolchain.Design("async_fifo", toolchain.hdl_sources(("async_fifo", "synchroniser")), header_text(cases()["plain"]))
    assert toolchain.lint(tool, design) == ""


def complaint(tool, design) -> str:
    try:
        return toolchain.lint(tool, design)
    except InputError as error:
        return str(error)


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
def test_lint_sees_a_name_that_nobody_declared(tool):
    needs(tool)
    text = (toolchain.HDL / "async_fifo.v").read_text()
    bad = text.replace("assign full = write_gray ==", "assign full = undeclared_name & write_gray ==")
    design = toolchain.Design(
        "async_fifo", toolchain.hdl_sources(("async_fifo", "synchroniser")), header_text(cases()["plain"]), replace={"async_fifo.v": bad}
    )
    assert "undeclared_name" in complaint(tool, design)
