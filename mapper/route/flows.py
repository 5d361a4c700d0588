"""Flows: how many packets per sample every cluster is expected to send to every other, and the host.

Reads a network's anatomy and clusters; placement weighs them, routes name them.  One packet per spike
and target entry (unicast), so a neuron that reaches two slices of one core sends it two.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from neurosim.artefacts.mapping import Cluster
from neurosim.network.model import Projection

FloatArray = NDArray[np.float64]
HOST_ROW = -1  # NumPy's last row: the host is the last of n + 1 senders


@dataclass(frozen=True)
class Flows:
    """``packets`` and ``linked`` (n + 1, n + 1): from row to column; the last row and column is the host.

    ``linked`` counts target entries, so it tells a silent connection from none.
    """

    packets: FloatArray
    linked: NDArray[np.int64]


def cluster_flows(anatomy: Anatomy, clusters: Sequence[Cluster]) -> Flows:
    """The flows between ``clusters`` and the host."""
    n = len(clusters)
    packets, linked = np.zeros((n + 1, n + 1)), np.zeros((n + 1, n + 1), np.int64)
    home = cluster_of_neurons(anatomy, clusters)
    for target, cluster in enumerate(clusters):
        for piece in cluster.slices:
            for projection in anatomy.into(piece.population):
                senders = _senders(anatomy, projection, anatomy.fan_in(projection, piece).axons)
                at = home[projection.source][senders]
                spikes = anatomy.spikes[projection.source][senders]
                packets[:, target] += np.bincount(at, weights=spikes, minlength=n + 1)
                linked[:, target] += np.bincount(at, minlength=n + 1)
    for name in anatomy.network.outputs:
        if capacity.host_entries(anatomy.network, name):
            packets[:, HOST_ROW] += np.bincount(home[name], anatomy.spikes[name], n + 1)
            linked[:, HOST_ROW] += np.bincount(home[name], minlength=n + 1)
    return Flows(packets, linked)


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
    wanted = np.zeros(projection.connection.n_in, np.bool_)
    wanted[axons] = True
    axon = anatomy.source_axon(projection)
    return np.flatnonzero((axon >= 0) & wanted[np.maximum(axon, 0)])
