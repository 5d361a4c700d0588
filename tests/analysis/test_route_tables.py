"""A routing table that is not sound, or leads a packet astray, is refused by name; cycles of one are found."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim import store
from neurosim.analysis.deadlock import analyse_deadlock
from neurosim.artefacts.program import Program
from neurosim.artefacts.route_table import RouteTable, make_table
from neurosim.chip.dump import chip_digest, dump_chip
from neurosim.chip.loader import edit_chip, load_chip_text
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.compiled.regions import run_traffic as run_regions
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import MismatchError
from neurosim.fabric.cdg import analyse_flows, check_certificate
from neurosim.fabric.tables import flow_fabric, table_problems
from neurosim.fabric.topology import build_fabric
from neurosim.rules.ports import EAST, NORTH, SOUTH, WEST
from neurosim.rules.routing import BY_POLICY
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain, workload
from tests.helpers.traffic import one, uniform

CHIP = make_chip(3, 2, router={"table_entries": 2, "virtual_channels": 2})
HURT = edit_chip(CHIP, {"defects": {"links": [{"x": 0, "y": 0, "side": "east"}]}})
ENGINES = [ReferenceEngine(), CompiledEngine()]
IDS = ["reference", "compiled"]


def entries(*rows) -> RouteTable:
    return RouteTable(*(np.array(column, np.int64) for column in zip(*rows, strict=True)))


@pytest.mark.parametrize(
    ("table", "problem"),
    [
        (entries((6, 0, 0, -1)), "entry 0 names router 6; there are 0 to 5"),
        (entries((0, 9, 0, -1)), "entry 0 names destination tile 9; there are 0 to 5"),
        (entries((0, 1, 4, -1)), "entry 0 names port 4; there are 0 to 3"),
        (entries((0, 1, 1, 2)), "entry 0 names virtual channel 2; there are -1 to 1"),
        (entries((4, 0, 0, -1), (3, 1, 0, -1)), "entry 1 (router (0,1) to tile (1,0)) does not ascend from the one before it"),
        (entries((1, 1, 0, -1)), "entry 0 (router (1,0) to tile (1,0)) is for the router's own tile"),
        (
            entries((0, 2, SOUTH, -1)),
            "entry 0 (router (0,0) to tile (2,0)) leads to chip 0 router (0,0) south, behind which there is no router",
        ),
        (
            entries((0, 2, WEST, -1)),
            "entry 0 (router (0,0) to tile (2,0)) leads to chip 0 router (0,0) west, behind which there is no router",
        ),
        (
            entries((0, 2, EAST, -1)),
            "entry 0 (router (0,0) to tile (2,0)) leads to chip 0 router (0,0) east, behind which there is no router",
        ),
        (entries((0, 1, 1, -1), (0, 2, 1, -1), (0, 3, 1, -1)), "router (0,0) has 3 entries, router.table_entries is 2"),
        (RouteTable(*(np.zeros(k, np.int64) for k in (1, 1, 1, 2))), "the table's parts differ in length"),
        (RouteTable(*(np.zeros(1) for _ in range(4))), "the table's parts are not rows of whole numbers"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_table_is_named(table, problem):
    assert table_problems(build_fabric(HURT, table=table)) == [problem]
    with pytest.raises(MismatchError) as caught:
        flow_fabric(HURT, table, np.array([3]), np.array([4]))
    assert caught.value.code == "route-table"
    assert caught.value.got == problem


def test_a_chip_without_tables_takes_none():
    plain = make_chip(3, 2)
    assert table_problems(build_fabric(plain, table=entries((3, 4, EAST, -1)))) == ["chip 'test' has routers without tables"]


def test_a_sound_table_has_no_problems():
    assert table_problems(build_fabric(HURT, table=entries((0, 1, NORTH, -1), (0, 2, NORTH, 1)))) == []


@pytest.mark.parametrize("run", [*(e.run_traffic for e in ENGINES), lambda *a: run_regions(*a, 2)])
def test_a_way_into_a_dead_link_is_named(run):
    with pytest.raises(MismatchError) as caught:
        run(HURT, one(0, 2), 100, RunOptions())
    assert str(caught.value) == (
        "router (0,0), to tile (2,0): packets from core 0 to core 2 do not arrive [route-lost]\n"
        "  expected: a way over links that work\n"
        "  got: a packet is led to chip 0 router (0,0) east, behind which there is nothing; its way: (0,0)\n"
        "  hint: map the network for this very chip"
    )


def test_a_chip_without_tables_is_told_of_them():
    hurt = edit_chip(make_chip(3, 2), {"defects": {"links": [{"x": 0, "y": 0, "side": "east"}]}})
    with pytest.raises(MismatchError, match=r"hint: .*; router\.table_entries lets it go round dead links"):
        ReferenceEngine().run_traffic(hurt, one(0, 2), 100, RunOptions())


@pytest.mark.parametrize("run", [*(e.run_traffic for e in ENGINES), lambda *a: run_regions(*a, 2)])
def test_a_loop_is_named(run):
    table = entries((0, 2, NORTH, -1), (3, 2, EAST, -1), (4, 2, WEST, -1))
    with pytest.raises(MismatchError) as caught:
        run(HURT, dataclasses.replace(one(0, 2), table=table), 100, RunOptions())
    assert str(caught.value) == (
        "router (0,1), to tile (2,0): packets from core 0 to core 2 do not arrive [route-lost]\n"
        "  expected: a way over links that work\n"
        "  got: a packet comes to router (0,1) again and again; its way: (0,0) (0,1) (1,1) (0,1)\n"
        "  hint: map the network for this very chip"
    )


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_a_program_is_refused_before_it_runs(engine, tmp_path):
    program = chain(HURT, [0, 2], n=3)
    store.save(dataclasses.replace(program, table=entries((1, 0, NORTH, -1))), tmp_path / "p.npz")
    with pytest.raises(MismatchError, match=r"packets from core 0 to core 2 do not arrive \[route-lost\]"):
        engine.run(store.load(tmp_path / "p.npz", Program), workload(np.ones((1, 2, 3))), RunOptions())


def test_the_table_survives_the_file(tmp_path):
    table = make_table({(0, 2): (NORTH, 1), (0, 1): (NORTH, BY_POLICY)})
    program = dataclasses.replace(chain(HURT, [0, 1], n=2), table=table)
    store.save(program, tmp_path / "p.npz")
    assert store.digest(store.load(tmp_path / "p.npz", Program)) == store.digest(program)
    assert table.goal.tolist() == [1, 2]


def test_the_chip_says_how_many_entries_it_has():
    assert load_chip_text(dump_chip(CHIP), "x").router.table_entries == 2
    assert "table_entries" not in dump_chip(make_chip(3, 2))
    assert chip_digest(make_chip(3, 2)) != chip_digest(make_chip(3, 2, router={"table_entries": 1}))


SQUARE = make_chip(2, 2, router={"table_entries": 4, "virtual_channels": 2, "buffer_flits": 1}, flits=4)
ROUND = {(0, 3): EAST, (1, 2): NORTH, (3, 0): WEST, (2, 1): SOUTH}  # all round the square, the same way
FLOWS = np.array([0, 1, 3, 2]), np.array([3, 2, 0, 1])


def test_flows_that_follow_each_other_round_are_a_cycle_with_names():
    table = make_table({key: (port, BY_POLICY) for key, port in ROUND.items()})
    result = analyse_flows(build_fabric(SQUARE, table=table), *FLOWS)
    assert (result.verdict, len(result.cycle)) == ("cyclic", 4)
    assert sorted(flow for flows in result.cycle_flows for flow in flows) == sorted(zip(*map(list, FLOWS), strict=True))
    assert analyse_flows(build_fabric(SQUARE), *FLOWS).is_free


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
def test_what_the_cycle_says_happens(engine):
    table = make_table({key: (port, BY_POLICY) for key, port in ROUND.items()})
    pick = np.arange(400) % 4
    traffic = dataclasses.replace(uniform(4, 0, 1, 0), cycle=np.arange(400) // 4 + 1, source=FLOWS[0][pick], target=FLOWS[1][pick])
    bad = engine.run_traffic(SQUARE, dataclasses.replace(traffic, table=table), 10**5, RunOptions())
    assert bad.verdict.status == "deadlock"
    apart = make_table({(r, g): (port, int(r in (0, 3))) for (r, g), port in ROUND.items()})
    fabric = build_fabric(SQUARE, table=apart)
    result = analyse_flows(fabric, *FLOWS)
    assert result.is_free
    assert check_certificate(fabric, *FLOWS, result.order) == []
    assert check_certificate(fabric, *FLOWS, result.order[::-1])
    good = engine.run_traffic(SQUARE, dataclasses.replace(traffic, table=apart), 10**5, RunOptions())
    assert good.verdict.status == "ok"
    assert good.port_flits.sum() == 400 * 3 * 4


def test_the_report_judges_the_rule_by_itself_and_the_flows_with_the_table():
    table = make_table({key: (port, BY_POLICY) for key, port in ROUND.items()})
    program = dataclasses.replace(chain(SQUARE, [0, 3], n=2), table=table)
    report = analyse_deadlock(SQUARE, program, None)
    assert report.routing.result.is_free
    assert report.flows.result.is_free
    assert report.flows.result.n_flows == 3
