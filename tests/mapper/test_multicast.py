"""Multicast trees from the mapper: packets arrive as single ones do, engines count what was expected, limits hold."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mapper import MapOptions, compile_network
from mapper.metrics import all_metrics, mapping_metrics, program_loads
from mapper.tables.traffic import spread, traffic
from neurosim import store
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import program_flows, tree_sends
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine, run_functional
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.cdg import analyse_flows
from neurosim.fabric.tables import program_fabric
from neurosim.fabric.topology import build_fabric
from neurosim.network.connections import Conv, Dense, Sparse
from neurosim.network.model import IntNeuron, Ramp
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net, dense_net, network, neuron, problems, weights

FAST = MapOptions(effort=0.05)
ALONE = dataclasses.replace(FAST, multicast=False)


def multicast_chip(width=4, height=4, entries=64, bits=8, cores_per_tile=1, neurons=8, **router):
    chip = make_chip(width, height, cores_per_tile=cores_per_tile, core={"neurons": neurons}, router=router)
    return edit_chip(chip, {"router.multicast_entries": entries, "packet.tree_bits": bits})


def sparse(seed, n_in, n_out, share):
    """Random synapses; some sources may have none."""
    rng = np.random.default_rng(seed)
    mask = rng.random((n_in, n_out)) < share
    weight = rng.integers(1, 100, int(mask.sum())).astype(np.int16)
    pointer = np.concatenate([[0], np.cumsum(mask.sum(axis=1))]).astype(np.int64)
    return Sparse(weight=weight, pointer=pointer, target=np.nonzero(mask)[1], n_out=n_out)


def tangled_net(share=0.4):
    """Two branches, a delay, a recurrent layer, and a layer that is an output and sends on to another."""
    layers = [("in", (12,), None), ("a", (20,), neuron()), ("b", (18,), neuron()), ("c", (14,), neuron())]
    joins = [
        ("in", "a", Dense(weights(1, 20, 12)), None, 0), ("a", "b", sparse(2, 20, 18, share), None, 0),
        ("a", "c", sparse(3, 20, 14, share), None, 1), ("b", "c", Dense(weights(4, 14, 18)), None, 0),
        ("b", "b", sparse(5, 18, 18, share), None, 1), ("in", "c", sparse(6, 12, 14, share), None, 0),
    ]  # fmt: skip
    return network(layers, joins, ("b", "c"))


def first_spike_net():
    once = IntNeuron(
        "ttfs", "once", np.array(4096), np.array(4096), np.array(0), np.array(200), np.array(0),
        np.array(-(1 << 20)), 0, 1.0, ramp=Ramp(np.array(3), np.array(3), 0, 0),
    )  # fmt: skip
    joins = [
        ("in", "a", Dense(weights(1, 20, 12)), None, 0), ("a", "b", Dense(weights(2, 20, 20)), None, 0),
        ("b", "c", Dense(weights(3, 6, 20)), None, 0),
    ]  # fmt: skip
    layers = [("in", (12,), None), ("a", (20,), once), ("b", (20,), once), ("c", (6,), neuron())]
    return network(layers, joins, ("c",))


def tables_of(program):
    return [program.host, *(core.targets for core in program.cores)]


def assert_same_packets(mapping, single):
    """Every neuron reaches what it reaches by single packets, and nothing else."""
    for made, expected in zip(tables_of(mapping.program), tables_of(single.program), strict=True):
        alone = spread(made, mapping.program.trees)
        for name in ("pointer", "core", "axon"):
            np.testing.assert_array_equal(getattr(alone, name), getattr(expected, name))


def assert_sound(mapping, chip):
    """All checkers, the fabric's own check, the limits, and the proof against deadlock."""
    assert problems(mapping, chip) == []
    fabric = program_fabric(mapping.program, chip)
    assert analyse_flows(fabric, *program_flows(mapping.program), tree_sends(mapping.program)).is_free
    trees = mapping.program.trees
    assert trees is not None
    assert trees.n_trees <= 1 << chip.packet.tree_bits
    assert np.bincount(trees.router).max() <= chip.router.multicast_entries


def spikes_for(net, chip, n_steps=2, share=0.4):
    """A workload of two samples, and the expected spikes that it really has."""
    x = (np.random.default_rng(5).random((2, n_steps, sum(p.n for p in net.inputs))) < share).astype(np.uint8)
    workload = Workload(x, np.array([-1, -1]), "test")
    activity = {net.inputs[0].name: x.sum(axis=(0, 1)) / 2}
    for found in run_functional(net, workload, chip).spikes:
        n = net.population(found.population).n
        activity[found.population] = np.bincount(found.neuron, weights=found.count, minlength=n) / 2
    return workload, activity


