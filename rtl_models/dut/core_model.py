"""The simulator's own neuron rules as a model of one core: declared in the adapter, or cut out of a Program.

Either becomes a :class:`~neurosim.artefacts.program.CoreProgram`, and the reference engine's
:class:`~neurosim.engines.reference.image.CoreImage` does the arithmetic: nothing of it is written here.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.program import CoreProgram, NeuronGroup, SynapseBlock, TargetTable
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.fabric.topology import build_fabric
from neurosim.rules import neuron as rules
from neurosim.rules import synapse, sync
from rtl_models.dut.against import NeuronRules, ProgramRules, Weights
from rtl_models.dut.csv_file import CsvFile
from rtl_models.dut.expressions import ExpressionError, evaluate
from rtl_models.dut.layout import WordLayout, meaning
from rtl_models.dut.loading import Loaded
from rtl_models.dut.models import Word

IntArray = NDArray[np.int64]
FOREVER = 1 << 40  # steps that a population stays awake: the bench decides when to stop
PER_NEURON = (
    "threshold", "keep", "current_keep", "bias", "reset_amount", "v_floor", "v_initial", "input_shift",
)  # fmt: skip
_TARGET = ("core", "x", "y", "exit", "axon")  # fields that say where a packet goes


def chip_of(loaded: Loaded, at: tuple[str, ...], name: str, changes: Mapping[str, Any]) -> Chip:
    """The chip ``name`` (a preset, or a file beside the adapter) with the changes of ``set``.

    Raises:
        InputError: no such chip, or the changes do not make one.
    """
    path = loaded.folder / name
    chip = load_chip(path if path.is_file() else name)
    if not changes:
        return chip
    try:
        return edit_chip(chip, changes, f"{loaded.path.name}")
    except InputError as error:
        what = f"chip '{name}': {error.what}"
        raise loaded.error(
            (*at, "set"), what, "chip-set", expected=error.expected, got=error.got, hint=error.hint
        ) from error


def declared_core(loaded: Loaded, given: NeuronRules) -> tuple[CoreProgram, Chip]:
    """One dense core with the declared parameters."""
    at = ("against", "neuron")
    chip = chip_of(loaded, at, given.chip, given.set)
    n, a = given.n_neurons, given.n_axons
    floor = str(-(1 << chip.core.membrane_bits - 1))
    texts = {
        "threshold": given.threshold, "keep": given.keep, "current_keep": given.current_keep,
        "bias": given.bias, "reset_amount": given.reset_amount, "v_floor": given.v_floor or floor,
    }  # fmt: skip
    columns = {name: _column(loaded, (*at, name), text, n) for name, text in texts.items()}
    group = NeuronGroup(
        "neurons", 0, np.arange(n), rules.MODEL_NAMES.index(given.model),
        rules.RESET_NAMES.index(given.reset), 0, 0, columns["keep"], columns["current_keep"],
        columns["bias"], columns["threshold"], columns["reset_amount"], columns["v_floor"],
    )  # fmt: skip
    none, weight = np.zeros(0, np.int64), _weights(loaded, (*at, "weights"), given.weights, (a, n))
    block = SynapseBlock(
        "synapses", synapse.FORMAT_DENSE, 0, 0, 1, weight, none, none, none, none,
        np.zeros(a, np.int64), np.full(a, n, np.int64), 0,
    )  # fmt: skip
    targets = TargetTable(np.zeros(n + 1, np.int64), none, none)
    return CoreProgram(0, (group,), (block,), targets), chip


def _column(loaded: Loaded, at: tuple[str, ...], text: str, n: int) -> IntArray:
    try:
        return np.array([evaluate(text, {"neuron": k}) for k in range(n)], np.int64)
    except ExpressionError as error:
        raise loaded.error(at, f"'{at[-1]}': {error}", "expression", got=text) from error


def _weights(
    loaded: Loaded, at: tuple[str, ...], given: Weights, shape: tuple[int, int]
) -> NDArray[np.int16]:
    if given.file is None:
        assert given.low is not None
        assert given.high is not None
        rng = np.random.default_rng(given.seed)
        drawn = rng.integers(given.low, given.high, shape, endpoint=True)
        return np.where(rng.random(shape) < given.density, drawn, 0).astype(np.int16)
    table = _weight_table(loaded, (*at, "file"), given.file)
    if table.shape != shape:
        raise loaded.error(
            (*at, "file"), f"the weights in '{given.file}' have the wrong shape", "shape",
            expected=f"{shape} (axons, neurons)", got=str(table.shape),
        )  # fmt: skip
    return np.asarray(table, np.int16)


def _weight_table(loaded: Loaded, at: tuple[str, ...], name: str) -> NDArray[np.int64]:
    path, limits = loaded.file(at, name), np.iinfo(np.int16)
    if path.suffix != ".npy":
        file = CsvFile(loaded, at, name, "bad-file")
        table = [
            [file.whole(where, f"cell {n + 1}", text, limits.min, limits.max) for n, text in enumerate(cells)]
            for where, cells in file.lines()
        ]
        if len({len(row) for row in table}) > 1:
            got = ", ".join(sorted({str(len(row)) for row in table}, key=int))
            raise file.error(f"the lines of '{name}' have not all as many cells", got=got)
        return np.array(table, np.int64).reshape(len(table), len(table[0]) if table else 0)
    try:
        found = np.load(path, allow_pickle=False)
    except (ValueError, OSError, EOFError) as error:
        raise loaded.error(at, f"'{name}' is not an array file (.npy)", "bad-file") from error
    is_whole = found.dtype.kind in "iu"
    if not is_whole or (found.size and (found.min() < limits.min or found.max() > limits.max)):
        expected = f"whole numbers from {limits.min} to {limits.max}"
        got = f"{found.min()} to {found.max()}" if is_whole else f"the type {found.dtype}"
        raise loaded.error(at, f"'{name}' holds no weights", "bad-file", expected=expected, got=got)
    return np.asarray(found, np.int64)


def mapped_core(loaded: Loaded, given: ProgramRules, seed: int) -> tuple[CoreProgram, Chip]:
    """One core of a mapping: of its folder, or made now."""
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import map_network

    at = ("against", "program")
    if given.mapping is not None:
        mapped = load_mapping(loaded.folder / given.mapping)
    else:
        assert given.network is not None
        assert given.chip is not None
        network = loaded.file((*at, "network"), given.network)
        chip = chip_of(loaded, at, given.chip, given.set)
        with tempfile.TemporaryDirectory() as name:
            made = map_network(network, chip, Path(name) / "mapping", seed=seed)
            mapped = load_mapping(made.folder)
    for core in mapped.program.cores:
        if core.core == given.core:
            return core, mapped.chip
    used = ", ".join(str(core.core) for core in mapped.program.cores)
    what = f"core {given.core} of the mapping is not used"
    raise loaded.error((*at, "core"), what, "no-core", expected=f"one of {used}")


class CoreModel:
    """One core, step by step; a :class:`~rtl_models.dut.models.StepModel`."""

    def __init__(self, loaded: Loaded, program: CoreProgram, chip: Chip) -> None:
        from neurosim.engines.reference.image import CoreImage

        self.image = CoreImage(program, chip)
        self._fabric = build_fabric(chip)
        self._first = min(group.start_step for group in program.groups)
        n = program.n_neurons
        self._v, self._i = self.image.v_initial.copy(), np.zeros(n, np.int64)
        self._banks = np.zeros((self.image.n_slots, n), np.int64)
        self._axon = _the_port(loaded, "in", "axon")
        self._out, fields = _out_port(loaded)
        self._meanings = {field.name: meaning(field) for field in fields}
        self._sends_packets = any(means in _TARGET for means in self._meanings.values())

    def tables(self) -> dict[str, Any]:
        """Weights (axons, neurons) and the neurons' parameters."""
        program, groups = self.image.program, self.image.program.groups
        weight = np.zeros((program.n_axons, program.n_neurons), np.int64)
        for axon in range(program.n_axons):
            targets, weights, _ = self.image.synapses(axon)
            weight[axon, targets] = weights
        columns = {
            name: np.concatenate([np.broadcast_to(np.asarray(getattr(g, name)), g.n) for g in groups])
            for name in PER_NEURON
        }
        return {**columns, "weight": weight, "n_axons": program.n_axons, "n_neurons": program.n_neurons}

    def step(self, step: int, taken: Sequence[Word]) -> Iterable[Word]:
        """What the axon events of a step make the neurons send: neurons in order, their targets in order."""
        now, slots = step + self._first, self.image.n_slots
        for word in taken:
            targets, weights, delay = self.image.synapses(word.fields[self._axon[1]])
            self.image.accumulate(self._banks[sync.accumulator_slot(now - 1, delay, slots)], targets, weights)
        bank = self._banks[sync.accumulator_slot(now, 0, slots)]
        outcome = self.image.update(now, FOREVER, self._v, self._i, bank)
        for local, spikes in zip(outcome.neuron.tolist(), outcome.spikes.tolist(), strict=True):
            for _ in range(spikes):
                yield from self._sent(local, now)

    def _sent(self, local: int, step: int) -> Iterable[Word]:
        if not self._sends_packets:
            yield self._word({"neuron": local, "step": step})
            return
        for core, axon in self.image.targets(local):
            x, y = self._fabric.xy(self._fabric.tile_of(core))
            goal = {"core": core, "axon": axon, "x": x, "y": y, "exit": self._fabric.port_of(core)}
            yield self._word({"neuron": local, "step": step, **goal})

    def _word(self, known: Mapping[str, int]) -> Word:
        fields = self._meanings.items()
        return Word(self._out, {name: known[means] for name, means in fields if means in known})


def _the_port(loaded: Loaded, direction: str, means: str) -> tuple[str, str]:
    """The one port of this direction with a field of this meaning, and the field's name."""
    found = [
        (name, field.name)
        for name, port in loaded.adapter.ports.items()
        if port.direction == direction and (field := WordLayout(port.fields).named(means)) is not None
    ]
    if len(found) != 1:
        raise loaded.error(
            ("ports",), f"the neuron rules need one '{direction}' port with a field that means '{means}'",
            "no-meaning", got=f"{len(found)} of them",
            hint=f"name the field '{means}', or write 'means: {means}'",
        )  # fmt: skip
    return found[0]


def _out_port(loaded: Loaded) -> tuple[str, tuple[Any, ...]]:
    means = "neuron"
    for port in loaded.adapter.ports.values():
        if port.direction == "out" and WordLayout(port.fields).named("axon"):
            means = "axon"
    name, _ = _the_port(loaded, "out", means)
    return name, loaded.adapter.ports[name].fields
