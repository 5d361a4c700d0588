"""Programs whose packets would arrive at no axon are refused before they run."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.artefacts.tree_table import as_target, make_trees
from neurosim.engines.base import RunOptions
from neurosim.errors import MismatchError
from neurosim.fabric.tables import program_fabric
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.programs import chain, table, workload
from tests.helpers.tree_sends import E, L, tree_chip

CHIP = make_chip(3, 1)
SOUND = chain(CHIP, [0, 1], n=2)
"""The host sends to core 0, core 0 to core 1, core 1 to the host: two neurons and axons each."""


def changed(core: int, targets: TargetTable) -> Program:
    """SOUND with another target table of ``core`` (or HOST)."""
    if core == HOST:
        return dataclasses.replace(SOUND, host=targets)
    cores = tuple(dataclasses.replace(c, targets=targets) if c.core == core else c for c in SOUND.cores)
    return dataclasses.replace(SOUND, cores=cores)


WRONG = {
    "axon": (changed(0, table([[(1, 0)], [(1, 2)]])), "core 0 sends to axon 2 of core 1, which has 2"),
    "negative axon": (changed(0, table([[(1, -1)], []])), "core 0 sends to axon -1 of core 1, which has 2"),
    "unused core": (changed(HOST, table([[(2, 0)], []])), "the host sends to core 2, which the program does not use"),
    "no core": (changed(HOST, table([[(0, 0)], [(3, 0)]])), "the host sends to core 3; the chip has 0 to 2"),
    "no output": (
        changed(1, table([[(HOST, 0)], [(HOST, 2)]])), "core 1 sends to the host for output neuron 2; there are 0 to 1",
    ),
    "too few neurons": (changed(0, table([[(1, 0)]])), "the target table of core 0 is not one of 2 neurons"),
    "pointers": (
        changed(0, TargetTable(np.array([0, 2, 1]), np.array([1]), np.array([0]))),
        "the target table of core 0 is not one of 2 neurons",
    ),
}  # fmt: skip


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@pytest.mark.parametrize("name", WRONG)
def test_no_engine_runs_it(engine, name):
    program, text = WRONG[name]
    with pytest.raises(MismatchError) as caught:
        engine.run(program, workload(np.ones((1, 2, 2))), RunOptions())
    assert (caught.value.code, caught.value.got) == ("program-targets", text)


def test_the_axons_of_a_trees_leaves_count():
    chip = tree_chip(3, 1)
    sound = chain(chip, [0, 1], n=2)
    entries = {(0, 0): E | L, (1, 0): L}
    for axon, text in ((0, None), (1, "the host sends to axon 2 of core 1, which has 2")):
        trees = make_trees(entries, {(0, 0): 0, (0, 1): axon})
        host = table([[(as_target(0), 0)], [(as_target(0), 1)]])
        program = dataclasses.replace(sound, host=host, trees=trees)
        if text is None:
            assert program_fabric(program, chip).trees is trees
            continue
        with pytest.raises(MismatchError) as caught:
            program_fabric(program, chip)
        assert caught.value.got == text
