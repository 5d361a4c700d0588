"""What one spike of every neuron costs, and where: prepared once per program from its tables.

Reads a Program and its fabric; writes, per sender (a core, or the host), matrices from its neurons to every
destination.  Endpoints are the used cores in the program's order, the host last.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, Program, TargetTable
from neurosim.fabric.topology import Fabric
from neurosim.fabric.walks import Walker
from neurosim.rules import neuron, synapse

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Sender:
    """One sender's neurons (n) towards all endpoints (e); float64 holds these integers exactly.

    ``packets`` (n, e) per spike; ``cycles`` (n, e) of the destinations' synapse pipelines; ``words`` and
    ``operations`` (n, e) there.
    """

    packets: FloatArray
    cycles: FloatArray
    words: FloatArray
    operations: FloatArray


class Tables:
    """``senders`` by endpoint, ``paths`` between endpoints, and the cycles of updates by group."""

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
        self.paths = Paths(fabric, self.numbers, self.linked())

    def linked(self) -> NDArray[np.bool_]:
        """(e, e) whether any neuron of the one sends to the other."""
        return np.stack([sender.packets.any(axis=0) for sender in self.senders])

    def _sender(self, table: TargetTable, n: int) -> Sender:
        goal = self._endpoint[table.core + 1]
        key = np.repeat(np.arange(n), np.diff(table.pointer)) * self.n_endpoints + goal
        costs = np.zeros((3, len(goal)))
        order = np.argsort(goal, kind="stable")
        edges = np.searchsorted(goal[order], np.arange(self.n_endpoints))
        for endpoint in range(self.n_endpoints - 1):
            mine = order[edges[endpoint] : edges[endpoint + 1]]
            costs[:, mine] = self._axons[endpoint][:, table.axon[mine]]
        columns = [None, *costs]
        parts = [np.bincount(key, weights=c, minlength=n * self.n_endpoints) for c in columns]
        shape = (n, self.n_endpoints)
        packets, cycles, words, operations = (p.reshape(shape).astype(np.float64) for p in parts)
        return Sender(packets, cycles, words, operations)


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
    """Routes between linked endpoints.

    ``zero_load`` (e, e) are the cycles from a head flit's sending to its tail's arrival in an empty network
    (0 where nothing is linked).  ``hop`` lists (pair, port) for every hop of every linked pair, pairs as
    ``source * e + target`` and ports as ``router * n_ports + port``.
    """

    def __init__(self, fabric: Fabric, numbers: IntArray, linked: NDArray[np.bool_]) -> None:
        chip, n = fabric.chip, len(numbers)
        source, target = np.nonzero(linked)
        start = np.full(n, chip.router.injection_cycles, np.int64)
        slowest = np.ones(n, np.int64)
        if chip.host is not None:
            start[-1], slowest[-1] = chip.host.latency_cycles, chip.host.cycles_per_flit
        latency, interval = start[source], slowest[source]
        pairs, ports = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
        goals, goal = np.unique(target, return_inverse=True)
        walker = Walker(fabric, numbers[goals])
        heads, flow = walker.start(numbers[source], goal.astype(np.int64)), np.arange(len(source))
        while flow.size:
            router = heads.router
            channel, after, goes_on = walker.advance(heads)
            port = channel // fabric.n_vcs % fabric.n_ports
            latency[flow] += fabric.latency[router, port]
            interval[flow] = np.maximum(interval[flow], fabric.interval[router, port])
            pairs.append(source[flow] * n + target[flow])
            ports.append(router * fabric.n_ports + port)
            heads, flow = after.pick(goes_on), flow[goes_on]
        self.zero_load = np.zeros((n, n), np.int64)
        self.zero_load[source, target] = latency + (chip.packet.flits - 1) * interval
        self._pair, self._port = np.concatenate(pairs), np.concatenate(ports)
        self._n_ports = fabric.n_routers * fabric.n_ports

    def port_packets(self, packets: FloatArray) -> FloatArray:
        """(rows, ports) packets over every port, for packets (rows, e * e) between endpoints."""
        out = np.zeros((packets.shape[0], self._n_ports))
        order = np.argsort(self._port, kind="stable")
        port, first = np.unique(self._port[order], return_index=True)
        if port.size:
            out[:, port] = np.add.reduceat(packets[:, self._pair[order]], first, axis=1)
        return out


def update_costs(core: CoreProgram, fabric: Fabric) -> list[tuple[int, int]]:
    """(active, idle) cycles of an update of each group."""
    timing = fabric.chip.core
    found = [timing.update_cycles_of(neuron.MODEL_NAMES[g.model]) for g in core.groups]  # type: ignore[arg-type]
    return [(c.active, c.idle) for c in found]
