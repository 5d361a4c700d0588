"""Composes chains of linear operations into one projection: at most a Pool, then one Connection.

Reads the linear operations between two neuron populations, in order; writes a :class:`Chain`.  Exact or
refused: a composition that would change a single value raises :class:`Inexact`.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.network.connections import Connection, Conv, Dense, Diagonal, Pool, Sparse


class Inexact(Exception):  # noqa: N818 - never leaves the importer, which turns it into an InputError
    """Why two operations cannot be one; the text completes "cannot be merged: ...".."""


@dataclass(frozen=True)
class Operation:
    """One linear node: ``connection`` None is the identity (Flatten); ``is_pool`` marks pooling nodes.

    A pooling node's connection is a depthwise Conv whose taps all have the same value.
    """

    node: str
    connection: Connection | None
    is_pool: bool = False


@dataclass(frozen=True)
class Chain:
    """What has been composed so far; both None is the identity."""

    pool: Pool | None = None
    connection: Connection | None = None


def extend(chain: Chain, operation: Operation) -> Chain:
    """``chain`` followed by ``operation``.

    Raises:
        Inexact: there is no exact pool-then-connection form of the two.
    """
    then = operation.connection
    if then is None:
        return chain
    if operation.is_pool and isinstance(then, Conv):
        moved = _pool_first(chain, then)
        if moved is not None:
            return moved
    if chain.connection is None:
        return replace(chain, connection=then)
    return replace(chain, connection=compose(chain.connection, then))


def finish(chain: Chain, n_source: int) -> tuple[Pool | None, Connection]:
    """The chain's pool and connection; a chain that weights nothing becomes one to one."""
    if chain.connection is not None:
        return chain.pool, chain.connection
    n_axons = math.prod(chain.pool.out_shape) if chain.pool else n_source
    return chain.pool, Diagonal(np.ones(n_axons))


def _pool_first(chain: Chain, pooling: Conv) -> Chain | None:
    """The chain with ``pooling`` as its Pool, where windows do not overlap and nothing forbids it."""
    kernel = (int(pooling.weight.shape[2]), int(pooling.weight.shape[3]))
    if chain.pool or any(s < k for s, k in zip(pooling.stride, kernel, strict=True)):
        return None
    scale = np.full(pooling.out_shape[0], float(pooling.weight.flat[0]))
    if isinstance(chain.connection, Diagonal):
        per_channel = _per_channel(chain.connection.weight, pooling.in_shape)
        if per_channel is None:
            return None
        scale = scale * per_channel
    elif chain.connection is not None:
        return None
    pool = Pool(pooling.in_shape, pooling.out_shape, kernel, pooling.stride, pooling.padding)
    if (scale == 1).all():
        return Chain(pool, None)
    return Chain(pool, Diagonal(np.repeat(scale, math.prod(pooling.out_shape[1:]))))


def compose(first: Connection, then: Connection) -> Connection:
    """One connection that does ``first``, then ``then``.

    Raises:
        Inexact: no single connection does exactly that.
    """
    if isinstance(first, Sparse) or isinstance(then, Sparse):
        raise Inexact("lists of synapses are not composed")
    if isinstance(first, Dense):
        if isinstance(then, Dense):
            return Dense(then.weight @ first.weight)
        return Dense(np.ascontiguousarray(then.apply(first.weight.T).T))
    if isinstance(then, Dense):
        if isinstance(first, Diagonal):
            return Dense(then.weight * first.weight)
        return Dense(transposed(first, then.weight))
    if isinstance(first, Diagonal):
        return _after_diagonal(first, then)
    if isinstance(then, Diagonal):
        scale = _per_channel(then.weight, first.out_shape)
        if scale is None:
            raise Inexact("the scale after a convolution differs inside a channel")
        return replace(first, weight=first.weight * scale[:, None, None, None])
    return _conv_conv(first, then)


def transposed(conv: Conv, rows: NDArray[Any]) -> NDArray[Any]:
    """``rows @ C`` for the matrix ``C`` of ``conv``, which is never built: (m, n_out) -> (m, n_in)."""
    co, oh, ow = conv.out_shape
    cg_out, cg_in = co // conv.groups, conv.in_shape[0] // conv.groups
    back = rows.reshape(rows.shape[0], co, oh, ow)
    image = conv._padded(np.zeros((rows.shape[0], *conv.in_shape)))
    for ky in range(conv.weight.shape[2]):
        for kx in range(conv.weight.shape[3]):
            window = conv._window(image, ky, kx)
            for g in range(conv.groups):
                out, into = slice(g * cg_out, (g + 1) * cg_out), slice(g * cg_in, (g + 1) * cg_in)
                window[:, into] += np.einsum("oc,mohw->mchw", conv.weight[out, :, ky, kx], back[:, out])
    (top, left), (_, h, w) = conv.padding, conv.in_shape
    return image[:, :, top : top + h, left : left + w].reshape(rows.shape[0], -1)