CASES = {
    "dense": (dense_net(20, 40, 40, 6), {}),
    "two cores a tile": (dense_net(20, 40, 40, 6), {"width": 3, "height": 3, "cores_per_tile": 2}),
    "small tables": (dense_net(20, 40, 40, 6), {"entries": 3, "bits": 2}),
    "conv, small tables": (conv_net(), {"width": 5, "height": 5, "neurons": 40, "entries": 10, "bits": 4}),
    "tangled": (tangled_net(), {"width": 5, "neurons": 5}),
    "y first": (tangled_net(0.9), {"routing": "yx", "arbiter": "one_winner_per_router"}),
    "first spike": (first_spike_net(), {}),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_run_does_what_was_asked_and_counts_what_was_expected(case):
    net, given_chip = CASES[case]
    chip = multicast_chip(**given_chip)
    workload, activity = spikes_for(net, chip)
    mapping, single = (
        compile_network(net, chip, dataclasses.replace(o, activity=activity)) for o in (FAST, ALONE)
    )
    assert single.program.trees is None
    assert single.multicast is None
    assert_same_packets(mapping, single)
    assert_sound(mapping, chip)
    expected = FunctionalEngine(chip).run(net, workload, RunOptions())
    runs = [ReferenceEngine().run(m.program, workload, RunOptions()) for m in (mapping, single)]
    for result in runs:
        np.testing.assert_array_equal(result.output_counts, expected.output_counts)
    fabric, said = build_fabric(chip), mapping.multicast
    loads = program_loads(fabric, mapping.routes, mapping.program, mapping.spikes)
    counted = [np.asarray(r.counters.port_flits).reshape(loads.shape) / 2 for r in runs]
    np.testing.assert_allclose(counted[0], loads)
    figures = mapping_metrics(
        chip, mapping.partition, mapping.placement, mapping.routes, mapping.program, spikes=mapping.spikes
    )
    assert figures["traversals"] == pytest.approx(counted[0].sum())
    assert said.traversals == pytest.approx(counted[0].sum())
    assert said.traversals_alone == pytest.approx(counted[1].sum()) == pytest.approx(figures["hops"])
    assert said.traversals < said.traversals_alone
    assert figures["trees"] == said.n_trees == mapping.program.trees.n_trees
    assert figures["multicast_entries"] == said.entries == mapping.program.trees.n
    assert figures["multicast_entries_max"] == said.entries_max
    assert bool(said.left_out) == ("small" in case)


def test_dense_layers_need_one_tree_and_share_it():
    """Eight cores send to the same five: axons lie equally far apart, so the leaves are the same for all."""
    chip = multicast_chip(6, 6, neurons=8, entries=64)
    mapping = compile_network(dense_net(8, 64, 40, 4), chip, FAST)
    trees = mapping.program.trees
    ends = {}
    for tree, core in zip(trees.leaf_tree.tolist(), trees.leaf_core.tolist(), strict=True):
        ends.setdefault(tree, []).append(core)
    sends = list(zip(*(c.tolist() for c in tree_sends(mapping.program)), strict=True))
    assert len(sends) == 1 + 8
    assert {source for source, _ in sends if source == HOST} == {HOST}
    assert len({tuple(cores) for cores in ends.values()}) == 2
    assert trees.n_trees < len(sends)
    assert mapping.multicast.on_trees == 8 + 64
    assert (trees.leaf_axon == 0).all()
    assert all(len(table.core) == len(table.pointer) - 1 for table in tables_of(mapping.program)[:1])


def test_two_axons_on_one_core_are_two_packets_of_one_tree():
    """A layer that hears another twice, on four cores: each spike is two packets to the same tree."""
    twice = [("a", "b", Dense(weights(k, 24, 6)), None, delay) for k, delay in ((1, 0), (2, 1))]
    joins = [("in", "a", Dense(weights(3, 6, 4)), None, 0), *twice]
    net = network([("in", (4,), None), ("a", (6,), neuron()), ("b", (24,), neuron())], joins, ("b",))
    chip = multicast_chip(5, 1, neurons=6)
    mapping = compile_network(net, chip, FAST)
    assert_same_packets(mapping, compile_network(net, chip, ALONE))
    assert_sound(mapping, chip)
    home = next(c for c in mapping.program.cores if c.groups[0].population == "a")
    for first, last in zip(home.targets.pointer[:-1], home.targets.pointer[1:], strict=True):
        assert len(set(home.targets.core[first:last].tolist())) == 1
        assert len(set(home.targets.axon[first:last].tolist())) == 2
    assert (home.targets.core < HOST).all()


def test_no_tree_where_nothing_is_shared():
    """One target in each direction: single packets take as many steps, so there are no trees and no entries."""
    net = dense_net(4, 4, 8, 4)
    chip = multicast_chip(3, 3, neurons=4)
    cores = np.repeat([4, 3, 5, 7], 4)
    mapping = compile_network(net, chip, dataclasses.replace(FAST, cores=cores))
    assert mapping.program.trees is None
    said = mapping.multicast
    assert (said.n_trees, said.entries, said.on_trees, said.left_out) == (0, 0, 0, ())
    assert said.traversals == said.traversals_alone == (mapping.routes.packets * mapping.routes.hops).sum()
    figures = mapping_metrics(chip, mapping.partition, mapping.placement, mapping.routes, mapping.program)
    assert (figures["trees"], figures["multicast_entries"]) == (0, 0)
    assert figures["traversals"] == figures["hops"]


def test_entries_only_where_a_tree_does_not_go_straight_on():
    """From core 0 along the row to cores 2 and 4, entries: at the sender, at router 2, and at the last."""
    chip = multicast_chip(5, 1, neurons=4)
    cores = np.repeat([0, 2, 4, 1], 4)
    mapping = compile_network(dense_net(4, 4, 8, 4), chip, dataclasses.replace(FAST, cores=cores))
    trees = mapping.program.trees
    mine = trees.tree == dict(zip(*(c.tolist() for c in tree_sends(mapping.program)), strict=True))[0]
    assert dict(zip(trees.router[mine].tolist(), trees.ports[mine].tolist(), strict=True)) == {
        0: 1, 2: 1 | 1 << 4, 4: 1 << 4,
    }  # fmt: skip


def test_larger_tables_never_save_less():
    net = conv_net()
    saved = []
    for entries in (1, 8, 64):
        chip = multicast_chip(5, 5, neurons=40, entries=entries, bits=12)
        mapping = compile_network(net, chip, FAST)
        assert_sound(mapping, chip)
        said = mapping.multicast
        assert said.entries_max <= entries == said.limit
        assert bool(said.left_out) == (entries < 64)
        assert all(why == "full routers" for why, _ in said.left_out)
        saved.append(said.traversals_alone - said.traversals)
    assert saved == sorted(saved)
    assert saved[0] > 0


@pytest.mark.parametrize(("third", "left_out"), [(7, ()), (6, (("full routers", 4),))])
def test_what_leaves_by_another_link_is_not_left_out(third, left_out):
    """5 x 2 tiles, one entry a router; core 2 sends west to cores 0 and 1, and to one whose router is full.

    To core 7 its packets leave north and share no link with the tree's; to core 6 they share the first one.
    """
    joins = [
        (a, b, Dense(weights(k, n, m)), None, 0)
        for k, (a, b, n, m) in enumerate(
            [("in", "a", 4, 4), ("in", "c", 8, 4), ("a", "b", 12, 4), ("c", "d", 8, 8)]
        )
    ]
    layers = [("a", 4), ("c", 8), ("b", 12), ("d", 8)]
    layers = [("in", (4,), None), *((name, (n,), neuron()) for name, n in layers)]
    cores = np.repeat([2, 5, 0, 1, third, third, 8], [4, 8, 4, 4, 4, 4, 4])
    net = network(layers, joins, ("b", "d"))
    mapping = compile_network(net, multicast_chip(5, 2, entries=1), dataclasses.replace(FAST, cores=cores))
    ends = zip(mapping.program.trees.leaf_tree.tolist(), mapping.program.trees.leaf_core.tolist(), strict=True)
    assert sorted(core for _, core in ends) == sorted([0, 1, third, 8])
    assert mapping.multicast.on_trees == 4 + 8
    assert mapping.multicast.left_out == left_out


def test_numbers_that_run_out_are_told():
    chip = multicast_chip(5, 5, neurons=40, entries=400, bits=1)
    mapping = compile_network(conv_net(), chip, FAST)
    assert_sound(mapping, chip)
    assert mapping.program.trees.n_trees == 2
    assert [why for why, _ in mapping.multicast.left_out] == ["no tree number left"]


@pytest.mark.parametrize("n_vcs", [1, 2])
def test_trees_follow_detours(n_vcs):
    chip = multicast_chip(4, 4, table_entries=32, virtual_channels=n_vcs)
    links = [{"x": 0, "y": 1, "side": "east"}, {"x": 1, "y": 2, "side": "east"}, {"x": 2, "y": 1, "side": "north"}]
    hurt = edit_chip(chip, {"defects": {"links": links, "cores": [[1, 1, 0]]}})
    net = dense_net(20, 40, 30, 6)
    workload, activity = spikes_for(net, hurt)
    mapping = compile_network(net, hurt, dataclasses.replace(FAST, activity=activity))
    assert mapping.program.table is not None
    assert_sound(mapping, hurt)
    assert_same_packets(mapping, compile_network(net, hurt, dataclasses.replace(ALONE, activity=activity)))
    result = ReferenceEngine().run(mapping.program, workload, RunOptions())
    expected = FunctionalEngine(hurt).run(net, workload, RunOptions())
    np.testing.assert_array_equal(result.output_counts, expected.output_counts)
    assert result.counters.port_flits.sum() / 2 == pytest.approx(mapping.multicast.traversals)


def test_ways_that_meet_twice_leave_one_destination_alone():
    """Two columns, the link over router 0 dead: the ways from core 4 to cores 0 and 1 part and meet at router 0."""
    from mapper.route.branches import Ways
    from neurosim.artefacts.route_table import make_table
    from neurosim.rules.ports import EAST, SOUTH, WEST

    chip = multicast_chip(2, 3, table_entries=4)
    table = make_table({(4, 1): (EAST, -1), (5, 1): (SOUTH, -1), (3, 1): (WEST, -1), (2, 1): (SOUTH, -1)})
    fabric = dataclasses.replace(build_fabric(chip), table=table)
    sources, targets = np.array([4, 4, 4]), np.array([0, 1, 2])
    found = Ways(fabric, sources, targets).branching(4, (0, 1, 2))
    assert found.cores == (0, 2)
    assert found.beside == (1,)
    assert (found.alone, found.hops, found.saved) == (3 + 2, 4, 1)


def test_other_channels_of_a_table_leave_a_destination_alone():
    from mapper.route.branches import Ways
    from neurosim.artefacts.route_table import make_table
    from neurosim.rules.ports import EAST

    chip = multicast_chip(4, 1, table_entries=4, virtual_channels=2)
    fabric = dataclasses.replace(build_fabric(chip), table=make_table({(0, 2): (EAST, 1), (0, 3): (EAST, 0)}))
    ways = Ways(fabric, np.array([0, 0, 0]), np.array([1, 2, 3]))
    found = ways.branching(0, (1, 2, 3))
    assert (found.cores, found.beside) == ((1, 3), (2,))


@pytest.mark.parametrize(("entries", "bits"), [(10, 4), (3, 12), (400, 3)])
def test_the_best_of_several_plans_is_kept(entries, bits):
    """Trees by whole classes first, or by parts of them; the best per entry first, or in all."""
    from mapper.route.branches import Ways
    from mapper.route.multicast import IN_ALL, PER_ENTRY
    from mapper.tables.multicast import COARSE, FINE, _Plan, _senders

    chip = multicast_chip(5, 5, neurons=40, entries=entries, bits=bits)
    mapping, single = (compile_network(conv_net(), chip, options) for options in (FAST, ALONE))
    ways = Ways(build_fabric(chip), *program_flows(single.program))
    senders, saved = _senders(single.program, single.spikes), {}
    for order in (PER_ENTRY, IN_ALL):
        for rounds in ((FINE, COARSE), (COARSE, FINE)):
            saved[order, rounds] = _Plan(senders, ways, order, {}).grown(*rounds).saved
    kept = mapping.multicast.traversals_alone - mapping.multicast.traversals
    assert kept >= max(saved[PER_ENTRY, (FINE, COARSE)], saved[IN_ALL if bits == 3 else PER_ENTRY, (COARSE, FINE)])
    assert len(set(saved.values())) > 1
    assert kept in saved.values()


def test_same_bytes():
    chip = multicast_chip(5, 5, neurons=40, entries=10, bits=4)
    first, again = (compile_network(conv_net(), chip, FAST) for _ in range(2))
    assert store.digest(first.program) == store.digest(again.program)
    assert first.multicast == again.multicast


def test_real_trees_in_the_figures():
    """Links on the trees lie between those of perfect multicast and of single packets."""
    mapping = compile_network(conv_net(), multicast_chip(5, 5, neurons=40, entries=400, bits=12), FAST)
    few = compile_network(conv_net(), multicast_chip(5, 5, neurons=40, entries=2, bits=12), FAST)
    none = compile_network(conv_net(), multicast_chip(5, 5, neurons=40, entries=2, bits=12), ALONE)
    figures = [all_metrics(m.chip, m) for m in (mapping, few, none)]
    ideal = figures[2]["tree_hops"]
    assert ideal <= figures[0]["tree_hops"] < figures[1]["tree_hops"] < figures[1]["spike_hops"]
    for name in ("spike_hops", "mean_links", "busiest_link", "connectivity_km1", "hops", "packets", "km1"):
        assert len({found[name] for found in figures}) == 1, name
    assert figures[0]["target_entries"] < figures[1]["target_entries"] < figures[2]["target_entries"]
    for m, found in zip((mapping, few, none), figures, strict=True):
        for kind in ("max", "mean"):
            share = found[f"table_entries_{kind}"] / m.chip.core.target_entries
            assert found[f"target_entries_{kind}"] == pytest.approx(share)
    before = [cluster.demand.target_entries for cluster in none.partition.clusters]
    assert figures[2]["table_entries_max"] == max(before) > figures[0]["table_entries_max"]
    with pytest.raises(ValueError, match="the loads of a program with trees need the expected spikes"):
        mapping_metrics(mapping.chip, mapping.partition, mapping.placement, mapping.routes, mapping.program)


def test_traffic_is_counted_by_sender_and_tree():
    chip = multicast_chip(5, 1, neurons=4)
    cores = np.repeat([0, 2, 4, 1], 4)
    mapping = compile_network(dense_net(4, 4, 8, 4), chip, dataclasses.replace(FAST, cores=cores))
    sent = traffic(mapping.program, mapping.spikes)
    found = dict(zip(zip(sent.source.tolist(), sent.target.tolist(), strict=True), sent.packets, strict=True))
    assert found == {(HOST, 0): 4, (0, -2): 4, (2, 1): 4, (4, 1): 4, (1, HOST): 4}


@settings(max_examples=6, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    share=st.sampled_from([0.1, 0.5, 1.0]), width=st.integers(3, 5), entries=st.sampled_from([1, 2, 4, 100]),
    bits=st.sampled_from([1, 3, 10]), per_tile=st.integers(1, 2), neurons=st.sampled_from([5, 8, 16]),
    place_for=st.sampled_from(["hops", "tree_hops"]),
)  # fmt: skip
def test_any_program_with_trees_is_sound(share, width, entries, bits, per_tile, neurons, place_for):
    chip = multicast_chip(width, 4, entries, bits, per_tile, neurons)
    net = tangled_net(share)
    options = dataclasses.replace(FAST, place_for=place_for)
    mapping = compile_network(net, chip, options)
    single = compile_network(net, chip, dataclasses.replace(options, multicast=False))
    assert_same_packets(mapping, single)
    assert problems(mapping, chip) == []
    if mapping.program.trees is not None:
        assert_sound(mapping, chip)


def test_the_preset_maps_with_trees():
    chip = load_chip("tiny_multicast")
    assert (chip.router.multicast_entries, chip.packet.tree_bits) == (64, 8)
    mapping = compile_network(dense_net(30, 200, 10), edit_chip(chip, {"core.synapse_words": 4000}), FAST)
    assert mapping.multicast.n_trees > 0


def test_convolution_channels_split_over_cores_share_one_tree():
    """Output channels on four cores hear the same inputs in the same order: no axon differs."""
    conv = Conv(weights(1, 16, 2, 3, 3), (2, 4, 4), (16, 4, 4), (1, 1), (1, 1), (1, 1), 1)
    net = network([("in", (2, 4, 4), None), ("c", (16, 4, 4), neuron())], [("in", "c", conv, None, 0)], ("c",))
    chip = multicast_chip(5, 1, neurons=64)
    cores = np.repeat([1, 2, 3, 4], 64)
    mapping = compile_network(net, chip, dataclasses.replace(FAST, cores=cores))
    assert mapping.multicast.n_trees == 1
    assert mapping.multicast.on_trees == 32
    assert mapping.program.trees.leaf_axon.tolist() == [0, 0, 0, 0]
