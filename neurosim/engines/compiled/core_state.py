"""A program as the flat arrays of layout CORES: tables once per program, state once per sample."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, NeuronGroup, Program, SynapseBlock
from neurosim.artefacts.tree_table import FIRST_TREE
from neurosim.chip.timing import barrier_length
from neurosim.engines.compiled import core_places as kernel
from neurosim.engines.compiled.fabric_state import (
    NEAR_BYTES,
    build_state,
    pack_address,
    power_of_two,
    vc_stride,
)
from neurosim.engines.compiled.host_list import HostList
from neurosim.engines.compiled.layout import CORES, State
from neurosim.engines.compiled.record_kernel import core_record
from neurosim.engines.signed import signed_range
from neurosim.engines.trace import DRAIN_ROWS, RAW
from neurosim.fabric.topology import Fabric
from neurosim.rules import neuron, synapse

Array = NDArray[Any]
EMPTY = np.zeros(0, np.int32)


def _join(parts: list[Any]) -> Array:
    """The parts one after the other, of four bytes each: tables of a large program are large."""
    return np.concatenate([EMPTY, *(_narrow(np.asarray(part).reshape(-1)) for part in parts)])


def _narrow(part: Array) -> Array:
    limits = np.iinfo(np.int32)
    wide = part.size and part.dtype != np.int32
    assert not wide or (limits.min <= part.min() and part.max() <= limits.max), "a table value is too wide"
    return part.astype(np.int32, copy=False)


def _starts(lengths: list[int]) -> Array:
    return np.concatenate(([0], np.cumsum(lengths))).astype(np.int64)


def _ramps(groups: list[tuple[int, NeuronGroup]]) -> dict[str, Array]:
    """What first-spike neurons have besides; ``groups`` come with their first neuron."""
    own = [(first, g.n, g.ramp) for first, g in groups]
    ramps = [ramp for _, _, ramp in own if ramp is not None]
    place = _starts([n for _, n, ramp in own if ramp is not None]).tolist()
    return {
        "G_RAMP": _join([[0 if ramp is None else place.pop(0) - first for first, _, ramp in own]]),
        "G_INPUT_STEPS": _join([[0 if ramp is None else ramp.input_steps for _, _, ramp in own]]),
        "G_SILENT_STEPS": _join([[0 if ramp is None else ramp.silent_steps for _, _, ramp in own]]),
        "RAMP": _join([ramp.per_step for ramp in ramps]), "RAMP_FLOOR": _join([ramp.floor for ramp in ramps]),
    }  # fmt: skip


class ProgramTables:
    """What is prepared once per program: tables, and the network's reset state (``net``, to be copied)."""

    def __init__(self, program: Program, fabric: Fabric, trace_flits: bool = False) -> None:
        self.program = program
        self.fabric = fabric
        self.cores: tuple[CoreProgram, ...] = program.cores
        self.endpoints = {core.core: index for index, core in enumerate(self.cores)}
        self.endpoints[HOST] = len(self.cores)
        self.trace_slots = packet_slots(self) if trace_flits else 0
        self.net = build_state(fabric, self.endpoints, fabric.chip.core.rx_flits, self.trace_slots)
        self.fields: dict[str, Array] = {}
        self._add_cores()
        self._add_groups()
        self.weight_type, self.sparse_stride = self._packing()
        self.weights = self._add_blocks()
        self._add_targets()
        self._add_leaves()

    def link(self, core: int) -> int:
        """The port, over all routers, on which a core (or HOST) hangs."""
        return self.fabric.tile_of(core) * 8 + self.fabric.port_of(core)

    def _add_cores(self) -> None:
        shift = vc_stride(self.fabric).bit_length() - 1
        neurons = _starts([core.n_neurons for core in self.cores])
        groups = _starts([len(core.groups) for core in self.cores])
        links = np.array([self.link(core.core) for core in self.cores], np.int64)
        self.fields |= {
            "CORE": np.array([core.core for core in self.cores], np.int64),
            "FIRST_NEURON": neurons[:-1], "LAST_NEURON": neurons[1:],
            "FIRST_GROUP": groups[:-1], "LAST_GROUP": groups[1:],
            "FIRST_AXON": _starts([core.n_axons for core in self.cores])[:-1],
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
            **_ramps([(first[k] + g.first, g) for k, g in groups]),
            "G_ACTIVE": _join([[c.active for c in cost]]),
            "G_IDLE": _join([[c.idle for c in cost]]),
        }
        for name in ("keep", "current_keep", "bias", "threshold", "reset_amount", "v_floor"):
            self.fields[name.upper()] = _join([getattr(g, name) for _, g in groups])
        first_v = [np.broadcast_to(np.asarray(g.v_initial, np.int64), g.n) for _, g in groups]
        self.v_initial = np.concatenate([np.zeros(0, np.int64), *first_v])

    def _add_blocks(self) -> Array:
        """Axon, kind and block tables; returns all weights (with the targets of sparse synapses)."""
        columns: dict[str, list[Any]] = {
            name: []
            for name in (
                "AXON_KIND", "K_BLOCK", "K_WORDS", "K_OPERATIONS", "B_FORMAT", "B_FIRST", "B_N",
                "B_DELAY", "B_WEIGHT", "B_POINTER", "B_SOURCE", "B_GEOMETRY", "B_AXON", "POINTER", "TARGET",
                "SOURCE", "GEOMETRY",
            )
        }  # fmt: skip
        at = {"weight": 0, "POINTER": 0, "TARGET": 0, "SOURCE": 0, "GEOMETRY": 0, "axon": 0, "kind": 0}
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
                    "B_SOURCE": at["SOURCE"] if is_conv else at["TARGET"], "B_AXON": at["axon"],
                }  # fmt: skip
                for name, value in row.items():
                    columns[name].append([value])
                kinds, kind = np.unique(block.words << 32 | block.synapses, return_inverse=True)
                columns["AXON_KIND"].append((kind + at["kind"]).astype(np.int32))
                columns["K_BLOCK"].append(np.full(len(kinds), number))
                columns["K_WORDS"].append(kinds >> 32)
                columns["K_OPERATIONS"].append(kinds & (1 << 32) - 1)
                at["axon"] += block.n_axons
                at["kind"] += len(kinds)
                data: dict[str, Array] = {
                    "POINTER": block.pointer.astype(np.int32), "SOURCE": block.source,
                    "TARGET": EMPTY if self.sparse_stride else block.target,
                    "GEOMETRY": np.array(geometry, np.int64),
                }  # fmt: skip
                for name, values in data.items():
                    columns[name].append(values)
                    at[name] += len(values)
                at["weight"] += self._stored(block)
                number += 1
        self.fields |= {name: _join(parts) for name, parts in columns.items()}
        timing = self.fabric.chip.core
        costs = zip(self.fields["K_WORDS"].tolist(), self.fields["K_OPERATIONS"].tolist(), strict=True)
        cycles = [
            synapse.packet_cycles(
                timing.decode_cycles, words, timing.cycles_per_word, timing.words_per_cycle, operations,
                timing.cycles_per_synapse,
            )
            for words, operations in costs
        ]  # fmt: skip
        self.fields["K_CYCLES"] = _join([cycles])
        return self._join_weights(at["weight"])

    def _stored(self, block: SynapseBlock) -> int:
        """Values that a block takes of the weights' array."""
        is_packed = block.format == synapse.FORMAT_SPARSE and self.sparse_stride
        return block.weight.size * (self.sparse_stride if is_packed else 1)

    def _join_weights(self, size: int) -> Array:
        """The weights of all blocks, one byte each if they fit, else two.

        A synapse of a sparse block lies together with its target, which costs one cache miss instead of
        two: (weight, low byte, high byte) of bytes, or (weight, target) of two bytes each.
        """
        joined = np.empty(size, self.weight_type)
        at = 0
        for core in self.cores:
            for block in core.blocks:
                part = joined[at : at + self._stored(block)]
                at += len(part)
                if len(part) == block.weight.size:
                    part[:] = block.weight.reshape(-1)
                    continue
                packed, target = part.reshape(-1, self.sparse_stride), block.target.astype(np.int64)
                packed[:, 0] = block.weight
                unsigned = np.dtype(f"u{joined.itemsize}")
                for k in range(1, self.sparse_stride):
                    packed[:, k] = (target >> (k - 1) * 8).astype(unsigned).view(joined.dtype)
        return joined

    def _packing(self) -> tuple[type[np.signedinteger[Any]], int]:
        """Type of a weight, and values per sparse synapse (0: targets lie elsewhere, being too large)."""
        blocks = [(core, block) for core in self.cores for block in core.blocks]
        low = min((int(b.weight.min(initial=0)) for _, b in blocks), default=0)
        high = max((int(b.weight.max(initial=0)) for _, b in blocks), default=0)
        kind: type[np.signedinteger[Any]] = np.int8 if low >= -128 and high <= 127 else np.int16
        sparse = [core.groups[b.group].n for core, b in blocks if b.format == synapse.FORMAT_SPARSE]
        if max(sparse, default=0) > 1 << 16:
            return kind, 0
        return kind, 3 if kind is np.int8 else 2

    def _add_targets(self) -> None:
        pointers: list[Array] = [np.zeros(1, np.int32)]
        offset = 0
        for core in self.cores:
            pointers.append(core.targets.pointer[1:] + offset)
            offset += len(core.targets.core)
        address = np.zeros(self.fabric.n_cores + 1, np.int32)
        for core_number in self.endpoints:
            address[core_number + 1] = pack_address(self.fabric, core_number)
        self.fields |= {
            "ADDRESS": address,
            "T_POINTER": _join(pointers),
            "T_CORE": _join([core.targets.core for core in self.cores]),
            "T_AXON": _join([core.targets.axon for core in self.cores]),
        }

    def _add_leaves(self) -> None:
        trees = self.program.trees
        n = 0 if trees is None else trees.n_trees
        ends = [EMPTY] * 3 if trees is None else [trees.leaf_tree, trees.leaf_core, trees.leaf_axon]
        names = ("LEAF_FIRST", "LEAF_CORE", "LEAF_AXON")
        columns = (np.searchsorted(ends[0], np.arange(n + 1)), *ends[1:])
        self.fields |= {name: _join([column]) for name, column in zip(names, columns, strict=True)}

    def packets_to(self, target: Array) -> Array:
        """As how many packets one to each of ``target`` counts: one, but with a tree one per leaf."""
        leaves = np.append(np.diff(self.fields["LEAF_FIRST"]), 1)  # the last for all that is no tree
        return leaves[np.where(target <= FIRST_TREE, FIRST_TREE - target, -1)]

    def most_at_once(self) -> int:
        """The most packets, one per leaf of a tree, that can be sent in one cycle: one entry per sender."""
        tables = [core.targets.core for core in self.cores] + [self.program.host.core]
        return int(sum(self.packets_to(table).max(initial=0) for table in tables))

    def host_list(self, x: Array) -> HostList:
        """The host's packets for one sample ``x`` (steps, inputs)."""
        is_tick = self.fabric.chip.sync.mode == "tick"
        n_steps = x.shape[0] + self.program.depth
        table = self.program.host
        return HostList(table, self.fields["ADDRESS"], self.packets_to(table.core), x, n_steps, is_tick)


