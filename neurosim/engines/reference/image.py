"""What a core is loaded with, prepared for the reference engine once per program."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import CoreProgram, NeuronGroup
from neurosim.chip.models import Chip
from neurosim.engines.signed import signed_range
from neurosim.engines.synapses import axon_synapses
from neurosim.rules import arith, neuron, synapse, sync

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class StepOutcome:
    """What the neuron loop of one step will do: arrays over the awake neurons in visiting order."""

    neuron: IntArray  # index in the core
    cycles: IntArray  # of the update
    spikes: IntArray
    active: IntArray
    overflows: int


class CoreImage:
    """One core's program with the chip's widths and timing, read by :class:`CoreModel`."""

    def __init__(self, program: CoreProgram, chip: Chip) -> None:
        core = chip.core
        self.program = program
        self.core = program.core
        self.timing = core
        self.n_slots = core.max_delay_steps + 1
        self.membrane = signed_range(core.membrane_bits)
        self.current = signed_range(core.current_bits)
        self.accumulator = signed_range(core.accumulator_bits)
        self.wraps = int(core.overflow.membrane == "wrap")
        self.accumulator_wraps = int(core.overflow.accumulator == "wrap")
        self._block_of_axon = np.repeat(
            np.arange(len(program.blocks)), [block.n_axons for block in program.blocks]
        )

    def synapses(self, axon: int) -> tuple[IntArray, IntArray, int]:
        """Target neurons (core index), weights and delay of ``axon``."""
        block = self.program.blocks[int(self._block_of_axon[axon])]
        targets, weights = axon_synapses(block, axon - block.first_axon)
        return targets + self.program.groups[block.group].first, weights, block.delay_steps

    @cached_property
    def v_initial(self) -> IntArray:
        """(n,) membranes of the reset state."""
        groups = self.program.groups
        parts = [np.broadcast_to(np.asarray(g.v_initial, np.int64), g.n) for g in groups]
        return np.concatenate([np.zeros(0, np.int64), *parts])

    @cached_property
    def axon_cost(self) -> list[tuple[int, int, int]]:
        """Per axon: words read, synaptic operations, cycles of the synapse pipeline."""
        costs = []
        for block in self.program.blocks:
            for words, ops in zip(block.words.tolist(), block.synapses.tolist(), strict=True):
                cycles = synapse.packet_cycles(
                    self.timing.decode_cycles, words, self.timing.cycles_per_word,
                    self.timing.words_per_cycle, ops, self.timing.cycles_per_synapse,
                )  # fmt: skip
                costs.append((words, ops, cycles))
        return costs

    def targets(self, local: int) -> list[tuple[int, int]]:
        """(core, HOST or tree; axon) of every packet that one spike of neuron ``local`` sends."""
        table = self.program.targets
        span = slice(int(table.pointer[local]), int(table.pointer[local + 1]))
        return list(zip(table.core[span].tolist(), table.axon[span].tolist(), strict=True))

    def update(
        self, step: int, sample_steps: int, v: IntArray, i: IntArray, accumulated: IntArray
    ) -> StepOutcome:
        """Run the neuron loop's arithmetic for ``step``; ``v`` and ``i`` change in place.

        ``accumulated`` is the bank that the loop reads; it comes back zeroed.
        """
        outcomes = [
            self._update_group(group, step, v, i, accumulated)
            for group in self.program.groups
            if sync.is_awake(step, group.start_step, sample_steps)
        ]
        accumulated[:] = 0
        empty = np.zeros(0, np.int64)
        parts = [np.concatenate(column) for column in zip(*outcomes, strict=True)] or [empty] * 5
        return StepOutcome(parts[0], parts[1], parts[2], parts[3], int(parts[4].sum()))

    def _update_group(
        self, group: NeuronGroup, step: int, v: IntArray, i: IntArray, accumulated: IntArray
    ) -> tuple[IntArray, ...]:
        span = slice(group.first, group.first + group.n)
        x = accumulated[span] << group.input_shift
        widths, ramp = (*self.membrane, *self.current), group.ramp
        if ramp is None:
            new_v, new_i, spikes, overflows = neuron.update(
                group.model, group.reset, self.wraps, v[span], i[span], x, group.keep,
                group.current_keep, group.bias, group.threshold, group.reset_amount, group.v_floor, *widths,
            )  # fmt: skip
        else:
            new_v, new_i, spikes, overflows = neuron.update_first_spike(
                self.wraps, v[span], i[span], x, group.keep, group.current_keep, group.bias, group.threshold,
                group.v_floor, *widths, step - group.start_step, ramp.per_step, ramp.floor, ramp.input_steps,
                ramp.silent_steps,
            )  # fmt: skip
        active = neuron.is_active(v[span], i[span], new_v, new_i, x, spikes)
        v[span], i[span] = new_v, new_i
        cost = self.timing.update_cycles_of(neuron.MODEL_NAMES[group.model])  # type: ignore[arg-type]
        cycles = np.where(active == 1, cost.active, cost.idle)
        local = np.arange(group.first, group.first + group.n)
        return local, cycles, np.asarray(spikes), np.asarray(active), np.asarray(overflows)

    def accumulate(self, bank: IntArray, targets: IntArray, weights: IntArray) -> int:
        """Add a packet's weights to a bank; return how many sums left their width."""
        wide = bank[targets] + weights
        low, high = self.accumulator
        bank[targets] = neuron.fit(wide, low, high, self.accumulator_wraps)
        return int(np.sum(arith.is_outside(wide, low, high)))
