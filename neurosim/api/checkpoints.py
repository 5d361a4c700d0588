"""Checkpoints of ``run``: a folder beside the output, from which the run goes on; removed when it is whole.

``OUT.checkpoint`` holds copies of what the run is made from (``mapping/``, ``input.npz``) and a sealed
``manifest.json`` with its options, all written once in the beginning; ``state.npz``, where the run stands,
takes the place of the one before in one move; ``events/`` takes what is written while the run goes on.
While a process works on it, the folder is locked.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from neurosim.api.folders import MARKER, held_files, kind_manifest, seal_of, unwritable
from neurosim.api.integrity import check_listed
from neurosim.api.stopping import StopRequests
from neurosim.api.unfinished import MARKER as UNFINISHED
from neurosim.api.unfinished import locked, mark_abandoned
from neurosim.engines.checkpoint import EngineState, sources_digest
from neurosim.errors import InputError, NeurosimError
from neurosim.store import artefact

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.engines.base import Workload

SUFFIX = ".checkpoint"
STATE = "state.npz"
STATE_PART = f".{STATE}.part"
EVENTS = "events"
EXIT_INTERRUPTED, EXIT_TERMINATED = 130, 143


@artefact
@dataclass(frozen=True)
class Checkpoint:
    """The content of ``state.npz``: the seal of the manifest that it belongs to, and the run's state."""

    seal: str
    state: EngineState


class StoppedError(NeurosimError):
    """A run was stopped and can be continued; exit code 130 after Ctrl-C, 143 after a request to end."""

    def __init__(self, what: str, *, exit_code: int, where: str, hint: str) -> None:
        super().__init__(what, code="run-stopped", where=where, hint=hint)
        self.exit_code = exit_code


def folder_of(out: Path) -> Path:
    """Where the checkpoint of the run that writes ``out`` lies."""
    return out.with_name(out.name + SUFFIX)


def output_of(folder: Path) -> Path:
    """The output that the run in checkpoint ``folder`` was to write.

    Raises:
        InputError: the folder was renamed, so that it does not say.
    """
    name = folder.absolute().name
    if name.endswith(SUFFIX) and name != SUFFIX:
        return (folder if folder.name else folder.absolute()).with_name(name.removesuffix(SUFFIX))
    raise InputError(
        f"the folder's name does not end in {SUFFIX}, so it does not say where the run is to go",
        code="checkpoint-name", where=str(folder), hint="name the output with -o",
    )  # fmt: skip


def check_none(out: Path, force: bool) -> None:
    """Refuse an output whose run is unfinished (unless forced, and the checkpoint is ours).

    Raises:
        InputError: as said.
    """
    folder = folder_of(out)
    if not (folder.exists() or folder.is_symlink()):
        return
    if not force:
        raise InputError(
            "an unfinished run of this output exists", code="checkpoint-exists", where=str(folder),
            hint=f"continue it with `neurosim resume {folder}`, or start anew with --force",
        )  # fmt: skip
    with _opened(folder):
        pass


@contextlib.contextmanager
def _opened(folder: Path) -> Iterator[dict[str, Any]]:
    """The manifest of a checkpoint, which is locked while the block runs.

    Raises:
        InputError: it is not one of ours, holds what is not ours, or another process works on it.
    """
    manifest = kind_manifest(folder, "checkpoint")
    foreign = next((n for n in held_files(folder) if not is_ours(n, manifest)), None)
    if foreign is not None:
        raise InputError(
            "the checkpoint holds what this program did not make", code="checkpoint-foreign",
            where=str(folder), got=foreign, hint="take the file away",
        )  # fmt: skip
    with locked(folder / MARKER) as is_mine:
        if not is_mine:
            raise InputError(
                "another process is at work on this checkpoint", code="checkpoint-in-use", where=str(folder),
                hint="wait for it, or stop it",
            )  # fmt: skip
        yield manifest


