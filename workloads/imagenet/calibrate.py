"""Thresholds found by running: every layer of a random network fires at the density that was asked for.

Reads a network of :mod:`workloads.imagenet.wiring` and input spikes; writes the same network with one
threshold per population, and the density that each then has.  Layers are run one after the other, all steps
of each at once, so that a layer is set before the ones it feeds.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from neurosim.network.loops import components
from neurosim.network.model import IntNeuron, Network
from neurosim.network.simulate import weighted
from neurosim.rules import neuron as rules

IntArray = NDArray[np.int64]
SEEN = 1 << 16  # neurons of a layer that its threshold is found with
MEMBRANE = (-(1 << 15), (1 << 15) - 1)
"""Width of membranes, currents and accumulators (16 bits, as on darwin3)."""


def random_input(network: Network, steps: int, density: float, seed: int) -> NDArray[np.uint8]:
    """One sample (1, steps, *input shape) of Bernoulli spikes."""
    rng = np.random.Generator(np.random.PCG64([seed, 1]))
    shape = network.inputs[0].shape
    return (rng.random((1, steps, *shape), np.float32) < density).astype(np.uint8)


def calibrated(
    network: Network, x: NDArray[np.uint8], density: float, say: Callable[[str], None] = lambda text: None
) -> tuple[Network, dict[str, float]]:
    """``network`` with thresholds at which every layer fires at about ``density``, and the densities.

    ``x`` (steps, *input shape) is the sample that it is run on; there must be one input, no loop, no delay.
    """
    counts = {network.inputs[0].name: x.reshape(x.shape[0], -1).astype(np.int8)}
    made: dict[str, IntNeuron] = {}
    found: dict[str, float] = {}
    for number, (name,) in enumerate(components(network), 1):
        population = network.population(name)
        say(f"layer {number} of {len(network.populations) - 1}, '{name}'")
        assert isinstance(population.neuron, IntNeuron)
        drive = np.zeros((x.shape[0], population.n), np.int64)
        for projection in network.into(name):
            drive += np.rint(weighted(projection, counts[projection.source])).astype(np.int64)
        neuron = population.neuron
        if neuron.reset != "none":
            threshold = _threshold(neuron, drive[:, :: -(-population.n // SEEN)], density)
            neuron = dataclasses.replace(neuron, threshold=np.array(threshold))
        made[name], counts[name] = neuron, _run(neuron, drive)
        found[name] = float(counts[name].mean())
    populations = tuple(
        dataclasses.replace(p, neuron=made[p.name]) if p.name in made else p for p in network.populations
    )
    return dataclasses.replace(network, populations=populations), found


def _threshold(neuron: IntNeuron, drive: IntArray, density: float) -> int:
    """The lowest at which at most ``density`` fire, by bisection; above all membranes if there is none."""
    low, high = 0, MEMBRANE[1]
    while high - low > 1:
        middle = (low + high) // 2
        if _run(dataclasses.replace(neuron, threshold=np.array(middle)), drive).mean() > density:
            low = middle
        else:
            high = middle
    return high


def _run(neuron: IntNeuron, drive: IntArray) -> NDArray[np.int8]:
    """Spikes (steps, n) of neurons for the drive of every step."""
    model, reset = rules.MODEL_NAMES.index(neuron.model), rules.RESET_NAMES.index(neuron.reset)
    v, i = np.zeros(drive.shape[1], np.int64), np.zeros(drive.shape[1], np.int64)
    out = np.zeros(drive.shape, np.int8)
    for step, now in enumerate(drive):
        v, i, spikes, _ = rules.update(
            model, reset, 0, v, i, np.clip(now, *MEMBRANE), neuron.keep, neuron.current_keep, neuron.bias,
            neuron.threshold, neuron.reset_amount, neuron.v_floor, *MEMBRANE, *MEMBRANE,
        )  # fmt: skip
        out[step] = spikes
    return out
