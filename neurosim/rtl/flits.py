"""The flit as the Verilog carries it: named bit fields, from which everything else is derived.

Reads a :class:`~neurosim.chip.models.Chip`; the parameter header, packing in Python and the table in the
documentation come from the one list that :func:`flit_layout` returns.  The chip's own ``packet.fields``
describe the hardware that is modelled; here ``axon`` and ``step`` take their widths from them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.rules import ports

DEFAULT_PAYLOAD_BITS = 16  # of axon and step, for a chip that declares no such field
ADDRESS = ("x", "y", "exit", "key", "tree")  # the last two where routers have multicast


@dataclass(frozen=True)
class FlitField:
    """``bits`` bits from bit ``lsb`` on."""

    name: str
    lsb: int
    bits: int
    meaning: str


@dataclass(frozen=True)
class FlitLayout:
    """Fields of a flit, least significant first.

    Every flit of a packet carries the payload and its marks; the address counts in head flits only.  Where
    routers have multicast, ``key`` lies over the address: the mark ``tree`` says which of the two counts.
    """

    fields: tuple[FlitField, ...]

    @property
    def bits(self) -> int:
        """Width of a flit."""
        return max(field.lsb + field.bits for field in self.fields)

    @property
    def payload_lsb(self) -> int:
        """First bit behind the address and its mark."""
        return next(field.lsb for field in self.fields if field.name not in ADDRESS)

    def field(self, name: str) -> FlitField:
        """A field by name (``KeyError`` if there is none)."""
        for field in self.fields:
            if field.name == name:
                return field
        raise KeyError(name)

    def pack(self, **values: int) -> int:
        """The flit with these values; fields not named are 0.

        Raises:
            InputError: a value does not fit into its field.
        """
        flit = 0
        for name, value in values.items():
            at = self.field(name)
            if not 0 <= value < 1 << at.bits:
                raise InputError(
                    f"{value} does not fit into the {at.bits} bits of flit field '{name}'",
                    code="rtl-flit-field",
                )
            flit |= value << at.lsb
        return flit

    def unpack(self, flit: int) -> dict[str, int]:
        """All fields of a flit by name."""
        return {f.name: flit >> f.lsb & (1 << f.bits) - 1 for f in self.fields}

    def table(self) -> str:
        """The layout as a Markdown table, for the documentation."""
        rows = [f"| {f.name} | {f.lsb} | {f.bits} | {f.meaning} |" for f in self.fields]
        return "\n".join(["| field | first bit | bits | meaning |", "|---|---|---|---|", *rows])


def bits_for(n_values: int) -> int:
    """Bits that number ``n_values`` things, at least 1."""
    return max(1, (n_values - 1).bit_length())


def flit_layout(chip: Chip, payload: Sequence[tuple[str, int]] | None = None) -> FlitLayout:
    """The layout of flits on ``chip``.

    ``payload`` are (name, bits) of what stands between address and marks: axon and step unless given (a
    bench for raw traffic puts the packet's number there).
    """
    width, height = chip.system.chips_x * chip.mesh.width, chip.system.chips_y * chip.mesh.height
    meanings = {
        "axon": "axon of the core, or output neuron for the host",
        "step": "hardware step in which it was sent, modulo 2**bits",
        "packet": "number of the packet in the trace",
    }
    chosen = chip_payload(chip) if payload is None else payload
    address = [
        ("x", bits_for(width), "column of the destination tile over all chips"),
        ("y", bits_for(height), "row of the destination tile over all chips"),
        ("exit", bits_for(ports.LOCAL + chip.mesh.cores_per_tile), "port at the destination router"),
    ]
    rest = [
        *((name, bits, meanings.get(name, "payload")) for name, bits in chosen),
        ("head", 1, "1: first flit of its packet"),
        ("tail", 1, "1: last flit of its packet"),
    ]
    fields = _in_a_row(address, 0)
    key_bits, lsb = chip.packet.tree_bits, sum(field.bits for field in fields)
    if key_bits is not None:
        fields.append(FlitField("key", 0, key_bits, "number of the tree, in the place of x, y and exit"))
        lsb = max(lsb, key_bits)
        rest.insert(0, ("tree", 1, "1: to a tree"))
    return FlitLayout((*fields, *_in_a_row(rest, lsb)))


def _in_a_row(parts: Sequence[tuple[str, int, str]], lsb: int) -> list[FlitField]:
    """Fields of (name, bits, meaning), one behind the other from bit ``lsb`` on."""
    fields = []
    for name, bits, meaning in parts:
        fields.append(FlitField(name, lsb, bits, meaning))
        lsb += bits
    return fields


def chip_payload(chip: Chip) -> tuple[tuple[str, int], ...]:
    """(name, bits) of axon and step: as declared in ``packet.fields`` (after any prefix), else 16 bits.

    The axon is never narrower than the core's axon table asks for.
    """
    declared = {f.name.rsplit("_", 1)[-1]: f.bits for f in chip.packet.fields}
    axon = max(declared.get("axon", DEFAULT_PAYLOAD_BITS), bits_for(chip.core.axons))
    return ("axon", axon), ("step", declared.get("step", DEFAULT_PAYLOAD_BITS))
