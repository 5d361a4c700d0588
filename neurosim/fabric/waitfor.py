"""Wait-for graphs at run time: who is in a deadlock when every blocked node waits for one other.

With deterministic routing a blocked buffer waits for exactly one thing, so the graph is functional
and every cycle in it is a deadlock, whole or partial.  Reads a mapping; writes lists; knows no chip.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping


def find_wait_cycles(waits: Mapping[int, int]) -> list[list[int]]:
    """All cycles of a functional graph in linear time.

    ``waits[a]`` is the node that ``a`` waits for; a node that is no key waits for nothing.  Each
    cycle starts with its smallest node and follows the waiting; cycles are sorted by that node.
    """
    visited_from: dict[int, int] = {}
    cycles = []
    for start in sorted(waits):
        node = start
        while node in waits and node not in visited_from:
            visited_from[node] = start
            node = waits[node]
        if visited_from.get(node) == start:
            cycles.append(_cycle_from(waits, node))
    return sorted(cycles)


def _cycle_from(waits: Mapping[int, int], node: int) -> list[int]:
    cycle = [node]
    while waits[cycle[-1]] != node:
        cycle.append(waits[cycle[-1]])
    turn = cycle.index(min(cycle))
    return cycle[turn:] + cycle[:turn]


def nodes_leading_to(waits: Mapping[int, int], cycles: Iterable[Iterable[int]]) -> list[int]:
    """Nodes outside ``cycles`` that wait, directly or not, for a node of one of them; ascending."""
    doomed = {node for cycle in cycles for node in cycle}
    inside = set(doomed)
    safe: set[int] = set()
    for start in sorted(waits):
        path, node = [], start
        while node in waits and node not in doomed and node not in safe:
            path.append(node)
            safe.add(node)  # closes any cycle that is not among ``cycles``
            node = waits[node]
        if node in doomed:
            safe.difference_update(path)
            doomed.update(path)
    return sorted(doomed - inside)
