"""The fabric against published figures and closed formulas."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines.base import RunOptions
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.traffic import one, uniform

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)

# BookSim 2, 8x8 mesh, dimension order, 1 VC of 4 flits, uniform traffic with self (its figures count
# one sink cycle more); see section 3 of neurosim/rules/README.md.
BOOKSIM_LATENCY = {0.01: 20.76, 0.05: 20.82, 0.1: 21.04, 0.2: 21.92, 0.25: 24.88}


def stratified(load: float, cycles: int, seed: int):
    """Uniform traffic whose destinations are balanced, so that the mean distance is exact."""
    traffic = uniform(64, load, cycles, seed)
    rng = np.random.default_rng(seed + 1)
    target = traffic.target.copy()
    for source in range(64):
        mine = np.flatnonzero(traffic.source == source)
        target[mine] = rng.permutation(np.resize(rng.permutation(64), len(mine)))
    return type(traffic)(traffic.cycle, traffic.source, target)


@pytest.mark.parametrize("load", BOOKSIM_LATENCY)
def test_latency_curve_of_the_8x8_mesh(engine, load):
    cycles = {0.01: 12_000, 0.05: 4_000, 0.1: 3_000, 0.2: 4_000, 0.25: 12_000}[load]
    warm_up = 800 if load < 0.25 else 2000
    # balanced destinations take the noise of the distances away; near saturation they would also take
    # real queueing away, so there the traffic is fully random
    traffic = stratified(load, cycles, seed=3) if load < 0.2 else uniform(64, load, cycles, seed=3)
    result = engine.run_traffic(make_chip(8, 8), traffic, 10**9, RunOptions())
    counted = traffic.cycle > warm_up
    latency = (result.arrive - result.inject)[counted].mean()
    assert latency == pytest.approx(BOOKSIM_LATENCY[load] - 1, rel=0.01)


def test_saturation_of_the_8x8_mesh(engine):
    cycles, warm_up = 4000, 1000
    traffic = uniform(64, 0.4, cycles, seed=5)
    result = engine.run_traffic(make_chip(8, 8), traffic, cycles, RunOptions())
    accepted = ((result.arrive > warm_up) & (result.arrive <= cycles)).sum()
    assert accepted / (cycles - warm_up) / 64 == pytest.approx(0.274, abs=0.003)
    assert result.verdict.status == "limit"


def test_zero_load_latency_is_the_formula(engine):
    hop = {"east_west": 4, "north_south": 7, "local": 2}
    chip = make_chip(5, 4, router={"hop_cycles": hop, "injection_cycles": 3})
    for source in (0, 7, 19):
        for target in range(20):
            dx = abs(source % 5 - target % 5)
            dy = abs(source // 5 - target // 5)
            result = engine.run_traffic(chip, one(source, target), 10_000, RunOptions())
            assert result.arrive[0] - 1 == 3 + 4 * dx + 7 * dy + 2


def test_a_link_gives_buffer_over_credit_loop(engine):
    # loop = hop 3 + credit 2; with b slots a link carries min(1, b / 5) flits a cycle
    for buffers, expected in ((1, 0.2), (2, 0.4), (3, 0.6), (4, 0.8), (5, 1.0), (8, 1.0)):
        chip = make_chip(2, 1, router={"buffer_flits": buffers})
        n = 500
        traffic = type(one(0, 1))(np.ones(n, np.int64), np.zeros(n, np.int64), np.ones(n, np.int64))
        result = engine.run_traffic(chip, traffic, 100_000, RunOptions())
        rate = (n - 100) / (result.arrive[n - 1] - result.arrive[99])
        assert rate == pytest.approx(expected, rel=0.02)
