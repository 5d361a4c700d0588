"""``check``: any artefact, folder or chip file against the rules of its kind, by independent checkers.

A single file is checked with what it was made from, which must lie beside it (as in a mapping's folder);
a folder is checked as a whole: every file, that they belong together, and for a run that its figures and
its spikes follow from its input.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.chip.models import Chip
    from neurosim.engines.base import Progress

T = TypeVar("T")


@dataclass(frozen=True)
class Checked:
    """``lines`` are (what was checked, problems); ``warnings`` are true of a good artefact."""

    artefact: Path
    kind: str
    lines: tuple[tuple[str, tuple[str, ...]], ...]
    warnings: tuple[str, ...] = ()

    @property
    def problems(self) -> tuple[str, ...]:
        """All problems, each with what it concerns."""
        return tuple(f"{what}: {problem}" for what, found in self.lines for problem in found)

    @property
    def is_good(self) -> bool:
        """Whether no checker found anything."""
        return not self.problems

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "artefact": str(self.artefact),
            "kind": self.kind,
            "is_good": self.is_good,
            "checked": [{"what": what, "problems": list(found)} for what, found in self.lines],
            "warnings": list(self.warnings),
        }


def check(artefact: str | Path, *, progress: Progress | None = None) -> Checked:
    """Check ``artefact``.

    Args:
        artefact: an ``.npz`` file of ours, a chip file, or the folder of a mapping, a run or a demo.
        progress: called with (checks done, checks, what is being checked).

    Raises:
        InputError: there is no such artefact, it is not one of ours, or what it needs is not beside it.
    """
    path = Path(artefact)
    if not path.exists():
        raise InputError("no such file or folder", code="file-missing", where=str(path))
    if path.is_dir():
        return _check_folder(path, progress)
    if path.suffix in (".yaml", ".yml"):
        from neurosim.chip.loader import load_chip

        load_chip(path)
        return Checked(path, "chip", (("chip", ()),))
    from neurosim import store

    kind = store.type_of(path)
    if kind not in _CHECKERS:
        raise InputError(
            f"no checker for an artefact of type {kind}", code="check-type", where=str(path),
            expected="one of " + ", ".join(sorted(_CHECKERS)),
        )  # fmt: skip
    return Checked(path, kind, ((path.name, tuple(_CHECKERS[kind](path))),), tuple(_warnings(path, kind)))


def _check_folder(folder: Path, progress: Progress | None) -> Checked:
    from neurosim.api.folders import require_kind

    kind = str(require_kind(folder, "mapping", "run", "demo")["kind"])
    steps = list(_STEPS[kind](folder))
    lines, warnings = [], []
    for done, (what, run) in enumerate(steps):
        if progress is not None:
            progress(done, len(steps), what)
        lines.append((what, tuple(run())))
    for mapping in (folder, folder / "mapping", folder / "run" / "mapping"):
        if (mapping / "routes.npz").is_file():
            warnings += list(_warnings(mapping / "routes.npz", "Routes"))
            break
    return Checked(folder, kind, tuple(lines), tuple(warnings))


Step = tuple[str, Callable[[], list[str]]]


def _mapping_steps(folder: Path, prefix: str = "") -> Iterator[Step]:
    for name, kind in (
        ("float_network", "Network"), ("quantised_network", "Network"), ("network", "Network"),
        ("partition", "Partition"), ("placement", "Placement"), ("routes", "Routes"), ("program", "Program"),
    ):  # fmt: skip
        path = folder / f"{name}.npz"
        yield f"{prefix}{path.name}", lambda path=path, kind=kind: _CHECKERS[kind](path)  # type: ignore[misc]


def _run_steps(folder: Path, prefix: str = "") -> Iterator[Step]:
    yield from _mapping_steps(folder / "mapping", f"{prefix}mapping/")
    yield f"{prefix}result.npz", lambda: _check_result(folder / "result.npz")
    yield f"{prefix}metrics.json", lambda: _check_figures(folder)
    yield f"{prefix}comparison.json", lambda: _check_comparison(folder)


def _demo_steps(folder: Path) -> Iterator[Step]:
    yield "network.npz", lambda: _check_network(folder / "network.npz")
    yield from _mapping_steps(folder / "mapping", "mapping/")
    yield from _run_steps(folder / "run", "run/")


_STEPS: dict[str, Callable[[Path], Iterator[Step]]] = {
    "mapping": _mapping_steps, "run": _run_steps, "demo": _demo_steps,
}  # fmt: skip


def _beside(path: Path, name: str, kind: type[T]) -> T:
    """The artefact ``name`` in the folder of ``path``, or in its mapping.

    Raises:
        InputError: it is not there.
    """
    from neurosim import store

    for folder in (path.parent, path.parent / "mapping"):
        if (folder / name).is_file():
            return store.load(folder / name, kind)
    raise InputError(
        f"needs {name} beside it to be checked", code="check-beside", where=str(path),
        hint="check the whole folder, or keep the files of a mapping together",
    )  # fmt: skip


def _chip(path: Path) -> Chip:
    """The chip that the program beside ``path`` is for."""
    from neurosim.chip.loader import load_chip

    for folder in (path.parent, path.parent / "mapping"):
        if (folder / "chip.yaml").is_file():
            return load_chip(folder / "chip.yaml")
    raise InputError(
        "needs chip.yaml beside it to be checked", code="check-beside", where=str(path),
        hint="check the whole folder, or keep the files of a mapping together",
    )  # fmt: skip


def _check_network(path: Path) -> list[str]:
    from neurosim import store
    from neurosim.network.check import check_network
    from neurosim.network.model import Network

    return check_network(store.load(path, Network))


def _check_partition(path: Path) -> list[str]:
    from mapper.check import check_partition
    from neurosim import store
    from neurosim.artefacts.mapping import Partition
    from neurosim.network.model import Network

    return check_partition(store.load(path, Partition), _beside(path, "network.npz", Network), _chip(path))


def _check_placement(path: Path) -> list[str]:
    from mapper.check import check_placement
    from neurosim import store
    from neurosim.artefacts.mapping import Partition, Placement
    from neurosim.network.model import Network

    partition = _beside(path, "partition.npz", Partition)
    network = _beside(path, "network.npz", Network)
    return check_placement(store.load(path, Placement), partition, network, _chip(path))


def _check_routes(path: Path) -> list[str]:
    from mapper.check import check_routes
    from neurosim import store
    from neurosim.artefacts.mapping import Partition, Placement, Routes
    from neurosim.network.model import Network

    placement = _beside(path, "placement.npz", Placement)
    partition = _beside(path, "partition.npz", Partition)
    network = _beside(path, "network.npz", Network)
    return check_routes(store.load(path, Routes), placement, partition, network, _chip(path))


def _check_program(path: Path) -> list[str]:
    from mapper.check import check_program
    from neurosim import store
    from neurosim.artefacts.mapping import Routes
    from neurosim.artefacts.program import Program
    from neurosim.network.model import Network

    routes = _beside(path, "routes.npz", Routes)
    network = _beside(path, "network.npz", Network)
    return check_program(store.load(path, Program), network, _chip(path), routes)


def _check_result(path: Path) -> list[str]:
    from neurosim import store
    from neurosim.analysis.check_result import check_result
    from neurosim.artefacts.program import Program
    from neurosim.artefacts.result import Result

    return check_result(store.load(path, Result), _beside(path, "program.npz", Program), _chip(path))


def _check_figures(folder: Path) -> list[str]:
    """Whether metrics.json is what follows from the result."""
    from neurosim.analysis.metrics import metrics_json
    from neurosim.api.reporting import load_run

    run = load_run(folder)
    if metrics_json(run.data.metrics) == (folder / "metrics.json").read_bytes():
        return []
    return ["its figures do not follow from result.npz"]


def _check_comparison(folder: Path) -> list[str]:
    """Whether the spikes are those of the functional engine on the stored input."""
    from neurosim.api.folders import as_json
    from neurosim.api.reporting import load_run
    from neurosim.api.running import compare

    run = load_run(folder)
    found = compare(run.mapped, run.workload, run.result)
    problems = [f"the spikes of '{name}' are not those of the functional engine"
                for name in found["populations_that_differ"]]  # fmt: skip
    if as_json(found) != (folder / "comparison.json").read_bytes():
        problems.append("its figures do not follow from result.npz and input.npz")
    return problems


_CHECKERS: dict[str, Callable[[Path], list[str]]] = {
    "Network": _check_network,
    "Partition": _check_partition,
    "Placement": _check_placement,
    "Routes": _check_routes,
    "Program": _check_program,
    "Result": _check_result,
}


def _warnings(path: Path, kind: str) -> Iterator[str]:
    """A dependency cycle of the mapped flows is a fact about a mapping, not a fault of the artefact."""
    if kind == "Routes":
        from neurosim import store
        from neurosim.artefacts.mapping import Routes

        if store.load(path, Routes).verdict != "free":
            yield "this mapping can deadlock: the channel dependency graph of its flows has a cycle"
