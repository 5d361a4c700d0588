"""What every report is made from: a run's artefacts, its analyses and its metrics, computed once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.metrics import Figures, figures, metrics
from neurosim.artefacts.mapping import SolverReport
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.chip.models import Chip
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.network.model import Network


@dataclass(frozen=True)
class ReportData:
    """A run with everything that reports show.

    ``input_spikes`` (samples, steps, n_inputs) may be None; ``solver`` are the mapper's reports;
    ``loss`` are rows of the quantisation loss table (column name -> value), shown as given,
    measured over ``loss_samples`` samples;
    ``manifest`` is the content of ``manifest.json``, ``estimate_error`` that of ``estimate.json``.
    """

    result: Result
    program: Program
    chip: Chip
    network: Network
    fabric: Fabric
    figures: Figures
    metrics: dict[str, Any]
    input_spikes: NDArray[np.uint8] | None
    solver: tuple[SolverReport, ...]
    loss: tuple[Mapping[str, Any], ...]
    manifest: Mapping[str, Any]
    loss_samples: int | None = None
    estimate_error: Mapping[str, Any] | None = None

    @property
    def is_estimate(self) -> bool:
        """Whether every time in it is an estimate from loads; events are counted all the same."""
        return self.result.engine == "estimate"

    def timed(self, text: str) -> str:
        """``text``, which names a figure that rests on times, marked if they are estimated."""
        return f"{text} (estimated)" if self.is_estimate else text


def report_data(
    result: Result,
    program: Program,
    chip: Chip,
    network: Network,
    input_spikes: NDArray[np.uint8] | None = None,
    solver: Sequence[SolverReport] = (),
    loss: Sequence[Mapping[str, Any]] = (),
    manifest: Mapping[str, Any] | None = None,
    loss_samples: int | None = None,
) -> ReportData:
    """Analyse a run and gather all that a report needs."""
    found = figures(result, program, chip)
    return ReportData(
        result=result,
        program=program,
        chip=chip,
        network=network,
        fabric=build_fabric(chip),
        figures=found,
        metrics=metrics(result, program, chip, network, input_spikes, found),
        input_spikes=input_spikes,
        solver=tuple(solver),
        loss=tuple(loss),
        manifest=manifest or {},
        loss_samples=loss_samples,
    )
