"""Statistics of integer measurements: mean, nearest-rank percentiles and maximum."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Spread:
    """``n`` values; percentiles are nearest rank (the ``ceil(q/100 * n)``-th smallest value)."""

    n: int
    mean: float
    min: int
    p50: int
    p99: int
    max: int


def spread(values: IntArray) -> Spread | None:
    """The spread of plain values; None if there are none."""
    if not values.size:
        return None
    found, counts = np.unique(values, return_counts=True)
    return _weighted(found, counts)


def histogram_spread(histogram: IntArray) -> Spread | None:
    """The spread of a histogram with ``histogram[v]`` values ``v``; None if it is empty."""
    found = np.flatnonzero(histogram)
    return _weighted(found, histogram[found]) if found.size else None


def _weighted(values: IntArray, counts: IntArray) -> Spread:
    n = int(counts.sum())
    total = sum(int(v) * int(c) for v, c in zip(values, counts, strict=True))
    at = np.cumsum(counts)
    rank = {q: int(values[int(np.searchsorted(at, -(-q * n // 100)))]) for q in (50, 99)}
    return Spread(n, total / n, int(values[0]), rank[50], rank[99], int(values[-1]))
