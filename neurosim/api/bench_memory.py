"""Bytes that the compiled engine keeps per router, neuron and synapse while it runs.

Each is a difference: two programs that differ in nothing else, the bytes of all arrays that the engine made
for each, divided by what the larger has more.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.api.bench_program import PacedNet, mesh_chip, paced_program


@dataclass(frozen=True)
class MemoryRow:
    """``bytes_each`` of ``what``, measured on ``n`` of them."""

    what: str
    n: int
    bytes_each: float


def measure_memory(seed: int) -> tuple[MemoryRow, ...]:
    """Bytes per router, neuron, and synapse of each format (8-bit weights)."""
    small = PacedNet(cores=4, neurons=256, targets=2, synapses=8, period=20)
    dense = replace(small, format="dense", targets=1)
    neurons = replace(small, neurons=4096, synapses=0)
    few = replace(neurons, neurons=256)
    return (
        _difference("router", _bytes(small, 4, seed), _bytes(small, 32, seed), 32**2 - 4**2),
        _difference(
            "neuron, with two target entries and axons", _bytes(few, 4, seed), _bytes(neurons, 4, seed),
            neurons.n_neurons - few.n_neurons,
        ),
        _per_synapse("sparse synapse", small, replace(small, synapses=64), seed),
        _per_synapse("dense synapse", dense, replace(dense, targets=3), seed),
        _per_convolution(seed),
    )  # fmt: skip


def _per_synapse(what: str, small: PacedNet, large: PacedNet, seed: int) -> MemoryRow:
    more = large.n_synapses - small.n_synapses
    return _difference(what, _bytes(small, 4, seed), _bytes(large, 4, seed), more)


def _difference(what: str, small: int, large: int, n: int) -> MemoryRow:
    return MemoryRow(what, n, (large - small) / n)


def _per_convolution(seed: int) -> MemoryRow:
    """A 3x3 convolution of 8 to 8 channels on 32x32 against the same on 16x16: the kernel is shared."""
    from neurosim.network.connections import Conv

    def shape(side: int) -> Conv:
        weight = np.ones((8, 8, 3, 3), np.int64)
        return Conv(weight, (8, side, side), (8, side, side), (1, 1), (1, 1), (1, 1), 1)

    sizes = {side: _convolution_bytes(side, seed) for side in (16, 32)}
    n = shape(32).n_synapses - shape(16).n_synapses
    return _difference("convolution synapse", sizes[16], sizes[32], n)


def _convolution_bytes(side: int, seed: int) -> int:
    """Bytes of one core's convolution block of 8 channels, axons included, neurons not."""
    from neurosim.artefacts.program import SynapseBlock
    from neurosim.rules import synapse

    none = np.zeros(0, np.int64)
    n_axons = 8 * side * side
    base = PacedNet(cores=1, neurons=n_axons, targets=0, synapses=0, period=20)
    program = paced_program(base, mesh_chip(2), seed)
    geometry = (8, side, side, 8, side, side, 1, 1, 1, 1, 1, 1, 1, 0, 0, side, 0, side)
    block = SynapseBlock(
        projection="conv", format=synapse.FORMAT_CONV, group=0, first_axon=0, delay_steps=1,
        weight=np.ones((8, 8, 3, 3), np.int16), pointer=none, target=none, source=np.arange(n_axons),
        geometry=np.array(geometry, np.int64), words=np.full(n_axons, 9), synapses=np.full(n_axons, 72),
        memory_words=72,
    )  # fmt: skip
    core = replace(program.cores[0], blocks=(block,))
    return _program_bytes(replace(program, cores=(core,))) - _program_bytes(program)


def _bytes(net: PacedNet, side: int, seed: int) -> int:
    return _program_bytes(paced_program(net, mesh_chip(side), seed))


def _program_bytes(program: Any) -> int:
    """Bytes of all arrays of one sample on the compiled engine, the program itself left out."""
    from neurosim.chip.loader import load_chip_text
    from neurosim.engines.base import RunOptions
    from neurosim.engines.compiled.core_state import ProgramTables
    from neurosim.engines.compiled.program import CompiledSample
    from neurosim.fabric.tables import program_fabric

    tables = ProgramTables(program, program_fabric(program, load_chip_text(program.chip_yaml, "program")))
    sample = CompiledSample(tables, np.zeros((1, 0), np.uint8), RunOptions())
    seen: dict[int, int] = {}
    _count(vars(sample), seen, {id(program)})
    return sum(seen.values())


def _count(thing: Any, seen: dict[int, int], done: set[int]) -> None:
    """Add the bytes of every array that can be reached from ``thing``, each memory once."""
    if id(thing) in done:
        return
    done.add(id(thing))
    if isinstance(thing, np.ndarray):
        owner = _owner(thing)
        seen[id(owner)] = owner.nbytes
    elif isinstance(thing, dict):
        for value in thing.values():
            _count(value, seen, done)
    elif isinstance(thing, (list, tuple)):
        for value in thing:
            _count(value, seen, done)
    elif hasattr(thing, "__dict__") and type(thing).__module__.startswith("neurosim.engines"):
        _count(vars(thing), seen, done)


def _owner(array: NDArray[Any]) -> NDArray[Any]:
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array
