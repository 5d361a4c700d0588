"""What quantisation cost: float and integer network side by side on the same inputs, layer by layer.

Reads both networks, a chip and a workload; writes a :class:`QuantisationLoss` of plain figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Result, Spikes
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import run_functional
from neurosim.network.model import FloatNeuron, IntNeuron, Network
from neurosim.network.quantise import saturated_weights
from neurosim.network.simulate import FloatBlock, float_blocks
from neurosim.store import artefact


@artefact
@dataclass(frozen=True)
class LayerLoss:
    """One population.

    ``scale`` is integer weight steps per float weight, ``input_shift`` the bits that the membrane has below
    a weight step, ``threshold`` the (smallest, largest) integer threshold, None for a read-out.
    ``largest_weight_error`` is in float units.  Spikes are totals over all samples and steps; of
    ``slots`` (sample, step, neuron) slots ``slots_that_differ`` hold another count.
    """

    population: str
    neurons: int
    weights: int
    weight_bits: int
    scale: float
    input_shift: int
    threshold: tuple[int, int] | None
    weights_saturated: int
    largest_weight_error: float
    spikes_float: int
    spikes_int: int
    slots: int
    slots_that_differ: int


@artefact
@dataclass(frozen=True)
class QuantisationLoss:
    """All populations, and the accuracies in 0..1 over labelled samples (None without labels)."""

    network: str
    n_samples: int
    n_labelled: int
    layers: tuple[LayerLoss, ...]
    accuracy_float: float | None
    accuracy_int: float | None
    membrane_overflows: int
    accumulator_overflows: int


def quantisation_loss(
    floating: Network, integer: Network, chip: Chip, workload: Workload, result: Result | None = None
) -> QuantisationLoss:
    """Runs both networks on ``workload`` and compares them.

    The class of a sample is its output with the most spikes (a read-out: the highest last membrane); ties
    go to the lowest index.  ``result`` is the integer network's by the functional engine, for callers that
    have it.

    Raises:
        InputError: ``integer`` is not an integer network, or the workload does not fit.
    """
    result = result or run_functional(integer, workload, chip, RunOptions())
    spikes = {s.population: s for s in result.spikes}
    layers = [p.name for p in integer.populations if not p.is_input]
    fired, slots, differ = (dict.fromkeys(layers, 0) for _ in range(3))
    outputs = np.zeros((result.n_samples, sum(floating.population(n).n for n in floating.outputs)))
    for block in float_blocks(floating, workload.spikes):
        _add_outputs(floating, block, outputs)
        for name in layers:
            counts = block.counts[name]
            fired[name] += int(counts.sum(dtype=np.int64))
            slots[name] += counts.size
            differ[name] += _differing(block, counts, spikes[name])
    known = workload.labels >= 0
    return QuantisationLoss(
        network=integer.name,
        n_samples=result.n_samples,
        n_labelled=int(known.sum()),
        layers=tuple(
            _layer(floating, integer, spikes[name], (fired[name], slots[name], differ[name]))
            for name in layers
        ),
        accuracy_float=accuracy(outputs, workload.labels),
        accuracy_int=accuracy(result.output_counts, workload.labels),
        membrane_overflows=result.counters.membrane_overflows,
        accumulator_overflows=result.counters.accumulator_overflows,
    )


def _differing(block: FloatBlock, counts: NDArray[np.int32], spikes: Spikes) -> int:
    """Slots of a block in which the integer network's ``spikes`` are not the float ``counts``."""
    n_samples, n_steps, _ = counts.shape
    low, high = np.searchsorted(spikes.sample, [block.sample, block.sample + n_samples])
    if n_samples == 1:  # then steps ascend
        low, high = low + np.searchsorted(spikes.step[low:high], [block.step, block.step + n_steps])
    got = np.zeros(counts.shape, np.int32)
    sample, step, neuron, count = (
        column[low:high] for column in (spikes.sample, spikes.step, spikes.neuron, spikes.count)
    )
    got[sample - block.sample, step - block.step, neuron] = count
    return int((got != counts).sum())


def accuracy(outputs: NDArray[np.generic], labels: NDArray[np.int64]) -> float | None:
    """Share of labelled samples whose largest output is their label; None if none is labelled."""
    known = labels >= 0
    if not known.any() or outputs.shape[1] == 0:
        return None
    return float((outputs[known].argmax(axis=1) == labels[known]).mean())


def _add_outputs(network: Network, block: FloatBlock, outputs: NDArray[np.float64]) -> None:
    """Add a block's spikes of output neurons to ``outputs``; of read-outs its membranes take their place."""
    first, rows = 0, slice(block.sample, block.sample + next(iter(block.counts.values())).shape[0])
    for name in network.outputs:
        population = network.population(name)
        columns = slice(first, first + population.n)
        first += population.n
        neuron = population.neuron
        if isinstance(neuron, FloatNeuron) and neuron.reset == "none":
            outputs[rows, columns] = block.membrane[name]
        else:
            outputs[rows, columns] += block.counts[name].sum(axis=1)


def _layer(floating: Network, integer: Network, spikes: Spikes, counted: tuple[int, int, int]) -> LayerLoss:
    """``counted`` are the float network's spikes, all slots, and those that differ."""
    name = spikes.population
    population = integer.population(name)
    neuron = population.neuron
    assert isinstance(neuron, IntNeuron)
    bits = integer.weight_bits or 0
    scale, largest = neuron.scale / 2**neuron.input_shift, (1 << (bits - 1)) - 1
    pairs = [
        (f.connection, i.connection) for f, i in zip(floating.into(name), integer.into(name), strict=True)
    ]
    errors = [float(np.abs(i.weight / scale - f.weight).max(initial=0)) for f, i in pairs]
    limits = (int(neuron.threshold.min()), int(neuron.threshold.max()))
    return LayerLoss(
        population=name,
        neurons=population.n,
        weights=sum(int(i.weight.size) for _, i in pairs),
        weight_bits=bits,
        scale=scale,
        input_shift=neuron.input_shift,
        threshold=None if neuron.reset == "none" else limits,
        weights_saturated=sum(saturated_weights(f, scale, largest) for f, _ in pairs),
        largest_weight_error=max(errors, default=0.0),
        spikes_float=counted[0],
        spikes_int=int(spikes.count.sum()),
        slots=counted[1],
        slots_that_differ=counted[2],
    )
