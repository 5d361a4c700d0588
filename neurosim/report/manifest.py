"""``manifest.json``: what is needed to repeat a run; no times and no machine, so equal runs are equal."""

from __future__ import annotations

import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from neurosim import __version__
from neurosim.artefacts.result import Result

PACKAGES = ("numpy", "simpy", "ortools", "numba", "nir", "pydantic")


def manifest(
    result: Result, command: Sequence[str] = (), timestamp: str | None = None,
    extra: Mapping[str, Any] | None = None,
) -> dict[str, Any]:
    """The manifest of a run.

    Args:
        command: the command line, word by word.
        timestamp: added as given if asked for; without it the manifest depends on inputs only.
        extra: more entries (they may not replace ours).

    Raises:
        ValueError: an extra entry has the name of one of ours.
    """
    content: dict[str, Any] = {
        "schema": "neurosim-manifest",
        "schema_version": 1,
        "neurosim": __version__,
        "python": platform.python_version(),
        "packages": {name: _version(name) for name in PACKAGES},
        "engine": result.engine,
        "seed": result.seed,
        "n_samples": result.n_samples,
        "command": list(command),
        "digests": {
            "program": result.program_digest,
            "chip": result.chip_digest,
            "network": result.network_digest,
            "input": result.input_digest,
        },
    }
    if timestamp is not None:
        content["timestamp"] = timestamp
    for key, value in (extra or {}).items():
        if key in content:
            raise ValueError(f"the manifest already has an entry '{key}'")
        content[key] = value
    return content


def manifest_json(content: Mapping[str, Any]) -> bytes:
    """The bytes of ``manifest.json``."""
    return (json.dumps(content, indent=2, sort_keys=True, ensure_ascii=False) + "\n").encode()


def _version(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None
