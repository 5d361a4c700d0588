"""Simulates a float network literally as its framework does, in NumPy float64.

Reads a float :class:`Network` and spike counts; writes the spike counts of every population.  Also home
of :func:`propagate`, the walk over populations and steps that the functional engine shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.network.loops import components
from neurosim.network.model import FloatNeuron, Network, Population, Projection

FloatArray = NDArray[np.float64]
CountArray = NDArray[np.int32]
Update = Callable[[Population, FloatArray], FloatArray]
"""``update(population, x)``: one step of a population for input ``x`` (samples, n); returns its spikes."""

_ROWS_BYTES = 64 << 20  # working memory of one call of a connection


@dataclass(frozen=True)
class Range:
    """What one population went through: magnitudes of input and current, membrane before the reset."""

    largest_input: float
    largest_current: float
    membrane_low: float
    membrane_high: float


@dataclass(frozen=True)
class FloatRun:
    """``counts`` (samples, steps, *shape) by population; ``membrane`` (samples, *shape), the last one.

    Only populations with neurons are listed.  Membranes are in the network's own units.
    """

    counts: dict[str, CountArray]
    membrane: dict[str, FloatArray]
    ranges: dict[str, Range]


def simulate_float(network: Network, x: NDArray[np.generic]) -> dict[str, CountArray]:
    """Spike counts of every population for input ``x`` (samples, steps, *input shape or flat)."""
    return run_float(network, x).counts


def run_float(network: Network, x: NDArray[np.generic]) -> FloatRun:
    """Runs a float network on every sample from the reset state (membranes ``v_initial``, currents 0).

    Args:
        network: a float network.
        x: spike counts (samples, steps, ...); several inputs lie one after the other, flat.

    Raises:
        ValueError: ``x`` does not fit the network's inputs (see :mod:`neurosim.network.inputs`).
    """
    neurons = {p.name: _FloatState(p, x.shape[0]) for p in network.populations if not p.is_input}
    counts = propagate(network, x, lambda population, drive: neurons[population.name].step(drive))
    shaped = {n: c.reshape(*c.shape[:2], *network.population(n).shape) for n, c in counts.items()}
    membrane = {n: s.v.reshape(-1, *network.population(n).shape) for n, s in neurons.items()}
    return FloatRun(shaped, membrane, {n: s.seen for n, s in neurons.items()})


class _FloatState:
    """State of one population over all samples; ``step`` is :class:`FloatNeuron`'s update."""

    def __init__(self, population: Population, n_samples: int) -> None:
        assert isinstance(population.neuron, FloatNeuron), "run_float takes a float network"
        self.neuron, self.bias = population.neuron, population.bias
        self.v: FloatArray = np.broadcast_to(population.neuron.v_initial, (n_samples, population.n)).copy()
        self.i: FloatArray = np.zeros((n_samples, population.n))
        self.seen = Range(0.0, 0.0, 0.0, 0.0)

    def step(self, x: FloatArray) -> FloatArray:
        n = self.neuron
        x = x + self.bias
        self.i = n.syn_keep * self.i + n.syn_gain * x if n.model.startswith("cuba") else x
        fired = self._above(self.v) if n.reset not in ("none", "value", "subtract", "subtract_multi") else 0.0
        u = self._decayed() + n.gain * self.i + n.offset
        if n.reset in ("subtract_delayed", "subtract_same_time"):
            u = u - fired * n.reset_amount
        elif n.reset == "zero_with_input":
            u = u * (1.0 - fired)
        spikes = self._spikes_of(u)
        self._note(x, u)
        self.v = np.maximum(self._after_reset(u, spikes, fired), n.v_min)
        return spikes

    def _decayed(self) -> FloatArray:
        kept = self.neuron.keep * self.v
        if self.neuron.fraction_bits is None:
            return np.asarray(kept)
        return np.asarray(np.trunc(kept * 2.0**self.neuron.fraction_bits) / 2.0**self.neuron.fraction_bits)

    def _above(self, u: FloatArray) -> FloatArray:
        above = u >= self.neuron.threshold if self.neuron.at_threshold else u > self.neuron.threshold
        return above.astype(np.float64)

    def _spikes_of(self, u: FloatArray) -> FloatArray:
        if self.neuron.reset == "none":
            return np.zeros_like(u)
        above = self._above(u)
        if self.neuron.reset == "subtract_multi":
            return np.asarray(above * np.floor(u / self.neuron.threshold))
        return above

    def _after_reset(self, u: FloatArray, spikes: FloatArray, fired: FloatArray | float) -> FloatArray:
        reset, amount = self.neuron.reset, self.neuron.reset_amount
        if reset == "value":
            return np.where(spikes > 0, amount, u)
        if reset in ("subtract", "subtract_multi"):
            return np.asarray(u - spikes * amount)
        if reset == "subtract_same_time":
            return np.asarray(u - (spikes - fired) * amount)
        return u

    def _note(self, x: FloatArray, u: FloatArray) -> None:
        if u.size:
            self.seen = Range(
                max(self.seen.largest_input, float(np.abs(x).max())),
                max(self.seen.largest_current, float(np.abs(self.i).max())),
                min(self.seen.membrane_low, float(u.min())),
                max(self.seen.membrane_high, float(u.max())),
            )


