"""Plug-ins: engines and importers are found by name through standard entry points.

Groups ``neurosim.engines`` and ``neurosim.importers``; the built-in ones are registered in the same way,
in ``pyproject.toml``.  A package adds its own by listing an object under one of these groups.
"""

from __future__ import annotations

from collections.abc import Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from neurosim.errors import InputError, did_you_mean

DISTRIBUTION = "neurosim-cycle"
ENGINES = "neurosim.engines"
IMPORTERS = "neurosim.importers"
GROUPS = {ENGINES: "engine", IMPORTERS: "importer"}


def available(group: str) -> dict[str, metadata.EntryPoint]:
    """Entry points of ``group`` by name, sorted.

    Raises:
        InputError: two packages registered the same name.
    """
    return _by_name(group, _entry_points(group))


def load(group: str, name: str) -> Any:
    """The object registered as ``name`` in ``group``.

    Raises:
        InputError: no such name, a clash of names, or the plug-in cannot be imported.
    """
    found = available(group)
    kind = GROUPS[group]
    if name not in found:
        raise InputError(
            f"unknown {kind} '{name}'", code=f"{kind}-unknown", expected="one of " + ", ".join(found),
            hint=did_you_mean(name, found),
        )  # fmt: skip
    try:
        return found[name].load()
    except Exception as error:  # a plug-in may fail in any way while it is imported
        raise InputError(
            f"the {kind} '{name}' cannot be imported", code="plugin-broken", where=_origin(found[name]),
            got=f"{type(error).__name__}: {error}",
            hint=f"repair or remove the package that registers it in {group}",
        ) from error  # fmt: skip


def _by_name(group: str, points: Iterable[metadata.EntryPoint]) -> dict[str, metadata.EntryPoint]:
    found: dict[str, metadata.EntryPoint] = {}
    for point in sorted(points, key=lambda p: (p.name, _origin(p))):
        other = found.setdefault(point.name, point)
        if _origin(other) != _origin(point):
            raise InputError(
                f"two packages register the {GROUPS[group]} '{point.name}'", code="plugin-clash",
                where=group, got=f"{_origin(other)} and {_origin(point)}", hint="remove one of them",
            )  # fmt: skip
    return found


def _origin(point: metadata.EntryPoint) -> str:
    """``module:object (package)``: the same package listed twice on the path counts once."""
    return f"{point.value} ({point.dist.name if point.dist else DISTRIBUTION})"


def _entry_points(group: str) -> list[metadata.EntryPoint]:
    points = list(metadata.entry_points(group=group))
    if not any(p.dist is not None and p.dist.name == DISTRIBUTION for p in points):
        points += _of_source_tree(group)
    return points


def _of_source_tree(group: str) -> list[metadata.EntryPoint]:
    """The built-in ones when the program runs from a source tree that was not installed."""
    import tomllib

    project = Path(__file__).parents[1] / "pyproject.toml"
    if not project.is_file():
        return []
    listed = tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("entry-points", {})
    return [metadata.EntryPoint(name, value, group) for name, value in listed.get(group, {}).items()]
