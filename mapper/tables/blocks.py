"""Synapse blocks: the memory image of one projection into one slice, in the cheapest legal format.

Reads a network's anatomy and a slice; writes :class:`~neurosim.artefacts.program.SynapseBlock`.  A
convolution stays one kernel with its geometry; it is unrolled only for chips without that format.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy, FanIn, synapses_into
from neurosim.artefacts.mapping import Slice
from neurosim.artefacts.program import SynapseBlock
from neurosim.chip.models import Core
from neurosim.network.connections import Conv, Dense, Diagonal
from neurosim.network.model import Projection
from neurosim.rules import synapse

IntArray = NDArray[np.int64]
NONE = np.zeros(0, np.int64)


@dataclass(frozen=True)
class BlockPlace:
    """Where a block stands: its group in the core, its first axon, its delay."""

    group: int
    first_axon: int
    delay_steps: int


def block(
    anatomy: Anatomy, core: Core, projection: Projection, piece: Slice, at: BlockPlace
) -> tuple[SynapseBlock, IntArray] | None:
    """The block and the pooled source index of each of its axons; None if there is no synapse."""
    fan_in = anatomy.fan_in(projection, piece)
    if not fan_in.axons.size:
        return None
    fmt, memory_words = capacity.best_format(anatomy, core, projection, piece)
    pointer, source, geometry = NONE, NONE, NONE
    target: NDArray[Any] = NONE
    synapses = fan_in.synapses
    if fmt == synapse.FORMAT_CONV:
        assert isinstance(projection.connection, Conv)
        weight = projection.connection.weight[slice(*piece.c)]
        source, geometry = fan_in.axons, conv_geometry(projection.connection, piece)
    elif fmt == synapse.FORMAT_DENSE:
        weight = _rows(anatomy, projection, piece, fan_in)
        synapses = np.full(len(fan_in.axons), piece.n, np.int64)
    else:
        pointer, target, weight = _lists(anatomy, projection, piece, fan_in)
    words = _words(anatomy, core, fmt, synapses)
    made = SynapseBlock(
        projection=projection.name,
        format=fmt,
        group=at.group,
        first_axon=at.first_axon,
        delay_steps=at.delay_steps,
        weight=np.ascontiguousarray(weight, np.int16),
        pointer=pointer,
        target=target,
        source=source,
        geometry=geometry,
        words=words,
        synapses=synapses,
        memory_words=memory_words,
    )
    return made, fan_in.axons


def conv_geometry(conv: Conv, piece: Slice) -> IntArray:
    """The integers of :data:`neurosim.artefacts.program.GEOMETRY`."""
    return np.array(
        [
            *conv.in_shape, *conv.out_shape, *conv.stride, *conv.padding, *conv.dilation, conv.groups,
            piece.c[0], *piece.y, *piece.x,
        ],
        np.int64,
    )  # fmt: skip


def _words(anatomy: Anatomy, core: Core, fmt: int, synapses: IntArray) -> IntArray:
    bits = anatomy.network.weight_bits
    assert bits is not None
    values, inverse = np.unique(synapses, return_inverse=True)
    words = [synapse.axon_words(fmt, int(n), bits, core.index_bits, core.word_bits) for n in values]
    return np.array(words, np.int64)[inverse]


def _rows(
    anatomy: Anatomy, projection: Projection, piece: Slice, fan_in: FanIn
) -> NDArray[np.int16]:
    """(axons, neurons) weights, zeros included."""
    neurons = piece.neurons(anatomy.shape(piece.population))
    if isinstance(projection.connection, Dense):
        return np.asarray(projection.connection.weight[np.ix_(neurons, fan_in.axons)].T)
    rows = np.zeros((len(fan_in.axons), piece.n), np.int16)
    axon, target, weight = _synapses(anatomy, projection, piece, fan_in)
    rows[axon, target] = weight
    return rows


def _lists(
    anatomy: Anatomy, projection: Projection, piece: Slice, fan_in: FanIn
) -> tuple[IntArray, NDArray[Any], NDArray[np.int16]]:
    """(pointer, target, weight) of the lists, targets ascending within an axon."""
    axon, target, weight = _synapses(anatomy, projection, piece, fan_in)
    order = np.lexsort((target, axon))
    narrow = np.min_scalar_type(max(0, piece.n - 1))
    pointer = np.zeros(len(fan_in.axons) + 1, np.int64)
    np.cumsum(np.bincount(axon, minlength=len(fan_in.axons)), out=pointer[1:])
    return pointer, target[order].astype(narrow), weight[order]


def _synapses(
    anatomy: Anatomy, projection: Projection, piece: Slice, fan_in: FanIn
) -> tuple[IntArray, IntArray, NDArray[np.int16]]:
    """(axon, target, weight) of every synapse; axons and targets local to the block."""
    connection = projection.connection
    neurons = piece.neurons(anatomy.shape(piece.population))
    if isinstance(connection, Diagonal):
        target = np.searchsorted(neurons, fan_in.axons)
        return np.arange(len(target)), target, connection.weight[fan_in.axons].astype(np.int16)
    local = np.full(connection.n_in, -1, np.int64)
    local[fan_in.axons] = np.arange(len(fan_in.axons))
    if isinstance(connection, Conv):
        source, target, weight = _unrolled(connection, piece)
    elif isinstance(connection, Dense):
        target, source = np.nonzero(connection.weight[neurons])
        weight = connection.weight[neurons][target, source]
    else:
        at = np.flatnonzero(synapses_into(connection, neurons))
        source = np.searchsorted(connection.pointer, at, side="right") - 1
        number = np.zeros(connection.n_out, np.int64)
        number[neurons] = np.arange(piece.n)
        target, weight = number[connection.target[at]], connection.weight[at]
    kept = local[source] >= 0
    return local[source][kept], np.asarray(target)[kept], weight[kept].astype(np.int16)


def _unrolled(conv: Conv, piece: Slice) -> tuple[IntArray, IntArray, NDArray[np.int16]]:
    """(source, target, weight) of every tap of a convolution into a slice."""
    _, n_in, kernel_h, kernel_w = conv.weight.shape
    per_group = conv.out_shape[0] // conv.groups
    axes = (*piece.c, *piece.y, *piece.x)
    co, oy, ox, ci, ky, kx = np.meshgrid(
        np.arange(*axes[0:2]), np.arange(*axes[2:4]), np.arange(*axes[4:6]),
        np.arange(n_in), np.arange(kernel_h), np.arange(kernel_w), indexing="ij",
    )  # fmt: skip
    iy = oy * conv.stride[0] - conv.padding[0] + ky * conv.dilation[0]
    ix = ox * conv.stride[1] - conv.padding[1] + kx * conv.dilation[1]
    inside = (iy >= 0) & (iy < conv.in_shape[1]) & (ix >= 0) & (ix < conv.in_shape[2])
    channel = co // per_group * n_in + ci
    source = (channel * conv.in_shape[1] + iy) * conv.in_shape[2] + ix
    height, width = axes[3] - axes[2], axes[5] - axes[4]
    target = ((co - axes[0]) * height + oy - axes[2]) * width + ox - axes[4]
    weight = np.broadcast_to(conv.weight[co, ci, ky, kx], inside.shape)
    return source[inside], target[inside], weight[inside]
