"""The link between two clocks: every cycle at constant clocks, order and number at any, bugs seen, proofs."""

from __future__ import annotations

import pytest

from neurosim.errors import MismatchError
from neurosim.rtl.header import header_text, macros
from rtl_models import toolchain
from rtl_models.formal import FORMAL, prove
from tests.helpers.chips import make_chip
from tests.rtl.fabric_cases import cases
from tests.rtl.gals_cases import ANY, BUGS, FEW, INTEGER, SERIAL, WIDE, planted, run_link, skewed, with_edits
from tests.rtl.needs import needs

QUICK_BUGS = (
    "pointer crosses as a plain number", "last stage of the synchronisers is left out", "count of credits one bit short",
    "one credit too many", "serialiser one cycle short",
)  # fmt: skip
FORMAL_BUGS = {
    "pointer crosses as a plain number": (
        "async_fifo_props", "async_fifo", "write_gray <= write_next ^ (write_next >> 1)", "write_gray <= write_next",
    ),
    "full FIFO takes one more": ("async_fifo_props", "async_fifo", "assign full = write_gray ==", "assign full = push & write_gray =="),
    "word overwritten when full": (
        "async_fifo_props", "async_fifo", "if (push & ~full) memory", "if (push) memory",
    ),
    "empty FIFO gives one": ("async_fifo_props", "async_fifo", "pop & ~empty", "pop"),
    "newer word first": ("async_fifo_props", "async_fifo", "front = memory[read_at[A-1:0]]", "front = memory[read_next[A-1:0]]"),
    "a credit every cycle": ("gals_props", "credit_crossing", "take = given_seen != taken_gray", "take = 1'b1"),
    "flit lost": ("gals_props", "gals_link", ".push(whole)", ".push(whole & empty)"),
    "credit lost": ("gals_props", "credit_crossing", "BITS - 1{1'b0}}, give}", "BITS - 1{1'b0}}, give & given_gray[0]}"),
    "FIFO looks full too soon": ("gals_props", "async_fifo", "assign full = write_gray ==", "assign full = write_gray != read_seen | write_gray =="),
}  # fmt: skip

LONG_TRACES = ("flit lost", "credit lost", "word overwritten when full", "FIFO looks full too soon")


def chance() -> dict[str, str]:
    return {"synchroniser": (FORMAL / "chance_synchroniser.v").read_text()}


def test_every_cycle_of_both_sides_at_integer_ratios(tmp_path):
    """1:1 to 1:3 and 2:1 to 4:1, four phases each, and what Hypothesis draws."""
    needs("iverilog", "cocotb")
    run_link(tmp_path, SERIAL, INTEGER, flits=24, drawn=8)


def test_every_cycle_of_a_link_without_serialiser(tmp_path):
    """One VC, three stages, FIFO at the port; also at constant clocks whose ratio is no integer."""
    needs("iverilog", "cocotb")
    run_link(tmp_path, WIDE, [*INTEGER[::4], *ANY], flits=24)


@pytest.mark.parametrize("parameters", [SERIAL, WIDE], ids=["serial", "wide"])
def test_order_and_number_at_clocks_that_wander(parameters, tmp_path):
    needs("iverilog", "cocotb")
    run_link(tmp_path, parameters, ANY, exact=False, flits=24, replace=skewed())


@pytest.mark.slow
def test_many_sequences(tmp_path):
    needs("iverilog", "cocotb")
    run_link(tmp_path / "exact", SERIAL, INTEGER, flits=100, drawn=100, seed=2)
    run_link(tmp_path / "any", SERIAL, 6 * ANY, exact=False, flits=100, replace=skewed(), seed=2)


@pytest.mark.slow
def test_every_cycle_under_verilator_too(tmp_path):
    """Two states instead of four, and its own order of edges at one time."""
    needs("verilator", "cocotb")
    run_link(tmp_path, SERIAL, INTEGER, drawn=10, simulator="verilator")


