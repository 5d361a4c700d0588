"""Placement of many clusters: starts are legal, the search keeps its books and equals the exact optimum."""

from __future__ import annotations

import dataclasses
import itertools
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper import InfeasibleError, MapOptions, compile_network
from mapper.place import search
from mapper.place.base import PlaceProblem
from mapper.place.bound import degree_bound
from mapper.place.exact import Exact
from mapper.place.grid import NO_LIMIT, GridProblem, graph_of, plain_grid
from mapper.place.mincut import bisect, min_cut
from mapper.place.search import Budget, Search, anneal, default_moves
from mapper.place.starts import STARTS, best_start, hilbert_index, kinds_for, mend, rows
from neurosim.errors import InputError
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net, problems
from workloads.mapping_nets import jin_net, layered_net


def random_grid(n: int, width: int, height: int, seed: int, density: float = 0.3, **options: object) -> GridProblem:
    rng = np.random.default_rng(seed)
    source, target = np.nonzero(rng.random((n, n)) < density)
    weight = rng.integers(1, 10, len(source)) / 4.0
    return plain_grid(n, source, target, weight, width, height, seed=seed, **options)


def by_hand(grid: GridProblem, position: np.ndarray) -> float:
    """The cost from its definition."""
    pointer, neighbour, weight = grid.graph
    xy, total = grid.place[position, :2], 0.0
    for i in range(grid.n):
        for e in range(pointer[i], pointer[i + 1]):
            if neighbour[e] > i:
                gap = np.abs(xy[i] - xy[neighbour[e]])
                gap = [min(g, ring - g) if ring else g for g, ring in zip(gap, grid.rules[:2], strict=True)]
                total += weight[e] * sum(gap)
    host_out, host_in, from_host, to_host = grid.host
    return float(total + (host_out * from_host[position] + host_in * to_host[position]).sum())


def with_host(grid: GridProblem, seed: int) -> GridProblem:
    rng = np.random.default_rng(seed)
    far = (grid.place[:, 0] + grid.place[:, 1]).astype(np.float64)
    return dataclasses.replace(grid, host=(rng.random(grid.n), rng.random(grid.n), far, far))


def dense(grid: GridProblem) -> PlaceProblem:
    """The same problem for the exact placer."""
    pointer, neighbour, weight = grid.graph
    flow = np.zeros((grid.n, grid.n))
    row = np.repeat(np.arange(grid.n), np.diff(pointer))
    flow[row, neighbour] = weight / 2
    xy = grid.place[:, :2].astype(np.int64)
    distance = np.abs(xy[:, None] - xy[None]).sum(axis=2)
    return PlaceProblem(
        core=np.arange(grid.p), x=grid.place[:, 2].astype(np.int64), y=grid.place[:, 3].astype(np.int64),
        flow=flow, linked=flow > 0, distance=distance, host_out=grid.host[0], host_in=grid.host[1],
        from_host=grid.host[2].astype(np.int64), to_host=grid.host[3].astype(np.int64),
        allowed=grid.fits[:, grid.kind], reachable=np.ones((grid.p, grid.p), np.bool_), seed=0, effort=1.0,
    )  # fmt: skip


def test_parallel_edges_add_up_and_loops_and_silence_go():
    a, b = np.array([0, 1, 0, 2, 1]), np.array([1, 0, 1, 2, 2])
    pointer, neighbour, weight = graph_of(3, a, b, np.array([1.0, 2.0, 4.0, 8.0, 0.0]))
    assert pointer.tolist() == [0, 1, 2, 2]
    assert neighbour.tolist() == [1, 0]
    assert weight.tolist() == [7.0, 7.0]
    pointer, neighbour, weight = graph_of(3, a, b, np.array([1.0, 2.0, 4.0, 8.0, 0.0]), keep_silent=True)
    assert neighbour.tolist() == [1, 0, 2, 1]
    assert weight.tolist() == [7.0, 7.0, 0.0, 0.0]


@pytest.mark.parametrize("seed", [1, 3])
def test_the_search_finds_the_proven_optimum_of_nine(seed):
    grid = with_host(random_grid(9, 3, 3, seed, 0.15), seed)
    found = anneal(grid, np.arange(9), Budget(60_000))
    exact = Exact().place(dense(grid), found.position)
    assert exact.report.status == "optimal"
    assert found.cost == pytest.approx(exact.report.objective)
    assert degree_bound(grid) <= exact.report.objective + 1e-9


