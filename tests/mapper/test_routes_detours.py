"""Detours round dead links: shortest that a turn model allows, alive all the way, and without cycles."""

from __future__ import annotations

import numpy as np
import pytest

from mapper.place.distance import link_weights
from mapper.route.choice import _links
from mapper.route.detours import detours, is_free
from neurosim.chip.loader import edit_chip
from neurosim.fabric.topology import build_fabric
from neurosim.fabric.walks import arrives
from tests.helpers.chips import make_chip


def _hurt(seed, side=7):
    chip = make_chip(side, side)
    return edit_chip(chip, {"defects": {"drawn": {"links": 0.93, "seed": seed}}}), chip


@pytest.mark.parametrize("seed", range(3))
def test_every_pair_gets_a_way_that_is_alive_and_free(seed):
    hurt, chip = _hurt(seed)
    fabric, n = build_fabric(hurt), 49
    pairs = [np.repeat(np.arange(n), n), np.tile(np.arange(n), n)]
    found = detours(fabric, *pairs)
    broken = np.flatnonzero(~arrives(fabric, *pairs))
    assert sorted([*found.pair.tolist(), *found.without.tolist()]) == broken.tolist()
    assert len(found.without) < len(broken) / 10
    for pair, path, weight in zip(found.pair.tolist(), found.path, found.weight.tolist(), strict=True):
        here = int(pairs[0][pair])
        for link in path:
            router, direction = divmod(link, 4)
            assert router == here
            here = int(fabric.target[router, direction])
            assert here >= 0
        assert here == pairs[1][pair]
        straight = sum(abs(a - b) for a, b in zip(*(divmod(int(p[pair]), 7) for p in pairs), strict=True))
        assert weight == len(path) >= straight
    whole = build_fabric(chip)
    made = _links(whole, *pairs)
    flow, link = made.pairs[0]
    kept = np.setdiff1d(np.arange(len(pairs[0])), broken)
    plain = [(tuple(link[flow == f].tolist()), 0) for f in kept.tolist()]
    assert is_free([*plain, *zip(found.path, found.channel.tolist(), strict=True)])


def test_a_dead_link_ahead_is_passed_by_two_more_hops():
    chip = edit_chip(make_chip(3, 3), {"defects": {"links": [{"x": 1, "y": 1, "side": "east"}]}})
    found = detours(build_fabric(chip), np.array([3, 5, 3]), np.array([5, 3, 4]))
    assert found.pair.tolist() == [0, 1]
    assert found.weight.tolist() == [4, 4]
    assert found.channel.tolist() == [0, 1]
    assert found.without.size == 0
    assert link_weights(build_fabric(chip))[3, 0] == 1


def test_cycles_are_seen():
    square = [((0, 5), 0), ((5, 14), 0), ((14, 11), 0), ((11, 0), 0)]
    assert not is_free(square)
    assert is_free(square[:3])
    assert is_free([*square[:3], (square[3][0], 1)])
