"""Names of signals as an adapter writes them: ``ready``, ``~full``, ``flits[63:32]``, ``valids[2]``."""

from __future__ import annotations

import re
from dataclasses import dataclass

_PIN = re.compile(r"(?P<not>~?)(?P<name>[A-Za-z_][\w$.]*)(?:\[(?P<high>\d+)(?::(?P<low>\d+))?\])?")


@dataclass(frozen=True)
class Pin:
    """``width`` bits of the port ``name`` from bit ``lsb`` on, inverted or not; width 0: the whole port."""

    name: str
    lsb: int = 0
    width: int = 0
    inverted: bool = False

    @property
    def mask(self) -> int:
        """As many ones as the pin has bits."""
        return (1 << self.width) - 1


def parse_pin(text: str) -> Pin:
    """The pin that ``text`` names.

    Raises:
        ValueError: it is not such a name.
    """
    match = _PIN.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"'{text}' is not the name of a signal")
    high = match["high"]
    if high is None:
        return Pin(match["name"], inverted=bool(match["not"]))
    low = int(match["low"] or high)
    if int(high) < low:
        raise ValueError(f"'{text}': the higher bit comes first")
    return Pin(match["name"], low, int(high) - low + 1, bool(match["not"]))
