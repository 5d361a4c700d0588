"""Routing tables: exceptions to the chip's routing rule that lead flows round what is dead or could deadlock.

Reads a fabric whose routers have tables, and flows; writes a table.  Flows that the rule brings home keep
their way.  The others are taken one after the other, by destination, and get the cheapest way whose
dependencies close no cycle with those of all ways before it, so the whole stays free of deadlock by
construction.  A table knows destinations only: ways to one tile join where they meet, and never part again.

Which flows leave the rule is tried in two ways (:mod:`mapper.route.sparing`), and entries that turn out not
to be needed are taken out again.  Where that finds no way, all packets for the tile take the last virtual
channel, which is kept for it, up and then down a spanning tree (:mod:`mapper.route.updown`); where there is
no channel to spare, those for all do.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper.place.distance import link_weights
from mapper.route.sparing import blamed, is_led, thin
from mapper.route.updown import SpanningTree
from neurosim.artefacts.route_table import RouteTable, make_table
from neurosim.fabric import graphs, walks
from neurosim.fabric.cdg import dependency_graph, replying_cores
from neurosim.fabric.channels import injection_channel, output_channel
from neurosim.fabric.growing import GrowingOrder
from neurosim.fabric.topology import Fabric
from neurosim.rules.ports import EAST, LOCAL, NORTH, OPPOSITE, SOUTH, WEST, is_east_west
from neurosim.rules.routing import BY_POLICY, VC_ZERO, XY, YX

IntArray = NDArray[np.int64]
HOP = 64  # cost of a link, in units of the small costs below
ENTRY = 1
OTHER_VC = 2
TURN = 3 * HOP  # of a turn that the turn models forbid: so many hops more are taken to do without
TRIES = 4  # ways that are searched for one flow; each bans the dependency that closed a cycle
LONGER = 16 * HOP  # than a straight way a search may become
FAR = 1 << 60
CHANNELS_AT_MOST = 50_000  # that a search looks at
FLOWS_AT_MOST = 5_000  # up to which dependencies are followed one by one; above, turn models must do


@dataclass(frozen=True)
class Exceptions:
    """``table`` leads the flows ``rerouted`` (indices); for those ``without`` no free way was found."""

    table: RouteTable | None
    rerouted: IntArray
    without: IntArray


def find_exceptions(
    fabric: Fabric, sources: IntArray, targets: IntArray, last_resort: bool = True, untie: bool = True
) -> Exceptions:
    """The table with which flows ``sources[f] -> targets[f]`` (core numbers, or HOST) all arrive.

    ``fabric`` has no table of its own; its chip's ``router.table_entries`` is the limit per router.  Where
    the rule's own ways could deadlock, flows are led away from the cycle.  Without ``last_resort`` no flow
    that has a way is turned off it.  Without ``untie`` only flows that meet something dead are led, and
    the cycles of the others stay.
    """
    none = np.zeros(0, np.int64)
    if fabric.chip.router.table_entries is None:
        return Exceptions(None, none, none)
    builder = _Builder(fabric, sources, targets, untie)
    found = [_led(builder, last_resort)]
    if builder.n_stuck:
        found.append(_led(_Builder(fabric, sources, targets, untie, by_cycles=True), last_resort))
    best = min(found, key=lambda some: (len(some.without), 0 if some.table is None else some.table.n))
    return _thinned(best, fabric, sources, targets) if len(sources) <= FLOWS_AT_MOST else best


def _thinned(some: Exceptions, fabric: Fabric, sources: IntArray, targets: IntArray) -> Exceptions:
    """``some`` without entries that need not be."""
    if some.table is None or some.without.size:
        return some
    table = thin(fabric, sources, targets, some.table)
    if table is None:
        return Exceptions(None, np.zeros(0, np.int64), some.without)
    led = replace(fabric, table=table)
    flows = [f for f in some.rerouted.tolist() if is_led(led, int(sources[f]), int(targets[f]))]
    return Exceptions(table, np.array(flows, np.int64), some.without)


def _led(builder: _Builder, last_resort: bool) -> Exceptions:
    """A way for every flow that needs one, as far as there are."""
    rerouted: set[int] = set()
    without: list[int] = []
    given_up: set[int] = set()
    for number, flow in enumerate(builder.open):
        if builder.goal(flow) not in given_up and builder.lead(flow):
            rerouted.add(flow)
            continue
        if not last_resort or builder.all_on_trees:
            without += builder.open[number:]
            given_up.update(map(builder.goal, without))
            break
        given_up.add(builder.goal(flow))
        without.append(flow)
    if without and last_resort:
        found = _over_trees(builder, given_up, set(rerouted))
        if found is not None:
            return found
    return _made(builder.entries(builder.ways()), rerouted, without)


def _over_trees(builder: _Builder, goals: set[int], rerouted: set[int]) -> Exceptions | None:
    """Packets for ``goals`` up and down a tree; for all tiles if these have no channel to themselves.

    None if a router has not so many entries, or if it would be all tiles of a large system.
    """
    fabric, spare = builder.fabric, builder.spare
    if spare is None and not builder.all_on_trees:
        return None
    flows: dict[int, list[int]] = {}
    for flow in range(len(builder.sources)):
        flows.setdefault(builder.goal(flow), []).append(flow)
    ways = {} if spare is None else builder.ways()
    fixed = spare if spare is not None else BY_POLICY if fabric.n_vcs == 1 else 0
    without: list[int] = []
    for goal in sorted(goals if spare is not None else flows):
        ports, way = builder.tree.ports(goal), {}
        for flow in flows[goal]:
            router = fabric.tile_of(builder.sources[flow])
            if router != goal and router not in ports:
                without.append(flow)
                continue
            rerouted.add(flow)
            while router != goal and router not in way:
                way[router] = ports[router], fixed
                router = int(fabric.target[router, ports[router]])
        ways[goal] = way
    entries = builder.entries(ways)
    counts = np.bincount([router for router, _ in entries], minlength=1)
    limit = fabric.chip.router.table_entries
    return None if limit is None or counts.max() > limit else _made(entries, rerouted, without)


def _made(
    entries: dict[tuple[int, int], tuple[int, int]], rerouted: Iterable[int], without: Iterable[int]
) -> Exceptions:
    flows = (np.array(sorted(some), np.int64) for some in (rerouted, without))
    return Exceptions(make_table(entries) if entries else None, *flows)


@dataclass(frozen=True)
class _Step:
    """A packet at ``router``, in the channel ``held``; ``before`` are the routers that it came by."""

    held: int
    router: int
    in_port: int
    vc: int
    before: tuple[int, ...]


@dataclass(frozen=True)
class _Hop:
    """Where it may go: ``fixed`` is the VC that an entry names, or BY_POLICY."""

    port: int
    fixed: int
    vc: int
    cost: int
    is_entry: bool


class _Builder:
    """Ways so far: dependencies in ``order``, decisions by goal tile; ``open`` flows still need one."""

    def __init__(
        self, fabric: Fabric, sources: IntArray, targets: IntArray, untie: bool = True,
        by_cycles: bool = False,
    ) -> None:  # fmt: skip
        self.fabric, self.sources, self.targets = fabric, sources.tolist(), targets.tolist()
        self.weights = link_weights(fabric)
        self.is_ring = fabric.chip.mesh.topology == "torus"
        last = fabric.n_vcs - 1
        self.spare = last if last > (0 if fabric.vc_policy == VC_ZERO else 1) else None
        self.all_on_trees = self.spare is None and len(sources) <= FLOWS_AT_MOST  # where one finds no way
        self.tree = SpanningTree(fabric)
        self.room = [fabric.chip.router.table_entries or 0] * fabric.n_routers
        self.replying = replying_cores(fabric, sources, targets)
        self._ways: dict[int, dict[int, tuple[int, int]]] = {}
        home = walks.arrives(fabric, sources, targets)
        self.order: GrowingOrder | None = None
        self.by_cycles = by_cycles
        stuck = [] if self._turns_suffice(len(sources)) else self._start(np.flatnonzero(home))
        stuck = stuck if untie else []  # then they keep the rule's way, cycle and all
        self.n_stuck = len(stuck)
        self._settled: dict[int, list[int]] = {}
        for flow in sorted(set(np.flatnonzero(home).tolist()) - set(stuck)):
            self._settled.setdefault(self.goal(flow), []).append(flow)
        self.open = sorted([*np.flatnonzero(~home).tolist(), *stuck], key=self._rank)

    def _turns_suffice(self, n_flows: int) -> bool:
        """Whether the many flows need no dependencies followed: where bad turns are forbidden, none can close
        a cycle on channel 0, which the rule uses alone, and the spare one is left to the tree."""
        fabric = self.fabric
        is_plain = fabric.routing in (XY, YX) and fabric.vc_policy == VC_ZERO and not self.is_ring
        return n_flows > FLOWS_AT_MOST and is_plain and not self.replying

    def _start(self, home: IntArray) -> list[int]:
        """Follow the dependencies of the flows ``home``; returns those that would close a cycle."""
        sources, targets = (np.array(ends, np.int64)[home] for ends in (self.sources, self.targets))
        graph = dependency_graph(self.fabric, sources, targets, self.replying)
        order = graphs.topological_order(graph)
        self.order = GrowingOrder({}, []) if order is None else GrowingOrder(graph, order)
        if order is not None or len(home) > FLOWS_AT_MOST:
            return []
        edges = {flow: self._rule_edges(flow) for flow in home.tolist()}
        first = blamed(list(edges.values())) if self.by_cycles else None
        last = [] if first is None else home[first].tolist()  # these wait, all others have no cycle
        order_of = [*sorted(set(edges) - set(last)), *last]
        return [flow for flow in order_of if self._add(edges[flow]) is not None]

    def goal(self, flow: int) -> int:
        """The tile that a flow goes to."""
        return self.fabric.tile_of(self.targets[flow])

    def _rank(self, flow: int) -> tuple[int, int, int]:
        """By goal, the nearest sources first: ways grow from the goal like a tree."""
        goal = self.goal(flow)
        return goal, self._at_least(self.fabric.tile_of(self.sources[flow]), goal), flow

    def _rule_edges(self, flow: int) -> list[tuple[int, int]]:
        """Dependencies of a flow on the rule's way."""
        fabric, held, edges = self.fabric, injection_channel(self.fabric, self.sources[flow]), []
        for router, _, _, port, vc in fabric.walk(self.sources[flow], self.targets[flow]):
            wanted = output_channel(fabric, router, port, vc)
            edges.append((held, wanted))
            held = wanted
        return edges + self._reply(held, flow)

    def _reply(self, held: int, flow: int) -> list[tuple[int, int]]:
        target = self.targets[flow]
        return [(held, injection_channel(self.fabric, target))] if target in self.replying else []

    def _add(self, edges: list[tuple[int, int]]) -> tuple[int, int] | None:
        """Add dependencies, all or none; returns the one that would close a cycle, None if they are in."""
        if self.order is None:
            return None
        new: list[tuple[int, int]] = []
        for a, b in edges:
            if self.order.has(a, b):
                continue
            if not self.order.add(a, b):
                self.order.remove(new)
                return a, b
            new.append((a, b))
        return None

    def way(self, goal: int) -> dict[int, tuple[int, int]]:
        """What is decided about packets for tile ``goal``: (port, fixed VC) by router."""
        if goal not in self._ways:
            way = self._ways[goal] = {}
            for flow in self._settled.get(goal, ()):
                for router, _, _, port, _ in self.fabric.walk(self.sources[flow], self.targets[flow])[:-1]:
                    way[router] = (port, BY_POLICY)
        return self._ways[goal]

    def lead(self, flow: int) -> bool:
        """Find a way for ``flow`` and decide for it; False if there is none without a cycle."""
        banned: set[tuple[int, int]] = set()
        way = self.way(self.goal(flow))
        for _ in range(TRIES):
            found = self._search(flow, banned)
            if found is None:
                return False
            edges = [edge for edge, _, _ in found]
            bad = self._add(edges + self._reply(edges[-1][1], flow))
            if bad is None:
                for _, router, hop in found[:-1]:
                    self.room[router] -= router not in way and hop.is_entry
                    way[router] = (hop.port, hop.fixed)
                return True
            banned.add(bad)
        return False

    def ways(self) -> dict[int, dict[int, tuple[int, int]]]:
        """All decisions so far by goal, those of goals that nothing was led to left out."""
        return dict(self._ways)

    def entries(
        self, ways: dict[int, dict[int, tuple[int, int]]]
    ) -> dict[tuple[int, int], tuple[int, int]]:
        """The decisions that are not the rule's own."""
        return {
            (router, goal): (port, fixed)
            for goal, way in ways.items() for router, (port, fixed) in way.items()
            if fixed != BY_POLICY or port != self._rule_port(router, goal)
        }  # fmt: skip

    def _rule_port(self, router: int, goal: int) -> int:
        return self.fabric.route(router, goal, LOCAL)[0]

    def _search(
        self, flow: int, banned: set[tuple[int, int]]
    ) -> list[tuple[tuple[int, int], int, _Hop]] | None:
        """The cheapest way of ``flow``: (dependency, router, hop) per router; None if there is none."""
        fabric, goal, source = self.fabric, self.goal(flow), self.sources[flow]
        tile, in_port = fabric.tile_of(source), fabric.port_of(source)
        start = _Step(injection_channel(fabric, source), tile, in_port, 0, ())
        start_cost = self._at_least(start.router, goal)
        queue = [(start_cost, 0, start.held)]
        steps, came = {start.held: start}, {}
        cost = {start.held: 0}
        done: set[int] = set()
        while queue and len(done) < CHANNELS_AT_MOST and queue[0][0] <= start_cost + LONGER:
            _, here, held = heapq.heappop(queue)
            if held in done:
                continue
            done.add(held)
            step = steps[held]
            for hop in self._hops(step, goal, fabric.port_of(self.targets[flow])):
                wanted = output_channel(fabric, step.router, hop.port, hop.vc)
                after = int(fabric.target[step.router, hop.port])
                if wanted in done or after in step.before or here + hop.cost >= cost.get(wanted, FAR):
                    continue
                if (held, wanted) in banned or not (self.order is None or self.order.allows(held, wanted)):
                    continue
                came[wanted] = (held, step.router, hop)
                if step.router == goal:
                    return self._back(came, wanted)
                cost[wanted] = here + hop.cost
                in_port = int(fabric.target_port[step.router, hop.port])
                steps[wanted] = _Step(wanted, after, in_port, hop.vc, (*step.before, step.router))
                heapq.heappush(queue, (cost[wanted] + self._at_least(after, goal), cost[wanted], wanted))
        return None

    def _back(
        self, came: dict[int, tuple[int, int, _Hop]], last: int
    ) -> list[tuple[tuple[int, int], int, _Hop]]:
        """The way that ends in channel ``last``, from its start."""
        found = []
        while last in came:
            held, router, hop = came[last]
            found.append(((held, last), router, hop))
            last = held
        return found[::-1]

    def _hops(self, step: _Step, goal: int, exit_port: int) -> Iterator[_Hop]:
        """Where a packet for ``goal`` may go: one hop at the goal and where it is decided."""
        fabric, router = self.fabric, step.router
        decided = (exit_port, BY_POLICY) if router == goal else self.way(goal).get(router)
        if decided is not None:
            port, fixed = decided
            vc = fabric.output_vc(router, step.vc, step.in_port, port, fixed)
            is_bad = self.order is None and vc == 0 and self._is_bad_turn(step, port, vc)
            if router == goal or (self._may_take(step, port, vc) and not is_bad):
                yield _Hop(port, fixed, vc, HOP * int(self.weights[router, port]), False)
            return
        rule = self._rule_port(router, goal)
        for port in range(LOCAL):
            if fabric.target[router, port] < 0 or port == step.in_port:
                continue
            policy = fabric.output_vc(router, step.vc, step.in_port, port, BY_POLICY)
            for vc in range(fabric.n_vcs):
                if not self._may_take(step, port, vc):
                    continue
                is_bad = self._is_bad_turn(step, port, vc)
                if self.order is None and (vc not in (0, self.spare) or (is_bad and vc == 0)):
                    continue
                fixed = BY_POLICY if vc == policy else vc
                is_entry = port != rule or fixed != BY_POLICY
                if is_entry and not self.room[router]:
                    continue
                cost = HOP * int(self.weights[router, port]) + ENTRY * is_entry + OTHER_VC * (vc != policy)
                yield _Hop(port, fixed, vc, cost + TURN * is_bad, is_entry)

    def _may_take(self, step: _Step, port: int, vc: int) -> bool:
        """The spare channel is never left, and on it no way goes up again after it went down."""
        if self.spare is None or vc != self.spare:
            return step.vc != self.spare
        if step.vc != vc or step.in_port >= LOCAL or not self.tree.is_up(step.router, port):
            return True
        before = int(self.fabric.target[step.router, step.in_port])
        return self.tree.is_up(before, OPPOSITE[step.in_port])

    def _is_bad_turn(self, step: _Step, port: int, vc: int) -> bool:
        """Whether ways on this channel should not turn so: on even ones never back to the west (or south),
        on odd ones never to the east (or north), from the axis that the rule takes last."""
        if step.in_port >= LOCAL or is_east_west(step.in_port) == is_east_west(port):
            return False
        low, high = (SOUTH, NORTH) if self.fabric.routing == YX else (WEST, EAST)
        return port == (high if vc % 2 else low)

    def _at_least(self, router: int, goal: int) -> int:
        """A lower bound of the cost to ``goal``."""
        if self.is_ring:
            return 0
        (x0, y0), (x1, y1) = self.fabric.xy(router), self.fabric.xy(goal)
        return HOP * (abs(x0 - x1) + abs(y0 - y1))
