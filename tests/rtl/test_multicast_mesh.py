"""Meshes with multicast in lock-step with the reference engine's routers; proofs and lint of what they add."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.artefacts.mapping import HOST
from neurosim.errors import MismatchError
from neurosim.fabric.topology import build_fabric
from neurosim.fabric.trees import tree_problems
from neurosim.rtl.header import header_text
from neurosim.rtl.images import chip_header_text
from rtl_models import formal, toolchain
from rtl_models.chip import CORES
from rtl_models.cosim import lockstep
from rtl_models.random_trees import tree_traffic
from tests.helpers.chips import make_chip
from tests.helpers.traffic import uniform
from tests.rtl.needs import needs
from tests.rtl.tree_cases import ROUTERS, multicast

DATELINE = {"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"}
GATEWAYS = {"routing": "hierarchical_xy", "virtual_channels": 2, "vc_policy": "crossings", "cycles_per_flit": 2}
SHORT = {"hop_cycles": {"east_west": 1, "north_south": 2, "local": 1}, "credit_cycles": 1}
MESHES = {
    "2x2": make_chip(2, 2),
    "ring of four, two VCs": make_chip(4, 1, topology="torus", router={**DATELINE, "buffer_flits": 2}),
    "3x3, two VCs, fixed priority": make_chip(3, 3, router=ROUTERS["two VCs, fixed priority"]),
    "2x2, three cores, one winner": make_chip(2, 2, cores_per_tile=3, router={**ROUTERS["one winner"], **SHORT}),
    "torus 3x3": make_chip(3, 3, topology="torus", router=DATELINE),
    "chips, a VC per crossing": make_chip(
        1, 2, chips=(2, 1), router=GATEWAYS,
        link={"gateways": {"row": 1, "column": 0}, "latency_cycles": 2, "cycles_per_flit": 3},
    ),
    "4x4 yx, two VCs": make_chip(4, 4, router={"virtual_channels": 2, "routing": "yx"}),
}  # fmt: skip
QUICK = ("ring of four, two VCs",)
LINTED = {"two cores, two VCs": make_chip(2, 1, cores_per_tile=2, router={"virtual_channels": 2}), **MESHES}


def run(name, folder, cycles, replace=None):
    chip = multicast(MESHES[name])
    fabric = build_fabric(chip)
    traffic, trees = tree_traffic(fabric, uniform(fabric.n_cores, 0.4, cycles, seed=1), seed=2)
    is_tree = traffic.target < HOST
    assert 0.3 < is_tree.mean() < 0.9
    return lockstep(chip, traffic, 5000, folder, replace, trees=trees)


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in MESHES])
def test_meshes_with_trees_equal_the_rules(name, tmp_path):
    needs("iverilog", "cocotb")
    result = run(name, tmp_path, 20 if name in QUICK else 40)
    assert result["cycles"] > 20
    assert any(key.endswith(" 1") for key in result["seen"])  # somebody had to wait


MUTANTS = {
    "the VC pointer moves without a copy": ("aer_router.v", ".moved(accepted[p])", ".moved(1'b1)"),
    "a copy forgets on which VC it came": ("aer_branch.v", ".in_vc(in_vc), .out_port", ".in_vc({VB{1'b0}}), .out_port"),
    "a branch needs no credit of its own channel": ("aer_router.v", "open[{way_vc, WAY}]", "open[{{VB{1'b0}}, WAY}]"),
}  # fmt: skip


@pytest.mark.slow
@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_are_seen(name, tmp_path):
    needs("iverilog", "cocotb")
    file, old, new = MUTANTS[name]
    text = (toolchain.HDL / file).read_text()
    assert text.count(old) == 1, "the mutant's place has moved"
    with pytest.raises(MismatchError, match=r"Difference in cycle \d+: "):
        run("ring of four, two VCs", tmp_path, 20, {file: text.replace(old, new)})


def test_random_trees_are_sound():
    for name, chip in MESHES.items():
        fabric = build_fabric(multicast(chip))
        traffic, trees = tree_traffic(fabric, uniform(fabric.n_cores, 0.4, 40, seed=1), seed=2)
        is_tree = traffic.target < HOST
        used = np.unique(traffic.target[is_tree])
        assert len(used) > 3, name
        grown = build_fabric(multicast(chip), trees=trees)
        assert tree_problems(grown, traffic.source[is_tree], -2 - traffic.target[is_tree]) == []
        again, same = tree_traffic(fabric, uniform(fabric.n_cores, 0.4, 40, seed=1), seed=2)
        assert (again.target == traffic.target).all()
        assert (same.ports == trees.ports).all()


@pytest.mark.parametrize("sizes", [{}, pytest.param({"PORTS": 5, "DEPTH": 4}, marks=pytest.mark.slow)])
def test_every_branch_is_served_once(sizes):
    needs("pyosys")
    assert formal.prove("branches_props", parameters=sizes).proven


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("rst | leaves ?", "rst ?"), ("branches & ~done", "branches"), ("|taken & (owes == taken)", "|taken"),
        ("(owes == taken)", "(branches == taken)"),
    ],
)  # fmt: skip
def test_planted_bugs_are_refuted(old, new):
    needs("pyosys")
    text = (toolchain.HDL / "owed_branches.v").read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    assert not formal.prove("branches_props", {"owed_branches": text.replace(old, new)}).proven


@pytest.mark.parametrize("tool", ["iverilog", "verilator"])
@pytest.mark.parametrize(
    "name", [n if n.startswith("two cores") else pytest.param(n, marks=pytest.mark.slow) for n in LINTED]
)
def test_lint(tool, name):
    needs(tool)
    chip = multicast(LINTED[name], entries=1, bits=20)
    design = toolchain.Design("neuro_mesh", toolchain.hdl_sources(), header_text(chip))
    assert toolchain.lint(tool, design) == ""
    if chip.host is not None:
        sources = toolchain.hdl_sources((*toolchain.FABRIC, *CORES))
        assert toolchain.lint(tool, toolchain.Design("neuro_chip", sources, chip_header_text(chip))) == ""
