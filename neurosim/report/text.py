"""Numbers as people read them: thousands, SI prefixes, per cent, and "not measured"."""

from __future__ import annotations

import math

from neurosim.chip.catalogue import grouped

NOT_MEASURED = "not measured"
_PREFIXES = {
    -15: "f", -12: "p", -9: "n", -6: "µ", -3: "m", 0: "", 3: "k", 6: "M", 9: "G", 12: "T", 15: "P",
}  # fmt: skip


def si(value: float | None, unit: str, digits: int = 3) -> str:
    """``1.23 µs``: ``digits`` significant digits and an SI prefix; None is "not measured"."""
    if value is None:
        return NOT_MEASURED
    if value == 0 or not math.isfinite(value):
        return f"{value:g} {unit}".rstrip()
    exponent = math.floor(math.log10(abs(value)))
    # rounding may carry into the next power of ten: 999.9 -> 1.00 k
    exponent = math.floor(math.log10(abs(float(f"{value:.{digits - 1}e}")))) if exponent else exponent
    step = min(15, max(-15, 3 * (exponent // 3)))
    places = max(0, digits - 1 - (exponent - step))
    return f"{value / 10.0**step:.{places}f} {_PREFIXES[step]}{unit}".rstrip()


def count(value: float | None) -> str:
    """``12 345`` with thin groups, no decimals for whole numbers; None is "not measured"."""
    if value is None:
        return NOT_MEASURED
    return grouped(int(value)) if float(value).is_integer() else grouped(value, 1)


def percent(value: float | None, places: int = 1) -> str:
    """``97.5 %``; None is "not measured"."""
    return NOT_MEASURED if value is None else f"{100 * value:.{places}f} %"