def _after_diagonal(first: Diagonal, then: Diagonal | Conv) -> Connection:
    if isinstance(then, Diagonal):
        return Diagonal(first.weight * then.weight)
    scale = _per_channel(first.weight, then.in_shape)
    if scale is None:
        raise Inexact("the scale before a convolution differs inside a channel")
    seen = scale.reshape(then.groups, -1)[np.arange(then.out_shape[0]) // (then.out_shape[0] // then.groups)]
    return replace(then, weight=then.weight * seen[:, :, None, None])


def _per_channel(values: NDArray[Any], shape: tuple[int, int, int]) -> NDArray[Any] | None:
    """One value per channel, or None if a channel holds different ones."""
    rows = values.reshape(shape[0], -1)
    return rows[:, 0] if (rows == rows[:, :1]).all() else None


def _conv_conv(a: Conv, b: Conv) -> Conv:
    """A larger kernel that does ``a`` and then ``b``.

    Between them lies a map that is zero outside; one kernel would see values of ``a`` there.  So it is
    exact only if ``b`` does not look outside, or if ``a`` looks at one position only.
    """
    pointwise = a.weight.shape[2:] == (1, 1) and a.stride == (1, 1) and a.padding == (0, 0)
    inside = all(
        b.padding[k] == 0 and (b._reach(k) <= b.in_shape[1 + k]) for k in (0, 1)
    )
    if not (inside or (pointwise and a.out_shape[1:] == a.in_shape[1:])):
        raise Inexact("the second one pads the map between them with zeros")
    groups = math.gcd(a.groups, b.groups)
    wa, wb = _regroup(a, groups), _regroup(b, groups)
    spacing, size = zip(*(_grid(a, b, axis) for axis in (0, 1)), strict=True)
    co, ci = wb.shape[1], wa.shape[2]
    weight = np.zeros((groups, co, ci, *size))
    for by, bx in np.ndindex(*wb.shape[3:]):
        for ay, ax in np.ndindex(*wa.shape[3:]):
            y = (by * b.dilation[0] * a.stride[0] + ay * a.dilation[0]) // spacing[0]
            x = (bx * b.dilation[1] * a.stride[1] + ax * a.dilation[1]) // spacing[1]
            weight[:, :, :, y, x] += wb[:, :, :, by, bx] @ wa[:, :, :, ay, ax]
    return Conv(
        weight=weight.reshape(groups * co, ci, *size),
        in_shape=a.in_shape,
        out_shape=b.out_shape,
        stride=(a.stride[0] * b.stride[0], a.stride[1] * b.stride[1]),
        padding=(a.padding[0] + b.padding[0] * a.stride[0], a.padding[1] + b.padding[1] * a.stride[1]),
        dilation=(spacing[0], spacing[1]),
        groups=groups,
    )


def _grid(a: Conv, b: Conv, axis: int) -> tuple[int, int]:
    """Dilation and size of the composed kernel along ``axis``."""
    ka, kb = int(a.weight.shape[2 + axis]), int(b.weight.shape[2 + axis])
    steps = [s for s, k in ((a.dilation[axis], ka), (b.dilation[axis] * a.stride[axis], kb)) if k > 1]
    spacing = math.gcd(*steps) if steps else 1
    span = (kb - 1) * b.dilation[axis] * a.stride[axis] + (ka - 1) * a.dilation[axis]
    return spacing, span // spacing + 1


def _regroup(conv: Conv, groups: int) -> NDArray[Any]:
    """The kernel as (groups, C_out / groups, C_in / groups, K_h, K_w), for ``groups`` dividing its own."""
    merged = conv.groups // groups
    co, ci = conv.out_shape[0] // conv.groups, conv.in_shape[0] // conv.groups
    wide = np.zeros((conv.groups, co, merged, ci, *conv.weight.shape[2:]))
    for g in range(conv.groups):
        wide[g, :, g % merged] = conv.weight[g * co : (g + 1) * co]
    return wide.reshape(groups, merged * co, merged * ci, *conv.weight.shape[2:])
