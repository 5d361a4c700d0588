"""Output folders and files that are whole or absent, and that replace only what this program made.

Everything is written into a hidden folder beside the target, which is then renamed.  ``manifest.json``
in each folder says what kind it is and which files belong to it; without one of ours, or with files
in it that are not ours, a folder is never replaced.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from neurosim import store
from neurosim.errors import InputError

MARKER = "manifest.json"
KIND_TEXT = {"mapping": "a mapping (made by `map`)", "run": "a run (made by `run`)", "demo": "a demo"}
ADDED_LATER = frozenset({MARKER, "report.html"})
"""Files that our folders may hold besides the listed ones."""
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
    return content if isinstance(content, dict) and content.get("made_by") == "neurosim" else None


def require_kind(folder: Path, *kinds: str) -> dict[str, Any]:
    """The manifest of ``folder``, which must be one of ``kinds``.

    Raises:
        InputError: no such folder, not made by this program, of another kind, or not whole.
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
    missing = [name for name in manifest.get("files", []) if not (folder / name).is_file()]
    if missing:
        raise InputError(
            f"a file of the folder is missing: {missing[0]}", code="folder-incomplete", where=str(folder),
            hint="make the folder again",
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
    held = sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if not p.is_dir())
    manifest = manifest_of(folder)
    if manifest is None:
        return held[0] if held else None
    listed = set(manifest.get("files", ())) | ADDED_LATER
    return next((name for name in held if name not in listed), None)


@contextlib.contextmanager
def whole_folder(out: Path, kind: str, facts: dict[str, Any], force: bool = False) -> Iterator[Path]:
    """A folder to fill that becomes ``out`` when the block ends well, and vanishes when it does not.

    ``facts`` are written into the manifest as they are when the block ends, with kind, version and files.

    Raises:
        InputError: the output is not free, or cannot be written (no space, no permission).
    """
    check_free(out, force)
    target = out.absolute()
    part: Path | None = None
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
        part.chmod(0o755)
        yield part
        files = sorted(p.relative_to(part).as_posix() for p in part.rglob("*") if p.is_file())
        manifest = {**facts, "made_by": "neurosim", "kind": kind, "files": files}
        (part / MARKER).write_bytes(as_json(manifest))
        _move(part, target, force)
    except OSError as error:
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
    os.rename(out, old)
    try:
        os.rename(part, out)
    except BaseException:
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
