"""Random integer networks for a chip: every neuron model, reset and synapse format that the chip has.

Draws from a :class:`numpy.random.Generator`; the same seed and chip give the same network and input.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.models import Chip
from neurosim.engines.base import Workload
from neurosim.engines.signed import signed_range
from neurosim.network.connections import Dense, Diagonal, Sparse
from neurosim.network.model import IntNeuron, Network, Population, Projection, Ramp
from neurosim.rules import neuron
from rtl_models.update import RESETS

LEAST_KEEP = 1000  # of 4096: membranes that forget faster hardly fire
MOST_NEURONS = 14  # of a layer
LAYERS = (1, 2, 3)


def random_network(chip: Chip, seed: int, firing: str | None = None) -> Network:
    """Input, one to three layers, maybe a loop and a skip connection, and an output that fires or is read.

    ``firing``: the model of all neurons that fire (default: one is drawn per population).
    """
    rng = np.random.default_rng(seed)
    width = min(bits for bits in chip.core.weight_bits if bits >= min(4, max(chip.core.weight_bits)))
    populations = [Population("in", (int(rng.integers(2, 13)),), None)]
    projections: list[Projection] = []
    for layer in range(int(rng.choice(LAYERS))):
        source, n = populations[-1], int(rng.integers(1, MOST_NEURONS + 1))
        populations.append(Population(f"layer{layer}", (n,), _neuron(chip, rng, n, True, firing)))
        connection = _connection(chip, rng, n, source.n, width)
        projections.append(Projection(f"p{layer}", source.name, f"layer{layer}", connection, None, 0))
    last, n_out = populations[-1], int(rng.integers(1, 6))
    if rng.random() < 0.5 and "sparse" in chip.core.synapse_formats:
        loop = Diagonal(_weights(rng, width, last.n))
        projections.append(Projection("loop", last.name, last.name, loop, None, 1))
    fires = bool(rng.random() < 0.5) or not set(chip.core.neuron_models) & {"li", "cuba_li"}
    populations.append(Population("out", (n_out,), _neuron(chip, rng, n_out, fires, firing)))
    for name, source in (("p_out", last), *((("skip", populations[0]),) if rng.random() < 0.5 else ())):
        connection = _connection(chip, rng, n_out, source.n, width)
        projections.append(Projection(name, source.name, "out", connection, None, 0))
    return Network(
        f"random{seed}", tuple(populations), tuple(projections), ("out",), 1e-3, "random", True, width
    )


def random_input(network: Network, samples: int, steps: int, seed: int) -> Workload:
    """0 to 2 spikes per input and step, none in most."""
    rng = np.random.default_rng(seed)
    shape = (samples, steps, network.inputs[0].n)
    x = rng.integers(0, 3, shape) * (rng.random(shape) < 0.4)
    return Workload(x.astype(np.uint8), np.full(samples, -1, np.int64), "random")


def _weights(rng: np.random.Generator, bits: int, *shape: int) -> NDArray[np.int16]:
    low, high = signed_range(bits)
    return (rng.integers(low, high + 1, shape) * (rng.random(shape) < 0.7)).astype(np.int16)


def _connection(chip: Chip, rng: np.random.Generator, n_out: int, n_in: int, bits: int) -> Dense | Sparse:
    weight = _weights(rng, bits, n_out, n_in)
    formats = [name for name in ("dense", "sparse") if name in chip.core.synapse_formats]
    if rng.choice(formats) == "dense":
        return Dense(weight)
    axon, target = np.nonzero((weight.T != 0) | (rng.random(weight.T.shape) < 0.1))
    pointer = np.searchsorted(axon, np.arange(n_in + 1)).astype(np.int64)
    return Sparse(weight.T[axon, target], pointer, target.astype(np.uint8), n_out)


def _neuron(chip: Chip, rng: np.random.Generator, n: int, fires: bool, firing: str | None) -> IntNeuron:
    has = [name for name in neuron.MODEL_NAMES if name in chip.core.neuron_models]
    drawn = str(rng.choice([name for name in has if name.endswith("li") != fires]))
    model = firing if firing is not None and fires else drawn
    resets = [neuron.RESET_NAMES[k] for k in RESETS if neuron.RESET_NAMES[k] != "none"]
    reset = "once" if model == "ttfs" else str(rng.choice(resets)) if fires else "none"
    threshold = rng.integers(1, 20, n)
    phases = int(rng.integers(0, 4)), int(rng.integers(0, 3))
    subtracts: Any = threshold if reset.startswith("subtract") else rng.integers(-3, 1, n)
    least = signed_range(min(20, chip.core.membrane_bits))[0]
    return IntNeuron(
        model=model, reset=reset, threshold=threshold, reset_amount=subtracts,
        keep=np.full(n, neuron.DECAY_ONE) if model == "if" else rng.integers(LEAST_KEEP, neuron.DECAY_ONE, n),
        current_keep=rng.integers(0, neuron.DECAY_ONE, n),
        bias=np.clip(rng.integers(-2, 6, n), *signed_range(chip.core.bias_bits)),
        v_floor=np.full(n, int(rng.choice((least, -20, 0)))), input_shift=int(rng.integers(0, 3)), scale=1.0,
        v_initial=rng.integers(-9, 30, n),
        ramp=Ramp(rng.integers(0, 6, n), threshold - 15, *phases) if model == "ttfs" else None,
    )  # fmt: skip
