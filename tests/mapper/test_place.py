"""Placement: exact equals brute force, annealing never loses to the row order, bounds hold, reach."""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np
import pytest

from mapper import InfeasibleError, MapOptions, compile_network
from mapper.capacity import core_kinds
from mapper.place import _no_core
from mapper.place.annealed import Annealed
from mapper.place.assign import assign
from mapper.place.base import PlaceProblem
from mapper.place.bound import gilmore_lawler
from mapper.place.distance import reachable, tile_distances, walked
from mapper.place.exact import Exact
from mapper.place.positions import positions
from mapper.place.row_order import row_order
from neurosim.artefacts.mapping import HOST
from neurosim.fabric.topology import build_fabric
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net, problems


def random_problem(n: int, width: int, height: int, seed: int, *, bent: bool = False, density: float = 0.6) -> PlaceProblem:
    """Clusters with random flows on a mesh; ``bent`` spoils the coordinates, so tables are needed."""
    rng = np.random.default_rng(seed)
    p = width * height
    x, y = np.arange(p) % width, np.arange(p) // width
    distance = np.abs(x[:, None] - x) + np.abs(y[:, None] - y)
    if bent:
        distance = distance + 2 * (rng.random((p, p)) < 0.3) * (distance > 0)
    flow = rng.integers(0, 10, (n, n)) * (rng.random((n, n)) < density)
    np.fill_diagonal(flow, 0)
    allowed = np.ones((n, p), np.bool_)
    allowed[0, : p // 2] = False
    return PlaceProblem(
        core=np.arange(p), x=x, y=y, flow=flow / 3.0, linked=flow > 0, distance=distance,
        host_out=rng.random(n), host_in=rng.random(n), from_host=x + y, to_host=x + y,
        allowed=allowed, reachable=np.ones((p, p), np.bool_), seed=0, effort=1.0,
    )  # fmt: skip


def brute_force(problem: PlaceProblem) -> float:
    """The cheapest legal placement."""
    costs = [
        problem.cost(np.array(order))
        for order in itertools.permutations(range(problem.p), problem.n)
        if not problem.faults(np.array(order))
    ]
    return min(costs)


@pytest.mark.parametrize("bent", [False, True], ids=["coordinates", "tables"])
@pytest.mark.parametrize(("n", "width", "height", "seed"), [(3, 3, 2, 1), (5, 3, 2, 2), (6, 3, 2, 3)])
def test_exact_placement_equals_brute_force(n, width, height, seed, bent):
    problem = random_problem(n, width, height, seed, bent=bent)
    start = row_order(problem)
    placed = Exact().place(problem, start)
    assert placed is not None
    best = brute_force(problem)
    assert problem.faults(placed.position) == 0
    assert placed.report.status == "optimal"
    assert placed.report.objective == pytest.approx(best)
    assert placed.report.objective == pytest.approx(problem.cost(placed.position))
    bound = gilmore_lawler(problem)
    assert 0 < bound <= best


@pytest.mark.parametrize("seed", range(3))
def test_annealing_matches_the_exact_optimum_of_nine(seed):
    problem = random_problem(9, 3, 3, seed, density=0.15)
    start = row_order(problem)
    annealed = Annealed().place(problem, start)
    exact = Exact().place(problem, annealed.position)
    assert exact.report.objective <= annealed.report.objective <= problem.cost(start)
    assert exact.report.status == "optimal"
    assert annealed.report.objective <= 1.02 * exact.report.objective
    assert annealed.report.bound <= exact.report.objective + 1e-9


@pytest.mark.parametrize("seed", range(3))
def test_annealing_beats_the_row_order_and_keeps_its_books(seed):
    problem = dataclasses.replace(random_problem(20, 5, 5, seed), effort=0.2)
    start = row_order(problem)
    placed = Annealed().place(problem, start)
    assert problem.faults(placed.position) == 0
    assert sorted(set(placed.position.tolist())) == sorted(placed.position.tolist())
    assert placed.report.objective == pytest.approx(problem.cost(placed.position))
    assert placed.report.bound <= placed.report.objective < problem.cost(start)


def test_incremental_costs_stay_exact():
    from mapper.place.annealed import _State

    problem = random_problem(10, 4, 4, 5)
    state = _State(problem, row_order(problem))
    rng = np.random.default_rng(1)
    for _ in range(30):
        cluster, place = int(rng.integers(problem.n)), int(rng.integers(problem.p))
        if place == state.position[cluster] or not problem.allowed[0, place]:
            continue
        before, change = state.total(), state._changes(cluster)[place]
        state._swap(cluster, place)
        assert state.total() == pytest.approx(before + change)
        kept = state.pay.copy()
        state.rebuild()
        np.testing.assert_allclose(state.pay, kept)


def test_distances_count_chip_crossings_by_their_latency():
    link = {"latency_cycles": 7, "synchroniser_cycles": 2, "cycles_per_flit": 1, "credit_cycles": 2}
    fabric = build_fabric(make_chip(width=2, height=2, chips=(2, 1), link=link))
    tiles = np.array([0, 1, 2, 3])  # one row over two chips; hop 3 cycles, crossing 3 + 7 + 2 = 12
    assert tile_distances(fabric, tiles)[0].tolist() == [0, 1, 5, 6]
    distance, hops = walked(fabric, np.array([HOST, 0]), np.array([3, HOST]))
    assert distance.tolist() == [6, 0]
    assert hops.tolist() == [4, 1]


def test_distances_joined_from_single_hops_are_those_walked():
    gateways = {"row": 1, "column": 0}
    link = {"latency_cycles": 7, "synchroniser_cycles": 2, "cycles_per_flit": 1, "credit_cycles": 2}
    chip = make_chip(
        width=2, height=3, chips=(2, 2), cores_per_tile=2, link={**link, "gateways": gateways},
        router={"routing": "hierarchical_xy"},
    )  # fmt: skip
    fabric = build_fabric(chip)
    for tiles in (np.arange(24), np.array([1, 2, 5, 8, 13, 21, 23]), np.array([3, 20])):
        cores = 2 * tiles
        pairs = walked(fabric, np.repeat(cores, len(tiles)), np.tile(cores, len(tiles)))[0]
        np.testing.assert_array_equal(tile_distances(fabric, tiles).reshape(-1), pairs)


def test_assignment_is_the_best_although_few_columns_are_looked_at():
    rng = np.random.default_rng(0)
    for n, p in [(1, 5), (2, 7), (3, 6), (4, 4), (3, 7)]:
        cost, allowed = rng.integers(0, 6, (n, p)) / 3.0, rng.random((n, p)) < 0.6
        totals = [
            sum(cost[i, c] for i, c in enumerate(columns))
            for columns in itertools.permutations(range(p), n)
            if all(allowed[i, c] for i, c in enumerate(columns))
        ]
        found = assign(cost, allowed)
        assert (found is None) == (not totals)
        if found is not None:
            columns, bound = found
            assert len(set(columns.tolist())) == n
            assert allowed[np.arange(n), columns].all()
            assert cost[np.arange(n), columns].sum() == pytest.approx(min(totals))
            assert min(totals) - 1e-6 <= bound <= min(totals) + 1e-9


def test_on_a_large_system_each_kind_keeps_the_cores_nearest_the_host():
    big = {"name": "big", "tiles": ((39, 39), (0, 39), (39, 0)), "neurons": 128, "axons": 512}
    chip = make_chip(width=40, height=40, core_types=(big,), reach={"y_hops": 5})
    kinds, fabric = core_kinds(chip), build_fabric(chip)
    chosen = positions(fabric, kinds, 2)
    assert len(chosen) == 512 + 3
    small = np.array([c for c in chosen.tolist() if c not in (39, 39 * 40, 39 * 41)])
    assert (small < 240).sum() == 239  # all in reach of the host: 6 rows of 40, core 39 is a big one
    net = dense_net(100, 100, reset="none")
    mapping = compile_network(net, chip, MapOptions(effort=0.01, placer="annealed"))
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    assert (report.status, report.bound) == ("heuristic", None)
    assert report.detail.endswith("; only the 515 of 1600 cores nearest the host were considered")


def test_too_few_cores_are_named_also_if_no_cluster_fits_on_all_of_them():
    # Four clusters share three cores, two by two; a fifth has many of its own.
    allowed = np.zeros((5, 9), np.bool_)
    for cluster, cores in enumerate([(0, 1), (1, 2), (0, 2), (0, 1), (3, 4, 5, 6, 7, 8)]):
        allowed[cluster, list(cores)] = True
    problem = dataclasses.replace(random_problem(5, 3, 3, 0), allowed=allowed)
    assert row_order(problem) is None
    report = _no_core(problem, build_fabric(make_chip()))
    assert report.what == "4 of 5 clusters fit only on 3 cores of chip 'test'"
    assert (report.demand, report.limit) == (4, 3)


def test_hops_are_those_of_the_fabric_on_a_torus():
    fabric = build_fabric(make_chip(width=5, height=4, topology="torus", router={"routing": "torus_xy"}))
    tiles = np.arange(20)
    ours = tile_distances(fabric, tiles)
    theirs = [[len(fabric.walk(a, b)) - 1 for b in range(20)] for a in range(20)]
    np.testing.assert_array_equal(ours, theirs)


def test_reach_is_a_hard_limit():
    near = reachable(build_fabric(make_chip(reach={"x_hops": 1})), np.array([0]), np.array([0, 1, 2, 5, 13]))
    assert near.tolist() == [[True, True, False, True, True]]
    net, core = dense_net(8, 8, 8, 8, 8, 8), {"neurons": 8}
    chip = make_chip(width=5, height=1, reach={"x_hops": 1}, core=core)
    with pytest.raises(InfeasibleError) as caught:  # a chain of five on a row cannot end where it began
        compile_network(net, chip, MapOptions(effort=0.1))
    assert str(caught.value).splitlines()[0] == (
        "net: no placement was found in which all connected clusters reach each other and the host "
        "(at most 1 hop along x) [map-does-not-fit]"
    )
    chip = make_chip(width=5, height=2, reach={"x_hops": 1}, core=core)
    mapping = compile_network(net, chip, MapOptions(effort=0.1))
    assert problems(mapping, chip) == []


def test_placement_report_says_what_is_proven():
    chip = make_chip()
    mapping = compile_network(dense_net(30, 100, 100, 10), chip, MapOptions())
    (report,) = mapping.placement.solver
    assert (report.stage, report.status) == ("placement", "optimal")
    assert report.gap == 0.0


def test_interchangeable_clusters_do_not_cost_the_optimum():
    from mapper.place.exact import twins

    problem = random_problem(6, 3, 2, 0)
    flow = np.zeros((6, 6))
    flow[:3, 3:] = 2.0
    alike = dataclasses.replace(
        problem, flow=flow, linked=flow > 0, allowed=np.ones((6, 6), np.bool_),
        host_out=np.array([1.0, 1.0, 1.0, 0, 0, 0]), host_in=np.array([0, 0, 0, 0.5, 0.5, 0.7]),
    )  # fmt: skip
    assert twins(alike) == [(0, 1), (1, 2), (3, 4)]
    placed = Exact().place(alike, row_order(alike))
    assert placed.report.status == "optimal"
    assert placed.report.objective == pytest.approx(brute_force(alike))


def test_too_few_cores_near_the_host_are_counted():
    chip = make_chip(width=6, height=1, reach={"x_hops": 1}, core={"neurons": 4})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(dense_net(8, 12, reset="none"), chip, MapOptions(effort=0.1))
    assert str(caught.value) == (
        "net: 3 of 3 clusters fit only on 2 cores of chip 'test' within reach of the host "
        "(at most 1 hop along x) [map-does-not-fit]\n"
        "  expected: at most 2 cores that hold them\n"
        "  got: 3 in the best solution found (proven lower bound 1, gap 67 %)"
    )
