"""Starts of the placement: every cluster on a core of its own that holds it, and good ones."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper.place.grid import plain_grid
from mapper.place.mincut import bisect, min_cut
from mapper.place.starts import STARTS, best_start, hilbert_index, kinds_for, mend, rows
from tests.mapper.grids import random_grid
from workloads.mapping_nets import layered_net


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
