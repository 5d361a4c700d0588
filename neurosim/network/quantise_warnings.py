"""What quantisation warns of: overflows that may happen, decays, ramps and weights that rounding spoils.

Reads a population's or projection's float and integer form; writes sentences.
"""

from __future__ import annotations

import numpy as np

from neurosim.network.model import FloatNeuron, IntNeuron, Projection
from neurosim.rules.neuron import DECAY_ONE

MOST_RAMP_STEPS = 1 << 15  # that a threshold is taken to fall for, at most


def warn_neuron(
    name: str, neuron: FloatNeuron, integer: IntNeuron, most: float, accumulator: int, current: int
) -> list[str]:
    """What quantising population ``name`` may spoil, one sentence each.

    ``most`` is the largest input of one step in weight steps, ``accumulator`` and ``current`` the largest
    values of these registers.
    """
    found = []
    if most > accumulator:
        found.append(
            f"population '{name}': the accumulator may overflow: worst case {most:.0f}, "
            f"room for {accumulator}"
        )
    if most * 2**integer.input_shift > current:
        found.append(
            f"population '{name}': the input may overflow the current register: worst case "
            f"{most * 2**integer.input_shift:.0f}, room for {current}"
        )
    for what, keep, kept in (
        ("membrane", neuron.keep, integer.keep),
        ("current", neuron.syn_keep, integer.current_keep),
    ):
        if ((keep < 1) & (kept == DECAY_ONE)).any():
            found.append(
                f"population '{name}': the decay of the {what} is below 1/{2 * DECAY_ONE} a step and is lost"
            )
    if neuron.reset != "none" and (integer.threshold <= 0).any() and (neuron.threshold > 0).any():
        found.append(f"population '{name}': a threshold became 0")
    return found + _warn_ramp(name, neuron, integer)


def _warn_ramp(name: str, neuron: FloatNeuron, integer: IntNeuron) -> list[str]:
    if neuron.ramp is None or integer.ramp is None:
        return []
    exact = neuron.ramp.per_step * integer.scale / (neuron.gain * neuron.syn_gain)
    lasts = np.maximum(neuron.threshold - neuron.ramp.floor, 0) / np.maximum(neuron.ramp.per_step, 1e-300)
    drift = np.abs(integer.ramp.per_step - exact) * np.minimum(lasts, MOST_RAMP_STEPS)
    worst = float(np.max(np.where(exact > 0, drift / np.maximum(exact, 1e-300), 0.0)))
    if worst < 1:
        return []
    return [
        f"population '{name}': the fall of the threshold per step is rounded so that it ends {worst:.1f} "
        "steps early or late"
    ]


def warn_weights(before: list[Projection], after: list[Projection]) -> list[str]:
    """Projections of which quantising left nothing."""
    return [
        f"projection '{a.name}': all of its weights became 0"
        for b, a in zip(before, after, strict=True)
        if b.connection.weight.any() and not a.connection.weight.any()
    ]

