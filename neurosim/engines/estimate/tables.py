"""What one spike of every neuron costs, and where: prepared once per program from its tables.

Reads a Program and its fabric; writes, per sender (a core, or the host), matrices from its neurons to every
destination and multicast tree.  Endpoints are the used cores in the program's order, the host last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, Program, TargetTable
from neurosim.artefacts.tree_table import FIRST_TREE
from neurosim.fabric.topology import Fabric
from neurosim.fabric.trees import arrivals, end_of, walk
from neurosim.fabric.walks import Walker
from neurosim.rules import neuron, synapse

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sender:
    """One sender's neurons (n) towards all endpoints (e); float64 holds these integers exactly.

    ``ways`` (n, e + k) are the packets that a spike sends, by endpoint and then by the sender's ``trees``
    (k,); ``packets`` (n, e) those that arrive of it, one per leaf of a tree; ``cycles`` (n, e) of the
    destinations' synapse pipelines; ``words`` and ``operations`` (n, e) there.
    """

    trees: IntArray
    ways: FloatArray
    packets: FloatArray
    cycles: FloatArray
    words: FloatArray
    operations: FloatArray


class Tables:
    """``senders`` by endpoint, ``paths`` between endpoints; ``ways_of`` the ways of each sender among all."""

    def __init__(self, program: Program, fabric: Fabric) -> None:
        self.program, self.fabric = program, fabric
        self.numbers = np.array([*(c.core for c in program.cores), HOST], np.int64)
        self.n_endpoints = len(self.numbers)
        self._endpoint = np.zeros(fabric.n_cores + 1, np.int64)
        self._endpoint[self.numbers + 1] = np.arange(self.n_endpoints)
        self._axons = [_axon_costs(core, fabric) for core in program.cores]
        n_host = sum(n for _, n in program.inputs)
        senders = [self._sender(core.targets, core.n_neurons) for core in program.cores]
        self.senders = [*senders, self._sender(program.host, n_host)]
        ends = np.cumsum([sender.ways.shape[1] for sender in self.senders]).tolist()
        self.n_ways = ends[-1]
        self.ways_of = [slice(first, last) for first, last in zip([0, *ends], ends, strict=False)]
        used = np.stack([sender.ways[:, : self.n_endpoints].any(axis=0) for sender in self.senders])
        trees = [sender.trees for sender in self.senders]
        self.paths = Paths(fabric, self.numbers, used, trees, self.ways_of)

    def _sender(self, table: TargetTable, n: int) -> Sender:
        neuron = np.repeat(np.arange(n), np.diff(table.pointer))
        entry, core, axon = arrivals(self.fabric.trees, table.core, table.axon)
        arriving = self._arriving(n, neuron[entry], core, axon)
        is_tree = table.core < HOST
        trees, which = np.unique(FIRST_TREE - table.core[is_tree], return_inverse=True)
        if not len(trees):
            return Sender(trees, arriving[0], *arriving)
        way = self._endpoint[np.where(is_tree, HOST, table.core) + 1]
        way[is_tree] = self.n_endpoints + which
        n_ways = self.n_endpoints + len(trees)
        ways = np.bincount(neuron * n_ways + way, minlength=n * n_ways).reshape(n, n_ways)
        return Sender(trees, ways.astype(np.float64), *arriving)

    def _arriving(self, n: int, neuron: IntArray, core: IntArray, axon: IntArray) -> list[FloatArray]:
        """Packets, cycles, words and operations of :class:`Sender`, from a row per packet that arrives."""
        goal = self._endpoint[core + 1]
        key = neuron * self.n_endpoints + goal
        costs = np.zeros((3, len(goal)))
        order = np.argsort(goal, kind="stable")
        edges = np.searchsorted(goal[order], np.arange(self.n_endpoints))
        for endpoint in range(self.n_endpoints - 1):
            mine = order[edges[endpoint] : edges[endpoint + 1]]
            costs[:, mine] = self._axons[endpoint][:, axon[mine]]
        columns = [None, *costs]
        parts = [np.bincount(key, weights=c, minlength=n * self.n_endpoints) for c in columns]
        return [p.reshape(n, self.n_endpoints).astype(np.float64) for p in parts]


def _axon_costs(core: CoreProgram, fabric: Fabric) -> FloatArray:
    """(3, axons) cycles of the synapse pipeline, words and synaptic operations per packet."""
    timing = fabric.chip.core
    none = np.zeros(0, np.int64)
    words = np.concatenate([none, *(block.words for block in core.blocks)])
    operations = np.concatenate([none, *(block.synapses for block in core.blocks)])
    kinds, kind = np.unique(words << 32 | operations, return_inverse=True)
    cycles = [
        synapse.packet_cycles(
            timing.decode_cycles, k >> 32, timing.cycles_per_word, timing.words_per_cycle,
            k & (1 << 32) - 1, timing.cycles_per_synapse,
        )
        for k in kinds.tolist()
    ]  # fmt: skip
    return np.stack([np.array(cycles, np.float64)[kind], words, operations])


class Paths:
    """Ways between endpoints: unicast ways where ``linked`` (e, e), and each sender's multicast ``trees``.

    ``zero_load`` (e, e) are the cycles from a head flit's sending to its tail's arrival in an empty network,
    by the longest of several ways (0 where there is none).  Ways are numbered as :class:`Sender` lists them,
    from ``ways_of`` its sender on.
    """

    def __init__(
        self, fabric: Fabric, numbers: IntArray, linked: NDArray[np.bool_], trees: list[IntArray],
        ways_of: list[slice],
    ) -> None:  # fmt: skip
        chip, n = fabric.chip, len(numbers)
        source, target = np.nonzero(linked)
        start = np.full(n, chip.router.injection_cycles, np.int64)
        slowest = np.ones(n, np.int64)
        if chip.host is not None:
            start[-1], slowest[-1] = chip.host.latency_cycles, chip.host.cycles_per_flit
        latency, interval = start[source], slowest[source]
        ways, ports = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        first_way = np.array([own.start for own in ways_of], np.int64)
        goals, goal = np.unique(target, return_inverse=True)
        walker = Walker(fabric, numbers[goals])
        heads, flow = walker.start(numbers[source], goal.astype(np.int64)), np.arange(len(source))
        while flow.size:
            router = heads.router
            channel, after, goes_on = walker.advance(heads)
            port = channel // fabric.n_vcs % fabric.n_ports
            latency[flow] += fabric.latency[router, port]
            interval[flow] = np.maximum(interval[flow], fabric.interval[router, port])
            ways.append(first_way[source[flow]] + target[flow])
            ports.append(router * fabric.n_ports + port)
            heads, flow = after.pick(goes_on), flow[goes_on]
        self.zero_load = np.zeros((n, n), np.int64)
        self.zero_load[source, target] = latency + (chip.packet.flits - 1) * interval
        for k, own in enumerate(trees):
            for place, tree in enumerate(own.tolist()):
                used = self._add_tree(fabric, numbers, k, int(start[k]), tree)
                ways.append(np.full(len(used), first_way[k] + n + place))
                ports.append(np.array(used, np.int64))
        self._way, self._port = np.concatenate(ways), np.concatenate(ports)
        self._n_ports = fabric.n_routers * fabric.n_ports

    def _add_tree(self, fabric: Fabric, numbers: IntArray, k: int, start: int, tree: int) -> list[int]:
        """Enter the zero-load latencies from endpoint ``k`` to the leaves of ``tree``; returns its ports."""
        source, used = int(numbers[k]), []
        place = {core: endpoint for endpoint, core in enumerate(numbers.tolist())}
        begun = {fabric.tile_of(source): start}  # the head's arrival, by router
        for hop in walk(fabric, source, tree):
            arrival = begun[hop.router] + int(fabric.latency[hop.router, hop.out_port])
            used.append(hop.router * fabric.n_ports + hop.out_port)
            end = end_of(fabric, hop)
            if end is None:
                begun[int(fabric.target[hop.router, hop.out_port])] = arrival
            else:
                at = k, place[end]
                self.zero_load[at] = max(self.zero_load[at], arrival)
        return used

    def port_packets(self, packets: FloatArray) -> FloatArray:
        """(rows, ports) packets over every port, for packets (rows, ways)."""
        out = np.zeros((packets.shape[0], self._n_ports))
        order = np.argsort(self._port, kind="stable")
        port, first = np.unique(self._port[order], return_index=True)
        if port.size:
            out[:, port] = np.add.reduceat(packets[:, self._way[order]], first, axis=1)
        return out


def update_costs(core: CoreProgram, fabric: Fabric) -> list[tuple[int, int]]:
    """(active, idle) cycles of an update of each group."""
    timing = fabric.chip.core
    found = [timing.update_cycles_of(neuron.MODEL_NAMES[g.model]) for g in core.groups]  # type: ignore[arg-type]
    return [(c.active, c.idle) for c in found]
