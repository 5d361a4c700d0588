"""Time-step rules: how long the barrier takes and into which accumulator a packet's weights go."""

from __future__ import annotations

BARRIER = 0
TICK = 1
SYNC_NAMES = ("barrier", "tick")


def tree_levels(n_leaves: int, arity: int) -> int:
    """Levels of a tree of ``arity`` over ``n_leaves`` (0 for a single leaf)."""
    levels, reach = 0, 1
    while reach < n_leaves:
        reach *= arity
        levels += 1
    return levels


def barrier_cycles(
    n_tiles: int, tile_arity: int, tile_level_cycles: int, base_cycles: int,
    n_chips: int, chip_arity: int, chip_level_cycles: int,
) -> int:
    """Cycles between the end of a step and the start of the next, at least 1.

    ``base + 2 * levels(tiles) * tile_level + 2 * levels(chips) * chip_level``: the news goes up the
    tree inside the chip and then over the chips, and the start comes down the same way.
    """
    inside = 2 * tree_levels(n_tiles, tile_arity) * tile_level_cycles
    across = 2 * tree_levels(n_chips, chip_arity) * chip_level_cycles
    total = base_cycles + inside + across
    return total if total > 0 else 1


def accumulator_slot(step: int, delay_steps: int, n_slots: int) -> int:
    """Accumulator that a packet sent in ``step`` adds to; the loop of step ``s`` reads slot ``s``."""
    return (step + delay_steps) % n_slots


def is_awake(step: int, start_step: int, n_steps: int) -> bool:
    """Whether a population updates in hardware ``step``.

    A population that lies ``start_step`` hops behind the input starts that much later and runs for
    the sample's ``n_steps`` steps, so that bias and leak act as often as in the network itself.
    """
    return start_step <= step < start_step + n_steps


def is_on_time(use_step: int, core_step: int, max_delay_steps: int) -> bool:
    """Whether weights for ``use_step`` may enter the accumulators of a core in ``core_step``.

    The bank of ``core_step`` is being read or was read; the banks beyond ``max_delay_steps`` do not
    exist.  Only a missed deadline can bring a packet that is not on time; it is counted and its
    weights are discarded.
    """
    return core_step < use_step <= core_step + max_delay_steps
