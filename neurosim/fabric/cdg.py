"""The static deadlock check: the channel dependency graph of a routing function or of mapped flows.

A packet that holds channel A and next wants channel B makes the dependency A -> B; wormhole or not,
nothing can deadlock if no dependencies form a cycle (Dally and Seitz, IEEE Trans. Computers C-36,
1987).  If a chip's synapse pipeline waits for its neuron loop (``core.receive_during_update`` false),
the receive FIFO of every core that both receives and sends depends on the core's injection channel.
The host always takes what arrives.  Reads a fabric and flows; writes a :class:`CdgResult`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.fabric import graphs, trees, walks
from neurosim.fabric.channels import (
    channel,
    describe_channel,
    injection_channel,
    n_channel_numbers,
    output_channel,
)
from neurosim.fabric.topology import TO_CORE, Fabric
from neurosim.rules.ports import LOCAL

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
Sends = tuple[IntArray, IntArray]
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


def analyse_flows(
    fabric: Fabric, sources: IntArray, targets: IntArray, sends: Sends | None = None
) -> CdgResult:
    """Check the flows ``sources[f] -> targets[f]`` (core numbers, or HOST), and what is sent to trees.

    ``sends`` are (sources, trees) as of :func:`neurosim.artefacts.program.tree_sends`; each of their leaves
    counts as a flow.

    Raises:
        MismatchError: a flow names a core that is not there, or its route ends in nothing.
    """
    sources, targets = np.asarray(sources, np.int64), np.asarray(targets, np.int64)
    leaf_sources, leaf_cores = _leaf_flows(fabric, sends)
    all_sources, all_targets = np.append(sources, leaf_sources), np.append(targets, leaf_cores)
    replying = replying_cores(fabric, all_sources, all_targets)
    graph = dependency_graph(fabric, sources, targets, replying, sends)
    order = graphs.topological_order(graph)
    components = graphs.cyclic_components(graph) if order is None else []
    smallest = min(components, key=lambda c: (len(c), c), default=[])
    cycle = graphs.shortest_cycle(graph, smallest) if smallest else []
    return CdgResult(
        verdict="cyclic" if cycle else "free",
        order=np.array(order or [], np.int64),
        cycle=np.array(cycle, np.int64),
        cycle_flows=_cycle_flows(fabric, sources, targets, sends, cycle),
        n_flows=len(all_sources),
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


def _leaf_flows(fabric: Fabric, sends: Sends | None) -> Sends:
    """The flows (sources, cores) of what is sent to trees, one per leaf."""
    none = np.zeros(0, np.int64)
    if sends is None or fabric.trees is None:
        return none, none
    ends = [fabric.trees.leaf_core[trees.leaves(fabric.trees, tree)] for tree in sends[1].tolist()]
    return np.repeat(sends[0], [len(e) for e in ends]), np.concatenate([none, *ends])


def dependency_graph(
    fabric: Fabric, sources: IntArray, targets: IntArray, replying: set[int], sends: Sends | None = None
) -> dict[int, list[int]]:
    """Successors of every channel in use; of ``replying`` cores also receive FIFO -> injection."""
    held, wanted = walks.dependencies(fabric, sources, targets)
    if sends is not None and len(sends[0]):
        of_trees = trees.tree_dependencies(fabric, *sends)
        held, wanted = np.unique(np.concatenate([(held, wanted), of_trees], axis=1), axis=1)
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
    fabric: Fabric, sources: IntArray, targets: IntArray, sends: Sends | None, cycle: list[int]
) -> tuple[tuple[tuple[int, int], ...], ...]:
    if not cycle:
        return ()
    edges = list(zip(cycle, cycle[1:] + cycle[:1], strict=True))
    flows = walks.flows_over(fabric, sources, targets, edges, FLOWS_PER_EDGE, _cores_block(fabric))
    if sends is not None:
        for source, tree in zip(sends[0].tolist(), sends[1].tolist(), strict=True):
            _add_tree_flows(fabric, source, tree, edges, flows)
    return tuple(tuple(f) for f in flows)


def _add_tree_flows(
    fabric: Fabric, source: int, tree: int, edges: list[tuple[int, int]], flows: list[list[tuple[int, int]]]
) -> None:
    """Add a sender and a leaf of its tree to each of ``flows`` whose edge they make, up to FLOWS_PER_EDGE."""
    made = set(trees.tree_edges(fabric, source, tree))
    ends = [end for hop in trees.walk(fabric, source, tree) if (end := trees.end_of(fabric, hop)) is not None]
    if _cores_block(fabric):
        for end in (end for end in ends if end != HOST):
            router, port = fabric.tile_of(end), fabric.port_of(end)
            injection = injection_channel(fabric, end)
            made |= {(output_channel(fabric, router, port, vc), injection) for vc in range(fabric.n_vcs)}
    for edge, makers in zip(edges, flows, strict=True):
        if edge in made and len(makers) < FLOWS_PER_EDGE:
            makers.append((source, min(ends)))


def check_certificate(
    fabric: Fabric, sources: IntArray, targets: IntArray, order: Sequence[int] | IntArray,
    sends: Sends | None = None,
) -> list[str]:  # fmt: skip
    """Whether every dependency of the flows goes forward in ``order``; [] if so.

    Does not use the graph builder: it follows each flow hop by hop through the fabric's own scalar
    rules, stopping where another flow to the same goal has been before.
    """
    position = {int(number): place for place, number in enumerate(order)}
    errors = [] if len(position) == len(order) else ["a channel stands in the order twice"]
    leaf_sources, leaf_cores = _leaf_flows(fabric, sends)
    senders = set(map(int, sources)) | set(leaf_sources.tolist())
    receivers = set(map(int, targets)) | set(leaf_cores.tolist())
    seen: set[tuple[int, int, int, int]] = set()
    known: set[tuple[int, int]] = set()
    for source, goal in sorted(set(zip(map(int, sources), map(int, targets), strict=True))):
        for edge in _flow_edges(fabric, source, goal, seen, goal in senders & receivers):
            if edge not in known:
                known.add(edge)
                errors += _edge_errors(fabric, edge, position)
    for source, tree in zip(*(column.tolist() for column in sends), strict=True) if sends is not None else ():
        at = (fabric.tile_of(source), fabric.port_of(source), 0)
        for edge in _branch_edges(fabric, tree, injection_channel(fabric, source), at, senders):
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


def _branch_edges(
    fabric: Fabric, tree: int, held: int, at: tuple[int, int, int], senders: set[int]
) -> Iterator[tuple[int, int]]:
    """Dependencies of a multicast packet that holds ``held`` at (router, input port, VC), copy by copy."""
    router, in_port, vc = at
    mask = fabric.branches(router, tree, in_port)
    for port in (p for p in range(fabric.n_ports) if mask >> p & 1):
        out_vc = fabric.tree_vc(router, vc, in_port, port)
        wanted = output_channel(fabric, router, port, out_vc)
        yield held, wanted
        behind = int(fabric.target[router, port])
        if behind >= 0:
            after = (behind, int(fabric.target_port[router, port]), out_vc)
            yield from _branch_edges(fabric, tree, wanted, after, senders)
        elif behind == TO_CORE and not fabric.chip.core.receive_during_update:
            core = router * fabric.chip.mesh.cores_per_tile + port - LOCAL
            if core in senders:
                yield wanted, injection_channel(fabric, core)


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
