"""What one core of a tile can hold: the one place that resolves core types.

Reads a :class:`~neurosim.chip.models.Chip`; mapper and checkers ask here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass

from neurosim.chip.models import Chip, Core, CoreType

BASE_KIND = "base"


@dataclass(frozen=True)
class CoreCapacity:
    """Capacities of one core; ``kind`` names its core type (``base``: none of the core types).

    A tile that is not a neuron core has ``is_neuron_core`` False and nothing but zeros.
    """

    neurons: int
    synapse_words: int
    axons: int
    target_entries: int
    is_neuron_core: bool
    kind: str


def tile_capacity(chip: Chip, x: int, y: int) -> CoreCapacity:
    """Capacity of each core of tile ``(x, y)`` that works (dead ones: :mod:`neurosim.chip.defects`).

    ``x`` and ``y`` may be global coordinates: all chips of a system are alike.
    """
    column, row = x % chip.mesh.width, y % chip.mesh.height
    kind = next((kind for kind in chip.core_types if kind.matches(column, row)), None)
    return _of_kind(chip.core, kind)


def _of_kind(core: Core, kind: CoreType | None) -> CoreCapacity:
    if kind is None:
        return CoreCapacity(
            core.neurons, core.synapse_words, core.axons, core.target_entries, True, BASE_KIND
        )
    if not kind.is_neuron_core:
        return CoreCapacity(0, 0, 0, 0, False, kind.name)
    return CoreCapacity(
        neurons=_either(kind.neurons, core.neurons),
        synapse_words=_either(kind.synapse_words, core.synapse_words),
        axons=_either(kind.axons, core.axons),
        target_entries=_either(kind.target_entries, core.target_entries),
        is_neuron_core=True,
        kind=kind.name,
    )


def _either(own: int | None, base: int) -> int:
    return base if own is None else own
