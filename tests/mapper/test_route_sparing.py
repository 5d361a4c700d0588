"""Few entries in routing tables: which flows leave the rule, and what is taken out again."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check import check_table
from mapper.metrics import all_metrics, link_loads
from mapper.route import exceptions
from mapper.route.exceptions import find_exceptions
from mapper.route.sparing import blamed, thin
from neurosim.artefacts.route_table import make_table
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.fabric.cdg import all_pairs, analyse_flows
from neurosim.fabric.topology import build_fabric
from neurosim.fabric.walks import arrives
from neurosim.rules.ports import EAST, LOCAL, NORTH, SOUTH
from neurosim.rules.routing import BY_POLICY
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net, problems

made = exceptions._made
FAST = MapOptions(effort=0.03, partitioner="layer_order")
NET = dense_net(8, 100, 100, 10)


def gateway(entries):
    return edit_chip(load_chip("tiny_2x2_gateway"), {"router.table_entries": entries, "core.neurons": 4})


def test_the_fewest_flows_of_a_cycle_are_blamed():
    ring = [(0, 1), (1, 2), (2, 0)]
    assert blamed([[edge] for edge in ring]) == [0]
    assert blamed([[ring[0]], [ring[0], (5, 6)], [ring[1]], [ring[1]], [ring[2]]]) == [4]
    assert blamed([[(0, 1), (1, 2)], [(2, 3)]]) == []
    two = [[(a + 10 * k, (a + 1) % 3 + 10 * k)] for k in range(2) for a in range(3)]
    assert blamed(two) == [0, 3]
    assert blamed([[(0, 1), (1, 0)], [(0, 1)], [(1, 0), (0, 1)]]) == [0, 2]


def test_more_cycles_than_can_be_broken(monkeypatch):
    monkeypatch.setattr("mapper.route.sparing.CYCLES_AT_MOST", 1)
    assert blamed([[(0, 1)], [(1, 0)]]) is None
    assert blamed([[(0, 1)]]) == []


@pytest.mark.parametrize(("share", "before", "most"), [(0.02, 110, 11), (0.05, 220, 22)])
def test_few_entries_free_a_system_with_gateways(share, before, most):
    """Measured before this was done: ``before`` entries, nearly all flows led over one tree."""
    chip = edit_chip(load_chip("tiny_2x2_gateway"), {"router.table_entries": 64})
    fabric, rng = build_fabric(chip), np.random.default_rng(0 if share < 0.03 else 1)
    sources, targets = all_pairs(fabric)
    some = rng.random(len(sources)) < share
    flows = sources[some], targets[some]
    assert analyse_flows(fabric, *flows).verdict == "cyclic"
    found = find_exceptions(fabric, *flows)
    led = dataclasses.replace(fabric, table=found.table)
    assert analyse_flows(led, *flows).is_free
    assert check_table(found.table, chip, *flows) == []
    assert found.table.n <= most < before / 5
    touched = [f for f in range(len(flows[0])) if led.walk(*_pair(flows, f)) != fabric.walk(*_pair(flows, f))]
    assert found.rerouted.tolist() == touched


def _pair(flows, number):
    return int(flows[0][number]), int(flows[1][number])


def test_two_entries_where_364_were_written():
    mapping = compile_network(NET, gateway(16), FAST)
    assert mapping.routes.verdict == "free"
    assert mapping.program.table.n == 2
    assert problems(mapping, gateway(16)) == []
    assert mapping.repairs[1] == (
        "routing tables lead flows away from it: 2 entries, at most 1 of 16 in a router; no cluster was moved for it"
    )


def test_tables_that_do_not_suffice_leave_room_for_other_repairs(monkeypatch):
    """No defects, a cycle, and no way for the flows in it: clusters move, as they do without tables."""
    monkeypatch.setattr(exceptions, "TRIES", 0)
    mapping = compile_network(NET, gateway(1), FAST)
    assert mapping.routes.verdict == "free"
    assert mapping.program.table is None
    assert "packets x hops" in mapping.repairs[1]
    assert problems(mapping, gateway(1)) == []
    kept = compile_network(NET, gateway(1), dataclasses.replace(FAST, repair=False))
    assert (kept.routes.verdict, kept.program.table, kept.repairs) == ("cyclic", None, ())


def test_tables_that_do_not_suffice_are_not_written(monkeypatch):
    """Some flows are led away from the cycle, others are not, and nothing else helps: no entry is of any use."""
    lead = exceptions._Builder.lead
    monkeypatch.setattr(exceptions._Builder, "lead", lambda self, flow: flow == self.open[0] and lead(self, flow))
    monkeypatch.setattr(exceptions, "_over_trees", lambda *_: None)
    monkeypatch.setattr("mapper.route.sparing.CYCLES_AT_MOST", 0)
    monkeypatch.setattr("mapper.compile.repair", lambda *_: None)
    found = []
    monkeypatch.setattr(exceptions, "_made", lambda *given: found.append(made(*given)) or found[-1])
    mapping = compile_network(NET, gateway(16), FAST)
    assert found[0].table is not None
    assert found[0].without.size
    assert (mapping.routes.verdict, mapping.program.table) == ("cyclic", None)


def test_entries_that_are_not_needed_go():
    """A detour round a dead link, an entry for a tile that the rule reaches, and one that nobody comes by."""
    chip = make_chip(4, 3, router={"table_entries": 4})
    hurt = edit_chip(chip, {"defects": {"links": [{"x": 1, "y": 1, "side": "east"}]}})
    fabric, flows = build_fabric(hurt), (np.array([4, 0]), np.array([7, 11]))
    needed = {(5, 7): (SOUTH, BY_POLICY)}
    idle = {(0, 11): (NORTH, BY_POLICY), (4, 11): (NORTH, BY_POLICY), (9, 7): (SOUTH, BY_POLICY)}
    assert arrives(dataclasses.replace(fabric, table=make_table(needed | idle)), *flows).all()
    table = thin(fabric, *flows, make_table(needed | idle))
    assert list(zip(table.router, table.goal, table.port, strict=True)) == [(5, 7, SOUTH)]
    assert thin(build_fabric(chip), *flows, make_table(needed | idle)) is None


def test_a_table_that_does_not_free_its_flows_stays():
    ring = make_chip(5, 1, topology="torus", router={"routing": "torus_xy", "table_entries": 8})
    flows = all_pairs(build_fabric(ring))
    table = make_table({(0, 2): (EAST, BY_POLICY)})
    assert thin(build_fabric(ring), *flows, table) is table


def test_a_limit_on_the_work_leaves_entries(monkeypatch):
    monkeypatch.setattr("mapper.route.sparing.HOPS_AT_MOST", 0)
    table = make_table({(0, 2): (EAST, BY_POLICY)})
    fabric = build_fabric(make_chip(3, 1))
    assert thin(fabric, np.array([0]), np.array([2]), table).n == 1


def test_figures_follow_detours():
    """Links, the busiest too, are those of the ways that packets take."""
    chip = make_chip(4, 3, core={"neurons": 8}, router={"table_entries": 16})
    links = [{"x": x, "y": y, "side": "east"} for x, y in ((0, 0), (1, 1), (0, 2))]
    hurt = edit_chip(chip, {"defects": {"links": links}})
    mapping = compile_network(dense_net(8, 30, 30, 6), hurt, MapOptions(effort=0.05))
    routes, found = mapping.routes, all_metrics(hurt, mapping)
    fabric = build_fabric(hurt, table=routes.table)
    straight = build_fabric(chip)
    hops = straight_hops = 0.0
    loads = np.zeros((fabric.n_routers, 4))
    for a, b, packets in zip(routes.source.tolist(), routes.target.tolist(), routes.packets, strict=True):
        way = [(router, port) for router, _, _, port, _ in fabric.walk(a, b) if fabric.target[router, port] >= 0]
        hops += packets * len(way)
        straight_hops += packets * (len(straight.walk(a, b)) - 1)
        for router, port in way:
            loads[router, port] += packets
    assert found["spike_hops"] == pytest.approx(hops)
    assert hops > straight_hops
    assert found["busiest_link"] == pytest.approx(loads.max())
    away = routes.source != routes.target
    assert found["mean_links"] == pytest.approx(hops / routes.packets[away].sum())
    np.testing.assert_allclose(link_loads(fabric, routes)[:, :LOCAL][fabric.target[:, :LOCAL] >= 0].sum(), hops)
