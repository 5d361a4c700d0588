"""Missing figures: a marker with its reason, and how a document of figures is settled into plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

NO_COUNTERS = "the engine does not count events"
NO_CYCLES = "the engine does not count cycles"
NO_WAITING = "the engine does not simulate waiting"
NO_SAMPLE = "no sample finished"
NO_TIME = "no cycle was simulated, or not said how many"
NO_INPUT = "the input spikes were not given"
NO_LABELS = "the samples have no labels"
NO_FINISHED_LABEL = "no sample with a label finished"
UNFINISHED = "the sample did not finish"
NO_MEMBRANES = "membranes are not recorded step by step"


@dataclass(frozen=True)
class NotMeasured:
    """Stands for a missing figure until the dict is settled; ``reason`` is one phrase."""

    reason: str


def settle(value: Any, path: str, missing: dict[str, str]) -> Any:
    """``value`` with every NotMeasured turned into null and noted in ``missing`` by its path."""
    if isinstance(value, NotMeasured):
        missing[path] = value.reason
        return None
    if isinstance(value, dict):
        dot = f"{path}." if path else ""
        return {str(k): settle(v, f"{dot}{k}", missing) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [settle(v, f"{path}.{i}", missing) for i, v in enumerate(value)]
    return value.item() if isinstance(value, np.generic) else value


def merge_samples(missing: dict[str, str], n_samples: int) -> dict[str, str]:
    """``samples.0.x`` .. ``samples.9.x`` of one reason become ``samples.*.x``."""
    merged = dict(missing)
    first = [path for path in missing if path.startswith("samples.0.")]
    for key in (path.removeprefix("samples.0.") for path in first):
        paths = [f"samples.{s}.{key}" for s in range(n_samples)]
        if {missing.get(path) for path in paths} == {missing[paths[0]]}:
            merged = {path: reason for path, reason in merged.items() if path not in set(paths)}
            merged[f"samples.*.{key}"] = missing[paths[0]]
    return merged


def value_or(value: Any, reason: str) -> Any:
    """``value``, or the marker of a missing figure if it is None."""
    return NotMeasured(reason) if value is None else value
