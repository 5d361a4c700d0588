"""``map``: a float network and a chip become a folder with everything that an engine needs.

The folder: ``float_network.npz`` (as imported), ``quantised_network.npz`` (in the chip's integers: *the*
reference), ``network.npz`` (as mapped: maps reshaped, a large fan-in split), ``partition.npz``,
``placement.npz``, ``routes.npz``, ``program.npz``, ``chip.yaml``, ``mapping.json`` (figures) and
``manifest.json``.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mapper import Mapping
    from neurosim.chip.models import Chip
    from neurosim.engines.base import Progress, Workload
    from neurosim.network.model import Network

STAGES = 8
"""Steps that ``progress`` is told of: load, quantise, compare, the mapper's three, figures, write."""


@dataclass(frozen=True)
class MappingMade:
    """A mapping in ``folder``; ``figures`` is the content of its ``mapping.json``."""

    folder: Path
    figures: dict[str, Any]

    @property
    def warnings(self) -> tuple[str, ...]:
        """What the user must not miss."""
        return tuple(self.figures["warnings"])

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**self.figures, "written": str(self.folder)}


def map_network(
    net: Network | str | Path,
    chip: Chip | str | Path,
    out: str | Path,
    input: str | Path | None = None,
    seed: int = 0,
    *,
    samples: int | None = None,
    steps: int | None = None,
    cores: Any | str | Path | None = None,
    weight_bits: int | None = None,
    objective: str = "cores",
    effort: float = 1.0,
    place_for: str = "hops",
    time_limit_s: float | None = None,
    partitioner: str = "tiling",
    polish: bool = False,
    repair: bool = True,
    multicast: bool = True,
    metrics: bool = False,
    force: bool = False,
    progress: Progress | None = None,
) -> MappingMade:
    """Quantise ``net`` to ``chip``, partition, place and route it, and write the folder ``out``.

    Args:
        net: a float network, or one in a chip's integers already (nothing is quantised then, and no loss
            measured), or the file of one.
        chip: a chip, the name of a preset, or a chip file.
        input: samples (``.npz``) that tell the quantiser the ranges and the mapper the traffic, and by
            which the quantisation loss is measured; without them both are worst-case assumptions.
        samples: use only the first so many of them (at least 1, and only with ``input``).
        steps: for a network without inputs, in place of ``input``: the time steps to run it for.
        cores: the partition and placement themselves: the global core number of every neuron, population
            after population (inputs left out), as an array or an ``.npz`` file with the array ``core``.
            They are checked, never changed; None: the mapper decides.
        weight_bits: one of the chip's widths; None: the widest up to 8.
        objective / effort / place_for / time_limit_s / partitioner / polish / repair / multicast: see
            :class:`mapper.MapOptions`; an effort is 0.001 to 1000.  Ctrl-C during the search for a placement
            ends that search only, as the time limit does.
        seed: 0 to 2147483647.
        metrics: also count every figure by which mappers are compared, with its formula, and draw
            ``mapping.html`` with a picture of every chip.
        force: replace ``out`` if this program made it.
        progress: called with (stage, stages, text).

    Raises:
        InputError: something given is not usable or out of range, or ``out`` exists, cannot be written, or
            is, contains or lies in an input.
        DoesNotFitError: the network does not fit; the text says which resource, and what would help.
    """
    import dataclasses

    from mapper import MapOptions, compile_network
    from neurosim import store
    from neurosim.api.bounds import check_effort, check_output, check_samples, check_seed, check_steps
    from neurosim.api.folders import check_free, whole_folder
    from neurosim.api.mapping_figures import mapping_figures
    from neurosim.chip.loader import load_chip
    from neurosim.chip.models import Chip as ChipModel
    from neurosim.errors import InputError
    from neurosim.network.quantise import QuantiseOptions, quantise

    out = Path(out)
    seed, effort, samples = check_seed(seed), check_effort(effort), check_samples(samples)
    steps = check_steps(steps)
    if samples is not None and input is None:
        raise InputError(
            "a number of samples was given, but no input", code="samples-no-input",
            hint="name the file that holds them with --input",
        )  # fmt: skip
    check_output(out, {"network": net, "chip file": chip, "input": input, "file of cores": cores})
    check_free(out, force)
    say = _Stages(progress)
    say("reading")
    floating = _network(net)
    system = chip if isinstance(chip, ChipModel) else load_chip(chip)
    asked = input is not None or steps is not None
    workload = workload_of(input, floating, samples, steps) if asked else None
    given = load_cores(cores) if isinstance(cores, (str, Path)) else cores
    with _own_parameters():
        options = MapOptions(
            seed=seed, objective=objective, effort=effort, cores=given, place_for=place_for,
            time_limit_s=time_limit_s, partitioner=partitioner, polish=polish, repair=repair,
            multicast=multicast,
        )  # fmt: skip
    if floating.is_integer:
        integer = _as_it_is(floating, system, weight_bits)
        say("measuring spikes")
    else:
        say("quantising")
        seen = None if workload is None else workload.spikes
        integer = quantise(floating, system, QuantiseOptions(weight_bits=weight_bits, calibration=seen))
        say("comparing float and integer spikes")
    loss, activity = _measure(floating, integer, system, workload)
    options = dataclasses.replace(options, activity=activity, progress=say, detail=say.within)
    with _own_parameters():
        mapped = compile_network(integer, system, options)
    system = mapped.chip
    say("counting figures")
    figures = mapping_figures(floating, integer, mapped, system, options, workload, loss, metrics)
    say("writing")
    with whole_folder(out, "mapping", _facts(figures), force) as folder:
        _write(folder, floating, integer, mapped, figures)
        store.load(folder / "program.npz", type(mapped.program))  # what was written can be read
    return MappingMade(out, figures)


