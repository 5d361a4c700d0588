"""``check``: any artefact, folder or chip file against the rules of its kind, by independent checkers.

A single file is checked with what it was made from, which must lie beside it (as in a mapping's folder);
a folder is checked as a whole: every file against its digest in the manifest and by its checker, that they
belong together, for a run that its figures and its spikes follow from its input, and for a checkpoint that
it can go on: its state and the events recorded so far.  What is wrong inside
a folder of ours is a problem that is found, not an error.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.api.exporting import refuse_exports
from neurosim.errors import InputError, NeurosimError

if TYPE_CHECKING:
    from neurosim.engines.base import Progress


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
        artefact: an ``.npz`` file of ours, a chip file, or the folder of a mapping, run, demo or checkpoint.
        progress: called with (checks done, checks, what is being checked).

    Raises:
        InputError: there is no such artefact, it is not one of ours, or what it needs is not beside it.
    """
    path = Path(artefact)
    refuse_exports(path)
    if path.is_dir():
        return _check_folder(path, progress)
    if not path.exists():
        raise InputError("no such file or folder", code="file-missing", where=str(path))
    from neurosim import store
    from neurosim.api.folders import manifest_of

    store.require_file(path)
    manifest = manifest_of(path.parent)
    if manifest is not None and (path.name in manifest["files"] or path.name == "manifest.json"):
        return _check_ours(path)
    kind = _kind_of(path)
    return Checked(path, kind, ((path.name, tuple(_check_file(path, kind))),), tuple(_warnings(path, kind)))


def _check_ours(path: Path) -> Checked:
    """A file that a folder of ours lists: whatever is wrong with it is a problem."""
    from neurosim.api.integrity import check_listed

    if path.suffix not in (".npz", ".yaml") or path.name == "input.npz":
        raise InputError(
            "not an artefact that is checked alone; it is checked with its folder", code="check-with-folder",
            where=str(path), hint=f"neurosim check {path.parent}",
        )  # fmt: skip
    changed = check_listed(path.parent, path.name)
    kinds: list[str] = []

    def content() -> list[str]:
        kinds.append(_kind_of(path))
        return _check_file(path, kinds[0])

    problems = (*changed, *_found(content, bool(changed)))
    kind = kinds[0] if kinds else "damaged"
    return Checked(path, kind, ((path.name, problems),), () if problems else tuple(_warnings(path, kind)))


def _kind_of(path: Path) -> str:
    """What ``path`` is to be checked as.

    Raises:
        InputError: it is nothing that can be checked.
    """
    from neurosim import store
    from neurosim.api.checkers import CHECKERS

    if path.suffix in (".yaml", ".yml"):
        return "chip"
    kind = store.type_of(path)
    if kind not in CHECKERS:
        raise InputError(
            f"no checker for an artefact of type {kind}", code="check-type", where=str(path),
            expected="one of " + ", ".join(sorted(CHECKERS)),
        )  # fmt: skip
    return kind


def _check_file(path: Path, kind: str) -> list[str]:
    from neurosim.api.checkers import CHECKERS
    from neurosim.chip.loader import load_chip

    if kind != "chip":
        return CHECKERS[kind](path)
    load_chip(path)
    return []


def _warnings(path: Path, kind: str) -> Iterator[str]:
    from neurosim.api.checkers import warnings_of

    return warnings_of(path, kind)


def _check_folder(folder: Path, progress: Progress | None) -> Checked:
    from neurosim.api.folders import kind_manifest

    kind = str(kind_manifest(folder, *_STEPS)["kind"])
    changed = tuple(_changed(folder, kind))
    lines: list[tuple[str, tuple[str, ...]]] = [("files", changed)]
    steps = list(_STEPS[kind](folder))
    for done, (what, run) in enumerate(steps):
        if progress is not None:
            progress(done, len(steps), what)
        lines.append((what, tuple(_found(run, bool(changed)))))
    return Checked(folder, kind, tuple(lines), () if changed else tuple(_folder_warnings(folder)))


def _changed(folder: Path, kind: str) -> list[str]:
    from neurosim.api.checkpoint_checking import check_checkpoint_files
    from neurosim.api.integrity import check_files

    return check_checkpoint_files(folder) if kind == "checkpoint" else check_files(folder)


def _folder_warnings(folder: Path) -> list[str]:
    from neurosim.api.checkpoint_checking import checkpoint_warnings

    found = checkpoint_warnings(folder)
    for mapping in (folder, folder / "mapping", folder / "run" / "mapping"):
        if (mapping / "routes.npz").is_file():
            return found + list(_warnings(mapping / "routes.npz", "Routes"))
    return found


