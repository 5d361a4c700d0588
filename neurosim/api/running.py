"""``run``: a mapping and input samples become a folder with the result and all its figures.

The folder: ``result.npz``, ``input.npz`` (the samples that were run), ``metrics.json``,
``comparison.json`` (against the float network and the functional engine), ``mapping/`` (a copy, so that
the folder stands alone), ``manifest.json``, and ``events.parquet`` on request.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import errors, plugins

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.artefacts.result import Result
    from neurosim.engines.base import Progress, Workload
    from neurosim.report.data import ReportData

EXIT_OF_VERDICT = {
    "deadlock": errors.EXIT_DEADLOCK,
    "partial_deadlock": errors.EXIT_DEADLOCK,
    "lost_packets": errors.EXIT_DEADLOCK,
    "limit": errors.EXIT_LIMIT,
    "saturated": errors.EXIT_LIMIT,
}


@dataclass(frozen=True)
class RunMade:
    """A run in ``folder``.

    ``metrics`` and ``comparison`` are the contents of its JSON files; ``data`` is what reports are made
    from.  ``exit_code`` is what the command ends with: 4 after a deadlock or lost packets, 6 at a
    limit, 5 if the spikes are not those of the functional engine, else 0.
    """

    folder: Path
    metrics: dict[str, Any]
    comparison: dict[str, Any]
    data: ReportData
    warnings: tuple[str, ...]

    @property
    def exit_code(self) -> int:
        """See the class."""
        status = str(self.metrics["verdict"]["status"])
        if status != "ok":
            return EXIT_OF_VERDICT.get(status, errors.EXIT_DEADLOCK)
        return errors.EXIT_MISMATCH if self.comparison["spikes_equal_functional"] is False else errors.EXIT_OK

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "exit_code": self.exit_code,
            "metrics": self.metrics,
            "comparison": self.comparison,
            "warnings": list(self.warnings),
            "written": str(self.folder),
        }


def run_mapping(
    mapping: str | Path,
    input: str | Path,
    engine: str = "reference",
    samples: int | None = None,
    *,
    out: str | Path,
    seed: int = 0,
    events: bool = False,
    max_step_cycles: int | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> RunMade:
    """Simulate the mapping in folder ``mapping`` on ``input`` and write the folder ``out``.

    A run that deadlocks, loses packets or reaches a limit is a result too: it is written like any other,
    and ``exit_code`` says so.

    Args:
        input: ``.npz`` with ``x`` (samples, steps, *input shape) spike counts and perhaps labels ``y``.
        engine: name of an engine plug-in: ``reference`` (cycles), ``functional`` (spikes only).
        samples: run only the first so many, at least 1.
        seed: 0 to 2147483647; stored, and given to the engine (the built-in ones draw nothing).
        events: keep one row per packet, and write ``events.parquet``.
        max_step_cycles: longest time step before the run is given up, at least 1.
        force: replace ``out`` if this program made it.
        progress: called with (samples done, samples, text).

    Raises:
        InputError: something given is not usable or out of range, or ``out`` exists, cannot be written, or
            is, contains or lies in an input.
    """
    from neurosim.api.bounds import check_output, check_samples, check_seed, check_step_cycles
    from neurosim.api.folders import check_free, whole_folder
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import load_workload
    from neurosim.report.manifest import manifest

    out = Path(out)
    seed, samples = check_seed(seed), check_samples(samples)
    max_step_cycles = check_step_cycles(max_step_cycles)
    simulate = plugins.load(plugins.ENGINES, engine)
    check_output(out, {"mapping": mapping, "input": input})
    check_free(out, force)
    mapped = load_mapping(Path(mapping))
    workload = load_workload(input, mapped.floating, samples)
    options = _options(seed, events, max_step_cycles, progress)
    result: Result = simulate(mapped.program, mapped.network, mapped.chip, workload, options)
    if events and result.packets is None:
        raise errors.InputError(
            f"engine '{engine}' does not log packets", code="events-no-log",
            hint="events.parquet needs a cycle engine, such as reference",
        )  # fmt: skip
    comparison = compare(mapped, workload, result)
    facts = manifest(result, again(engine, seed, events, max_step_cycles))
    data = gather(mapped, workload, result, facts)
    with whole_folder(out, "run", facts, force) as folder:
        _write(folder, mapped, workload, result, data, comparison, events)
    warnings = (*_other_steps(mapped, workload), *_warnings(result, comparison, data.metrics))
    return RunMade(out, data.metrics, comparison, data, warnings)


def again(engine: str, seed: int, events: bool, max_step_cycles: int | None) -> tuple[str, ...]:
    """The command that makes the same run again from inside its folder, which holds mapping and input.

    It names no other folder, so that equal runs have equal manifests wherever they were made.
    """
    words = ["neurosim", "run", "mapping", "--input", "input.npz", "--engine", engine, "--seed", str(seed)]
    words += ["--events"] if events else []
    words += [] if max_step_cycles is None else ["--max-step-cycles", str(max_step_cycles)]
    return (*words, "-o", "../again")


def _other_steps(mapped: Mapped, workload: Workload) -> list[str]:
    """A warning if samples are not as long as those that the mapping was made with (if any were)."""
    known, got = mapped.figures.get("input_steps"), workload.spikes.shape[1]
    if known is None or known == got:
        return []
    return [
        f"the input has {got} steps per sample, but the mapping was made with {known}; if 'x' is "
        "(steps, samples, ...), swap its first two axes with x.swapaxes(0, 1)"
    ]


def _options(seed: int, events: bool, max_step_cycles: int | None, progress: Progress | None) -> Any:
    from neurosim.engines.base import RunOptions

    if max_step_cycles is None:
        return RunOptions(seed=seed, log_packets=events, progress=progress)
    return RunOptions(seed=seed, log_packets=events, progress=progress, max_step_cycles=max_step_cycles)


def compare(mapped: Mapped, workload: Workload, result: Result) -> dict[str, Any]:
    """The run beside the float network and the functional engine, as plain figures.

    ``spikes_equal_functional`` is None with a ``reason`` where the two need not agree.
    """
    from neurosim.analysis.quantisation_loss import quantisation_loss
    from neurosim.engines.functional import run_functional

    loss = asdict(quantisation_loss(mapped.floating, mapped.quantised, mapped.chip, workload))
    reason = _incomparable(result)
    differing: list[str] = []
    if reason is None:
        differing = differences(result, run_functional(mapped.quantised, workload, mapped.chip))
    return {
        "spikes_equal_functional": None if reason else not differing,
        "reason": reason,
        "populations_that_differ": differing,
        "accuracy_float": loss["accuracy_float"],
        "accuracy_int": loss["accuracy_int"],
        "quantisation": loss,
    }


def _incomparable(result: Result) -> str | None:
    """Why the spikes need not be those of the functional engine; None if they must be."""
    if result.engine == "functional":
        return "this is the functional engine"
    if result.verdict.status != "ok":
        return "the run did not end well"
    if result.counters.late_packets:
        return "packets came late after missed deadlines"
    if result.counters.accumulator_overflows:
        return "an accumulator overflowed, so sums depend on the order of arrival"
    return None


def differences(result: Result, expected: Result) -> list[str]:
    """Populations whose spikes differ, and "outputs" if those do."""
    import numpy as np

    ours = {s.population: s for s in result.spikes}
    found = []
    for spikes in expected.spikes:
        other = ours.get(spikes.population)
        columns = ("sample", "step", "neuron", "count")
        same = other is not None and all(
            np.array_equal(getattr(spikes, name), getattr(other, name)) for name in columns
        )
        if not same and (other is not None or spikes.sample.size):
            found.append(spikes.population)
    if not np.array_equal(result.output_counts, expected.output_counts):
        found.append("outputs")
    return found


def gather(mapped: Mapped, workload: Workload, result: Result, manifest: dict[str, Any]) -> ReportData:
    """Everything that reports show of a run."""
    from neurosim.report.data import report_data

    loss = mapped.figures["quantisation"]
    return report_data(
        result,
        mapped.program,
        mapped.chip,
        mapped.network,
        input_spikes=workload.spikes,
        solver=(*mapped.partition.solver, *mapped.placement.solver),
        loss=[_loss_row(layer) for layer in loss["layers"]] if loss else (),
        manifest=manifest,
        loss_samples=loss["n_samples"] if loss else None,
    )


def _loss_row(layer: dict[str, Any]) -> dict[str, Any]:
    """One layer of the quantisation loss as people read it."""
    return {
        "layer": layer["population"],
        "weights": layer["weights"],
        "bits": layer["weight_bits"],
        "saturated": layer["weights_saturated"],
        "spikes float": layer["spikes_float"],
        "spikes integer": layer["spikes_int"],
        "slots changed": f"{100 * layer['slots_that_differ'] / max(1, layer['slots']):.2f} %",
    }


def _warnings(result: Result, comparison: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    from neurosim.analysis.deadlock import run_line

    found = []
    verdict = result.verdict
    if verdict.status != "ok":
        found.append(run_line(verdict))
    elif metrics["deadlock"]["conclusion"] == "possible":
        found.append("this mapping can deadlock, although this run did not")
    if comparison["spikes_equal_functional"] is False:
        names = ", ".join(comparison["populations_that_differ"])
        found.append(f"MISMATCH: spikes differ from the functional engine's ({names}); please report this")
    counters = result.counters
    if len(result.missed):
        late = counters.late_packets
        found.append(f"{len(result.missed)} deadlines were missed, {late} packets came too late")
    if counters.accumulator_overflows:
        n = counters.accumulator_overflows
        found.append(f"{n} accumulator overflows: the sums may depend on the order of arrival")
    if counters.membrane_overflows:
        found.append(f"{counters.membrane_overflows} membrane overflows")
    return found


def _write(
    folder: Path, mapped: Mapped, workload: Workload, result: Result, data: ReportData,
    comparison: dict[str, Any], events: bool,
) -> None:  # fmt: skip
    import shutil

    import numpy as np

    from neurosim import store
    from neurosim.analysis.metrics import metrics_json
    from neurosim.api.folders import as_json
    from neurosim.api.mapped import FILES

    store.save(result, folder / "result.npz")
    np.savez_compressed(folder / "input.npz", x=workload.spikes, y=workload.labels)
    (folder / "metrics.json").write_bytes(metrics_json(data.metrics))
    (folder / "comparison.json").write_bytes(as_json(comparison))
    (folder / "mapping").mkdir()
    for name in FILES:
        shutil.copyfile(mapped.folder / name, folder / "mapping" / name)
    if events:
        from neurosim.report.parquet import write_events

        write_events(result, folder / "events.parquet")
