"""The wafer net: layers of maps whose clusters reach a window of the next layer, with skips.

24 layers of 39 x 39 are 36,504 clusters, which fill a wafer of 64 chiplets of 24 x 24 cores to 99 %.
"""

from __future__ import annotations

import numpy as np

from workloads.mapping_nets.base import ClusterNet

CENTRE, EDGE, CORNER, SKIP = 1.0, 0.3, 0.1, 0.5  # mean weights
WINDOW = 3


def layered_net(layers: int = 24, height: int = 39, width: int = 39, seed: int = 0) -> ClusterNet:
    """Every cluster reaches a 3 x 3 window of the next layer; every other layer skips one layer too.

    Weights are uniform within a half of their mean, drawn by ``numpy.random.default_rng(seed)``.
    """
    rng = np.random.default_rng(seed)
    size, reach = height * width, WINDOW // 2
    y, x = np.divmod(np.arange(size), width)
    source, target, weight = [], [], []
    for layer in range(layers - 1):
        for dy in range(-reach, reach + 1):
            for dx in range(-reach, reach + 1):
                inside = (y + dy >= 0) & (y + dy < height) & (x + dx >= 0) & (x + dx < width)
                here = np.flatnonzero(inside)
                source.append(layer * size + here)
                target.append((layer + 1) * size + here + dy * width + dx)
                mean = (CENTRE, EDGE, CORNER)[abs(dy) + abs(dx)]
                weight.append(mean * rng.uniform(0.5, 1.5, len(here)))
        if layer + 2 < layers and layer % 2 == 0:
            source.append(layer * size + np.arange(size))
            target.append((layer + 2) * size + np.arange(size))
            weight.append(np.full(size, SKIP))
    return ClusterNet(
        f"layered {layers}x{height}x{width}", layers * size, np.concatenate(source), np.concatenate(target),
        np.concatenate(weight), np.repeat(np.arange(layers), size), np.tile(y, layers), np.tile(x, layers),
    )  # fmt: skip
