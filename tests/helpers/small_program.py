"""A small network mapped by hand: inputs 32 -> hidden 24 -> out 4, on the first tiles of any chip.

Every core holds dense blocks, so that its table can be written down here without the mapper.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from neurosim import store
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, NeuronGroup, Program, SynapseBlock, TargetTable
from neurosim.chip.models import Chip
from neurosim.engines.base import Workload
from neurosim.network.connections import Dense
from neurosim.network.model import IntNeuron, Network, Population, Projection
from neurosim.rules import neuron, synapse

N_IN, N_HIDDEN, N_OUT = 32, 24, 4
EMPTY = np.zeros(0, np.int64)


@dataclass(frozen=True)
class Case:
    """A network, its program and inputs."""

    network: Network
    program: Program
    workload: Workload


def small_case(
    chip: Chip, chip_yaml: str, hidden_cores: tuple[int, ...] = (1, 2, 5, 6), out_core: int = 10,
    n_samples: int = 6, n_steps: int = 8, seed: int = 7,
) -> Case:
    """Hidden neurons spread evenly over ``hidden_cores``, the outputs on ``out_core``."""
    rng = np.random.default_rng(seed)
    network = _network(rng)
    per_core = N_HIDDEN // len(hidden_cores)
    weights = [p.connection.weight for p in network.projections]
    cores = [
        _core(chip, core, "hidden", np.arange(k * per_core, (k + 1) * per_core), 1,
              weights[0][k * per_core : (k + 1) * per_core], "in_hidden",
              [(out_core, k * per_core + j) for j in range(per_core)])
        for k, core in enumerate(hidden_cores)
    ]  # fmt: skip
    cores.append(
        _core(chip, out_core, "out", np.arange(N_OUT), 2, weights[1], "hidden_out",
              [(HOST, j) for j in range(N_OUT)])
    )  # fmt: skip
    program = Program(
        name="small",
        chip_yaml=chip_yaml,
        chip_digest=store.digest(np.frombuffer(chip_yaml.encode(), np.uint8)),
        network_digest=store.digest(network),
        routes_digest="",
        weight_bits=8,
        inputs=(("in", N_IN),),
        outputs=(("out", N_OUT, 2),),
        readout=("spikes",),
        depth=2,
        cores=tuple(sorted(cores, key=lambda c: c.core)),
        host=TargetTable(
            pointer=np.arange(N_IN + 1, dtype=np.int64) * len(hidden_cores),
            core=np.tile(np.array(hidden_cores, np.int64), N_IN),
            axon=np.repeat(np.arange(N_IN, dtype=np.int64), len(hidden_cores)),
        ),
    )
    x = (rng.random((n_samples, n_steps, N_IN)) < 0.25).astype(np.uint8)
    labels = rng.integers(0, N_OUT, n_samples).astype(np.int64)
    return Case(network, program, Workload(x, labels, "input-digest"))


def _network(rng: np.random.Generator) -> Network:
    zero, keep = np.zeros((), np.int64), np.array(3686, np.int64)

    def lif(threshold: int) -> IntNeuron:
        return IntNeuron(
            "lif", "subtract", keep, zero, zero, np.array(threshold, np.int64),
            np.array(threshold, np.int64), np.array(-(1 << 19), np.int64), 0, 1.0,
        )  # fmt: skip

    def weights(n_out: int, n_in: int) -> np.ndarray:
        return rng.integers(-40, 80, (n_out, n_in)).astype(np.int16)

    return Network(
        name="small",
        populations=(
            Population("in", (N_IN,), None),
            Population("hidden", (N_HIDDEN,), lif(220)),
            Population("out", (N_OUT,), lif(300)),
        ),
        projections=(
            Projection("in_hidden", "in", "hidden", Dense(weights(N_HIDDEN, N_IN))),
            Projection("hidden_out", "hidden", "out", Dense(weights(N_OUT, N_HIDDEN))),
        ),
        outputs=("out",),
        dt_s=1e-3,
        profile="made up",
        is_integer=True,
        weight_bits=8,
    )


def _core(
    chip: Chip, core: int, population: str, neurons: np.ndarray, start_step: int, weight: np.ndarray,
    projection: str, targets: list[tuple[int, int]],
) -> CoreProgram:
    n, n_axons = weight.shape
    words = synapse.axon_words(synapse.FORMAT_DENSE, n, 8, chip.core.index_bits, chip.core.word_bits)

    def full(value: int) -> np.ndarray:
        return np.full(n, value, np.int64)

    threshold = 220 if population == "hidden" else 300
    group = NeuronGroup(
        population, 0, neurons.astype(np.int64), neuron.MODEL_LIF, neuron.RESET_SUBTRACT, 0, start_step,
        full(3686), full(0), full(0), full(threshold), full(threshold), full(-(1 << 19)),
    )  # fmt: skip
    block = SynapseBlock(
        projection, synapse.FORMAT_DENSE, 0, 0, 1, np.ascontiguousarray(weight.T), EMPTY, EMPTY, EMPTY,
        EMPTY, np.full(n_axons, words, np.int64), np.full(n_axons, n, np.int64), n_axons * (words + 1),
    )  # fmt: skip
    table = TargetTable(
        np.arange(n + 1, dtype=np.int64),
        np.array([t[0] for t in targets], np.int64),
        np.array([t[1] for t in targets], np.int64),
    )
    return CoreProgram(core, (group,), (block,), table)
