"""Repair of mappings that can deadlock: channels, another placement, and nothing where nothing is wrong."""

from __future__ import annotations

import dataclasses
import io
import json

import numpy as np
import pytest
from rich.console import Console

from mapper import MapOptions, compile_network
from mapper.anatomy import Anatomy
from mapper.place import place_problem
from mapper.route import untie
from mapper.route.exceptions import find_exceptions
from mapper.route.flows import cluster_flows
from neurosim.api import map_network
from neurosim.chip.dump import chip_digest
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.cli import tables
from neurosim.fabric.cdg import analyse_flows
from neurosim.fabric.topology import build_fabric
from neurosim.fabric.walks import arrives
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net, problems

FAST = MapOptions(effort=0.03, partitioner="layer_order")
AS_IT_IS = dataclasses.replace(FAST, repair=False)
NET = dense_net(8, 100, 100, 10)  # 53 of the 64 cores, four neurons each


@pytest.fixture(scope="module")
def gateway():
    """Four chips of 4 x 4 tiles with one gateway a side and one virtual channel."""
    return edit_chip(load_chip("tiny_2x2_gateway"), {"core.neurons": 4})


@pytest.fixture(scope="module")
def broken(gateway):
    """A mapping that can deadlock."""
    mapping = compile_network(NET, gateway, AS_IT_IS)
    assert mapping.routes.verdict == "cyclic"
    assert mapping.repairs == ()
    return mapping


def test_another_placement_is_found_for_the_gateway_system(gateway, broken):
    mapping = compile_network(NET, gateway, FAST)
    assert mapping.routes.verdict == "free"
    assert mapping.chip == gateway
    assert problems(mapping, gateway) == []
    cycle, what = mapping.repairs
    assert cycle.startswith("16 channels wait for each other in a circle: chip 0 router (2,2) north vc 0, ")
    assert cycle.endswith(" and 12 more")
    assert "packets x hops" in what
    before, after = broken.placement.solver[0].objective, mapping.placement.solver[-1].objective
    assert f"{after:.6g}" in what.split(" -> ")[1]
    assert before < after < 1.1 * before  # measured: + 0.1 %


def test_clusters_of_the_cycle_change_places_until_there_is_none(gateway, broken):
    fabric = build_fabric(gateway)
    flows = cluster_flows(Anatomy(broken.network, dict(broken.spikes)), broken.partition.clusters)
    problem = place_problem(broken.partition, flows, fabric, FAST)
    home = np.searchsorted(problem.core, broken.placement.core)
    free = untie.untie(problem, flows, fabric, home)[1]
    for cluster in np.flatnonzero(free != home).tolist():
        start = untie._moved(free, cluster, int(home[cluster]))
        if not untie.dependencies(fabric, flows, problem.core[start]).is_free:
            break
    search = untie._Exchange(problem, flows, fabric, start, checks=400)
    assert search.run()
    assert untie.dependencies(fabric, flows, problem.core[search.position]).is_free
    assert sorted(set(search.position.tolist())) == sorted(search.position.tolist())
    assert search.checks < 400
    out_of_checks = untie._Exchange(problem, flows, fabric, start, checks=0)
    assert not out_of_checks.run()
    assert np.array_equal(out_of_checks.position, start)


def test_a_second_channel_is_taken_where_the_chip_has_one(gateway, broken):
    chip = edit_chip(gateway, {"router.virtual_channels": 2})
    mapping = compile_network(NET, chip, FAST)
    assert mapping.routes.verdict == "free"
    assert mapping.repairs[1] == "router.vc_policy is now 'crossings' (it was 'zero'); no cluster was moved"
    assert mapping.chip == edit_chip(chip, {"router.vc_policy": "crossings"})
    assert np.array_equal(mapping.placement.core, broken.placement.core)
    assert problems(mapping, mapping.chip) == []
    assert mapping.program.chip_digest == mapping.placement.chip_digest == chip_digest(mapping.chip)


def test_given_cores_are_left_where_they_are(gateway, broken):
    cores = np.empty(sum(p.n for p in broken.network.populations if not p.is_input), np.int64)
    first = 0
    home = {}
    for number, cluster in enumerate(broken.partition.clusters):
        for piece in cluster.slices:
            home.setdefault(piece.population, []).append((piece, int(broken.placement.core[number])))
    for population in broken.network.populations:
        if not population.is_input:
            for piece, core in home[population.name]:
                cores[first + np.arange(*piece.c)] = core
            first += population.n
    given = dataclasses.replace(FAST, cores=cores)
    mapping = compile_network(NET, gateway, given)
    assert (mapping.routes.verdict, mapping.repairs) == ("cyclic", ())
    mapping = compile_network(NET, edit_chip(gateway, {"router.virtual_channels": 2}), given)
    assert mapping.routes.verdict == "free"
    assert sorted(mapping.placement.core) == sorted(broken.placement.core)


def test_a_free_mapping_is_left_alone():
    chip = load_chip("tiny")
    mapping = compile_network(dense_net(4, 8, 3), chip, FAST)
    assert (mapping.repairs, mapping.chip) == ((), chip)


