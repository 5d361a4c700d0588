"""Simulates a float network literally as its framework does, in NumPy float64.

Reads a float :class:`Network` and spike counts; writes the spike counts of every population.  Also home
of :func:`propagate`, the walk over populations and steps that the functional engine shares.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.network.loops import components
from neurosim.network.model import FloatNeuron, Network, Population, Projection, Ramp

FloatArray = NDArray[np.float64]
CountArray = NDArray[np.int32]
Update = Callable[[Population, FloatArray], FloatArray]
"""``update(population, x)``: one step of a population for input ``x`` (samples, n); returns its spikes."""

_ROWS_BYTES = 64 << 20  # working memory of one call of a connection
_WORK_BYTES = 32 << 20  # counts and drives of the samples or steps that are worked on at once


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


@dataclass(frozen=True)
class FloatBlock:
    """Some samples from ``sample`` on, for some steps from ``step`` on.

    ``counts`` (samples, steps, n) by population; ``membrane`` (samples, n) after the last of these steps.
    """

    sample: int
    step: int
    counts: dict[str, CountArray]
    membrane: dict[str, FloatArray]


def float_blocks(network: Network, x: NDArray[np.generic]) -> Iterator[FloatBlock]:
    """:func:`run_float` piece by piece, in memory that grows neither with samples nor with steps."""
    samples, steps = work_sizes(network, x.shape[1])
    for first in range(0, x.shape[0], samples):
        part = x[first : first + samples]
        states = {p.name: _FloatState(p, part.shape[0]) for p in network.populations if not p.is_input}

        def step(population: Population, drive: FloatArray, states: Any = states) -> FloatArray:
            return np.asarray(states[population.name].step(drive))

        for start, counts in propagated(network, part, step, steps):
            yield FloatBlock(first, start, counts, {name: state.v for name, state in states.items()})


class _FloatState:
    """State of one population over all samples; ``step`` is :class:`FloatNeuron`'s update."""

    def __init__(self, population: Population, n_samples: int) -> None:
        assert isinstance(population.neuron, FloatNeuron), "run_float takes a float network"
        self.neuron, self.bias = population.neuron, population.bias
        self.v: FloatArray = np.broadcast_to(population.neuron.v_initial, (n_samples, population.n)).copy()
        self.i: FloatArray = np.zeros((n_samples, population.n))
        self.age, self.waits = 0, np.ones((n_samples, population.n), np.bool_)  # of first-spike neurons
        self.seen = Range(0.0, 0.0, 0.0, 0.0)

    def step(self, x: FloatArray) -> FloatArray:
        n = self.neuron
        x = x + self.bias
        self.i = n.syn_keep * self.i + n.syn_gain * x if n.keeps_current else x
        if n.ramp is not None:
            return self._first_spikes(n.ramp, x)
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

    def _first_spikes(self, ramp: Ramp, x: FloatArray) -> FloatArray:
        """The rest of ``step`` for neurons that fire once, see :class:`~neurosim.network.model.Ramp`."""
        n, since = self.neuron, self.age - ramp.silent_steps
        takes = ramp.input_steps == 0 or self.age < ramp.input_steps
        self.i = self.i * takes * self.waits
        u = self._decayed() + n.gain * self.i + n.offset
        threshold = np.maximum(n.threshold - ramp.per_step * since, ramp.floor)
        above = u >= threshold if n.at_threshold else u > threshold
        spikes = above & self.waits if since >= 0 else np.zeros_like(self.waits)
        self._note(x, np.where(self.waits, u, 0.0))
        self.waits = self.waits & ~spikes
        self.v = np.where(self.waits, np.maximum(u, n.v_min), 0.0)  # at rest once it has fired
        self.i = self.i * self.waits
        self.age += 1
        return spikes.astype(np.float64)

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
    (whole,) = propagated(network, x, update, max(1, x.shape[1]))
    return whole[1]


