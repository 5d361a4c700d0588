"""Division of hypergraphs: figures against brute force, limits always kept, and known nets."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.partition.annealed import Limits, divide, in_order
from mapper.partition.hypergraph import contract, figures, from_nets, twins
from neurosim.errors import DoesNotFitError, InputError
from workloads.conv_nets import group_net


@st.composite
def nets(draw):
    """(neurons, list of (source, set of targets, weight))."""
    n = draw(st.integers(1, 9))
    neurons = np.array(draw(st.lists(st.integers(1, 4), min_size=n, max_size=n)), np.int64)
    node = st.integers(0, n - 1)
    listed = draw(st.lists(st.tuples(node, st.frozensets(node, max_size=n), st.integers(1, 5)), max_size=12))
    return neurons, listed


def _graph(neurons, listed):
    pins = [np.array([source, *sorted(targets)], np.int64) for source, targets, _ in listed]
    pointer = np.concatenate([[0], np.cumsum([len(p) for p in pins])]).astype(np.int64)
    weight = np.array([w for _, _, w in listed], np.int64)
    return from_nets(neurons, pointer, np.concatenate([np.zeros(0, np.int64), *pins]), weight)


def _counted(neurons, listed, part):
    """km1, cut-net and axons per part, net by net."""
    km1 = cut = 0
    heard = dict.fromkeys(part.tolist(), 0)
    for source, targets, weight in listed:
        parts = {int(part[t]) for t in targets}
        km1 += weight * len(parts - {int(part[source])})
        cut += weight * bool(parts - {int(part[source])})
        for p in parts:
            heard[p] += weight
    return km1, cut, max(heard.values(), default=0)


@settings(max_examples=60, deadline=None)
@given(nets(), st.randoms(use_true_random=False))
def test_figures_are_what_counting_gives(net, random):
    neurons, listed = net
    part = np.array([random.randrange(3) for _ in neurons], np.int64)
    found = figures(_graph(neurons, listed), part, 6, 4)
    assert (found.km1, found.cut_net, found.axons_max) == _counted(neurons, listed, part)
    load = np.bincount(part, neurons)
    assert (found.neurons_max, found.over_neurons) == (load.max(), (load > 6).sum())


@settings(max_examples=25, deadline=None)
@given(nets(), st.integers(0, 3))
def test_a_division_keeps_its_limits_and_its_figures(net, seed):
    neurons, listed = net
    graph = _graph(neurons, listed)
    found = divide(graph, Limits(6), seed=seed, effort=0.05)
    assert np.bincount(found.part, neurons).max() <= 6
    assert found.figures.km1 == _counted(neurons, listed, found.part)[0]
    again = divide(graph, Limits(6), seed=seed, effort=0.05)
    np.testing.assert_array_equal(again.part, found.part)


def test_equal_target_sets_become_one_net():
    graph = _graph(np.ones(4, np.int64), [(0, {2, 3}, 1), (1, {3, 2}, 2), (1, {3}, 4), (2, set(), 9)])
    assert graph.n_nets == 2
    assert sorted(graph.axons.tolist()) == [3, 4]
    assert graph.fan_in().tolist() == [0, 0, 3, 7]


def test_twins_hear_and_send_the_same():
    listed = [(0, {1, 2, 3}, 1), (1, {4}, 1), (2, {4}, 1), (3, {0}, 1)]
    graph = _graph(np.ones(5, np.int64), listed)
    assert twins(graph, 9).tolist() == [0, 1, 1, 2, 3]
    assert twins(graph, 1).tolist() == [0, 1, 2, 3, 4]
    coarse = contract(graph, twins(graph, 9))
    part = np.array([0, 1, 0, 1])
    assert figures(coarse, part, 9).km1 == figures(graph, part[[0, 1, 1, 2, 3]], 9).km1


def test_two_pairs_that_talk_are_found():
    listed = [(a, {b}, 5) for a, b in itertools.permutations((0, 2), 2)]
    listed += [(a, {b}, 5) for a, b in itertools.permutations((1, 3), 2)] + [(0, {1}, 1)]
    found = divide(_graph(np.ones(4, np.int64), listed), Limits(2))
    assert found.part.tolist() == [0, 1, 0, 1]
    assert found.figures.km1 == 1


def test_the_axon_limit_divides_what_neurons_would_not():
    listed = [(i, {4 + i}, 3) for i in range(4)]
    graph = _graph(np.ones(8, np.int64), listed)
    assert divide(graph, Limits(8)).figures.axons_max > 6
    found = divide(graph, Limits(8, axons=6))
    assert found.figures.axons_max <= 6
    assert found.unavoidable == 0
    alone = divide(_graph(np.ones(3, np.int64), [(0, {2}, 5), (1, {2}, 4)]), Limits(8, axons=6))
    assert (alone.unavoidable, alone.figures.over_axons) == (1, 1)


def test_the_layer_order_is_the_last_resort(monkeypatch):
    graph = _graph(np.array([3, 4, 3, 4]), [(0, {1}, 2), (2, {3}, 2)])
    monkeypatch.setattr("mapper.partition.annealed._anneal", lambda *args: np.zeros(4, np.int64))
    assert divide(graph, Limits(7)).part.tolist() == [0, 0, 1, 1]
    with pytest.raises(DoesNotFitError, match="no division of 4 atoms was found"):
        divide(_graph(np.ones(4, np.int64), [(0, {2}, 2), (1, {3}, 2)]), Limits(7, axons=3))


def test_refusals_are_named():
    graph = _graph(np.array([3, 9]), [])
    with pytest.raises(DoesNotFitError) as caught:
        divide(graph, Limits(8))
    assert str(caught.value) == (
        "atom 1: an atom holds more neurons than a core [map-atom]\n"
        "  expected: at most 8\n  got: 9\n  hint: make the atoms smaller"
    )
    with pytest.raises(InputError) as wrong:
        divide(graph, Limits(9), effort=0.0)
    assert str(wrong.value) == "effort: the effort of the division must be above 0 [map-option]\n  got: 0.0"
    with pytest.raises(InputError, match="do not fit together"):
        from_nets(np.ones(2, np.int64), np.array([0, 3]), np.array([0, 1]), np.ones(1, np.int64))


def test_the_small_public_net_is_below_its_floor():
    net = group_net("10k")
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    assert (graph.n_nodes, graph.neurons.sum(), len(net.pins)) == (2322, 12_426, 23_562)
    start = figures(graph, in_order(graph, 1024), 1024, 4096)
    assert (start.km1, start.cut_net, start.parts) == (14_272, 12_288, 13)
    found = divide(graph, Limits(1024, 4096), effort=0.3)
    assert found.figures.km1 <= 9_500
    assert (found.figures.over_neurons, found.figures.over_axons, found.figures.parts) == (0, 0, 13)
    reports = []
    told = divide(graph, Limits(1024, 4096), effort=0.01, progress=reports.append)
    assert told.figures.over_neurons == 0
    assert "km1" in reports[-1]
