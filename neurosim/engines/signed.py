"""Ranges of signed integers."""

from __future__ import annotations


def signed_range(bits: int) -> tuple[int, int]:
    """Smallest and largest value of a signed integer of ``bits`` bits."""
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1
