"""Output folders and files that are whole or absent, and that replace only what this program made.

Everything is written into a hidden folder beside the target, which is then renamed.  ``manifest.json``
in each folder says what kind it is and which files belong to it, each with its SHA-256, and closes with
one of itself (``seal``); without one of ours, or with files in it that are not ours, a folder is never
replaced.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosim import store
from neurosim.api.unfinished import claimed, remove_abandoned
from neurosim.errors import InputError

MARKER = "manifest.json"
KIND_TEXT = {
    "mapping": "a mapping (made by `map`)", "run": "a run (made by `run`)", "demo": "a demo",
    "checkpoint": "a checkpoint (made by `run --checkpoint-every`)",
    "verification": "a verification (made by `verify`)",
}  # fmt: skip
ADDED_LATER = frozenset({MARKER, "report.html"})
"""Files that our folders may hold besides the listed ones."""
_TAKEN = (errno.ENOTEMPTY, errno.EEXIST, errno.ENOTDIR)
_WRITING = (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG)


def as_json(value: Any) -> bytes:
    """``value`` as JSON text with sorted keys, the same bytes for the same value."""
    return (json.dumps(value, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False) + "\n").encode()


def manifest_of(folder: Path) -> dict[str, Any] | None:
    """The manifest of a folder that this program made; None if it did not."""
    try:
        content = json.loads((folder / MARKER).read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(content, dict) or content.get("made_by") != "neurosim":
        return None
    files = content.get("files")
    is_list = isinstance(files, dict) and all(isinstance(digest, str) for digest in files.values())
    return content if is_list else None


def file_digest(path: Path) -> str:
    """SHA-256 of a file's bytes, as hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def held_files(folder: Path) -> list[str]:
    """What lies in ``folder`` and below that is not a folder: relative names, sorted."""
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())


def seal_of(manifest: Mapping[str, Any]) -> str:
    """SHA-256 of a manifest's content, as hex; its entry ``seal`` says what it was when written."""
    return hashlib.sha256(as_json({k: v for k, v in manifest.items() if k != "seal"})).hexdigest()


def _sealed(content: dict[str, Any]) -> bytes:
    return as_json({**content, "seal": seal_of(content)})


def relist(folder: Path, *names: str) -> None:
    """Take files that were added or written again into the manifest, and into that of a demo around it.

    A manifest whose seal is broken keeps it, so that ``check`` still finds what was changed.

    Raises:
        InputError: the manifest cannot be written.
    """
    manifest = manifest_of(folder)
    if manifest is None:
        return
    files = {**manifest["files"], **{name: file_digest(folder / name) for name in names}}
    content = {**manifest, "files": files}
    is_whole = manifest.get("seal") == seal_of(manifest)
    store.write_atomically(folder / MARKER, _sealed(content) if is_whole else as_json(content))
    inner = folder.resolve()
    around = manifest_of(inner.parent)
    if around is not None and f"{inner.name}/{MARKER}" in around["files"]:
        relist(inner.parent, *(f"{inner.name}/{name}" for name in (*names, MARKER)))


def require_kind(folder: Path, *kinds: str) -> dict[str, Any]:
    """The manifest of ``folder``, which must be one of ``kinds``.

    Raises:
        InputError: no such folder, not made by this program, of another kind, or not whole.
    """
    manifest = kind_manifest(folder, *kinds)
    missing = [name for name in manifest["files"] if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"a file of the folder is missing: {missing[0]}", code="folder-incomplete", where=str(folder),
            hint="make the folder again",
        )  # fmt: skip
    return manifest


def kind_manifest(folder: Path, *kinds: str) -> dict[str, Any]:
    """The manifest of ``folder``, which must be one of ``kinds`` but need not be whole.

    Raises:
        InputError: no such folder, not made by this program, or of another kind.
    """
    expected = " or ".join(KIND_TEXT[kind] for kind in kinds)
    if not folder.is_dir():
        what = "not a folder" if folder.exists() else "no such folder"
        raise InputError(what, code="folder-missing", where=str(folder), expected=expected)
    manifest = manifest_of(folder)
    if manifest is None:
        raise InputError(
            "not a folder that this program made", code="folder-foreign", where=str(folder),
            expected=expected, got=f"a folder without a readable {MARKER}",
        )  # fmt: skip
    kind = str(manifest.get("kind"))
    if kind not in kinds:
        raise InputError(
            "a folder of another kind", code="folder-kind", where=str(folder), expected=expected,
            got=KIND_TEXT.get(kind, kind),
        )  # fmt: skip
    return manifest


