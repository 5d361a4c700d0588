"""Reads YAML text into a tree of plain values that remember their line and column.

Reads one YAML 1.2 document; writes nothing.  ruamel.yaml parses, up to its node graph (its
round-trip mode would leave marks in folded texts); the nodes are turned into values here, so that
every key and every value, also inside lists and flow mappings, has its own position.  What a chip
description has no use for is refused: tags, repeated keys, keys that are not text, numbers that are
not finite.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from neurosim.errors import InputError

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]

_MAX_DEPTH = 30
_MAX_NODES = 100_000
_TAG = "tag:yaml.org,2002:"


@dataclass(frozen=True)
class Mark:
    """A position in the file; both count from 1, and are 0 where there is no file."""

    line: int
    column: int


@dataclass(frozen=True)
class Problem:
    """One mistake and where it is; :func:`neurosim.chip.problems.fail` makes the error of it."""

    mark: Mark
    what: str
    code: str
    expected: str | None = None
    got: str | None = None
    hint: str | None = None


@dataclass(frozen=True)
class Node:
    """A value with its position: a scalar, a tuple of nodes or a dict of key -> :class:`Entry`."""

    mark: Mark
    value: Scalar | tuple[Node, ...] | dict[str, Entry]


@dataclass(frozen=True)
class Entry:
    """One key of a mapping: where the key stands, and its value."""

    mark: Mark
    node: Node


def dotted(path: Path) -> str:
    """``core.weight_bits.0``; the empty path is the whole description."""
    return ".".join(str(part) for part in path)


def find(root: Node, path: Path) -> Entry | Node | None:
    """The entry or list item at ``path``, or None if the file does not have it."""
    here: Entry | Node = root
    for part in path:
        value = here.node.value if isinstance(here, Entry) else here.value
        if isinstance(value, dict) and part in value:
            here = value[str(part)]
        elif isinstance(value, tuple) and isinstance(part, int) and part < len(value):
            here = value[part]
        else:
            return None
    return here


def nearest(root: Node, path: Path) -> Entry | Node:
    """What stands at ``path``, or at its longest beginning that the file has."""
    for length in range(len(path), 0, -1):
        found = find(root, path[:length])
        if found is not None:
            return found
    return root


def tree_of(value: Any) -> Node:
    """Plain values (dicts, lists or tuples, scalars) as a tree; there is no file, every mark is 0:0."""
    mark = Mark(0, 0)
    if isinstance(value, dict):
        return Node(mark, {str(key): Entry(mark, tree_of(inner)) for key, inner in value.items()})
    if isinstance(value, (tuple, list)):
        return Node(mark, tuple(tree_of(inner) for inner in value))
    return Node(mark, value)


def printable(text: str) -> str:
    """``text`` with control characters and halves of surrogate pairs as escapes."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def show(value: Any) -> str:
    """A value as a message quotes it: ``'text'``, ``true``, ``3.5``, ``a section``."""
    if isinstance(value, dict):
        keys = ", ".join(sorted(map(str, value)))
        return f"a section with the keys {keys}" if keys else "an empty section"
    if isinstance(value, (tuple, list)):
        return f"a list of {len(value)}" if value else "an empty list"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        value = printable(value)
        return f"'{value}'" if len(value) <= 60 else f"'{value[:57]}...'"
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."


