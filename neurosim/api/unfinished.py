"""Marks the hidden folders in which outputs are made, and removes those that a killed process left behind.

While a folder is being filled it holds a marker file that its process keeps locked; the system drops the
lock when the process ends, however that happens.  A folder with our marker that nobody locks is abandoned.
Where files cannot be locked (Windows) nothing is ever removed.  The same locks keep two processes from
working on one checkpoint.
"""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

try:
    import fcntl
except ImportError:  # pragma: no cover - Windows
    fcntl = None  # type: ignore[assignment]

MARKER = ".neurosim-unfinished"
_CONTENT = b"neurosim is writing here\n"


@contextlib.contextmanager
def claimed(part: Path) -> Iterator[None]:
    """Holds the folder ``part`` as this process's; afterwards the marker is gone."""
    marker = part / MARKER
    handle = os.open(marker, os.O_CREAT | os.O_WRONLY, 0o644)
    try:
        if fcntl is not None:
            with contextlib.suppress(OSError):  # a file system without locks: others see it as unlocked,
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                os.write(handle, _CONTENT)  # but without this text, so they leave it alone
        yield
        marker.unlink(missing_ok=True)
    finally:
        os.close(handle)


def mark_abandoned(part: Path) -> None:
    """Mark a folder that is about to be removed as one that nobody needs."""
    (part / MARKER).write_bytes(_CONTENT)


@contextlib.contextmanager
def locked(file: Path) -> Iterator[bool]:
    """Holds an existing file as this process's; False if another has it.  Without locks it is nobody's."""
    if fcntl is None:
        yield True
        return
    handle = os.open(file, os.O_RDONLY)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        except OSError:  # a file system without locks
            yield True
        else:
            yield True
    finally:
        os.close(handle)


def remove_abandoned(target: Path) -> None:
    """Remove what killed processes left of earlier attempts to make ``target``; never fails."""
    if fcntl is None:
        return
    with contextlib.suppress(OSError):
        for name in sorted(os.listdir(target.parent)):
            part = target.parent / name
            is_named = name.startswith(f".{target.name}.") and name.endswith(".part")
            if is_named and not part.is_symlink() and _is_abandoned(part):
                shutil.rmtree(part, ignore_errors=True)


def _is_abandoned(part: Path) -> bool:
    """Whether ``part`` has our marker, and nobody holds it."""
    try:
        handle = os.open(part / MARKER, os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError:
        return False
    try:
        if os.read(handle, len(_CONTENT) + 1) != _CONTENT:
            return False
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(handle)
    return True
