"""``run``: a mapping and input samples become a folder with the result and all its figures.

The folder: ``result.npz``, ``input.npz`` (the samples that were run), ``metrics.json``,
``comparison.json`` (against the float network and the functional engine), ``mapping/`` (a copy, so that
the folder stands alone), ``manifest.json``, and on request ``events.parquet`` and the tables of ``trace/``.
"""

from __future__ import annotations

import contextlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import errors, plugins

if TYPE_CHECKING:
    from neurosim.api.checkpoints import FolderKeeper
    from neurosim.api.mapped import Mapped
    from neurosim.api.tracing import TraceChoices
    from neurosim.artefacts.result import Result
    from neurosim.engines.base import Progress, RunOptions, Workload
    from neurosim.report.data import ReportData
    from neurosim.report.trace_files import ParquetSink

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
            "estimate": self.data.estimate_error,
            "warnings": list(self.warnings),
            "written": str(self.folder),
        }


def run_mapping(
    mapping: str | Path,
    input: str | Path | None = None,
    engine: str = "compiled",
    samples: int | None = None,
    *,
    out: str | Path,
    steps: int | None = None,
    seed: int = 0,
    events: bool = False,
    trace: bool = False,
    trace_steps: str | None = None,
    trace_cores: str | None = None,
    max_step_cycles: int | None = None,
    checkpoint_every: int | None = None,
    compare_with: str | Path | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> RunMade:
    """Simulate the mapping in folder ``mapping`` on ``input`` and write the folder ``out``.

    A run that deadlocks, loses packets or reaches a limit is a result too: it is written like any other,
    and ``exit_code`` says so.

    Args:
        input: ``.npz`` with ``x`` (samples, steps, *input shape) spike counts and perhaps labels ``y``.
        engine: name of an engine plug-in: ``compiled``, ``reference`` (cycles), ``estimate`` (events and
            estimated times), ``functional`` (spikes only).
        samples: run only the first so many, at least 1.
        steps: for a network without inputs, in place of ``input``: the time steps to run.
        seed: 0 to 2147483647; stored, and given to the engine (the built-in ones draw nothing).
        events: also write every packet, and every spike, to ``events.parquet``.
        trace: also write the event tables of ``docs/traces.md`` to ``trace/``.
        trace_steps: ``A:B``: only what concerns the hardware steps A to B - 1.
        trace_cores: ``0,3-5,host``: only what concerns these.
        max_step_cycles: longest time step before the run is given up, at least 1.
        checkpoint_every: keep the run in the folder ``OUT.checkpoint`` every so many hardware steps, counted
            over all samples, and when it is stopped by Ctrl-C or a request to end (in the main thread, and
            only while the engine is at work): :func:`neurosim.resume_run` goes on from there.  The
            reference engine can be saved only between two samples.
        compare_with: for engine ``estimate``: the folder of a cycle engine's run of the same mapping and
            input; the errors against it are written to ``estimate.json``.
        force: replace ``out``, and an unfinished run of it, if this program made it.
        progress: called with (hardware steps done, steps, text) by the cycle engines.

    Raises:
        InputError: something given is not usable or out of range, ``out`` exists, cannot be written, or
            is, contains or lies in an input, or an unfinished run of it exists.
        StoppedError: the run was stopped, and is kept.
    """
    from neurosim.api.bounds import (
        check_every,
        check_output,
        check_samples,
        check_seed,
        check_step_cycles,
        check_steps,
    )  # fmt: skip
    from neurosim.api.checkpoints import begun, check_none, discard
    from neurosim.api.estimating import add_error, load_against
    from neurosim.api.folders import check_free
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import workload_of

    out = Path(out)
    samples, steps, every = check_samples(samples), check_steps(steps), check_every(checkpoint_every)
    choices = Choices(
        engine, check_seed(seed), events, check_step_cycles(max_step_cycles), trace, trace_steps, trace_cores
    )
    simulate = plugins.load(plugins.ENGINES, engine)
    choices.tracing.check(engine, getattr(simulate, "gives_events", False))
    if every is not None and not getattr(simulate, "keeps_checkpoints", False):
        raise errors.InputError(
            f"engine '{engine}' cannot keep a run", code="checkpoint-engine",
            hint="--checkpoint-every needs a cycle engine, such as compiled",
        )  # fmt: skip
    check_output(out, {"mapping": mapping, "input": input, "run to compare with": compare_with})
    check_free(out, force)
    check_none(out, force)
    mapped = load_mapping(Path(mapping))
    workload = workload_of(input, mapped.floating, samples, steps)
    against = load_against(compare_with, engine, mapped, workload)
    if every is None:
        made = carry_out(mapped, workload, choices, out, force, progress)
        discard(out)
        error = add_error(out, mapped, made.data.result, against)
        return replace(made, data=replace(made.data, estimate_error=error))
    discard(out)
    with begun(out, mapped, workload, {"choices": asdict(choices)}, every) as keeper:
        return carry_out(mapped, workload, choices, out, force, progress, keeper)


@dataclass(frozen=True)
class Choices:
    """What a run's output depends on besides mapping and input; see :func:`run_mapping`."""

    engine: str
    seed: int
    events: bool
    max_step_cycles: int | None
    trace: bool = False
    trace_steps: str | None = None
    trace_cores: str | None = None

    @property
    def tracing(self) -> TraceChoices:
        """What is traced."""
        from neurosim.api.tracing import TraceChoices

        return TraceChoices(self.events, self.trace, self.trace_steps, self.trace_cores)

    def command(self) -> tuple[str, ...]:
        """The command that makes the same run again from inside its folder, which holds mapping and input.

        It names no other folder, so that equal runs have equal manifests wherever they were made.
        """
        words = ["neurosim", "run", "mapping", "--input", "input.npz", "--engine", self.engine]
        words += ["--seed", str(self.seed)]
        words += self.tracing.words()
        words += [] if self.max_step_cycles is None else ["--max-step-cycles", str(self.max_step_cycles)]
        return (*words, "-o", "../again")

    def options(
        self, progress: Progress | None, keeper: FolderKeeper | None, sink: ParquetSink | None
    ) -> RunOptions:
        """The engine's options."""
        from neurosim.engines.base import RunOptions

        options = RunOptions(seed=self.seed, progress=progress, keeper=keeper, sink=sink)
        if self.max_step_cycles is None:
            return options
        return replace(options, max_step_cycles=self.max_step_cycles)


def carry_out(
    mapped: Mapped, workload: Workload, choices: Choices, out: Path, force: bool = False,
    progress: Progress | None = None, keeper: FolderKeeper | None = None,
) -> RunMade:  # fmt: skip
    """Simulate, compare and write, from the beginning or from what ``keeper`` kept.

    Raises:
        InputError: the engine does not do what was chosen, or ``out`` exists or cannot be written.
        KeyboardInterrupt: the run was stopped.
    """
    from neurosim.api.checkpoints import EVENTS
    from neurosim.api.folders import whole_folder
    from neurosim.api.run_warnings import run_warnings
    from neurosim.api.tracing import FOLDER as TRACE
    from neurosim.api.tracing import collected, write_trace
    from neurosim.report.manifest import manifest

    simulate = plugins.load(plugins.ENGINES, choices.engine)
    events = None if keeper is None else keeper.folder / EVENTS
    with collected(choices.tracing, mapped.chip, out, events) as sink:
        options = choices.options(progress, keeper, sink)
        with keeper.requests.noted() if keeper is not None else contextlib.nullcontext():
            result: Result = simulate(mapped.program, mapped.network, mapped.chip, workload, options)
        comparison = compare(mapped, workload, result)
        facts = manifest(result, choices.command())
        data = gather(mapped, workload, result, facts)
        with whole_folder(out, "run", facts, force) as folder:
            _write(folder, mapped, workload, result, data, comparison)
            has_events = sink is None or write_trace(sink, choices.tracing, result, folder)
    warnings = tuple(run_warnings(mapped, workload, result, comparison, data.metrics))
    if choices.tracing.is_window and not has_events:
        empty = f"{out / TRACE} holds no packets, flits or core events: none of the run lie in the window"
        warnings = (*warnings, empty)
    return RunMade(out, data.metrics, comparison, data, warnings)


def compare(mapped: Mapped, workload: Workload, result: Result) -> dict[str, Any]:
    """The run beside the float network and the functional engine, as plain figures.

    ``spikes_equal_functional`` is None with a ``reason`` where the two need not agree.
    """
    from neurosim.analysis.quantisation_loss import accuracy, quantisation_loss
    from neurosim.engines.functional import run_functional

    reason = _incomparable(result)
    expected = run_functional(mapped.quantised, workload, mapped.chip)
    differing = [] if reason else differences(result, expected)
    loss = of_int = None
    if not mapped.floating.is_integer:  # else it was never quantised, so there is nothing to lose
        loss = asdict(quantisation_loss(mapped.floating, mapped.quantised, mapped.chip, workload, expected))
        of_int = loss["accuracy_int"]
    elif not reason:
        of_int = accuracy(expected.output_counts, workload.labels)
    return {
        "spikes_equal_functional": None if reason else not differing,
        "reason": reason,
        "populations_that_differ": differing,
        "accuracy_float": None if loss is None else loss["accuracy_float"],
        "accuracy_int": of_int,
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


def _write(
    folder: Path, mapped: Mapped, workload: Workload, result: Result, data: ReportData,
    comparison: dict[str, Any],
) -> None:  # fmt: skip
    import shutil

    import numpy as np

    from neurosim import store
    from neurosim.analysis.metrics import metrics_json
    from neurosim.api.folders import as_json
    from neurosim.api.mapped import files_of

    store.save(result, folder / "result.npz")
    np.savez_compressed(folder / "input.npz", x=workload.spikes, y=workload.labels)
    (folder / "metrics.json").write_bytes(metrics_json(data.metrics))
    (folder / "comparison.json").write_bytes(as_json(comparison))
    (folder / "mapping").mkdir()
    for name in files_of(mapped.folder):
        shutil.copyfile(mapped.folder / name, folder / "mapping" / name)
