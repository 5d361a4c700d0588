"""Reads an adapter file; every mistake in it, also those found later, gets its line and column.

Uses the reader, the messages and the error of the chip description's loader (``neurosim/chip``); the codes
begin with ``adapter-`` here.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path as FilePath
from typing import Any

from pydantic import ValidationError

from neurosim.chip.loader import read_text
from neurosim.chip.problems import fail, from_validation
from neurosim.chip.schema import Schema
from neurosim.chip.tree import Entry, Node, Path, Problem, nearest, read_tree
from neurosim.errors import InputError, did_you_mean
from rtl_models.dut.adapter import Adapter


@dataclass(frozen=True)
class Loaded:
    """An adapter and where its parts stand; ``path`` is the file, names in it are relative to ``folder``."""

    adapter: Adapter
    root: Node
    path: FilePath

    @property
    def folder(self) -> FilePath:
        """The adapter file's folder."""
        return self.path.parent

    def error(
        self, at: Path, what: str, code: str, expected: str | None = None, got: str | None = None,
        hint: str | None = None,
    ) -> InputError:  # fmt: skip
        """The error to raise for a mistake in the part ``at``."""
        found = nearest(self.root, at)
        mark = _value(found).mark
        problem = Problem(mark, what, f"adapter-{code}", expected, got, hint)
        return fail([problem], str(self.path))

    def file(self, at: Path, name: str) -> FilePath:
        """The file ``name`` of the part ``at``.

        Raises:
            InputError: there is none.
        """
        path = self.folder / name
        if not path.is_file():
            near = did_you_mean(name, [p.name for p in self.folder.iterdir()])
            expected = f"a file in {self.folder}"
            raise self.error(at, f"no file '{name}'", "no-file", expected=expected, hint=near)
        return path


def _value(found: Entry | Node) -> Node:
    return found.node if isinstance(found, Entry) else found


def load_adapter(path: FilePath) -> Loaded:
    """Read the adapter file ``path``.

    Raises:
        InputError: unreadable, not YAML, or mistakes in it (with their positions; up to five are shown).
    """
    text, where = read_text(path, subject="adapter"), str(path)
    try:
        root, problems = read_tree(text, where, "adapter", "'design:' and 'ports:'")
    except InputError as error:
        raise InputError(
            error.what, code=_code(error.code), where=error.where, expected=error.expected, got=error.got,
            hint=error.hint,
        ) from None  # fmt: skip
    adapter = None
    if not problems:
        try:
            adapter = Adapter.model_validate(_plain(root))
        except ValidationError as error:
            problems = from_validation(error, root, schema=_schema())
    if adapter is None:
        raise fail(_renamed(problems), where)
    return Loaded(adapter, root, path)


@cache
def _schema() -> Schema:
    return Adapter.model_json_schema()


def _plain(node: Node) -> Any:
    if isinstance(node.value, dict):
        return {key: _plain(entry.node) for key, entry in node.value.items()}
    if isinstance(node.value, tuple):
        return tuple(_plain(item) for item in node.value)
    return node.value


def _code(code: str) -> str:
    return code.replace("chip-", "adapter-", 1)


def _renamed(problems: Sequence[Problem]) -> list[Problem]:
    """Our codes; a list that is "too short" only because its items are wrong is not reported too."""
    kept = [p for p in problems if p.code != "chip-length" or p.got == "an empty list"]
    return [dataclasses.replace(problem, code=_code(problem.code)) for problem in kept]
