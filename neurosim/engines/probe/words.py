"""Differing values of a snapshot in words, short enough for a table."""

from __future__ import annotations

from typing import Any

from neurosim.engines.probe import FieldDifference
from neurosim.engines.waits import end_name

_FLITS = ("flits", "flits on the wire", "packet")
_LONG = 6  # values of a list that are shown


def texts(found: FieldDifference) -> tuple[str, str]:
    """Both sides; of two long lists of numbers only where they part."""
    ours, theirs = found.ours, found.theirs
    is_list = isinstance(ours, tuple) and isinstance(theirs, tuple) and found.field not in _FLITS
    if is_list and len(ours) == len(theirs) > _LONG:
        apart = [index for index, pair in enumerate(zip(ours, theirs, strict=True)) if pair[0] != pair[1]]
        more = f", and {len(apart) - 1} more" if len(apart) > 1 else ""
        return f"[{apart[0]}] {ours[apart[0]]}{more}", f"[{apart[0]}] {theirs[apart[0]]}{more}"
    return _text(found.field, ours), _text(found.field, theirs)


def _text(field: str, value: Any) -> str:
    if value is None or value == ():
        return "none"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if field in _FLITS:
        return _flits(value)
    if isinstance(value, tuple):
        shown = [f"({_text('', item)})" if isinstance(item, tuple) else str(item) for item in value[:_LONG]]
        return ", ".join(shown) + _rest(value)
    return str(value)


def _rest(value: tuple[Any, ...]) -> str:
    return f" and {len(value) - _LONG} more" if len(value) > _LONG else ""


def _flits(value: tuple[Any, ...]) -> str:
    """A flit, (cycles to go, flit), or a list of either."""
    if not value:
        return "none"
    if isinstance(value[0], int):
        return _flit(value) if len(value) == 7 else f"{_flit(value[1])}, there in {_cycles(value[0])}"
    return "; ".join(_flits(item) for item in value[:_LONG]) + _rest(value)


def _cycles(n: int) -> str:
    return f"{n} cycle" if n == 1 else f"{n} cycles"


def _flit(flit: tuple[int, ...]) -> str:
    source, target, step, axon, inject, number, index = flit
    name = f"packet {number} " if number >= 0 else ""
    sent = f", injected in {inject}" if inject >= 0 else ""
    return f"flit {index} of {name}{end_name(source)} -> {end_name(target)}, axon {axon}, step {step}{sent}"