def is_ours(name: str, manifest: dict[str, Any]) -> bool:
    """Whether a checkpoint may hold a file of this name."""
    if name.startswith(f"{EVENTS}/") and name.endswith((".parquet", ".parquet.part")):
        return True
    return name in manifest["files"] or name in (MARKER, STATE, STATE_PART, UNFINISHED)


def discard(out: Path) -> None:
    """Remove the checkpoint of ``out``, if there is one.

    Raises:
        InputError: it is not ours, or in use.
    """
    folder = folder_of(out)
    if folder.exists() or folder.is_symlink():
        with _opened(folder):
            remove(folder)


def remove(folder: Path) -> None:
    """Remove a checkpoint's folder that is ours; killed half-way, the rest is hidden and goes next time."""
    gone = folder.with_name(f".{folder.name}.gone.part")
    shutil.rmtree(gone, ignore_errors=True)
    mark_abandoned(folder)
    os.rename(folder, gone)
    shutil.rmtree(gone, ignore_errors=True)


@contextlib.contextmanager
def begun(
    out: Path, mapped: Mapped, workload: Workload, facts: dict[str, Any], every: int
) -> Iterator[FolderKeeper]:
    """A new checkpoint for the run that writes ``out``; see :func:`_kept` for how the block may end.

    ``facts`` are the run's options, for its manifest.

    Raises:
        InputError: the folder exists or cannot be written.
        StoppedError: the run was stopped, and can be continued.
    """
    import numpy as np

    from neurosim.api.folders import whole_folder
    from neurosim.api.mapped import files_of

    folder = folder_of(out)
    with whole_folder(folder, "checkpoint", {**facts, **_software(), "checkpoint_every": every}) as part:
        (part / "mapping").mkdir()
        for name in files_of(mapped.folder):
            shutil.copyfile(mapped.folder / name, part / "mapping" / name)
        np.savez_compressed(part / "input.npz", x=workload.spikes, y=workload.labels)
    with _opened(folder) as manifest:
        keeper = FolderKeeper(folder, manifest, every, None)
        with _kept(folder, out, keeper):
            yield keeper


@contextlib.contextmanager
def taken_up(folder: Path, out: Path, every: int | None) -> Iterator[FolderKeeper]:
    """An old checkpoint, to go on from; see :func:`_kept` for how the block may end.

    Raises:
        InputError: it is not one, damaged, changed, of another version of the program, or in use.
        StoppedError: the run was stopped again.
    """
    with _opened(folder) as manifest:
        _check_manifest(folder, manifest)
        state = load_state(folder)
        keeper = FolderKeeper(folder, manifest, every or int(manifest["checkpoint_every"]), state)
        with _kept(folder, out, keeper):
            yield keeper


def _software() -> dict[str, Any]:
    from neurosim import __version__

    return {"neurosim": __version__, "sources": sources_digest()}


def _check_manifest(folder: Path, manifest: dict[str, Any]) -> None:
    """Refuse a checkpoint that was changed, or that another version of the program made."""
    problems = [p for name in sorted(manifest["files"]) for p in check_listed(folder, name)]
    if manifest.get("seal") != seal_of(manifest):
        problems.insert(0, f"{MARKER} has changed since it was written")
    if problems:
        raise InputError(
            f"the checkpoint cannot be used: {problems[0]}", code="checkpoint-changed", where=str(folder),
            hint="start the run anew",
        )  # fmt: skip
    other = other_version(manifest)
    if other is not None:
        raise InputError(
            "the checkpoint was made by another version of the program", code="checkpoint-version",
            where=str(folder), expected=_version_text(_software()), got=other,
            hint="continue it with that version, or start the run anew",
        )  # fmt: skip


def other_version(manifest: dict[str, Any]) -> str | None:
    """The version of the program that made a checkpoint; None if it is this one."""
    is_ours = all(manifest.get(key) == value for key, value in _software().items())
    return None if is_ours else _version_text(manifest)


