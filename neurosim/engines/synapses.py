"""From an axon to its synapses, by the format of its block; convolutions are computed, not stored."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import GEOMETRY, SynapseBlock
from neurosim.rules import synapse

IntArray = NDArray[np.int64]


def axon_synapses(block: SynapseBlock, row: int) -> tuple[IntArray, IntArray]:
    """Targets (local to the block's group) and weights of the block's axon ``row``."""
    if block.format == synapse.FORMAT_DENSE:
        weights = block.weight[row].astype(np.int64)
        return np.arange(weights.shape[0]), weights
    if block.format == synapse.FORMAT_SPARSE:
        span = slice(int(block.pointer[row]), int(block.pointer[row + 1]))
        return block.target[span].astype(np.int64), block.weight[span].astype(np.int64)
    return _conv_synapses(block, int(block.source[row]))


def _conv_synapses(block: SynapseBlock, source: int) -> tuple[IntArray, IntArray]:
    g = dict(zip(GEOMETRY, (int(v) for v in block.geometry), strict=True))
    channel, y, x = np.unravel_index(source, (g["in_c"], g["in_h"], g["in_w"]))
    group = int(channel) // (g["in_c"] // g["groups"])
    per_group = g["out_c"] // g["groups"]
    n_channels = int(block.weight.shape[0])
    first = max(g["c0"], group * per_group) - g["c0"]
    last = min(g["c0"] + n_channels, (group + 1) * per_group) - g["c0"]
    rows, row_taps = _axis(int(y), g, "y", int(block.weight.shape[2]))
    columns, column_taps = _axis(int(x), g, "x", int(block.weight.shape[3]))
    width, height = g["x1"] - g["x0"], g["y1"] - g["y0"]
    targets = (
        np.arange(first, last)[:, None, None] * (height * width)
        + (rows[None, :, None] - g["y0"]) * width
        + (columns[None, None, :] - g["x0"])
    )
    kernel = block.weight[first:last, int(channel) % (g["in_c"] // g["groups"])]
    weights = kernel[:, row_taps][:, :, column_taps]
    return targets.reshape(-1), weights.reshape(-1).astype(np.int64)


def _axis(position: int, g: dict[str, int], axis: str, kernel: int) -> tuple[IntArray, IntArray]:
    """Outputs of the slice that see ``position`` along one axis, and the taps by which they do."""
    padding = g["pad_top" if axis == "y" else "pad_left"]
    stride, dilation = g[f"stride_{axis}"], g[f"dilation_{axis}"]
    first = max(synapse.conv_first(position, padding, kernel, dilation, stride), g[f"{axis}0"])
    last = min(synapse.conv_last(position, padding, stride), g[f"{axis}1"] - 1)
    outputs, taps = [], []
    for output in range(first, last + 1):
        tap = synapse.conv_tap(position, output, padding, dilation, stride)
        if tap >= 0:
            outputs.append(output)
            taps.append(tap)
    return np.array(outputs, np.int64), np.array(taps, np.int64)
