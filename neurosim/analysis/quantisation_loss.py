"""What quantisation cost: float and integer network side by side on the same inputs, layer by layer.

Reads both networks, a chip and a workload; writes a :class:`QuantisationLoss` of plain figures.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Spikes
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import run_functional
from neurosim.network.model import FloatNeuron, IntNeuron, Network
from neurosim.network.quantise import saturated_weights
from neurosim.network.simulate import FloatRun, run_float
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
    floating: Network, integer: Network, chip: Chip, workload: Workload
) -> QuantisationLoss:
    """Runs both networks on ``workload`` and compares them.

    The class of a sample is its output with the most spikes (a read-out: the highest last membrane); ties
    go to the lowest index.

    Raises:
        InputError: ``integer`` is not an integer network, or the workload does not fit.
    """
    result = run_functional(integer, workload, chip, RunOptions())
    run = run_float(floating, workload.spikes)
    spikes = {s.population: s for s in result.spikes}
    layers = [
        _layer(floating, integer, p.name, run, spikes[p.name]) for p in integer.populations if not p.is_input
    ]
    known = workload.labels >= 0
    return QuantisationLoss(
        network=integer.name,
        n_samples=result.n_samples,
        n_labelled=int(known.sum()),
        layers=tuple(layers),
        accuracy_float=accuracy(_float_outputs(floating, run), workload.labels),
        accuracy_int=accuracy(result.output_counts, workload.labels),
        membrane_overflows=result.counters.membrane_overflows,
        accumulator_overflows=result.counters.accumulator_overflows,
    )


def accuracy(outputs: NDArray[np.generic], labels: NDArray[np.int64]) -> float | None:
    """Share of labelled samples whose largest output is their label; None if none is labelled."""
    known = labels >= 0
    if not known.any() or outputs.shape[1] == 0:
        return None
    return float((outputs[known].argmax(axis=1) == labels[known]).mean())


def _float_outputs(network: Network, run: FloatRun) -> NDArray[np.float64]:
    n_samples = next(iter(run.counts.values())).shape[0]
    columns = [np.zeros((n_samples, 0))]
    for name in network.outputs:
        neuron = network.population(name).neuron
        silent = isinstance(neuron, FloatNeuron) and neuron.reset == "none"
        values = run.membrane[name] if silent else run.counts[name].sum(axis=1)
        columns.append(values.reshape(values.shape[0], -1).astype(np.float64))
    return np.concatenate(columns, axis=1)


def _layer(floating: Network, integer: Network, name: str, run: FloatRun, spikes: Spikes) -> LayerLoss:
    population, counts = integer.population(name), run.counts[name]
    neuron = population.neuron
    assert isinstance(neuron, IntNeuron)
    bits = integer.weight_bits or 0
    scale, largest = neuron.scale / 2**neuron.input_shift, (1 << (bits - 1)) - 1
    pairs = [
        (f.connection, i.connection) for f, i in zip(floating.into(name), integer.into(name), strict=True)
    ]
    errors = [float(np.abs(i.weight / scale - f.weight).max(initial=0)) for f, i in pairs]
    got = np.zeros((*counts.shape[:2], population.n), np.int32)
    got[spikes.sample, spikes.step, spikes.neuron] = spikes.count
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
        spikes_float=int(counts.sum()),
        spikes_int=int(spikes.count.sum()),
        slots=counts.size,
        slots_that_differ=int((got != counts.reshape(got.shape)).sum()),
    )
