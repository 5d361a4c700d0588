"""What differs before anything runs: chips field by field, artefacts part by part."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.chip.models import Chip

NONE = "none"
_SHORT = 60


@dataclass(frozen=True)
class Difference:
    """One thing and what it is on both sides, in words."""

    what: str
    ours: str
    theirs: str


def chip_differences(ours: Chip, theirs: Chip) -> list[Difference]:
    """Every field of two chips that differs, by its path; where numbers come from does not count."""
    trees = [chip.model_dump(mode="json", exclude={"provenance"}) for chip in (ours, theirs)]
    one, two = (dict(_leaves(tree, "")) for tree in trees)
    keys = [*one, *(key for key in two if key not in one)]
    return [
        Difference(f"chip {key}", _value(one, key), _value(two, key))
        for key in keys
        if one.get(key, NONE) != two.get(key, NONE)
    ]


def _leaves(tree: Any, path: str) -> Iterator[tuple[str, Any]]:
    """Scalars by dotted path; an empty list or mapping counts as one."""
    items: list[tuple[Any, Any]] = []
    if isinstance(tree, Mapping):
        items = list(tree.items())
    elif isinstance(tree, (list, tuple)):
        items = list(enumerate(tree))
    if not items:
        yield path, tree
    for key, value in items:
        yield from _leaves(value, f"{path}.{key}" if path else str(key))


def _value(leaves: Mapping[str, Any], key: str) -> str:
    return short(leaves[key]) if key in leaves else NONE


def short(value: Any) -> str:
    """A value on one line; a long one is cut."""
    text = "null" if value is None else str(value)
    return text if len(text) <= _SHORT else text[: _SHORT - 3] + "..."


def first_part(ours: Any, theirs: Any, path: str = "") -> Difference | None:
    """The first part, in the order of fields, by which two artefacts of one type differ."""
    import numpy as np

    if type(ours) is not type(theirs):
        return Difference(path, type(ours).__name__, type(theirs).__name__)
    if dataclasses.is_dataclass(ours):
        names = [field.name for field in dataclasses.fields(ours)]
        pairs = [(f"{path}.{n}" if path else n, getattr(ours, n), getattr(theirs, n)) for n in names]
    elif isinstance(ours, (tuple, list)):
        if len(ours) != len(theirs):
            return Difference(f"number of {path}", str(len(ours)), str(len(theirs)))
        pairs = [(f"{path}.{i}", *pair) for i, pair in enumerate(zip(ours, theirs, strict=True))]
    elif isinstance(ours, dict):
        keys = sorted(ours.keys() | theirs.keys(), key=str)
        pairs = [(f"{path}.{key}", ours.get(key), theirs.get(key)) for key in keys]
    elif isinstance(ours, np.ndarray):
        return _first_value(ours, theirs, path)
    else:
        return None if ours == theirs else Difference(path, short(ours), short(theirs))
    for inner, one, two in pairs:
        found = first_part(one, two, inner)
        if found is not None:
            return found
    return None


def _first_value(ours: Any, theirs: Any, path: str) -> Difference | None:
    import numpy as np

    if ours.shape != theirs.shape or ours.dtype != theirs.dtype:
        texts = [f"{array.dtype} of shape {array.shape}" for array in (ours, theirs)]
        return Difference(path, texts[0], texts[1])
    apart = np.argwhere(np.asarray(ours != theirs))
    if not len(apart):
        return None
    at = tuple(int(index) for index in apart[0])
    place = f"{path}[{', '.join(map(str, at))}]"
    return Difference(f"{place}, the first of {len(apart)}", str(ours[at]), str(theirs[at]))


def mapping_differences(ours: Mapped, theirs: Mapped) -> list[Difference]:
    """What two mappings were made of and for, and the first part of each stage by which they differ."""
    from neurosim import store

    found = chip_differences(ours.chip, theirs.chip)
    for name in ("floating", "quantised", "partition", "placement", "routes", "program"):
        one, two = getattr(ours, name), getattr(theirs, name)
        if store.digest(one) == store.digest(two):
            continue
        part = first_part(_without_digests(one), _without_digests(two))
        if part is not None:
            label = {"floating": "network", "quantised": "quantised network"}.get(name, name)
            found.append(Difference(f"{label} {part.what}", part.ours, part.theirs))
    return found


def _without_digests(artefact: Any) -> Any:
    """The artefact without what only repeats that an earlier one differs."""
    blank = {
        field.name: ""
        for field in dataclasses.fields(artefact)
        if field.name.endswith("_digest") or field.name == "chip_yaml"
    }
    return dataclasses.replace(artefact, **blank)