@contextlib.contextmanager
def _own_parameters() -> Iterator[None]:
    """What the mapper says of one of its options is said of the parameter of :func:`map_network` instead.

    Raises:
        InputError: what came out, with its ``parameter``.
    """
    from neurosim.errors import InputError

    theirs = "MapOptions."
    try:
        yield
    except InputError as error:
        if error.where is None or not error.where.startswith(theirs):
            raise
        raise InputError(
            error.what, code=error.code, parameter=error.where.removeprefix(theirs), expected=error.expected,
            got=error.got, hint=error.hint,
        ) from error  # fmt: skip


class _Stages:
    """Counts the stages for a progress callback; also the mapper's callback."""

    def __init__(self, progress: Progress | None) -> None:
        self.progress = progress
        self.done = 0

    def __call__(self, text: str) -> None:
        if self.progress is not None:
            self.progress(min(self.done, STAGES), STAGES, text)
        self.done += 1

    def within(self, text: str) -> None:
        """How the present stage goes on."""
        if self.progress is not None:
            self.progress(min(max(0, self.done - 1), STAGES), STAGES, text)


def load_workload(path: str | Path, network: Network, samples: int | None) -> Workload:
    """Input samples for ``network`` from an ``.npz`` file.

    Raises:
        InputError: the file does not hold what the network takes.
    """
    from neurosim.engines.base import Workload
    from neurosim.network.inputs import load_inputs

    data = load_inputs(path, network, samples)
    return Workload(data.spikes, data.labels, data.digest)


def workload_of(
    path: str | Path | None, network: Network, samples: int | None, steps: int | None
) -> Workload:
    """The samples in ``path``; for a network without inputs, one empty sample of ``steps`` time steps.

    Raises:
        InputError: both or neither are given, ``steps`` for a network that has inputs, or a bad file.
    """
    from neurosim.engines.base import Workload
    from neurosim.errors import InputError
    from neurosim.network.inputs import empty_input

    if path is not None and steps is None:
        return load_workload(path, network, samples)
    if network.inputs or path is not None or steps is None:
        raise InputError(
            "this network needs an input" if network.inputs else "this network has no input",
            code="run-input", where=network.name,
            got=f"{'no input' if path is None else f'input {path}'}, {steps or 'no number of'} steps",
            hint="name a file of samples with --input" if network.inputs
            else "say with --steps how many time steps it runs",
        )  # fmt: skip
    data = empty_input(steps)
    return Workload(data.spikes, data.labels, data.digest)


def load_cores(path: str | Path) -> Any:
    """The array ``core`` of an ``.npz`` file.

    Raises:
        InputError: no such file, not an ``.npz`` file, or no such array in it.
    """
    from neurosim.network.inputs import read_arrays

    return read_arrays(Path(path), "core", "core (neurons,), the core number of every neuron")["core"]


