"""Programs with multicast trees: the Verilog chip equals the reference engine to the cycle; mutants are seen."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from neurosim.artefacts.mapping import HOST
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import InputError, LimitError, MismatchError
from neurosim.fabric.tables import program_fabric
from neurosim.fabric.topology import build_fabric
from neurosim.rtl.chip_log import expected_counts, expected_events, first_difference
from neurosim.rtl.flits import flit_layout
from neurosim.rtl.header import macros, unsupported
from neurosim.rtl.images import ImageWriter
from neurosim.rtl.tree_images import check_axons, tree_words
from rtl_models import toolchain
from rtl_models.chip import run_chip, run_to
from rtl_models.waits import find_chip_deadlock
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs
from tests.rtl.tree_cases import CORE, ROUTERS, looping_case, looping_net, mapped, multicast, ring_case


def difference(program, chip, workload, replace=None):
    """The first event that differs, with the counters; "" if nothing does, the message if the chip never ends."""
    result = ReferenceEngine().run(program, workload, RunOptions(log_packets=True))
    assert result.verdict.status == "ok"
    limit = 2 * int(result.step_end.max()) + 50
    try:
        got = run_chip(program, workload, "icarus", limit_cycles=limit, replace=replace)
    except (LimitError, MismatchError) as error:
        return error.text()
    found = first_difference(expected_events(result, program, chip), got)
    totals = {name: sum(sample.counts[name] for sample in got) for name in got[0].counts}
    return "" if found is None and totals == expected_counts(result) else f"{found}, {totals}"


@pytest.mark.parametrize(
    ("router", "width", "height"),
    [
        ("two VCs, fixed priority", 2, 2), pytest.param("round robin", 5, 1, marks=pytest.mark.slow),
        pytest.param("one winner", 5, 1, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_programs_with_trees_are_equal_to_the_cycle(router, width, height):
    needs("iverilog")
    chip, program, workload = looping_case(router, width, height)
    trees = program.trees
    host = trees.leaf_core == HOST
    assert trees.leaf_axon[host].any()  # the host's axons are added, the cores' too
    assert trees.leaf_axon[~host].any()
    assert difference(program, chip, workload) == ""


def test_trees_among_packets_to_single_cores_on_chips_with_links_and_ticks():
    needs("iverilog")
    chip = make_chip(
        2, 1, chips=(2, 1), core=CORE, router=ROUTERS["two VCs, fixed priority"], link={"cycles_per_flit": 3},
        sync={"mode": "tick", "tick_period_cycles": 40},
    )  # fmt: skip
    chip = multicast(chip)
    program = mapped(looping_net(), chip, every=2, omit_straight=False)
    assert (program.cores[0].targets.core >= 0).any()
    x = np.random.default_rng(2).integers(0, 3, (2, 4, 4)).astype(np.uint8)
    workload = Workload(x, np.array([-1, -1]), "test")
    assert len(ReferenceEngine().run(program, workload, RunOptions()).missed)  # deadlines are missed
    assert difference(program, chip, workload) == ""


def test_our_mappers_trees_are_equal_to_the_cycle():
    needs("iverilog")
    chip = multicast(make_chip(2, 2, core=CORE, sync={"base_cycles": 3}))
    program = compile_network(looping_net(), chip, MapOptions(effort=0.1)).program
    assert program.trees is not None
    x = np.random.default_rng(1).integers(0, 3, (1, 4, 4)).astype(np.uint8)
    assert difference(program, chip, Workload(x, np.array([-1]), "test")) == ""


def test_trees_that_block_each_other_are_judged_alike():
    """Every one waits for its way on and has served its core, or waits for both: the engine's sentences."""
    needs("iverilog")
    chip, program, nothing = ring_case()
    verdict = ReferenceEngine().run(program, nothing, RunOptions(check_every_cycles=10**9)).verdict
    assert (verdict.status, len(verdict.blocked)) == ("deadlock", 4)
    assert all("-> tree " in sentence for sentence in verdict.blocked)
    stopped = run_to(program, nothing, verdict.cycle + 200, verdict.cycle + 100)
    found = find_chip_deadlock(chip, program, stopped.dump)
    assert found is not None
    assert found.sentences == verdict.blocked
    lines = [line.split()[1:5] for line in stopped.dump if line.split()[2] == "state"]
    assert len(lines) == 8  # the four in the ring have served their cores, those behind them wait to get in


