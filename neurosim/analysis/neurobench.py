"""NeuroBench's algorithm metrics, from the integer network and the spikes of a run.

Names and formulas follow NeuroBench 2.x (Yik et al., Nature Communications 16, 2025, and the
``neurobench`` package).  Its hooks see torch modules; here the same counts are computed from our own
artefacts.  Operation counts are per sample, summed over the sample's own steps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Result, Spikes
from neurosim.chip.models import Core
from neurosim.network.connections import Connection, Conv, Dense, Sparse
from neurosim.network.model import IntNeuron, Network, Population, Projection
from neurosim.rules.neuron import DECAY_SHIFT, RESET_NAMES, RESET_NONE

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Operations:
    """Effective operations per sample, (S,) each."""

    acs: IntArray
    macs: IntArray


def _ceil_bytes(bits: int) -> int:
    return -(-bits // 8)


def footprint_bytes(network: Network, core: Core) -> int:
    """Bytes of parameters and state, each array rounded up to whole bytes.

    Weights count ``weight_bits`` each (a shared kernel once), thresholds, reset amounts and membranes
    ``membrane_bits``, biases ``bias_bits``, decay factors one bit more than their fraction, synaptic
    currents ``current_bits``.  A parameter that is one value for a whole population counts once.
    """
    bits = [p.connection.weight.size * (network.weight_bits or 0) for p in network.projections]
    for population in network.populations:
        neuron = population.neuron
        if not isinstance(neuron, IntNeuron):
            continue
        bits += [neuron.threshold.size * core.membrane_bits, neuron.reset_amount.size * core.membrane_bits]
        bits += [neuron.bias.size * core.bias_bits, neuron.keep.size * (DECAY_SHIFT + 1)]
        bits.append(population.n * core.membrane_bits)
        if neuron.ramp is not None:
            bits += [values.size * core.membrane_bits for values in (neuron.ramp.per_step, neuron.ramp.floor)]
        if neuron.model.startswith("cuba") or neuron.ramp is not None:
            bits += [neuron.current_keep.size * (DECAY_SHIFT + 1), population.n * core.current_bits]
    return sum(map(_ceil_bytes, bits))


def parameter_count(network: Network) -> int:
    """Weights (a shared kernel once) plus the biases of populations that have any."""
    biases = 0
    for population in network.populations:
        neuron = population.neuron
        if isinstance(neuron, IntNeuron) and neuron.bias.any():
            biases += int(neuron.bias.size)
    return biases + sum(int(p.connection.weight.size) for p in network.projections)


def connection_sparsity(network: Network) -> float | None:
    """Zero weights over weights of all dense and convolution layers, to 4 digits; None without any."""
    weights = [p.connection.weight for p in network.projections if isinstance(p.connection, (Dense, Conv))]
    total = sum(w.size for w in weights)
    return round(sum(int((w == 0).sum()) for w in weights) / total, 4) if total else None


def _fires(population: Population) -> bool:
    neuron = population.neuron
    return neuron is not None and neuron.reset != RESET_NAMES[RESET_NONE]


def activation_sparsity(network: Network, result: Result) -> float | None:
    """``1 - active / all`` over the neurons that can fire, steps and samples; None if nothing can."""
    layers = {p.name: p.n for p in network.populations if _fires(p)}
    outputs = sum(layers.values()) * result.n_steps * result.n_samples
    active = sum(len(s.neuron) for s in result.spikes if s.population in layers)
    return 1 - active / outputs if outputs else None


def dense_operations(network: Network, n_steps: int) -> int:
    """``SynapticOperations.Dense`` per sample: all synapses (padding not counted) times steps."""
    return network.n_synapses * n_steps


def effective_operations(
    network: Network, result: Result, input_spikes: NDArray[np.uint8] | None
) -> Operations | None:
    """``SynapticOperations`` Effective_ACs and Effective_MACs, per sample.

    A layer's call (one step) counts, for every non-zero input, the synapses with a non-zero weight;
    as MACs if any input of that call is neither 0 nor 1 (pooled or several spikes), else as ACs.
    None if an input population's spikes are not given, or one does not fit the network.
    """
    acs, macs = np.zeros(result.n_samples, np.int64), np.zeros(result.n_samples, np.int64)
    events = {s.population: s for s in result.spikes}
    if input_spikes is not None:
        events.update(_input_events(network, input_spikes))
    for projection in network.projections:
        source = network.population(projection.source)
        if source.name not in events:
            if source.is_input:
                return None
            continue  # it never fired
        _count(projection, events[source.name], result.n_steps, acs, macs)
    return Operations(acs, macs)


def _input_events(network: Network, x: NDArray[np.uint8]) -> dict[str, Spikes]:
    """Input spikes (samples, steps, inputs) as events of the input populations, in order."""
    events, first = {}, 0
    for population in network.inputs:
        part = x[:, :, first : first + population.n]
        first += population.n
        sample, step, neuron = (a.astype(np.int32) for a in np.nonzero(part))
        events[population.name] = Spikes(
            population.name, sample, step, neuron, part[sample, step, neuron].astype(np.int32)
        )
    return events


def _count(projection: Projection, spikes: Spikes, n_steps: int, acs: IntArray, macs: IntArray) -> None:
    axon = spikes.neuron.astype(np.int64)
    if projection.pool is not None:
        axon = projection.pool.axon_of_source()[axon]
    used = (axon >= 0) & (spikes.step + projection.delay_steps < n_steps) & (spikes.sample < len(acs))
    call = (spikes.sample.astype(np.int64) * n_steps + spikes.step)[used]
    n_axons = projection.connection.n_in
    key, index = np.unique(call * n_axons + axon[used], return_inverse=True)
    value = np.zeros(len(key), np.int64)
    np.add.at(value, index, spikes.count[used])
    operations = effective_fan_out(projection.connection)[key % n_axons]
    is_graded = np.zeros(len(acs) * n_steps, np.bool_)
    is_graded[(key // n_axons)[value > 1]] = True
    graded = is_graded[key // n_axons]
    sample = key // n_axons // n_steps
    np.add.at(acs, sample[~graded], operations[~graded])
    np.add.at(macs, sample[graded], operations[graded])


def effective_fan_out(connection: Connection) -> IntArray:
    """Synapses with a non-zero weight per axon, (n_in,)."""
    used = connection.weight != 0
    if isinstance(connection, Dense):
        return np.asarray(used.sum(axis=0), np.int64)
    if isinstance(connection, Sparse):
        return np.bincount(connection.axons()[used], minlength=connection.n_in).astype(np.int64)
    if not isinstance(connection, Conv):
        return np.asarray(used, np.int64)
    fan_out = np.zeros(connection.in_shape, np.int64)
    per_group = int(used.shape[1])
    by_group = used.reshape(connection.groups, -1, *used.shape[1:]).sum(axis=1)
    for (group, channel, ky, kx), count in np.ndenumerate(by_group):
        rows, columns = _tap_inputs(connection, 0, ky), _tap_inputs(connection, 1, kx)
        fan_out[group * per_group + channel, rows[:, None], columns[None, :]] += int(count)
    return fan_out.reshape(-1)


def _tap_inputs(conv: Conv, axis: int, tap: int) -> IntArray:
    """Input rows (columns) that tap ``tap`` of the kernel sees, over all outputs."""
    at = np.arange(conv.out_shape[1 + axis]) * conv.stride[axis] - conv.padding[axis]
    at = at + tap * conv.dilation[axis]
    return np.asarray(at[(at >= 0) & (at < conv.in_shape[1 + axis])], np.int64)