def test_the_user_is_told(gateway, tmp_path):
    chip = edit_chip(gateway, {"router.virtual_channels": 2})
    made = map_network(NET, chip, tmp_path / "m", effort=0.03, partitioner="layer_order")
    (said,) = [w for w in made.warnings if "repaired" in w]
    assert said.startswith("this mapping could deadlock and was repaired: 16 channels wait for each other")
    assert said.endswith("; router.vc_policy is now 'crossings' (it was 'zero'); no cluster was moved")
    figures = json.loads((tmp_path / "m" / "mapping.json").read_text())
    assert len(figures["deadlock_repairs"]) == 2
    assert figures["deadlock"]["mapped_flows"]["verdict"] == "free"
    assert 'vc_policy: "crossings"' in (tmp_path / "m" / "chip.yaml").read_text()
    made = map_network(NET, gateway, tmp_path / "n", effort=0.03, partitioner="layer_order", repair=False)
    assert made.figures["deadlock_repairs"] == []
    assert made.warnings[-1].startswith("this mapping can deadlock")


@pytest.fixture(scope="module")
def with_tables(gateway):
    return edit_chip(gateway, {"router.table_entries": 64})


def test_what_tables_untied_is_said(with_tables, broken):
    mapping = compile_network(NET, with_tables, FAST)
    assert mapping.routes.verdict == "free"
    assert np.array_equal(mapping.placement.core, broken.placement.core)
    assert problems(mapping, with_tables) == []
    table = mapping.program.table
    most = np.bincount(table.router).max()
    cycle, what = mapping.repairs
    assert cycle.startswith("16 channels wait for each other in a circle: chip 0 router (2,2) north vc 0, ")
    entries = f"{table.n} entries, at most {most} of 64 in a router"
    assert what == f"routing tables lead flows away from it: {entries}; no cluster was moved for it"
    report = mapping.placement.solver[-1]
    assert (report.stage, report.method) == ("routing tables", "detours")
    assert report.detail.endswith(f" flows led by tables of {entries}; bound: the routing rule without them")
    assert report.objective >= report.bound == pytest.approx(broken.placement.solver[0].objective)


def test_without_repair_tables_untie_nothing(with_tables, broken):
    mapping = compile_network(NET, with_tables, AS_IT_IS)
    assert (mapping.routes.verdict, mapping.repairs) == ("cyclic", ())
    assert mapping.routes.table is None
    assert np.array_equal(mapping.placement.core, broken.placement.core)
    assert problems(mapping, with_tables) == []


def test_without_repair_tables_still_lead_round_what_is_dead():
    """A ring whose flows wait for each other, and one flow that meets a dead link of the other row."""
    chip = make_chip(5, 2, topology="torus", router={"routing": "torus_xy", "table_entries": 8})
    fabric = build_fabric(edit_chip(chip, {"defects": {"links": [{"x": 0, "y": 1, "side": "east"}]}}))
    sources, targets = np.array([0, 1, 2, 3, 4, 5]), np.array([2, 3, 4, 0, 1, 6])
    found = find_exceptions(fabric, sources, targets, untie=False)
    assert (found.rerouted.tolist(), found.without.tolist()) == ([5], [])
    led = dataclasses.replace(fabric, table=found.table)
    assert [led.walk(a, b) for a, b in zip(range(5), targets, strict=False)] == [
        fabric.walk(a, b) for a, b in zip(range(5), targets, strict=False)
    ]
    assert arrives(led, sources, targets).all()
    assert analyse_flows(led, sources, targets).verdict == "cyclic"
    led = dataclasses.replace(fabric, table=find_exceptions(fabric, sources, targets).table)
    assert analyse_flows(led, sources, targets).is_free


def test_the_user_is_told_of_tables(with_tables, tmp_path):
    options = {"effort": 0.03, "partitioner": "layer_order"}
    made = map_network(NET, with_tables, tmp_path / "m", **options)
    (said,) = [w for w in made.warnings if "repaired" in w]
    assert said.startswith("this mapping could deadlock and was repaired: 16 channels wait for each other")
    assert said.endswith(" of 64 in a router; no cluster was moved for it")
    assert len(made.figures["deadlock_repairs"]) == 2
    row = made.figures["solver"][-1]
    assert row["stage"] == "routing tables"
    console = Console(width=110, record=True, file=io.StringIO())
    console.print(*tables.mapping(made))
    shown = " ".join(console.export_text().split())
    assert f"routing tables: {row['detail'].partition(';')[0]}" in shown
    made = map_network(NET, with_tables, tmp_path / "n", repair=False, **options)
    assert made.figures["deadlock_repairs"] == []
    assert made.warnings[-1] == (
        "this mapping can deadlock: the channel dependency graph of its flows has a cycle"
    )


def test_a_cycle_beside_a_dead_link_stays_without_repair(with_tables, tmp_path):
    """Flows of the mapping meet the dead link: a table for them, the cycle stays, and `map` says so."""
    hurt = edit_chip(with_tables, {"defects": {"links": [{"x": 1, "y": 5, "side": "east"}]}})
    options = {"effort": 0.03, "partitioner": "layer_order"}
    made = map_network(NET, hurt, tmp_path / "m", repair=False, **options)
    assert made.figures["deadlock"]["mapped_flows"]["verdict"] == "cyclic"
    detail = made.figures["solver"][-1]["detail"]
    assert detail.startswith("4 flows led by tables of 3 entries, at most 2 of 64 in a router; ")
    assert made.warnings[-2] == "seed 1 and effort 0.0075 would make this mapping free of deadlock (tried)"
    assert made.figures["deadlock_repairs"] == []
    assert made.warnings[-1].startswith("this mapping can deadlock")
    made = map_network(NET, hurt, tmp_path / "n", **options)
    assert made.figures["deadlock"]["mapped_flows"]["verdict"] == "free"
    assert made.figures["deadlock_repairs"][1].startswith("routing tables lead flows away from it: ")
