"""Multicast in target tables: neurons that send to the same cores, axons apart by constants, share a tree.

Reads a program whose tables are unicast, its fabric and expected spikes; writes the program with trees.  Of
the entries of a neuron, the k-th for each core make one packet.  Neurons whose packets have the same
destinations and the same differences between their axons share a tree, whatever these axons are.  Where
tables are too small for a tree of each such class, destinations whose axons differ by a constant over more
neurons make trees of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from mapper.route.branches import Ways
from mapper.route.multicast import IN_ALL, NO_NUMBERS, NOTHING_SAVED, PER_ENTRY, Grant, Trees, Wish
from mapper.tables.traffic import senders
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable, program_flows
from neurosim.artefacts.tree_table import FIRST_TREE
from neurosim.fabric.topology import Fabric

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
FINE, COARSE = "fine", "coarse"


@dataclass(frozen=True)
class Multicast:
    """What the trees of a program do; expected figures are per sample.

    ``traversals`` are those that they leave, ``traversals_alone`` those of unicast.  ``on_trees`` neurons
    (inputs included) send at least one packet to a tree.  ``left_out`` says by reason how many neurons send
    single packets, all or some, although these could share links.
    """

    n_trees: int
    entries: int
    entries_max: int
    limit: int
    traversals: float
    traversals_alone: float
    on_trees: int
    neurons: int
    left_out: tuple[tuple[str, int], ...]


def with_trees(
    program: Program, fabric: Fabric, spikes: Mapping[str, FloatArray]
) -> tuple[Program, Multicast]:
    """``program``, whose tables are unicast, with the trees that save the most traversals.

    ``fabric`` has the program's routing table; ``spikes`` are expected per neuron and sample, by population.
    """
    known = _senders(program, spikes)
    sources, targets = program_flows(program)
    many = np.bincount(sources - HOST)[sources - HOST] > 1
    ways = Ways(fabric, sources[many], targets[many])
    first: dict[str, list[_Wanted]] = {}
    best = _Plan(known, ways, PER_ENTRY, first).grown(FINE, COARSE)
    if best.refused:
        short = any(NO_NUMBERS in why.values() for why in best.why)
        other = _Plan(known, ways, IN_ALL if short else PER_ENTRY, first)
        other.open = [mask.copy() for mask in best.open]  # what shares nothing as a whole does not in parts
        others = [other.grown(COARSE, FINE)]
        others += [_Plan(known, ways, IN_ALL, first).grown(FINE, COARSE)] if short else []
        best = max([best, *others], key=lambda plan: plan.saved)
    return best.program(program), best.report(sources, targets)


@dataclass(frozen=True)
class _Sender:
    """A sender's entries by (neuron, packet, core); ``packet`` counts those of a neuron for one core."""

    core: int
    neurons: int
    spikes: FloatArray
    neuron: IntArray
    packet: IntArray
    target: IntArray
    axon: IntArray


def _senders(program: Program, spikes: Mapping[str, FloatArray]) -> list[_Sender]:
    return [_sender(*sender) for sender in senders(program, spikes)]


def _sender(core: int, table: TargetTable, spikes: FloatArray) -> _Sender:
    n = len(table.pointer) - 1
    neuron = np.repeat(np.arange(n), np.diff(table.pointer))
    new = (np.diff(neuron, prepend=-1) != 0) | (np.diff(table.core, prepend=HOST - 1) != 0)
    first = np.flatnonzero(new)
    packet = np.arange(len(neuron)) - np.repeat(first, np.diff(np.append(first, len(neuron))))
    order = np.lexsort((table.core, packet, neuron))
    return _Sender(core, n, spikes, neuron[order], packet[order], table.core[order], table.axon[order])


@dataclass
class _Wanted:
    """Entries of one sender that may go to one tree: (packets, leaves) of their numbers."""

    sender: int
    leaves: tuple[tuple[int, int], ...]
    entries: list[IntArray]


