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
@pytest.mark.parametrize("name", ["tho30", "sko42", "wil50"])
def test_larger_instances_come_within_a_thousandth_of_the_best_known(name):
    best = grid_instance(name).best
    assert best <= swapped_to_the_best(name, 20) <= 1.001 * best


@pytest.mark.slow
def test_the_largest_instance_comes_within_two_thousandths_of_the_best_known():
    best = grid_instance("sko100a").best
    assert best <= swapped_to_the_best("sko100a", 4) <= 1.002 * best


def test_no_flow_of_the_tables_was_lost():
    sums = {"nug30": 2218, "tho30": 49_800, "sko42": 4630, "wil50": 11_104, "sko100a": 26_764}
    assert {name: grid_instance(name).net.weight.sum() for name in sums} == sums


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
