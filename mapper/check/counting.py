"""Counting for the checkers, by brute force: which axons reach a slice, and what a block takes.

Taps of a convolution are marked one by one, weights are looked at one by one; nothing here is clever,
so that it can be believed.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import Slice
from neurosim.chip.models import Core
from neurosim.network.connections import Conv, Dense, Sparse
from neurosim.network.model import Network, Projection, as_chw

IntArray = NDArray[np.int64]
AT_MOST = 10  # sentences of one kind before a checker says "and n more"


def neurons_of(piece: Slice, network: Network) -> IntArray:
    """Population indices of a slice's neurons, in C order."""
    shape = as_chw(network.population(piece.population).shape)
    grid = np.arange(math.prod(shape)).reshape(shape)
    return grid[slice(*piece.c), slice(*piece.y), slice(*piece.x)].reshape(-1)


def synapses_per_axon(projection: Projection, piece: Slice, network: Network) -> IntArray:
    """(n_in,) synapses of every pooled index into a slice, 0 for those that nobody sends to."""
    connection = projection.connection
    if isinstance(connection, Conv):
        count = _taps(connection, piece)
    elif isinstance(connection, Dense):
        count = (connection.weight[neurons_of(piece, network)] != 0).sum(axis=0).astype(np.int64)
    elif isinstance(connection, Sparse):
        used = np.isin(connection.target, neurons_of(piece, network)) & (connection.weight != 0)
        count = np.bincount(connection.axons()[used], minlength=connection.n_in).astype(np.int64)
    else:
        count = np.zeros(connection.n_in, np.int64)
        for neuron in neurons_of(piece, network).tolist():
            count[neuron] = int(connection.weight[neuron] != 0)
    sent = np.zeros(connection.n_in, np.bool_)
    sent[senders(projection, network)[1]] = True
    return np.where(sent, count, 0)


def senders(projection: Projection, network: Network) -> tuple[IntArray, IntArray]:
    """(source neuron, pooled index) of all that take part in a projection."""
    n = network.population(projection.source).n
    if projection.pool is None:
        return np.arange(n), np.arange(n)
    pool = projection.pool
    source, axon = [], []
    for pooled, window in _windows(pool.in_shape, pool.out_shape, pool.kernel, pool.stride, pool.padding):
        source.append(window)
        axon.append(np.full(len(window), pooled, np.int64))
    return np.concatenate(source), np.concatenate(axon)


def _windows(
    in_shape: tuple[int, int, int], out_shape: tuple[int, int, int], kernel: tuple[int, int],
    stride: tuple[int, int], padding: tuple[int, int],
) -> list[tuple[int, IntArray]]:
    """(pooled index, source neurons) of every pooling window."""
    grid = np.arange(math.prod(in_shape)).reshape(in_shape)
    out = []
    for c, y, x in np.ndindex(out_shape):
        top, left = y * stride[0] - padding[0], x * stride[1] - padding[1]
        rows = slice(max(0, top), max(0, top + kernel[0]))
        columns = slice(max(0, left), max(0, left + kernel[1]))
        pooled = (c * out_shape[1] + y) * out_shape[2] + x
        out.append((pooled, grid[c, rows, columns].reshape(-1)))
    return out


def _taps(conv: Conv, piece: Slice) -> IntArray:
    count = np.zeros(conv.in_shape, np.int64)
    used = np.zeros(conv.in_shape, np.bool_)
    n_in, n_out = conv.in_shape[0] // conv.groups, conv.out_shape[0] // conv.groups
    _, _, kernel_h, kernel_w = conv.weight.shape
    for co in range(*piece.c):
        for ci in range(n_in):
            used[co // n_out * n_in + ci] |= bool(conv.weight[co, ci].any())
    for co in range(*piece.c):
        first = co // n_out * n_in
        for oy in range(*piece.y):
            for ky in range(kernel_h):
                iy = oy * conv.stride[0] - conv.padding[0] + ky * conv.dilation[0]
                if 0 <= iy < conv.in_shape[1]:
                    for kx in range(kernel_w):
                        ix = np.arange(*piece.x) * conv.stride[1] - conv.padding[1]
                        ix = ix + kx * conv.dilation[1]
                        ix = ix[(ix >= 0) & (ix < conv.in_shape[2])]
                        count[first : first + n_in, iy, ix] += 1
    return np.where(used, count, 0).reshape(-1)


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
        options.append(sum(ceil_bits(n * pair, core.word_bits) for n in synapses.tolist()))
    if "conv" in core.synapse_formats and isinstance(projection.connection, Conv):
        kernel = channels * math.prod(projection.connection.weight.shape[1:])
        options.append(ceil_bits(kernel * weight_bits, core.word_bits))
    return core.axon_header_words * len(synapses) + min(options)


def shorten(problems: list[str]) -> list[str]:
    """At most ``AT_MOST`` sentences and a count of the others."""
    more = len(problems) - AT_MOST
    return problems if more <= 0 else [*problems[:AT_MOST], f"and {more} more of this kind"]
