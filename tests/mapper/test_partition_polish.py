"""CP-SAT polish and repair: never worse, never over a limit, and the optimum where all cores are freed."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mapper import MapOptions, compile_network
from mapper.partition.polish import Division, polish
from neurosim.chip.loader import edit_chip, load_chip
from tests.mapper.nets import conv_net, dense_net, problems


@st.composite
def divisions(draw):
    """Up to six slices with two resources on up to four cores."""
    n, cores = draw(st.integers(1, 6)), draw(st.integers(1, 4))
    demand = np.array(draw(st.lists(st.tuples(*[st.integers(0, 5)] * 2), min_size=n, max_size=n)), np.int64)
    limit = np.array(draw(st.lists(st.tuples(*[st.integers(1, 9)] * 2), min_size=cores, max_size=cores)))
    home = np.array(draw(st.lists(st.integers(0, cores - 1), min_size=n, max_size=n)), np.int64)
    item = st.integers(0, n - 1)
    edges = draw(st.lists(st.tuples(item, item, st.integers(0, 9)), max_size=8))
    source, target = (np.array([e[k] for e in edges], np.int64) for k in (0, 1))
    return Division(demand, limit.astype(np.int64), home, (source, target, np.array([float(e[2]) for e in edges])))


@settings(max_examples=25, deadline=None)
@given(divisions(), st.integers(0, 2))
def test_never_worse_and_counted_right(division, seed):
    done = polish(division, seed=seed)
    assert done.after <= done.before == division.score(division.home)
    assert done.after == division.score(done.home)
    assert len(done.home) == len(division.home)
    load = [division.demand[done.home == core].sum(axis=0) for core in range(len(division.limit))]
    excess = sum(int(np.maximum(0, a - b).sum()) for a, b in zip(load, division.limit, strict=True))
    assert done.after[0] == excess
    again = polish(division, seed=seed)
    assert np.array_equal(again.home, done.home)


@pytest.mark.parametrize("seed", range(4))
def test_the_optimum_where_all_slices_are_freed_at_once(seed):
    rng = np.random.default_rng(seed)
    n, cores = 7, 3
    demand, limit = rng.integers(1, 6, (n, 2)), np.full((cores, 2), 14)
    source, target = rng.integers(0, n, (2, 12))
    packets = rng.integers(1, 20, 12).astype(float)
    division = Division(demand, limit, rng.integers(0, cores, n), (source, target, packets))
    best = min(division.score(np.array(home)) for home in itertools.product(range(cores), repeat=n))
    assert polish(division).after == best


def test_an_overfull_core_is_repaired_with_an_empty_one():
    demand = np.array([[6], [6], [6]])
    none = (np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0))
    division = Division(demand, np.full((3, 1), 13), np.zeros(3, np.int64), none)
    done = polish(division)
    assert done.before == (5, 1, 0.0)
    assert done.after == (0, 2, 0.0)


def test_layers_share_cores_if_asked_for():
    large = {
        "neurons": 1024, "axons": 2048, "synapse_words": 1 << 15, "target_entries": 1 << 14,
        "index_bits": 12,
    }
    chip = edit_chip(load_chip("tiny"), {f"core.{name}": value for name, value in large.items()})
    plain = compile_network(conv_net(), chip, MapOptions(effort=0.1))
    polished = compile_network(conv_net(), chip, MapOptions(effort=0.1, polish=True))
    assert (len(plain.partition.clusters), len(polished.partition.clusters)) == (3, 1)
    assert problems(polished, chip) == []
    before, report = polished.partition.solver[-2:]
    assert (before.stage, before.method, before.objective) == ("before the polish", "3 cores", 768.0)
    assert (report.stage, report.method) == ("partition polish", "cp-sat neighbourhoods: 1 core")
    assert report.objective == 0.0
    assert before.unit == report.unit == "packets between cores"
    (tiled,) = [r for r in plain.partition.solver if r.stage == "partition traffic"]
    assert tiled.unit == "packets into cores"  # the host's too: not to be compared with the two
    assert report.detail.endswith(" better; cores 3 -> 1, packets between cores 768 -> 0")


def test_a_tight_chip_is_left_within_its_limits():
    chip = edit_chip(load_chip("tiny"), {"core.neurons": 24})
    polished = compile_network(dense_net(8, 40, 40, 10), chip, MapOptions(effort=0.1, polish=True))
    assert problems(polished, chip) == []
    before, after = polished.partition.solver[-2:]
    assert after.stage == "partition polish"
    assert before.objective == after.objective
    assert before.method == after.method.removeprefix("cp-sat neighbourhoods: ")
