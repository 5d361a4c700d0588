"""Route choice: the linear bound, the exact choice and its deadlock verdict, against brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from mapper.metrics import link_loads
from mapper.route.choice import _is_acyclic, _links, choose, compare_functions, least_busiest_link
from neurosim.artefacts.mapping import Routes
from neurosim.fabric.topology import build_fabric
from tests.helpers.chips import make_chip


def _routes(pairs, packets):
    source, target = (np.array([p[i] for p in pairs], np.int64) for i in (0, 1))
    none = np.zeros(0, np.int64)
    return Routes("", "", source, target, np.array(packets, float), np.ones(len(pairs), np.int64), "", none, none)


def _brute_force(routes, width):
    """Least busiest link over all choices, walking every route tile by tile."""
    best = None
    for choice in itertools.product((False, True), repeat=len(routes.source)):
        loads: dict[tuple[int, int], float] = {}
        for a, b, w, y_first in zip(routes.source, routes.target, routes.packets, choice, strict=True):
            here, goal = [a % width, a // width], (b % width, b // width)
            for axis in (1, 0) if y_first else (0, 1):
                while here[axis] != goal[axis]:
                    step = 1 if goal[axis] > here[axis] else -1
                    link = (here[1] * width + here[0], axis * 2 + (step > 0))
                    loads[link] = loads.get(link, 0.0) + w
                    here[axis] += step
        most = max(loads.values())
        best = most if best is None else min(best, most)
    return best


@pytest.mark.parametrize("seed", range(4))
def test_the_choice_is_optimal_and_the_bound_is_below(seed):
    rng = np.random.default_rng(seed)
    fabric = build_fabric(make_chip(4, 4))
    pairs = [tuple(rng.choice(16, 2, replace=False).tolist()) for _ in range(9)]
    routes = _routes(pairs, rng.integers(1, 9, 9))
    found = choose(fabric, routes)
    best = _brute_force(routes, 4)
    assert found.status == "optimal"
    assert found.busiest == pytest.approx(best)
    assert found.bound <= best + 1e-6
    assert least_busiest_link(fabric, routes) == pytest.approx(found.bound, abs=1e-6)
    assert found.of_xy == pytest.approx(link_loads(fabric, routes)[:, :4].max())


def test_turning_round_in_a_ring_is_called_a_cycle():
    fabric = build_fabric(make_chip(2, 2))
    corners = _routes([(0, 3), (1, 2), (3, 0), (2, 1)], [1] * 4)  # tiles 0 1 below, 2 3 above
    made = _links(fabric, corners.source, corners.target)
    assert not _is_acyclic(made, np.array([False, True, False, True]))
    assert _is_acyclic(made, np.array([False] * 4))
    assert _is_acyclic(made, np.array([True] * 4))
    assert choose(fabric, _routes([(0, 1), (2, 3)], [1, 1])).verdict == "free"


def test_functions_are_compared_as_the_fabric_walks_them():
    chip = make_chip(3, 3)
    found = compare_functions(chip, _routes([(0, 8), (0, 7), (0, 6)], [1, 1, 1]))
    assert found == {"xy": 2.0, "yx": 3.0}


def test_rings_are_not_chosen_for():
    router = {"routing": "torus_xy", "vc_policy": "dateline", "virtual_channels": 2}
    fabric = build_fabric(make_chip(3, 3, topology="torus", router=router))
    assert choose(fabric, _routes([(0, 8)], [1])) is None
