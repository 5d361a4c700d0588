"""Words of the Verilog's memories: where their fields lie, how values are put into them, and files of them.

Reads nothing; the images of cores and of routers' tables, and the parameter header, come from the one list of
fields that a :class:`Layout` holds.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from neurosim.errors import InputError


@dataclass(frozen=True)
class Layout:
    """Bit fields of a memory word: (name, bits), least significant first."""

    fields: tuple[tuple[str, int], ...]

    @property
    def bits(self) -> int:
        """Width of the word."""
        return sum(bits for _, bits in self.fields)

    def macros(self, prefix: str) -> dict[str, int]:
        """First bit and width of every field."""
        found, lsb = {}, 0
        for name, bits in self.fields:
            found[f"{prefix}_{name.upper()}_LSB"] = lsb
            found[f"{prefix}_{name.upper()}_BITS"] = bits
            lsb += bits
        return found

    def pack(self, where: str, **values: int) -> int:
        """The word with these values, negative ones in two's complement.

        Raises:
            InputError: a value does not fit into its field.
        """
        word, lsb = 0, 0
        for name, bits in self.fields:
            value = int(values[name])
            if not -(1 << (bits - 1)) <= value < 1 << bits:
                raise refusal(where, f"{name} {value} does not fit into its memory field of {bits} bits")
            word |= (value & (1 << bits) - 1) << lsb
            lsb += bits
        return word


def refusal(where: str, reason: str) -> InputError:
    """The error for something that the Verilog cores do not do."""
    return InputError("the Verilog cores cannot run this", code="rtl-unsupported", where=where, got=reason)


def write_table(folder: Path, router: int, kind: str, words: Iterable[int]) -> None:
    """``router_<n>.<kind>.hex``: a word per line, as ``$readmemh`` takes it."""
    text = "".join(f"{word:x}\n" for word in words)
    (folder / f"router_{router}.{kind}.hex").write_text(text)