def read_tree(
    text: str, where: str, subject: str = "chip description", keys: str = "'name:' and 'mesh:'"
) -> tuple[Node, list[Problem]]:
    """Parse ``text``; messages call it ``subject`` and name some of the ``keys`` that it should have.

    Returns:
        the root (a mapping) and the mistakes that do not stop the reading, in file order.

    Raises:
        InputError: not YAML, empty, several documents, or not a mapping; ``where`` names the file.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError

    try:
        graph = YAML(typ="safe", pure=True).compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _syntax(f"{where}:{mark.line + 1}:{mark.column + 1}", str(error.problem)) from error
    except YAMLError as error:
        raise _syntax(where, str(error).splitlines()[0].split(": special")[0]) from error
    except (RecursionError, ValueError, AttributeError) as error:
        raise _syntax(where, "nested too deeply, or not YAML at all") from error
    if graph is None:
        raise InputError(f"the {subject} is empty", code="chip-empty", where=where)
    builder = _Builder()
    root = builder.node(graph, 0)
    if not isinstance(root.value, dict):
        raise InputError(
            f"{'an' if subject[0] in 'aeiou' else 'a'} {subject} is a mapping of sections",
            code="chip-not-a-mapping",
            where=f"{where}:{root.mark.line}:{root.mark.column}",
            expected=f"keys such as {keys}",
            got=show(root.value),
        )
    return root, sorted(builder.problems, key=lambda p: (p.mark.line, p.mark.column))


def _syntax(where: str, problem: str) -> InputError:
    return InputError(
        f"not valid YAML: {problem}",
        code="chip-yaml",
        where=where,
        hint="check indentation (spaces, not tabs), quotes and brackets near here",
    )


class _Builder:
    """Turns ruamel's nodes into ours and collects problems on the way."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.count = 0
        self.stopped = False

    def node(self, raw: Any, depth: int) -> Node:
        mark = Mark(raw.start_mark.line + 1, raw.start_mark.column + 1)
        self.count += 1
        if not self.stopped and (depth > _MAX_DEPTH or self.count > _MAX_NODES):
            self.stopped = True
            self._add(mark, "nested too deeply or too large", "chip-too-deep")
        if self.stopped:
            return Node(mark, None)
        tag = str(raw.tag)
        kind = tag.removeprefix(_TAG) if tag.startswith(_TAG) else None
        if kind == "map" and isinstance(raw.value, list):
            return Node(mark, dict(self._entries(raw.value, depth)))
        if kind == "seq" and isinstance(raw.value, list):
            return Node(mark, tuple(self.node(item, depth + 1) for item in raw.value))
        if kind in ("str", "int", "float", "bool", "null", "timestamp", "merge", "value"):
            return Node(mark, self._scalar(kind, str(raw.value), mark))
        self._add(mark, "YAML tags have no meaning here", "chip-tag", got=tag, hint="leave the tag out")
        return Node(mark, None)

    def _entries(self, pairs: list[tuple[Any, Any]], depth: int) -> Iterator[tuple[str, Entry]]:
        seen: dict[str, Mark] = {}
        for raw_key, raw_value in pairs:
            mark = Mark(raw_key.start_mark.line + 1, raw_key.start_mark.column + 1)
            if not isinstance(raw_key.value, str):
                self._add(mark, "a key must be text", "chip-wrong-type")
                continue
            key = self._text(raw_key.value, mark)
            if key in seen:
                first = seen[key]
                self._add(
                    mark, f"key {show(key)} stands twice in the same section", "chip-duplicate-key",
                    got=f"the first is in line {first.line}",
                )  # fmt: skip
                continue
            seen[key] = mark
            yield key, Entry(mark, self.node(raw_value, depth + 1))

    def _scalar(self, kind: str, text: str, mark: Mark) -> Scalar:
        if kind == "null":
            return None
        if kind == "bool":
            return text.lower() == "true"
        if kind not in ("int", "float"):
            return self._text(text, mark)
        try:
            number = _whole(text) if kind == "int" else float(text.replace("_", ""))
        except ValueError:  # .inf, .nan, or more digits than Python reads
            number = math.inf
        if isinstance(number, float) and not math.isfinite(number):
            shown = text if len(text) <= 30 else f"{text[:27]}..."
            self._add(mark, "not a finite number", "chip-not-finite", "a number, or null if unknown", shown)
            return 0
        return number

    def _text(self, text: str, mark: Mark) -> str:
        if any("\ud800" <= letter <= "\udfff" for letter in text):
            self._add(mark, "text with half of a surrogate pair", "chip-bad-text", got=show(text))
        return text

    def _add(
        self, mark: Mark, what: str, code: str, expected: str | None = None, got: str | None = None,
        hint: str | None = None,
    ) -> None:  # fmt: skip
        self.problems.append(Problem(mark, what, code, expected, got, hint))


def _whole(text: str) -> int:
    """A whole number of YAML 1.2: decimal, ``0x``, ``0o`` or ``0b``, with ``_`` between digits."""
    digits = text.replace("_", "")
    body = digits.lstrip("+-").lower()
    base = {"0x": 16, "0o": 8, "0b": 2}.get(body[:2], 10)
    return int(digits, base)