Step = tuple[str, Callable[[], list[str]]]
_STUMBLES = (
    ArithmeticError, AssertionError, AttributeError, LookupError, MemoryError, OSError, RecursionError,
    TypeError, ValueError,
)  # fmt: skip
"""What code meets in content that nobody of ours wrote: sizes, types, indices and keys that cannot be."""


def _found(run: Callable[[], list[str]], is_changed: bool) -> list[str]:
    """What a check finds; if it cannot even be made, that is a problem of the folder.

    Where files have changed, a checker may stumble over content that this program never writes; in files
    that are as they were written, and in any other way, it is a bug of ours and stays one.
    """
    try:
        return run()
    except NeurosimError as error:
        where = f"{Path(error.where).name}: " if error.where else ""
        pairs = (("expected", error.expected), ("got", error.got))
        values = [f"{label} {value}" for label, value in pairs if value]
        return [f"cannot be checked: {where}{error.what}" + (f" ({', '.join(values)})" if values else "")]
    except _STUMBLES:
        if not is_changed:
            raise
        return ["cannot be checked: its content is not what this program writes"]


def _mapping_steps(folder: Path, prefix: str = "") -> Iterator[Step]:
    from neurosim.api.checkers import CHECKERS
    from neurosim.api.integrity import check_manifest

    yield f"{prefix}manifest.json", lambda: check_manifest(folder)
    for name, kind in (
        ("float_network", "Network"), ("quantised_network", "Network"), ("network", "Network"),
        ("partition", "Partition"), ("placement", "Placement"), ("routes", "Routes"), ("program", "Program"),
    ):  # fmt: skip
        path = folder / f"{name}.npz"
        yield f"{prefix}{path.name}", lambda path=path, kind=kind: CHECKERS[kind](path)  # type: ignore[misc]
    yield f"{prefix}mapping.json", lambda: _check_belonging(folder)


def _run_steps(folder: Path, prefix: str = "") -> Iterator[Step]:
    from neurosim.api.checkers import CHECKERS
    from neurosim.api.integrity import check_manifest

    yield f"{prefix}manifest.json", lambda: check_manifest(folder)
    yield from _mapping_steps(folder / "mapping", f"{prefix}mapping/")
    yield f"{prefix}result.npz", lambda: CHECKERS["Result"](folder / "result.npz")
    yield f"{prefix}metrics.json", lambda: _check_figures(folder)
    yield f"{prefix}comparison.json", lambda: _check_comparison(folder)


def _demo_steps(folder: Path) -> Iterator[Step]:
    from neurosim.api.checkers import CHECKERS
    from neurosim.api.integrity import check_manifest

    yield "manifest.json", lambda: check_manifest(folder)
    yield "network.npz", lambda: CHECKERS["Network"](folder / "network.npz")
    yield from _mapping_steps(folder / "mapping", "mapping/")
    yield from _run_steps(folder / "run", "run/")


def _checkpoint_steps(folder: Path) -> Iterator[Step]:
    from neurosim.api import checkpoint_checking as kept

    yield "manifest.json", lambda: kept.check_seal(folder)
    yield from _mapping_steps(folder / "mapping", "mapping/")
    yield "input.npz", lambda: kept.check_input(folder)
    yield "state.npz", lambda: kept.check_state(folder)
    yield "events", lambda: kept.check_events(folder)


_STEPS: dict[str, Callable[[Path], Iterator[Step]]] = {
    "mapping": _mapping_steps, "run": _run_steps, "demo": _demo_steps, "checkpoint": _checkpoint_steps,
    "verification": lambda folder: iter(()),  # what it says stands in its files alone
}  # fmt: skip


def _check_belonging(folder: Path) -> list[str]:
    """Whether the mapping can be loaded: its figures are there, and its parts belong together."""
    from neurosim.api.mapped import load_mapping

    load_mapping(folder)
    return []


def _check_figures(folder: Path) -> list[str]:
    """Whether metrics.json is what follows from the result."""
    from neurosim.analysis.metrics import metrics_json
    from neurosim.api.integrity import check_json
    from neurosim.api.reporting import load_run

    return check_json(folder / "metrics.json", metrics_json(load_run(folder).data.metrics), "result.npz")


def _check_comparison(folder: Path) -> list[str]:
    """Whether the spikes are those of the functional engine on the stored input."""
    from neurosim.api.folders import as_json
    from neurosim.api.integrity import check_json
    from neurosim.api.reporting import load_run
    from neurosim.api.running import compare

    run = load_run(folder)
    found = compare(run.mapped, run.workload, run.result)
    problems = [f"the spikes of '{name}' are not those of the functional engine"
                for name in found["populations_that_differ"]]  # fmt: skip
    return problems + check_json(folder / "comparison.json", as_json(found), "result.npz and input.npz")
