"""Programs of any size for measuring: cores full of pacemaker neurons that send to the cores after them.

They skip import, quantisation and mapping, whose time and memory are not what is measured.  Every neuron
fires once in ``period`` steps with a random phase; synapses are random, with weights of one unit against
a bias of many, so that activity stays what was asked for while every synapse does its work.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from neurosim.artefacts.program import CoreProgram, Program, SynapseBlock
    from neurosim.chip.models import Chip

UNIT = 64  # bias per step; a synaptic operation adds or takes 1


@dataclass(frozen=True)
class PacedNet:
    """``cores`` x ``neurons``; each neuron sends to ``targets`` cores, each packet reaches ``synapses``.

    ``format`` is "sparse" or "dense" (then a packet reaches all neurons of the core).
    """

    cores: int
    neurons: int
    targets: int
    synapses: int
    period: int
    format: str = "sparse"

    @property
    def n_neurons(self) -> int:
        """Neurons on all cores."""
        return self.cores * self.neurons

    @property
    def n_synapses(self) -> int:
        """Synapses on all cores."""
        reached = self.neurons if self.format == "dense" else self.synapses
        return self.n_neurons * self.targets * reached


def paced_program(net: PacedNet, chip: Chip, seed: int) -> Program:
    """The program of ``net`` on cores 0, 1, ... of ``chip``: core k sends to the next ones, cyclically."""
    from neurosim.artefacts.program import Program, TargetTable
    from neurosim.chip.loader import chip_digest, dump_chip

    rng = np.random.default_rng(seed)
    none = np.zeros(0, np.int64)
    return Program(
        name="paced", chip_yaml=dump_chip(chip), chip_digest=chip_digest(chip), network_digest="",
        routes_digest="", weight_bits=8, inputs=(), outputs=(), readout=(), depth=0,
        cores=tuple(_core(net, k, rng) for k in range(net.cores)),
        host=TargetTable(np.zeros(1, np.int64), none, none),
    )  # fmt: skip


def _core(net: PacedNet, core: int, rng: np.random.Generator) -> CoreProgram:
    from neurosim.artefacts.program import CoreProgram, NeuronGroup, TargetTable
    from neurosim.rules import neuron

    n = net.neurons
    full = np.ones(n, np.int64)
    group = NeuronGroup(
        population=f"core{core}", first=0, neurons=np.arange(n), model=neuron.MODEL_IF,
        reset=neuron.RESET_VALUE, input_shift=0, start_step=0, keep=full * neuron.DECAY_ONE,
        current_keep=full * 0, bias=full * UNIT, threshold=full * (UNIT * net.period - UNIT // 2),
        reset_amount=full * 0, v_floor=full * -(1 << 23), v_initial=rng.integers(0, net.period, n) * UNIT,
    )  # fmt: skip
    after = (core + 1 + np.arange(net.targets)) % net.cores
    axon = np.arange(n)[:, None] + n * np.arange(net.targets)[None, :]
    table = TargetTable(
        np.arange(n + 1, dtype=np.int64) * net.targets, np.tile(after, n).astype(np.int64), axon.reshape(-1)
    )
    return CoreProgram(core=core, groups=(group,), blocks=(_block(net, rng),), targets=table)


def _block(net: PacedNet, rng: np.random.Generator) -> SynapseBlock:
    from neurosim.artefacts.program import SynapseBlock
    from neurosim.rules import synapse

    none = np.zeros(0, np.int64)
    n_axons = net.neurons * net.targets
    is_dense = net.format == "dense"
    reached = net.neurons if is_dense else net.synapses
    shape = (n_axons, reached) if is_dense else (n_axons * reached,)
    index_bits = 0 if is_dense else max(1, (net.neurons - 1).bit_length())
    code = synapse.FORMAT_NAMES.index(net.format)
    words = synapse.axon_words(code, reached, 8, index_bits, 64)
    return SynapseBlock(
        projection="paced", format=code, group=0, first_axon=0, delay_steps=1,
        weight=(rng.integers(0, 2, shape, np.int8) * 2 - 1).astype(np.int16),
        pointer=none if is_dense else np.arange(n_axons + 1, dtype=np.int64) * reached,
        target=none if is_dense else rng.integers(0, net.neurons, shape, np.uint16),
        source=none, geometry=none, words=np.full(n_axons, words, np.int64),
        synapses=np.full(n_axons, reached, np.int64), memory_words=n_axons * words,
    )  # fmt: skip


def mesh_chip(side: int) -> Chip:
    """A ``side`` x ``side`` mesh of one core per tile with the timing of preset ``tiny``."""
    from neurosim.chip.loader import edit_chip, load_chip

    return edit_chip(load_chip("tiny"), {"mesh.width": side, "mesh.height": side})