def _network(net: Network | str | Path) -> Network:
    from neurosim import store
    from neurosim.errors import InputError
    from neurosim.network.model import Network

    if not isinstance(net, Network) and Path(net).suffix.lower() == ".nir" and Path(net).is_file():
        raise InputError(
            "a trained model, not yet a network of this program", code="map-not-imported", where=str(net),
            hint=f"import it first: neurosim import {net} --profile NAME -o {Path(net).stem}.npz",
        )  # fmt: skip
    return net if isinstance(net, Network) else store.load(Path(net), Network)


def _as_it_is(network: Network, chip: Chip, weight_bits: int | None) -> Network:
    """An integer network, if it can run on ``chip`` without being quantised again.

    Raises:
        InputError: it is faulty, or made for registers or weights that the chip does not have.
    """
    from neurosim.errors import InputError
    from neurosim.network.check import check_network
    from neurosim.network.model import IntNeuron

    if weight_bits not in (None, network.weight_bits):
        raise InputError(
            "the network's weights are integers already", code="map-weight-bits", where=network.name,
            expected=f"{network.weight_bits} bits, or no width", got=f"{weight_bits} bits",
        )  # fmt: skip
    problems = check_network(network)
    for population in network.populations:
        neuron, core = population.neuron, chip.core
        if isinstance(neuron, IntNeuron):
            for name, bits in (("bias", core.bias_bits), ("threshold", core.membrane_bits)):
                limit, values = 1 << (bits - 1), getattr(neuron, name)
                if values.size and not -limit <= int(values.min()) <= int(values.max()) <= limit:
                    problems.append(f"population '{population.name}': {name} does not fit {bits} bits")
    if problems:
        raise InputError(
            problems[0], code="map-faulty-network", where=network.name,
            got=f"{len(problems)} such faults" if len(problems) > 1 else None,
            hint="make the network for this chip",
        )  # fmt: skip
    return network


def _measure(
    floating: Network, integer: Network, chip: Chip, workload: Workload | None
) -> tuple[dict[str, Any] | None, dict[str, Any] | None]:
    """The quantisation loss (None if nothing was quantised), and every population's spikes per sample."""
    if workload is None:
        return None, None
    from dataclasses import asdict

    import numpy as np

    from neurosim.analysis.quantisation_loss import quantisation_loss
    from neurosim.engines.functional import run_functional

    loss = None if floating.is_integer else asdict(quantisation_loss(floating, integer, chip, workload))
    result = run_functional(integer, workload, chip)
    activity: dict[str, Any] = {}
    first = 0
    for population in integer.inputs:
        part = workload.spikes[:, :, first : first + population.n]
        activity[population.name] = part.sum(axis=(0, 1), dtype=np.int64) / result.n_samples
        first += population.n
    for spikes in result.spikes:
        n = integer.population(spikes.population).n
        totals = np.bincount(spikes.neuron, weights=spikes.count, minlength=n)
        activity[spikes.population] = totals / result.n_samples
    return loss, activity


def _facts(figures: dict[str, Any]) -> dict[str, Any]:
    """What the manifest says of a mapping; the same words as a run's."""
    from neurosim.api.facts import software

    digests = {
        "chip": figures["chip"]["digest"],
        "float_network": figures["network"]["float_digest"],
        "input": figures["input_digest"],
        "network": figures["network"]["digest"],
    }
    return {"seed": figures["seed"], "digests": digests, **software()}


def _write(
    folder: Path, floating: Network, integer: Network, mapped: Mapping, figures: dict[str, Any]
) -> None:
    from neurosim.api.folders import as_json
    from neurosim.store import save

    save(floating, folder / "float_network.npz")
    save(integer, folder / "quantised_network.npz")
    save(mapped.network, folder / "network.npz")
    save(mapped.partition, folder / "partition.npz")
    save(mapped.placement, folder / "placement.npz")
    save(mapped.routes, folder / "routes.npz")
    save(mapped.program, folder / "program.npz")
    (folder / "chip.yaml").write_bytes(mapped.program.chip_yaml.encode())
    (folder / "mapping.json").write_bytes(as_json(figures))
    if "formulas" in figures:
        from neurosim.chip.loader import load_chip_text
        from neurosim.report.mapping_page import mapping_page

        chip = load_chip_text(mapped.program.chip_yaml, "chip.yaml")
        page = mapping_page(mapped.partition, mapped.placement, chip, figures)
        (folder / "mapping.html").write_bytes(page.encode())
