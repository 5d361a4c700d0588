"""Multicast trees: what is wrong with unsound ones, their ways, and what arrives of their packets."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim import store
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, program_flows, tree_sends
from neurosim.artefacts.tree_table import TreeTable, as_target, as_tree, make_trees
from neurosim.chip.loader import edit_chip
from neurosim.errors import MismatchError
from neurosim.fabric.tables import program_fabric
from neurosim.fabric.topology import build_fabric
from neurosim.fabric.trees import Hop, arrivals, end_of, leaves, walk
from neurosim.rules.ports import EAST, LOCAL, NORTH, WEST
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.programs import chain, workload
from tests.helpers.tree_sends import E, L, N, S, W, run_sends, sending, tree_chip

CHIP = tree_chip(3, 2)
"""Cores 0 1 2 in the lower row, 3 4 5 above; the host at (0,0) west."""
ENTRIES = {(0, 0): E, (1, 0): E | N, (2, 0): L, (4, 0): L}
LEAVES = {(0, 2): 3, (0, 4): 0}
TREE = as_target(0)
SENDS = {0: [(2, TREE, 1)]}


def refused(program: Program, chip=CHIP) -> MismatchError:
    with pytest.raises(MismatchError) as caught:
        program_fabric(program, chip)
    return caught.value


def problem(entries=ENTRIES, more_leaves=LEAVES, sends=SENDS, host=None) -> str | None:
    """What is said to be wrong with a program of these trees."""
    return refused(sending(CHIP, sends, entries, more_leaves, host)).got


def test_a_sound_tree_has_no_problems():
    fabric = program_fabric(sending(CHIP, SENDS, ENTRIES, LEAVES), CHIP)
    hops = list(walk(fabric, 0, 0))
    assert hops == [
        Hop(0, LOCAL, 0, EAST, 0), Hop(1, WEST, 0, EAST, 0), Hop(1, WEST, 0, NORTH, 0), Hop(2, WEST, 0, LOCAL, 0),
        Hop(4, 3, 0, LOCAL, 0),
    ]  # fmt: skip
    assert [end_of(fabric, hop) for hop in hops] == [None, None, None, 2, 4]


def test_the_whole_message():
    error = refused(sending(CHIP, SENDS, {**ENTRIES, (1, 0): E}, LEAVES))
    assert str(error) == (
        "program.trees: the multicast trees are not sound [tree-table]\n"
        "  got: packets of tree 0 from core 0 do not come to core 4\n"
        "  hint: map the network again for this chip"
    )


@pytest.mark.parametrize(
    ("entries", "text"),
    [
        ({**ENTRIES, (1, 0): N}, "packets of tree 0 from core 0 do not come to core 2"),
        ({**ENTRIES, (1, 0): E | N | L}, "packets of tree 0 from core 0 come to core 1, which is no leaf of it"),
        ({**ENTRIES, (0, 0): E | W}, "packets of tree 0 from core 0 come to the host, which is no leaf of it"),
        (
            {**ENTRIES, (2, 0): L | S},
            "packets of tree 0 from core 0 are led to chip 0 router (2,0) south, behind which there is nothing",
        ),
        (
            {k: v for k, v in ENTRIES.items() if k != (2, 0)},
            "packets of tree 0 from core 0 are led to chip 0 router (2,0) east, behind which there is nothing",
        ),
        ({**ENTRIES, (2, 0): L | N}, "packets of tree 0 from core 0 are led to chip 0 router (2,1) north, behind which there is nothing"),
        ({**ENTRIES, (2, 0): L | N, (5, 0): W}, "packets of tree 0 from core 0 come to router (1,1) twice"),
        ({**ENTRIES, (4, 0): L | S}, "packets of tree 0 from core 0 come to router (1,0) twice"),
        ({**ENTRIES, (1, 0): E | N | W}, "packets of tree 0 from core 0 come to router (0,0) twice"),
        ({k: v for k, v in ENTRIES.items() if k != (0, 0)}, "packets of tree 0 from core 0 do not come to core 2"),
        ({**ENTRIES, (6, 0): E}, "entry 4 names router 6; there are 0 to 5"),
        ({**ENTRIES, (5, 1): E}, "entry 4 names tree 1; there are 0 to 0"),
        ({**ENTRIES, (5, 0): 0}, "entry 4 names set of ports 0; there are 1 to 31"),
        ({**ENTRIES, (5, 0): 32}, "entry 4 names set of ports 32; there are 1 to 31"),
    ],
)  # fmt: skip
def test_wrong_entries_are_named(entries, text):
    assert problem(entries) == text


@pytest.mark.parametrize(
    ("changed", "text"),
    [
        ({(0, 2): 3, (0, 6): 0}, "entry 1 names leaf core 6; there are -1 to 5"),
        ({(0, 2): -1, (0, 4): 0}, "entry 0 names leaf's axon -1; there are 0 to 2147483647"),
        ({(0, 2): 1 << 31, (0, 4): 0}, "entry 0 names leaf's axon 2147483648; there are 0 to 2147483647"),
        ({**LEAVES, (300, 0): 0}, "301 trees; packet.tree_bits 8 number no more than 256"),
    ],
)
def test_wrong_leaves_are_named(changed, text):
    assert problem(more_leaves=changed) == text


def test_trees_that_do_not_exist_are_named():
    assert problem(sends={0: [(2, as_target(1), 1)]}) == "a packet is sent to tree 1; there are 0 to 0"
    assert problem(more_leaves={(1, 2): 0}, sends=SENDS, entries={}) == "packets of tree 0 from core 0 do not come to any core"
    without = dataclasses.replace(sending(CHIP, SENDS, ENTRIES, LEAVES), trees=None)
    assert refused(without).got == "a packet is sent to a tree, but there are none"


def test_the_sender_is_named_and_the_rest_counted():
    # from core 1 and from the host the tree's entries lead to the leaves too; core 3 has no entry at its router
    sends = {0: SENDS[0], 1: SENDS[0], 3: SENDS[0], 5: SENDS[0]}
    text = "packets of tree 0 from core 3 do not come to core 2 and 1 more"
    assert problem(sends=sends) == text
    leads_out = {**ENTRIES, (0, 0): E | W}
    assert problem(leads_out, sends={}, host=[(TREE, 0)]) == (
        "packets of tree 0 from the host come to the host, which is no leaf of it"
    )


def test_a_leaf_needs_an_entry_for_its_axon():
    entries = {(1, 0): W | E, (2, 0): L}
    ends = {(0, HOST): 0, (0, 2): 3}
    assert problem(entries, ends, {1: SENDS[0]}) == (
        "packets of tree 0 from core 1 come to the host by a router without an entry, which would hold its axon"
    )
    program_fabric(sending(CHIP, {1: [(2, TREE, 0)]}, {**entries, (0, 0): W}, ends), CHIP)


def made(**changes) -> TreeTable:
    return dataclasses.replace(make_trees(ENTRIES, LEAVES), **changes)


@pytest.mark.parametrize(
    ("table", "text"),
    [
        (made(router=np.array([0, 1, 2])), "the tree table's parts differ in length"),
        (made(leaf_axon=np.array([0])), "the tree table's parts differ in length"),
        (made(ports=np.ones(4)), "the tree table's parts are not rows of whole numbers"),
        (made(leaf_core=np.array([[2], [4]])), "the tree table's parts are not rows of whole numbers"),
        (made(router=np.array([0, 2, 1, 4])), "the trees' entries do not ascend by router and tree"),
        (made(router=np.array([0, 1, 1, 4])), "the trees' entries do not ascend by router and tree"),
        (made(leaf_core=np.array([4, 2])), "the trees' leaves do not ascend by tree and core"),
        (made(leaf_core=np.array([2, 2])), "the trees' leaves do not ascend by tree and core"),
    ],
)
def test_malformed_tables_are_named(table, text):
    program = dataclasses.replace(sending(CHIP, SENDS, ENTRIES, LEAVES), trees=table)
    assert refused(program).got == text


def test_more_entries_than_the_router_holds_are_refused():
    chip = edit_chip(CHIP, {"router.multicast_entries": 1})
    entries = {**ENTRIES, (1, 1): L}
    program = sending(chip, SENDS, entries, {**LEAVES, (1, 1): 0})
    assert refused(program, chip).got == "router (1,0) has 2 multicast entries, router.multicast_entries is 1"


def test_a_chip_without_multicast_takes_no_trees():
    plain = edit_chip(CHIP, {"router.multicast_entries": None, "packet.tree_bits": None})
    assert refused(sending(plain, SENDS, ENTRIES, LEAVES), plain).got == "chip 'test' has routers without multicast"


def test_trees_round_dead_links_are_sound_and_into_them_not():
    hurt = edit_chip(CHIP, {"defects": {"links": [{"x": 1, "y": 0, "side": "east"}]}})
    text = "packets of tree 0 from core 0 are led to chip 0 router (1,0) east, behind which there is nothing"
    assert refused(sending(hurt, SENDS, ENTRIES, LEAVES), hurt).got == text
    round_it = {(0, 0): E, (1, 0): N, (4, 0): E | L, (5, 0): S, (2, 0): L}
    fabric = program_fabric(sending(hurt, SENDS, round_it, LEAVES), hurt)
    assert [end_of(fabric, hop) for hop in walk(fabric, 0, 0)][-1] == 2


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_engines_refuse_before_they_run(engine):
    with pytest.raises(MismatchError, match=r"do not come to core 4$|do not come to core 4\n"):
        run_sends(engine, sending(CHIP, SENDS, {**ENTRIES, (1, 0): E}, LEAVES))


def test_trees_survive_the_file(tmp_path):
    program = sending(CHIP, SENDS, ENTRIES, LEAVES)
    store.save(program, tmp_path / "p.npz")
    again = store.load(tmp_path / "p.npz", Program)
    assert store.digest(again) == store.digest(program)
    assert again.trees.ports.tolist() == [E, E | N, L, L]
    assert again.trees.leaf_core.tolist() == [2, 4]


def test_who_sends_to_what():
    program = sending(CHIP, {0: SENDS[0], 5: [(2, 4, 0), (3, as_target(1), 0)]}, ENTRIES, LEAVES, host=[(TREE, 0)])
    sources, trees = tree_sends(program)
    assert list(zip(sources.tolist(), trees.tolist(), strict=True)) == [(HOST, 0), (0, 0), (5, 1)]
    assert [column.tolist() for column in program_flows(program)] == [[5], [4]]
    assert [as_tree(target) for target in (TREE, HOST, 0)] == [0, -1, -2]


def test_arrivals_are_the_leaves_in_order():
    table = make_trees({}, {(0, 3): 10, (0, HOST): 20, (2, 1): 30})
    target = np.array([5, as_target(2), as_target(0), HOST, as_target(1), as_target(0)])
    packet, core, axon = arrivals(table, target, np.array([1, 2, 3, 4, 5, 6]))
    rows = list(zip(packet.tolist(), core.tolist(), axon.tolist(), strict=True))
    assert rows == [(0, 5, 1), (1, 1, 32), (2, HOST, 23), (2, 3, 13), (3, HOST, 4), (5, HOST, 26), (5, 3, 16)]
    assert leaves(table, 0) == slice(0, 2)
    assert leaves(table, 1) == slice(2, 2)
    none = arrivals(None, np.array([3, HOST]), np.array([7, 8]))
    assert [part.tolist() for part in none] == [[0, 1], [3, HOST], [7, 8]]


def test_branches_of_a_router():
    table = make_trees({(1, 0): E | L, (1, 2): W}, {(2, 0): 0})
    fabric = build_fabric(CHIP, trees=table)
    assert fabric.branches(1, 0, LOCAL) == E | L
    assert fabric.branches(1, 2, EAST) == W
    assert fabric.branches(1, 1, WEST) == E  # straight on
    assert fabric.branches(1, 1, NORTH) == S
    assert fabric.branches(1, 1, LOCAL) == 0  # what comes from a core cannot
    assert fabric.branches(0, 0, WEST) == 0  # nor what comes from the host, at (0,0) west


def test_a_program_without_trees_is_as_ever():
    chip = make_chip(2, 1)
    program = chain(chip, [0, 1], n=2)
    assert program_fabric(program, chip).trees is None
    assert ENGINES[0].run(program, workload(np.ones((1, 2, 2))), _options()).verdict.status == "ok"


def _options():
    from neurosim.engines.base import RunOptions

    return RunOptions()
