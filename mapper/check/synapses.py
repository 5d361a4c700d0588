"""What a synapse block computes, straight from its arrays: the checkers' own reading of the formats."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import GEOMETRY, SynapseBlock
from neurosim.rules.synapse import FORMAT_CONV, FORMAT_DENSE

IntArray = NDArray[np.int64]


def block_sums(block: SynapseBlock, n_group: int, axons: IntArray) -> IntArray:
    """Weighted sums (vectors, n_group) of what arrives at the axons (vectors, n_axons)."""
    if block.format == FORMAT_DENSE:
        return np.asarray(axons @ block.weight.astype(np.int64))
    if block.format == FORMAT_CONV:
        return _conv_sums(block, axons)
    out = np.zeros((axons.shape[0], n_group), np.int64)
    axon = np.repeat(np.arange(block.n_axons), np.diff(block.pointer))
    np.add.at(out.T, block.target, (axons[:, axon] * block.weight).T)
    return out


def _conv_sums(block: SynapseBlock, axons: IntArray) -> IntArray:
    """Every output of the box looks at its window; axons that the block lacks count as zero."""
    g = dict(zip(GEOMETRY, block.geometry.tolist(), strict=True))
    channels, per_group_in, kernel_h, kernel_w = block.weight.shape
    image = np.zeros((axons.shape[0], g["in_c"] * g["in_h"] * g["in_w"]), np.int64)
    image[:, block.source] = axons
    image = image.reshape(-1, g["in_c"], g["in_h"], g["in_w"])
    out = np.zeros((axons.shape[0], channels, g["y1"] - g["y0"], g["x1"] - g["x0"]), np.int64)
    first = (g["c0"] + np.arange(channels)) // (g["out_c"] // g["groups"]) * per_group_in
    inputs = first[:, None] + np.arange(per_group_in)
    for ky in range(kernel_h):
        iy = np.arange(g["y0"], g["y1"]) * g["stride_y"] - g["pad_top"] + ky * g["dilation_y"]
        y_ok = np.flatnonzero((iy >= 0) & (iy < g["in_h"]))
        for kx in range(kernel_w):
            ix = np.arange(g["x0"], g["x1"]) * g["stride_x"] - g["pad_left"] + kx * g["dilation_x"]
            x_ok = np.flatnonzero((ix >= 0) & (ix < g["in_w"]))
            window = image[:, :, iy[y_ok]][:, :, :, ix[x_ok]]
            for k in range(channels):
                weight = block.weight[k, :, ky, kx].astype(np.int64)
                part = np.tensordot(window[:, inputs[k]], weight, axes=([1], [0]))
                out[:, k, y_ok[:, None], x_ok] += part
    return out.reshape(axons.shape[0], -1)
