"""Loads chip descriptions: YAML 1.2 file, text or preset -> :class:`~neurosim.chip.models.Chip`.

The steps are in the modules beside this one: ``tree`` (text with positions), ``provenance`` (sources
of numbers), ``models`` (ranges and consistency), ``problems`` (messages), ``dump`` (back to text).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from neurosim.chip.catalogue import preset_names, preset_path
from neurosim.chip.dump import chip_digest, dump_chip
from neurosim.chip.models import Chip, Provenance
from neurosim.chip.problems import fail, from_validation
from neurosim.chip.provenance import DEFAULT, Split, numeric_leaves, split
from neurosim.chip.tree import Node, Path, Problem, dotted, read_tree, tree_of
from neurosim.errors import InputError, did_you_mean

__all__ = ["chip_digest", "dump_chip", "edit_chip", "load_chip", "load_chip_text"]


def load_chip(name_or_path: str | FilePath) -> Chip:
    """Load a preset by its name, or a chip file by its path.

    A text without a path separator and without ``.yaml``/``.yml`` at its end is a preset's name.

    Raises:
        InputError: unknown preset, unreadable file, or mistakes in it (with their positions).
    """
    if isinstance(name_or_path, str) and _is_name(name_or_path):
        path = preset_path(name_or_path)
        return load_chip_text(path.read_text(encoding="utf-8"), f"presets/{path.name}")
    return load_chip_text(read_text(FilePath(name_or_path), _preset_hint), str(name_or_path))


def _is_name(text: str) -> bool:
    return not ("/" in text or "\\" in text or text.endswith((".yaml", ".yml")))


def read_text(
    path: FilePath, missing_hint: Callable[[FilePath], str] | None = None, subject: str = "chip"
) -> str:
    """The text of a ``subject`` file; ``missing_hint`` says what may have been meant if there is none.

    Raises:
        InputError: no such file, a folder, unreadable, or not UTF-8.
    """
    if path.is_dir():
        article = "an" if subject[0] in "aeiou" else "a"
        raise InputError(
            f"a folder, not {article} {subject} file", code="file-is-a-folder", where=str(path),
            expected="the path of a .yaml file",
        )  # fmt: skip
    try:
        data = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(
            "no such file", code="file-missing", where=str(path),
            hint=missing_hint(path) if missing_hint else None,
        ) from error
    except OSError as error:
        raise InputError(
            f"cannot read: {error.strerror or error}", code="file-unreadable", where=str(path)
        ) from error
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError(
            "not UTF-8 text", code="file-not-utf8", where=f"{path}:{line}",
            got=f"byte 0x{data[error.start]:02x}", hint="save the file as UTF-8",
        ) from error  # fmt: skip


def _preset_hint(path: FilePath) -> str:
    near = did_you_mean(path.stem, preset_names())
    return f"{near} (a preset needs no .yaml)" if near else "presets: " + ", ".join(preset_names())


def load_chip_text(text: str, where: str) -> Chip:
    """Load a chip description from YAML text; ``where`` names it in messages.

    Raises:
        InputError: with the first mistake's parts and the texts of up to five.
    """
    root, problems = read_tree(text, where)
    if problems:
        raise fail(problems, where)
    parts = split(root)
    problems = [*parts.problems, *_note_problems(parts, root)]
    chip = None
    try:
        chip = Chip.model_validate(parts.plain)
    except ValidationError as error:
        problems += from_validation(error, root)
    if not problems:
        problems = _uncovered(parts)
    if problems or chip is None:
        raise fail(problems, where)
    return _with_provenance(chip, parts)


def _note_problems(parts: Split, root: Node) -> list[Problem]:
    """Mistakes inside the provenances themselves."""
    problems: list[Problem] = []
    for note in parts.all_notes:
        try:
            Provenance.model_validate(note.plain)
        except ValidationError as error:
            problems += from_validation(error, root, note.path)
    return problems


def _uncovered(parts: Split) -> list[Problem]:
    return [
        Problem(
            mark, f"number '{dotted(path)}' has no source", "chip-no-provenance",
            expected="{value, evidence, source}, or 'provenance' in a section around it",
        )
        for path, mark in parts.uncovered
    ]  # fmt: skip


def _with_provenance(chip: Chip, parts: Split) -> Chip:
    """``chip`` with the provenance of every number, given or default."""
    known = {
        dotted(path): Provenance.model_validate(note.plain) for path, note in parts.notes.items()
    }
    for path, _ in numeric_leaves(chip):
        known.setdefault(dotted(path), DEFAULT)
    return chip.model_copy(update={"provenance": dict(sorted(known.items()))})


def edit_chip(chip: Chip, changes: Mapping[str, Any], source: str = "set in Python") -> Chip:
    """A validated copy of ``chip`` with values at dotted paths replaced.

    ``edit_chip(chip, {"router.buffer_flits": 2, "host": None})``.  Sections are given as dicts, lists
    as lists or tuples.  New numbers are marked assumed, with ``source``.

    Raises:
        InputError: no such key, or the chip that results is not valid.
    """
    where = f"edit of chip '{chip.name}'"
    plain = chip.model_dump(exclude={"provenance"})
    for name, value in changes.items():
        _put(plain, name, _tuples(value), where)
    try:
        edited = Chip.model_validate(_tuples(plain))
    except ValidationError as error:
        first = from_validation(error, tree_of(plain))[0]
        raise InputError(
            first.what, code="chip-edit", where=where, expected=first.expected, got=first.got, hint=first.hint
        ) from error
    touched = Provenance(evidence="assumed", source=source)
    known = {
        dotted(path): touched if _is_changed(path, changes) else chip.provenance.get(dotted(path), DEFAULT)
        for path, _ in numeric_leaves(edited)
    }
    return edited.model_copy(update={"provenance": dict(sorted(known.items()))})


def _put(plain: dict[str, Any], name: str, value: Any, where: str) -> None:
    here: Any = plain
    *parents, last = name.split(".")
    for part in parents:
        if isinstance(here, dict) and part not in here:
            raise InputError(
                f"no section '{part}' for '{name}'", code="chip-edit", where=where,
                expected=None if did_you_mean(part, here) else "one of " + ", ".join(here),
                hint=did_you_mean(part, here),
            )  # fmt: skip
        here = here[part] if isinstance(here, dict) else None
    if not isinstance(here, dict):
        raise InputError(
            f"no section for '{name}'", code="chip-edit", where=where, hint="give the whole section"
        )
    here[last] = value


def _tuples(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _tuples(inner) for key, inner in value.items()}
    return tuple(_tuples(inner) for inner in value) if isinstance(value, (list, tuple)) else value


def _is_changed(path: Path, changes: Mapping[str, Any]) -> bool:
    return any(dotted(path[:length]) in changes for length in range(1, len(path) + 1))
