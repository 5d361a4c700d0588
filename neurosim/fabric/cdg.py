"""The static deadlock check: the channel dependency graph of a routing function or of mapped flows.

A packet that holds channel A and next wants channel B makes the dependency A -> B; wormhole or not,
nothing can deadlock if no dependencies form a cycle (Dally and Seitz, IEEE Trans. Computers C-36,
1987).  If a chip's synapse pipeline waits for its neuron loop (``core.receive_during_update`` false),
the receive FIFO of every core that both receives and sends depends on the core's injection channel.
The host always takes what arrives.  Reads a fabric and flows; writes a :class:`CdgResult`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.fabric import graphs, walks
from neurosim.fabric.channels import (
    channel,
    describe_channel,
    injection_channel,
    n_channel_numbers,
    output_channel,
)
from neurosim.fabric.topology import Fabric

__all__ = [
    "CdgResult",
    "all_pairs",
    "analyse_flows",
    "analyse_routing",
    "check_certificate",
    "describe_channel",
    "n_channel_numbers",
]

IntArray = NDArray[np.int64]
FLOWS_PER_EDGE = 3
MESSAGES_AT_MOST = 20
PAIRS_AT_MOST = 1 << 25
NOT_CHECKED = "not_checked"


@dataclass(frozen=True)
class CdgResult:
    """What the check found.

    ``verdict`` is "not_checked" (a routing function with too many pairs), "free", with ``order`` (the
    channels in use, in topological order) as certificate,
    or "cyclic", with ``cycle`` (a shortest cycle of the smallest cyclic component) and for each of its
    edges ``cycle[i] -> cycle[i + 1]`` in ``cycle_flows[i]`` up to three flows (source core, target
    core; HOST is -1) that make it.  ``n_channels`` are the channels in use, ``n_edges`` the
    dependencies, ``cyclic_sizes`` the sizes of all strongly connected components with a cycle.
    """

    verdict: str
    order: IntArray
    cycle: IntArray
    cycle_flows: tuple[tuple[tuple[int, int], ...], ...]
    n_flows: int
    n_channels: int
    n_edges: int
    cyclic_sizes: tuple[int, ...]

    @property
    def is_free(self) -> bool:
        """Whether no deadlock is possible."""
        return self.verdict == "free"


def analyse_flows(fabric: Fabric, sources: IntArray, targets: IntArray) -> CdgResult:
    """Check the flows ``sources[f] -> targets[f]`` (core numbers, or HOST).

    Raises:
        MismatchError: a flow names a core that is not there, or its route ends in nothing.
    """
    sources, targets = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
    graph = dependency_graph(fabric, sources, targets, replying_cores(fabric, sources, targets))
    order = graphs.topological_order(graph)
    components = graphs.cyclic_components(graph) if order is None else []
    smallest = min(components, key=lambda c: (len(c), c), default=[])
    cycle = graphs.shortest_cycle(graph, smallest) if smallest else []
    return CdgResult(
        verdict="cyclic" if cycle else "free",
        order=np.array(order or [], np.int64),
        cycle=np.array(cycle, np.int64),
        cycle_flows=_cycle_flows(fabric, sources, targets, cycle),
        n_flows=len(sources),
        n_channels=len(graph),
        n_edges=sum(len(successors) for successors in graph.values()),
        cyclic_sizes=tuple(len(c) for c in components),
    )


def analyse_routing(fabric: Fabric) -> CdgResult:
    """Check the routing function itself: every core and the host send to every core and the host.

    Pairs between which a dead link or router lies are left out: nothing can be sent there.  Beyond
    PAIRS_AT_MOST pairs nothing is checked and the verdict says so; mapped flows can always be.
    """
    n_pairs = (fabric.n_cores + 1) ** 2
    if n_pairs > PAIRS_AT_MOST:
        none = np.zeros(0, np.int64)
        return CdgResult(NOT_CHECKED, none, none, (), n_pairs, 0, 0, ())
    sources, targets = all_pairs(fabric)
    if fabric.chip.defects is not None:
        kept = walks.arrives(fabric, sources, targets)
        sources, targets = sources[kept], targets[kept]
    return analyse_flows(fabric, sources, targets)


def all_pairs(fabric: Fabric) -> tuple[IntArray, IntArray]:
    """All flows that a program could ask for: (sources, targets); only host to host is left out."""
    ends = np.arange(HOST if fabric.chip.host is not None else 0, fabric.n_cores, dtype=np.int64)
    sources, targets = np.repeat(ends, len(ends)), np.tile(ends, len(ends))
    keep = (sources != HOST) | (targets != HOST)
    return sources[keep], targets[keep]


def _cores_block(fabric: Fabric) -> bool:
    return not fabric.chip.core.receive_during_update


def replying_cores(fabric: Fabric, sources: IntArray, targets: IntArray) -> set[int]:
    """Cores that receive and send, where a core's pipeline waits for its loop; else none."""
    if not _cores_block(fabric):
        return set()
    return set(sources.tolist()) & set(targets.tolist()) - {HOST}