def packet_slots(tables: ProgramTables) -> int:
    """The most packets that can be in flight: every FIFO full, one per pipeline, loop and host.

    Copies of a packet to a tree share one record until they arrive.
    """
    chip, fabric = tables.fabric.chip, tables.fabric
    buffers = fabric.n_routers * fabric.n_ports * fabric.n_vcs * chip.router.buffer_flits
    per_core = chip.core.tx_flits + fabric.n_vcs * chip.core.rx_flits + 2
    return buffers + len(tables.cores) * per_core + fabric.n_vcs * chip.router.buffer_flits + 64


def _log_sizes(tables: ProgramTables, slots: int, trace: int) -> dict[str, int]:
    """Sizes of the fields that are only used where events are traced.

    In one cycle an endpoint receives one packet, a router's input channel drops one, and a core ends three
    things.
    """
    per_cycle = len(tables.endpoints) + len(tables.net.field("LOST"))
    packet_rows, core_rows = DRAIN_ROWS + per_cycle, DRAIN_ROWS + 3 * len(tables.cores)
    return {
        "PACKET_LOG": len(RAW["packets"]) * packet_rows if trace else 0,
        "CORE_LOG": len(RAW["cores"]) * core_rows if trace & 2 else 0,
    }


def build_core_state(
    tables: ProgramTables, x: Array, log_packets: bool, host: HostList, trace: int = 0
) -> State:
    """Fresh state of all cores for one sample ``x`` (steps, inputs).

    ``trace``: bit 0 logs packets that end, bit 1 also what cores do (see `tracing`); 0 if nothing is traced.
    """
    fabric, chip = tables.fabric, tables.fabric.chip
    core = chip.core
    assert chip.host is not None
    k, n = len(tables.cores), len(tables.v_initial)
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
        "LOG_PACKETS": int(log_packets), "CORE_SHIFT": 7, "PACKET_SHIFT": 4, "ALARM_WORDS": -(-(k + 1) // 64),
        "SPARSE_STRIDE": tables.sparse_stride, "TRACE": trace, "TRACE_SLOTS": tables.trace_slots,
        "PACKET_LIMIT": DRAIN_ROWS, "CORE_LIMIT": DRAIN_ROWS, "IS_FAR": int(512 * k + 64 * n > NEAR_BYTES),
        "LOG_RESERVE": tables.most_at_once() if log_packets else 0,
    }  # fmt: skip
    for name, bits in (
        ("V", core.membrane_bits), ("I", core.current_bits), ("ACC", core.accumulator_bits),
    ):  # fmt: skip
        constants[f"{name}_LOW"], constants[f"{name}_HIGH"] = signed_range(bits)
    words = -(-(k + 1) // 64)
    sizes = {
        "SPIKES": n, "CYCLES": n, "RX": fifos * rx_ring, "TX": k * tx_ring, "WOKEN": k + 1,
        "BANK": banks * n, "I": n, "HEAP": 8 * (k + 1) + 64, "ALARM_BITS": kernel.HORIZON * words,
        "ALARM_CYCLES": kernel.HORIZON // 64,
    }  # fmt: skip
    sizes |= _log_sizes(tables, slots, trace)
    fields = {name: np.zeros(size, np.int64) for name, size in sizes.items()}
    run = np.zeros(kernel.N_RUN, np.int64)
    run[[kernel.STEP, kernel.NEXT_START, kernel.QUIET_AT]] = -1
    run[kernel.N_FREE] = slots
    run[kernel.HOST_CREDITS] = chip.router.buffer_flits
    fields |= {
        "PACKET": np.full(k, -1), "CORE_STEP": np.full(k, -1), "STALLED_SINCE": np.full(k, -1),
        "TX_CREDITS": np.full(k, chip.router.buffer_flits), "PK_FREE": np.arange(slots)[::-1],
        "V": tables.v_initial, "RUN": run,
        "STEP_START": np.full(n_steps, -1), "STEP_END": np.full(n_steps, -1),
    }  # fmt: skip
    counts = {"CORE_AT": k + 1, "PACKET_AT": slots}
    state = State(CORES, constants, fields | tables.fields | host.empty(), counts)
    # the record after the cores' is the host's
    state.narrow[core_record.py_func(state.array, k) + kernel.CORE] = HOST
    return state