def check_free(out: Path, force: bool) -> None:
    """Refuse an output folder that exists (unless forced and ours) or has no parent; before long work.

    Raises:
        InputError: as said.
    """
    if not out.parent.is_dir():
        raise InputError(
            "the folder to write into does not exist", code="output-no-parent", where=str(out.parent),
            hint="make it, or choose another output",
        )  # fmt: skip
    if not (out.exists() or out.is_symlink()):
        return
    if not force:
        raise InputError(
            "the output exists", code="output-exists", where=str(out),
            hint="choose another output, or replace it with --force",
        )  # fmt: skip
    if out.is_symlink() or not out.is_dir():
        raise InputError(
            "the output exists and is not a folder", code="output-foreign", where=str(out),
            hint="--force replaces only folders that this program made",
        )  # fmt: skip
    foreign = _foreign(out)
    if foreign is not None:
        raise InputError(
            "the output exists and holds what this program did not make", code="output-foreign",
            where=str(out), got=foreign, hint="--force replaces only folders that this program made",
        )  # fmt: skip


def _foreign(folder: Path) -> str | None:
    """A file in ``folder`` that is not ours; None if all are (an empty folder is ours to take)."""
    held = held_files(folder)
    manifest = manifest_of(folder)
    if manifest is None:
        return held[0] if held else None
    listed = set(manifest["files"]) | ADDED_LATER
    return next((name for name in held if name not in listed), None)


@contextlib.contextmanager
def whole_folder(out: Path, kind: str, facts: dict[str, Any], force: bool = False) -> Iterator[Path]:
    """A folder to fill that becomes ``out`` when the block ends well, and vanishes when it does not.

    ``facts`` are written into the manifest as they are when the block ends, with kind, files and seal.

    Raises:
        InputError: the output is not free, or cannot be written (no space, no permission).
    """
    check_free(out, force)
    target = out.absolute()
    remove_abandoned(target)
    part: Path | None = None
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        part.chmod(0o755)
        with claimed(part):
            yield part
        files = {name: file_digest(part / name) for name in held_files(part)}
        manifest = {**facts, "made_by": "neurosim", "kind": kind, "files": files}
        (part / MARKER).write_bytes(_sealed(manifest))
        _move(part, target, force)
    except OSError as error:
        if error.errno in _TAKEN and str(error.filename2) == str(target):
            raise InputError(
                "the output exists", code="output-exists", where=str(out),
                hint="another run made it in the meantime; choose another output",
            ) from error  # fmt: skip
        if part is None or error.errno in _WRITING or str(error.filename).startswith(str(part)):
            raise unwritable(out, error) from error
        raise
    except InputError as error:
        if part is not None and error.where is not None and error.where.startswith(str(part)):
            raise InputError(error.what, code=error.code, where=str(out), hint=error.hint) from error
        raise
    finally:
        if part is not None:
            shutil.rmtree(part, ignore_errors=True)


def _move(part: Path, out: Path, force: bool) -> None:
    """Put ``part`` in the place of ``out``; an old folder is removed last, or put back.

    Without force a folder that somebody made in the meantime is not replaced: the system refuses.
    """
    if not (force and out.exists()):
        os.rename(part, out)
        return
    old = part.with_name(part.name.removesuffix(".part") + ".old")
    with contextlib.suppress(FileNotFoundError):  # another run with force has just moved it
        os.rename(out, old)
    try:
        os.rename(part, out)
    except BaseException as error:
        if isinstance(error, OSError) and error.errno in _TAKEN:  # by another run with force
            shutil.rmtree(old, ignore_errors=True)
        elif old.exists():
            os.rename(old, out)
        raise
    shutil.rmtree(old, ignore_errors=True)


def unwritable(path: Path, error: OSError) -> InputError:
    """What a failed write means to a user."""
    return InputError(f"cannot write: {error.strerror or error}", code="output-unwritable", where=str(path))


def save_file(value: Any, out: Path, force: bool) -> None:
    """Save one artefact at ``out``; an existing file is replaced only by force and if it is an artefact.

    Raises:
        InputError: the file exists, is not ours, or cannot be written.
    """
    check_file_free(out, force)
    store.save(value, out)


def check_file_free(out: Path, force: bool) -> None:
    """Refuse an output file that exists (unless forced and one of ours) or has no parent."""
    if not out.parent.is_dir() or (out.exists() and not force):
        check_free(out, force=False)
    if out.exists():
        try:
            store.type_of(out)
        except InputError as error:
            raise InputError(
                "the output exists and this program did not make it", code="output-foreign",
                where=str(out), hint="--force replaces only artefacts of this program",
            ) from error  # fmt: skip
