"""Graph algorithms on integers, against networkx."""

from __future__ import annotations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.fabric.graphs import cyclic_components, shortest_cycle, topological_order

edges = st.lists(st.tuples(st.integers(0, 14), st.integers(0, 14)), max_size=40)


def graph_of(pairs: list[tuple[int, int]]) -> dict[int, list[int]]:
    graph: dict[int, list[int]] = {node: [] for pair in pairs for node in pair}
    for a, b in sorted(set(pairs)):
        graph[a].append(b)
    return graph


@settings(max_examples=300, deadline=None)
@given(edges)
def test_agrees_with_networkx(pairs: list[tuple[int, int]]) -> None:
    graph = graph_of(pairs)
    theirs = nx.DiGraph(pairs)
    order = topological_order(graph)
    if nx.is_directed_acyclic_graph(theirs):
        assert order == list(nx.lexicographical_topological_sort(theirs))
    else:
        assert order is None
    found = cyclic_components(graph)
    expected = [
        sorted(part)
        for part in nx.strongly_connected_components(theirs)
        if len(part) > 1 or theirs.has_edge(*list(part) * 2)
    ]
    assert found == sorted(expected)
    for component in found:
        cycle = shortest_cycle(graph, component)
        inside = theirs.subgraph(component)
        back = dict(nx.all_pairs_shortest_path_length(inside))
        assert len(cycle) == min(back[b][a] + 1 for a, b in inside.edges)
        assert all(theirs.has_edge(a, b) for a, b in zip(cycle, cycle[1:] + cycle[:1], strict=True))
        assert cycle[0] == min(cycle)
        assert len(set(cycle)) == len(cycle)


def test_a_short_cycle_is_found_after_a_long_one() -> None:
    ring = [(i, (i + 1) % 8) for i in range(8)]
    graph = graph_of([*ring, (5, 6), (6, 5), (3, 9), (9, 10), (10, 3)])
    (component,) = cyclic_components(graph)
    assert shortest_cycle(graph, component) == [5, 6]


def test_a_node_that_waits_for_itself() -> None:
    assert cyclic_components({1: [1], 2: []}) == [[1]]
    assert shortest_cycle({1: [1], 2: []}, [1]) == [1]
    assert topological_order({1: [1], 2: []}) is None


def test_the_smallest_order() -> None:
    assert topological_order({3: [1], 1: [], 2: [], 0: [2]}) == [0, 2, 3, 1]