MUTANTS = {
    "served branches are not forgotten": ("owed_branches.v", "rst | leaves ?", "rst ?"),
    "served branches are not remembered": ("owed_branches.v", "branches & ~done", "branches"),
    "the flit leaves with its first copy": ("owed_branches.v", "|taken & (owes == taken)", "|taken"),
    "a credit for every copy": ("aer_router.v", ": moves | discards", ": chosen & accepted"),
    "all branches or none": ("aer_router.v", "movable[N] = |asks[N*P+:P]", "movable[N] = waiting[N] & owes[N*P+:P] == asks[N*P+:P]"),
    "straight back": ("aer_branch.v", "in_port == FROM", "in_port == PORT"),
    "branches off by one": ("aer_branch.v", "TREE_PORTS_LSB+:P]", "TREE_PORTS_LSB+1+:P]"),
    "unused entries hit": ("aer_branch.v", "trees[e*TW+`TREE_USED_LSB] & ", ""),
    "every packet is for a tree": ("aer_router.v", "is_tree ? branches :", "1'b1 ? branches :"),
    "the axon is not added": ("aer_router.v", "is_end ? more", "1'b0 ? more"),
    "the axon is added to every packet": ("aer_router.v", "flit[`FLIT_TREE_LSB] & (p", "(p"),
    "the host's axon is the first core's": ("aer_router.v", "? P - `PORT_LOCAL : p", "? 0 : p"),
    "copies are no work": ("neuro_chip.v", "{{BB - NB{1'b0}}, copied[t*NB+:NB]}", "{BB{1'b0}}"),
    "entries change places": ("tree_table.v", "? entries[e] :", "? entries[0] :"),
}  # fmt: skip
QUICK = (
    "served branches are not forgotten", "a credit for every copy", "straight back", "branches off by one",
    "the axon is added to every packet",
)  # fmt: skip


@pytest.mark.parametrize("name", [n if n in QUICK else pytest.param(n, marks=pytest.mark.slow) for n in MUTANTS])
def test_mutants_are_seen(name):
    needs("iverilog")
    file, old, new = MUTANTS[name]
    text = (toolchain.HDL / file).read_text()
    assert text.count(old) == 1, "the mutant's place has moved"
    chip, program, workload = looping_case(every=2)
    assert difference(program, chip, workload, {file: text.replace(old, new)}) != ""


def test_words_are_as_the_header_says():
    chip, program, _ = looping_case()
    fabric, layout = program_fabric(program, chip), flit_layout(chip)
    found, trees = macros(chip), program.trees
    assert (found["ROUTER_MULTICAST_ENTRIES"], found["TREE_SLOTS"], found["TREE_KEY_BITS"]) == (24, 24, 7)
    axon_bits = found["FLIT_LEAF_BITS"]
    assert axon_bits == layout.field("axon").bits
    for router in range(fabric.n_routers):
        words = tree_words(fabric, layout, router)
        assert len(words) == 24
        read = [
            {name: word >> found[f"TREE_{name}_LSB"] & (1 << found[f"TREE_{name}_BITS"]) - 1
             for name in ("KEY", "PORTS", "AXONS", "USED")}
            for word in words if word
        ]  # fmt: skip
        mine = trees.router == router
        entries = dict(zip(trees.tree[mine].tolist(), trees.ports[mine].tolist(), strict=True))
        assert {r["KEY"]: r["PORTS"] for r in read} == entries
        assert all(r["USED"] for r in read)
        for r in read:
            leaf = (trees.leaf_tree == r["KEY"]) & np.isin(trees.leaf_core, [router, *([HOST] if router == 0 else [])])
            slots = [r["AXONS"] & (1 << axon_bits) - 1, r["AXONS"] >> axon_bits]  # the core's, the host's
            ends = zip(trees.leaf_core[leaf].tolist(), trees.leaf_axon[leaf].tolist(), strict=True)
            expected = {core: axon for core, axon in ends if axon}
            assert {c: a for c, a in zip((router, HOST), slots, strict=True) if a} == expected


def test_a_packet_to_a_tree_carries_its_number():
    chip, program, _ = looping_case()
    flit = flit_layout(chip).unpack(ImageWriter(program, chip).packet(-2 - 3, 7, 2))
    assert (flit["tree"], flit["key"], flit["axon"], flit["step"]) == (1, 3, 7, 2)
    flit = flit_layout(chip).unpack(ImageWriter(program, chip).packet(2, 7, 2))
    assert (flit["tree"], flit["x"], flit["y"], flit["exit"], flit["axon"]) == (0, 2, 0, 4, 7)


def test_the_key_lies_over_the_address():
    """Narrow keys cost one bit, for the mark; a wide one pushes the payload up. Other chips have no such fields."""
    plain = make_chip(4, 4)
    assert [f.name for f in flit_layout(plain).fields] == ["x", "y", "exit", "axon", "step", "head", "tail"]
    narrow, wide = (flit_layout(multicast(plain, bits=bits)) for bits in (7, 12))
    assert [narrow.bits, wide.bits] == [flit_layout(plain).bits + more for more in (1, 6)]
    assert (wide.field("key").lsb, wide.field("tree").lsb, wide.payload_lsb) == (0, 12, 13)


def test_an_axon_too_large_for_the_flit_is_refused():
    chip, program, _ = looping_case()
    trees = dataclasses.replace(program.trees, leaf_axon=program.trees.leaf_axon + (1 << 16) - 14)
    with pytest.raises(InputError, match=r"a packet of a tree arrives for axon 655\d\d; a flit has 16 bits for it"):
        check_axons(dataclasses.replace(program, trees=trees), flit_layout(chip))
    fabric = build_fabric(chip, trees=dataclasses.replace(trees, leaf_axon=trees.leaf_axon + 14))
    with pytest.raises(InputError, match="a packet of a tree arrives for axon 655"):
        tree_words(fabric, flit_layout(chip), 1)


def test_more_entries_than_the_verilog_compares_are_refused():
    chip = multicast(make_chip(2, 2), entries=257)
    assert unsupported(chip) == ["router.multicast_entries 257: the Verilog compares at most 256 at once"]
