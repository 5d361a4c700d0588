"""Placement workloads: published costs come out to the digit, and instances are what they say."""

from __future__ import annotations

import numpy as np
import pytest

from mapper.place.grid import plain_grid
from mapper.place.search import Budget, anneal
from workloads.mapping_nets import (
    ClusterNet,
    curve_cost,
    grid_instance,
    grid_names,
    hilbert_curve,
    jin_net,
    layered_net,
)  # fmt: skip

# Costs of the Hilbert placement in the logs of github.com/Jinouwen/mapping_cpp, as far as they are printed.
HILBERT_COSTS = [
    ("cnn", 32, "15747.4"), ("cnn", 64, "79974"), ("cnn", 128, "537808"), ("cnn", 256, "2.6232e+06"),
    ("dnn", 32, "113847"), ("dnn", 64, "1.34886e+06"), ("dnn", 128, "1.52928e+07"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "side", "printed"), HILBERT_COSTS)
def test_hilbert_costs_are_those_of_the_authors_to_the_digit(kind, side, printed):
    net = jin_net(kind, side, side)
    cost = curve_cost(net, *hilbert_curve(side))
    digits = len(printed.split("e")[0].replace(".", ""))
    assert f"{cost:.{digits}g}" == f"{float(printed):.{digits}g}"


def test_the_generator_is_the_other_librarys_too():
    net = jin_net("cnn", 32, 32, library="libstdc++")
    assert f"{curve_cost(net, *hilbert_curve(32)):.5g}" == "15527"
    with pytest.raises(ValueError, match="cnn, dnn, not rnn"):
        jin_net("rnn", 4, 4)


def test_last_layer_of_a_jin_net_is_isolated_and_windows_end_at_the_border():
    net = jin_net("cnn", 4, 6)
    assert net.n == 24
    assert sorted(set((net.source // 6).tolist())) == [0, 1]
    assert sorted(set((net.target // 6).tolist())) == [1, 2]
    first = net.target[net.source == 4]
    assert first.tolist() == [10, 11]  # clusters 4 and 5 of the next layer; 6 and 7 do not exist
    assert ((net.weight >= 0) & (net.weight < 1)).all()


def test_the_wafer_net_fills_64_chiplets_to_99_percent():
    net = layered_net()
    assert (net.n, len(net.source)) == (36_504, 320_906)
    place = np.arange(net.n)
    stretched = np.arange(192) + 10 * (np.arange(192) // 24)
    assert round(curve_cost(net, stretched[place % 192], stretched[place // 192])) == 6_758_862


def test_layers_reach_their_neighbours_and_skip_one():
    net = layered_net(4, 3, 3)
    centre = net.target[net.source == 4]
    assert sorted(centre.tolist()) == [9, 10, 11, 12, 13, 14, 15, 16, 17, 22]
    corner = net.target[net.source == 9]  # layer 1 has no skip
    assert sorted(corner.tolist()) == [18, 19, 21, 22]


def swapped_to_the_best(name: str, seeds: int) -> float:
    """Best cost of so many runs; the search ends when the best known cost is reached."""
    instance = grid_instance(name)
    net = instance.net
    costs = []
    for seed in range(seeds):
        grid = plain_grid(
            net.n, net.source, net.target, net.weight, instance.columns, instance.rows, n_positions=net.n,
            seed=seed,
        )  # fmt: skip
        costs.append(anneal(grid, np.arange(net.n), Budget(10_000 * net.n)).cost)
        if costs[-1] <= instance.best:
            break
    return min(costs)


@pytest.mark.parametrize("name", [name for name in grid_names() if name.startswith("nug")])
def test_every_nug_instance_is_placed_at_its_proven_optimum(name):
    # Also what shows that the tables hold no slip: a wrong flow would move the optimum.
    assert swapped_to_the_best(name, 20) == grid_instance(name).best


@pytest.mark.slow
@pytest.mark.parametrize("name", ["tho30", "sko42", "wil50", "sko56", "sko64", "sko72", "sko81"])
def test_larger_instances_come_within_a_thousandth_of_the_best_known(name):
    best = grid_instance(name).best
    assert best <= swapped_to_the_best(name, 20) <= 1.001 * best


@pytest.mark.slow
def test_the_largest_instance_comes_within_two_thousandths_of_the_best_known():
    best = grid_instance("sko100a").best
    assert best <= swapped_to_the_best("sko100a", 4) <= 1.002 * best


def test_no_flow_of_the_tables_was_lost():
    sums = {
        "nug30": 2218, "tho30": 49_800, "sko42": 4630, "wil50": 11_104, "sko56": 8530, "sko64": 11_026,
        "sko72": 14_066, "sko81": 18_074, "sko100a": 26_764, "wil100": 44_964,
    }  # fmt: skip
    assert {name: grid_instance(name).net.weight.sum() for name in sums} == sums


# Facility at each location, counted from 1: QAPLIB's own solution files.
PUBLISHED = {
    "sko81": (
        "30 25 33 38 61 41 3 50 66 67 65 4 49 81 6 56 48 9 23 69 14 19 15 21 31 17 74 34 20 26 44 39 "
        "11 70 57 78 60 37 51 18 32 7 42 68 27 76 63 12 58 13 46 52 62 45 16 64 2 35 73 36 5 1 55 80 "
        "77 79 24 75 59 43 29 22 47 40 54 10 53 28 71 72 8"
    ),
    "sko100a": (
        "65 83 11 33 71 97 1 78 37 18 39 5 13 55 74 95 25 63 79 91 27 80 54 94 75 31 43 14 77 6 88 62 "
        "16 52 4 22 32 34 57 15 60 9 86 98 96 89 19 49 2 28 42 59 68 8 93 56 81 82 84 87 10 24 40 67 "
        "85 30 73 51 69 20 58 70 66 100 26 47 99 46 64 90 45 50 12 72 61 38 92 36 53 41 3 35 21 29 23 "
        "48 44 7 76 17"
    ),
    "wil100": (
        "15 28 100 64 95 88 32 87 30 50 9 10 43 56 78 77 65 68 55 48 1 29 98 79 90 83 23 72 49 33 46 "
        "71 39 76 26 69 52 99 53 25 14 37 13 45 80 41 61 16 18 6 81 31 27 54 4 47 44 2 34 36 63 73 3 "
        "96 5 75 19 67 97 51 74 22 58 93 42 7 38 12 89 20 84 24 86 11 8 40 59 17 70 92 57 62 35 91 66 "
        "60 82 21 85 94"
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_the_published_permutation_costs_exactly_what_is_published(name):
    # A single wrong flow, or a grid turned the other way, gives another cost.
    instance = grid_instance(name)
    cell = np.empty(instance.net.n, np.int64)
    cell[np.array(PUBLISHED[name].split(), np.int64) - 1] = np.arange(instance.net.n)
    y, x = np.divmod(cell, instance.columns)
    net = instance.net
    hops = abs(x[net.source] - x[net.target]) + abs(y[net.source] - y[net.target])
    assert sorted(cell) == list(range(net.n))
    assert net.weight @ hops == instance.best


def test_instances_are_symmetric_and_named_as_published():
    assert grid_names()[:3] == ("nug12", "nug14", "nug15")
    for name in grid_names():
        net = grid_instance(name).net
        assert isinstance(net, ClusterNet)
        flows = np.zeros((net.n, net.n))
        flows[net.source, net.target] = net.weight
        np.testing.assert_array_equal(flows, flows.T)
        assert net.n == int(name.strip("nugskothwilab"))
    with pytest.raises(KeyError):
        grid_instance("nug13")
