"""The form of a placement workload: clusters and weighted edges between them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class ClusterNet:
    """``n`` clusters; edge ``e`` carries ``weight[e]`` from ``source[e]`` to ``target[e]``.

    ``layer``, ``y`` and ``x`` (n,) say where each cluster comes from in its network, as far as it has
    such places (a flat layer has y = 0).
    """

    name: str
    n: int
    source: IntArray
    target: IntArray
    weight: FloatArray
    layer: IntArray
    y: IntArray
    x: IntArray


def curve_cost(net: ClusterNet, x: IntArray, y: IntArray) -> float:
    """Sum of weight times Manhattan distance, clusters at ``(x[i], y[i])``.

    Edges are added one by one in their order, so that published sums come out to the last digit.
    """
    away = np.abs(x[net.source] - x[net.target]) + np.abs(y[net.source] - y[net.target])
    return float(np.cumsum(net.weight * away)[-1]) if len(away) else 0.0
