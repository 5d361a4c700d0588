"""``diff``: whether two runs, mappings or artefacts are the same, and if not, where they first part.

Two runs of one program on one input by different cycle engines that do not agree are both run again, in
lock-step, to find the first cycle, component and field in which their states differ.  Nothing is written.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.api.setup_diff import Difference
from neurosim.errors import InputError, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Sequence

    from neurosim.analysis.result_diff import ResultDifference
    from neurosim.api.reporting import Run
    from neurosim.engines.base import Progress
    from neurosim.engines.diff import StateDifference


@dataclass(frozen=True)
class StateFound:
    """The first cycle of ``sample`` at whose end the two engines' states differ.

    ``step`` is the hardware step that is at work then; ``fields`` are (component, field, ours, theirs).
    """

    sample: int
    step: int
    cycle: int
    fields: tuple[tuple[str, str, str, str], ...]


@dataclass(frozen=True)
class Diffed:
    """What ``diff`` found.

    ``setup`` is what was run and differs (chip, network, mapping, input) or, of two artefacts, the part
    that does; ``results`` the first difference of every kind in the order of time; ``state`` where two
    engines part; ``notes`` what else there is to know and makes no difference (another engine or version,
    figures that only one side has).
    """

    kind: str
    ours: Path
    theirs: Path
    setup: tuple[Difference, ...]
    results: tuple[ResultDifference, ...] = ()
    state: StateFound | None = None
    notes: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        """Whether nothing differs but who made it."""
        return not (self.setup or self.results or self.state)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "kind": self.kind,
            "ours": str(self.ours),
            "theirs": str(self.theirs),
            "is_equal": self.is_equal,
            "setup": [asdict(found) for found in self.setup],
            "first_result": asdict(self.results[0]) if self.results else None,
            "results": [asdict(found) for found in self.results],
            "first_state": self._state_document(),
            "notes": list(self.notes),
        }

    def _state_document(self) -> dict[str, Any] | None:
        if self.state is None:
            return None
        names = ("component", "field", "ours", "theirs")
        fields = [dict(zip(names, field, strict=True)) for field in self.state.fields]
        return {**asdict(self.state), "fields": fields}


def diff(
    ours: str | Path, theirs: str | Path, *, cycles: bool = False, progress: Progress | None = None
) -> Diffed:
    """Compare two things of one kind: folders of ``run``, ``demo`` (its run) or ``map``, or files of ours.

    Where there is no file or folder of that name, a preset's name stands for its chip.

    Args:
        cycles: compare the states of two engines in every cycle even if their results agree.
        progress: called with (done, total, text) while runs are made again.

    Raises:
        InputError: one of them is not there, not ours, not whole, or they are not of one kind.
    """
    pair = [_resolved(Path(path)) for path in (ours, theirs)]
    kinds = [_kind(path) for path in pair]
    if kinds[0] != kinds[1]:
        raise InputError(
            "the two are not of one kind", code="diff-kinds", where=str(theirs),
            expected=f"{_article(kinds[0])}, as {ours} is", got=_article(kinds[1]),
        )  # fmt: skip
    if kinds[0] == "run":
        return _diff_runs(pair[0], pair[1], cycles, progress)
    if cycles:
        raise InputError(
            "only runs have cycles to compare", code="diff-cycles", where=str(ours), got=_article(kinds[0]),
            hint="leave out --cycles",
        )  # fmt: skip
    found = _diff_mappings(*pair) if kinds[0] == "mapping" else _diff_files(*pair)
    return Diffed(kinds[0], pair[0], pair[1], tuple(found))


def _resolved(path: Path) -> Path:
    """A demo stands for its run."""
    from neurosim.api.folders import manifest_of

    manifest = manifest_of(path) if path.is_dir() else None
    return path / "run" if manifest is not None and manifest.get("kind") == "demo" else path


def _kind(path: Path) -> str:
    """run, mapping, chip or the type of an artefact.

    Raises:
        InputError: there is no such thing, or it is none of these.
    """
    from neurosim import store
    from neurosim.api.folders import require_kind
    from neurosim.chip.catalogue import preset_names

    if path.is_dir():
        return str(require_kind(path, "mapping", "run")["kind"])
    if not path.exists():
        if str(path) in preset_names():
            return "chip"
        raise InputError(
            "no such file or folder", code="file-missing", where=str(path),
            hint=did_you_mean(str(path), preset_names()),
        )  # fmt: skip
    store.require_file(path)
    return "chip" if path.suffix in (".yaml", ".yml") else store.type_of(path)


def _article(kind: str) -> str:
    from neurosim.api.folders import KIND_TEXT

    return KIND_TEXT.get(kind, "a chip" if kind == "chip" else f"an artefact of type {kind}")


def _diff_files(ours: Path, theirs: Path) -> list[Difference]:
    from neurosim import store
    from neurosim.api.setup_diff import chip_differences, first_part
    from neurosim.chip.loader import load_chip

    if _kind(ours) == "chip":
        return chip_differences(load_chip(str(ours)), load_chip(str(theirs)))
    kind = _artefact_type(ours)
    one, two = (store.load(path, kind) for path in (ours, theirs))
    found = None if store.digest(one) == store.digest(two) else first_part(one, two)
    return [found] if found is not None else []


def _artefact_type(path: Path) -> type[Any]:
    from neurosim import store
    from neurosim.artefacts.mapping import Partition, Placement, Routes
    from neurosim.artefacts.program import Program
    from neurosim.artefacts.result import Result
    from neurosim.network.model import Network

    known = {kind.__name__: kind for kind in (Network, Partition, Placement, Program, Result, Routes)}
    name = store.type_of(path)
    if name not in known:
        raise InputError(
            f"an artefact of type {name} is not compared alone", code="diff-type", where=str(path),
            expected="one of " + ", ".join(known),
        )  # fmt: skip
    return known[name]


def _diff_mappings(ours: Path, theirs: Path) -> list[Difference]:
    from neurosim.api.mapped import load_mapping
    from neurosim.api.setup_diff import mapping_differences

    return mapping_differences(load_mapping(ours), load_mapping(theirs))


def _diff_runs(ours: Path, theirs: Path, cycles: bool, progress: Progress | None) -> Diffed:
    from neurosim.analysis.result_diff import not_compared, result_differences
    from neurosim.api.reporting import load_run
    from neurosim.fabric.topology import build_fabric

    one, two = load_run(ours), load_run(theirs)
    setup = _setup(one, two)
    groups = [group for core in one.mapped.program.cores for group in core.groups]
    starts = {group.population: group.start_step for group in groups}
    results = result_differences(one.result, two.result, starts, build_fabric(one.mapped.chip))
    notes = _makers(one, two)
    missing = not_compared(one.result, two.result)
    if missing:
        notes.append("only one of the two has: " + ", ".join(name.replace("_", " ") for name in missing))
    state = None
    if not setup and (results or cycles):
        state, said = _part(one, two, results, progress)
        notes += said
    return Diffed("run", ours, theirs, tuple(setup), tuple(results), state, tuple(notes))


def _setup(one: Run, two: Run) -> list[Difference]:
    """What was run: chip, mapping, input."""
    from neurosim.api.setup_diff import first_part, mapping_differences

    found = mapping_differences(one.mapped, two.mapped) if _program(one) != _program(two) else []
    if one.workload.digest != two.workload.digest:
        shapes = [f"{run.workload.spikes.shape}" for run in (one, two)]
        if shapes[0] != shapes[1]:
            return [*found, Difference("input (samples, steps, inputs)", shapes[0], shapes[1])]
        part = first_part(one.workload.spikes, two.workload.spikes, "x")
        part = part or first_part(one.workload.labels, two.workload.labels, "labels")
        if part is not None:
            found.append(Difference(f"input {part.what}", part.ours, part.theirs))
    return found


def _program(run: Run) -> str:
    return run.result.program_digest


def _makers(one: Run, two: Run) -> list[str]:
    """Who made the runs and how, where that differs."""
    from neurosim.api.folders import manifest_of

    manifests = [manifest_of(run.folder) or {} for run in (one, two)]
    trees = [{**m, **m.get("packages", {}), "options": _options(m)} for m in manifests]
    names = ("engine", "seed", "options", "neurosim", "python", *sorted(manifests[0].get("packages", {})))
    said = []
    for name in names:
        values = [tree.get(name) for tree in trees]
        if values[0] != values[1]:
            said.append(f"{name} {values[0]} and {values[1]}")
    return said


def _options(manifest: dict[str, Any]) -> str:
    """The command's options besides engine and seed, which have entries of their own."""
    words = [str(word) for word in manifest.get("command", [])]
    kept, skip = [], {"--engine": 2, "--seed": 2, "--input": 2, "-o": 2, "--events": 1}
    at = 3  # neurosim run mapping
    while at < len(words):
        if words[at] not in skip:
            kept.append(words[at])
        at += skip.get(words[at], 1)
    return " ".join(kept) or "default"