def propagated(
    network: Network, x: NDArray[np.generic], update: Update, block_steps: int
) -> Iterator[tuple[int, dict[str, CountArray]]]:
    """:func:`propagate` in blocks of steps: (first step, counts (samples, steps of the block, n)) of each.

    Between blocks only the counts that a delay still reaches are kept, so memory does not grow with the
    steps.  One block at least, even of no steps.
    """
    groups, n_steps = components(network), x.shape[1]
    names = [p.name for p in network.populations]
    reach = {name: max((q.delay_steps for q in network.out_of(name)), default=0) for name in names}
    kept = {p.name: np.zeros((x.shape[0], 0, p.n), np.int32) for p in network.populations}
    for first in range(0, max(1, n_steps), block_steps):
        counts = _split_inputs(network, x[:, first : first + block_steps])
        past = {name: _Past(first - kept[name].shape[1], kept[name]) for name in kept}
        for group in groups:
            _run_group(network, group, (first, min(block_steps, n_steps - first)), counts, past, update)
        yield first, {p.name: counts[p.name] for p in network.populations if not p.is_input}
        for name, back in reach.items():
            if back:
                longer = np.concatenate([kept[name], counts[name]], axis=1)
                kept[name] = longer[:, max(0, longer.shape[1] - back) :].copy()


@dataclass(frozen=True)
class _Past:
    """Counts (samples, steps, n) of the last steps before a block, from step ``first`` on."""

    first: int
    counts: CountArray

    def rows(self, low: int, high: int, block: CountArray) -> CountArray:
        """Steps ``low`` to ``high`` - 1, of which the block after the past holds the later ones."""
        start = self.first + self.counts.shape[1]
        later = block[:, max(low - start, 0) : max(high - start, 0)]
        if low >= start:
            return later
        return np.concatenate([self.counts[:, low - self.first : high - self.first], later], axis=1)


def _run_group(
    network: Network, group: Sequence[str], span: tuple[int, int], counts: dict[str, CountArray],
    past: dict[str, _Past], update: Update,
) -> None:  # fmt: skip
    """One block of the populations of a loop (or of one without), from what their sources fired.

    ``span`` are its first step and its number of steps; ``counts`` gets what they fire.
    """
    first, n_steps = span
    drive = {}
    for name in group:
        total = np.zeros((past[name].counts.shape[0], n_steps, network.population(name).n))
        for projection in network.into(name):
            source = projection.source
            if source not in group:
                _add_delayed(total, projection, past[source], counts[source], first)
        drive[name] = total
        counts[name] = np.zeros(total.shape, np.int32)
    for step in range(n_steps):
        for name in group:
            now = drive[name][:, step]
            for projection in network.into(name):
                back = first + step - projection.delay_steps
                if projection.source in group and back >= 0:
                    rows = past[projection.source].rows(back, back + 1, counts[projection.source])
                    now = now + weighted(projection, rows[:, 0])
            counts[name][:, step] = update(network.population(name), now)


def work_sizes(network: Network, n_steps: int) -> tuple[int, int]:
    """(samples, steps) that are worked on at once: whole samples if their counts fit the working memory.

    Else one sample, so many steps of it at a time.
    """
    widest = sorted((p.n for p in network.populations), reverse=True)
    per_step = max(1, 4 * sum(widest) + 24 * sum(widest[:2]))
    samples = _WORK_BYTES // (per_step * max(1, n_steps))
    return (samples, n_steps) if samples else (1, max(1, _WORK_BYTES // per_step))


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


def _add_delayed(
    total: FloatArray, projection: Projection, past: _Past, source: CountArray, first: int
) -> None:
    """Adds to ``total`` (samples, steps, n), a block from step ``first``, what ``projection`` brings.

    That is what its source fired ``delay_steps`` before, in the block or the past.
    """
    n_samples, n_steps, _ = total.shape
    low, high = max(0, first - projection.delay_steps), first + n_steps - projection.delay_steps
    if high > low:
        rows = past.rows(low, high, source).reshape(n_samples * (high - low), -1)
        total[:, n_steps - (high - low) :] += weighted(projection, rows).reshape(n_samples, high - low, -1)


def _split_inputs(network: Network, x: NDArray[np.generic]) -> dict[str, CountArray]:
    """The input populations' parts of ``x``, flat."""
    sizes = [p.n for p in network.inputs]
    if x.ndim < 3 or math.prod(x.shape[2:]) != sum(sizes):
        raise ValueError(f"input of shape {x.shape} for {sum(sizes)} input neurons")
    flat: NDArray[Any] = x.reshape(*x.shape[:2], -1)
    ends = np.cumsum(sizes)
    return {p.name: flat[:, :, end - p.n : end] for p, end in zip(network.inputs, ends, strict=True)}
