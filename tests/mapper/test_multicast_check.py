"""The checker of multicast trees: every fault that is put in is named, with tree and router."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check import check_program, check_trees
from neurosim.artefacts.mapping import HOST
from neurosim.chip.loader import edit_chip
from neurosim.rules.ports import EAST, LOCAL, NORTH
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net

CHIP = edit_chip(
    make_chip(5, 2, core={"neurons": 4}), {"router.multicast_entries": 2, "packet.tree_bits": 1}
)


@pytest.fixture(scope="module")
def made():
    """Core 0 (2 neurons) sends tree 0 along the row to cores 2 and 4 (4 neurons each); core 1 is the output."""
    cores = np.repeat([0, 2, 4, 1], [2, 4, 4, 4])
    options = MapOptions(effort=0.05, cores=cores)
    mapping = compile_network(dense_net(4, 2, 8, 4), CHIP, options)
    trees = mapping.program.trees
    assert list(zip(trees.router, trees.tree, trees.ports, strict=True)) == [
        (0, 0, 1 << EAST), (2, 0, 1 << EAST | 1 << LOCAL), (4, 0, 1 << LOCAL),
    ]  # fmt: skip
    assert (trees.leaf_core.tolist(), trees.leaf_axon.tolist()) == ([2, 4], [0, 0])
    return mapping


COLUMNS = ("router", "tree", "ports", "leaf_tree", "leaf_core", "leaf_axon")


def entry(trees, router, mask):
    """With another mask at ``router``."""
    return replace(trees, ports=np.where(trees.router == router, mask, trees.ports))


def without(trees, router):
    kept = trees.router != router
    return replace(trees, router=trees.router[kept], tree=trees.tree[kept], ports=trees.ports[kept])


def more(trees, router, tree, mask):
    rows = sorted(zip([*trees.router, router], [*trees.tree, tree], [*trees.ports, mask], strict=True))
    return replace(trees, **{n: np.array([r[k] for r in rows]) for k, n in enumerate(("router", "tree", "ports"))})


FAULTS = {
    "leads nowhere": (
        lambda t: entry(t, 4, 1 << LOCAL | 1 << EAST),
        ["tree 0 from core 0 goes east at router (4, 0), where nothing hangs"],
    ),
    "no such core": (
        lambda t: entry(t, 4, 1 << LOCAL | 1 << LOCAL + 1),
        ["tree 0 from core 0 goes local1 at router (4, 0), where nothing hangs"],
    ),
    "past a leaf": (
        lambda t: entry(t, 2, 1 << EAST), ["tree 0 from core 0 does not come to its leaf core 2 at router (2, 0)"],
    ),
    "to a core too many": (
        lambda t: more(t, 3, 0, 1 << EAST | 1 << LOCAL),
        ["tree 0 from core 0 comes to core 3 at router (3, 0), which is no leaf of it"],
    ),
    "in a circle": (
        lambda t: more(more(more(entry(t, 2, 1 << NORTH | 1 << LOCAL | 1 << EAST), 7, 0, 1 << EAST), 8, 0, 8), 3, 0, 3),
        ["tree 0 from core 0 comes to router (3, 1) twice"],
    ),
    "no start": (
        lambda t: without(t, 0), ["tree 0 from core 0 starts at router (0, 0), which has no entry for it"],
    ),
    "no end": (
        lambda t: without(t, 4), ["tree 0 from core 0 goes east at router (4, 0), where nothing hangs"],
    ),
    "an idle entry": (
        lambda t: more(t, 9, 0, 1 << NORTH),
        ["router (4, 1) has an entry for tree 0, of which no packet comes there"],
    ),
    "an idle tree": (lambda t: replace(t, n_trees=2), ["nobody sends to tree 1"]),
    "twice": (
        lambda t: replace(t, router=t.router[[0, 0, 2]], tree=t.tree[[0, 0, 2]], ports=t.ports[[0, 0, 2]]),
        ["the multicast entries do not ascend, each once"],
    ),
    "leaves in disorder": (
        lambda t: replace(t, leaf_core=t.leaf_core[::-1]), ["the trees' leaves do not ascend, each once"],
    ),
    "too many entries": (
        lambda t: replace(more(more(t, 0, 1, 1), 0, 2, 1), n_trees=3),
        [
            "there are 3 trees, packet.tree_bits 1 can number 2",
            "router (0, 0) has 3 multicast entries, the chip allows 2",
        ],
    ),
    "off the chip": (
        lambda t: more(t, 10, 0, 1), ["a multicast entry lies at router 10, which does not exist"],
    ),
    "unknown trees": (
        lambda t: replace(more(t, 0, 1, 1), leaf_tree=np.array([0, 7])),
        ["a multicast entry is of tree 1; there are 1", "a leaf is of tree 7; there are 1"],
    ),
    "none": (
        lambda t: replace(t, n_trees=0, **dict.fromkeys(COLUMNS, t.router[:0])),
        ["core 0 sends to tree 0; there are 0"],
    ),
    "not there": (lambda t: None, ["core 0 sends to tree 0, but there are no trees"]),
}  # fmt: skip


def test_what_was_made_is_right(made):
    assert check_trees(made.program, CHIP) == []
    assert check_program(made.program, made.network, CHIP, made.routes) == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_is_named(made, fault):
    change, expected = FAULTS[fault]
    program = replace(made.program, trees=change(made.program.trees))
    assert check_trees(program, CHIP) == expected
    assert check_program(program, made.network, CHIP, made.routes) == expected


def test_a_wrong_leaf_axon_is_a_wrong_synapse(made):
    trees = replace(made.program.trees, leaf_axon=np.array([0, 1]))
    found = check_program(replace(made.program, trees=trees), made.network, CHIP, made.routes)
    assert found == ["core 0 sends to axon 2 of core 4, which does not exist"]


def test_a_wrong_sent_axon_is_a_wrong_synapse(made):
    cores = list(made.program.cores)
    targets = cores[0].targets
    cores[0] = replace(cores[0], targets=replace(targets, axon=targets.axon[::-1].copy()))
    found = check_program(replace(made.program, cores=tuple(cores)), made.network, CHIP, made.routes)
    assert found[0] == (
        "neuron 0 of 'fc2' gets a wrong sum through 'fc1_fc2_1': "
        "a synapse is missing, doubled or has a wrong weight"
    )
    assert len(found) == 8


def test_leaves_that_nobody_asked_for_are_flows_too_many(made):
    trees = more(made.program.trees, 3, 0, 1 << EAST | 1 << LOCAL)
    trees = replace(
        trees, leaf_tree=np.array([0, 0, 0]), leaf_core=np.array([2, 3, 4]), leaf_axon=np.array([0, 0, 0])
    )
    found = check_program(replace(made.program, trees=trees), made.network, CHIP, made.routes)
    assert found == [
        "core 0 sends to core 3, which holds nothing", "packets from core 0 to core 3 have no route",
    ]  # fmt: skip


def test_trees_on_a_chip_without_multicast(made):
    plain = make_chip(5, 2, core={"neurons": 4})
    assert check_trees(made.program, plain) == [
        "the program has multicast trees, which chip 'test' does not have"
    ]


def test_entries_out_of_order_are_named(made):
    """One more single packet after the tree is right, before it is not."""
    cores = list(made.program.cores)
    at = next(k for k, c in enumerate(cores) if c.core == 0)
    table = cores[at].targets
    pointer, core, axon = table.pointer + np.array([0, 1, 1]), [2, *table.core], [1, *table.axon]
    cores[at] = replace(cores[at], targets=replace(table, pointer=pointer, core=np.array(core), axon=np.array(axon)))
    found = check_program(replace(made.program, cores=tuple(cores)), made.network, CHIP, made.routes)
    assert found[0] == "entries of core 0 are not in the order tree, core, axon"


def test_ways_that_the_proof_does_not_cover_are_named(made):
    """The tree takes the upper row; the flows, for which the proof is, the lower one."""
    trees = made.program.trees
    trees = entry(trees, 0, 1 << NORTH)
    trees = more(more(entry(trees, 2, 1 << EAST | 1 << LOCAL), 5, 0, 1 << EAST), 7, 0, 8)
    found = check_program(replace(made.program, trees=trees), made.network, CHIP, made.routes)
    what = "the proof against deadlock is not for the trees: chip 0 router"
    assert found == [
        f"{what} (0,0) north vc 0 is used but not in the order",
        f"{what} (0,1) east vc 0 is used but not in the order",
        f"{what} (1,1) east vc 0 is used but not in the order",
        f"{what} (2,1) south vc 0 is used but not in the order",
    ]


def test_the_host_sends_by_trees_too():
    chip = edit_chip(CHIP, {"packet.tree_bits": 4})
    cores = np.repeat([2, 4, 1], [4, 4, 4])
    net = dense_net(4, 8, 4)
    mapping = compile_network(net, chip, MapOptions(effort=0.05, cores=cores))
    assert (mapping.program.host.core < HOST).all()
    trees = without(mapping.program.trees, 4)
    assert check_trees(replace(mapping.program, trees=trees), chip) == [
        "tree 0 from the host goes east at router (4, 0), where nothing hangs"
    ]
