"""The synthetic cluster nets of Jin et al., "Mapping Very Large Scale Spiking Neuron Network to
Neuromorphic Hardware", ASPLOS 2023 (DOI 10.1145/3582016.3582038), bit for bit.

Their mapper (github.com/Jinouwen/mapping_cpp, read for the facts, no code taken) draws edge weights
uniformly with the default engine of the C++ library seeded 1: on the machine of the published logs the
multiplicative generator 48271 modulo 2**31 - 1, two draws per weight.  Its loop over layers ends one
early, so the last layer is isolated; the nets are kept as they are, for the costs to be comparable.
"""

from __future__ import annotations

import numpy as np

from workloads.mapping_nets.base import ClusterNet, FloatArray, IntArray

MODULUS = 2**31 - 1
MULTIPLIERS = {"libc++": 48271, "libstdc++": 16807}
"""Default engines of the two C++ libraries; the published logs are those of the first."""
KINDS = ("cnn", "dnn")
WINDOW = 4  # a CNN cluster reaches so many of the next layer, itself first


def jin_net(kind: str, layers: int, width: int, library: str = "libc++") -> ClusterNet:
    """``layers`` layers of ``width`` clusters; "cnn": windows of four to the right, "dnn": all to all.

    Raises:
        KeyError, ValueError: no such library or kind.
    """
    if kind not in KINDS:
        raise ValueError(f"a Jin net is one of {', '.join(KINDS)}, not {kind}")
    if kind == "dnn":
        here, there = np.divmod(np.arange(width * width), width)
    else:
        here = np.repeat(np.arange(width), WINDOW)
        there = here + np.tile(np.arange(WINDOW), width)
        here, there = here[there < width], there[there < width]
    first = np.arange(max(0, layers - 2))[:, None] * width
    source, target = (first + here).reshape(-1), (first + width + there).reshape(-1)
    n = layers * width
    weight = uniform(len(source), MULTIPLIERS[library])
    layer, x = np.divmod(np.arange(n), width)
    return ClusterNet(f"{kind} {layers}x{width}", n, source, target, weight, layer, np.zeros(n, np.int64), x)


def uniform(n: int, multiplier: int) -> FloatArray:
    """``n`` doubles in [0, 1) as ``std::uniform_real_distribution`` makes them: two draws each."""
    draws = _draws(2 * n, multiplier) - 1
    span = float(MODULUS - 1)
    return np.asarray((draws[::2] + draws[1::2] * span) / (span * span), np.float64)


def _draws(n: int, multiplier: int) -> IntArray:
    """The generator's first ``n`` values from seed 1; known ones times a power give as many more."""
    known = np.array([multiplier], np.int64)
    power = multiplier
    while len(known) < n:
        known = np.concatenate([known, known * power % MODULUS])
        power = power * power % MODULUS
    return known[:n]


def hilbert_curve(side: int) -> tuple[IntArray, IntArray]:
    """(x, y) of the points of a Hilbert curve through a square whose side is a power of two."""
    t = np.arange(side * side)
    x, y = np.zeros_like(t), np.zeros_like(t)
    s = 1
    while s < side:
        right = 1 & (t // 2)
        up = 1 & (t ^ right)
        flip = (up == 0) & (right == 1)
        x, y = np.where(flip, s - 1 - x, x), np.where(flip, s - 1 - y, y)
        x, y = np.where(up == 0, y, x), np.where(up == 0, x, y)
        x, y = x + s * right, y + s * up
        t, s = t // 4, 2 * s
    return x, y
