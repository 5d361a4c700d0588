"""``chips``: the presets, and one chip (preset or file) with every number's source."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from neurosim.chip.catalogue import ProvenanceRow


@dataclass(frozen=True)
class ChipEntry:
    """A preset in the list."""

    name: str
    description: str
    n_chips: int
    neuron_cores: int
    neurons: int


@dataclass(frozen=True)
class ChipCard:
    """A chip in full: ``summary`` is (label, value) rows, ``numbers`` every number with its source."""

    name: str
    digest: str
    summary: tuple[tuple[str, str], ...]
    numbers: tuple[ProvenanceRow, ...]


def list_chips() -> tuple[ChipEntry, ...]:
    """All presets, in alphabetical order."""
    from neurosim.chip.catalogue import preset_names, totals
    from neurosim.chip.loader import load_chip

    chips = [load_chip(name) for name in preset_names()]
    sums = [totals(chip) for chip in chips]
    return tuple(
        ChipEntry(c.name, " ".join(c.description.split()), c.n_chips, t.neuron_cores, t.neurons)
        for c, t in zip(chips, sums, strict=True)
    )


def show_chip(name: str | Path) -> ChipCard:
    """One chip, by preset name or path of a chip file.

    Raises:
        InputError: no such chip, or mistakes in the file.
    """
    from neurosim.chip.catalogue import provenance_rows, summary
    from neurosim.chip.loader import chip_digest, load_chip

    chip = load_chip(name)
    return ChipCard(chip.name, chip_digest(chip), tuple(summary(chip)), tuple(provenance_rows(chip)))
