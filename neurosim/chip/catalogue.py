"""The presets, and what ``chips`` prints about a chip: totals, and every number with its source.

Reads the YAML files beside this module and :class:`~neurosim.chip.models.Chip`; writes rows of text.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from neurosim.chip.capacity import tile_capacity
from neurosim.chip.models import Chip
from neurosim.chip.provenance import numeric_leaves
from neurosim.chip.timing import barrier_length
from neurosim.chip.tree import dotted
from neurosim.errors import InputError, did_you_mean
from neurosim.rules.events import EVENT_NAMES

PRESETS = Path(__file__).parent / "presets"
NOT_PRICED = "not priced"


def preset_names() -> tuple[str, ...]:
    """Names of the chips that come with the project, in alphabetical order."""
    return tuple(sorted(path.stem for path in PRESETS.glob("*.yaml")))


def preset_path(name: str) -> Path:
    """The YAML file of a preset.

    Raises:
        InputError: no preset of that name.
    """
    names = preset_names()
    if name not in names:
        raise InputError(
            f"unknown chip '{name}'",
            code="chip-unknown-preset",
            expected="one of " + ", ".join(names) + ", or the path of a .yaml file",
            hint=did_you_mean(name, names),
        )
    return PRESETS / f"{name}.yaml"


@dataclass(frozen=True)
class Totals:
    """Capacity of a whole system, over all chips."""

    tiles: int
    neuron_cores: int
    neurons: int
    synapse_words: int
    synapse_bits: int
    axons: int
    target_entries: int


def totals(chip: Chip) -> Totals:
    """Add up the capacities of all cores of all chips."""
    mesh = chip.mesh
    tiles = [tile_capacity(chip, x, y) for y in range(mesh.height) for x in range(mesh.width)]
    times = chip.n_chips * mesh.cores_per_tile
    words = times * sum(tile.synapse_words for tile in tiles)
    return Totals(
        tiles=chip.n_chips * len(tiles),
        neuron_cores=times * sum(tile.is_neuron_core for tile in tiles),
        neurons=times * sum(tile.neurons for tile in tiles),
        synapse_words=words,
        synapse_bits=words * chip.core.word_bits,
        axons=times * sum(tile.axons for tile in tiles),
        target_entries=times * sum(tile.target_entries for tile in tiles),
    )


def step_sync_cycles(chip: Chip) -> int:
    """Cycles of one barrier of this chip; in tick mode the cycles from one tick to the next."""
    sync = chip.sync
    if sync.mode == "tick":
        assert sync.tick_period_cycles is not None
        return sync.tick_period_cycles
    return barrier_length(chip)


def summary(chip: Chip) -> list[tuple[str, str]]:
    """Rows (label, value) that describe a chip in a dozen lines."""
    total, mesh, router = totals(chip), chip.mesh, chip.router
    period_ns = chip.cycle.period_ps / 1000
    sync_ns = step_sync_cycles(chip) * period_ns
    sync_text = f"{sync_ns:,.6g}".replace(",", THIN)
    limits = (("x", chip.reach.x_hops), ("y", chip.reach.y_hops))
    reach = ", ".join(f"{axis} {hops}" for axis, hops in limits if hops is not None)
    return [
        ("name", chip.name),
        ("description", " ".join(chip.description.split())),
        ("chips", f"{chip.system.chips_x} x {chip.system.chips_y}"),
        ("tiles per chip", f"{mesh.width} x {mesh.height}, {_plural(mesh.cores_per_tile, 'core')} each"),
        ("cycle", f"{period_ns:g} ns" + ("" if chip.cycle.is_clock else " (a resolution, not a clock)")),
        ("neuron cores", grouped(total.neuron_cores)),
        ("neurons", grouped(total.neurons)),
        ("synapse memory", f"{grouped(total.synapse_words)} words of {chip.core.word_bits} bits"
                           f" = {grouped(total.synapse_bits)} bits"),
        ("weights", ", ".join(str(bits) for bits in chip.core.weight_bits) + " bits"),
        ("packet", _plural(chip.packet.flits, "flit")),
        ("routing", f"{router.routing}, {_plural(router.virtual_channels, 'virtual channel')}"
                    f" of {_plural(router.buffer_flits, 'flit')}"),
        ("reach", f"{reach} hops" if reach else "everywhere"),
        ("time step", f"{chip.sync.mode}, {grouped(step_sync_cycles(chip))} cycles = {sync_text} ns"),
        ("priced events", f"{_priced(chip)} of {len(EVENT_NAMES)}"),
    ]  # fmt: skip


THIN = "\u202f"
"""The space between thousands."""


def grouped(value: float, places: int = 0) -> str:
    """``12 345`` with thin spaces between thousands: how every report writes numbers."""
    return f"{value:,.{places}f}".replace(",", THIN)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" + ("" if count == 1 else "s")


def _priced(chip: Chip) -> int:
    return sum(figure.value is not None for figure in chip.energy.events.values())


@dataclass(frozen=True)
class ProvenanceRow:
    """One number, or one list of numbers that share a source, as ``chips show`` prints it."""

    path: str
    value: str
    unit: str
    evidence: str
    source: str
    conditions: str

    @property
    def text(self) -> str:
        """Value and unit: ``1 cycle``, ``4 cycles``; an unknown price has no unit."""
        if self.value == NOT_PRICED:
            return self.value
        unit = self.unit.removesuffix("s") if self.value == "1" and self.unit in _PLURALS else self.unit
        return f"{self.value} {unit}".strip()


def provenance_rows(chip: Chip) -> list[ProvenanceRow]:
    """Every number of a chip with its source: architecture first, then prices, then checks.

    Numbers of one list that share a source stand in one row.  A price that is unknown has the value
    ``not priced``.
    """
    rows: dict[tuple[str, str], ProvenanceRow] = {}
    for path, value in numeric_leaves(chip):
        note = chip.provenance[dotted(path)]
        while isinstance(path[-1], int):
            path = path[:-1]
        name = dotted(path)
        key = (name, note.model_dump_json())
        text = f"{rows[key].value}, {value}" if key in rows else str(value)
        rows[key] = ProvenanceRow(
            name, text, unit_of(str(path[-1])), note.evidence, note.source, note.conditions
        )
    return [*rows.values(), *_energy_rows(chip)]


def _energy_rows(chip: Chip) -> list[ProvenanceRow]:
    energy = chip.energy
    figures = [(f"energy.events.{name}", energy.events[name]) for name in EVENT_NAMES]
    figures.append(("energy.static_power_per_chip", energy.static_power_per_chip))
    rows = [
        ProvenanceRow(
            name, NOT_PRICED if figure.value is None else f"{figure.value:g}", figure.unit,
            figure.evidence, figure.source, figure.conditions,
        )
        for name, figure in figures
    ]  # fmt: skip
    rows += [
        ProvenanceRow(
            f"energy.checks: {check.name}", f"{check.value:g}", check.unit, check.evidence,
            check.source, check.conditions,
        )
        for check in energy.checks
    ]  # fmt: skip
    return rows


_UNITS = {
    "_cycles": "cycles",
    "_flits": "flits",
    "_flit": "cycles",
    "_bits": "bits",
    "_ps": "ps",
    "_hops": "hops",
    "_steps": "time steps",
    "_words": "words",
}
_PLURALS = frozenset(("cycles", "flits", "bits", "hops", "time steps", "words"))
_UNIT_BY_KEY = {
    "east_west": "cycles",
    "north_south": "cycles",
    "local": "cycles",
    "active": "cycles",
    "idle": "cycles",
    "bits": "bits",
    "flits": "flits",
    "cycles_per_word": "cycles",
    "cycles_per_synapse": "cycles",
    "words_per_cycle": "words",
    "state_words_per_neuron": "words",
}


def unit_of(key: str) -> str:
    """Unit of a plain number, from its key; empty for counts and coordinates."""
    if key in _UNIT_BY_KEY:
        return _UNIT_BY_KEY[key]
    return next((unit for ending, unit in _UNITS.items() if key.endswith(ending)), "")
