"""Routing tables by other witnesses than the shared rule: ways followed by hand, order kept by networkx."""

from __future__ import annotations

import dataclasses

import networkx as nx
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.chip.loader import edit_chip
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.growing import GrowingOrder
from neurosim.fabric.topology import build_fabric
from neurosim.rules.routing import find_exception
from tests.helpers.chips import make_chip
from tests.helpers.routes import random_table, spare_links
from tests.helpers.traffic import uniform

RELAXED = settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
STEP = ((1, 0), (0, 1), (-1, 0), (0, -1))  # east, north, west, south: the contract's, section 3


@st.composite
def hurt_meshes(draw):
    """An XY mesh with some dead links, and a table by which everybody reaches everybody."""
    chip = make_chip(
        draw(st.integers(2, 5)), draw(st.integers(2, 5)), flits=draw(st.integers(1, 2)),
        router={"table_entries": 32, "virtual_channels": draw(st.integers(1, 2)), "buffer_flits": 4},
    )  # fmt: skip
    seed = draw(st.integers(0, 10**6))
    links = spare_links(build_fabric(chip), seed)
    chip = edit_chip(chip, {"defects": {"links": links}}) if links else chip
    return chip, random_table(build_fabric(chip), seed, share=1.0)


def way_by_hand(chip, entries, source, target):
    """(router, port) of every hop: coordinates, a dictionary and X before Y, and nothing of the project's."""
    width = chip.mesh.width
    x, y = source % width, source // width
    goal = (target % width, target // width)
    hops = []
    while (x, y) != goal:
        port = entries.get((y * width + x, target))
        if port is None:
            port = (0 if goal[0] > x else 2) if goal[0] != x else (1 if goal[1] > y else 3)
        hops.append((y * width + x, port))
        x, y = x + STEP[port][0], y + STEP[port][1]
    return [*hops, (target, 4)]


@pytest.mark.parametrize("engine", [ReferenceEngine(), CompiledEngine()], ids=["reference", "compiled"])
@RELAXED
@given(case=hurt_meshes(), seed=st.integers(0, 10**6))
def test_flits_go_where_the_table_says(engine, case, seed):
    chip, table = case
    n = chip.mesh.width * chip.mesh.height
    entries = dict(zip(zip(table.router.tolist(), table.goal.tolist(), strict=True), table.port.tolist(), strict=True))
    few = uniform(n, 0.02, 30, seed)
    lonely = dataclasses.replace(few, cycle=np.arange(len(few.cycle)) * 400 + 1, table=table)  # no two at a time
    result = engine.run_traffic(chip, lonely, 10**6, RunOptions())
    expected = np.zeros((n, 5), np.int64)
    for p, (source, target) in enumerate(zip(lonely.source.tolist(), lonely.target.tolist(), strict=True)):
        way = way_by_hand(chip, entries, source, target)
        for router, port in way:
            expected[router, port] += chip.packet.flits
        flight = 1 + 3 * len(way) + chip.packet.flits - 1  # injection, 3 a hop, one cycle more per flit
        assert result.arrive[p] == lonely.cycle[p] + flight
    np.testing.assert_array_equal(result.port_flits, expected)


@RELAXED
@given(goals=st.lists(st.integers(0, 40), unique=True).map(sorted), goal=st.integers(-1, 41), data=st.data())
def test_an_exception_is_found_where_it_stands(goals, goal, data):
    first = data.draw(st.integers(0, len(goals)))
    last = data.draw(st.integers(first, len(goals)))
    inside = goals[first:last]
    assert find_exception(goals, first, last, goal) == (first + inside.index(goal) if goal in inside else -1)


@RELAXED
@given(edges=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), max_size=40), data=st.data())
def test_a_growing_order_takes_what_makes_no_cycle(edges, data):
    start = [(a, b) for a, b in edges[:4] if a < b]
    nodes = sorted({node for edge in start for node in edge})
    graph = {node: sorted({b for a, b in start if a == node}) for node in nodes}
    ours, theirs = GrowingOrder(graph, nodes), nx.DiGraph(start)
    for a, b in edges:
        theirs.add_edge(a, b)
        is_free = nx.is_directed_acyclic_graph(theirs)
        assert ours.allows(a, b) == ours.add(a, b) == is_free
        if not is_free:
            theirs.remove_edge(a, b)
        elif data.draw(st.integers(0, 4)) == 0:
            ours.remove([(a, b)])
            theirs.remove_edge(a, b)
        assert ours.has(a, b) == theirs.has_edge(a, b)
