"""Routing tables from the mapper: every flow arrives, nothing can deadlock, no entry too many, spikes stay."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check import check_table
from mapper.metrics import mapping_metrics
from mapper.route.exceptions import find_exceptions
from mapper.route.updown import SpanningTree
from neurosim import store
from neurosim.analysis.check_result import check_result
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.route_table import make_table
from neurosim.chip.loader import edit_chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.estimate.engine import EstimateEngine
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import DoesNotFitError
from neurosim.fabric.cdg import all_pairs, analyse_flows
from neurosim.fabric.topology import build_fabric
from neurosim.fabric.walks import arrives
from neurosim.rules.ports import EAST, NORTH, SOUTH, WEST
from neurosim.rules.routing import BY_POLICY
from tests.helpers.chips import make_chip
from tests.helpers.routes import spare_links
from tests.mapper.nets import conv_net, dense_net, problems

FAST = MapOptions(effort=0.1)


def hurt_mesh(side, seed, **router):
    chip = make_chip(side, side, router={"table_entries": 400, **router})
    return edit_chip(chip, {"defects": {"links": spare_links(build_fabric(chip), seed)}})


def dependencies(fabric, sources, targets):
    """The channel dependency graph as networkx sees it, from scalar walks."""
    graph = nx.DiGraph()
    for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
        links = [(router, port, vc) for router, _, _, port, vc in fabric.walk(source, target)]
        nx.add_path(graph, [("from", source), *links])
    return graph


@pytest.mark.parametrize("n_vcs", [1, 2, 3])
@pytest.mark.parametrize(("side", "seed"), [(3, 0), (5, 1)])
def test_all_pairs_arrive_and_cannot_deadlock(side, seed, n_vcs):
    chip = hurt_mesh(side, seed, virtual_channels=n_vcs)
    fabric = build_fabric(chip)
    flows = all_pairs(fabric)
    assert not arrives(fabric, *flows).all()
    found = find_exceptions(fabric, *flows)
    assert found.without.size == 0
    led = dataclasses.replace(fabric, table=found.table)
    assert arrives(led, *flows).all()
    assert nx.is_directed_acyclic_graph(dependencies(led, *flows))
    assert analyse_flows(led, *flows).is_free
    assert check_table(found.table, chip, *flows) == []
    again = find_exceptions(fabric, *flows)
    assert store.digest((again.table,)) == store.digest((found.table,))


@pytest.mark.parametrize("n_vcs", [1, 2])
@pytest.mark.parametrize("routing", ["xy", "yx"])
def test_many_flows_are_led_by_turns_alone(monkeypatch, n_vcs, routing):
    monkeypatch.setattr("mapper.route.exceptions.FLOWS_AT_MOST", 0)
    chip = hurt_mesh(6, 5, virtual_channels=n_vcs, routing=routing)
    few = [link.model_dump() for link in chip.defects.links[:: 1 if n_vcs > 1 else 3]]
    fabric, rng = build_fabric(edit_chip(chip, {"defects": {"links": few}})), np.random.default_rng(1)
    sources, targets = all_pairs(fabric)
    for share in (0.02, 0.3):
        some = rng.random(len(sources)) < share
        flows = sources[some], targets[some]
        found = find_exceptions(fabric, *flows)
        led = dataclasses.replace(fabric, table=found.table)
        home = arrives(led, *flows)
        assert n_vcs == 1 or home.all()
        assert home[found.rerouted].all()
        assert len(found.rerouted) > 0
        assert len(home) - home.sum() <= len(found.without) < 0.2 * len(home)
        assert nx.is_directed_acyclic_graph(dependencies(led, flows[0][home], flows[1][home]))


def test_flows_that_have_a_way_keep_it():
    """A few flows on a mesh with one dead link: all others as the rule says, a detour of two hops, few entries."""
    chip = make_chip(5, 5, router={"table_entries": 4})
    chip = edit_chip(chip, {"defects": {"links": [{"x": 1, "y": 2, "side": "east"}]}})
    fabric = build_fabric(chip)
    flows = np.array([10, 11, 10, 0]), np.array([14, 13, 22, 24])
    found = find_exceptions(fabric, *flows)
    led = dataclasses.replace(fabric, table=found.table)
    assert found.rerouted.tolist() == [0, 1, 2]
    assert led.walk(0, 24) == fabric.walk(0, 24)
    assert [len(led.walk(a, b)) for a, b in zip(*flows, strict=True)] == [7, 5, 5, 9]
    assert found.table.n <= 6


def test_gateways_that_can_deadlock_are_led_apart():
    link = {"latency_cycles": 2, "gateways": {"row": 1, "column": 1}}
    router = {"routing": "hierarchical_xy", "table_entries": 64}
    chip = make_chip(3, 3, chips=(2, 2), router=router, link=link)
    fabric = build_fabric(chip)
    flows = all_pairs(fabric)
    assert analyse_flows(fabric, *flows).verdict == "cyclic"
    found = find_exceptions(fabric, *flows)
    led = dataclasses.replace(fabric, table=found.table)
    assert found.without.size == 0
    assert analyse_flows(led, *flows).is_free
    assert check_table(found.table, chip, *flows) == []


def test_rings_without_a_dateline_are_led_apart():
    chip = make_chip(5, 1, topology="torus", router={"routing": "torus_xy", "table_entries": 8})
    fabric = build_fabric(chip)
    flows = all_pairs(fabric)
    assert analyse_flows(fabric, *flows).verdict == "cyclic"
    led = dataclasses.replace(fabric, table=find_exceptions(fabric, *flows).table)
    assert arrives(led, *flows).all()
    assert analyse_flows(led, *flows).is_free


def test_cores_that_answer_before_they_listen_are_counted():
    """Receive FIFOs that wait for transmit FIFOs are edges too: a chain of answers may be no ring."""
    core = {"receive_during_update": False}
    chip = hurt_mesh(4, 3, virtual_channels=2)
    slow = make_chip(4, 4, router={"table_entries": 400, "virtual_channels": 2}, core=core)
    slow = edit_chip(slow, {"defects": {"links": [link.model_dump() for link in chip.defects.links]}})
    fabric = build_fabric(slow)
    flows = np.array([HOST, 0, 5, 10, 15, 3]), np.array([0, 5, 10, 15, 3, 12])
    found = find_exceptions(fabric, *flows)
    assert found.without.size == 0
    assert analyse_flows(dataclasses.replace(fabric, table=found.table), *flows).is_free


def test_a_tree_leads_up_and_then_down():
    fabric = build_fabric(hurt_mesh(5, 4))
    tree = SpanningTree(fabric)
    for goal in range(25):
        ports = tree.ports(goal)
        assert sorted([*ports, goal]) == list(range(25))
        for router in ports:
            went_down, here = False, router
            while here != goal:
                up = tree.is_up(here, ports[here])
                assert not (up and went_down)
                went_down |= not up
                here = int(fabric.target[here, ports[here]])


@pytest.mark.parametrize(
    ("net", "n_vcs"), [(dense_net(30, 40, 40, 5), 1), (dense_net(30, 40, 40, 5), 2), (conv_net(), 2)],
    ids=["dense", "dense, 2 VCs", "conv, 2 VCs"],
)
def test_a_mapped_network_takes_its_detours_along(net, n_vcs):
    chip = make_chip(
        3, 3, core={"neurons": 96} if net.n_neurons > 100 else {"neurons": 24},
        router={"table_entries": 16, "virtual_channels": n_vcs},
    )  # fmt: skip
    links = [{"x": 0, "y": y, "side": "east"} for y in (0, 1)] + [{"x": 1, "y": 1, "side": "north"}]
    hurt = edit_chip(chip, {"defects": {"links": links}})
    mapping = compile_network(net, hurt, FAST)
    assert problems(mapping, hurt) == []
    table = mapping.program.table
    assert table is not None
    assert mapping.routes.verdict == "free"
    report = mapping.placement.solver[-1]
    assert (report.stage, report.method) == ("routing tables", "detours")
    assert f"tables of {table.n} entries, at most {np.bincount(table.router).max()} of 16" in report.detail
    assert report.bound <= report.objective
    figures = mapping_metrics(hurt, mapping.partition, mapping.placement, mapping.routes, mapping.program)
    assert figures["route_entries"] == table.n
    x = (np.random.default_rng(1).random((1, 2, net.inputs[0].n)) < 0.3).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    expected = FunctionalEngine(chip).run(net, workload, RunOptions())
    results = [engine.run(mapping.program, workload, RunOptions()) for engine in (ReferenceEngine(), CompiledEngine())]
    for result in results:
        np.testing.assert_array_equal(result.output_counts, expected.output_counts)
        assert check_result(result, mapping.program, hurt) == []
    guess = EstimateEngine(hurt).run(mapping.program, mapping.network, workload)
    np.testing.assert_array_equal(guess.counters.port_flits, results[0].counters.port_flits)


def test_what_no_placement_avoids_a_table_leads_round():
    """The chip of `test_a_dead_link_that_no_placement_avoids_is_refused`, with tables."""
    chip = make_chip(2, 2, core={"neurons": 4, "axons": 64}, router={"table_entries": 3})
    hurt = edit_chip(chip, {"defects": {"links": [{"x": 0, "y": 1, "side": "east"}]}})
    mapping = compile_network(dense_net(4, 8, 8), hurt, FAST)
    assert problems(mapping, hurt) == []
    assert mapping.routes.verdict == "free"


def test_tables_that_are_too_small_are_named():
    chip = make_chip(3, 3, core={"neurons": 4, "axons": 64}, router={"table_entries": 1})
    links = [{"x": x, "y": y, "side": "east"} for x, y in ((0, 0), (1, 1), (0, 2))]
    hurt, net = edit_chip(chip, {"defects": {"links": links}}), dense_net(4, 16, 20)
    table = compile_network(net, edit_chip(hurt, {"router.table_entries": 8}), FAST).program.table
    assert 1 < np.bincount(table.router).max() <= 8
    with pytest.raises(DoesNotFitError) as caught:
        compile_network(net, hurt, FAST)
    text = "chip 'test': tables of 1 entries on 1 virtual channel lead no way that is free of deadlock"
    assert text in str(caught.value)


def test_a_whole_chip_gets_no_entries():
    chip = make_chip(3, 3, router={"table_entries": 16})
    mapping = compile_network(dense_net(30, 40, 5), chip, FAST)
    assert mapping.program.table is None
    assert mapping.routes.table is None


CHIP = make_chip(3, 2, router={"table_entries": 2})
FLOW = np.array([0]), np.array([2])


@pytest.mark.parametrize(
    ("entries", "problem"),
    [
        ({(0, 2): (NORTH, BY_POLICY), (3, 2): (SOUTH, BY_POLICY)}, "the way from core 0 to core 2 comes to router (0, 0) twice"),
        ({(0, 2): (SOUTH, BY_POLICY)}, "the routing table's entry at router (0, 0) for tile (2, 0) leads south, where no link works"),
        ({(1, 2): (EAST, BY_POLICY)}, "the routing table's entry at router (1, 0) for tile (2, 0) says what the rule says without it"),
        ({(1, 1): (WEST, BY_POLICY)}, "the routing table's entry at router (1, 0) for tile (1, 0) is for its own tile"),
        ({(0, 9): (EAST, BY_POLICY)}, "the routing table's entry at router (0, 0) for tile (0, 3) lies outside the 3x2 tiles"),
        ({(0, 2): (NORTH, 1)}, "the routing table's entry at router (0, 0) for tile (2, 0) has port 1 and virtual channel 1"),
        ({(0, g): (NORTH, BY_POLICY) for g in (1, 2, 5)}, "router (0, 0) has 3 routing table entries, the chip allows 2"),
    ],
)  # fmt: skip
def test_the_checker_follows_every_flow_by_itself(entries, problem):
    assert check_table(make_table(entries), CHIP, *FLOW) == [problem]


def test_the_checker_sees_a_dead_link_and_another_table():
    hurt = edit_chip(CHIP, {"defects": {"links": [{"x": 0, "y": 0, "side": "east"}]}})
    assert check_table(None, hurt, *FLOW) == ["the way from core 0 to core 2 goes east at router (0, 0), where no link works"]
    net = dense_net(30, 40, 40, 5)
    chip = make_chip(3, 3, core={"neurons": 24}, router={"table_entries": 16})
    hurt = edit_chip(chip, {"defects": {"links": [{"x": 0, "y": y, "side": "east"} for y in (0, 1)]}})
    mapping = compile_network(net, hurt, FAST)
    table = mapping.program.table
    other = dataclasses.replace(table, vc=np.zeros_like(table.vc))
    found = problems(dataclasses.replace(mapping, program=dataclasses.replace(mapping.program, table=other)), hurt)
    assert found == ["the routing table is not that of the routes"]
