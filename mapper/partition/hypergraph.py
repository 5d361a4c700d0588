"""Hypergraphs: who must hear whom, as flat arrays, and what a division of it into cores costs.

Nodes are atoms (a few neurons that stay together).  A net is a set of targets and all atoms that send to
exactly these: sources with equal target sets share one net without loss, so a convolution is never
unrolled.  Reads arrays; writes :class:`Hypergraph` and the figures of a division.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Hypergraph:
    """``neurons`` (nodes,) neurons of each atom; nets in compressed rows.

    Net ``e`` has the targets ``target[target_pointer[e]:target_pointer[e + 1]]`` (each once, ascending) and
    the sources ``source[source_pointer[e]:source_pointer[e + 1]]``, of which each brings
    ``source_weight`` axons; ``axons[e]`` is their sum: what a core takes that holds any of the targets.
    """

    neurons: IntArray
    target_pointer: IntArray
    target: IntArray
    source_pointer: IntArray
    source: IntArray
    source_weight: IntArray

    @property
    def n_nodes(self) -> int:
        """Atoms."""
        return len(self.neurons)

    @property
    def n_nets(self) -> int:
        """Distinct target sets."""
        return len(self.target_pointer) - 1

    @property
    def axons(self) -> IntArray:
        """(nets,) axons of each net."""
        return np.bincount(rows(self.source_pointer), self.source_weight, self.n_nets).astype(np.int64)

    def fan_in(self) -> IntArray:
        """(nodes,) distinct axons that each atom needs, wherever it lies."""
        weights = self.axons[rows(self.target_pointer)]
        return np.bincount(self.target, weights, self.n_nodes).astype(np.int64)


@dataclass(frozen=True)
class DivisionFigures:
    """What a division costs.

    * ``km1``: sum over sources of axons x (parts that hold a target of it, its own part left out);
    * ``cut_net``: sum over sources of axons, if any target lies outside the source's own part;
    * ``parts``: parts that hold anything; ``neurons_max`` and ``axons_max``: the fullest part's;
    * ``over_neurons`` and ``over_axons``: parts beyond the limits (None: no such limit was given).
    """

    km1: int
    cut_net: int
    parts: int
    neurons_max: int
    axons_max: int
    over_neurons: int
    over_axons: int | None


def rows(pointer: IntArray) -> IntArray:
    """The row number of every entry of a compressed matrix."""
    return np.repeat(np.arange(len(pointer) - 1), np.diff(pointer))


def from_nets(neurons: IntArray, pointer: IntArray, pins: IntArray, weight: IntArray) -> Hypergraph:
    """The hypergraph of nets that each have one source, their first pin; equal target sets are merged.

    Raises:
        InputError: the arrays do not fit together.
    """
    lengths = np.diff(pointer)
    if len(pointer) != len(weight) + 1 or pointer[0] != 0 or pointer[-1] != len(pins) or (lengths < 1).any():
        raise InputError(
            "the nets' pointers, pins and weights do not fit together",
            code="map-nets",
            expected="pointers from 0 to the number of pins, one net more than weights, no net empty",
        )
    first = pointer[:-1]
    own = pins[first]
    targets = np.delete(pins, first)
    net = np.repeat(np.arange(len(weight)), lengths - 1)
    key = np.unique(net * max(1, len(neurons)) + targets)  # targets ascending, each once
    net, targets = np.divmod(key, max(1, len(neurons)))
    kind = _equal_rows(net, targets, len(weight))
    used = np.bincount(net, minlength=len(weight)) > 0
    numbers, leader = np.unique(kind[used], return_index=True)
    leader = np.flatnonzero(used)[leader]
    keep = np.isin(net, leader)
    rank = np.full(len(weight), -1, np.int64)
    rank[leader] = np.arange(len(numbers))
    target_pointer = _pointer(rank[net[keep]], len(numbers))
    order = np.argsort(rank[net[keep]], kind="stable")
    of_net = np.searchsorted(numbers, kind)
    source_net, source = of_net[used], own[used]
    by = np.lexsort((source, source_net))
    return Hypergraph(
        neurons=np.asarray(neurons, np.int64),
        target_pointer=target_pointer,
        target=targets[keep][order],
        source_pointer=_pointer(source_net, len(numbers)),
        source=source[by],
        source_weight=np.asarray(weight, np.int64)[used][by],
    )


def contract(graph: Hypergraph, label: IntArray) -> Hypergraph:
    """The hypergraph whose node ``c`` is all nodes with label ``c``; labels are 0, 1, 2, ..."""
    n = int(label.max(initial=-1)) + 1
    pairs = np.unique(rows(graph.target_pointer) * n + label[graph.target])
    key, place = np.unique(rows(graph.source_pointer) * n + label[graph.source], return_inverse=True)
    return Hypergraph(
        neurons=np.bincount(label, graph.neurons, n).astype(np.int64),
        target_pointer=_pointer(pairs // n, graph.n_nets),
        target=pairs % n,
        source_pointer=_pointer(key // n, graph.n_nets),
        source=key % n,
        source_weight=np.bincount(place, graph.source_weight, len(key)).astype(np.int64),
    )


def twins(graph: Hypergraph, most_neurons: int) -> IntArray:
    """Labels that join nodes which hear the same nets, at most ``most_neurons`` together, in their order."""
    order = np.lexsort((rows(graph.target_pointer), graph.target))
    kind = _equal_rows(graph.target[order], rows(graph.target_pointer)[order], graph.n_nodes)
    sends = np.full(graph.n_nodes, -1, np.int64)
    sends[graph.source] = rows(graph.source_pointer)
    same = np.lexsort((np.arange(graph.n_nodes), sends, kind))
    label, number, load, last = np.empty(graph.n_nodes, np.int64), -1, 0, (-1, -2)
    for node, mine, size in zip(
        same.tolist(), zip(kind[same].tolist(), sends[same].tolist(), strict=True),
        graph.neurons[same].tolist(), strict=True,
    ):  # fmt: skip
        if mine != last or load + size > most_neurons:
            number, load, last = number + 1, 0, mine
        label[node], load = number, load + size
    firsts = np.full(number + 1, graph.n_nodes)
    np.minimum.at(firsts, label, np.arange(graph.n_nodes))
    return np.asarray(np.argsort(np.argsort(firsts))[label], np.int64)  # in the order of first members


def figures(graph: Hypergraph, part: IntArray, neurons: int, axons: int | None = None) -> DivisionFigures:
    """The figures of a division; ``neurons`` and ``axons`` are the limits of a part."""
    n = int(part.max(initial=-1)) + 1
    held = np.unique(rows(graph.target_pointer) * n + part[graph.target])  # (net, part) pairs
    net, weight = held // n, graph.axons
    parts_of_net = np.bincount(net, minlength=graph.n_nets)
    source_net = rows(graph.source_pointer)
    at_home = np.isin(source_net * n + part[graph.source], held)
    away = parts_of_net[source_net] - at_home
    load = np.bincount(part, graph.neurons, n).astype(np.int64)
    heard = np.bincount(held % n, weight[net], n).astype(np.int64)
    return DivisionFigures(
        km1=int((graph.source_weight * away).sum()),
        cut_net=int(graph.source_weight[away > 0].sum()),
        parts=int((load > 0).sum()),
        neurons_max=int(load.max(initial=0)),
        axons_max=int(heard.max(initial=0)),
        over_neurons=int((load > neurons).sum()),
        over_axons=None if axons is None else int((heard > axons).sum()),
    )


def _pointer(row: IntArray, n: int) -> IntArray:
    return np.concatenate([[0], np.cumsum(np.bincount(row, minlength=n))]).astype(np.int64)


def _equal_rows(row: IntArray, value: IntArray, n: int) -> IntArray:
    """(n,) a number per row, equal exactly for rows of equal values; ``value`` ascends within a row.

    Rows are told apart by two random sums of 61 bits each over their values.
    """
    rng = np.random.Generator(np.random.PCG64(0))
    size = int(value.max(initial=0)) + 1
    sums = []
    for _ in range(2):
        salt = rng.integers(0, 1 << 61, size, dtype=np.uint64)
        total = np.zeros(n, np.uint64)
        np.add.at(total, row, salt[value])
        sums.append(total)
    count = np.bincount(row, minlength=n).astype(np.uint64)
    _, kind = np.unique(np.stack([*sums, count], axis=1), axis=0, return_inverse=True)
    return np.asarray(kind, np.int64).reshape(-1)
