"""Whether the packet's declared address fields are wide enough for the system that they address.

Reads the names and widths of ``packet.fields``; returns the first field that is too narrow, in words.
"""

from __future__ import annotations

from collections.abc import Sequence

AXES = ("x", "y")


def narrow_field(
    fields: Sequence[tuple[str, int]], tiles: dict[str, int], hops: dict[str, int]
) -> tuple[int, str] | None:
    """(place, message) of the first (name, bits) in ``fields`` that is too narrow; None if all do.

    A field is known by its name, after an optional prefix such as ``head_``: ``x`` is the destination's
    column over all chips, an unsigned number below ``tiles["x"]``; ``dx`` or ``x_distance`` are the hops
    left, at most ``hops["x"]``: an unsigned number beside a field ``x_sign`` (``dx_sign``), else in two's
    complement.  ``y`` likewise.  No other field is judged.
    """
    names = [name for name, _ in fields]
    for place, (name, bits) in enumerate(fields):
        prefix, axis, is_distance = _kind(name)
        if axis is None:
            continue
        if not is_distance:
            largest, what = tiles[axis] - 1, f"the coordinates 0 to {tiles[axis] - 1} of this system"
            needed = max(1, largest.bit_length())
        else:
            signed = any(f"{prefix}{sign}" in names for sign in (f"{axis}_sign", f"d{axis}_sign"))
            needed = max(1, hops[axis].bit_length()) + (not signed)
            what = f"distances of up to {hops[axis]} hops" + ("" if signed else ", with their sign")
        if bits < needed:
            width = f"{bits} bit{'s' * (bits != 1)}"
            return place, f"packet field '{name}' of {width} is too narrow for {what}: it needs {needed}"
    return None


def _kind(name: str) -> tuple[str, str | None, bool]:
    """(prefix, axis, whether it is a distance) of a field; the axis is None if it is no address."""
    for axis in AXES:
        for ending, is_distance in ((f"{axis}_distance", True), (f"d{axis}", True), (axis, False)):
            if name == ending or name.endswith(f"_{ending}"):
                return name[: -len(ending)], axis, is_distance
    return "", None, False
