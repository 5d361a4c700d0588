"""``report``: a run's folder is read back, and drawn as one offline HTML file in it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.artefacts.result import Result
    from neurosim.engines.base import Workload
    from neurosim.report.data import ReportData

HTML = "report.html"


@dataclass(frozen=True)
class Run:
    """A run's folder, read back; ``data`` is computed again from its artefacts."""

    folder: Path
    mapped: Mapped
    workload: Workload
    result: Result
    comparison: dict[str, Any]
    data: ReportData


@dataclass(frozen=True)
class ReportMade:
    """A report: ``html`` is the file; ``run`` what it shows."""

    html: Path
    run: Run

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        run = self.run
        return {"metrics": run.data.metrics, "comparison": run.comparison,
                "estimate": run.data.estimate_error, "written": str(self.html)}  # fmt: skip


def load_run(folder: str | Path) -> Run:
    """Read the run in ``folder``.

    Raises:
        InputError: it is not one, not whole, or its parts do not belong together.
    """
    from neurosim import store
    from neurosim.api.estimating import FILE as ESTIMATE
    from neurosim.api.folders import KIND_TEXT, manifest_of, require_kind
    from neurosim.api.mapped import load_mapping, read_json
    from neurosim.api.mapping import load_workload
    from neurosim.api.running import gather
    from neurosim.artefacts.result import Result
    from neurosim.errors import InputError
    from neurosim.report.manifest import manifest

    folder = Path(folder)
    found = manifest_of(folder)
    if found is not None and found.get("kind") == "demo":
        raise InputError(
            "a demo, which holds a run", code="folder-kind", where=str(folder),
            expected=KIND_TEXT["run"], hint=f"its run is {folder / 'run'}",
        )  # fmt: skip
    require_kind(folder, "run")
    mapped = load_mapping(folder / "mapping")
    result = store.load(folder / "result.npz", Result)
    workload = load_workload(folder / "input.npz", mapped.floating, None)
    if result.program_digest != store.digest(mapped.program) or result.input_digest != workload.digest:
        raise InputError(
            "result.npz does not belong to the mapping and input beside it", code="run-mixed",
            where=str(folder), hint="make the run again",
        )  # fmt: skip
    comparison = read_json(folder / "comparison.json")
    data = gather(mapped, workload, result, manifest(result))
    if (folder / ESTIMATE).is_file():
        data = replace(data, estimate_error=read_json(folder / ESTIMATE))
    return Run(folder, mapped, workload, result, comparison, data)


def report_run(out: str | Path) -> ReportMade:
    """Write ``report.html`` into the run's folder ``out`` (again, if it is there: it follows from the rest).

    Raises:
        InputError: ``out`` is not a run, or cannot be written.
    """
    from neurosim.api.folders import relist, unwritable
    from neurosim.report.html import render_html
    from neurosim.store import write_atomically

    run = load_run(out)
    html = Path(out) / HTML
    page = render_html(run.data).encode()
    try:
        write_atomically(html, page)
        relist(Path(out), HTML)
    except OSError as error:  # of its cleaning up: on a read-only system that fails too
        raise unwritable(html, error) from error
    return ReportMade(html, run)