@pytest.mark.parametrize(
    "bug", [bug if bug in QUICK_BUGS else pytest.param(bug, marks=pytest.mark.slow) for bug in BUGS]
)
def test_bugs_are_seen_and_named(bug, tmp_path):
    needs("iverilog", "cocotb")
    with pytest.raises(MismatchError, match=r"Difference in cycle \d+: (sender|receiver): .*: expected .*, got .* \(clocks: "):
        run_link(tmp_path, SERIAL, FEW, replace=planted(bug))


@pytest.mark.slow
@pytest.mark.parametrize("bug", ["one credit too many", "credits of two VCs at once are one", "piece lost"])
def test_bugs_are_seen_at_clocks_that_wander(bug, tmp_path):
    needs("iverilog", "cocotb")
    with pytest.raises(MismatchError, match=r"Difference in cycle \d+: (sender|receiver): "):
        run_link(tmp_path, SERIAL, ANY, exact=False, replace={**skewed(), **planted(bug)})


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("async_fifo_props", {}), pytest.param("async_fifo_props", {"A": 3}, marks=pytest.mark.slow), ("async_fifo_props", {"STAGES": 3}), ("gals_props", {}),
     pytest.param("gals_props", {"DEPTH": 3}, marks=pytest.mark.slow)],
)  # fmt: skip
def test_properties_of_two_clocks_are_proven(name, parameters):
    needs("pyosys")
    assert prove(name, parameters=parameters).proven


@pytest.mark.parametrize("name", ["async_fifo_props", "gals_props"])
def test_properties_hold_if_changing_bits_are_caught_by_chance(name):
    needs("pyosys")
    assert prove(name, chance()).proven


@pytest.mark.slow
def test_a_credit_at_the_edge_of_its_flit_is_safe_only_if_nothing_is_left_to_chance():
    """Why the page of the link wants a credit a cycle after its flit: else it may overtake the pointer."""
    needs("pyosys")
    assert prove("gals_props", parameters={"AT_ONCE": 1}).proven
    assert not prove("gals_props", chance(), {"AT_ONCE": 1}, max_steps=24).proven


@pytest.mark.parametrize(
    "bug", [pytest.param(bug, marks=pytest.mark.slow) if bug in LONG_TRACES else bug for bug in FORMAL_BUGS]
)
def test_properties_of_two_clocks_are_refuted_on_planted_bugs(bug):
    needs("pyosys")
    name, module, old, new = FORMAL_BUGS[bug]
    text = with_edits({module: ((old, new),)})
    proof = prove(name, {module: text[f"{module}.v"]})
    assert not proof.proven
    assert "Time Signal Name" in proof.trace


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
@pytest.mark.parametrize("name", ["plain", "chips, serial links", "chips, links shorter than a flit"])
def test_lint_of_the_link_between_clocks(tool, name):
    needs(tool)
    design = toolchain.Design("gals_link", toolchain.hdl_sources(toolchain.with_parts("gals_link")), header_text(cases()[name]))
    assert toolchain.lint(tool, design) == ""


def test_sizes_in_the_header_follow_from_the_rules():
    link = {"latency_cycles": 3, "synchroniser_cycles": 3, "cycles_per_flit": 2, "credit_cycles": 5}
    chip = make_chip(
        2, 1, chips=(2, 1), link=link,
        router={"buffer_flits": 5, "virtual_channels": 2, "hop_cycles": {"east_west": 2, "north_south": 1, "local": 1}},
    )  # fmt: skip
    found = {name.removeprefix("GALS_"): value for name, value in macros(chip).items() if name.startswith("GALS_")}
    assert found == {
        "DELAY_EAST_WEST": 3, "DELAY_NORTH_SOUTH": 2, "STAGES": 3, "FIFO_ADDRESS_BITS": 4, "CREDIT_DELAY": 4,
        "CREDIT_BITS": 3,
    }  # fmt: skip
    alone = macros(make_chip(2, 1))  # no link at all: the least that can be built
    assert (alone["GALS_STAGES"], alone["GALS_CREDIT_DELAY"]) == (2, 0)
