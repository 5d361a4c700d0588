"""Cycles of run-time wait-for graphs."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.fabric.waitfor import find_wait_cycles, nodes_leading_to


def test_two_cycles_with_tails_and_a_chain_that_ends() -> None:
    ones = {5: 3, 3: 4, 4: 5, 9: 3, 1: 9, 7: 8, 8: 7, 20: 21, 21: 22, 30: 30}
    waits = {node: [goal] for node, goal in ones.items()}
    cycles = find_wait_cycles(waits)
    assert cycles == [[3, 4, 5], [7, 8], [30]]
    assert nodes_leading_to(waits, cycles) == [1, 9]
    assert nodes_leading_to(waits, [[7, 8]]) == []


def test_nothing_waits() -> None:
    assert find_wait_cycles({}) == []
    assert nodes_leading_to({}, []) == []


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 30), st.integers(0, 30)))
def test_all_cycles_where_everybody_waits_for_one(ones: dict[int, int]) -> None:
    graph = nx.DiGraph(ones.items())
    waits = {node: [goal] for node, goal in ones.items()}
    cycles = find_wait_cycles(waits)
    assert {frozenset(c) for c in cycles} == {frozenset(c) for c in nx.simple_cycles(graph)}
    assert all(ones[a] == b for c in cycles for a, b in zip(c, c[1:] + c[:1], strict=True))
    assert cycles == sorted(cycles)
    inside = {n for c in cycles for n in c}
    expected = {n for n in graph if n not in inside and nx.descendants(graph, n) & inside}
    assert set(nodes_leading_to(waits, cycles)) == expected


def test_who_waits_for_several_needs_them_all() -> None:
    # 1 waits for 2, which can go on, and for 3, which waits for 1; 5 waits for 2 and for the knot's 1
    waits = {1: [2, 3], 3: [1], 5: [1, 2], 6: [2], 7: [5]}
    cycles = find_wait_cycles(waits)
    assert cycles == [[1, 3]]
    assert nodes_leading_to(waits, cycles) == [5, 7]


def test_the_shortest_cycle_of_a_knot_is_told() -> None:
    waits = {1: [2], 2: [3], 3: [1, 4], 4: [3], 0: [4]}
    cycles = find_wait_cycles(waits)
    assert cycles == [[3, 4]]
    assert nodes_leading_to(waits, cycles) == [0, 1, 2]


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 12), st.sets(st.integers(0, 12), min_size=1, max_size=3)))
def test_knots_agree_with_networkx(sets: dict[int, set[int]]) -> None:
    waits = {node: sorted(goals) for node, goals in sets.items()}
    graph = nx.DiGraph([(node, goal) for node in waits for goal in waits[node]])
    cycles = find_wait_cycles(waits)
    simple = list(nx.simple_cycles(graph))
    knots = {frozenset(nx.descendants(graph, c[0]) & nx.ancestors(graph, c[0]) | {c[0]}) for c in simple}
    assert len(cycles) == len(knots)
    for cycle in cycles:
        assert cycle[0] == min(cycle)
        assert all(b in waits[a] for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))
        knot = next(k for k in knots if cycle[0] in k)
        assert len(cycle) == min(len(c) for c in simple if c[0] in knot)
    blocked = {node for node in graph if any(set(c) & (nx.descendants(graph, node) | {node}) for c in simple)}
    inside = {n for c in cycles for n in c}
    assert set(nodes_leading_to(waits, cycles)) == blocked - inside
