"""Small directed graphs on integers: topological order, strongly connected components, short cycles.

Plain Python on adjacency lists that are visited in ascending order, so every answer is
deterministic.  Used by the channel dependency graph (:mod:`neurosim.fabric.cdg`).
"""

from __future__ import annotations

import heapq
from collections import deque
from collections.abc import Mapping, Sequence

Graph = Mapping[int, Sequence[int]]
"""Successors of every node, in ascending order; every node is a key."""


def topological_order(graph: Graph) -> list[int] | None:
    """The smallest topological order (Kahn), or None if the graph has a cycle."""
    missing = dict.fromkeys(graph, 0)
    for successors in graph.values():
        for node in successors:
            missing[node] += 1
    ready = [node for node, count in missing.items() if count == 0]
    heapq.heapify(ready)
    order = []
    while ready:
        node = heapq.heappop(ready)
        order.append(node)
        for successor in graph[node]:
            missing[successor] -= 1
            if missing[successor] == 0:
                heapq.heappush(ready, successor)
    return order if len(order) == len(graph) else None


def components(graph: Graph) -> list[list[int]]:
    """Connected components of a graph whose edges go both ways, each ascending, by their first nodes."""
    seen: set[int] = set()
    found = []
    for first in sorted(graph):
        if first in seen:
            continue
        seen.add(first)
        waiting, part = [first], []
        while waiting:
            node = waiting.pop()
            part.append(node)
            new = [n for n in graph[node] if n not in seen]
            seen.update(new)
            waiting += new
        found.append(sorted(part))
    return found


def cyclic_components(graph: Graph) -> list[list[int]]:
    """Strongly connected components that hold a cycle (self-loops too), each sorted, by first node.

    Tarjan's algorithm, without recursion.
    """
    index: dict[int, int] = {}
    low: dict[int, int] = {}
    path: list[int] = []
    on_path: set[int] = set()
    found: list[list[int]] = []
    for root in sorted(graph):
        if root in index:
            continue
        work = [(root, iter(graph[root]))]
        index[root] = low[root] = len(index)
        path.append(root)
        on_path.add(root)
        while work:
            node, successors = work[-1]
            for successor in successors:
                if successor not in index:
                    index[successor] = low[successor] = len(index)
                    path.append(successor)
                    on_path.add(successor)
                    work.append((successor, iter(graph[successor])))
                    break
                if successor in on_path:
                    low[node] = min(low[node], index[successor])
            else:
                work.pop()
                if work:
                    low[work[-1][0]] = min(low[work[-1][0]], low[node])
                if low[node] == index[node]:
                    cut = path.index(node) if path[-1] != node else len(path) - 1
                    component = path[cut:]
                    del path[cut:]
                    on_path.difference_update(component)
                    if len(component) > 1 or node in graph[node]:
                        found.append(sorted(component))
    return sorted(found)


def shortest_cycle(graph: Graph, component: Sequence[int]) -> list[int]:
    """A shortest cycle inside a strongly connected ``component``, rotated to its smallest node.

    Breadth first from every node in ascending order, never deeper than the best cycle so far.
    """
    inside = set(component)
    best: list[int] = []
    for start in sorted(component):
        cycle = _cycle_through(graph, inside, start, len(best) or len(inside) + 1)
        if cycle:
            best = cycle
        if len(best) == 1:
            break
    turn = best.index(min(best))
    return best[turn:] + best[:turn]


def _cycle_through(graph: Graph, inside: set[int], start: int, shorter_than: int) -> list[int]:
    parent: dict[int, int] = {}
    queue = deque([(start, 1)])
    while queue:
        node, length = queue.popleft()
        if length >= shorter_than:
            return []
        for successor in graph[node]:
            if successor == start:
                cycle = [node]
                while cycle[-1] != start:
                    cycle.append(parent[cycle[-1]])
                return cycle[::-1]
            if successor in inside and successor not in parent:
                parent[successor] = node
                queue.append((successor, length + 1))
    return []
