"""Chips with multicast, and programs whose trees fork at every kind of port, for tests of the Verilog."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from mapper import MapOptions, compile_network
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, Program, TargetTable
from neurosim.artefacts.tree_table import as_target, as_tree, make_trees
from neurosim.chip.dump import chip_digest, dump_chip
from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import Workload
from neurosim.network.connections import Dense
from neurosim.network.model import Network
from neurosim.rtl.flits import flit_layout
from neurosim.rules.ports import EAST, LOCAL, NORTH, SOUTH, WEST
from tests.helpers.chips import make_chip
from tests.helpers.programs import dense, group, program_of, table, workload
from tests.helpers.tree_programs import with_trees
from tests.mapper.nets import network, neuron, weights

CORE = {"neurons": 4, "axons": 64, "synapse_formats": ("dense", "sparse"), "rx_flits": 2, "tx_flits": 2}
ROUTERS: dict[str, dict[str, Any]] = {
    "round robin": {"buffer_flits": 2},
    "two VCs, fixed priority": {"virtual_channels": 2, "arbiter": "fixed_priority", "buffer_flits": 1},
    "one winner": {"arbiter": "one_winner_per_router", "buffer_flits": 1, "cycles_per_flit": 2},
}


def multicast(chip: Chip, entries: int = 24, bits: int = 6) -> Chip:
    """``chip`` with room for trees."""
    return edit_chip(chip, {"router.multicast_entries": entries, "packet.tree_bits": bits})


def mapped(net: Network, chip: Chip, every: int = 1, omit_straight: bool = True) -> Program:
    """``net`` mapped without trees, which the helper then makes of it for ``chip``."""
    plain = edit_chip(chip, {"router.multicast_entries": None, "packet.tree_bits": None})
    return grown(compile_network(net, plain, MapOptions(effort=0.1)).program, chip, every, omit_straight)


def grown(program: Program, chip: Chip, every: int = 1, omit_straight: bool = True) -> Program:
    """``program``, of a chip without multicast, on ``chip``, with trees wherever a neuron sends to several cores."""
    program = dataclasses.replace(program, chip_yaml=dump_chip(chip), chip_digest=chip_digest(chip))
    return with_trees(program, every, omit_straight)


def looping_net() -> Network:
    """Both layers go to the host; the last one to itself too: leaves at cores, at its own core and at the host.

    Their axons differ, as every core knows a neuron by another number.
    """
    return network(
        [("in", (4,), None), ("hidden", (8,), neuron(threshold=20)), ("out", (6,), neuron(threshold=20))],
        [
            ("in", "hidden", Dense(weights(7, 8, 4)), None, 0), ("out", "out", Dense(weights(4, 6, 6)), None, 1),
            ("hidden", "out", Dense(weights(2, 6, 8)), None, 0), ("in", "out", Dense(weights(3, 6, 4)), None, 0),
        ],
        ("hidden", "out"),
    )  # fmt: skip


def looping_case(
    router: str = "round robin", width: int = 5, height: int = 1, every: int = 1
) -> tuple[Chip, Program, Workload]:
    """The net on one row of cores, in which a dead one leaves a router that packets pass straight through.

    The trees have the numbers that cores have as addresses in flits.
    """
    chip = make_chip(width, height, core=CORE, sync={"base_cycles": 3}, router=ROUTERS[router])
    chip = multicast(chip, bits=7)
    if width > 4:
        chip = edit_chip(chip, {"defects": {"cores": [[2, 0, 0]]}})
    x = np.random.default_rng(1).integers(0, 3, (1, 4, 4)).astype(np.uint8)
    layout = flit_layout(chip)
    program = renumbered(mapped(looping_net(), chip, every), layout.pack(exit=LOCAL))
    return chip, program, Workload(x, np.array([-1]), "test")


def renumbered(program: Program, first: int) -> Program:
    """``program`` with trees 0, ``first + 1``, ``first + 2``, ..."""

    def number(trees: np.ndarray) -> np.ndarray:
        return np.where(trees > 0, trees + first, trees)

    def renamed(targets: TargetTable) -> TargetTable:
        core = np.where(targets.core < HOST, as_target(number(as_tree(targets.core))), targets.core)
        return dataclasses.replace(targets, core=core)

    trees = program.trees
    assert trees is not None
    trees = dataclasses.replace(
        trees, n_trees=trees.n_trees + first, tree=number(trees.tree), leaf_tree=number(trees.leaf_tree)
    )
    cores = tuple(dataclasses.replace(core, targets=renamed(core.targets)) for core in program.cores)
    return dataclasses.replace(program, trees=trees, cores=cores, host=renamed(program.host))


def ring_case() -> tuple[Chip, Program, Workload]:
    """Four cores of a square that all send round it at once, each to the next core and the one after that.

    The trees turn as no routing rule of a mesh does, and every buffer holds one flit: they block each other.
    """
    n = 16
    chip = make_chip(2, 2, core={"neurons": n, "axons": 2 * n, "tx_flits": 1}, router={"buffer_flits": 1})
    chip = multicast(chip, entries=4, bits=2)
    ring = (0, 1, 3, 2)
    on = (EAST, NORTH, WEST, SOUTH)  # from each of them to the next
    entries: dict[tuple[int, int], int] = {}
    leaves: dict[tuple[int, int], int] = {}
    cores = []
    for tree, core in enumerate(ring):
        after = (ring[(tree + 1) % 4], ring[(tree + 2) % 4])
        entries |= {
            (core, tree): 1 << on[tree], (after[0], tree): 1 << LOCAL | 1 << on[(tree + 1) % 4],
            (after[1], tree): 1 << LOCAL,
        }  # fmt: skip
        leaves |= {(tree, after[0]): 0, (tree, after[1]): n}
        eager = dataclasses.replace(group(f"ring{core}", n, 0), bias=np.ones(n, np.int64))
        targets = table([[(as_target(tree), k)] for k in range(n)])
        cores.append(CoreProgram(core, (eager,), (dense(np.ones((2 * n, n)), chip),), targets))
    program = program_of(chip, cores, [], [], table([]), 1)
    program = dataclasses.replace(program, trees=make_trees(entries, leaves))
    return chip, program, workload(np.zeros((1, 1, 0)))
