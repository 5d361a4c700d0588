"""Whether a folder of ours is still what was written: its files, its manifest, its JSON figures."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def check_files(folder: Path) -> list[str]:
    """Files of ``folder`` that are missing, that have changed, and that do not belong to it."""
    from neurosim.api.folders import MARKER, held_files, manifest_of

    manifest = manifest_of(folder)
    if manifest is None:
        return [f"no readable {MARKER}"]
    listed = manifest["files"]
    problems = [problem for name in sorted(listed) for problem in check_listed(folder, name)]
    return problems + [
        f"{name} is not one of the files that this folder was written with"
        for name in held_files(folder)
        if name not in listed and name != MARKER
    ]


def check_listed(folder: Path, name: str) -> list[str]:
    """Whether the file ``name`` of ``folder`` is the one that its manifest lists (if it lists any)."""
    from neurosim.api.folders import file_digest, manifest_of

    manifest = manifest_of(folder)
    if manifest is None or name not in manifest["files"]:
        return []
    path = folder / name
    if not path.is_file():
        return [f"{name} is not a file" if path.exists() else f"{name} is missing"]
    try:
        is_same = file_digest(path) == manifest["files"][name]
    except OSError as error:
        return [f"{name} cannot be read: {error.strerror}"]
    return [] if is_same else [f"{name} has changed since it was written"]


def check_manifest(folder: Path) -> list[str]:
    """Whether the manifest is as written, and says of its folder what the artefacts say.

    Raises:
        InputError: an artefact that it speaks of is missing or broken.
    """
    from neurosim.api.folders import MARKER, manifest_of, seal_of

    manifest = manifest_of(folder)
    if manifest is None:
        return [f"no readable {MARKER}"]
    problems = [] if manifest.get("seal") == seal_of(manifest) else ["it has changed since it was written"]
    facts = {"mapping": _mapping_facts, "run": _run_facts, "demo": _demo_facts}[str(manifest["kind"])]
    source, expected = facts(folder)
    for key, value in expected.items():
        found = first_difference(manifest.get(key), value, key)
        if found is not None:
            problems.append(f"it does not agree with {source}: {found}")
    return problems


def _run_facts(folder: Path) -> tuple[str, dict[str, Any]]:
    from neurosim import store
    from neurosim.artefacts.result import Result
    from neurosim.report.manifest import manifest

    facts = manifest(store.load(folder / "result.npz", Result))
    return "result.npz", {key: facts[key] for key in ("engine", "seed", "n_samples", "digests")}


def _mapping_facts(folder: Path) -> tuple[str, dict[str, Any]]:
    from neurosim import store
    from neurosim.api.mapped import load_figures
    from neurosim.artefacts.program import Program
    from neurosim.network.model import Network

    program = store.load(folder / "program.npz", Program)
    figures = load_figures(folder / "mapping.json")
    digests = {
        "chip": program.chip_digest,
        "float_network": store.digest(store.load(folder / "float_network.npz", Network)),
        "input": figures["input_digest"],
        "network": program.network_digest,
    }
    return "its artefacts", {"seed": figures["seed"], "digests": digests}


def _demo_facts(folder: Path) -> tuple[str, dict[str, Any]]:
    return "run/result.npz", {"seed": _run_facts(folder / "run")[1]["seed"]}


def check_json(path: Path, expected: bytes, sources: str) -> list[str]:
    """Whether the JSON file ``path`` holds the figures that follow from ``sources``.

    Raises:
        InputError: the file is missing or not JSON.
    """
    from neurosim.api.mapped import read_json

    if path.is_file() and path.read_bytes() == expected:
        return []
    found = first_difference(read_json(path), json.loads(expected))
    if found is None:
        return ["its figures are right, but it is not written as this program writes it"]
    return [f"its figures do not follow from {sources}: {found}"]


def first_difference(got: Any, expected: Any, where: str = "") -> str | None:
    """The first figure, in the order of names, by which two JSON values differ, with both values."""
    return next(_differences(got, expected, where), None)


def _differences(got: Any, expected: Any, where: str) -> Iterator[str]:
    def inner(key: object) -> str:
        return f"{where}.{key}" if where else str(key)

    if isinstance(got, dict) and isinstance(expected, dict):
        for key in sorted(got.keys() | expected.keys()):
            if key not in got:
                yield f"{inner(key)} is missing, not {_short(expected[key])}"
            elif key not in expected:
                yield f"{inner(key)} is {_short(got[key])}, but does not belong there"
            else:
                yield from _differences(got[key], expected[key], inner(key))
    elif isinstance(got, list) and isinstance(expected, list) and len(got) == len(expected):
        for index, (one, other) in enumerate(zip(got, expected, strict=True)):
            yield from _differences(one, other, inner(index))
    elif got != expected or type(got) is not type(expected):
        yield f"{where} is {_short(got)}, not {_short(expected)}"


def _short(value: Any) -> str:
    """A value on one line; a long one is cut."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 80 else text[:77] + "..."
