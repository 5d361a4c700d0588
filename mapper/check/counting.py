"""Counting for the checkers: which axons reach a slice, with how many synapses, and what a block takes.

Every tap of a convolution is looked at, rows, columns and channels each for themselves (its synapses are
their product); of other connections every weight.  What many slices ask for is kept by :class:`Counting`.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import Scattered, Slice
from neurosim.chip.models import Core
from neurosim.network.connections import Conv, Dense, Sparse
from neurosim.network.model import Network, Population, Projection, as_chw

IntArray = NDArray[np.int64]
AT_MOST = 10  # sentences of one kind before a checker says "and n more"


def neurons_of(piece: Slice, population: Population) -> IntArray:
    """Population indices of a slice's neurons, in C order."""
    if isinstance(piece, Scattered):
        return np.array(piece.members, np.int64)
    box = np.ix_(*(np.arange(*span) for span in (piece.c, piece.y, piece.x)))
    return np.ravel_multi_index(box, as_chw(population.shape)).reshape(-1)


class Counting:
    """Counts of one network."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.population = {p.name: p for p in network.populations}
        self.into: dict[str, list[Projection]] = {p.name: [] for p in network.populations}
        for projection in network.projections:
            self.into[projection.target].append(projection)
        self._senders: dict[str, tuple[IntArray, IntArray]] = {}
        self._sent: dict[str, NDArray[np.bool_]] = {}
        self._axons: dict[str, IntArray] = {}
        self._channels: dict[tuple[str, int, int], IntArray] = {}

    def neurons(self, piece: Slice) -> IntArray:
        """Population indices of a slice's neurons, in C order."""
        return neurons_of(piece, self.population[piece.population])

    def senders(self, projection: Projection) -> tuple[IntArray, IntArray]:
        """(source neuron, pooled index) of all that take part in a projection."""
        found = self._senders.get(projection.name)
        if found is None:
            n = self.population[projection.source].n
            found = self._senders[projection.name] = _senders(projection, n)
        return found

    def reached(self, projection: Projection, piece: Slice) -> tuple[IntArray, IntArray]:
        """Pooled indices (ascending) that somebody sends to, with a synapse into a slice; their synapses."""
        connection = projection.connection
        if isinstance(connection, Conv):
            axons, count = self._conv(projection, connection, piece)
        else:
            dense = self._counts(projection, piece)
            axons = np.flatnonzero(dense)
            count = dense[axons]
        if projection.pool is None:
            return axons, count
        sent = self._sent.get(projection.name)
        if sent is None:
            sent = np.zeros(connection.n_in, np.bool_)
            sent[self.senders(projection)[1]] = True
            self._sent[projection.name] = sent
        return axons[sent[axons]], count[sent[axons]]

    def sources(self, projection: Projection, axons: IntArray) -> IntArray:
        """The source neurons that send to the pooled indices ``axons``, each once."""
        if projection.pool is None:
            return axons
        source, axon = self.senders(projection)
        wanted = np.zeros(projection.connection.n_in, np.bool_)
        wanted[axons] = True
        return source[wanted[axon]]

    def _counts(self, projection: Projection, piece: Slice) -> IntArray:
        """(n_in,) synapses of every pooled index, whether somebody sends to it or not."""
        connection, neurons = projection.connection, self.neurons(piece)
        if isinstance(connection, Dense):
            return np.asarray((connection.weight[neurons] != 0).sum(axis=0), np.int64)
        if isinstance(connection, Sparse):
            axon = self._axons.get(projection.name)
            if axon is None:
                axon = self._axons[projection.name] = connection.axons()
            held = np.zeros(connection.n_out, np.bool_)
            held[neurons] = True
            used = held[connection.target] & (connection.weight != 0)
            return np.bincount(axon[used], minlength=connection.n_in).astype(np.int64)
        count = np.zeros(connection.n_in, np.int64)
        count[neurons] = connection.weight[neurons] != 0
        return count

    def _conv(self, projection: Projection, conv: Conv, piece: Slice) -> tuple[IntArray, IntArray]:
        key = (projection.name, *piece.c)
        channels = self._channels.get(key)
        if channels is None:
            channels = self._channels[key] = channel_taps(conv, piece.c)
        spans = (piece.y, piece.x)
        rows, columns = (
            line_taps(spans[k], conv.in_shape[1 + k], conv.weight.shape[2 + k], conv.stride[k],
                      conv.padding[k], conv.dilation[k])
            for k in (0, 1)
        )  # fmt: skip
        hit = [np.flatnonzero(taps) for taps in (channels, rows, columns)]
        axons = np.ravel_multi_index(np.ix_(*hit), conv.in_shape).reshape(-1)
        count = channels[hit[0], None, None] * rows[hit[1], None] * columns[hit[2]]
        return axons, count.reshape(-1)


