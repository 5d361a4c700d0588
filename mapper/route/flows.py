"""Flows: how many packets per sample every cluster is expected to send to every other, and the host.

Reads a network's anatomy and clusters; placement weighs them, routes name them.  One packet per spike
and target entry (unicast), so a neuron that reaches two slices of one core sends it two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from neurosim.artefacts.mapping import Cluster
from neurosim.network.model import Projection

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
HOST_ROW = -1  # NumPy's last row: the host is the last of n + 1 senders


@dataclass(frozen=True)
class Flows:
    """Who sends to whom among ``n`` clusters and the host, which counts as number ``n``.

    Edge ``e`` goes from ``source[e]`` to ``target[e]`` with ``spikes[e]`` expected packets per sample over
    ``entries[e]`` (>= 1) target entries, which tell a silent connection from none.  Edges are sorted by
    (source, target), each pair once.  ``packets`` and ``linked`` are the same as (n + 1, n + 1) matrices,
    for small problems.
    """

    n: int
    source: IntArray
    target: IntArray
    spikes: FloatArray
    entries: IntArray

    @cached_property
    def packets(self) -> FloatArray:
        """(n + 1, n + 1) expected packets from row to column."""
        dense = np.zeros((self.n + 1, self.n + 1))
        dense[self.source, self.target] = self.spikes
        return dense

    @cached_property
    def linked(self) -> IntArray:
        """(n + 1, n + 1) target entries from row to column."""
        dense = np.zeros((self.n + 1, self.n + 1), np.int64)
        dense[self.source, self.target] = self.entries
        return dense


def cluster_flows(anatomy: Anatomy, clusters: Sequence[Cluster]) -> Flows:
    """The flows between ``clusters`` and the host."""
    n = len(clusters)
    home = cluster_of_neurons(anatomy, clusters)
    parts = [_into(anatomy, number, cluster, home, n) for number, cluster in enumerate(clusters)]
    spikes, entries = np.zeros(n + 1), np.zeros(n + 1, np.int64)
    for name in anatomy.network.outputs:
        if capacity.host_entries(anatomy.network, name):
            spikes += np.bincount(home[name], anatomy.spikes[name], n + 1)
            entries += np.bincount(home[name], minlength=n + 1)
    parts.append(_edges(n, spikes, entries))
    source, target, packets, links = (np.concatenate([p[k] for p in parts]) for k in range(4))
    order = np.lexsort((target, source))
    return Flows(n, source[order], target[order], packets[order], links[order])


def _into(
    anatomy: Anatomy, number: int, cluster: Cluster, home: dict[str, IntArray], n: int
) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    """The edges into one cluster."""
    spikes, entries = np.zeros(n + 1), np.zeros(n + 1, np.int64)
    for piece in cluster.slices:
        for projection in anatomy.into(piece.population):
            senders = _senders(anatomy, projection, anatomy.fan_in(projection, piece).axons)
            at = home[projection.source][senders]
            spikes += np.bincount(at, weights=anatomy.spikes[projection.source][senders], minlength=n + 1)
            entries += np.bincount(at, minlength=n + 1)
    return _edges(number, spikes, entries)


def senders_into(anatomy: Anatomy, cluster: Cluster) -> list[tuple[str, NDArray[np.intp]]]:
    """(population, neurons of it that send into the cluster), one per projection into one of its slices."""
    return [
        (p.source, _senders(anatomy, p, anatomy.fan_in(p, piece).axons))
        for piece in cluster.slices
        for p in anatomy.into(piece.population)
    ]


def _edges(
    target: int, spikes: FloatArray, entries: IntArray
) -> tuple[IntArray, IntArray, FloatArray, IntArray]:
    source = np.flatnonzero(entries)
    return source, np.full(len(source), target, np.int64), spikes[source], entries[source]


def cluster_of_neurons(anatomy: Anatomy, clusters: Sequence[Cluster]) -> dict[str, NDArray[np.int64]]:
    """By population, the cluster of every neuron; inputs are at the host, number ``len(clusters)``."""
    home = {p.name: np.full(p.n, len(clusters), np.int64) for p in anatomy.network.populations}
    for number, cluster in enumerate(clusters):
        for piece in cluster.slices:
            home[piece.population][piece.neurons(anatomy.shape(piece.population))] = number
    return home


def _senders(
    anatomy: Anatomy, projection: Projection, axons: NDArray[np.int64]
) -> NDArray[np.intp]:
    """Source neurons that send to any of the pooled indices ``axons``."""
    if projection.pool is None:
        return axons
    wanted = np.zeros(projection.connection.n_in, np.bool_)
    wanted[axons] = True
    axon = anatomy.source_axon(projection)
    return np.flatnonzero((axon >= 0) & wanted[np.maximum(axon, 0)])