def test_exact_and_the_search_agree_on_stretched_grids_with_room_to_spare():
    grid = with_host(random_grid(5, 4, 2, 1, 0.4, chip=(2, 2), crossing_hops=3), 2)
    best = min(by_hand(grid, np.array(order)) for order in itertools.permutations(range(8), 5))
    assert anneal(grid, np.arange(5), Budget(20_000)).cost == pytest.approx(best)


@settings(max_examples=25, deadline=None)
@given(
    st.integers(2, 14), st.integers(1, 3), st.integers(0, 9), st.booleans(), st.booleans(), st.booleans(),
    st.integers(0, 10**6),
)  # fmt: skip
def test_incremental_costs_stay_exact_and_every_core_holds_one(n, height, spare, ring, table, kinds, seed):
    width = -(-(n + spare) // height)
    grid = with_host(random_grid(n, width, height, seed), seed)
    if ring:
        grid = dataclasses.replace(grid, rules=np.array([width, height, width, height, NO_LIMIT, NO_LIMIT]))
    if table:
        apart = np.abs(grid.place[:, None, :2] - grid.place[None, :, :2]).sum(axis=2).astype(np.int32)
        plain = np.array([0, 0, 0, 0, NO_LIMIT, NO_LIMIT])
        grid = dataclasses.replace(grid, table=apart, rules=plain)
    if kinds:
        fits = np.ones((n, 2), np.bool_)
        fits[::2, 1] = False  # every other cluster only on cores of kind 0
        grid = dataclasses.replace(grid, fits=fits, kind=(np.arange(grid.p) % 2).astype(np.int16))
    start = rows(grid)
    if start is None:
        return
    run = Search(grid, start, Budget(4000), seed)
    for heat in (5.0, 0.5, 0.0):
        run.chunk(500, heat)
        position = run.where[:, 4].astype(np.int64)
        assert len(set(position.tolist())) == n
        np.testing.assert_array_equal(run.where, grid.where(position))
        np.testing.assert_array_equal(run.holder[position], np.arange(n))
        assert (run.holder >= 0).sum() == n
        assert run.cost == pytest.approx(by_hand(grid, position))
        assert grid.fits[np.arange(n), grid.kind[position]].all()
    assert run.least <= by_hand(grid, start) + 1e-9


def test_equal_seeds_give_equal_bytes_and_other_seeds_others():
    net = jin_net("cnn", 12, 12)
    grids = [plain_grid(net.n, net.source, net.target, net.weight, 12, 12, seed=s) for s in (3, 3, 4)]
    made = [anneal(g, best_start(g)[1], Budget(40_000)).position for g in grids]
    assert made[0].tobytes() == made[1].tobytes() != made[2].tobytes()


def test_the_result_is_never_worse_than_the_start():
    net = jin_net("cnn", 16, 16)
    grid = plain_grid(net.n, net.source, net.target, net.weight, 16, 16)
    good = anneal(grid, best_start(grid)[1], Budget(300_000))
    again = anneal(grid, good.position, Budget(400))  # far too few moves for its first temperature
    assert again.cost <= good.cost
    assert again.cost == pytest.approx(grid.cost(again.position))


def test_a_small_cnn_is_placed_far_below_its_best_start():
    net = jin_net("cnn", 16, 16)
    grid = plain_grid(net.n, net.source, net.target, net.weight, 16, 16)
    name, start = best_start(grid)
    found = anneal(grid, start, Budget(1_500_000))
    assert name == "rows"
    assert found.cost < 800 < grid.cost(start)  # 776.8 by plain annealing, 1,358 by the authors' descent
    assert degree_bound(grid) < found.cost


@pytest.mark.parametrize("name", STARTS)
def test_starts_put_every_cluster_on_a_core_of_its_own(name):
    net = layered_net(3, 7, 6)
    fold = np.stack([(net.x + 0.5) / 6, (net.y + 0.5) / 7], axis=1)
    grid = plain_grid(net.n, net.source, net.target, net.weight, 13, 11, fold=fold, seed=5)
    position = STARTS[name](grid)
    assert position is not None
    assert len(set(position.tolist())) == net.n
    assert position.tobytes() == STARTS[name](grid).tobytes()
    if name not in ("rows", "Hilbert"):
        assert grid.cost(position) < 0.7 * grid.cost(np.random.default_rng(0).permutation(grid.p)[: net.n])


def test_folding_lays_layers_on_top_of_each_other():
    net = layered_net(8, 6, 6)
    fold = np.stack([(net.x + 0.5) / 6, (net.y + 0.5) / 6], axis=1)
    grid = plain_grid(net.n, net.source, net.target, net.weight, 17, 17, fold=fold)
    costs = {name: grid.cost(start(grid)) for name, start in STARTS.items()}
    assert costs["folded layers"] < 0.75 * costs["rows"]
    assert costs["min-cut"] < 0.75 * costs["rows"]
    assert best_start(grid)[0] in ("folded layers", "min-cut", "spectral")


def test_min_cut_keeps_communities_on_their_chips():
    rng = np.random.default_rng(0)
    group = rng.permutation(np.repeat(np.arange(4), 15))
    inside = (group[:, None] == group) & (rng.random((60, 60)) < 0.5)
    across = rng.random((60, 60)) < 0.01
    source, target = np.nonzero(inside | across)
    grid = plain_grid(60, source, target, np.ones(len(source)), 8, 8, chip=(4, 4), crossing_hops=20)
    position = min_cut(grid)
    chip = grid.place[position, 2] // 4 + 2 * (grid.place[position, 3] // 4)
    for number in range(4):
        assert len(set(chip[group == number].tolist())) == 1


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 90), st.integers(0, 10**6))
def test_bisection_keeps_its_balance(n, seed):
    rng = np.random.default_rng(seed)
    grid = random_grid(n, n, 1, seed, min(1.0, 4 / n))
    low = int(rng.integers(0, n))
    high = int(rng.integers(low, n + 1))
    side = bisect(grid.graph, rng.random(n) - 0.5, low, high, rng)
    assert low <= int((side == 0).sum()) <= high


