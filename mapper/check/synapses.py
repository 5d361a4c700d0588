"""What a synapse block computes, straight from its arrays: the checkers' own reading of the formats."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import GEOMETRY, SynapseBlock
from neurosim.rules.synapse import FORMAT_CONV, FORMAT_DENSE

IntArray = NDArray[np.int64]


EXACT = 1 << 53
"""Integers below this are exact as floating-point numbers, whose products are far quicker."""


def block_sums(block: SynapseBlock, n_group: int, axons: IntArray) -> IntArray:
    """Weighted sums (vectors, n_group) of what arrives at the axons (vectors, n_axons)."""
    if block.format == FORMAT_CONV:
        return _conv_sums(block, exactly(axons, block.weight))
    if block.format == FORMAT_DENSE:
        return whole(exactly(axons, block.weight.T) @ block.weight)
    out = np.zeros((axons.shape[0], n_group), np.int64)
    axon = np.repeat(np.arange(block.n_axons), np.diff(block.pointer))
    np.add.at(out.T, block.target, (axons[:, axon] * block.weight).T)
    return out


def exactly(values: IntArray, weight: NDArray[Any]) -> NDArray[Any]:
    """``values`` as floating-point numbers if no sum over ``weight`` (outputs, ...) can be inexact."""
    rows = np.abs(weight.astype(np.int64)).reshape(weight.shape[0], -1).sum(axis=1)
    largest = int(np.abs(values).max(initial=0)) * int(rows.max(initial=0))
    return values.astype(np.float64) if largest < EXACT else values


def whole(sums: NDArray[Any]) -> IntArray:
    """Sums of :func:`exactly` as integers."""
    return sums.astype(np.int64)


def _conv_sums(block: SynapseBlock, axons: NDArray[Any]) -> IntArray:
    """Every output of the box looks at its window; axons that the block lacks count as zero."""
    g = dict(zip(GEOMETRY, block.geometry.tolist(), strict=True))
    channels, per_group_in, kernel_h, kernel_w = block.weight.shape
    c, y, x = np.unravel_index(block.source, (g["in_c"], g["in_h"], g["in_w"]))
    top, left = int(y.min(initial=0)), int(x.min(initial=0))
    high, wide = int(y.max(initial=0)) + 1 - top, int(x.max(initial=0)) + 1 - left
    image = np.zeros((axons.shape[0], g["in_c"], high, wide), axons.dtype)
    image[:, c, y - top, x - left] = axons
    out = np.zeros((axons.shape[0], channels, g["y1"] - g["y0"], g["x1"] - g["x0"]), axons.dtype)
    group = (g["c0"] + np.arange(channels)) // (g["out_c"] // g["groups"])
    for ky in range(kernel_h):
        iy = np.arange(g["y0"], g["y1"]) * g["stride_y"] - g["pad_top"] + ky * g["dilation_y"] - top
        y_ok = np.flatnonzero((iy >= 0) & (iy < image.shape[2]))
        for kx in range(kernel_w):
            ix = np.arange(g["x0"], g["x1"]) * g["stride_x"] - g["pad_left"] + kx * g["dilation_x"] - left
            x_ok = np.flatnonzero((ix >= 0) & (ix < image.shape[3]))
            window = image[:, :, iy[y_ok]][:, :, :, ix[x_ok]]
            for number in np.unique(group).tolist():
                mine = np.flatnonzero(group == number)  # output channels side by side
                heard = window[:, number * per_group_in : (number + 1) * per_group_in]
                part = block.weight[mine, :, ky, kx] @ heard.reshape(len(axons), per_group_in, -1)
                box = np.ix_(np.arange(len(axons)), mine, y_ok, x_ok)
                out[box] += part.reshape(len(axons), len(mine), len(y_ok), len(x_ok))
    return whole(out.reshape(axons.shape[0], -1))
