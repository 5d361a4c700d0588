"""Tables: the Program, that is everything the hardware is loaded with.

:func:`emit` reads a network's anatomy, a partition, its placement and routes; it decides nothing that
they do not say.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.tables.blocks import BlockPlace, block
from mapper.tables.targets import Landing, entries_of, indexed, join, table
from neurosim.artefacts.mapping import Cluster, Partition, Placement, Routes, Slice
from neurosim.artefacts.program import CoreProgram, NeuronGroup, Program, SynapseBlock
from neurosim.chip.dump import dump_chip
from neurosim.chip.models import Chip
from neurosim.network.model import IntNeuron, Ramp
from neurosim.network.schedule import Schedule, schedule
from neurosim.rules.neuron import MODEL_NAMES, RESET_NAMES
from neurosim.store import digest

PARAMETERS = ("keep", "current_keep", "bias", "threshold", "reset_amount", "v_floor", "v_initial")


def emit(
    anatomy: Anatomy, chip: Chip, partition: Partition, placement: Placement, routes: Routes
) -> Program:
    """The program of a mapped network."""
    network = anatomy.network
    assert network.weight_bits is not None
    times = schedule(network)
    outputs, first_axons = _outputs(anatomy, times)
    order = np.argsort(placement.core, kind="stable").tolist()
    landings: dict[str, list[Landing]] = {p.name: [] for p in network.projections}
    bodies = {
        i: _body(anatomy, chip, times, partition.clusters[i], int(placement.core[i]), landings)
        for i in order
    }
    entries = {
        p.name: indexed(entries_of(anatomy, p.name, landings, first_axons.get(p.name)), p.n)
        for p in network.populations
    }
    cores = []
    for i in order:
        groups, blocks = bodies[i]
        parts = [table(entries[g.population], g.neurons) for g in groups]
        cores.append(CoreProgram(int(placement.core[i]), groups, blocks, join(parts)))
    host = [table(entries[p.name], np.arange(p.n)) for p in network.inputs]
    return Program(
        name=network.name,
        chip_yaml=dump_chip(chip),
        chip_digest=partition.chip_digest,
        network_digest=partition.network_digest,
        routes_digest=digest(routes),
        weight_bits=network.weight_bits,
        inputs=tuple((p.name, p.n) for p in network.inputs),
        outputs=outputs,
        readout=tuple(_readout(anatomy, name) for name in network.outputs),
        depth=times.depth,
        cores=tuple(cores),
        host=join(host),
        table=routes.table,
    )


def _readout(anatomy: Anatomy, name: str) -> str:
    return "spikes" if capacity.is_spiking(anatomy.population(name)) else "membrane"


def _outputs(
    anatomy: Anatomy, times: Schedule
) -> tuple[tuple[tuple[str, int, int], ...], dict[str, int]]:
    """The program's outputs, and the host's axon of the first neuron of each that sends spikes."""
    outputs, first_axons, axon = [], {}, 0
    for name in anatomy.network.outputs:
        n = anatomy.population(name).n
        outputs.append((name, n, times.start_step[name]))
        if capacity.host_entries(anatomy.network, name):
            first_axons[name] = axon
        axon += n
    return tuple(outputs), first_axons


def _body(
    anatomy: Anatomy, chip: Chip, times: Schedule, cluster: Cluster, core: int,
    landings: dict[str, list[Landing]],
) -> tuple[tuple[NeuronGroup, ...], tuple[SynapseBlock, ...]]:
    """Groups and blocks of a core; where its axons lie is added to ``landings``."""
    groups: list[NeuronGroup] = []
    blocks: list[SynapseBlock] = []
    first_neuron = first_axon = 0
    for number, piece in enumerate(cluster.slices):
        groups.append(_group(anatomy, times, piece, first_neuron))
        first_neuron += piece.n
        for projection in anatomy.into(piece.population):
            at = BlockPlace(number, first_axon, times.hardware_delay[projection.name])
            made = block(anatomy, chip.core, projection, piece, at)
            if made is not None:
                blocks.append(made[0])
                landings[projection.name].append(Landing(core, first_axon, made[1]))
                first_axon += made[0].n_axons
    return tuple(groups), tuple(blocks)


def _group(anatomy: Anatomy, times: Schedule, piece: Slice, first: int) -> NeuronGroup:
    population = anatomy.population(piece.population)
    neuron = population.neuron
    assert isinstance(neuron, IntNeuron)
    neurons = piece.neurons(anatomy.shape(piece.population))
    return NeuronGroup(
        population=piece.population,
        first=first,
        neurons=neurons,
        model=MODEL_NAMES.index(neuron.model),
        reset=RESET_NAMES.index(neuron.reset),
        input_shift=neuron.input_shift,
        start_step=times.start_step[piece.population],
        **{name: per_neuron(getattr(neuron, name), population.n, neurons) for name in PARAMETERS},
        ramp=None if neuron.ramp is None else _ramp(neuron.ramp, population.n, neurons),
    )


def _ramp(ramp: Ramp, n: int, neurons: NDArray[np.int64]) -> Ramp:
    """The part of a population's ``ramp`` that belongs to ``neurons``."""
    per_step, floor = (per_neuron(values, n, neurons) for values in (ramp.per_step, ramp.floor))
    return replace(ramp, per_step=per_step, floor=floor)


def per_neuron(values: NDArray[np.int64], n: int, neurons: NDArray[np.int64]) -> NDArray[np.int64]:
    """``values`` (0-d, or one per neuron of ``n`` in any shape) of ``neurons``; equal ones share memory."""
    array = np.asarray(values, np.int64)
    if array.size == n and array.ndim:
        return array.reshape(-1)[neurons]
    return np.broadcast_to(array.reshape(()), neurons.shape)
