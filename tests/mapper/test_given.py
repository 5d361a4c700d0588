"""Mappings given by the user: slices of maps, the checkers' consent, reach."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check.partition import check_partition
from mapper.check.placement import check_placement
from mapper.check.program import check_program
from neurosim.artefacts.mapping import Scattered, Slice
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


def scattered():
    """Two dense layers of 6 on 3 cores: evens, odds and nothing that is a run."""
    one, zero = np.ones((), np.int64), np.zeros((), np.int64)
    neuron = IntNeuron("if", "subtract", one * DECAY_ONE, one, zero, one * 3, one * 3, np.asarray(-99), 0, 1.0)
    weights = [np.random.default_rng(k).integers(1, 4, (6, n)).astype(np.int16) for k, n in ((1, 4), (2, 6))]
    populations = (
        Population("in", (4,), None), Population("one", (6,), neuron), Population("two", (6,), neuron),
    )  # fmt: skip
    projections = (
        Projection("a", "in", "one", Dense(weights[0])), Projection("b", "one", "two", Dense(weights[1])),
    )
    return Network("scattered", populations, projections, ("two",), 1e-3, "test", True, 4), np.tile([1, 4], 6)


def test_scattered_neurons_share_their_axons_and_packets():
    """An axon per source and core, as for neurons in a row."""
    net, given = scattered()
    made = compile_network(net, chip(), MapOptions(cores=given))
    assert check_partition(made.partition, made.network, chip()) == []
    assert check_program(made.program, made.network, chip(), made.routes) == []
    rows = compile_network(net, chip(), MapOptions(cores=np.repeat([1, 4, 1, 4], 3)))
    assert [c.demand for c in made.partition.clusters] == [c.demand for c in rows.partition.clusters]
    assert made.partition.clusters[0].slices == (
        Scattered("one", (0, 5), (0, 1), (0, 1), (0, 2, 4)), Scattered("two", (0, 5), (0, 1), (0, 1), (0, 2, 4)),
    )  # fmt: skip
    assert made.partition.solver[0].detail == "given by the user, no search"
    workload = Workload(np.ones((1, 5, 4), np.uint8), np.array([-1]), "x")
    result = CompiledEngine().run(made.program, workload, RunOptions())
    np.testing.assert_array_equal(result.output_counts, run_functional(net, workload, chip()).output_counts)
    in_rows = CompiledEngine().run(rows.program, workload, RunOptions())
    assert result.counters.packets_sent == in_rows.counters.packets_sent


def test_axons_that_a_convolution_costs_are_counted():
    given = cores(0)
    given[:4:2] = 5  # two neurons of the map's first row that do not touch
    net = network()
    made = compile_network(net, chip(), MapOptions(cores=given))
    host = made.program.host
    ends = np.stack([np.repeat(np.arange(16), np.diff(host.pointer)), host.core])
    more = len(host.core) - len(np.unique(ends, axis=1).T)
    (report,) = made.partition.solver
    assert more > 0
    assert report.detail == (
        f"given by the user, no search; {more} axons more than one per source and core, each a packet more per "
        "spike: scattered neurons of 'map'"
    )


def test_what_does_not_fit_in_one_slice_is_given_in_runs():
    """Rows of weights: every input reaches one run of six, so three runs take less than one set of 18."""
    one, zero = np.ones((), np.int64), np.zeros((), np.int64)
    neuron = IntNeuron("if", "subtract", one * DECAY_ONE, one, zero, one * 3, one * 3, np.asarray(-99), 0, 1.0)
    weight = np.kron(np.eye(3), np.ones((8, 4))).astype(np.int16)
    net = Network(
        "blocks", (Population("in", (12,), None), Population("out", (24,), neuron)),
        (Projection("a", "in", "out", Dense(weight)),), ("out",), 1e-3, "test", True, 4,
    )  # fmt: skip
    given = MapOptions(cores=np.tile(np.repeat([1, 4], [6, 2]), 3))

    def on(synapse_words):
        core = {"neurons": 40, "axons": 200, "synapse_formats": ("dense",), "synapse_words": synapse_words}
        model = make_chip(width=3, height=2, core=core)
        made = compile_network(net, model, given)
        assert check_partition(made.partition, made.network, model) == []
        return made.partition.clusters

    roomy = on(4096)
    assert [len(cluster.slices) for cluster in roomy] == [1, 1]
    tight = on(roomy[0].demand.synapse_words - 1)
    assert [type(piece) for piece in tight[0].slices] == [Slice] * 3
    assert tight[1] == roomy[1]


@pytest.mark.parametrize(
    ("piece", "said"),
    [
        (Scattered("one", (0, 5), (0, 1), (0, 1), (0, 4, 2)), "do not ascend"),
        (Scattered("one", (0, 5), (0, 1), (0, 1), (0, 2, 6)), "are not all below 6"),
        (Scattered("one", (0, 6), (0, 1), (0, 1), (0, 2, 4)), "do not fill the slice's box"),
    ],
)
def test_the_checker_looks_at_scattered_neurons(piece, said):
    net, given = scattered()
    made = compile_network(net, chip(), MapOptions(cores=given))
    first, second = made.partition.clusters
    spoilt = replace(made.partition, clusters=(replace(first, slices=(piece, first.slices[1])), second))
    found = check_partition(spoilt, made.network, chip())
    assert f"cluster 0: the scattered neurons of 'one' {said}" in found


def test_the_checker_knows_that_convolutions_reach_boxes():
    made = compile_network(network(), chip(), MapOptions(cores=cores(0)))
    first, *rest = made.partition.clusters
    piece = first.slices[0]
    members = tuple(piece.neurons((2, 4, 4)).tolist())
    spoilt = replace(first, slices=(Scattered("map", piece.c, piece.y, piece.x, members),))
    found = check_partition(replace(made.partition, clusters=(spoilt, *rest)), made.network, chip())
    assert found == ["cluster 0: the scattered neurons of 'map' are fed by a convolution, which reaches boxes only"]


def test_what_cannot_be_addressed_is_refused():
    near = chip()
    near = near.model_copy(update={"reach": near.reach.model_copy(update={"x_hops": 1})})
    with pytest.raises(DoesNotFitError) as caught:
        compile_network(network(), near, MapOptions(cores=cores(0)))
    assert caught.value.code == "map-given-reach"
    said = "core 0 cannot address core 2 in the given mapping: it is out of reach"
    assert (caught.value.what, caught.value.got) == (said, "2 such pairs")
