"""Connections: how axons (source neurons, pooled or not) reach target neurons, and with what weight.

Four kinds: :class:`Dense` (a weight for every pair), :class:`Conv` (one shared kernel, never
unrolled), :class:`Diagonal` (one to one) and :class:`Sparse` (a list of synapses per axon).  Weights are
float64 (or a smaller exact type) before quantisation, small signed
integers after it.  ``apply`` is the reference meaning: plain NumPy, no rules, no blocks.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.store import artefact

Weights = NDArray[Any]
_EVENTS = 1 << 16  # synaptic events that are worked on at once: they stay in the cache


@artefact
@dataclass(frozen=True)
class Pool:
    """Sum pooling whose windows do not overlap: each source neuron belongs to at most one axon.

    Shapes are (C, H, W); ``kernel``, ``stride``, ``padding`` are (vertical, horizontal) and
    ``stride >= kernel``.
    """

    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    kernel: tuple[int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]

    def axon_of_source(self) -> NDArray[np.int64]:
        """For every source neuron the pooled index, or -1 where no window covers it."""
        c, h, w = self.in_shape
        oy, y_ok = self._cell(np.arange(h), 0)
        ox, x_ok = self._cell(np.arange(w), 1)
        index = np.arange(c)[:, None, None] * (self.out_shape[1] * self.out_shape[2])
        index = index + oy[None, :, None] * self.out_shape[2] + ox[None, None, :]
        return np.where(y_ok[None, :, None] & x_ok[None, None, :], index, -1).reshape(-1)

    def _cell(self, position: NDArray[Any], axis: int) -> tuple[NDArray[Any], NDArray[Any]]:
        shifted = position + self.padding[axis]
        cell = shifted // self.stride[axis]
        inside = (shifted % self.stride[axis] < self.kernel[axis]) & (
            cell < self.out_shape[1 + axis]
        )
        return cell, inside

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Pooled sums of ``x`` (batch, n_source) -> (batch, n_axons)."""
        (_, oh, ow), (sy, sx), (ky, kx) = self.out_shape, self.stride, self.kernel
        image = x.reshape(x.shape[0], *self.in_shape)
        pads = [(0, 0), (0, 0)]
        for axis in (0, 1):
            reach = (self.out_shape[1 + axis] - 1) * self.stride[axis] + self.kernel[axis]
            before = self.padding[axis]
            pads.append((before, max(0, reach - before - self.in_shape[1 + axis])))
        image = np.pad(image, pads)
        out = np.zeros((x.shape[0], *self.out_shape), x.dtype)
        for y0 in range(ky):
            for x0 in range(kx):
                out += image[:, :, y0 : y0 + (oh - 1) * sy + 1 : sy, x0 : x0 + (ow - 1) * sx + 1 : sx]
        return out.reshape(x.shape[0], -1)


@artefact
@dataclass(frozen=True)
class Dense:
    """``weight`` (n_out, n_in)."""

    weight: Weights

    @property
    def n_in(self) -> int:
        """Axons."""
        return int(self.weight.shape[1])

    @property
    def n_out(self) -> int:
        """Target neurons."""
        return int(self.weight.shape[0])

    @property
    def n_synapses(self) -> int:
        """Pairs of axon and target."""
        return int(self.weight.size)

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Weighted sums of ``x`` (batch, n_in) -> (batch, n_out)."""
        return np.asarray(x @ self.weight.T)


@artefact
@dataclass(frozen=True)
class Diagonal:
    """Axon ``k`` reaches target ``k`` only; ``weight`` (n,)."""

    weight: Weights

    @property
    def n_in(self) -> int:
        """Axons."""
        return int(self.weight.shape[0])

    @property
    def n_out(self) -> int:
        """Target neurons."""
        return int(self.weight.shape[0])

    @property
    def n_synapses(self) -> int:
        """One per neuron."""
        return int(self.weight.size)

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Weighted ``x`` (batch, n) -> (batch, n)."""
        return np.asarray(x * self.weight)


