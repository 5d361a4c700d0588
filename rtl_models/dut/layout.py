"""Words of a port: packed from named values, unpacked again, and told in words.

The bit positions are those of :class:`neurosim.rtl.flits.FlitLayout`; what is added here are fields of a
fixed value and parity bits, which nobody has to give.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from neurosim.rtl.flits import FlitField, FlitLayout
from rtl_models.dut.adapter import Means, WordField
from rtl_models.dut.expressions import evaluate

MEANINGS = frozenset(Means.__args__)  # type: ignore[attr-defined]
PARITY = ("parity_even", "parity_odd")


def meaning(field: WordField) -> str:
    """What the field means: declared, else its name if that is a meaning, else "payload"."""
    if field.means is not None:
        return field.means
    return field.name if field.name in MEANINGS else "payload"


@dataclass(frozen=True)
class WordLayout:
    """The fields of a word, least significant first."""

    fields: tuple[WordField, ...]

    @property
    def flit(self) -> FlitLayout:
        """Positions of the fields."""
        found, lsb = [], 0
        for field in self.fields:
            found.append(FlitField(field.name, lsb, field.bits, meaning(field)))
            lsb += field.bits
        return FlitLayout(tuple(found))

    @property
    def bits(self) -> int:
        """Width of a word."""
        return sum(field.bits for field in self.fields)

    def named(self, means: str) -> WordField | None:
        """The first field of this meaning."""
        return next((field for field in self.fields if meaning(field) == means), None)

    @property
    def given(self) -> tuple[WordField, ...]:
        """Fields that a word's maker must give: no fixed value, no parity, not ignored."""
        own = (*PARITY, "ignore")
        return tuple(f for f in self.fields if f.value is None and meaning(f) not in own)

    def pack(self, values: Mapping[str, int], names: Mapping[str, int] | None = None) -> int:
        """The word with these values, fixed values and parity filled in; negative ones in two's complement.

        ``names`` are what the fixed values' expressions may use besides the values themselves.

        Raises:
            ValueError: a value does not fit into its field.
            ExpressionError: a fixed value has none.
        """
        known = {**(names or {}), **values}
        filled = {}
        for field in self.fields:
            value = values.get(field.name, 0)
            if field.value is not None and field.name not in values:
                value = evaluate(field.value, known)
            if not -(1 << field.bits - 1) <= value < 1 << field.bits:
                raise ValueError(f"{value} does not fit into the {field.bits} bits of field '{field.name}'")
            filled[field.name] = value & (1 << field.bits) - 1
        for field in self.fields:
            if meaning(field) in PARITY:
                filled[field.name] = 0
                ones = self.flit.pack(**filled).bit_count() & 1
                filled[field.name] = ones if meaning(field) == "parity_even" else 1 - ones
        return self.flit.pack(**filled)

    def unpack(self, word: int) -> dict[str, int]:
        """All fields by name."""
        return self.flit.unpack(word)

    @property
    def compared(self) -> int:
        """Mask of the bits that are compared: all but those of fields that mean "ignore"."""
        widths = {f.name: 0 if meaning(f) == "ignore" else (1 << f.bits) - 1 for f in self.fields}
        return self.flit.pack(**widths)

    def text(self, word: int | None) -> str:
        """``axon 3, step 1``; None is a word with undefined bits."""
        if word is None:
            return "undefined bits (x or z)"
        values = self.unpack(word)
        return ", ".join(f"{f.name} {values[f.name]}" for f in self.fields if meaning(f) != "ignore")


def bits_of(fields: Sequence[WordField]) -> int:
    """Bits of all fields."""
    return sum(field.bits for field in fields)
