"""Fewer exceptions to the routing rule: which flows must leave it, and which entries can be done without.

:func:`blamed` breaks every cycle of dependencies where the fewest flows make it.  :func:`thin` takes entries
out of a table again, for as long as all flows arrive and nothing can deadlock.  Both look at dependencies one
by one, so they are for thousands of flows, not for millions.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from neurosim.artefacts.route_table import RouteTable, make_table
from neurosim.fabric import graphs
from neurosim.fabric.cdg import replying_cores
from neurosim.fabric.channels import injection_channel, output_channel
from neurosim.fabric.growing import GrowingOrder
from neurosim.fabric.topology import TO_CORE, TO_HOST, Fabric
from neurosim.fabric.walks import IntArray

Edge = tuple[int, int]
Entries = dict[int, tuple[int, int]]
"""(port, VC) by router, of one goal tile."""

CYCLES_AT_MOST = 400  # that are broken one by one
HOPS_AT_MOST = 100_000  # that are walked to weigh entries; about two seconds


def blamed(edges: Sequence[Sequence[Edge]]) -> list[int] | None:
    """The flows to take out of ``edges`` (dependencies by flow) so that no cycle is left; None if too many.

    Of each cycle in turn, the shortest one of the smallest tangle, the dependency that the fewest flows make
    is done without.
    """
    makers: dict[Edge, set[int]] = {}
    for flow, made in enumerate(edges):
        for edge in made:
            makers.setdefault(edge, set()).add(flow)
    out: set[int] = set()
    for _ in range(CYCLES_AT_MOST):
        tangles = graphs.cyclic_components(_graph(makers))
        if not tangles:
            return sorted(out)
        for tangle in tangles:  # they share no node, so each can be cut by itself
            cycle = graphs.shortest_cycle(_graph(makers), tangle)
            links = list(zip(cycle, cycle[1:] + cycle[:1], strict=True))
            out |= _taken_out(min(links, key=lambda e: (len(makers[e]), e)), makers, edges)
    return None


def _taken_out(edge: Edge, makers: dict[Edge, set[int]], edges: Sequence[Sequence[Edge]]) -> set[int]:
    """The flows that make ``edge``; ``makers`` is left without them."""
    flows = set(makers[edge])
    for flow in flows:
        for made in edges[flow]:
            makers[made].discard(flow)
    for made in {made for flow in flows for made in edges[flow]}:
        if not makers[made]:
            del makers[made]
    return flows


def _graph(makers: dict[Edge, set[int]]) -> dict[int, list[int]]:
    graph: dict[int, list[int]] = {}
    for a, b in sorted(makers):
        graph.setdefault(a, []).append(b)
        graph.setdefault(b, [])
    return graph


def thin(fabric: Fabric, sources: IntArray, targets: IntArray, table: RouteTable) -> RouteTable | None:
    """``table`` without entries that the flows do not need to arrive free of deadlock; None if that is all.

    ``fabric`` has no table of its own.  A table that does not free its flows stays as it is.
    """
    search = _Thin(fabric, sources, targets, table)
    if not search.is_free:
        return table
    search.run()
    entries = {
        (router, goal): entry for goal, way in search.entries.items() for router, entry in way.items()
    }
    return make_table(entries) if entries else None


def is_led(fabric: Fabric, source: int, target: int) -> bool:
    """Whether the fabric's table has a say on a flow's way."""
    goal = fabric.tile_of(target)
    return any(fabric.exception(router, goal) is not None for router, *_ in fabric.walk(source, target))


class _Thin:
    """Ways by goal tile, and the dependencies that they all make."""

    def __init__(self, fabric: Fabric, sources: IntArray, targets: IntArray, table: RouteTable) -> None:
        self.fabric, self.hops = fabric, HOPS_AT_MOST
        self.replying = replying_cores(fabric, sources, targets)
        self.flows: dict[int, list[Edge]] = {}
        for source, target in zip(sources.tolist(), targets.tolist(), strict=True):
            self.flows.setdefault(fabric.tile_of(target), []).append((source, target))
        self.entries: dict[int, Entries] = {}
        columns = (table.router, table.goal, table.port, table.vc)
        for router, goal, port, vc in zip(*(c.tolist() for c in columns), strict=True):
            self.entries.setdefault(goal, {})[router] = (port, vc)
        self.edges: dict[int, set[Edge]] = {}
        self.makers: Counter[Edge] = Counter()
        lost = False
        for goal in sorted(self.flows):
            made = self._edges(goal, self.entries.get(goal, {}))
            lost |= made is None
            self.edges[goal] = made or set()
            self.makers.update(self.edges[goal])
        graph = _graph({edge: set() for edge in self.makers})
        order = graphs.topological_order(graph)
        self.is_free = order is not None and not lost
        self.order = GrowingOrder(graph, order or [])

    def run(self) -> None:
        """Take out the entries of whole tiles, those with the most first, then single ones."""
        for goal in sorted(self.entries, key=lambda g: (-len(self.entries[g]), g)):
            self._try(goal, {})
        for goal in sorted(self.entries):
            for router in sorted(self.entries[goal]):
                less = {r: entry for r, entry in self.entries[goal].items() if r != router}
                if len(less) < len(self.entries[goal]):
                    self._try(goal, less)
        self.entries = {goal: way for goal, way in self.entries.items() if way}

    def _try(self, goal: int, way: Entries) -> None:
        """Let the entries for ``goal`` be ``way``, if all its flows then arrive and close no cycle."""
        made = self._edges(goal, way) if self.hops > 0 else None
        if made is None:
            return
        old = self.edges.get(goal, set())
        gone = sorted(e for e in old - made if self.makers[e] == 1)
        self.order.remove(gone)
        new: list[Edge] = []
        for a, b in sorted(e for e in made - old if not self.makers[e]):
            if not self.order.add(a, b):
                self.order.remove(new)
                for c, d in gone:
                    self.order.add(c, d)
                return
            new.append((a, b))
        self.makers.subtract(old)
        self.makers.update(made)
        self.entries[goal], self.edges[goal] = way, made

    def _edges(self, goal: int, way: Entries) -> set[Edge] | None:
        """Dependencies of all flows to ``goal`` by these entries; None if one does not arrive."""
        table = make_table({(router, goal): entry for router, entry in way.items()})
        fabric, found = replace(self.fabric, table=table), set[Edge]()
        done: set[tuple[int, int, int, int]] = set()
        for source, target in self.flows.get(goal, ()):
            held, exit_port = injection_channel(fabric, source), fabric.port_of(target)
            router, in_port, vc = fabric.tile_of(source), fabric.port_of(source), 0
            mine: set[tuple[int, int, int, int]] = set()
            while (router, in_port, vc, target) not in done:
                mine.add((router, in_port, vc, target))
                self.hops -= 1
                port, fixed = fabric.route(router, goal, exit_port)
                vc = fabric.output_vc(router, vc, in_port, port, fixed)
                wanted = output_channel(fabric, router, port, vc)
                found.add((held, wanted))
                held, behind = wanted, int(fabric.target[router, port])
                if behind < 0:
                    if behind not in (TO_CORE, TO_HOST):
                        return None
                    if target in self.replying:
                        found.add((held, injection_channel(fabric, target)))
                    break
                router, in_port = behind, int(fabric.target_port[router, port])
                if (router, in_port, vc, target) in mine:
                    return None
            done |= mine
        return found
