"""Memory images of the Verilog cores: what a Program loads into them, word by word, and where fields lie.

Reads a :class:`~neurosim.artefacts.program.Program` and its chip; writes the second half of the parameter
header (sizes and bit positions, so that no layout stands in two places), one file of hexadecimal words per
core and memory, and the host's packets.  A program or chip that the Verilog cores cannot carry out to the
cycle is refused with the reason.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, NeuronGroup, Program, SynapseBlock
from neurosim.artefacts.tree_table import as_tree
from neurosim.chip.models import Chip
from neurosim.fabric.tables import program_fabric
from neurosim.fabric.topology import Fabric
from neurosim.network.model import Ramp
from neurosim.rtl.flits import FlitLayout, bits_for, flit_layout
from neurosim.rtl.header import header_text
from neurosim.rtl.route_images import write_route_images
from neurosim.rtl.tree_images import check_axons, write_tree_images
from neurosim.rtl.words import Layout, refusal
from neurosim.rules import neuron, synapse, sync

STEP_BITS = 16
BALANCE_BITS = 24  # of open packets and loops; twice as many as there can be
MAX_GROUPS = 16  # neuron groups per core
MAX_READ_BITS = 4096  # of the synapse memory, per cycle
MAX_ROW_NEURONS = 4096
LARGEST_CYCLES = 2**31 - 1
MEMORIES = ("axon_table", "synapse_memory", "group_table", "parameters", "target_pointer", "target_table")


@dataclass(frozen=True)
class Sizes:
    """Depths of the memories: the largest of all core types of the chip."""

    neurons: int
    axons: int
    synapse_words: int
    target_entries: int

    @staticmethod
    def of(chip: Chip) -> Sizes:
        """The sizes for ``chip``."""

        def largest(name: str) -> int:
            own = [getattr(kind, name) for kind in chip.core_types if kind.is_neuron_core]
            return int(max(getattr(chip.core, name), *(value or 0 for value in own), 1))

        return Sizes(*(largest(name) for name in ("neurons", "axons", "synapse_words", "target_entries")))


def axon_layout(sizes: Sizes, chip: Chip) -> Layout:
    """An axon's entry: where its words lie, how many synapses they hold, and onto whom."""
    words = bits_for(sizes.synapse_words + 1)
    return Layout((
        ("address", words), ("words", words), ("synapses", bits_for(sizes.neurons) + 1),
        ("first", bits_for(sizes.neurons)), ("start", STEP_BITS),
        ("delay", bits_for(chip.core.max_delay_steps + 1)), ("sparse", 1),
    ))  # fmt: skip


NEURON_LAYOUT = Layout(
    (
        ("keep", 13), ("current_keep", 13), ("bias", 32), ("threshold", 32), ("reset_amount", 32),
        ("v_floor", 32), ("v_initial", 32), ("ramp", 32), ("ramp_floor", 32),
    )
)  # fmt: skip


def group_layout(sizes: Sizes) -> Layout:
    """A neuron group: its neurons, its rules and the step in which it wakes."""
    n = bits_for(sizes.neurons)
    return Layout((
        ("first", n), ("last", n), ("model", 3), ("reset", 3), ("shift", 5), ("start", STEP_BITS),
        ("input_steps", STEP_BITS), ("silent_steps", STEP_BITS), ("used", 1),
    ))  # fmt: skip


def unsupported(chip: Chip) -> list[str]:
    """Why the Verilog cores and barrier cannot be built for ``chip``; empty if they can."""
    core, sizes, reasons = chip.core, Sizes.of(chip), []
    if chip.host is None:
        reasons.append("no host: nobody could send input spikes")
    if chip.sync.mode == "barrier" and chip.sync.base_cycles < 2:
        reasons.append(
            f"sync.base_cycles {chip.sync.base_cycles}: a core's report and the token are registers, "
            "one cycle each"
        )
    if core.words_per_cycle * core.word_bits > MAX_READ_BITS:
        reasons.append(f"core.words_per_cycle {core.words_per_cycle}: over {MAX_READ_BITS} bits a cycle")
    if sizes.neurons > MAX_ROW_NEURONS:
        reasons.append(f"core.neurons {sizes.neurons}: a row register has at most {MAX_ROW_NEURONS}")
    for name, cycles in _core_cycles(chip):
        if cycles > LARGEST_CYCLES:
            reasons.append(f"{name} {cycles}: the Verilog counts up to {LARGEST_CYCLES}")
    return reasons


