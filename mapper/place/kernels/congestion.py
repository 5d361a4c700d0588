"""Congestion of a placement in Numba, in the two ways that the literature counts it.

Reads edges and coordinates; gives loads.  The formulas stand in :mod:`mapper.objectives`.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numba
import numpy as np

from neurosim.jit import use_cache

use_cache(Path(__file__).parent)


def _by_box(source: Any, target: Any, flow: Any, x: Any, y: Any, width: int, height: int) -> float:
    """Largest load of a link if every edge spreads evenly over its bounding box (Jin et al.)."""
    along_x, along_y = np.zeros((height, width)), np.zeros((height, width))
    for e in range(len(flow)):
        a, b = source[e], target[e]
        left, right = min(x[a], x[b]), max(x[a], x[b])
        low, high = min(y[a], y[b]), max(y[a], y[b])
        for row in range(low, high + 1):
            for column in range(left, right):
                along_x[row, column] += flow[e] / (high - low + 1)
        for row in range(low, high):
            for column in range(left, right + 1):
                along_y[row, column] += flow[e] / (right - left + 1)
    return float(max(along_x.max(), along_y.max()))


by_box = numba.njit(cache=True)(_by_box)


def _by_path(source: Any, target: Any, flow: Any, x: Any, y: Any, width: int, height: int) -> Any:
    """(height, width) packets through each core on random minimal paths, ends included (Ronzani)."""
    load = np.zeros((height, width))
    chance = np.zeros((height, width))
    for e in range(len(flow)):
        a, b = source[e], target[e]
        dx, dy = abs(x[a] - x[b]), abs(y[a] - y[b])
        step_x = 1 if x[b] > x[a] else -1
        step_y = 1 if y[b] > y[a] else -1
        chance[: dy + 1, : dx + 1] = 0.0
        chance[0, 0] = 1.0
        for v in range(dy + 1):
            for u in range(dx + 1):
                here = chance[v, u]
                load[y[a] + step_y * v, x[a] + step_x * u] += flow[e] * here
                if u < dx and v < dy:
                    chance[v, u + 1] += here / 2
                    chance[v + 1, u] += here / 2
                elif u < dx:
                    chance[v, u + 1] += here
                elif v < dy:
                    chance[v + 1, u] += here
    return load


by_path = numba.njit(cache=True)(_by_path)
