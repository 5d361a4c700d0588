"""Provenance: where every number of a chip description comes from.

Reads the tree of a YAML file and splits it into the plain structure that the models validate and
the notes on its numbers.  A note stands beside one value (``{value, evidence, source, conditions}``)
or, as key ``provenance``, at a section for all plain numbers in it and below; the nearer one wins.
Prices and checks in ``energy`` carry their own evidence and are left alone.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from neurosim.chip.models import Chip, Provenance
from neurosim.chip.tree import Entry, Mark, Node, Path, Problem, dotted

DEFAULT = Provenance(evidence="assumed", source="not given in the file: default of the chip description")
"""Provenance of a number that the file leaves out."""

_NOTE_KEYS = ("evidence", "source", "conditions")


@dataclass(frozen=True)
class Note:
    """A provenance as it stands in the file, not yet validated."""

    path: Path
    plain: dict[str, Any]


@dataclass
class Split:
    """What :func:`split` finds: the plain structure, the note of each value, mistakes."""

    plain: dict[str, Any] = field(default_factory=dict)
    notes: dict[Path, Note] = field(default_factory=dict)
    all_notes: list[Note] = field(default_factory=list)
    uncovered: list[tuple[Path, Mark]] = field(default_factory=list)
    problems: list[Problem] = field(default_factory=list)


def split(root: Node) -> Split:
    """Take the notes out of a file's tree."""
    out = Split()
    out.plain = _mapping(root, (), None, out)
    return out


def _mapping(node: Node, path: Path, above: Note | None, out: Split) -> dict[str, Any]:
    assert isinstance(node.value, dict)
    entries = dict(node.value)
    inherited = above
    if path[:1] != ("energy",) and "provenance" in entries:
        inherited = _note(entries.pop("provenance"), path, out) or above
    plain: dict[str, Any] = {}
    for key, entry in entries.items():
        plain[key] = _value(entry.node, (*path, key), inherited, False, out)
    return plain


def _value(node: Node, path: Path, note: Note | None, own: bool, out: Split) -> Any:
    """The plain value of ``node``; ``own`` says that ``note`` was written beside this very value."""
    if isinstance(node.value, dict):
        if path[:1] != ("energy",) and "value" in node.value and not own:
            return _annotated(node, path, out)
        return _mapping(node, path, note, out)
    if isinstance(node.value, tuple):
        return tuple(_value(item, (*path, i), note, own, out) for i, item in enumerate(node.value))
    if path[:1] != ("energy",) and path != ("schema_version",):
        if note is not None and (own or is_number(node.value)):
            out.notes[path] = note
        elif is_number(node.value):
            out.uncovered.append((path, node.mark))
    return node.value


def _annotated(node: Node, path: Path, out: Split) -> Any:
    assert isinstance(node.value, dict)
    entries = dict(node.value)
    value = entries.pop("value").node
    if isinstance(value.value, dict):
        out.problems.append(
            Problem(
                value.mark, f"'{dotted(path)}' has a section as its value", "chip-wrong-type",
                hint="give a whole section its source with a key 'provenance' in it",
            )
        )
    note = Note(path, {key: _bare(entry.node) for key, entry in entries.items()})
    out.all_notes.append(note)
    return _value(value, path, note, True, out)


def _note(entry: Entry, path: Path, out: Split) -> Note | None:
    if not isinstance(entry.node.value, dict):
        out.problems.append(
            Problem(
                entry.mark, f"'{dotted((*path, 'provenance'))}' has the wrong type", "chip-wrong-type",
                "a section with evidence, source and conditions", None,
            )
        )
        return None
    plain = {key: _bare(inner.node) for key, inner in entry.node.value.items()}
    note = Note((*path, "provenance"), plain)
    out.all_notes.append(note)
    return note


def _bare(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _bare(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(_bare(item) for item in node.value)
    return node.value


def is_number(value: Any) -> bool:
    """Whether a value needs a source: int or float, but not true or false."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Every scalar below ``value`` (sections as dicts, lists as tuples or lists) with its path."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, (*path, key))
    elif isinstance(value, (tuple, list)):
        for index, inner in enumerate(value):
            yield from leaves(inner, (*path, index))
    else:
        yield path, value


def numeric_leaves(chip: Chip) -> list[tuple[Path, int | float]]:
    """Path and value of every plain number of a chip: all of them have a provenance.

    ``schema_version`` and the figures of ``energy`` are not among them.
    """
    plain = chip.model_dump(exclude={"schema_version", "energy", "provenance"})
    return [(path, value) for path, value in leaves(plain) if is_number(value)]
