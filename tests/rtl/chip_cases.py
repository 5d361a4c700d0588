"""Random programs for the whole-chip bench: those of the property tests, on small chips that the Verilog supports."""

from __future__ import annotations

import dataclasses

import numpy as np
from hypothesis import assume
from hypothesis import strategies as st

from mapper import compile_network
from neurosim.artefacts.program import Program
from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.errors import DoesNotFitError
from tests.property.test_programs import cases
from tests.rtl.tree_cases import grown, multicast

FORMATS = ("dense", "sparse")  # the Verilog core has no address generator for kernels
MOST_CORES = 8  # more take long on Icarus
STEPS = 3
MOST_ENTRIES, TREE_BITS = 48, 6  # of routers with multicast


@st.composite
def chip_cases(draw, sync: str | None = None):
    """(network, chip, options, workload): two samples of a few steps on at most 8 cores of 1 to 4 chips."""
    network, chip, options, workload = draw(cases(sync))
    chip = supported(chip, draw)
    n_cores = chip.n_chips * chip.mesh.width * chip.mesh.height * chip.mesh.cores_per_tile
    assume(n_cores <= MOST_CORES)
    return network, chip, options, dataclasses.replace(workload, spikes=workload.spikes[:, :STEPS])


def supported(chip: Chip, draw) -> Chip:
    """``chip`` made small, with the choices that the property tests leave out drawn as well."""
    with_gateways = chip.link is not None and chip.link.gateways is not None
    height = 2 if with_gateways else draw(st.integers(1, 2))
    changes: dict[str, object] = {
        "mesh.width": draw(st.integers(1, 2)) if chip.n_chips == 1 else 2, "mesh.height": height,
        "core.synapse_formats": FORMATS,
        "sync.base_cycles": max(2, chip.sync.base_cycles),
        "sync.tile_level_cycles": draw(st.integers(0, 2)), "sync.chip_level_cycles": draw(st.integers(0, 3)),
        "core.receive_during_update": draw(st.booleans()),
        "core.overflow.membrane": draw(st.sampled_from(("saturate", "wrap"))),
        "core.overflow.accumulator": draw(st.sampled_from(("saturate", "wrap"))),
        "core.accumulator_bits": draw(st.sampled_from((6, 8, 24))),
    }  # fmt: skip
    if chip.sync.mode == "tick":
        changes["sync.tick_period_cycles"] = draw(st.sampled_from((2_000, 90, 40, 20)))
    return edit_chip(chip, changes)


@st.composite
def tree_cases(draw):
    """(program, chip, workload) as above, packets of one flit, with trees wherever a neuron sends to several cores."""
    network, chip, options, workload = draw(chip_cases())
    few = {"core.neurons": min(chip.core.neurons, draw(st.integers(2, 6)))}
    chip = edit_chip(chip, {**few, "packet.flits": 1, "router.drop_after_cycles": None})
    program = compiled(network, chip, options)
    chip = multicast(chip, MOST_ENTRIES, TREE_BITS)
    program = grown(program, chip, draw(st.integers(1, 2)), draw(st.booleans()))
    trees = program.trees
    assume(trees is not None and 0 < trees.n_trees <= 1 << TREE_BITS)
    assume(np.bincount(trees.router).max() <= MOST_ENTRIES)
    return program, chip, workload


def compiled(network, chip: Chip, options) -> Program:
    """The program, if it fits."""
    try:
        return compile_network(network, chip, options).program
    except DoesNotFitError:
        assume(False)
        raise
