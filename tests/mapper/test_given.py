"""Mappings given by the user: slices of maps, the checkers' consent, reach."""

from __future__ import annotations

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check.partition import check_partition
from mapper.check.placement import check_placement
from mapper.check.program import check_program
from neurosim.artefacts.mapping import Slice
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.functional import run_functional
from neurosim.errors import DoesNotFitError
from neurosim.network.connections import Conv, Dense
from neurosim.network.model import IntNeuron, Network, Population, Projection
from neurosim.rules.neuron import DECAY_ONE
from tests.helpers.chips import make_chip


def network():
    one, zero = np.ones((), np.int64), np.zeros((), np.int64)
    neuron = IntNeuron("if", "subtract", one * DECAY_ONE, one, zero, one * 3, one * 3, np.asarray(-99), 0, 1.0)
    rng = np.random.default_rng(5)
    conv = Conv(rng.integers(-3, 4, (2, 1, 3, 3)).astype(np.int16), (1, 4, 4), (2, 4, 4), (1, 1), (1, 1),
                (1, 1), 1)  # fmt: skip
    out = Dense(rng.integers(-3, 4, (5, 32)).astype(np.int16))
    populations = (
        Population("in", (1, 4, 4), None), Population("map", (2, 4, 4), neuron), Population("out", (5,), neuron),
    )  # fmt: skip
    projections = (Projection("a", "in", "map", conv), Projection("b", "map", "out", out))
    return Network("given", populations, projections, ("out",), 1e-3, "test", True, 4)


def chip(**changes):
    core = {"neurons": 40, "axons": 200, "rx_flits": 4, "tx_flits": 4}
    return make_chip(width=3, height=2, core=core, **changes)


def cores(seed):
    """37 core numbers: left and right halves of the map, and (``seed``) some neurons anywhere."""
    place = np.zeros((2, 4, 4), np.int64)
    place[:, :, 2:] = 4
    flat = np.concatenate([place.reshape(-1), [4, 4, 2, 2, 2]])
    if seed:
        flat[np.random.default_rng(seed).integers(0, 37, 9)] = 5
    return flat


@pytest.mark.parametrize("seed", range(6))
def test_any_legal_mapping_is_kept_passes_and_runs(seed):
    net, model, given = network(), chip(), cores(seed)
    made = compile_network(net, model, MapOptions(cores=given))
    assert check_partition(made.partition, made.network, model) == []
    assert check_placement(made.placement, made.partition, made.network, model) == []
    assert check_program(made.program, made.network, model, made.routes) == []
    first = {"map": 0, "out": 32}
    for image in made.program.cores:
        for group in image.groups:
            assert (given[first[group.population] + group.neurons] == image.core).all()
    rng = np.random.default_rng(seed)
    x = rng.integers(0, 2, (2, 5, 16)).astype(np.uint8)
    workload = Workload(x, np.array([-1, -1]), "x")
    result = CompiledEngine().run(made.program, workload, RunOptions())
    np.testing.assert_array_equal(result.output_counts, run_functional(net, workload, model).output_counts)
    assert result.output_counts.any()


def test_a_box_of_a_map_is_one_slice():
    made = compile_network(network(), chip(), MapOptions(cores=cores(0)))
    assert [c.slices for c in made.partition.clusters] == [
        (Slice("map", (0, 2), (0, 4), (0, 2)),),
        (Slice("out", (2, 5), (0, 1), (0, 1)),),
        (Slice("map", (0, 2), (0, 4), (2, 4)), Slice("out", (0, 2), (0, 1), (0, 1))),
    ]
    assert made.placement.core.tolist() == [0, 2, 4]


def test_what_cannot_be_addressed_is_refused():
    near = chip()
    near = near.model_copy(update={"reach": near.reach.model_copy(update={"x_hops": 1})})
    with pytest.raises(DoesNotFitError) as caught:
        compile_network(network(), near, MapOptions(cores=cores(0)))
    assert caught.value.code == "map-given-reach"
    said = "core 0 cannot address core 2 in the given mapping: it is out of reach"
    assert (caught.value.what, caught.value.got) == (said, "2 such pairs")
