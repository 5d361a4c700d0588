"""Walking many flows at once: the routing of a fabric, tabulated on demand and followed by arrays.

A packet's next hop depends only on (router, input port, virtual channel, goal), so flows that meet in
such a state are one walk from there on.  The rules themselves are asked through
:class:`~neurosim.fabric.topology.Fabric` and :mod:`neurosim.rules.routing`, never repeated here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.errors import MismatchError
from neurosim.fabric.channels import injection_channel, n_channel_numbers, n_output_channels
from neurosim.fabric.topology import NOTHING, Fabric
from neurosim.rules import routing

IntArray = NDArray[np.int64]
MAX_STATES = 1 << 24  # states (router, port, vc, goal) that are marked at once: 16 MB


@dataclass(frozen=True)
class Heads:
    """Where packets stand: arrays of one length; ``channel`` is the channel that each holds."""

    router: IntArray
    in_port: IntArray
    vc: IntArray
    goal: IntArray
    channel: IntArray

    def pick(self, index: NDArray[np.intp] | NDArray[np.bool_]) -> Heads:
        """The packets that ``index`` (integers or a mask) selects."""
        return Heads(
            self.router[index], self.in_port[index], self.vc[index], self.goal[index],
            self.channel[index],
        )  # fmt: skip


def check_flows(fabric: Fabric, sources: IntArray, targets: IntArray) -> None:
    """Refuse flows that name cores which the fabric does not have.

    Raises:
        MismatchError: arrays of unequal length, or a core number outside the system.
    """
    if sources.shape != targets.shape or sources.ndim != 1:
        raise MismatchError(
            "sources and targets of the flows differ in shape",
            code="flows-shape",
            where="flows",
            expected=f"targets of shape {sources.shape}",
            got=str(targets.shape),
        )
    lowest = HOST if fabric.chip.host is not None else 0
    for cores in (sources, targets):
        wrong = np.flatnonzero((cores < lowest) | (cores >= fabric.n_cores))
        if wrong.size:
            raise MismatchError(
                "a flow names a core that the chip does not have",
                code="flows-core",
                where=f"flow {int(wrong[0])}",
                expected=f"a core from {lowest} to {fabric.n_cores - 1}",
                got=str(int(cores[wrong[0]])),
            )


class Walker:
    """Follows packets to the cores ``goals`` (core numbers, or HOST), many at a time."""

    def __init__(self, fabric: Fabric, goals: IntArray) -> None:
        self.fabric = fabric
        self._goal_tile = np.array([fabric.tile_of(int(g)) for g in goals], np.int64)
        self._exit_port = np.array([fabric.port_of(int(g)) for g in goals], np.int64)
        self._next_port = np.full((fabric.n_routers, len(goals)), -1, np.int8)
        self._vc = _vc_table(fabric)

    def start(self, sources: IntArray, goal: IntArray) -> Heads:
        """Packets in the injection channels of ``sources``; ``goal`` indexes this walker's goals."""
        cores, index = np.unique(sources, return_inverse=True)
        columns = [
            np.array([f(int(c)) for c in cores], np.int64).reshape(-1)[index]
            for f in (
                self.fabric.tile_of,
                self.fabric.port_of,
                lambda core: injection_channel(self.fabric, core),
            )
        ]
        return Heads(columns[0], columns[1], np.zeros_like(goal), goal, columns[2])

    def advance(self, heads: Heads) -> tuple[IntArray, Heads, NDArray[np.bool_]]:
        """One hop of every packet.

        Returns:
            the channel that each packet takes next, where it then stands, and whether it still has
            to go on (False: it is in its receive FIFO).

        Raises:
            MismatchError: the routing function leads to a port on which nothing hangs.
        """
        fabric = self.fabric
        channel, after, goes_on = self.advance_or_lose(heads)
        lost = np.flatnonzero(after.router == NOTHING)
        if lost.size:
            router, out = divmod(int(channel[lost[0]]) // fabric.n_vcs, fabric.n_ports)
            raise MismatchError(
                "the routing function leads to a port on which nothing hangs",
                code="route-into-nothing",
                where=fabric.describe(router, out),
            )
        return channel, after, goes_on

    def advance_or_lose(self, heads: Heads) -> tuple[IntArray, Heads, NDArray[np.bool_]]:
        """As :meth:`advance`, but a packet that is led into nothing then stands at router NOTHING."""
        fabric = self.fabric
        port = self._ports(heads.router, heads.goal)
        target = fabric.target[heads.router, port]
        crosses = fabric.crosses[heads.router, port].astype(np.int64)
        wraps = fabric.wraps[heads.router, port].astype(np.int64)
        vc = self._vc[heads.vc, heads.in_port, port, crosses, wraps]
        if fabric.table is not None:
            _, fixed = fabric.exceptions(heads.router, self._goal_tile[heads.goal])
            vc = np.where(fixed == routing.BY_POLICY, vc, fixed)
        channel = (heads.router * fabric.n_ports + port) * fabric.n_vcs + vc
        after = Heads(target, fabric.target_port[heads.router, port], vc, heads.goal, channel)
        return channel, after, target >= 0

    def _ports(self, router: IntArray, goal: IntArray) -> IntArray:
        port = self._next_port[router, goal]
        unknown = np.flatnonzero(port < 0)
        if unknown.size:
            keys = np.sort(router[unknown] * self._next_port.shape[1] + goal[unknown])
            keys = keys[np.append(True, keys[1:] != keys[:-1])]  # np.unique takes ten times as long
            self._next_port.reshape(-1)[keys] = self._ask(keys)
            port = self._next_port[router, goal]
        return port.astype(np.int64)

    def _ask(self, keys: IntArray) -> IntArray:
        """The port of table or rule for each ``router * n_goals + goal``.

        These are the only calls per router and goal (10^5 and more on a large chip), so the rule is
        called directly, with what :meth:`Fabric.route` would look up each time taken out.
        """
        fabric, mesh, rule = self.fabric, self.fabric.chip.mesh, routing.output_port
        fixed = (
            mesh.width, mesh.height, fabric.width, fabric.height, fabric.gateway_row,
            fabric.gateway_column,
        )  # fmt: skip
        router, goal = np.divmod(keys, self._next_port.shape[1])
        goal_tile = self._goal_tile[goal]
        places = (router % fabric.width, router // fabric.width,
                  goal_tile % fabric.width, goal_tile // fabric.width, self._exit_port[goal])  # fmt: skip
        kind = fabric.routing
        by_rule = [
            rule(kind, x, y, dx, dy, exit_port, *fixed)
            for x, y, dx, dy, exit_port in zip(*(a.tolist() for a in places), strict=True)
        ]
        by_table, _ = fabric.exceptions(router, goal_tile)
        return np.where(by_table >= 0, by_table, np.array(by_rule, np.int64))


def _vc_table(fabric: Fabric) -> IntArray:
    """The rule's virtual channel by (vc, input port, output port, crosses, wraps)."""
    shape = (fabric.n_vcs, fabric.n_ports, fabric.n_ports, 2, 2)
    table = np.zeros(shape, np.int64)
    for vc, in_port, out_port, crosses, wraps in np.ndindex(shape):
        table[vc, in_port, out_port, crosses, wraps] = routing.output_vc(
            fabric.vc_policy, vc, in_port, out_port, bool(crosses), bool(wraps)
        )
    return table


def arrives(fabric: Fabric, sources: IntArray, targets: IntArray, chunk: int = 1 << 16) -> NDArray[np.bool_]:
    """(flows,) whether the routing leads from the source to the target: False at a dead link or in a loop.

    ``chunk`` flows at once, fewer on large systems, so that the walkers' tables stay below 4 * MAX_STATES.
    """
    check_flows(fabric, sources, targets)
    out = np.zeros(len(sources), np.bool_)
    chunk = min(chunk, max(1, 4 * MAX_STATES // fabric.n_routers))
    by_target = np.argsort(targets, kind="stable")
    for first in range(0, len(sources), chunk):
        flow = by_target[first : first + chunk]
        goals, goal = np.unique(targets[flow], return_inverse=True)
        walker = Walker(fabric, goals)
        heads = walker.start(sources[flow], goal.astype(np.int64))
        for _ in range(fabric.n_routers):  # a longer way goes through a router twice: a loop
            _, heads, goes_on = walker.advance_or_lose(heads)
            out[flow[~goes_on & (heads.router != NOTHING)]] = True
            heads, flow = heads.pick(goes_on), flow[goes_on]
            if not flow.size:
                break
    return out


def dependencies(
    fabric: Fabric, sources: IntArray, targets: IntArray, max_states: int = MAX_STATES
) -> tuple[IntArray, IntArray]:
    """All dependencies that flows make on their way: channel ``held[i]`` waits for ``wanted[i]``.

    Each dependency once, in ascending order; injection and ejection channels included.  Goals are
    taken in groups so that no more than ``max_states`` states are marked at once.
    """
    check_flows(fabric, sources, targets)
    goals, goal = np.unique(targets, return_inverse=True)
    goal = goal.astype(np.int64)
    group = max(1, max_states // n_output_channels(fabric))
    found = [np.zeros(0, np.int64)]
    for first in range(0, len(goals), group):
        mine = (goal >= first) & (goal < first + group)
        walker = Walker(fabric, goals[first : first + group])
        found.extend(_group_edges(walker, walker.start(sources[mine], goal[mine] - first), group))
    held, wanted = np.divmod(np.unique(np.concatenate(found)), n_channel_numbers(fabric))
    return held, wanted


def _group_edges(walker: Walker, heads: Heads, n_goals: int) -> Iterator[IntArray]:
    """Dependencies of the packets in ``heads`` as ``held * n_channel_numbers + wanted``.

    Every state is left only once.
    """
    fabric = walker.fabric
    n_numbers = n_channel_numbers(fabric)
    seen = np.zeros(n_output_channels(fabric) * n_goals, np.bool_)
    while heads.router.size:
        key = (heads.router * fabric.n_ports + heads.in_port) * fabric.n_vcs + heads.vc
        key, first = np.unique(key * n_goals + heads.goal, return_index=True)
        heads = heads.pick(first[~seen[key]])
        seen[key] = True
        channel, after, goes_on = walker.advance(heads)
        yield np.unique(heads.channel * n_numbers + channel)
        heads = after.pick(goes_on)


def flows_over(
    fabric: Fabric, sources: IntArray, targets: IntArray, edges: list[tuple[int, int]], at_most: int,
    ends: bool, chunk: int = 8192,
) -> list[list[tuple[int, int]]]:
    """For each dependency of ``edges`` the first ``at_most`` flows (source, target) that make it.

    With ``ends`` a flow into a core also makes the dependency of the core's receive FIFO on its
    injection channel.
    """
    makers: list[list[int]] = [[] for _ in edges]
    wanted = {edge: index for index, edge in enumerate(edges)}
    for first in range(0, len(sources), chunk):
        if all(len(m) >= at_most for m in makers):
            break
        some = slice(first, first + chunk)
        for flow, edge in _edges_of_flows(fabric, sources[some], targets[some], wanted, ends):
            makers[edge].append(first + flow)
        makers = [sorted(m)[:at_most] for m in makers]
    return [[(int(sources[f]), int(targets[f])) for f in m] for m in makers]


def _edges_of_flows(
    fabric: Fabric, sources: IntArray, targets: IntArray, wanted: dict[tuple[int, int], int], ends: bool
) -> Iterator[tuple[int, int]]:
    """(flow, index of a wanted dependency) for every flow that makes one."""
    span = int(max(max(edge) for edge in wanted)) + 1
    keys = np.array(sorted(a * span + b for a, b in wanted), np.int64)
    goals, goal = np.unique(targets, return_inverse=True)
    walker = Walker(fabric, goals)
    heads = walker.start(sources, goal.astype(np.int64))
    flow = np.arange(len(sources))
    for _ in range(n_output_channels(fabric) + 1):
        channel, after, goes_on = walker.advance(heads)
        yield from _matches(heads.channel, channel, flow, keys, span, wanted)
        if ends:
            done = np.flatnonzero(~goes_on & (targets[flow] != HOST))
            inject = n_output_channels(fabric) + targets[flow[done]]
            yield from _matches(channel[done], inject, flow[done], keys, span, wanted)
        heads, flow = after.pick(goes_on), flow[goes_on]
        if not flow.size:
            return


def _matches(
    held: IntArray, want: IntArray, flow: IntArray, keys: IntArray, span: int,
    wanted: dict[tuple[int, int], int],
) -> Iterator[tuple[int, int]]:
    hit = np.flatnonzero(np.isin(held * span + want, keys) & (held < span) & (want < span))
    for i in hit.tolist():
        yield int(flow[i]), wanted[int(held[i]), int(want[i])]
