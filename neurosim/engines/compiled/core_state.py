"""A program as the flat arrays of layout CORES: tables once per program, state once per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, Program, TargetTable
from neurosim.chip.timing import barrier_length
from neurosim.engines.compiled import core_kernel as kernel
from neurosim.engines.compiled.fabric_state import build_state, pack_address, power_of_two, vc_stride
from neurosim.engines.compiled.layout import CORES, State
from neurosim.engines.signed import signed_range
from neurosim.fabric.topology import Fabric
from neurosim.rules import neuron, synapse
from neurosim.rules.events import EVENT_NAMES

Array = NDArray[Any]
EMPTY = np.zeros(0, np.int64)


def _join(parts: list[Any]) -> Array:
    arrays = [np.asarray(part, np.int64).reshape(-1) for part in parts]
    return np.concatenate(arrays) if arrays else EMPTY


def _starts(lengths: list[int]) -> Array:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


class ProgramTables:
    """What is prepared once per program: tables, and the network's reset state (``net``, to be copied)."""

    def __init__(self, program: Program, fabric: Fabric) -> None:
        self.program = program
        self.fabric = fabric
        self.cores: tuple[CoreProgram, ...] = program.cores
        self.endpoints = {core.core: index for index, core in enumerate(self.cores)}
        self.endpoints[HOST] = len(self.cores)
        self.net = build_state(fabric, self.endpoints, fabric.chip.core.rx_flits)
        self.fields: dict[str, Array] = {}
        self._add_cores()
        self._add_groups()
        self.weights = self._add_blocks()
        self._add_targets()

    def link(self, core: int) -> int:
        """The port, over all routers, on which a core (or HOST) hangs."""
        return self.fabric.tile_of(core) * 8 + self.fabric.port_of(core)

    def _add_cores(self) -> None:
        shift = vc_stride(self.fabric).bit_length() - 1
        links = np.array([self.link(core.core) for core in self.cores], np.int64)
        self.fields |= {
            "CORE": np.array([core.core for core in self.cores], np.int64),
            "FIRST_NEURON": _starts([core.n_neurons for core in self.cores]),
            "FIRST_GROUP": _starts([len(core.groups) for core in self.cores]),
            "FIRST_AXON": _starts([core.n_axons for core in self.cores]),
            "LINK": links,
            "CHANNEL": links << shift,
        }

    def _add_groups(self) -> None:
        core_of = self.fabric.chip.core
        groups = [(k, group) for k, core in enumerate(self.cores) for group in core.groups]
        first = self.fields["FIRST_NEURON"]
        cost = [
            core_of.update_cycles_of(neuron.MODEL_NAMES[g.model])  # type: ignore[arg-type]
            for _, g in groups
        ]
        self.fields |= {
            "G_FIRST": _join([[first[k] + g.first for k, g in groups]]),
            "G_N": _join([[g.n for _, g in groups]]),
            "G_MODEL": _join([[g.model for _, g in groups]]),
            "G_RESET": _join([[g.reset for _, g in groups]]),
            "G_SHIFT": _join([[g.input_shift for _, g in groups]]),
            "G_START": _join([[g.start_step for _, g in groups]]),
            "G_ACTIVE": _join([[c.active for c in cost]]),
            "G_IDLE": _join([[c.idle for c in cost]]),
        }
        for name in ("keep", "current_keep", "bias", "threshold", "reset_amount", "v_floor"):
            self.fields[name.upper()] = _join([getattr(g, name) for _, g in groups])

    def _add_blocks(self) -> Array:
        """Axon and block tables; returns all weights, one byte each if they fit."""
        timing = self.fabric.chip.core
        columns: dict[str, list[Any]] = {
            name: []
            for name in (
                "AXON_BLOCK", "AXON_ROW", "AXON_WORDS", "AXON_OPERATIONS", "B_FORMAT", "B_FIRST", "B_N",
                "B_DELAY", "B_WEIGHT", "B_POINTER", "B_SOURCE", "B_GEOMETRY", "POINTER", "TARGET",
                "SOURCE", "GEOMETRY",
            )
        }  # fmt: skip
        weights: list[Array] = []
        at = {"weight": 0, "POINTER": 0, "TARGET": 0, "SOURCE": 0, "GEOMETRY": 0}
        number = 0
        for k, core in enumerate(self.cores):
            for block in core.blocks:
                group = core.groups[block.group]
                is_conv = block.format == synapse.FORMAT_CONV
                kernel_shape = (block.weight.shape[0], *block.weight.shape[2:])
                geometry = (*block.geometry, *kernel_shape) if is_conv else ()
                row = {
                    "B_FORMAT": block.format, "B_N": group.n, "B_DELAY": block.delay_steps,
                    "B_FIRST": self.fields["FIRST_NEURON"][k] + group.first, "B_WEIGHT": at["weight"],
                    "B_POINTER": at["POINTER"], "B_GEOMETRY": at["GEOMETRY"],
                    "B_SOURCE": at["SOURCE"] if is_conv else at["TARGET"],
                }  # fmt: skip
                for name, value in row.items():
                    columns[name].append(value)
                columns["AXON_BLOCK"].append(np.full(block.n_axons, number))
                columns["AXON_ROW"].append(np.arange(block.n_axons))
                columns["AXON_WORDS"].append(block.words)
                columns["AXON_OPERATIONS"].append(block.synapses)
                data = {
                    "POINTER": block.pointer, "TARGET": block.target, "SOURCE": block.source,
                    "GEOMETRY": np.array(geometry, np.int64),
                }  # fmt: skip
                for name, values in data.items():
                    columns[name].append(values)
                    at[name] += len(values)
                weights.append(block.weight.reshape(-1))
                at["weight"] += block.weight.size
                number += 1
        self.fields |= {name: _join(parts) for name, parts in columns.items()}
        costs = zip(self.fields["AXON_WORDS"].tolist(), self.fields["AXON_OPERATIONS"].tolist(), strict=True)
        self.fields["AXON_CYCLES"] = _join(
            [
                [
                    synapse.packet_cycles(
                        timing.decode_cycles, words, timing.cycles_per_word, timing.words_per_cycle,
                        operations, timing.cycles_per_synapse,
                    )
                    for words, operations in costs
                ]
            ]
        )  # fmt: skip
        joined = np.concatenate(weights) if weights else np.zeros(0, np.int16)
        fits = not joined.size or (joined.min() >= -128 and joined.max() <= 127)
        return joined.astype(np.int8 if fits else np.int16)

    def _add_targets(self) -> None:
        pointers, offset = [np.zeros(1, np.int64)], 0
        for core in self.cores:
            pointers.append(core.targets.pointer[1:] + offset)
            offset += len(core.targets.core)
        targets = _join([core.targets.core for core in self.cores])
        self.fields |= {
            "T_POINTER": _join(pointers),
            "T_CORE": targets,
            "T_ADDRESS": self._addresses(targets),
            "T_AXON": _join([core.targets.axon for core in self.cores]),
        }

    def _addresses(self, cores: Array) -> Array:
        known = {int(core): pack_address(self.fabric, int(core)) for core in np.unique(cores)}
        return np.array([known[int(core)] for core in cores], np.int64)

    def host_fields(self, x: Array, n_steps: int) -> dict[str, Array]:
        """The host's packets for one sample ``x`` (steps, inputs): per step, in order of sending."""
        table: TargetTable = self.program.host
        entries: list[Array] = []
        lengths = [0] * n_steps
        for step in range(x.shape[0]):
            fired = np.flatnonzero(x[step])
            parts = [
                np.tile(np.arange(table.pointer[n], table.pointer[n + 1]), int(x[step, n])) for n in fired
            ]
            mine = _join(list(parts))
            entries.append(mine)
            lengths[step] = len(mine)
        chosen = _join(list(entries))
        return {
            "H_POINTER": _starts(lengths),
            "H_ADDRESS": self._addresses(table.core[chosen]),
            "H_AXON": table.axon[chosen],
            "H_CORE": table.core[chosen],
            "H_STEP": np.repeat(np.arange(n_steps), lengths),
        }


