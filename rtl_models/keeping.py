"""Logs that outlive the folder in which a tool ran: an error that names one names its copy."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

from neurosim.errors import NeurosimError


def names_a_log(error: NeurosimError, work: Path) -> bool:
    """Whether ``error`` names a file in ``work``."""
    where = None if error.where is None else Path(error.where)
    return where is not None and where.is_relative_to(work) and where.is_file()


def with_log(
    error: NeurosimError, work: Path, place: Path, beside: Sequence[str] = ()
) -> NeurosimError:
    """``error`` with the log that it names in ``work`` copied to ``place``; itself if it names none.

    ``beside``: files that are copied too if they are beside the log.
    """
    if not names_a_log(error, work):
        return error
    log = Path(str(error.where))
    place.mkdir(parents=True, exist_ok=True)
    for path in (log, *(log.parent / name for name in beside)):
        if path.is_file():
            shutil.copyfile(path, place / path.name)
    parts = {name: getattr(error, name) for name in ("code", "expected", "got", "hint")}
    return type(error)(error.what, where=str(place / log.name), **parts)
