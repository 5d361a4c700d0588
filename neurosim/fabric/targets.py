"""Whether every packet that a program's target tables name has an axon to arrive at.

Reads a program whose trees are sound.  Engines index memory by these numbers, so they are looked at before
every run; what the entries ought to be is the checker's question.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.fabric.trees import arrivals

IntArray = NDArray[np.int64]
UNUSED = -1


def target_problem(program: Program, n_cores: int) -> str | None:
    """The first target table that does not fit its sender, or entry that leads nowhere; None if none does.

    ``n_cores`` is the chip's number of core positions.
    """
    axons = _axons_by_core(program, n_cores)
    senders = [("the host", program.host, sum(n for _, n in program.inputs))]
    senders += [(f"core {core.core}", core.targets, core.n_neurons) for core in program.cores]
    for name, table, n_neurons in senders:
        if not _fits(table, n_neurons):
            return f"the target table of {name} is not one of {n_neurons} neurons"
        _, cores, numbers = arrivals(program.trees, table.core, table.axon)
        wrong = np.flatnonzero((cores < HOST) | (cores >= n_cores))
        if wrong.size:
            return f"{name} sends to core {cores[wrong[0]]}; the chip has 0 to {n_cores - 1}"
        limit = axons[cores + 1]
        wrong = np.flatnonzero((numbers < 0) | (numbers >= limit))
        if wrong.size:
            return _wrong_axon(name, int(cores[wrong[0]]), int(numbers[wrong[0]]), int(limit[wrong[0]]))
    return None


def _axons_by_core(program: Program, n_cores: int) -> IntArray:
    """(n_cores + 1,) axons of the host (its output neurons), then of every core; UNUSED: not in use."""
    axons = np.full(n_cores + 1, UNUSED, np.int64)
    axons[0] = sum(n for _, n, _ in program.outputs)
    for core in program.cores:
        axons[core.core + 1] = core.n_axons
    return axons


def _fits(table: TargetTable, n_neurons: int) -> bool:
    pointer = table.pointer
    return bool(
        len(pointer) == n_neurons + 1
        and pointer[0] == 0
        and (np.diff(pointer) >= 0).all()
        and pointer[-1] == len(table.core) == len(table.axon)
    )


def _wrong_axon(sender: str, core: int, axon: int, n_axons: int) -> str:
    if core == HOST:
        return f"{sender} sends to the host for output neuron {axon}; there are 0 to {n_axons - 1}"
    if n_axons == UNUSED:
        return f"{sender} sends to core {core}, which the program does not use"
    return f"{sender} sends to axon {axon} of core {core}, which has {n_axons}"
