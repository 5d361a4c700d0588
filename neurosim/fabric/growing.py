"""A directed graph that grows by single edges and never gets a cycle.

Keeps a topological order and mends it as edges come, looking only at nodes between the edge's ends (Pearce
and Kelly, ACM Journal of Experimental Algorithmics 11, 2006).  Route searches ask it which dependency they
may still add.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence


class GrowingOrder:
    """Starts from an acyclic ``graph`` (successors by node) and its topological ``order``."""

    def __init__(self, graph: Mapping[int, Sequence[int]], order: Sequence[int]) -> None:
        self._after: dict[int, set[int]] = {node: set(successors) for node, successors in graph.items()}
        self._before: dict[int, set[int]] = {node: set() for node in graph}
        for node, successors in graph.items():
            for successor in successors:
                self._before[successor].add(node)
        self._place = {node: place for place, node in enumerate(order)}

    def allows(self, a: int, b: int) -> bool:
        """Whether the edge ``a -> b`` would make no cycle."""
        place = self._place
        if a not in place or b not in place or place[a] < place[b]:
            return a != b
        return self._ahead(a, b) is not None

    def add(self, a: int, b: int) -> bool:
        """Add the edge ``a -> b`` unless it would make a cycle; returns whether it is there now."""
        for node in (a, b):
            if node not in self._place:
                self._place[node] = len(self._place)
                self._after[node], self._before[node] = set(), set()
        if self._place[a] >= self._place[b]:
            ahead = self._ahead(a, b)
            if ahead is None:
                return False
            self._reorder([*sorted(self._behind(a, b), key=self._place.__getitem__),
                           *sorted(ahead, key=self._place.__getitem__)])  # fmt: skip
        self._after[a].add(b)
        self._before[b].add(a)
        return True

    def has(self, a: int, b: int) -> bool:
        """Whether the edge is there."""
        return b in self._after.get(a, ())

    def remove(self, edges: Iterable[tuple[int, int]]) -> None:
        """Take edges away; the order stays one."""
        for a, b in edges:
            self._after[a].discard(b)
            self._before[b].discard(a)

    def _ahead(self, a: int, b: int) -> set[int] | None:
        """Nodes that ``b`` leads to and that stand before ``a``; None if it leads to ``a``."""
        limit, seen, waiting = self._place[a], {b}, [b]
        while waiting:
            node = waiting.pop()
            if node == a:
                return None
            new = [n for n in self._after[node] if n not in seen and self._place[n] <= limit]
            seen.update(new)
            waiting += new
        return seen

    def _behind(self, a: int, b: int) -> set[int]:
        """Nodes that lead to ``a`` and stand after ``b``."""
        limit, seen, waiting = self._place[b], {a}, [a]
        while waiting:
            new = [n for n in self._before[waiting.pop()] if n not in seen and self._place[n] > limit]
            seen.update(new)
            waiting += new
        return seen

    def _reorder(self, nodes: list[int]) -> None:
        """Give ``nodes`` their own places in this order."""
        places = sorted(self._place[node] for node in nodes)
        self._place.update(zip(nodes, places, strict=True))
