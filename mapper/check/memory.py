"""Checks that every core of a Program holds what it is asked to: all capacities recounted from arrays."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.check.counting import ceil_bits, line_taps, shorten
from neurosim.artefacts.program import GEOMETRY, CoreProgram, Program, SynapseBlock
from neurosim.chip.capacity import tile_capacity
from neurosim.chip.models import Chip, Core
from neurosim.rules.synapse import FORMAT_CONV, FORMAT_DENSE, FORMAT_NAMES, FORMAT_SPARSE

IntArray = NDArray[np.int64]


def check_memory(program: Program, chip: Chip) -> list[str]:
    """Problems of blocks and capacities, core by core."""
    width = chip.system.chips_x * chip.mesh.width
    n_tiles = width * chip.system.chips_y * chip.mesh.height
    problems = []
    for core in program.cores:
        tile = core.core // chip.mesh.cores_per_tile
        if not 0 <= tile < n_tiles:
            problems.append(f"core {core.core} does not exist")
            continue
        for number, block in enumerate(core.blocks):
            if 0 <= block.group < len(core.groups):
                n_group = core.groups[block.group].n
                where = f"core {core.core} block {number}"
                problems += _check_block(where, block, n_group, chip.core, program.weight_bits)
        limit = tile_capacity(chip, tile % width, tile // width)
        if not limit.is_neuron_core:
            problems.append(f"core {core.core} is no neuron core")
            continue
        used = {
            "neurons": core.n_neurons,
            "axons": core.n_axons,
            "synapse_words": _words(core, chip.core),
            "target_entries": len(core.targets.core),
        }
        for name, value in used.items():
            if value > getattr(limit, name):
                problems.append(f"core {core.core} takes {value} {name}, it has {getattr(limit, name)}")
    return shorten(problems)


def _words(core: CoreProgram, kind: Core) -> int:
    return sum(b.memory_words for b in core.blocks) + core.n_neurons * kind.state_words_per_neuron


def _check_block(where: str, block: SynapseBlock, n_group: int, core: Core, bits: int) -> list[str]:
    name = FORMAT_NAMES[block.format]
    if name not in core.synapse_formats:
        return [f"{where} is {name}, which the chip does not have"]
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    if block.weight.size and (block.weight.min() < low or block.weight.max() > high):
        return [f"{where} has a weight outside {low}..{high}"]
    problems = _check_shape(where, block, n_group, core)
    if problems:
        return problems
    synapses = _synapses(block, n_group)
    pair = bits + (core.index_bits if block.format == FORMAT_SPARSE else 0)
    words = (synapses * pair + core.word_bits - 1) // core.word_bits
    kernel = ceil_bits(block.weight.size * bits, core.word_bits)
    stored = kernel if block.format == FORMAT_CONV else int(words.sum())
    memory = core.axon_header_words * block.n_axons + stored
    if not np.array_equal(block.synapses, synapses):
        problems.append(f"{where} says a wrong number of synapses for an axon")
    if not np.array_equal(block.words, words):
        problems.append(f"{where} says a wrong number of words for an axon")
    if block.memory_words != memory:
        problems.append(f"{where} says {block.memory_words} memory words, counted {memory}")
    return problems


def _check_shape(where: str, block: SynapseBlock, n_group: int, core: Core) -> list[str]:
    if block.format == FORMAT_DENSE and block.weight.shape != (block.n_axons, n_group):
        return [f"{where}: weights {block.weight.shape}, must be {(block.n_axons, n_group)}"]
    if block.format == FORMAT_SPARSE:
        legal = (
            block.pointer.shape == (block.n_axons + 1,)
            and block.pointer[0] == 0
            and (np.diff(block.pointer) >= 0).all()
            and block.target.shape == block.weight.shape == (int(block.pointer[-1]),)
        )
        if not legal or (block.target < 0).any() or (block.target >= n_group).any():
            return [f"{where}: pointers and targets are not legal"]
        if n_group > 2**core.index_bits:
            return [f"{where}: {n_group} neurons cannot be named with {core.index_bits} bits"]
    if block.format == FORMAT_CONV and block.source.shape != (block.n_axons,):
        return [f"{where}: {len(block.source)} sources for {block.n_axons} axons"]
    return []


def _synapses(block: SynapseBlock, n_group: int) -> IntArray:
    if block.format == FORMAT_DENSE:
        return np.full(block.n_axons, n_group, np.int64)
    if block.format == FORMAT_SPARSE:
        return np.diff(block.pointer)
    return _conv_synapses(block)


def _conv_synapses(block: SynapseBlock) -> IntArray:
    g = dict(zip(GEOMETRY, block.geometry.tolist(), strict=True))
    channels, per_group_in, kernel_h, kernel_w = block.weight.shape
    heard = np.zeros(g["in_c"], np.int64)
    for k in range(channels):
        first = (g["c0"] + k) // (g["out_c"] // g["groups"]) * per_group_in
        heard[first : first + per_group_in] += 1
    down = g["stride_y"], g["pad_top"], g["dilation_y"]
    across = g["stride_x"], g["pad_left"], g["dilation_x"]
    rows = line_taps((g["y0"], g["y1"]), g["in_h"], kernel_h, *down)
    columns = line_taps((g["x0"], g["x1"]), g["in_w"], kernel_w, *across)
    c, y, x = np.unravel_index(block.source, (g["in_c"], g["in_h"], g["in_w"]))
    return np.asarray(heard[c] * rows[y] * columns[x])
