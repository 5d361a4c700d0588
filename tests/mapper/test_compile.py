"""compile_network from end to end: presets, formats, host, options, determinism."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.metrics import mapping_metrics
from neurosim.artefacts.mapping import HOST
from neurosim.chip.loader import load_chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import DoesNotFitError, InputError
from neurosim.network.connections import Conv, Dense
from neurosim.rules import synapse
from neurosim.store import digest
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net, dense_net, network, neuron, problems, weights


@pytest.mark.parametrize("preset", ["tiny", "tiny_2x2", "tiny_2x2_gateway", "loihi_2018"])
@pytest.mark.parametrize("make", [lambda: dense_net(64, 128, 10), conv_net], ids=["dense", "conv"])
def test_presets_hold_the_digit_networks(preset, make):
    chip = load_chip(preset)
    mapping = compile_network(make(), chip, MapOptions())
    assert problems(mapping, chip) == []
    assert {r.status for r in mapping.partition.solver} == {"optimal"}


def test_darwin3_holds_the_digit_network():
    chip = load_chip("darwin3")
    mapping = compile_network(conv_net(), chip, MapOptions())
    assert problems(mapping, chip) == []
    assert len(mapping.partition.clusters) == 3


@pytest.mark.parametrize("placer", ["row_order", "annealed"])
@pytest.mark.parametrize("partitioner", ["tiling", "layer_order"])
def test_spikes_are_those_of_the_functional_engine(partitioner, placer):
    chip = load_chip("tiny")
    net = conv_net()
    mapping = compile_network(net, chip, MapOptions(partitioner=partitioner, placer=placer))
    assert problems(mapping, chip) == []
    x = (np.random.default_rng(5).random((1, 5, 64)) < 0.5).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    expected = FunctionalEngine(chip).run(net, workload, RunOptions())
    got = ReferenceEngine().run(mapping.program, workload, RunOptions())
    assert got.verdict.status == "ok"
    assert expected.output_counts.sum() > 0
    np.testing.assert_array_equal(got.output_counts, expected.output_counts)
    assert [s.population for s in got.spikes] == [s.population for s in expected.spikes]
    for ours, theirs in zip(got.spikes, expected.spikes, strict=True):
        np.testing.assert_array_equal(ours.neuron, theirs.neuron)
        np.testing.assert_array_equal(ours.step, theirs.step)


def test_same_input_gives_same_bytes():
    chip = load_chip("tiny")
    first, second = (compile_network(conv_net(), chip, MapOptions(seed=3)) for _ in range(2))
    for part in ("partition", "placement", "routes", "program"):
        assert digest(getattr(first, part)) == digest(getattr(second, part))


def test_convolutions_stay_one_kernel_and_dense_layers_rows():
    mapping = compile_network(conv_net(), load_chip("tiny"), MapOptions())
    formats = {b.projection: b.format for c in mapping.program.cores for b in c.blocks}
    assert formats == {
        "in_c1_0": synapse.FORMAT_CONV,
        "c1_c2_1": synapse.FORMAT_CONV,
        "c2_out_2": synapse.FORMAT_DENSE,
    }


@pytest.mark.parametrize("only", ["dense", "sparse"])
def test_chips_without_the_conv_format_unroll_it(only):
    chip = make_chip(core={"synapse_formats": (only,), "synapse_words": 1 << 14, "index_bits": 10})
    mapping = compile_network(conv_net(), chip, MapOptions())
    assert {b.format for c in mapping.program.cores for b in c.blocks} == {synapse.FORMAT_NAMES.index(only)}
    assert problems(mapping, chip) == []


def test_axons_without_synapses_are_dropped_and_sparse_rows_become_lists():
    weight = np.zeros((20, 30), np.int16)
    weight[np.arange(20), np.arange(20)] = 7  # sources 20..29 reach nobody
    net = network([("in", (30,), None), ("out", (20,), neuron())], [("in", "out", Dense(weight), None, 0)], ("out",))
    chip = make_chip()
    mapping = compile_network(net, chip, MapOptions())
    (core,) = mapping.program.cores
    assert core.n_axons == 20
    assert core.blocks[0].format == synapse.FORMAT_SPARSE
    assert core.blocks[0].synapses.tolist() == [1] * 20
    assert len(mapping.program.host.core) == 20
    assert problems(mapping, chip) == []


def test_host_axons_number_all_outputs_and_readouts_send_nothing():
    net = network(
        [("in", (4,), None), ("a", (3,), neuron("none")), ("b", (2,), neuron())],
        [
            ("in", "a", Dense(weights(0, 3, 4)), None, 0),
            ("in", "b", Dense(weights(1, 2, 4)), None, 0),
        ],
        ("a", "b"),
    )
    mapping = compile_network(net, make_chip(), MapOptions())
    program = mapping.program
    assert program.outputs == (("a", 3, 1), ("b", 2, 1))
    assert program.readout == ("membrane", "spikes")
    sent = {int(a) for c in program.cores for a in c.targets.axon[c.targets.core == HOST]}
    assert sent == {3, 4}


def test_flattened_population_is_cut_in_the_shape_of_its_convolution():
    conv = Conv(weights(0, 4, 1, 3, 3), (1, 6, 6), (4, 6, 6), (1, 1), (1, 1), (1, 1), 1)
    net = network(
        [("in", (36,), None), ("flat", (144,), neuron())], [("in", "flat", conv, None, 0)], ("flat",)
    )
    chip = make_chip()
    mapping = compile_network(net, chip, MapOptions())
    assert mapping.network.population("flat").shape == (4, 6, 6)
    assert problems(mapping, chip) == []


def test_traffic_objective_never_costs_more_packets():
    chip = load_chip("tiny")
    packets = {
        objective: compile_network(conv_net(), chip, MapOptions(objective=objective)).routes.packets.sum()
        for objective in ("cores", "traffic")
    }
    assert packets["traffic"] <= packets["cores"]


def test_activity_weighs_the_routes():
    net = dense_net(8, 6, 3)
    activity = {"in": np.arange(8.0), "fc1": np.full(6, 0.5), "fc2": np.full(3, 2.0)}
    mapping = compile_network(net, make_chip(), MapOptions(activity=activity))
    flows = dict(zip(zip(mapping.routes.source, mapping.routes.target), mapping.routes.packets))  # noqa: B905
    first, second = (int(c) for c in mapping.placement.core)
    assert flows == {(HOST, first): 28.0, (first, second): 3.0, (second, HOST): 6.0}
    assert mapping.activity == "measured spikes per neuron and sample"


def test_unmeasured_activity_is_named():
    mapping = compile_network(dense_net(4, 3), make_chip(), MapOptions())
    assert mapping.activity == "assumed 1 spike per neuron and sample"
    part = compile_network(dense_net(4, 3), make_chip(), MapOptions(activity={"in": np.ones(4)}))
    assert part.activity == "measured, but assumed 1 spike per neuron and sample for fc1"


def test_metrics_of_a_mapping_counted_by_hand():
    # 8 inputs -> 6 -> 3 spiking outputs, one core each, both placed by hand-checkable row order.
    chip = make_chip()
    mapping = compile_network(dense_net(8, 6, 3), chip, MapOptions(placer="row_order"))
    assert mapping.placement.core.tolist() == [0, 1]
    figures = mapping_metrics(chip, mapping.partition, mapping.placement, mapping.routes, mapping.program)
    assert figures["packets"] == 8 + 6 + 3
    assert figures["hops"] == 8 * 1 + 6 * 2 + 3 * 2
    assert figures["busiest_link_packets"] == 6
    assert figures["connectivity_km1"] == 8 + 6
    assert figures["busiest_core_packets_in"] == 8
    assert figures["chip_crossings"] == 0
    assert figures["neurons_max"] == 6 / 64
    assert figures["axons_mean"] == (8 + 6) / 2 / 256


BAD = [
    (
        lambda net: dataclasses.replace(net, is_integer=False),
        {},
        "net: only a quantised network can be mapped [map-float-network]\n  hint: quantise it for the chip first",
    ),
    (
        lambda net: dataclasses.replace(net, weight_bits=6),
        {},
        "net: the network's weights have a width that the chip does not have [map-weight-bits]\n"
        "  expected: 4, 8 bits (test)\n  got: 6 bits\n  hint: quantise it for this chip",
    ),
    (
        lambda net: dataclasses.replace(net, outputs=("fc3",)),
        {},
        "net: output 'fc3' is not a population of the network [map-output]\n  hint: did you mean 'fc2'?",
    ),
    (
        lambda net: dataclasses.replace(net, outputs=("in",)),
        {},
        "net: output 'in' is an input: there is nothing to map between them [map-output]",
    ),
    (
        lambda net: net,
        {"host": None},
        "host: chip 'test' has no host, so nothing can enter or leave [map-no-host]\n"
        "  hint: add a 'host' section to the chip description",
    ),
    (
        lambda net: net,
        {"core": {"neuron_models": ("if",)}},
        "fc1: chip 'test' has no neuron model 'lif' [map-neuron-model]\n  expected: one of if\n  got: lif",
    ),
]


@pytest.mark.parametrize(("change", "chip", "text"), BAD, ids=[b[2].split("[")[1].split("]")[0] for b in BAD])
def test_networks_for_another_chip_are_refused(change, chip, text):
    with pytest.raises(InputError) as caught:
        compile_network(change(dense_net(8, 6, 3)), make_chip(**chip), MapOptions())
    assert str(caught.value) == text


def test_wrong_options_are_refused():
    with pytest.raises(InputError) as caught:
        MapOptions(placer="exakt")
    assert str(caught.value) == (
        "MapOptions.placer: unknown placer of the mapper [map-option]\n"
        "  expected: one of auto, exact, annealed, swaps, row_order\n  got: exakt\n  hint: did you mean 'exact'?"
    )
    with pytest.raises(InputError) as caught:
        compile_network(dense_net(4, 3), make_chip(), MapOptions(activity={"inn": np.ones(4)}))
    assert str(caught.value) == (
        "activity['inn']: the activity names a population 'inn' that the network does not have "
        "[map-activity]\n  hint: did you mean 'in'?"
    )


def test_too_long_a_delay_is_named():
    net = dense_net(8, 6, 3)
    skip = network(
        [("in", (8,), None), ("a", (6,), neuron()), ("b", (6,), neuron()), ("c", (3,), neuron())],
        [
            ("in", "a", Dense(weights(0, 6, 8)), None, 0),
            ("a", "b", Dense(weights(1, 6, 6)), None, 0),
            ("b", "c", Dense(weights(2, 3, 6)), None, 0),
            ("in", "c", Dense(weights(3, 3, 8)), None, 0),
        ],
        ("c",),
    )
    chip = make_chip(core={"max_delay_steps": 2})
    assert problems(compile_network(net, chip, MapOptions()), chip) == []
    assert problems(compile_network(skip, chip, MapOptions()), chip) == []  # by relays
    core = chip.core.model_copy(update={"neuron_models": ("cuba_lif",)})
    cuba = tuple(
        dataclasses.replace(p, neuron=p.neuron and dataclasses.replace(p.neuron, model="cuba_lif"))
        for p in skip.populations
    )
    chip = chip.model_copy(update={"core": core})  # has no neuron that could relay
    with pytest.raises(DoesNotFitError) as caught:
        compile_network(dataclasses.replace(skip, populations=cuba), chip, MapOptions())
    assert str(caught.value).splitlines()[:3] == [
        "net: projection 'in_c_3' from 'in' to 'c' takes 3 hardware steps [map-delay]",
        "  expected: at most 2 (core.max_delay_steps of 'test')",
        "  got: 3",
    ]
