"""Times that follow from a chip description by the rules."""

from __future__ import annotations

from neurosim.chip.models import Chip
from neurosim.rules import sync


def barrier_length(chip: Chip) -> int:
    """Cycles from the end of a time step to the start of the next on ``chip``."""
    s = chip.sync
    return sync.barrier_cycles(
        chip.mesh.width * chip.mesh.height, s.tile_tree_arity, s.tile_level_cycles, s.base_cycles,
        chip.n_chips, s.chip_tree_arity, s.chip_level_cycles,
    )  # fmt: skip
