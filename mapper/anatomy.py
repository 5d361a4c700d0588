"""The anatomy of a network: which axons reach a box of neurons, with how many synapses each.

Reads an integer network and expected spikes; partitioners, capacity and tables ask it.  An *axon* of a
slice is a source (after pooling) with at least one synapse into it.  A synapse of a dense, diagonal or
sparse connection is a weight that is not zero; of a convolution it is a tap that falls inside the input, on a
channel of which the slice uses any weight at all.
Convolutions are separable in channels, rows and columns, so they are counted without unrolling.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import Demand, Slice
from neurosim.network.connections import Conv, Dense, Diagonal, Sparse
from neurosim.network.model import Network, Population, Projection, as_chw

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class FanIn:
    """``axons`` (n,) pooled source indices, ascending; ``synapses`` (n,) synapses of each (>= 1)."""

    axons: IntArray
    synapses: IntArray


@dataclass(frozen=True, eq=False)
class Profile:
    """The histogram of a fan-in: ``count[i]`` axons have ``synapses[i]`` synapses each.

    Equal only to itself, so that what is computed from it can be kept by it.
    """

    synapses: IntArray
    count: IntArray

    @cached_property
    def n_axons(self) -> int:
        """Axons in all."""
        return int(self.count.sum())

    @cached_property
    def n_synapses(self) -> int:
        """Synapses in all."""
        return int((self.synapses * self.count).sum())


class Anatomy:
    """Caches of one network; ``spikes`` by population name, shape (n,) each."""

    def __init__(self, network: Network, spikes: dict[str, FloatArray]) -> None:
        self.network = network
        self.spikes = spikes
        self.layers: tuple[Population, ...] = tuple(p for p in network.populations if not p.is_input)
        self._population = {p.name: p for p in network.populations}
        self._into = {p.name: network.into(p.name) for p in network.populations}
        self._out_of = {p.name: network.out_of(p.name) for p in network.populations}
        self._source_axon: dict[str, IntArray] = {}
        self._axon_spikes: dict[str, FloatArray] = {}
        self._axis: dict[tuple[str, int, int, int], IntArray] = {}
        self._histogram: dict[tuple[str, int, int, int], tuple[int, IntArray, IntArray]] = {}
        self._histogram_kind: dict[tuple[bytes, bytes], int] = {}
        self._traffic: dict[Slice, float] = {}
        self._has_source: dict[str, NDArray[np.bool_]] = {}
        self.demands: dict[tuple[object, ...], Demand] = {}
        """Kept by :func:`mapper.capacity.slice_demand`, which knows what a demand depends on."""
        self.formats: dict[tuple[object, ...], tuple[int, int]] = {}
        """Kept by :func:`mapper.capacity.best_format` likewise."""
        self._profile: dict[tuple[object, ...], Profile] = {}

    def population(self, name: str) -> Population:
        """A population by name."""
        return self._population[name]

    def shape(self, name: str) -> tuple[int, int, int]:
        """(C, H, W) of a population."""
        return as_chw(self._population[name].shape)

    def into(self, name: str) -> tuple[Projection, ...]:
        """Projections into a population, in network order."""
        return self._into[name]

    def out_of(self, name: str) -> tuple[Projection, ...]:
        """Projections out of a population, in network order."""
        return self._out_of[name]

    def whole(self, name: str) -> Slice:
        """The slice that is the whole population."""
        c, h, w = self.shape(name)
        return Slice(name, (0, c), (0, h), (0, w))

    def source_axon(self, projection: Projection) -> IntArray:
        """(n_source,) the pooled index of every source neuron, -1 where the pool drops it."""
        found = self._source_axon.get(projection.name)
        if found is None:
            if projection.pool is None:
                found = np.arange(self._population[projection.source].n)
            else:
                found = projection.pool.axon_of_source()
            self._source_axon[projection.name] = found
        return found

    def axon_spikes(self, projection: Projection) -> FloatArray:
        """(n_in,) expected packets per sample over each pooled index."""
        found = self._axon_spikes.get(projection.name)
        if found is None:
            axon = self.source_axon(projection)
            used = axon >= 0
            spikes, n_in = self.spikes[projection.source][used], projection.connection.n_in
            found = np.bincount(axon[used], weights=spikes, minlength=n_in).astype(np.float64)
            self._axon_spikes[projection.name] = found
        return found

    def has_source(self, projection: Projection) -> NDArray[np.bool_]:
        """(n_in,) whether any neuron sends to the pooled index."""
        found = self._has_source.get(projection.name)
        if found is None:
            axon = self.source_axon(projection)
            found = np.bincount(axon[axon >= 0], minlength=projection.connection.n_in) > 0
            self._has_source[projection.name] = found
        return found

    def fan_in(self, projection: Projection, piece: Slice) -> FanIn:
        """Axons of ``projection`` into ``piece``, and the synapses of each."""
        connection = projection.connection
        if isinstance(connection, Conv):
            return self._conv_fan_in(projection, connection, piece)
        neurons = piece.neurons(self.shape(piece.population))
        if isinstance(connection, Diagonal):
            axons = neurons[connection.weight[neurons] != 0]
            if projection.pool is not None:
                axons = axons[self.has_source(projection)[axons]]
            return FanIn(axons, np.ones(len(axons), np.int64))
        if isinstance(connection, Dense):
            count = np.count_nonzero(connection.weight[neurons], axis=0)
        else:
            before = np.concatenate([[0], np.cumsum(synapses_into(connection, neurons))])
            count = np.diff(before[connection.pointer])
        if projection.pool is not None:
            count = count * self.has_source(projection)
        axons = np.flatnonzero(count)
        return FanIn(axons, count[axons].astype(np.int64))

    def profile(self, projection: Projection, piece: Slice) -> Profile:
        """Histogram of :meth:`fan_in`; equal tiles of a convolution are counted once."""
        connection = projection.connection
        key: tuple[object, ...]
        if isinstance(connection, Conv) and projection.pool is None:
            axes = [self._axis_histogram(projection, connection, piece, axis) for axis in range(3)]
            key = (projection.name, *(number for number, _, _ in axes))
            found = self._profile.get(key)
            if found is None:
                found = self._profile[key] = _outer_histogram([(v, n) for _, v, n in axes])
            return found
        key = (projection.name, piece)
        found = self._profile.get(key)
        if found is None:
            synapses, count = np.unique(self.fan_in(projection, piece).synapses, return_counts=True)
            found = self._profile[key] = Profile(synapses, count)
        return found

    def traffic_into(self, piece: Slice) -> float:
        """Expected packets per sample into a slice: one per spike and axon it reaches."""
        found = self._traffic.get(piece)
        if found is None:
            found = self._traffic[piece] = sum(
                float(self.axon_spikes(p)[self.fan_in(p, piece).axons].sum())
                for p in self.into(piece.population)
            )
        return found

    def kernel_size(self, projection: Projection, piece: Slice) -> int:
        """Weights of a convolution's kernel that a slice needs (0 for other connections)."""
        connection = projection.connection
        if not isinstance(connection, Conv):
            return 0
        return (piece.c[1] - piece.c[0]) * math.prod(connection.weight.shape[1:])

    def fan_out(self, projection: Projection, pieces: list[Slice]) -> IntArray:
        """(n_source,) target entries that ``projection`` costs each source neuron.

        ``pieces`` are all slices of the target population; one entry per slice with the axon.
        """
        hits = np.zeros(projection.connection.n_in, np.int64)
        for piece in pieces:
            hits[self.fan_in(projection, piece).axons] += 1
        axon = self.source_axon(projection)
        return np.where(axon >= 0, hits[np.maximum(axon, 0)], 0)

    def _conv_fan_in(self, projection: Projection, conv: Conv, piece: Slice) -> FanIn:
        """Only the box of inputs that the slice sees is looked at."""
        counts = self._conv_counts(projection, conv, piece)
        c, y, x = (np.flatnonzero(count) for count in counts)
        _, height, width = conv.in_shape
        axons = ((c * height)[:, None, None] + y[None, :, None]) * width + x[None, None, :]
        synapses = counts[0][c][:, None, None] * counts[1][y][None, :, None] * counts[2][x][None, None, :]
        axons, synapses = axons.reshape(-1), synapses.reshape(-1)
        if projection.pool is not None:
            kept = self.has_source(projection)[axons]
            axons, synapses = axons[kept], synapses[kept]
        return FanIn(axons, synapses.astype(np.int64))

    def _conv_counts(
        self, projection: Projection, conv: Conv, piece: Slice
    ) -> tuple[IntArray, IntArray, IntArray]:
        """Per input channel, row and column: how many of the slice's it reaches."""
        return (
            self._channel_counts(conv, piece),
            self._axis_counts(projection.name, conv, 0, *piece.y),
            self._axis_counts(projection.name, conv, 1, *piece.x),
        )

    def _axis_histogram(
        self, projection: Projection, conv: Conv, piece: Slice, axis: int
    ) -> tuple[int, IntArray, IntArray]:
        """(number of its kind, synapses, how often) along channels, rows or columns."""
        span = (piece.c, piece.y, piece.x)[axis]
        key = (projection.name, axis, *span)
        found = self._histogram.get(key)
        if found is None:
            if axis == 0:
                counts = self._channel_counts(conv, piece)
            else:
                counts = self._axis_counts(projection.name, conv, axis - 1, *span)
            values, times = np.unique(counts[counts > 0], return_counts=True)
            kind = (values.tobytes(), times.tobytes())
            number = self._histogram_kind.setdefault(kind, len(self._histogram_kind))
            found = self._histogram[key] = (number, values, times)
        return found

    def _axis_counts(self, name: str, conv: Conv, axis: int, low: int, high: int) -> IntArray:
        key = (name, axis, low, high)
        found = self._axis.get(key)
        if found is None:
            size = conv.in_shape[1 + axis]
            first = np.arange(low, high) * conv.stride[axis] - conv.padding[axis]
            at = first[:, None] + np.arange(conv.weight.shape[2 + axis]) * conv.dilation[axis]
            found = np.bincount(at[(at >= 0) & (at < size)], minlength=size).astype(np.int64)
            self._axis[key] = found
        return found

    @staticmethod
    def _channel_counts(conv: Conv, piece: Slice) -> IntArray:
        n_in, n_out = conv.in_shape[0] // conv.groups, conv.out_shape[0] // conv.groups
        group = np.arange(conv.in_shape[0]) // n_in
        low = np.maximum(piece.c[0], group * n_out)
        high = np.minimum(piece.c[1], (group + 1) * n_out)
        outputs = np.arange(*piece.c) // n_out
        used = np.zeros(conv.in_shape[0], np.bool_)
        for g in np.unique(outputs).tolist():
            mine = conv.weight[piece.c[0] : piece.c[1]][outputs == g]
            used[g * n_in : (g + 1) * n_in] = (mine != 0).any(axis=(0, 2, 3))
        return np.asarray(np.where(used, np.maximum(0, high - low), 0), np.int64)


def synapses_into(connection: Sparse, neurons: IntArray) -> NDArray[np.bool_]:
    """(n_synapses,) whether a synapse of a sparse connection reaches one of ``neurons``."""
    wanted = np.zeros(connection.n_out, np.bool_)
    wanted[neurons] = True
    return np.asarray(wanted[connection.target] & (connection.weight != 0))


def _outer_histogram(axes: list[tuple[IntArray, IntArray]]) -> Profile:
    synapses, count = np.ones(1, np.int64), np.ones(1, np.int64)
    for values, times in axes:
        synapses = np.multiply.outer(synapses, values).reshape(-1)
        count = np.multiply.outer(count, times).reshape(-1)
    merged, inverse = np.unique(synapses, return_inverse=True)
    return Profile(merged, np.bincount(inverse, weights=count, minlength=len(merged)).astype(np.int64))
