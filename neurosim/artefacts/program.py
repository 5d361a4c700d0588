"""The Program: everything that the hardware is loaded with, as integers.

Engines, the RTL images and the checker read only this.  One :class:`CoreProgram` per used core holds
its neurons, axon table with synapse blocks, and target table; the host has a target table too.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.route_table import RouteTable
from neurosim.artefacts.tree_table import FIRST_TREE, TreeTable
from neurosim.network.model import Ramp
from neurosim.rules.neuron import MODEL_TTFS
from neurosim.store import artefact

IntArray = NDArray[np.int64]


@artefact
@dataclass(frozen=True)
class NeuronGroup:
    """Neurons of one slice: consecutive in the core from local index ``first``.

    ``neurons[k]`` is the index in population ``population`` of local neuron ``first + k``.  Codes
    ``model`` and ``reset`` and all parameters are those of :func:`neurosim.rules.neuron.update`;
    parameter arrays have one value per neuron of the group.  The group updates in hardware steps
    ``start_step <= s < start_step + sample steps``.  ``v_initial`` (one value per neuron, or 0-d for all) is
    the membrane of the reset state.  ``ramp`` (of model "ttfs" only; arrays of one value per neuron) counts
    the neuron's own steps from ``start_step``: :func:`neurosim.rules.neuron.update_first_spike`.
    """

    population: str
    first: int
    neurons: IntArray
    model: int
    reset: int
    input_shift: int
    start_step: int
    keep: IntArray
    current_keep: IntArray
    bias: IntArray
    threshold: IntArray
    reset_amount: IntArray
    v_floor: IntArray
    v_initial: IntArray = field(default_factory=lambda: np.zeros((), np.int64))
    ramp: Ramp | None = None

    def __post_init__(self) -> None:
        """Raises ValueError for a first-spike model without a ramp, or another with one."""
        if (self.model == MODEL_TTFS) != (self.ramp is not None):
            raise ValueError(f"group of '{self.population}': a ramp goes with model 'ttfs', and only with it")

    @property
    def n(self) -> int:
        """Neurons in the group."""
        return int(self.neurons.shape[0])


@artefact
@dataclass(frozen=True)
class SynapseBlock:
    """Synapses of axons ``first_axon .. first_axon + n_axons - 1`` onto one neuron group.

    ``format`` is a code of :mod:`neurosim.rules.synapse`.

    * dense: ``weight`` (n_axons, group n); every axon reaches every neuron of the group.
    * sparse: ``pointer`` (n_axons + 1), ``target`` and ``weight`` (n_synapses,): targets are local
      to the group, in the smallest unsigned type that numbers it.
    * conv: ``weight`` (c_out of the slice, C_in / groups, K_h, K_w), ``source`` (n_axons,) the index of
      each axon in the input map, ``geometry`` the 18 integers named in ``GEOMETRY``.

    ``words`` (n_axons,) are the memory words read per packet, ``synapses`` (n_axons,) the synaptic
    operations, ``delay_steps`` the hardware steps from sending to use.
    """

    projection: str
    format: int
    group: int
    first_axon: int
    delay_steps: int
    weight: NDArray[np.int16]
    pointer: IntArray
    target: NDArray[Any]
    source: IntArray
    geometry: IntArray
    words: IntArray
    synapses: IntArray
    memory_words: int

    @property
    def n_axons(self) -> int:
        """Axons of the block."""
        return int(self.words.shape[0])


GEOMETRY = (
    "in_c", "in_h", "in_w", "out_c", "out_h", "out_w", "stride_y", "stride_x", "pad_top", "pad_left",
    "dilation_y", "dilation_x", "groups", "c0", "y0", "y1", "x0", "x1",
)  # fmt: skip


@artefact
@dataclass(frozen=True)
class TargetTable:
    """Packets per neuron: entries ``pointer[n] .. pointer[n+1]`` go to ``core`` and ``axon``.

    ``core`` HOST (-1) sends to the host, with ``axon`` the index of the neuron over all output
    populations in order.  Below that it names a multicast tree (see :mod:`neurosim.artefacts.tree_table`);
    ``axon`` is then added to what each of its leaves says.  The order of entries is the order of sending.
    """

    pointer: IntArray
    core: IntArray
    axon: IntArray


@artefact
@dataclass(frozen=True)
class CoreProgram:
    """One core's image."""

    core: int
    groups: tuple[NeuronGroup, ...]
    blocks: tuple[SynapseBlock, ...]
    targets: TargetTable

    @property
    def n_neurons(self) -> int:
        """Neurons held."""
        return sum(group.n for group in self.groups)

    @property
    def n_axons(self) -> int:
        """Axons held."""
        return sum(block.n_axons for block in self.blocks)


@artefact
@dataclass(frozen=True)
class Program:
    """A mapped network, ready to be loaded.

    ``host`` sends for the input populations, whose neurons are numbered one after the other in the
    order ``inputs``.  ``outputs`` are (population name, number of neurons, start step) in the order
    in which host axons are numbered; ``readout`` is "spikes" or "membrane" per output.  ``depth`` is
    the number of hardware steps that a sample takes beyond its own.  ``table`` are the routers' exceptions
    to the chip's routing rule; None: there are none.  ``trees`` are the multicast trees that target tables
    name; None: there are none.
    """

    name: str
    chip_yaml: str
    chip_digest: str
    network_digest: str
    routes_digest: str
    weight_bits: int
    inputs: tuple[tuple[str, int], ...]
    outputs: tuple[tuple[str, int, int], ...]
    readout: tuple[str, ...]
    depth: int
    cores: tuple[CoreProgram, ...]
    host: TargetTable
    table: RouteTable | None = None
    trees: TreeTable | None = None


def program_flows(program: Program) -> tuple[IntArray, IntArray]:
    """The distinct unicast flows of a program as (sources, targets), sorted; HOST is -1."""
    sources, targets = _sends(program)
    unicast = targets >= HOST
    return sources[unicast], targets[unicast]


def tree_sends(program: Program) -> tuple[IntArray, IntArray]:
    """Who sends to which multicast tree: the distinct pairs (sources, trees), sorted; HOST is -1."""
    sources, targets = _sends(program)
    multicast = targets < HOST
    sources, trees = sources[multicast], FIRST_TREE - targets[multicast]
    order = np.lexsort((trees, sources))
    return sources[order], trees[order]


def _sends(program: Program) -> tuple[IntArray, IntArray]:
    """The distinct (sources, targets) of all target tables, sorted."""
    tables = [(HOST, program.host), *((image.core, image.targets) for image in program.cores)]
    pairs = [
        np.stack([np.full(len(cores), source, np.int64), cores], axis=1)
        for source, cores in ((source, np.unique(table.core)) for source, table in tables)
    ]
    flows = np.unique(np.concatenate(pairs), axis=0)
    return flows[:, 0], flows[:, 1]