def dependency_graph(
    fabric: Fabric, sources: IntArray, targets: IntArray, replying: set[int]
) -> dict[int, list[int]]:
    """Successors of every channel in use; of ``replying`` cores also receive FIFO -> injection."""
    held, wanted = walks.dependencies(fabric, sources, targets)
    graph: dict[int, list[int]] = {int(c): [] for c in np.unique(np.concatenate([held, wanted]))}
    for a, b in zip(held.tolist(), wanted.tolist(), strict=True):
        graph[a].append(b)
    for number in sorted(graph) if replying else ():
        at = channel(fabric, number)
        if at.kind == "ejection" and at.core is not None and at.core in replying:
            graph[number].append(injection_channel(fabric, at.core))
            graph.setdefault(injection_channel(fabric, at.core), [])
    return graph


def _cycle_flows(
    fabric: Fabric, sources: IntArray, targets: IntArray, cycle: list[int]
) -> tuple[tuple[tuple[int, int], ...], ...]:
    if not cycle:
        return ()
    edges = list(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    flows = walks.flows_over(fabric, sources, targets, edges, FLOWS_PER_EDGE, _cores_block(fabric))
    return tuple(tuple(f) for f in flows)


def check_certificate(
    fabric: Fabric, sources: IntArray, targets: IntArray, order: Sequence[int] | IntArray
) -> list[str]:
    """Whether every dependency of the flows goes forward in ``order``; [] if so.

    Does not use the graph builder: it follows each flow hop by hop through the fabric's own scalar
    rules, stopping where another flow to the same goal has been before.
    """
    position = {int(number): place for place, number in enumerate(order)}
    errors = [] if len(position) == len(order) else ["a channel stands in the order twice"]
    senders, receivers = set(map(int, sources)), set(map(int, targets))
    seen: set[tuple[int, int, int, int]] = set()
    known: set[tuple[int, int]] = set()
    for source, goal in sorted(set(zip(map(int, sources), map(int, targets), strict=True))):
        for edge in _flow_edges(fabric, source, goal, seen, goal in senders & receivers):
            if edge not in known:
                known.add(edge)
                errors += _edge_errors(fabric, edge, position)
    if len(errors) > MESSAGES_AT_MOST:
        more = len(errors) - MESSAGES_AT_MOST
        errors = [*errors[:MESSAGES_AT_MOST], f"and {more} more of this kind"]
    return errors


def _flow_edges(
    fabric: Fabric, source: int, goal: int, seen: set[tuple[int, int, int, int]], replies: bool
) -> list[tuple[int, int]]:
    router, in_port, vc = fabric.tile_of(source), fabric.port_of(source), 0
    goal_tile, exit_port = fabric.tile_of(goal), fabric.port_of(goal)
    held, edges = injection_channel(fabric, source), []
    while (router, in_port, vc, goal) not in seen:
        seen.add((router, in_port, vc, goal))
        port, fixed = fabric.route(router, goal_tile, exit_port)
        vc = fabric.output_vc(router, vc, in_port, port, fixed)
        wanted = output_channel(fabric, router, port, vc)
        edges.append((held, wanted))
        held, target = wanted, int(fabric.target[router, port])
        if target < 0:
            if replies and goal != HOST and not fabric.chip.core.receive_during_update:
                edges.append((held, injection_channel(fabric, goal)))
            break
        router, in_port = target, int(fabric.target_port[router, port])
    return edges


def _edge_errors(fabric: Fabric, edge: tuple[int, int], position: dict[int, int]) -> list[str]:
    held, wanted = edge
    missing = [number for number in edge if number not in position]
    if missing:
        return [f"{describe_channel(fabric, missing[0])} is used but not in the order"]
    if position[held] >= position[wanted]:
        return [
            f"{describe_channel(fabric, held)} waits for {describe_channel(fabric, wanted)}, "
            "which stands before it in the order"
        ]
    return []
