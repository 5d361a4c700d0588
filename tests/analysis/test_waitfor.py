"""Cycles of run-time wait-for graphs."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.fabric.waitfor import find_wait_cycles, nodes_leading_to


def test_two_cycles_with_tails_and_a_chain_that_ends() -> None:
    waits = {5: 3, 3: 4, 4: 5, 9: 3, 1: 9, 7: 8, 8: 7, 20: 21, 21: 22, 30: 30}
    cycles = find_wait_cycles(waits)
    assert cycles == [[3, 4, 5], [7, 8], [30]]
    assert nodes_leading_to(waits, cycles) == [1, 9]
    assert nodes_leading_to(waits, [[7, 8]]) == []


def test_nothing_waits() -> None:
    assert find_wait_cycles({}) == []
    assert nodes_leading_to({}, []) == []


@settings(deadline=None)
@given(st.dictionaries(st.integers(0, 30), st.integers(0, 30)))
def test_agrees_with_networkx(waits: dict[int, int]) -> None:
    graph = nx.DiGraph(waits.items())
    cycles = find_wait_cycles(waits)
    assert {frozenset(c) for c in cycles} == {frozenset(c) for c in nx.simple_cycles(graph)}
    assert all(waits[a] == b for c in cycles for a, b in zip(c, c[1:] + c[:1], strict=True))
    assert cycles == sorted(cycles)
    inside = {n for c in cycles for n in c}
    expected = {n for n in graph if n not in inside and nx.descendants(graph, n) & inside}
    assert set(nodes_leading_to(waits, cycles)) == expected