@artefact
@dataclass(frozen=True)
class Sparse:
    """Axon ``a`` has synapses ``pointer[a] .. pointer[a + 1]``: their targets (ascending) and weights.

    ``pointer`` (n_in + 1,) int64; ``target`` and ``weight`` (n_synapses,); ``target`` is of any unsigned or
    signed integer type that holds ``n_out`` (a small one saves memory).
    """

    weight: Weights
    pointer: NDArray[np.int64]
    target: NDArray[Any]
    n_out: int

    @property
    def n_in(self) -> int:
        """Axons."""
        return int(self.pointer.shape[0]) - 1

    @property
    def n_synapses(self) -> int:
        """Entries of all lists."""
        return int(self.weight.size)

    def axons(self) -> NDArray[np.int64]:
        """(n_synapses,) the axon of every synapse."""
        return np.repeat(np.arange(self.n_in), np.diff(self.pointer))

    def apply(self, x: NDArray[Any]) -> NDArray[np.float64]:
        """Weighted sums of ``x`` (batch, n_in) -> (batch, n_out); only axons that are not 0 are looked at."""
        out = np.zeros((x.shape[0], self.n_out))
        row, axon = np.divmod(np.flatnonzero(x != 0), self.n_in)  # quicker than nonzero in two dimensions
        lengths = np.diff(self.pointer)
        if len(lengths) and (lengths == lengths[0]).all():
            self._apply_rows(out, x, row, axon, int(lengths[0]))
            return out
        length = lengths[axon]
        ends = np.cumsum(length)
        first = 0
        while first < len(axon):
            last = int(np.searchsorted(ends, ends[first] + _EVENTS, side="right"))
            self._add(out, x, row[first:last], axon[first:last], length[first:last])
            first = last
        return out

    def _add(
        self, out: NDArray[np.float64], x: NDArray[Any], row: NDArray[Any], axon: NDArray[Any],
        length: NDArray[np.int64],
    ) -> None:  # fmt: skip
        """Add the synapses of some (row, axon) pairs to ``out``."""
        start = np.cumsum(length) - length
        at = np.arange(int(length.sum())) + np.repeat(self.pointer[axon] - start, length)
        value = x[row, axon]
        weight = self.weight[at].astype(np.float64)
        if not (value == 1).all():
            weight *= np.repeat(value, length)
        low, high = int(row[0]), int(row[-1]) + 1
        goal = self.target[at] + np.repeat((row - low) * self.n_out, length)
        sums = np.bincount(goal, weights=weight, minlength=(high - low) * self.n_out)
        out[low:high] += sums.reshape(high - low, self.n_out)

    def _apply_rows(
        self, out: NDArray[np.float64], x: NDArray[Any], row: NDArray[Any], axon: NDArray[Any], n: int
    ) -> None:
        """The same where every axon has ``n`` synapses: tables are taken row by row, in half the time."""
        target, weight = self.target.reshape(self.n_in, n), self.weight.reshape(self.n_in, n)
        size = max(1, _EVENTS // max(1, n))
        for first in range(0, len(axon), size):
            rows, some = row[first : first + size], axon[first : first + size]
            value, low, high = x[rows, some], int(rows[0]), int(rows[-1]) + 1
            part = weight[some].astype(np.float64)
            if not (value == 1).all():
                part *= value[:, None]
            goal = target[some] + ((rows - low) * self.n_out)[:, None]
            sums = np.bincount(goal.reshape(-1), part.reshape(-1), (high - low) * self.n_out)
            out[low:high] += sums.reshape(high - low, self.n_out)


@artefact
@dataclass(frozen=True)
class Conv:
    """A 2-D correlation (1-D as height 1) with a shared kernel.

    ``weight`` (C_out, C_in / groups, K_h, K_w); shapes (C, H, W); ``padding`` is (top, left): what lies
    below and right follows from ``out_shape``.  Output (co, oy, ox) sees input
    ``(ci, oy*stride - top + ky*dilation, ox*stride - left + kx*dilation)``, zero outside.
    """

    weight: Weights
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    stride: tuple[int, int]
    padding: tuple[int, int]
    dilation: tuple[int, int]
    groups: int

    @property
    def n_in(self) -> int:
        """Axons."""
        return math.prod(self.in_shape)

    @property
    def n_out(self) -> int:
        """Target neurons."""
        return math.prod(self.out_shape)

    @property
    def n_synapses(self) -> int:
        """Synapses if unrolled: taps that fall inside the input, over all outputs."""
        inside = [self._taps_inside(axis) for axis in (0, 1)]
        return self.out_shape[0] * int(self.weight.shape[1]) * inside[0] * inside[1]

    def _taps_inside(self, axis: int) -> int:
        out = np.arange(self.out_shape[1 + axis]) * self.stride[axis] - self.padding[axis]
        taps = np.arange(self.weight.shape[2 + axis]) * self.dilation[axis]
        at = out[:, None] + taps[None, :]
        return int(((at >= 0) & (at < self.in_shape[1 + axis])).sum())

    def apply(self, x: NDArray[Any]) -> NDArray[Any]:
        """Weighted sums of ``x`` (batch, n_in) -> (batch, n_out)."""
        batch, groups = x.shape[0], self.groups
        co, oh, ow = self.out_shape
        image = self._padded(x.reshape(batch, *self.in_shape))
        out = np.zeros((batch, groups, co // groups, oh * ow), np.result_type(x, self.weight))
        taps = self.weight.reshape(groups, co // groups, *self.weight.shape[1:])
        for ky in range(self.weight.shape[2]):
            for kx in range(self.weight.shape[3]):
                window = self._window(image, ky, kx)
                out += taps[:, :, :, ky, kx] @ window.reshape(batch, groups, -1, oh * ow)
        return out.reshape(batch, -1)

    def _reach(self, axis: int) -> int:
        """Input rows (columns) that the last output's window needs, padding included."""
        kernel = int(self.weight.shape[2 + axis])
        return (self.out_shape[1 + axis] - 1) * self.stride[axis] + (
            kernel - 1
        ) * self.dilation[axis] + 1

    def _padded(self, image: NDArray[Any]) -> NDArray[Any]:
        pads = [(0, 0), (0, 0)]
        for axis in (0, 1):
            before = self.padding[axis]
            after = max(0, self._reach(axis) - before - self.in_shape[1 + axis])
            pads.append((before, after))
        return np.pad(image, pads)

    def _window(self, image: NDArray[Any], ky: int, kx: int) -> NDArray[Any]:
        (_, oh, ow), (sy, sx), (dy, dx) = self.out_shape, self.stride, self.dilation
        y0, x0 = ky * dy, kx * dx
        return image[:, :, y0 : y0 + (oh - 1) * sy + 1 : sy, x0 : x0 + (ow - 1) * sx + 1 : sx]


Connection = Dense | Conv | Diagonal | Sparse