def test_hilbert_indices_walk_from_neighbour_to_neighbour():
    y, x = np.divmod(np.arange(64), 8)
    order = np.argsort(hilbert_index(x, y))
    steps = np.abs(np.diff(x[order])) + np.abs(np.diff(y[order]))
    assert (steps == 1).all()
    assert sorted(hilbert_index(x, y).tolist()) == list(range(64))


def test_kinds_of_cores_are_shared_out_so_that_all_clusters_find_one():
    grid = random_grid(6, 3, 2, 0)
    kind = np.array([0, 0, 1, 1, 2, 2], np.int16)
    fits = np.array([[1, 1, 0], [1, 1, 0], [1, 0, 0], [0, 1, 1], [1, 0, 0], [0, 0, 1]], np.bool_)
    grid = dataclasses.replace(grid, kind=kind, fits=fits)
    chosen = kinds_for(grid)
    assert np.bincount(chosen, minlength=3).tolist() == [2, 2, 2]
    assert fits[np.arange(6), chosen].all()
    position = rows(grid)
    assert sorted(position.tolist()) == list(range(6))
    assert fits[np.arange(6), kind[position]].all()
    wrong = np.array([4, 5, 0, 1, 2, 3])
    mended = mend(grid, wrong)
    if mended is not None:
        assert fits[np.arange(6), kind[mended]].all()
    impossible = dataclasses.replace(grid, fits=np.array([[1, 0, 0]] * 3 + [[0, 1, 1]] * 3, np.bool_))
    assert rows(impossible) is None
    assert best_start(impossible) is None


def test_reach_is_kept_by_the_search():
    grid = random_grid(20, 6, 6, 3, 0.08)
    grid = dataclasses.replace(grid, rules=np.array([0, 0, 0, 0, 2, 3]))
    found = anneal(grid, np.arange(20), Budget(200_000))
    assert grid.cost_and_faults(np.arange(20))[1] > 0
    assert grid.cost_and_faults(found.position)[1] == 0


def test_a_time_limit_cuts_the_search_and_says_so(monkeypatch):
    grid = random_grid(30, 6, 6, 1)
    clock = itertools.count()
    monkeypatch.setattr(search.time, "monotonic", lambda: next(clock))
    found = anneal(grid, np.arange(30), Budget(400_000, time_limit_s=3))
    assert found.stopped == "the time limit of 3 s"
    assert 0 < found.moves < 400_000
    assert found.cost <= grid.cost(np.arange(30))


