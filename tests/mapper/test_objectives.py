"""Figures of a placement: worked by hand, and route searches that keep their books."""

from __future__ import annotations

import networkx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper import MapOptions, compile_network
from mapper.anatomy import Anatomy
from mapper.objectives import Nets, cluster_nets, nets_of_pairs, placement_figures, tree_hops, xy_loads
from mapper.place.grid import plain_grid
from mapper.place.shapes import RouteSearch, route_problem
from mapper.route.flows import Flows, cluster_flows
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net

# Three clusters on a 4 x 3 grid: 0 at (0, 0), 1 at (2, 1), 2 at (3, 1); 0 -> 1 of 4 packets, 1 -> 2 of 1.
X, Y = np.array([0, 2, 3]), np.array([0, 1, 1])
SOURCE, TARGET, FLOW = np.array([0, 1, 2]), np.array([1, 2, 2]), np.array([4.0, 1.0, 9.0])  # the last: within


def test_figures_worked_by_hand():
    figures = placement_figures(SOURCE, TARGET, FLOW, X, Y, 4, 3)
    expected = {
        "spike_hops": 4 * 3 + 1 * 1,
        "mean_links": 13 / 5,
        "busiest_link": 4.0,
        "jin_energy": 4 * (3 * 1.1 + 0.1) + 1 * (1.1 + 0.1),
        "jin_latency_mean": (3 * 1.01 + 0.01 + 1.01 + 0.01) / 2,
        "jin_latency_max": 3 * 1.01 + 0.01,
        "jin_congestion_mean": 13 / (2 * 12 - 4 - 3),
        "jin_congestion_max": 2.0,  # 4 packets over two rows; the columns carry 4 / 3 each
        "ronzani_energy": 4 * (4 * 1.0 + 3 * 0.1) + 1 * (2 * 1.0 + 0.1),
        "ronzani_latency_mean": (4 * (4 + 3 * 0.01) + 1 * (2 + 0.01)) / 5,
        "ronzani_latency_max": 4 + 3 * 0.01,
        "ronzani_congestion_mean": (4 * 4 + 1 * 2) / 12,  # a path of d hops lies on d + 1 cores
        "ronzani_congestion_max": 4 + 1.0,  # core (2, 1): all of both flows
    }
    assert figures == pytest.approx(expected)


def test_links_of_a_route_are_those_of_its_row_and_then_its_column():
    loads = xy_loads(np.array([0, 1]), np.array([1, 0]), np.array([4.0, 1.0]), X, Y, 4, 3)
    east, north, west, south = loads
    assert np.argwhere(east).tolist() == [[0, 0], [0, 1]]
    assert np.argwhere(north).tolist() == [[0, 2]]
    assert np.argwhere(west).tolist() == [[1, 1], [1, 2]]
    assert np.argwhere(south).tolist() == [[1, 0]]
    assert loads.sum() == 4 * 3 + 1 * 3


def tree_by_links(source: int, pins: list[int], x: np.ndarray, y: np.ndarray) -> int:
    """Links of the union of routes, counted in a graph."""
    graph = networkx.Graph()
    for pin in pins:
        path = [(a, y[source]) for a in range(x[source], x[pin], 1 if x[pin] > x[source] else -1)]
        path += [(x[pin], b) for b in range(y[source], y[pin], 1 if y[pin] > y[source] else -1)]
        path.append((x[pin], y[pin]))
        networkx.add_path(graph, path)
    return graph.number_of_edges()


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(2, 9))
def test_trees_are_the_union_of_their_routes(seed, n):
    rng = np.random.default_rng(seed)
    x, y = rng.integers(0, 6, n), rng.integers(0, 6, n)
    pins = [np.flatnonzero((rng.random(n) < 0.5) & (np.arange(n) != s)) for s in range(n)]
    pointer = np.concatenate([[0], np.cumsum([len(p) for p in pins])])
    flow = rng.integers(1, 5, n).astype(float)
    nets = Nets(n - 1, np.arange(n), pointer, np.concatenate(pins), flow)
    expected = sum(f * tree_by_links(s, p.tolist(), x, y) for s, (p, f) in enumerate(zip(pins, flow, strict=True)))
    assert tree_hops(nets, x, y) == pytest.approx(expected)


