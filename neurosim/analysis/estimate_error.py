"""How far an estimated run is from a simulated one: latency, energy and events, as plain figures.

Reads two Results of the same program and input; writes a dictionary that JSON takes.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from neurosim import store
from neurosim.analysis.energy import energy
from neurosim.artefacts.result import Result
from neurosim.chip.models import Chip


def estimate_error(estimated: Result, simulated: Result, chip: Chip) -> dict[str, Any]:
    """Errors of ``estimated``, relative to ``simulated`` (0.1: ten per cent too much).

    ``latency.error`` is of the sum over all samples, ``largest_sample_error`` that of the worst sample and
    ``mean_step_error`` the mean magnitude over all steps that took any cycles.  ``energy`` is dynamic plus
    static, None if no static power is known.
    """
    ours, theirs = (r.latency_cycles.astype(np.float64) for r in (estimated, simulated))
    errors = ours / np.maximum(theirs, 1) - 1
    lengths = [(r.step_end - r.step_start).astype(np.float64) for r in (estimated, simulated)]
    worked = lengths[1] > 0
    of_steps = np.abs(lengths[0][worked] / lengths[1][worked] - 1)
    joules = [None if e is None or e.total_j is None else float(e.total_j)
              for e in (energy(r, chip) for r in (estimated, simulated))]  # fmt: skip
    a, b = joules
    return {
        "against": simulated.engine,
        "result_digest": store.digest(simulated),
        "samples": simulated.n_samples,
        "steps": simulated.n_steps,
        "latency": {
            "estimated_cycles": int(ours.sum()), "simulated_cycles": int(theirs.sum()),
            "error": float(ours.sum() / max(theirs.sum(), 1.0) - 1),
            "largest_sample_error": float(errors[np.abs(errors).argmax()]),
            "mean_step_error": float(of_steps.mean()) if of_steps.size else None,
        },
        "energy": {
            "estimated_j": a, "simulated_j": b,
            "error": None if a is None or b is None or b == 0 else a / b - 1,
        },
        "events_equal": bool(
            np.array_equal(estimated.counters.sample_events, simulated.counters.sample_events)
        ),
    }  # fmt: skip