def test_ctrl_c_gives_the_best_so_far():
    grid, said = random_grid(30, 6, 6, 1), []

    def stop(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            raise KeyboardInterrupt

    found = interrupted(grid, stop)
    assert found.stopped == "Ctrl-C"
    assert found.moves == 3000
    assert found.cost == pytest.approx(grid.cost(found.position))
    assert found.cost <= grid.cost(np.arange(30))
    assert said[0].startswith("cost ")
    assert ", bound 1, gap 100 %, " in said[0]
    assert "M moves/s, 0 %," in said[0]


def interrupted(grid: GridProblem, tell: search.Tell) -> search.Found:
    """With a report after every chunk."""
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(search, "TELL_EVERY_S", -1.0)
        return anneal(grid, np.arange(grid.n), Budget(400_000), bound=1.0, tell=tell)


def test_budgets_grow_with_the_effort_and_not_with_the_clock():
    grid = random_grid(30, 6, 6, 1)
    assert default_moves(grid, 1.0) == 30 * search.MOVES_PER_CLUSTER
    assert default_moves(grid, 0.5) == 15 * search.MOVES_PER_CLUSTER
    assert default_moves(grid, 1e-9) == search.CHUNKS


def many_on(**options: object) -> tuple[object, object]:
    chip = make_chip(
        width=10, height=10, core={"neurons": 4, "axons": 512, "synapse_words": 8192, "target_entries": 8192},
    )  # fmt: skip
    net = dense_net(40, 120, 120, 60, reset="none")
    return compile_network(net, chip, MapOptions(**options)), chip


def test_more_clusters_than_a_few_are_swapped_and_all_checkers_agree():
    said: list[str] = []
    mapping, chip = many_on(effort=0.05, detail=said.append)
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    by_rows, _ = many_on(placer="row_order")
    (before,) = by_rows.placement.solver
    assert (report.method, before.method) == ("swap annealing", "row order")
    assert report.bound < report.objective < 0.95 * before.objective
    assert report.detail.startswith("start: ")
    assert report.detail.endswith("moves, seed 0; bound: heaviest flows over nearest cores")
    assert said[0] == "looking for a start among 100 cores"
    routes = mapping.routes
    assert report.objective == pytest.approx(float((routes.packets * (routes.hops - 1)).sum()), rel=1e-9)
    again, _ = many_on(effort=0.05)
    assert again.placement.core.tobytes() == mapping.placement.core.tobytes()


@pytest.mark.parametrize(
    ("goal", "figure"), [("tree_hops", "tree hops"), ("busiest_link", "busiest link"), ("weighted", "hops")]
)
def test_placing_for_something_else_improves_that(goal, figure):
    mapping, chip = many_on(effort=0.05, place_for=goal)
    assert problems(mapping, chip) == []
    first, second = mapping.placement.solver
    assert (first.stage, second.stage) == ("placement", f"placement for {goal}")
    change = next(part for part in second.detail.split("; ") if part.startswith(figure + " "))
    before, after = (float(v) for v in change[len(figure) :].split(" -> "))
    assert second.objective < 3.0 if goal == "weighted" else second.objective == pytest.approx(after, rel=1e-5)
    assert goal == "weighted" or after < before
    units = {"tree_hops": "packet links over trees", "busiest_link": "packets over that link"}
    assert (first.unit, second.unit) == ("", units.get(goal, "of 3 before"))


def test_reach_of_a_chip_is_kept_with_many_clusters_or_refused():
    core = {"neurons": 4, "axons": 512, "synapse_words": 8192, "target_entries": 8192}
    chip = make_chip(width=12, height=12, core=core, reach={"x_hops": 9, "y_hops": 9})
    net = dense_net(40, 80, 80, 80, 80, 60, reset="none")
    mapping = compile_network(net, chip, MapOptions(effort=0.05))
    assert len(mapping.partition.clusters) > 64
    assert problems(mapping, chip) == []
    tight = make_chip(width=12, height=12, core=core, reach={"x_hops": 11, "y_hops": 2})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(net, tight, MapOptions(effort=0.01))
    assert "(at most 11 hops along x, at most 2 hops along y)" in str(caught.value).splitlines()[0]


def pressing_ctrl_c(monkeypatch, when: str) -> search.Tell:
    """A callback in which Ctrl-C arrives at the first text that begins so."""
    monkeypatch.setattr(search, "TELL_EVERY_S", -1.0)
    pressed = []

    def detail(text: str) -> None:
        if text.startswith(when) and not pressed:
            pressed.append(text)
            raise KeyboardInterrupt

    return detail


def test_ctrl_c_while_placing_many_gives_a_legal_mapping_that_says_so(monkeypatch):
    mapping, chip = many_on(effort=0.05, detail=pressing_ctrl_c(monkeypatch, "cost"))
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    done, whole = re.search(r"; stopped by Ctrl-C after (\d+) of (\d+) moves; ", report.detail).groups()
    assert int(done) == int(whole) // search.CHUNKS > 0


def test_ctrl_c_before_the_search_leaves_the_row_order(monkeypatch):
    monkeypatch.setattr("mapper.place.starts.STARTS", {"rows": rows, "min-cut": interrupted_start})
    mapping, chip = many_on(effort=0.05)
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    assert report.method == "row order"
    assert report.detail.startswith("no search; stopped by Ctrl-C before it; ")


def interrupted_start(problem: GridProblem) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_placing_few_keeps_the_best_seen(monkeypatch):
    from mapper.place import annealed

    calls, real = [], annealed._anneal

    def twice(*args: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(annealed, "_anneal", twice)
    chip = make_chip(width=5, height=5, core={"neurons": 8})
    mapping = compile_network(dense_net(16, 60, 60, reset="none"), chip, MapOptions(effort=0.5))
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    assert len(calls) == 2
    assert report.detail.endswith("; stopped by Ctrl-C")


LINK = {"latency_cycles": 7, "synchroniser_cycles": 2, "cycles_per_flit": 1, "credit_cycles": 2}


@pytest.mark.parametrize(
    "chip",
    [
        {"width": 10, "height": 10},
        {"width": 5, "height": 5, "cores_per_tile": 2, "chips": (2, 2), "link": LINK},
        {"width": 5, "height": 5, "chips": (2, 2), "link": {**LINK, "gateways": {"row": 1, "column": 0}},
         "router": {"routing": "hierarchical_xy"}},
        {"width": 7, "height": 12, "cores_per_tile": 2, "router": {"routing": "yx"}},
    ],
    ids=["mesh", "chips", "gateways", "yx"],
)  # fmt: skip
def test_costs_are_those_that_packets_walk(chip):
    from mapper.place.distance import walked
    from neurosim.artefacts.mapping import HOST
    from neurosim.fabric.topology import build_fabric

    core = {"neurons": 4, "axons": 512, "synapse_words": 8192, "target_entries": 8192}
    made = make_chip(core=core, **chip)
    mapping = compile_network(
        dense_net(40, 120, 120, 60), made, MapOptions(effort=0.01, repair=False)
    )
    (report,) = mapping.placement.solver
    routes = mapping.routes
    assert (routes.target == HOST).any()
    away, _ = walked(build_fabric(made), routes.source, routes.target)
    assert report.method == "swap annealing"
    assert report.objective == pytest.approx(float((routes.packets * away).sum()))
    assert problems(mapping, made) == []


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(InputError) as caught:
        MapOptions(time_limit_s=0)
    assert str(caught.value) == (
        "MapOptions.time_limit_s: the time limit of the search must be above 0 s [map-option]\n"
        "  got: 0\n"
        "  hint: leave it out for no limit; the effort alone then says how long the search is"
    )


def test_too_many_clusters_for_a_placer_or_a_chip_are_named(monkeypatch):
    monkeypatch.setattr("mapper.place.DENSE_AT_MOST", 70)
    with pytest.raises(InputError) as caught:
        many_on(placer="annealed")
    assert str(caught.value) == (
        "MapOptions.placer: the placer 'annealed' is for at most 70 clusters [map-option]\n"
        "  got: 75 clusters\n"
        "  hint: use the placer 'auto' or 'swaps'"
    )


def test_too_few_cores_near_the_host_are_counted_for_many_clusters_too():
    chip = make_chip(width=16, height=8, reach={"x_hops": 7}, core={"neurons": 1, "axons": 300})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(dense_net(8, 80, reset="none"), chip, MapOptions(effort=0.01))
    assert str(caught.value).splitlines()[0] == (
        "net: 80 of 80 clusters fit only on 64 cores of chip 'test' within reach of the host "
        "(at most 7 hops along x) [map-does-not-fit]"
    )
