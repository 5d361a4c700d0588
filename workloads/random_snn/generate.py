"""Generates a random feed-forward network: arrays from a seed, and their digest.

Layer 0 is paced: every neuron fires once in ``period`` steps, with a random phase.  Each neuron of layer l
drives ``fanout`` distinct neurons of layer l + 1 with an integer weight of -8..8 without 0.  Layers from 1
on are leaky integrate-and-fire neurons; the threshold of each is the smallest integer + 0.5 with which it
fires at most once in ``period`` steps on average, found by running it.  Neurons go to cores in index order.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError
from workloads.random_snn.witness import current_of, paced_spikes, run_layer

MAX_WEIGHT = 8
MAX_THRESHOLD = 4096
DIGESTED = ("phase", "target", "weight", "threshold", "core")


@dataclass(frozen=True)
class Recipe:
    """What a network is made from; the defaults are the 10k-neuron network.

    Raises:
        InputError: a number is out of range.
    """

    neurons: int = 10_000
    layers: int = 4
    fanout: int = 133
    steps: int = 100
    period: int = 20
    per_core: int = 1000
    seed: int = 1

    def __post_init__(self) -> None:
        layer = self.neurons // max(1, self.layers)
        for name, low, high, why in (
            ("layers", 2, None, "the first is paced, the others are driven"),
            ("neurons", self.layers, None, "every layer needs one"),
            ("fanout", 1, layer, f"targets are distinct neurons of a layer, which has {layer}"),
            ("steps", 1, None, None), ("period", 2, None, None), ("per_core", 1, None, None),
            ("seed", 0, None, None),
        ):  # fmt: skip
            value = getattr(self, name)
            if value < low or (high is not None and value > high):
                bounds = f"at least {low}" if high is None else f"{low}..{high}"
                raise InputError(
                    "out of range", code="random-snn-recipe", where="--" + name.replace("_", "-"),
                    expected=f"a whole number, {bounds}", got=str(value), hint=why,
                )  # fmt: skip


def generate(
    recipe: Recipe, say: Callable[[str], None] = lambda text: None
) -> dict[str, NDArray[np.generic]]:
    """The network's arrays by name.

    ``phase`` (n,) int64, ``target`` (layers - 1, n, fanout) int32 ascending along the last axis, ``weight``
    likewise int8, ``threshold`` (layers,) float64, ``core`` (layers * n,) int64, ``fired`` (layers,)
    spikes of all steps, and the scalars ``n``, ``layers``, ``fanout``, ``steps``, ``period``.
    """
    rng = np.random.Generator(np.random.PCG64(recipe.seed))
    n = recipe.neurons // recipe.layers
    phase = rng.integers(0, recipe.period, size=n)
    spikes = paced_spikes(phase, recipe.period, recipe.steps)
    targets, weights, thresholds, fired = [], [], [recipe.period - 0.5], [int(spikes.sum())]
    for layer in range(1, recipe.layers):
        say(f"layer {layer} of {recipe.layers - 1}")
        target = _distinct_targets(rng, n, recipe.fanout)
        weight = rng.integers(1, MAX_WEIGHT + 1, size=target.shape) * rng.choice((-1, 1), size=target.shape)
        weight = weight.astype(np.int8)
        current = current_of(spikes, target, weight, n)
        threshold = _threshold(current, 1.0 / recipe.period)
        spikes = run_layer(threshold, current)
        targets.append(target)
        weights.append(weight)
        thresholds.append(threshold)
        fired.append(int(spikes.sum()))
    scalars = {"n": n, "layers": recipe.layers, "fanout": recipe.fanout, "steps": recipe.steps}
    return {
        **{name: np.asarray(value) for name, value in scalars.items()},
        "period": np.asarray(recipe.period),
        "phase": phase,
        "target": np.array(targets),
        "weight": np.array(weights),
        "threshold": np.array(thresholds),
        "core": np.arange(n * recipe.layers) // recipe.per_core,
        "fired": np.array(fired),
    }


def digest(arrays: dict[str, NDArray[np.generic]]) -> str:
    """SHA-256 over the arrays that make the network, in the order of :data:`DIGESTED`."""
    sha = hashlib.sha256()
    for name in DIGESTED:
        sha.update(np.ascontiguousarray(arrays[name]).tobytes())
    return sha.hexdigest()


def _distinct_targets(rng: np.random.Generator, n: int, fanout: int) -> NDArray[np.int32]:
    """(n, fanout) distinct targets of each source, ascending; duplicates are drawn again."""
    target = rng.integers(0, n, size=(n, fanout), dtype=np.int64)
    while True:
        target.sort(axis=1)
        again = np.zeros(target.shape, np.bool_)
        again[:, 1:] = target[:, 1:] == target[:, :-1]
        if not again.any():
            return target.astype(np.int32)
        target[again] = rng.integers(0, n, size=int(again.sum()))


def _threshold(current: NDArray[np.float64], rate: float) -> float:
    """The smallest integer + 0.5 whose mean rate is at most ``rate``, by bisection."""
    low, high = 0, MAX_THRESHOLD
    while high - low > 1:
        middle = (low + high) // 2
        if run_layer(middle + 0.5, current).mean() > rate:
            low = middle
        else:
            high = middle
    return high + 0.5