def _version_text(facts: dict[str, Any]) -> str:
    return f"neurosim {facts.get('neurosim')}, sources {str(facts.get('sources'))[:12]}"


def load_state(folder: Path) -> EngineState | None:
    """Where the run in checkpoint ``folder`` stands; None if it was killed before its first checkpoint.

    Raises:
        InputError: the folder is no checkpoint, or its state is damaged or that of another run.
    """
    from neurosim import store

    path, seal = folder / STATE, str(kind_manifest(folder, "checkpoint")["seal"])
    if not path.exists():
        return None
    try:
        found = store.load(path, Checkpoint)
    except InputError as error:
        raise InputError(
            "the checkpoint cannot be used: its state is damaged", code="checkpoint-broken", where=str(path),
            got=error.got or error.what, hint="start the run anew",
        ) from error  # fmt: skip
    if found.seal != seal:
        raise InputError(
            "the state is that of another run", code="checkpoint-mixed", where=str(path), expected=seal[:12],
            got=found.seal[:12], hint="put the right one back, or start the run anew",
        )  # fmt: skip
    return found.state


class FolderKeeper:
    """A :class:`neurosim.engines.checkpoint.Keeper` that keeps its states in a checkpoint's folder."""

    def __init__(
        self, folder: Path, manifest: dict[str, Any], every_steps: int, start: EngineState | None
    ) -> None:
        self.folder = folder
        self.manifest = manifest
        self.every_steps = every_steps
        self.start = start
        self.requests = StopRequests()

    @property
    def has_state(self) -> bool:
        """Whether anything was kept yet."""
        return (self.folder / STATE).exists()

    def is_stopping(self) -> bool:
        """See the protocol."""
        return self.requests.is_asked()

    def interruptible(self) -> AbstractContextManager[None]:
        """See the protocol."""
        return self.requests.interruptible()

    def save(self, state: EngineState) -> None:
        """Write ``state`` beside the old one and move it over that.

        Raises:
            InputError: it cannot be written; the old one is whole.
        """
        from neurosim import store

        self.start = None  # nobody goes on from the old one any more: its memory is free
        part = self.folder / STATE_PART
        try:
            with part.open("wb") as file:
                file.write(store.pack_file(Checkpoint(str(self.manifest["seal"]), state), compresslevel=1))
                file.flush()
                os.fsync(file.fileno())
            os.replace(part, self.folder / STATE)
        except OSError as error:
            part.unlink(missing_ok=True)
            problem = unwritable(self.folder / STATE, error)
            again = f"the checkpoint before is whole: `neurosim resume {self.folder}`"
            hint = again if self.has_state else None
            raise InputError(problem.what, code=problem.code, where=problem.where, hint=hint) from error

    def stop(self) -> NoReturn:
        """End the run, which was just saved."""
        raise KeyboardInterrupt


@contextlib.contextmanager
def _kept(folder: Path, out: Path, keeper: FolderKeeper) -> Iterator[FolderKeeper]:
    """A block that runs a kept run and writes its output.

    If it ends well the checkpoint goes.  If it is stopped or fails, the checkpoint stays, unless there is
    nothing in it.

    Raises:
        StoppedError: the run was stopped, and can be continued.
    """
    try:
        yield keeper
    except (KeyboardInterrupt, SystemExit) as error:
        if not keeper.has_state:
            remove(folder)
            raise
        is_ctrl_c = isinstance(error, KeyboardInterrupt) and keeper.requests.number in (None, signal.SIGINT)
        raise StoppedError(
            f"stopped by {'Ctrl-C' if is_ctrl_c else 'a request to end'}; the run so far is kept",
            exit_code=EXIT_INTERRUPTED if is_ctrl_c else EXIT_TERMINATED, where=str(out),
            hint=f"continue it with `neurosim resume {folder}`",
        ) from error  # fmt: skip
    except BaseException:
        if not keeper.has_state:
            remove(folder)
        raise
    remove(folder)
