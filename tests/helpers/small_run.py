"""The small hand-mapped program, really run by the reference engine on a preset chip."""

from __future__ import annotations

import functools
from dataclasses import dataclass

from neurosim.artefacts.result import Result
from neurosim.chip.dump import dump_chip
from neurosim.chip.loader import load_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from tests.helpers.small_program import Case, small_case

SPREAD_OVER_CHIPS = {"hidden_cores": (1, 12, 34, 61), "out_core": 45}


@dataclass(frozen=True)
class SmallRun:
    """A case, its chip and what the engine measured (with the packet log)."""

    chip: Chip
    case: Case
    result: Result


@functools.cache
def small_run(preset: str = "tiny", n_samples: int = 6) -> SmallRun:
    """The run on ``preset``; spread over all chips where there are several."""
    chip = load_chip(preset)
    where = SPREAD_OVER_CHIPS if chip.n_chips == 4 else {}
    case = small_case(chip, dump_chip(chip), n_samples=n_samples, **where)
    result = ReferenceEngine().run(case.program, case.workload, RunOptions(log_packets=True))
    return SmallRun(chip, case, result)