def _core_cycles(chip: Chip) -> Iterator[tuple[str, int]]:
    core = chip.core
    yield "the dearest packet", synapse.packet_cycles(
        core.decode_cycles, Sizes.of(chip).synapse_words, core.cycles_per_word, core.words_per_cycle,
        Sizes.of(chip).neurons, core.cycles_per_synapse,
    )  # fmt: skip
    for model in neuron.MODEL_NAMES:
        cost = core.update_cycles_of(model)  # type: ignore[arg-type]
        yield f"an update of {model}", max(cost.active, cost.idle) + core.spike_cycles
    yield "core.target_cycles", core.target_cycles
    yield "sync.tick_period_cycles", chip.sync.tick_period_cycles or 0
    yield "sync.base_cycles", chip.sync.base_cycles


def macros(chip: Chip) -> dict[str, int]:
    """Name and value of every macro that cores, barrier and images need beyond the fabric's."""
    sizes, s = Sizes.of(chip), chip.sync
    up = (
        sync.tree_levels(chip.mesh.width * chip.mesh.height, s.tile_tree_arity) * s.tile_level_cycles
        + sync.tree_levels(chip.n_chips, s.chip_tree_arity) * s.chip_level_cycles
    )
    slots = chip.core.max_delay_steps + 1
    axon, group = axon_layout(sizes, chip), group_layout(sizes)
    return {
        "IMAGE_NEURONS": sizes.neurons, "IMAGE_NEURON_BITS": bits_for(sizes.neurons),
        "IMAGE_AXONS": sizes.axons, "IMAGE_AXON_INDEX_BITS": bits_for(sizes.axons),
        "IMAGE_SYNAPSE_WORDS": sizes.synapse_words, "IMAGE_WORD_INDEX_BITS": bits_for(sizes.synapse_words),
        "IMAGE_TARGET_ENTRIES": sizes.target_entries,
        "IMAGE_ENTRY_INDEX_BITS": bits_for(sizes.target_entries),
        "IMAGE_ENTRY_BITS": bits_for(sizes.target_entries + 1),
        "IMAGE_TARGET_BITS": flit_layout(chip).field("step").lsb,
        "IMAGE_GROUPS": MAX_GROUPS, "IMAGE_GROUP_INDEX_BITS": bits_for(MAX_GROUPS),
        "IMAGE_SLOT_BITS": bits_for(slots), "IMAGE_STEP_BITS": STEP_BITS, "IMAGE_BALANCE_BITS": BALANCE_BITS,
        "IMAGE_LEAST_WEIGHT_BITS": min(chip.core.weight_bits),
        "IMAGE_BARRIER_UP_CYCLES": up, "IMAGE_BARRIER_WAIT_CYCLES": max(0, s.base_cycles - 2),
        "IMAGE_RESET_CYCLES": max(sizes.neurons, slots),
        "IMAGE_AXON_BITS": axon.bits, "IMAGE_GROUP_BITS": group.bits,
        "IMAGE_NEURON_WORD_BITS": NEURON_LAYOUT.bits,
        **axon.macros("IMAGE_AXON"), **group.macros("IMAGE_GROUP"), **NEURON_LAYOUT.macros("IMAGE_NEURON"),
    }  # fmt: skip


def chip_header_text(chip: Chip) -> str:
    """The text of ``neurosim_params.vh`` for a whole chip: macros of the fabric, then of cores, images.

    Raises:
        InputError: the Verilog does not support this chip, with all reasons.
    """
    reasons = unsupported(chip)
    if reasons:
        raise refusal(f"chip '{chip.name}'", "; ".join(reasons))
    lines = ["`ifndef NEUROSIM_IMAGES", "`define NEUROSIM_IMAGES"]
    lines += [f"`define {name} {value}" for name, value in macros(chip).items()]
    return header_text(chip) + "\n".join([*lines, "`endif", ""])