def _part(
    one: Run, two: Run, results: Sequence[ResultDifference], progress: Progress | None
) -> tuple[StateFound | None, list[str]]:
    """Run both engines again in lock-step, on the first sample that differs (else on all)."""
    from neurosim.engines.diff import PROBED

    engines = (one.result.engine, two.result.engine)
    if engines[0] == engines[1] or not set(engines) <= set(PROBED):
        why = "both were made by the same engine" if engines[0] == engines[1] else "not both can be stopped"
        return None, [f"not run again cycle by cycle: {why} ({', '.join(sorted(set(engines)))})"]
    samples = [found.sample for found in results if found.sample >= 0][:1]
    for sample in samples or range(min(one.result.n_samples, two.result.n_samples)):
        found = _lock_step(one, two, sample, not results, progress)
        if found is not None:
            return _in_words(one, sample, found), []
    where = f"of sample {samples[0]}" if samples else "of every sample"
    same = f"run again now, both engines have the same state in every cycle {where}"
    return None, [same + ("; make both runs again" if results else "")]


def _lock_step(
    one: Run, two: Run, sample: int, every_cycle: bool, progress: Progress | None
) -> StateDifference | None:
    from neurosim.engines import diff as engines
    from neurosim.fabric.tables import program_fabric

    program, fabric = one.mapped.program, program_fabric(one.mapped.program, one.mapped.chip)
    x = one.workload.spikes[sample]
    ends = {int(end) for run in (one, two) for end in run.result.step_end[sample] if end >= 0}
    verdicts = [v.cycle for v in (one.result.verdict, two.result.verdict) if v.sample == sample]
    last = max([*ends, *verdicts], default=0)

    def build() -> tuple[Any, Any]:
        names = (one.result.engine, two.result.engine)
        first, second = (engines.program_probe(name, program, fabric, x) for name in names)
        return first, second

    found = None if every_cycle else engines.bisect(build, sorted(ends), last, progress)
    return found or engines.lock_step(*build(), last, progress=progress)


def _in_words(one: Run, sample: int, found: StateDifference) -> StateFound:
    from neurosim.engines.probe.words import texts

    starts = one.result.step_start[sample]
    step = int(((starts >= 0) & (starts <= found.cycle)).sum()) - 1
    fields = tuple((f.component, f.field, *texts(f)) for f in found.fields)
    return StateFound(sample, step, found.cycle, fields)