class _Plan:
    """A way of making trees; by sender and entry ``tree`` (-1: none, -2: the entry is gone) and ``sent``."""

    def __init__(
        self, senders: list[_Sender], ways: Ways, order: str, first: dict[str, list[_Wanted]]
    ) -> None:
        self.senders, self.order, self.trees, self.first = senders, order, Trees(ways), first
        self.tree = [np.full(len(s.target), -1, np.int64) for s in senders]
        self.sent = [s.axon.copy() for s in senders]
        self.open = [np.ones(len(s.target), np.bool_) for s in senders]  # may still find a tree
        self.why: list[dict[int, str]] = [{} for _ in senders]
        self.saved = 0.0

    @property
    def refused(self) -> bool:
        """Whether something stayed unicast that could share links."""
        return any(self.why)

    def grown(self, *rounds: str) -> _Plan:
        """The plan after these rounds, each for what is still unicast; ``first`` keeps the first one's."""
        for number, kind in enumerate(rounds):
            if number == 0 and kind in self.first:
                wanted = self.first[kind]
            else:
                wanted = [w for k in range(len(self.senders)) for w in self._wanted(k, kind)]
            if number == 0:
                self.first[kind] = wanted
            self._grow(wanted, kind)
        return self

    def _grow(self, wanted: list[_Wanted], kind: str) -> None:
        tables = [np.concatenate(w.entries) for w in wanted]
        wishes = []
        for found, table in zip(wanted, tables, strict=True):
            sender = self.senders[found.sender]
            packets = float(sender.spikes[sender.neuron[table[:, 0]]].sum())
            wishes.append(Wish(sender.core, found.leaves, packets, len(table)))
        grants = self.trees.grant(wishes, self.order)
        for found, table, wish, grant in zip(wanted, tables, wishes, grants, strict=True):
            self.saved += wish.spikes * grant.saved
            self._enter(found, table, grant)
            if kind == FINE and grant.why == NOTHING_SAVED:  # so no part of it saves anything
                self.open[found.sender][table] = False

    def _enter(self, found: _Wanted, table: IntArray, grant: Grant) -> None:
        """Write a grant down: the first entry of every packet becomes the tree's."""
        number, why = found.sender, self.why[found.sender]
        served = np.array([core in grant.cores for core, _ in found.leaves], np.bool_)
        if grant.tree >= 0:
            column = np.flatnonzero(served)
            axons = np.array([axon for _, axon in found.leaves], np.int64)[column]
            self.tree[number][table[:, column]] = -2
            self.tree[number][table[:, column[0]]] = grant.tree
            first = self.senders[number].axon[table[:, column[0]]]
            self.sent[number][table[:, column[0]]] = first - (axons[0] - axons.min())
            for entry in table[:, column].reshape(-1).tolist() if why else ():
                why.pop(entry, None)
        if grant.why not in (None, NOTHING_SAVED):
            assert grant.why is not None
            why.update(dict.fromkeys(table[:, ~served].reshape(-1).tolist(), grant.why))

    def _wanted(self, number: int, kind: str) -> list[_Wanted]:
        """What the unicast entries of a sender wish for, in order of their first neuron."""
        sender = self.senders[number]
        left = np.flatnonzero((self.tree[number] == -1) & self.open[number])
        if len(left) < 2:
            return []
        neuron, packet = sender.neuron[left], sender.packet[left]
        new = (np.diff(neuron, prepend=-1) != 0) | (np.diff(packet, prepend=-1) != 0)
        first = np.flatnonzero(new)
        size = np.diff(np.append(first, len(left)))
        first, size = first[size > 1], size[size > 1]
        target, axon = sender.target[left], sender.axon[left]
        if kind == FINE:
            return _by_differences(number, left, first, size, target, axon)
        return _by_classes(number, left, first, size, target, axon)

    def program(self, program: Program) -> Program:
        """``program`` with the trees."""
        table = self.trees.table()
        if not table.n_trees:
            return program
        tables = [self._table(k) for k in range(len(self.senders))]
        images = [
            replace(image, targets=made) for image, made in zip(program.cores, tables[1:], strict=True)
        ]
        return replace(program, host=tables[0], cores=tuple(images), trees=table)

    def _table(self, number: int) -> TargetTable:
        sender, tree = self.senders[number], self.tree[number]
        kept = tree > -2
        target = np.where(tree >= 0, FIRST_TREE - tree, sender.target)[kept]
        neuron, axon = sender.neuron[kept], self.sent[number][kept]
        order = np.lexsort((axon, target, neuron))
        pointer = np.append(0, np.cumsum(np.bincount(neuron, minlength=sender.neurons)))
        return TargetTable(pointer.astype(np.int64), target[order], axon[order])

    def report(self, sources: IntArray, targets: IntArray) -> Multicast:
        """What became of all; ``sources`` and ``targets`` are the unicast flows."""
        table, fabric = self.trees.table(), self.trees.ways.fabric
        limit = fabric.chip.router.multicast_entries
        assert limit is not None
        left_out: Counter[str] = Counter()
        for sender, why in zip(self.senders, self.why, strict=True):
            told: dict[int, str] = {}
            for entry in self._could_share(sender, sorted(why)):
                told.setdefault(int(sender.neuron[entry]), why[entry])
            left_out.update(told.values())
        on_trees = sum(
            len(np.unique(s.neuron[tree >= 0])) for s, tree in zip(self.senders, self.tree, strict=True)
        )
        alone = self._alone(sources, targets)
        return Multicast(
            table.n_trees, table.n, int(np.bincount(table.router, minlength=1).max()), limit,
            alone - self.saved, alone, on_trees, sum(s.neurons for s in self.senders),
            tuple(sorted(left_out.items())),
        )  # fmt: skip

    def _could_share(self, sender: _Sender, entries: list[int]) -> list[int]:
        """Those of the entries whose way has a link in common with another one of the same packet."""
        of, found = self.trees.ways.of, dict[bytes, set[int]]()
        new = (np.diff(sender.neuron, prepend=-1) != 0) | (np.diff(sender.packet, prepend=-1) != 0)
        group = np.cumsum(new) - 1
        bounds = np.append(np.flatnonzero(new), len(new))
        shared = []
        for entry in entries:
            cores = sender.target[bounds[group[entry]] : bounds[group[entry] + 1]]
            key = cores.tobytes()
            if key not in found:
                ways = {core: of(sender.core, core) for core in cores.tolist()}
                users = Counter(hop for way in ways.values() for hop in way)
                found[key] = {core for core, way in ways.items() if any(users[hop] > 1 for hop in way)}
            if int(sender.target[entry]) in found[key]:
                shared.append(entry)
        return shared

    def _alone(self, sources: IntArray, targets: IntArray) -> float:
        """Expected traversals if every entry were a packet of its own."""
        from mapper.place.distance import walked

        fabric = self.trees.ways.fabric
        span = fabric.n_cores + 1
        keys = (sources - HOST) * span + targets - HOST
        hops = walked(fabric, sources, targets)[1]
        total = 0.0
        for s in self.senders:
            at = np.searchsorted(keys, (s.core - HOST) * span + s.target - HOST)
            total += float((hops[at] * s.spikes[s.neuron]).sum())
        return total