class ImageWriter:
    """Turns one program's cores into memory words."""

    def __init__(self, program: Program, chip: Chip) -> None:
        if program.weight_bits not in chip.core.weight_bits:
            raise refusal(
                "program", f"weights of {program.weight_bits} bits, which chip '{chip.name}' does not have"
            )
        self.program = program
        self.chip = chip
        self.sizes = Sizes.of(chip)
        self.fabric: Fabric = program_fabric(program, chip)
        self.flit: FlitLayout = flit_layout(chip)
        self._axon = axon_layout(self.sizes, chip)
        self._group = group_layout(self.sizes)

    def core(self, core: CoreProgram) -> dict[str, list[int]]:
        """Words of every memory of ``core``, each padded with 0 to the memory's depth.

        Raises:
            InputError: something that the Verilog core does not do, or that does not fit.
        """
        where = f"program.cores[core {core.core}]"
        axons, words = self._synapses(core, where)
        pointers, targets = self._targets(core, where)
        images = {
            "axon_table": (axons, self.sizes.axons),
            "synapse_memory": (words, self.sizes.synapse_words),
            "group_table": ([self._group_word(g, where) for g in core.groups], MAX_GROUPS),
            "parameters": ([w for g in core.groups for w in self._neurons(g, where)], self.sizes.neurons),
            "target_pointer": (pointers, self.sizes.neurons),
            "target_table": (targets, self.sizes.target_entries),
        }
        for name, (content, depth) in images.items():
            if len(content) > depth:
                raise refusal(where, f"{len(content)} words in the {name} of {depth}")
        return {name: content + [0] * (depth - len(content)) for name, (content, depth) in images.items()}

    def packet(self, core: int, axon: int, step: int) -> int:
        """The flit (without head and tail marks) of a packet for ``core`` (or HOST, or a tree)."""
        step %= 1 << self.flit.field("step").bits
        if core < HOST:
            return self.flit.pack(key=as_tree(core), tree=1, axon=axon, step=step)
        x, y = self.fabric.xy(self.fabric.tile_of(core))
        return self.flit.pack(x=x, y=y, exit=self.fabric.port_of(core), axon=axon, step=step)

    def _group_word(self, group: NeuronGroup, where: str) -> int:
        return self._group.pack(
            where, first=group.first, last=group.first + group.n - 1, model=group.model, reset=group.reset,
            shift=group.input_shift, start=group.start_step, used=1,
            input_steps=group.ramp.input_steps if group.ramp else 0,
            silent_steps=group.ramp.silent_steps if group.ramp else 0,
        )  # fmt: skip

    def _neurons(self, group: NeuronGroup, where: str) -> Iterator[int]:
        high = (1 << (self.chip.core.membrane_bits - 1)) - 1
        for name in ("v_floor", "v_initial"):
            values = np.asarray(getattr(group, name), np.int64)
            if (values < -high - 1).any() or (values > high).any():
                raise refusal(where, f"a {name} lies outside the membrane's {-high - 1} to {high}")
        if group.reset == neuron.RESET_SUBTRACT_MULTI and (group.threshold < 1).any():
            raise refusal(where, "a threshold below 1 with several spikes per step: it is divided by")
        ramp = Ramp(np.zeros((), np.int64), np.zeros((), np.int64)) if group.ramp is None else group.ramp
        own = {"ramp": ramp.per_step, "ramp_floor": ramp.floor}
        fields = (own.get(name, getattr(group, name, None)) for name, _ in NEURON_LAYOUT.fields)
        columns = [np.broadcast_to(np.asarray(field), (group.n,)).tolist() for field in fields]
        names = [name for name, _ in NEURON_LAYOUT.fields]
        for word in zip(*columns, strict=True):
            yield NEURON_LAYOUT.pack(where, **dict(zip(names, word, strict=True)))

    def _synapses(self, core: CoreProgram, where: str) -> tuple[list[int], list[int]]:
        axons: list[int] = []
        memory: list[int] = []
        for block in core.blocks:
            group = core.groups[block.group]
            if block.first_axon != len(axons):
                raise refusal(where, f"axons of projection '{block.projection}' do not follow those before")
            for row in range(block.n_axons):
                words = self._row(block, row, where)
                axons.append(self._axon.pack(
                    where, address=len(memory), words=len(words), synapses=int(block.synapses[row]),
                    first=group.first, start=group.start_step, delay=block.delay_steps,
                    sparse=int(block.format == synapse.FORMAT_SPARSE),
                ))  # fmt: skip
                memory += words
        return axons, memory

    def _row(self, block: SynapseBlock, row: int, where: str) -> list[int]:
        """The words of one axon: its synapses as one string of bits, cut into words."""
        core, bits = self.chip.core, self.program.weight_bits
        if block.format == synapse.FORMAT_CONV:
            raise refusal(
                where,
                f"projection '{block.projection}' is a convolution: the core cannot compute kernel addresses",
            )
        weights, stride, entries = block.weight, bits, []
        if block.format == synapse.FORMAT_DENSE:
            weights = block.weight[row]
        else:
            span = slice(int(block.pointer[row]), int(block.pointer[row + 1]))
            weights, stride = block.weight[span], bits + core.index_bits
            entries = [int(t) << bits for t in block.target[span]]
        limit = 1 << (bits - 1)
        if ((weights < -limit) | (weights >= limit)).any():
            raise refusal(where, f"a weight of projection '{block.projection}' needs more than {bits} bits")
        values = [int(w) & (1 << bits) - 1 for w in weights]
        values = [v | e for v, e in zip(values, entries, strict=True)] if entries else values
        string = sum(v << (k * stride) for k, v in enumerate(values))
        n_words = int(block.words[row])
        self._check_row(len(values) * stride, n_words, int(block.synapses[row]), where)
        return [string >> (w * core.word_bits) & (1 << core.word_bits) - 1 for w in range(n_words)]

    def _check_row(self, n_bits: int, n_words: int, n_synapses: int, where: str) -> None:
        core = self.chip.core
        if n_words * core.word_bits < n_bits:
            raise refusal(where, f"{n_words} words declared for {n_bits} bits of synapses")
        cycles = synapse.packet_cycles(
            core.decode_cycles, n_words, core.cycles_per_word, core.words_per_cycle, n_synapses,
            core.cycles_per_synapse,
        )  # fmt: skip
        if n_words > cycles * core.words_per_cycle:
            raise refusal(
                where,
                f"{n_words} words of an axon in {cycles} cycles, at {core.words_per_cycle} a cycle",
            )

    def _targets(self, core: CoreProgram, where: str) -> tuple[list[int], list[int]]:
        bits = bits_for(self.sizes.target_entries + 1)
        pointer = Layout((("first", bits), ("entries", bits)))
        starts = core.targets.pointer.tolist()
        pointers = [
            pointer.pack(where, first=first, entries=last - first)
            for first, last in itertools.pairwise(starts)
        ]
        pairs = zip(core.targets.core.tolist(), core.targets.axon.tolist(), strict=True)
        return pointers, [self.packet(target, axon, 0) for target, axon in pairs]