def packet_slots(tables: ProgramTables) -> int:
    """The most packets that can be in flight: every FIFO full, one per pipeline, loop and host."""
    chip, fabric = tables.fabric.chip, tables.fabric
    buffers = fabric.n_routers * fabric.n_ports * fabric.n_vcs * chip.router.buffer_flits
    per_core = chip.core.tx_flits + fabric.n_vcs * chip.core.rx_flits + 2
    return buffers + len(tables.cores) * per_core + fabric.n_vcs * chip.router.buffer_flits + 64


def build_core_state(tables: ProgramTables, x: Array, log_packets: bool) -> State:
    """Fresh state of all cores for one sample ``x`` (steps, inputs)."""
    fabric, chip = tables.fabric, tables.fabric.chip
    core = chip.core
    assert chip.host is not None
    k, n = len(tables.cores), int(tables.fields["FIRST_NEURON"][-1])
    n_steps = x.shape[0] + tables.program.depth
    fifos = k * fabric.n_vcs
    rx_ring, tx_ring = power_of_two(core.rx_flits), power_of_two(core.tx_flits)
    slots = packet_slots(tables)
    banks = core.max_delay_steps + 1
    host_link = tables.link(HOST)
    shift = vc_stride(fabric).bit_length() - 1
    constants = {
        "N_CORES": k, "N_NEURONS": n, "N_BANKS": banks, "MAX_DELAY": core.max_delay_steps,
        "RX_RING": rx_ring, "TX_RING": tx_ring, "TX_FLITS": core.tx_flits,
        "INJECTION": chip.router.injection_cycles, "HOST_LATENCY": chip.host.latency_cycles,
        "HOST_INTERVAL": chip.host.cycles_per_flit, "HOST_CHANNEL": host_link << shift,
        "HOST_CREDIT_LATENCY": chip.host.credit_cycles, "HOST_LINK": host_link,
        "SHARED_PORT": int(core.memory_ports == 1),
        "RECEIVE_DURING_UPDATE": int(core.receive_during_update), "SPIKE_CYCLES": core.spike_cycles,
        "TARGET_CYCLES": core.target_cycles, "MEMBRANE_WRAPS": int(core.overflow.membrane == "wrap"),
        "ACCUMULATOR_WRAPS": int(core.overflow.accumulator == "wrap"),
        "SAMPLE_STEPS": x.shape[0], "N_STEPS": n_steps, "IS_TICK": int(chip.sync.mode == "tick"),
        "PERIOD": chip.sync.tick_period_cycles or 0, "BARRIER": barrier_length(chip),
        "LOG_PACKETS": int(log_packets), "N_EVENTS": len(EVENT_NAMES),
    }  # fmt: skip
    for name, bits in (
        ("V", core.membrane_bits), ("I", core.current_bits), ("ACC", core.accumulator_bits),
    ):  # fmt: skip
        constants[f"{name}_LOW"], constants[f"{name}_HIGH"] = signed_range(bits)
    sizes = {
        "SPIKES": n, "CYCLES": n, "RX": fifos * rx_ring, "RX_FIRST": fifos, "RX_LENGTH": fifos,
        "RX_WHOLE": fifos, "TX": k * tx_ring, "TX_FIRST": k, "TX_LENGTH": k, "RX_POINTER": k,
        "LOOPING": k, "POSITION": k, "SEND_NEXT": k, "SEND_LAST": k, "SEND_TIMES": k,
        "SEND_NEURON": k, "START_NEXT": k, "START_COUNT": k, "WOKEN": k + 1, "IS_WOKEN": k + 1,
        "PK_AXON": slots, "PK_STEP": slots, "PK_SOURCE": slots, "PK_TARGET": slots, "PK_LOG": slots,
        "BANK": banks * n, "V": n, "I": n, "PIPELINE_UNTIL": k, "MEMORY_FREE": k, "LOOP_UNTIL": k,
        "ALARM": k + 1, "PIPELINE_BUSY": k, "LOOP_BUSY": k, "STALL": k, "LATE": k,
        "MEMBRANE_OVER": k, "ACCUMULATOR_OVER": k, "EVENTS": k * len(EVENT_NAMES), "PK_INJECT": slots,
        "HEAP": 8 * (k + 1) + 64,
    }  # fmt: skip
    fields = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    run = np.zeros(kernel.N_RUN, np.int64)
    run[[kernel.STEP, kernel.NEXT_START, kernel.QUIET_AT]] = -1
    run[kernel.N_FREE] = slots
    run[kernel.HOST_CREDITS] = chip.router.buffer_flits
    fields |= {
        "PACKET": np.full(k, -1), "CORE_STEP": np.full(k, -1), "STALLED_SINCE": np.full(k, -1),
        "TX_CREDITS": np.full(k, chip.router.buffer_flits), "PK_FREE": np.arange(slots)[::-1],
        "STEP_START": np.full(n_steps, -1), "STEP_END": np.full(n_steps, -1), "RUN": run,
    }  # fmt: skip
    return State(CORES, constants, fields | tables.fields | tables.host_fields(x, n_steps))
