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
@pytest.mark.parametrize("name", ["tho30", "sko42", "wil50", "sko56", "sko64", "sko72", "sko81", "sko90"])
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
        "sko72": 14_066, "sko81": 18_074, "sko90": 21_612, "sko100a": 26_764, "sko100b": 27_106,
        "sko100c": 26_176, "sko100d": 26_366, "sko100e": 26_454, "sko100f": 26_214,
        "wil100": 44_964, "tho150": 1_176_958,
    }  # fmt: skip
    assert {name: grid_instance(name).net.weight.sum() for name in sums} == sums


# Facility at each location, counted from 1: QAPLIB's own solution files.
PUBLISHED = {
    "sko81": (
        "30 25 33 38 61 41 3 50 66 67 65 4 49 81 6 56 48 9 23 69 14 19 15 21 31 17 74 34 20 26 44 39 "
        "11 70 57 78 60 37 51 18 32 7 42 68 27 76 63 12 58 13 46 52 62 45 16 64 2 35 73 36 5 1 55 80 "
        "77 79 24 75 59 43 29 22 47 40 54 10 53 28 71 72 8"
    ),
    "sko90": (
        "86 27 9 88 76 41 52 38 79 8 48 59 75 84 16 44 40 61 58 25 50 30 49 80 57 66 63 74 43 82 71 69 "
        "15 3 7 19 78 13 17 53 23 36 12 37 28 51 6 14 77 29 34 56 70 65 83 47 54 4 1 2 31 60 10 89 90 "
        "26 81 73 21 64 22 45 55 68 85 35 32 62 87 42 11 18 46 20 33 72 39 67 24 5"
    ),
    "sko100a": (
        "65 83 11 33 71 97 1 78 37 18 39 5 13 55 74 95 25 63 79 91 27 80 54 94 75 31 43 14 77 6 88 62 "
        "16 52 4 22 32 34 57 15 60 9 86 98 96 89 19 49 2 28 42 59 68 8 93 56 81 82 84 87 10 24 40 67 "
        "85 30 73 51 69 20 58 70 66 100 26 47 99 46 64 90 45 50 12 72 61 38 92 36 53 41 3 35 21 29 23 "
        "48 44 7 76 17"
    ),
    "sko100b": (
        "80 61 37 84 34 92 91 94 47 18 23 70 58 72 63 71 27 73 60 78 30 9 38 93 35 55 3 64 62 100 76 83 "
        "66 2 50 17 42 33 24 69 21 1 22 85 52 10 74 65 7 51 45 90 5 36 87 81 19 67 46 44 49 29 12 97 99 "
        "95 54 20 13 6 75 14 82 68 96 48 86 8 39 40 15 11 26 32 59 4 16 98 57 41 56 43 53 25 28 89 79 "
        "31 88 77"
    ),
    "sko100c": (
        "28 67 86 9 10 65 63 20 85 1 23 8 24 77 7 35 33 21 97 66 53 58 99 68 93 30 15 45 79 13 51 81 73 "
        "98 48 56 25 3 40 87 44 90 27 50 88 16 54 42 49 18 82 75 96 100 91 34 84 92 22 43 89 11 32 17 "
        "83 19 52 41 59 78 72 57 5 2 61 14 29 36 38 12 94 4 60 47 31 80 6 26 55 71 62 39 69 70 95 74 46 "
        "37 76 64"
    ),
    "sko100d": (
        "85 45 26 62 20 68 28 36 77 96 70 18 14 27 56 8 55 81 66 61 48 6 98 90 10 99 38 91 51 4 47 21 "
        "37 22 35 40 93 89 73 67 53 17 69 92 63 24 88 84 59 60 7 16 71 11 43 50 79 46 30 49 31 9 5 29 "
        "23 100 64 83 74 33 57 72 39 2 65 12 87 78 58 54 19 80 44 32 95 41 52 86 3 1 42 15 97 13 82 94 "
        "25 75 76 34"
    ),
    "sko100e": (
        "61 39 22 21 19 100 33 53 41 63 62 26 34 70 79 91 85 51 59 45 74 23 98 55 27 72 28 50 71 86 47 "
        "76 14 69 92 99 10 44 32 1 49 54 12 82 60 56 37 48 78 88 9 42 43 83 11 89 68 66 77 67 40 93 96 "
        "64 94 97 20 36 80 81 4 58 25 95 2 29 87 18 73 46 6 3 31 57 90 75 8 7 17 38 13 35 30 84 5 15 52 "
        "24 16 65"
    ),
    "sko100f": (
        "78 59 64 42 31 40 58 15 90 73 17 75 98 19 55 10 52 30 43 86 27 48 70 46 88 24 38 6 66 2 22 1 "
        "14 41 11 37 50 8 79 61 39 34 44 56 47 83 35 60 93 69 67 36 26 91 9 95 74 71 68 16 62 82 45 76 "
        "84 49 25 85 7 21 53 18 12 72 87 89 5 100 29 3 94 20 4 81 23 51 65 99 57 32 92 63 96 33 28 13 "
        "54 77 80 97"
    ),
    "wil100": (
        "15 28 100 64 95 88 32 87 30 50 9 10 43 56 78 77 65 68 55 48 1 29 98 79 90 83 23 72 49 33 46 "
        "71 39 76 26 69 52 99 53 25 14 37 13 45 80 41 61 16 18 6 81 31 27 54 4 47 44 2 34 36 63 73 3 "
        "96 5 75 19 67 97 51 74 22 58 93 42 7 38 12 89 20 84 24 86 11 8 40 59 17 70 92 57 62 35 91 66 "
        "60 82 21 85 94"
    ),
    "tho150": (
        "85 62 6 20 74 57 5 106 113 118 31 14 149 102 9 142 38 128 147 139 13 41 83 145 121 91 67 29 "
        "125 98 120 2 35 53 95 52 130 122 8 70 89 84 49 117 17 18 107 109 69 19 76 33 56 12 28 100 16 "
        "94 43 119 93 87 39 51 126 23 132 134 1 143 141 32 88 136 34 25 92 64 96 36 131 114 3 90 146 58 "
        "63 42 10 127 99 4 133 123 71 101 40 150 80 79 104 66 97 86 47 24 82 22 59 48 55 144 135 45 54 "
        "61 46 44 72 112 15 81 68 116 37 108 140 103 78 75 30 138 105 124 21 137 7 73 11 26 129 77 50 "
        "27 115 65 111 110 148 60"
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
        assert net.n == int(name.rstrip("abcdef").lstrip("nugskothwil"))
    with pytest.raises(KeyError):
        grid_instance("nug13")
