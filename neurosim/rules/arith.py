"""Integer arithmetic of declared width.

Every function here takes Python integers, NumPy int64 arrays or Numba scalars alike: there is no
branch on a data value, so one body serves all three.
"""

from __future__ import annotations

from typing import Any

Int = Any  # int, numpy.ndarray of int64, or a Numba integer: see the module's docstring


def saturate(x: Int, low: Int, high: Int) -> Int:
    """``x`` limited to ``low..high``."""
    return x + (low - x) * (x < low) + (high - x) * (x > high)


def wrap(x: Int, low: Int, high: Int) -> Int:
    """``x`` in two's complement of the width that ``low..high`` spans."""
    return (x - low) % (high - low + 1) + low


def is_outside(x: Int, low: Int, high: Int) -> Int:
    """1 where ``x`` does not fit ``low..high``, else 0."""
    return 1 * (x < low) + 1 * (x > high)


def scale_toward_zero(x: Int, keep: Int, shift: int) -> Int:
    """``x * keep / 2**shift`` rounded toward zero.

    This is the decay of every leaky state: a multiplier, a shift and a correction for negative
    values, so that a decaying state reaches zero from both sides.
    """
    product = x * keep
    return (product + (product < 0) * ((1 << shift) - 1)) >> shift


def ceil_div(a: Int, b: Int) -> Int:
    """``ceil(a / b)`` for ``b > 0``."""
    return -((-a) // b)