def _by_differences(
    number: int, left: IntArray, first: IntArray, size: IntArray, target: IntArray, axon: IntArray
) -> list[_Wanted]:
    """Packets with the same cores and the same differences between their axons."""
    found: dict[bytes, list[int]] = {}
    if len(first):
        starts = np.cumsum(size) - size
        rows = np.repeat(first - starts, size) + np.arange(int(size.sum()))
        least = np.repeat(np.minimum.reduceat(axon[rows], starts), size)
        both = np.stack([target[rows], axon[rows] - least], axis=1)
        stop = np.cumsum(size).tolist()
        for packet, (end, n) in enumerate(zip(stop, size.tolist(), strict=True)):
            found.setdefault(both[end - n : end].tobytes(), []).append(packet)
    out = []
    for key, packets in found.items():
        leaves = np.frombuffer(key, np.int64).reshape(-1, 2)
        table = left[first[packets][:, None] + np.arange(len(leaves))]
        out.append(_Wanted(number, tuple((int(c), int(a)) for c, a in leaves.tolist()), [table]))
    return out


def _by_classes(
    number: int, left: IntArray, first: IntArray, size: IntArray, target: IntArray, axon: IntArray
) -> list[_Wanted]:
    """Of packets with the same cores, those cores whose axons differ by a constant over all the packets."""
    alike: dict[bytes, list[int]] = {}
    for start, n in zip(first.tolist(), size.tolist(), strict=True):
        alike.setdefault(target[start : start + n].tobytes(), []).append(start)
    found: dict[tuple[tuple[int, int], ...], _Wanted] = {}
    for key, starts in alike.items():
        cores = np.frombuffer(key, np.int64)
        rows = np.array(starts, np.int64)[:, None] + np.arange(len(cores))
        axons = axon[rows]
        classes: dict[bytes, list[int]] = {}
        for column, steps in enumerate((axons - axons[:1]).T):
            classes.setdefault(steps.tobytes(), []).append(column)
        for columns in classes.values():
            if len(columns) < 2:
                continue
            offsets = axons[0, columns] - axons[0, columns].min()
            leaves = tuple(zip(cores[columns].tolist(), offsets.tolist(), strict=True))
            wanted = found.setdefault(leaves, _Wanted(number, leaves, []))
            wanted.entries.append(left[rows[:, columns]])
    return list(found.values())