def propagate(network: Network, x: NDArray[np.generic], update: Update) -> dict[str, CountArray]:
    """Runs ``network`` in its own time; ``update`` is called for each population and step, in order.

    The weighted input is computed in float64, which is exact for integers below 2**53.  Populations that
    are not part of a loop get theirs for all steps at once.  Returns counts (samples, steps, n) of every
    population that has neurons, in the network's order.
    """
    counts = _split_inputs(network, x)
    n_samples, n_steps = x.shape[:2]
    for group in components(network):
        drive = {}
        for name in group:
            total = np.zeros((n_samples, n_steps, network.population(name).n))
            for projection in network.into(name):
                if projection.source not in group:
                    _add_delayed(total, projection, counts[projection.source])
            drive[name] = total
            counts[name] = np.zeros(total.shape, np.int32)
        for step in range(n_steps):
            for name in group:
                now = drive[name][:, step]
                for projection in network.into(name):
                    back = step - projection.delay_steps
                    if projection.source in group and back >= 0:
                        now = now + weighted(projection, counts[projection.source][:, back])
                counts[name][:, step] = update(network.population(name), now)
    return {p.name: counts[p.name] for p in network.populations if not p.is_input}


def weighted(projection: Projection, rows: NDArray[np.generic]) -> FloatArray:
    """Weighted input (rows, n_target) that spike counts (rows, n_source) give through ``projection``."""
    width = max(rows.shape[1], projection.connection.n_in, projection.connection.n_out, 1)
    block = max(1, _ROWS_BYTES // (8 * width))
    parts = []
    for first in range(0, rows.shape[0], block):
        part = rows[first : first + block].astype(np.float64)
        if projection.pool is not None:
            part = projection.pool.apply(part)
        parts.append(projection.connection.apply(part))
    return np.concatenate([np.zeros((0, projection.connection.n_out)), *parts])


def _add_delayed(total: FloatArray, projection: Projection, source: CountArray) -> None:
    """Adds to ``total`` (samples, steps, n) what ``projection`` brings, ``delay_steps`` later."""
    n_samples, n_steps, _ = total.shape
    length = n_steps - projection.delay_steps
    if length > 0:
        rows = source[:, :length].reshape(n_samples * length, -1)
        total[:, projection.delay_steps :] += weighted(projection, rows).reshape(n_samples, length, -1)


def _split_inputs(network: Network, x: NDArray[np.generic]) -> dict[str, CountArray]:
    """The input populations' parts of ``x``, flat."""
    sizes = [p.n for p in network.inputs]
    if x.ndim < 3 or math.prod(x.shape[2:]) != sum(sizes):
        raise ValueError(f"input of shape {x.shape} for {sum(sizes)} input neurons")
    flat: NDArray[Any] = x.reshape(*x.shape[:2], -1)
    ends = np.cumsum(sizes)
    return {p.name: flat[:, :, end - p.n : end] for p, end in zip(network.inputs, ends, strict=True)}