def line_taps(
    span: tuple[int, int], size: int, kernel: int, stride: int, padding: int, dilation: int
) -> IntArray:
    """(size,) how many taps of the outputs ``span`` fall on every row (or column) of the input."""
    count = np.zeros(size, np.int64)
    for output in range(*span):
        for tap in range(kernel):
            at = output * stride - padding + tap * dilation
            if 0 <= at < size:
                count[at] += 1
    return count


def channel_taps(conv: Conv, span: tuple[int, int]) -> IntArray:
    """(channels,) output channels of ``span`` that hear every input channel; 0 where all weights are 0."""
    count = np.zeros(conv.in_shape[0], np.int64)
    n_in, n_out = conv.in_shape[0] // conv.groups, conv.out_shape[0] // conv.groups
    for group in range(conv.groups):
        low, high = max(span[0], group * n_out), min(span[1], (group + 1) * n_out)
        if low < high:
            used = (conv.weight[low:high] != 0).any(axis=(0, 2, 3))
            count[group * n_in : (group + 1) * n_in] = np.where(used, high - low, 0)
    return count


def _senders(projection: Projection, n: int) -> tuple[IntArray, IntArray]:
    if projection.pool is None:
        return np.arange(n), np.arange(n)
    pool = projection.pool
    grid = np.arange(math.prod(pool.in_shape)).reshape(pool.in_shape)
    pooled = np.arange(math.prod(pool.out_shape)).reshape(pool.out_shape)
    source, axon = [], []
    for y, x in np.ndindex(pool.out_shape[1:]):
        top, left = y * pool.stride[0] - pool.padding[0], x * pool.stride[1] - pool.padding[1]
        rows = slice(max(0, top), max(0, top + pool.kernel[0]))
        columns = slice(max(0, left), max(0, left + pool.kernel[1]))
        window = grid[:, rows, columns].reshape(pool.in_shape[0], -1)
        source.append(window.reshape(-1))
        axon.append(np.repeat(pooled[:, y, x], window.shape[1]))
    return np.concatenate(source), np.concatenate(axon)


def ceil_bits(bits: int, word_bits: int) -> int:
    """Words that hold ``bits``."""
    return (bits + word_bits - 1) // word_bits


def cheapest_words(
    projection: Projection, core: Core, weight_bits: int, n_group: int, channels: int, synapses: IntArray
) -> int:
    """Fewest words that any format of the core needs for axons with ``synapses`` (n,) each."""
    options = []
    if "dense" in core.synapse_formats:
        options.append(len(synapses) * ceil_bits(n_group * weight_bits, core.word_bits))
    if "sparse" in core.synapse_formats and n_group <= 2**core.index_bits:
        pair = weight_bits + core.index_bits
        options.append(int(((synapses * pair + core.word_bits - 1) // core.word_bits).sum()))
    if "conv" in core.synapse_formats and isinstance(projection.connection, Conv):
        kernel = channels * math.prod(projection.connection.weight.shape[1:])
        options.append(ceil_bits(kernel * weight_bits, core.word_bits))
    return core.axon_header_words * len(synapses) + min(options)


def shorten(problems: list[str]) -> list[str]:
    """At most ``AT_MOST`` sentences and a count of the others."""
    more = len(problems) - AT_MOST
    return problems if more <= 0 else [*problems[:AT_MOST], f"and {more} more of this kind"]
