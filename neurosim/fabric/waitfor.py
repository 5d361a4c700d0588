"""Wait-for graphs at run time: who can never go on when blocked nodes wait for others.

A node that waits for several others needs all of them (a multicast flit needs each of its branches), so
a cycle through any of them is a deadlock, whole or partial.  Reads a mapping; writes lists; knows no chip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from neurosim.fabric.graphs import cyclic_components, shortest_cycle

Waits = Mapping[int, Sequence[int]]
"""The nodes that a node waits for, ascending; a node that is no key waits for nothing."""


def find_wait_cycles(waits: Waits) -> list[list[int]]:
    """A shortest cycle of every knot of nodes that wait for each other, in linear time but for large knots.

    Where every node waits for one other these are all cycles.  Each starts with its smallest node and
    follows the waiting; cycles are sorted by that node.
    """
    graph = {node: [goal for goal in waits[node] if goal in waits] for node in waits}
    return sorted(shortest_cycle(graph, knot) for knot in cyclic_components(graph))


def nodes_leading_to(waits: Waits, cycles: Iterable[Iterable[int]]) -> list[int]:
    """Nodes outside ``cycles`` that wait, directly or not, for a node of one of them; ascending."""
    inside = {node for cycle in cycles for node in cycle}
    behind: dict[int, list[int]] = {}
    for node, goals in waits.items():
        for goal in goals:
            behind.setdefault(goal, []).append(node)
    doomed, reached = set(inside), list(inside)
    while reached:
        new = [node for node in behind.get(reached.pop(), ()) if node not in doomed]
        doomed.update(new)
        reached += new
    return sorted(doomed - inside)
