"""Small programs written by hand, without the mapper."""

from __future__ import annotations

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import (
    CoreProgram,
    NeuronGroup,
    Program,
    SynapseBlock,
    TargetTable,
)
from neurosim.chip.loader import chip_digest, dump_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import Workload
from neurosim.rules import neuron, synapse

NONE = np.zeros(0, np.int64)


def group(population: str, n: int, start_step: int, threshold: int = 1) -> NeuronGroup:
    """``n`` IF neurons that reset to zero."""
    full = np.ones(n, np.int64)
    return NeuronGroup(
        population=population, first=0, neurons=np.arange(n), model=neuron.MODEL_IF,
        reset=neuron.RESET_VALUE, input_shift=0, start_step=start_step,
        keep=full * neuron.DECAY_ONE, current_keep=full * 0, bias=full * 0,
        threshold=full * threshold, reset_amount=full * 0, v_floor=full * -(1 << 23),
    )  # fmt: skip


def dense(weight: np.ndarray, chip: Chip, delay: int = 1) -> SynapseBlock:
    """A dense block of ``weight`` (n_axons, n_neurons) onto group 0."""
    n_axons, n = weight.shape
    words = synapse.axon_words(synapse.FORMAT_DENSE, n, 8, 0, chip.core.word_bits)
    return SynapseBlock(
        projection="p", format=synapse.FORMAT_DENSE, group=0, first_axon=0, delay_steps=delay,
        weight=weight.astype(np.int16), pointer=NONE, target=NONE, source=NONE, geometry=NONE,
        words=np.full(n_axons, words, np.int64), synapses=np.full(n_axons, n, np.int64),
        memory_words=n_axons * words,
    )  # fmt: skip


def table(entries: list[list[tuple[int, int]]]) -> TargetTable:
    """One list of (core, axon) per neuron."""
    flat = [entry for neuron_entries in entries for entry in neuron_entries]
    pointer = np.concatenate(([0], np.cumsum([len(e) for e in entries]))).astype(np.int64)
    columns = np.array(flat, np.int64).reshape(-1, 2)
    return TargetTable(pointer, columns[:, 0].copy(), columns[:, 1].copy())


def chain(chip: Chip, cores: list[int], n: int = 1, threshold: int = 1) -> Program:
    """Input -> core -> core -> ... -> host: ``n`` neurons a core, all to all with weight 1.

    The host sends one packet per input neuron (axon = input); every neuron sends one packet to the
    next core (axon = neuron), those of the last core one each to the host.
    """
    programs = []
    for position, core in enumerate(cores):
        last = position + 1 == len(cores)
        nxt = HOST if last else cores[position + 1]
        programs.append(
            CoreProgram(
                core=core,
                groups=(group(f"layer{position}", n, position + 1, threshold),),
                blocks=(dense(np.ones((n, n)), chip),),
                targets=table([[(nxt, k)] for k in range(n)]),
            )
        )
    return program_of(chip, programs, [("input", n)], [(f"layer{len(cores) - 1}", n, len(cores))],
                      table([[(cores[0], k)] for k in range(n)]), len(cores))  # fmt: skip


def program_of(
    chip: Chip,
    cores: list[CoreProgram],
    inputs: list[tuple[str, int]],
    outputs: list[tuple[str, int, int]],
    host: TargetTable,
    depth: int,
) -> Program:
    """Wrap hand-made cores."""
    return Program(
        name="by hand", chip_yaml=dump_chip(chip), chip_digest=chip_digest(chip), network_digest="",
        routes_digest="", weight_bits=8, inputs=tuple(inputs), outputs=tuple(outputs),
        readout=tuple("spikes" for _ in outputs), depth=depth,
        cores=tuple(sorted(cores, key=lambda c: c.core)), host=host,
    )  # fmt: skip


def workload(spikes: np.ndarray) -> Workload:
    """Spike counts (samples, steps, n_inputs) without labels."""
    return Workload(spikes.astype(np.uint8), np.full(len(spikes), -1, np.int64), "test")
