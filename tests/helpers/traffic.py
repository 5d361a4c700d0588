"""Synthetic traffic for the bare fabric."""

from __future__ import annotations

import numpy as np

from neurosim.engines.base import Traffic


def uniform(n: int, load: float, cycles: int, seed: int, with_self: bool = True) -> Traffic:
    """Bernoulli injection of one packet per node and cycle with probability ``load``."""
    rng = np.random.default_rng(seed)
    cycle, source = np.nonzero(rng.random((cycles, n)) < load)
    target = rng.integers(0, n, len(cycle))
    if not with_self:
        target = (source + 1 + rng.integers(0, n - 1, len(cycle))) % n
    return Traffic(cycle.astype(np.int64) + 1, source.astype(np.int64), target.astype(np.int64))


def one(source: int, target: int, cycle: int = 1) -> Traffic:
    """A single packet."""
    return Traffic(np.array([cycle]), np.array([source]), np.array([target]))
