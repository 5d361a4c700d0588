"""The error of an estimated run against a simulated one, kept as ``estimate.json`` in the run's folder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim import errors

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.artefacts.result import Result
    from neurosim.engines.base import Workload

FILE = "estimate.json"
ENGINE = "estimate"


@dataclass(frozen=True)
class Against:
    """The simulated run that an estimate is to be held against."""

    result: Result


def load_against(
    folder: str | Path | None, engine: str, mapped: Mapped, workload: Workload
) -> Against | None:
    """The run in ``folder``, None if none is given.

    Raises:
        InputError: the engine is not the estimate, or the run is of another mapping or input, estimated
            itself, or did not end well.
    """
    if folder is None:
        return None
    from neurosim import store
    from neurosim.api.folders import require_kind
    from neurosim.artefacts.result import Result

    if engine != ENGINE:
        raise errors.InputError(
            "only an estimate is compared with another run", code="compare-engine",
            expected=f"engine '{ENGINE}'", got=f"engine '{engine}'",
            hint="`neurosim diff` compares two simulated runs",
        )  # fmt: skip
    require_kind(Path(folder), "run")
    result = store.load(Path(folder) / "result.npz", Result)
    ours = (store.digest(mapped.program), workload.digest)
    if (result.program_digest, result.input_digest) != ours:
        raise errors.InputError(
            "the run to compare with is of another mapping or input", code="compare-other", where=str(folder),
            hint="run the same mapping with the same input, samples and steps",
        )  # fmt: skip
    if result.engine == ENGINE or not result.step_start.size or result.verdict.status != "ok":
        raise errors.InputError(
            "the run to compare with has no cycles of its own", code="compare-no-cycles", where=str(folder),
            expected="a run of a cycle engine that ended well",
            got=f"engine {result.engine}, verdict {result.verdict.status}",
        )  # fmt: skip
    return Against(result)


def add_error(
    folder: Path, mapped: Mapped, result: Result, against: Against | None
) -> dict[str, Any] | None:
    """Write ``estimate.json`` into the run's folder; None if there is nothing to hold it against."""
    if against is None:
        return None
    from neurosim.analysis.estimate_error import estimate_error
    from neurosim.api.folders import as_json, relist
    from neurosim.store import write_atomically

    found = estimate_error(result, against.result, mapped.chip)
    write_atomically(folder / FILE, as_json(found))
    relist(folder, FILE)
    return found
