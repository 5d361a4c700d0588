"""Tiling against brute force, packing, kinds of cores, target entries, and infeasibility in words."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from mapper import InfeasibleError, MapOptions, capacity, compile_network
from mapper.anatomy import Anatomy
from mapper.infeasible import Infeasibility
from mapper.options import spikes_of
from mapper.partition import Problem, scarcity
from mapper.partition.candidates import grid_slices, part_counts
from mapper.partition.tiling import LayerTiling
from neurosim.chip.models import Chip
from neurosim.network.connections import Conv, Dense
from neurosim.network.model import Network
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net, dense_net, network, neuron, problems, weights

QUICK = MapOptions(effort=0.1)


def problem(net: Network, chip: Chip, **options) -> Problem:
    chosen = MapOptions(**options)
    return Problem(Anatomy(net, spikes_of(net, chosen)), chip, capacity.core_kinds(chip), chosen)


def small_conv() -> Network:
    conv = Conv(weights(1, 2, 1, 3, 3), (1, 4, 4), (2, 4, 4), (1, 1), (1, 1), (1, 1), 1)
    return network(
        [("in", (1, 4, 4), None), ("c", (2, 4, 4), neuron()), ("out", (3,), neuron())],
        [("in", "c", conv, None, 0), ("c", "out", Dense(weights(2, 3, 32)), None, 0)],
        ("out",),
    )


def brute_force(net: Network, chip: Chip, activity) -> tuple[int, float] | None:
    """(fewest cores, least traffic on as many) over all grids of both layers."""
    p = problem(net, chip, activity=activity)
    anatomy, best = p.anatomy, None
    grids = [
        list(itertools.product(*(part_counts(n) for n in anatomy.shape(layer.name)))) for layer in anatomy.layers
    ]
    for choice in itertools.product(*grids):
        pieces = [
            s
            for layer, grid in zip(anatomy.layers, choice, strict=True)
            for s in grid_slices(layer.name, anatomy.shape(layer.name), grid)
        ]
        if len(pieces) > p.n_cores:
            continue
        demands = [capacity.slice_demand(anatomy, chip.core, s) for s in pieces]
        if all(p.where(d) for d in capacity.with_entries(anatomy, pieces, demands)):
            value = (len(pieces), sum(anatomy.traffic_into(s) for s in pieces))
            best = value if best is None or value < best else best
    return best


@pytest.mark.parametrize(
    "core",
    [
        {"neurons": 12, "axons": 40},
        {"neurons": 32, "axons": 12},
        {"neurons": 32, "axons": 40, "target_entries": 20},
        {"neurons": 16, "axons": 40, "target_entries": 12},
        {"neurons": 32, "axons": 40, "synapse_words": 60},
        {"neurons": 5, "axons": 32},
    ],
)
def test_tiling_is_as_good_as_brute_force(core):
    net, chip = small_conv(), make_chip(core=core)
    rng = np.random.default_rng(0)
    activity = {p.name: rng.random(p.n) for p in net.populations}
    expected = brute_force(net, chip, activity)
    found = LayerTiling().partition(problem(net, chip, activity=activity))
    if expected is None:
        assert found is None or any(len(c.slices) > 1 for c in found.clusters)
        return
    assert found is not None
    cores, traffic = (r for r in found.solver)
    assert (cores.objective, cores.status) == (expected[0], "optimal")
    assert traffic.objective == pytest.approx(expected[1])
    assert traffic.status == "optimal"


def test_brute_force_cases_are_not_all_trivial():
    sizes = {brute_force(small_conv(), make_chip(core=c), None)[0] for c in ({"neurons": 12}, {"neurons": 32})}
    assert sizes == {2, 5}


def test_target_entries_cut_the_source_further():
    # 8 x 8 neurons that each reach 4 cores of the next layer: 4 entries per neuron.
    net = dense_net(4, 16, 32)
    chip = make_chip(core={"neurons": 8, "target_entries": 16})
    mapping = compile_network(net, chip, QUICK)
    assert problems(mapping, chip) == []
    assert max(c.demand.target_entries for c in mapping.partition.clusters) <= 16
    assert sum(s.population == "fc1" for c in mapping.partition.clusters for s in c.slices) == 4


def test_scarce_cores_are_shared_between_layers():
    net = dense_net(6, 5, 5, 5, 4)
    chip = make_chip(width=2, height=1)
    mapping = compile_network(net, chip, QUICK)
    assert problems(mapping, chip) == []
    assert len(mapping.partition.clusters) <= 2
    assert max(len(c.slices) for c in mapping.partition.clusters) >= 2


def test_small_tiles_find_small_cores_and_large_ones_large_cores():
    big = {"name": "big", "tiles": ((0, 0), (3, 3)), "neurons": 64, "axons": 256}
    chip = make_chip(core={"neurons": 16, "axons": 16}, core_types=(big,))
    net = dense_net(100, 12, 12, 4)  # only fc1 needs 100 axons
    mapping = compile_network(net, chip, QUICK)
    assert problems(mapping, chip) == []
    core = dict(zip([c.slices[0].population for c in mapping.partition.clusters], mapping.placement.core, strict=True))
    assert core["fc1"] in (0, 15)


def test_layer_order_never_needs_fewer_cores_unless_it_shares_them():
    chip = make_chip()
    tiled = compile_network(conv_net(), chip, QUICK)
    plain = compile_network(conv_net(), chip, MapOptions(partitioner="layer_order", effort=0.1))
    assert problems(plain, chip) == []
    assert plain.routes.packets.sum() >= tiled.routes.packets.sum()


def test_one_core_is_not_several():
    def expected(resource, limit):
        return Infeasibility(resource, None, 5, 5, limit, "it does not fit").error("net").expected

    assert expected("cores", 1) == "at most 1 core"
    assert expected("cores", 2) == "at most 2 cores"
    assert expected("axons per core", 1) == "at most 1 axon per core"


def test_too_few_cores_is_reported_with_bound_gap_and_tested_remedies():
    chip = make_chip(width=2, height=2, core={"neurons": 8})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(dense_net(4, 30, 10), chip, QUICK)
    assert caught.value.exit_code == 3
    assert str(caught.value) == (
        "net: the network needs more cores than chip 'test' has; the largest layer is 'fc1' "
        "[map-does-not-fit]\n"
        "  expected: at most 4 cores\n"
        "  got: 6 in the best solution found (proven lower bound 5, gap 17 %)\n"
        "  hint: it would fit with a mesh of 3x3 tiles, or with 10 neurons per core"
    )
    report = caught.value.report
    assert (report.resource, report.demand, report.bound, report.limit) == ("cores", 6, 5, 4)
    assert report.gap == 1 / 6
    for side, neurons in ((3, 8), (2, 10)):
        fixed = make_chip(width=side, height=side, core={"neurons": neurons})
        assert problems(compile_network(dense_net(4, 30, 10), fixed, QUICK), fixed) == []
    with pytest.raises(InfeasibleError):
        compile_network(dense_net(4, 30, 10), make_chip(width=2, height=2, core={"neurons": 9}), QUICK)


@pytest.mark.parametrize("formats", [("sparse",), ("sparse", "conv")])
def test_pruned_channels_do_not_count_as_weights(formats):
    # One of eight channels has weights.  Uncut, its lists would have entries for all eight.
    weight = weights(1, 8, 1, 3, 3)
    weight[1:] = 0
    conv = Conv(weight, (1, 6, 6), (8, 6, 6), (1, 1), (1, 1), (1, 1), 1)
    net = network([("in", (1, 6, 6), None), ("c", (8, 6, 6), neuron())], [("in", "c", conv, None, 0)], ("c",))
    chip = make_chip(width=2, height=1, core={"neurons": 150, "synapse_words": 180, "synapse_formats": formats})
    mapping = compile_network(net, chip, QUICK)
    assert problems(mapping, chip) == []
    # a channel: 36 headers; 16-bit entries for 4, 6 or 9 targets of 4 corners, 16 edges, 16 inner inputs
    one_channel = 36 + 4 * 2 + 16 * 3 + 16 * 5
    at_least = 36 + (9 * 8 + 31) // 32 if "conv" in formats else 36 + 256 * 8 // 32
    bound = scarcity._total_at_least(problem(net, chip)).synapse_words
    assert bound == at_least <= sum(c.demand.synapse_words for c in mapping.partition.clusters) <= 2 * one_channel


@pytest.mark.parametrize("seed", range(4))
def test_no_partition_takes_less_than_the_proven_bound(seed):
    """All grids of a layer, uncut to single neurons: none needs less of anything than is called proven."""
    rng = np.random.default_rng(seed)
    weight = weights(seed, 4, 3, 2, 2) * (rng.random((4, 3, 2, 2)) < 0.3)
    conv = Conv(weight.astype(np.int16), (3, 4, 4), (4, 4, 4), (1, 1), (1, 0), (1, 1), 1)
    conv = dataclasses.replace(conv, out_shape=(4, 5, 3))
    net = network([("in", (3, 4, 4), None), ("c", (4, 5, 3), neuron())], [("in", "c", conv, None, 0)], ("c",))
    chip = make_chip(core={"synapse_formats": [("sparse",), ("dense", "sparse", "conv")][seed % 2]})
    p = problem(net, chip)
    bound = scarcity._total_at_least(p)
    for grid in itertools.product(*(part_counts(n) for n in (4, 5, 3))):
        pieces = grid_slices("c", (4, 5, 3), grid)
        demands = [capacity.slice_demand(p.anatomy, chip.core, s) for s in pieces]
        total = capacity.add(capacity.with_entries(p.anatomy, pieces, demands))
        assert capacity.fits(bound, total), grid


def test_a_hopeless_case_is_not_searched(monkeypatch):
    def search(*_):
        raise AssertionError("searched")

    p = problem(dense_net(4, 30, 10), make_chip(width=2, height=2, core={"neurons": 8}))
    assert scarcity.is_hopeless(p)
    monkeypatch.setattr(LayerTiling, "partition", search)
    assert scarcity._works(p) is None
    assert not scarcity.is_hopeless(problem(dense_net(4, 30, 10), make_chip(width=2, height=2, core={"neurons": 10})))


def test_synapse_memory_offers_fewer_bits():
    chip = make_chip(width=1, height=1, core={"synapse_words": 400})
    net = dense_net(40, 40)
    with pytest.raises(InfeasibleError) as caught:
        compile_network(net, chip, QUICK)
    report = caught.value.report
    # 40 axons: a header word and ceil(40 x 8 / 32) = 10 words each; 4 bits: 5 words each
    assert report.remedies == ("a mesh of 2x2 tiles", "440 synapse words per core", "4-bit weights")
    assert (report.demand, report.bound, report.limit) == (2, 2, 1)


def test_one_neuron_too_large_names_layer_and_resource():
    chip = make_chip(core={"synapse_words": 20, "synapse_formats": ("dense",)})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(dense_net(30, 4), chip, QUICK)
    report = caught.value.report
    # 30 axons: a header word and one word of weights each
    assert (report.resource, report.layer, report.demand, report.limit) == ("synapse words per core", "fc1", 60, 20)


def test_unusable_formats_are_named():
    from neurosim.errors import DoesNotFitError

    with pytest.raises(DoesNotFitError) as caught:
        compile_network(dense_net(4, 3), make_chip(core={"synapse_formats": ("conv",)}), QUICK)
    assert str(caught.value) == (
        "fc1: no synapse format of chip 'test' can hold projection 'in_fc1_0' [map-no-format]\n"
        "  expected: dense or sparse among core.synapse_formats\n  got: conv"
    )


def test_a_baseline_that_gives_up_says_so():
    from neurosim.errors import DoesNotFitError

    net, chip = dense_net(2, 5, 4, 3, 4), make_chip(width=2, height=1, core={"neurons": 8})
    mapping = compile_network(net, chip, QUICK)  # 5 + 3 and 4 + 4
    assert problems(mapping, chip) == []
    with pytest.raises(DoesNotFitError) as caught:  # 5, then 4 + 3, then nothing left for 4
        compile_network(net, chip, MapOptions(partitioner="layer_order", effort=0.1))
    assert str(caught.value) == (
        "net: partitioner 'layer_order' found no partition, though the network fits [map-partitioner]\n"
        "  hint: use partitioner 'tiling'"
    )
