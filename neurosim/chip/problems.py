"""Turns mistakes in a chip file into one InputError that shows up to five of them, with positions.

Reads pydantic's errors and the file's tree; every message names the key, its place in the file, what
the schema expects there and what stands there instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from neurosim.chip.schema import Schema, expected_text, schema_at
from neurosim.chip.tree import Entry, Mark, Node, Path, Problem, dotted, find, nearest, show
from neurosim.errors import InputError, did_you_mean

MOST_SHOWN = 5
_NOTE: Path = ("provenance", "any")  # where the schema describes a provenance


class ChipFileError(InputError):
    """Mistakes in a chip file: the first one's parts, and the texts of the others."""

    def __init__(self, first: Problem, others: Sequence[Problem], where: str) -> None:
        self.others = tuple(_single(problem, where) for problem in others)
        super().__init__(
            first.what, code=first.code, where=_place(first, where), expected=first.expected,
            got=first.got, hint=first.hint,
        )  # fmt: skip

    def text(self) -> str:
        """All mistakes that are shown, one after the other, and how many are not."""
        texts = [super().text(), *(other.text() for other in self.others[: MOST_SHOWN - 1])]
        hidden = len(self.others) - (MOST_SHOWN - 1)
        if hidden > 0:
            texts.append(f"and {hidden} more mistake{'s' if hidden > 1 else ''}")
        return "\n".join(texts)


def _place(problem: Problem, where: str) -> str:
    return f"{where}:{problem.mark.line}:{problem.mark.column}"


def _single(problem: Problem, where: str) -> InputError:
    return InputError(
        problem.what, code=problem.code, where=_place(problem, where), expected=problem.expected,
        got=problem.got, hint=problem.hint,
    )  # fmt: skip


def fail(problems: Sequence[Problem], where: str) -> ChipFileError:
    """The error to raise for one or more problems, shown in file order."""
    once = {(problem.mark, problem.code): problem for problem in reversed(problems)}.values()
    ordered = sorted(once, key=lambda problem: (problem.mark.line, problem.mark.column, problem.what))
    return ChipFileError(ordered[0], ordered[1:], where)


def from_validation(
    error: ValidationError, root: Node, base: Path = (), schema: Schema | None = None
) -> list[Problem]:
    """The problems behind pydantic's errors; ``base`` is where the validated part stands in the file.

    ``schema`` is that of the whole file, the chip description's unless given.

    Missing keys of one section become one problem, and a key that is only misspelt is not reported
    as missing too.
    """
    missing: dict[Path, list[Path]] = {}
    problems, misspelt = [], set()
    for details in error.errors(include_url=False):
        path = (*base, *details["loc"])
        if details["type"] == "missing" and isinstance(path[-1], str):
            missing.setdefault(path[:-1], []).append(path)
            continue
        problem = _translate(dict(details), root, base, schema)
        if problem.code == "chip-unknown-key" and problem.hint:
            misspelt.add((path[:-1], problem.hint))
        problems.append(problem)
    for section, paths in missing.items():
        paths = [path for path in paths if (section, f"did you mean '{path[-1]}'?") not in misspelt]
        if paths:
            problems.append(_missing_keys(root, section, paths, len(base), schema))
    return problems


def _translate(details: dict[str, Any], root: Node, base: Path, schema: Schema | None) -> Problem:
    loc: Path = tuple(part for part in details["loc"] if part != "[key]")
    path, kind = (*base, *loc), details["type"]
    if kind == "misfit":
        return _misfit(details["ctx"], root, path)
    schema_path = (*_NOTE, *loc) if base else loc
    if details["loc"][-1:] == ("[key]",):
        choices = schema_at(schema_path[:-1], schema).get("propertyNames", {}).get("enum", [])
        return _unknown_key(root, path, choices)
    if kind == "extra_forbidden":
        known = schema_at(schema_path[:-1], schema).get("properties", {})
        return _unknown_key(root, path, list(known))
    if kind in ("missing", "too_short", "too_long"):
        cut = -1 if kind == "missing" else None
        asked = schema_at(schema_path[:cut], schema)
        return _bad_value(root, path[:cut], asked, "has the wrong length", "chip-length")
    what, code = {
        "greater_than_equal": ("is out of range", "chip-out-of-range"),
        "less_than_equal": ("is out of range", "chip-out-of-range"),
        "literal_error": ("has an unknown value", "chip-bad-choice"),
        "string_pattern_mismatch": ("has a character that is not allowed", "chip-bad-name"),
        "string_too_short": ("is empty", "chip-empty-text"),
    }.get(kind, ("has the wrong type", "chip-wrong-type"))
    return _bad_value(root, path, schema_at(schema_path, schema), what, code)


def _misfit(context: dict[str, Any], root: Node, path: Path) -> Problem:
    found = _named(root, path, context["path"])
    got = context.get("got")
    if context.get("first") is not None:
        line = _named(root, path, context["first"]).mark.line
        said = [got, f"the first is in line {line}" if line else None]  # 0: there is no file
        got = "; ".join(text for text in said if text)
    return Problem(
        found.mark, context["message"], "chip-inconsistent", context.get("expected"), got, context["hint"]
    )


def _named(root: Node, path: Path, inner: str) -> Entry | Node:
    parts = tuple(int(part) if part.isdigit() else part for part in inner.split("."))
    return nearest(root, (*path, *parts))


def _section(path: Path) -> str:
    return f"in '{dotted(path)}'" if path else "at the top level"


def _unknown_key(root: Node, path: Path, known: Sequence[str]) -> Problem:
    key = str(path[-1])
    hint = did_you_mean(key, known)
    return Problem(
        nearest(root, path).mark, f"unknown key {show(key)} {_section(path[:-1])}", "chip-unknown-key",
        expected=None if hint else "one of " + ", ".join(known), hint=hint,
    )  # fmt: skip


def _missing_keys(
    root: Node, section: Path, paths: list[Path], n_base: int, schema: Schema | None
) -> Problem:
    mark = nearest(root, section).mark if section else Mark(1, 1)
    names = ", ".join(f"'{path[-1]}'" for path in paths)
    schema_path = (*_NOTE, *paths[0][n_base:]) if n_base else paths[0]
    return Problem(
        mark, f"missing key{'s' if len(paths) > 1 else ''} {names} {_section(section)}", "chip-missing-key",
        expected=expected_text(schema_at(schema_path, schema)) if len(paths) == 1 else None,
    )  # fmt: skip


def _bad_value(root: Node, path: Path, schema: Schema, what: str, code: str) -> Problem:
    found = _value_node(root, path)
    value = found.value
    hint = did_you_mean(value, schema["enum"]) if isinstance(value, str) and "enum" in schema else None
    return Problem(
        found.mark, f"'{dotted(path)}' {what}", code, expected_text(schema), show(value), hint
    )


def _value_node(root: Node, path: Path) -> Node:
    """The value at ``path``, out of its ``{value: ...}`` if it has one."""
    found = find(root, path)
    if found is None:  # a list item in an annotated list: look inside the annotation
        for length in range(len(path) - 1, 0, -1):
            found = find(root, (*path[:length], "value", *path[length:]))
            if found is not None:
                break
    node = _node_of(found if found is not None else nearest(root, path))
    if isinstance(node.value, dict) and "value" in node.value and path[:1] != ("energy",):
        node = node.value["value"].node
    return node


def _node_of(found: Entry | Node) -> Node:
    return found.node if isinstance(found, Entry) else found
