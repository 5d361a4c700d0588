"""Routing tables in Verilog: lock-step, traffic and a mapped program equal the engines; mutants are caught."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.route.exceptions import find_exceptions
from neurosim.artefacts.route_table import make_table
from neurosim.chip.loader import edit_chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import MismatchError
from neurosim.fabric.topology import build_fabric
from neurosim.rtl.chip_log import expected_counts, expected_events
from neurosim.rtl.chip_log import first_difference as first_event
from neurosim.rtl.header import header_text, macros, unsupported
from neurosim.rtl.images import chip_header_text
from neurosim.rtl.route_images import route_words
from rtl_models import toolchain
from rtl_models.chip import CORES, run_chip
from rtl_models.cosim import lockstep
from rtl_models.traffic import first_difference, run_traffic
from tests.helpers.chips import make_chip
from tests.helpers.routes import random_tree
from tests.helpers.traffic import uniform
from tests.mapper.nets import dense_net
from tests.rtl.needs import needs

MAX_CYCLES = 100_000
DEAD = [{"x": 1, "y": 1, "side": "east"}, {"x": 2, "y": 2, "side": "north"}, {"x": 0, "y": 0, "side": "north"}]


def hurt_mesh(n_vcs, side=4):
    """A mesh with dead links, and tables by which every core reaches every other."""
    chip = make_chip(side, side, flits=2, router={"virtual_channels": n_vcs, "table_entries": 15, "buffer_flits": 3})
    chip = edit_chip(chip, {"defects": {"links": DEAD[: side - 1]}})
    fabric = build_fabric(chip)
    n = fabric.n_cores
    found = find_exceptions(fabric, np.repeat(np.arange(n), n), np.tile(np.arange(n), n))
    assert found.table is not None
    assert not found.without.size
    return chip, found.table


def check(chip, traffic, simulator, replace=None):
    expected = ReferenceEngine().run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
    assert expected.verdict.status == "ok"
    got = run_traffic(chip, traffic, 2 * expected.end_cycle, simulator, replace=replace)
    return first_difference(expected.arrive, got.arrive)


@pytest.mark.parametrize("n_vcs", [1, 2])
def test_traffic_on_4x4_arrives_in_the_same_cycles(n_vcs):
    needs("iverilog")
    chip, table = hurt_mesh(n_vcs)
    assert n_vcs == 1 or (table.vc == 1).any()  # some entries fix the channel
    assert check(chip, dataclasses.replace(uniform(16, 0.2, 60, seed=2), table=table), "icarus") is None


@pytest.mark.slow
@pytest.mark.parametrize("n_vcs", [1, 2])
def test_traffic_on_4x4_arrives_in_the_same_cycles_under_verilator(n_vcs):
    needs("verilator")
    chip, table = hurt_mesh(n_vcs)
    assert check(chip, dataclasses.replace(uniform(16, 0.2, 2000, seed=3), table=table), "verilator") is None


@pytest.mark.parametrize(
    ("side", "n_vcs"), [(2, 2), *(pytest.param(4, v, marks=pytest.mark.slow) for v in (1, 2))]
)
def test_meshes_with_tables_equal_the_rules(side, n_vcs, tmp_path):
    needs("iverilog", "cocotb")
    chip, table = hurt_mesh(n_vcs, side) if side > 2 else small()
    result = lockstep(chip, dataclasses.replace(uniform(side * side, 0.3, 40, seed=1), table=table), 5000, tmp_path)
    assert result["cycles"] > 40


def small():
    """A square whose table sends packets the other way round, half of them on the second channel.

    Router 0 has all the entries it can have, the others one less; there are none for tile 0.
    """
    chip = make_chip(2, 2, flits=2, router={"virtual_channels": 2, "table_entries": 3, "buffer_flits": 2})
    fabric, rng = build_fabric(chip), np.random.default_rng(3)
    trees = {goal: random_tree(fabric, goal, rng) for goal in (1, 2, 3)}
    return chip, make_table({
        (router, goal): (port, (router + goal) % 2)
        for goal, tree in trees.items() for router, port in tree.items()
    })  # fmt: skip


MUTANTS = {
    "entries for another row hit": ("aer_route.v", "\n                        & routes[e*RW+`ROUTE_Y_LSB+:YB] == goal_y", ""),
    "unused entries hit": ("aer_route.v", "routes[e*RW+`ROUTE_USED_LSB] & ", ""),
    "the rule wins": ("aer_route.v", "hit ? {{PB - 2{1'b0}}, direction} : by_rule", "by_rule"),
    "the channel is never fixed": ("aer_route.v", "fixes ? vc : by_policy", "by_policy"),
    "the last entry is not there": ("aer_route.v", "e < SLOTS;", "e < SLOTS - 1;"),
    "entries change places": ("route_table.v", "? entries[e] :", "? entries[0] :"),
}  # fmt: skip


def outcome(chip, traffic, expected, replace):
    """The first difference, None if there is none, or the code of the error if the log makes no sense."""
    try:
        got = run_traffic(chip, traffic, 3000, "icarus", replace=replace)
    except MismatchError as error:
        return error.code
    return first_difference(expected, got.arrive)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_of_the_tables_are_caught(name):
    needs("iverilog")
    file, old, new = MUTANTS[name]
    text = (toolchain.HDL / file).read_text()
    assert text.count(old) == 1, "the mutant's place has moved"
    chip, table = small()
    assert np.bincount(table.router).tolist() == [3, 2, 2, 2]
    traffic = dataclasses.replace(uniform(4, 0.6, 60, seed=4), table=table)
    expected = ReferenceEngine().run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
    assert outcome(chip, traffic, expected.arrive, {file: text.replace(old, new)}) is not None


def test_without_a_mutant_they_are_equal():
    needs("iverilog")
    chip, table = small()
    assert check(chip, dataclasses.replace(uniform(4, 0.6, 60, seed=4), table=table), "icarus") is None


def test_a_program_mapped_round_dead_links_runs_on_the_verilog_chip():
    needs("iverilog")
    chip = make_chip(
        2, 2, core={"neurons": 4, "axons": 64, "synapse_formats": ("dense", "sparse")}, sync={"base_cycles": 4},
        router={"table_entries": 3},
    )  # fmt: skip
    chip = edit_chip(chip, {"defects": {"links": [{"x": 0, "y": 1, "side": "east"}]}})
    program = compile_network(dense_net(4, 8, 8), chip, MapOptions(effort=0.1)).program
    assert program.table is not None
    x = (np.random.default_rng(0).random((1, 3, 4)) < 0.6).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    result = ReferenceEngine().run(program, workload, RunOptions(log_packets=True))
    got = run_chip(program, workload, "icarus", limit_cycles=2 * int(result.step_end.max()) + 1000)
    assert first_event(expected_events(result, program, chip), got) is None
    assert got[0].counts == expected_counts(result)


def test_traffic_into_a_dead_link_is_refused_before_anything_is_built():
    chip, _ = hurt_mesh(1)
    with pytest.raises(MismatchError, match=r"do not arrive \[route-lost\]"):
        run_traffic(chip, uniform(16, 0.5, 20, seed=1), 1000, "icarus")


@pytest.mark.parametrize("tool", ["iverilog", pytest.param("verilator", marks=pytest.mark.slow)])
def test_lint_with_tables(tool):
    needs(tool)
    chip, _ = small()
    design = toolchain.Design("neuro_mesh", toolchain.hdl_sources(), header_text(chip))
    assert toolchain.lint(tool, design) == ""
    whole = toolchain.Design("neuro_chip", toolchain.hdl_sources((*toolchain.FABRIC, *CORES)), chip_header_text(chip))
    assert toolchain.lint(tool, whole) == ""


def test_words_are_as_the_header_says():
    chip, table = small()
    fabric = build_fabric(chip, table=table)
    found = macros(chip)
    assert (found["ROUTER_TABLE_ENTRIES"], found["ROUTE_SLOTS"]) == (3, 3)
    for router in range(4):
        words = route_words(fabric, router)
        assert len(words) == 3
        mine = np.flatnonzero(table.router == router).tolist()
        for word, e in zip(words, mine, strict=False):
            read = {
                name: word >> found[f"ROUTE_{name}_LSB"] & (1 << found[f"ROUTE_{name}_BITS"]) - 1
                for name in ("X", "Y", "PORT", "VC", "FIXES", "USED")
            }
            assert (read["Y"] * 2 + read["X"], read["PORT"], read["USED"]) == (table.goal[e], table.port[e], 1)
            assert (read["VC"] if read["FIXES"] else -1) == table.vc[e]
        assert words[len(mine) :] == [0] * (3 - len(mine))


def test_what_is_supported():
    chip, _ = hurt_mesh(1)
    assert unsupported(chip) == []
    assert macros(make_chip(2, 2))["ROUTER_TABLE_ENTRIES"] == 0
    large = edit_chip(chip, {"router.table_entries": 257})
    assert unsupported(large) == ["router.table_entries 257: the Verilog compares at most 256 at once"]