def host_packets(writer: ImageWriter, x: NDArray[Any]) -> list[list[int]]:
    """Flits that the host sends for one sample ``x`` (steps, inputs), one list per hardware step."""
    table, lists = writer.program.host, []
    for step in range(int(x.shape[0]) + writer.program.depth):
        flits: list[int] = []
        for source in np.flatnonzero(x[step]).tolist() if step < x.shape[0] else ():
            span = slice(int(table.pointer[source]), int(table.pointer[source + 1]))
            pairs = zip(table.core[span].tolist(), table.axon[span].tolist(), strict=True)
            flits += [writer.packet(core, axon, step) for core, axon in pairs] * int(x[step, source])
        lists.append(flits)
    return lists


def write_images(program: Program, chip: Chip, spikes: NDArray[Any], folder: Path) -> ImageWriter:
    """Write everything that the whole-chip bench reads into ``folder`` (which exists).

    ``spikes`` are (samples, steps, inputs) counts.  Files: ``core_<n>.<memory>.hex`` per used core,
    ``present.hex`` (one line per core position, 1 if used), ``router_<n>.route_table.hex`` and
    ``router_<n>.tree_table.hex`` where routers have them, ``host_lengths.txt`` (packets per step, decimal,
    samples one after the other), ``host_packets.txt`` (flits, hexadecimal).

    Raises:
        InputError: the Verilog cores cannot run this program, with the reason.
        MismatchError: a packet of the program would not arrive.
    """
    steps = int(spikes.shape[1]) + program.depth
    if steps >= 1 << (STEP_BITS - 1):
        raise refusal("input", f"{steps} steps per sample; the step counters have {STEP_BITS} bits")
    writer = ImageWriter(program, chip)
    present = [0] * writer.fabric.n_cores
    for core in program.cores:
        present[core.core] = 1
        for name, words in writer.core(core).items():
            _write_lines(folder / f"core_{core.core}.{name}.hex", words)
    _write_lines(folder / "present.hex", present)
    write_route_images(writer.fabric, folder)
    check_axons(program, writer.flit)
    write_tree_images(writer.fabric, writer.flit, folder)
    samples = [host_packets(writer, x) for x in spikes]
    lengths = [len(flits) for lists in samples for flits in lists]
    (folder / "host_lengths.txt").write_text("".join(f"{n}\n" for n in lengths))
    _write_lines(folder / "host_packets.txt", [f for lists in samples for flits in lists for f in flits])
    return writer


def _write_lines(path: Path, words: Sequence[int]) -> None:
    path.write_text("".join(f"{word:x}\n" for word in words))