def test_a_net_of_one_pin_each_is_what_pairs_make():
    nets = nets_of_pairs(3, SOURCE, TARGET, FLOW)
    assert (nets.source.tolist(), nets.pins.tolist(), nets.flow.tolist()) == ([0, 1], [1, 2], [4.0, 1.0])
    at = (np.append(X, 0), np.append(Y, 0))
    assert tree_hops(nets, *at) == 13.0  # one pin a net: its hops


def test_nets_hold_what_flows_hold_and_no_copy_twice():
    net = conv_net()
    mapping = compile_network(net, make_chip(width=5, height=5, core={"neurons": 32}), MapOptions(effort=0.05))
    spikes = {p.name: np.arange(p.n) % 3 + 0.5 for p in mapping.network.populations}
    anatomy, clusters = Anatomy(mapping.network, spikes), mapping.partition.clusters
    nets, flows = cluster_nets(anatomy, clusters), cluster_flows(anatomy, clusters)
    assert nets.n == len(clusters)
    pairs = set()
    for k, source in enumerate(nets.source.tolist()):
        pins = nets.pins[nets.pointer[k] : nets.pointer[k + 1]].tolist()
        assert pins == sorted(set(pins))
        assert source not in pins
        pairs |= {(source, pin) for pin in pins}
    away = flows.source != flows.target
    assert pairs == set(zip(flows.source[away].tolist(), flows.target[away].tolist(), strict=True))
    # Where no neuron reaches a core over two entries, nets and flows carry the same packets.
    lengths = np.diff(nets.pointer)
    assert (nets.flow * lengths).sum() <= flows.spikes[away].sum() + 1e-9
    senders = np.concatenate([s for name, s in spikes.items() if name != "out"]).sum()
    assert senders <= nets.flow.sum() + 1e-9 <= senders + spikes["out"].sum() + 2e-9


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 10**6), st.sampled_from([(1.0, 0.0, 0.0), (0.0, 1.0, 0.0), (0.1, 0.0, 1.0), (1.0, 1.0, 1.0)]))
def test_route_searches_keep_their_books(seed, weights):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    source, target = np.nonzero((rng.random((n + 1, n + 1)) < 0.3) & ~np.eye(n + 1, dtype=bool))
    flow = rng.integers(0, 6, len(source)) / 2.0
    flows = Flows(n, source, target, flow, np.ones(len(source), np.int64))
    inner = (source < n) & (target < n)
    grid = plain_grid(n, source[inner], target[inner], flow[inner], 4, 4, chip=(2, 2), crossing_hops=3)
    host = (0, 0, 0, 0)
    pins = [np.flatnonzero((rng.random(n + 1) < 0.4) & (np.arange(n + 1) != s)) for s in range(n + 1)]
    pointer = np.concatenate([[0], np.cumsum([len(p) for p in pins])])
    nets = Nets(n, np.arange(n + 1), pointer, np.concatenate(pins), rng.random(n + 1))
    problem = route_problem(grid, flows, nets, host, weights)
    run = RouteSearch(problem, np.arange(n), seed)
    for heat in (0.2, 0.0):
        run.chunk(300, heat)
        position = run.where[:-1, 4].astype(np.int64)
        loads = run.loads.copy()
        hops, trees, busiest = run.figures(position)
        np.testing.assert_allclose(loads, run.loads, atol=1e-9)  # kept up to date by the moves
        place = np.concatenate([grid.place[position], [host]])
        gap = np.abs(place[source, :2] - place[target, :2]).sum(axis=1)
        assert hops == pytest.approx(float((flow * gap).sum()))
        at = (place[:, 2].astype(np.int64), place[:, 3].astype(np.int64))
        assert busiest == pytest.approx(xy_loads(source, target, flow, *at, 4, 4).max(initial=0.0))
        far = (place[:, 0].astype(np.int64), place[:, 1].astype(np.int64))
        assert trees == pytest.approx(tree_hops(nets, *far))
        assert len(set(position.tolist())) == n
        assert run.present == pytest.approx(run.cost(position), abs=1e-9)  # the sum of all accepted changes
    assert run.least <= run.cost(np.arange(n)) + 1e-9
    assert run.least == pytest.approx(run.cost(run.best))
