"""The part of a run's trace that is exported: some samples, steps and cores of its files, as blocks."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Result
from neurosim.chip.timing import barrier_length
from neurosim.engines.base import TraceRequest
from neurosim.engines.trace import TABLES, Window
from neurosim.errors import InputError
from neurosim.fabric.topology import Fabric
from neurosim.report.trace_files import read_blocks

IntArray = NDArray[np.int64]


def needed(module: str, export: str, package: str) -> Any:
    """The ``module`` of a ``package`` that only the ``export`` needs.

    Raises:
        InputError: it is not installed.
    """
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise InputError(
            f"the {export} export needs the package '{package}', which is not installed",
            code=f"export-no-{package}", hint="pip install 'neurosim-cycle[trace]'",
        ) from error  # fmt: skip


@dataclass(frozen=True)
class Selection:
    """Samples first <= s < last, steps and cores of the trace ``files`` (by table) of a run on ``fabric``.

    ``lengths`` (samples,) is how many cycles each sample of the run took, the closing barrier included: in an
    export samples follow one another, the first selected one begins at time 0.  ``on_rows`` is told how many
    rows were read, selected or not.
    """

    fabric: Fabric
    files: Mapping[str, Path]
    lengths: IntArray
    samples: tuple[int, int]
    steps: tuple[int, int] | None = None
    cores: frozenset[int] | None = None
    on_rows: Callable[[int], None] = lambda _rows: None

    def blocks(self, table: str) -> Iterator[dict[str, IntArray]]:
        """The selected rows of ``table``, block by block; nothing if the run has no such file."""
        if table not in self.files:
            return
        window = Window(TraceRequest(frozenset(TABLES), self.steps, self.cores), self.fabric)
        for block in read_blocks(self.files[table]):
            self.on_rows(len(block["sample"]))
            keep = window.mask(table, block)
            keep &= (block["sample"] >= self.samples[0]) & (block["sample"] < self.samples[1])
            if keep.any():
                yield {name: column[keep] for name, column in block.items()}

    def cycles(self, sample: IntArray, cycle: IntArray) -> IntArray:
        """Cycles from the start of the first selected sample."""
        begin = np.concatenate(([0], np.cumsum(self.lengths)))
        return np.asarray(begin[sample] - begin[self.samples[0]] + cycle, np.int64)

    def time_ns(self, sample: IntArray, cycle: IntArray) -> IntArray:
        """The same in nanoseconds, rounded down."""
        return self.cycles(sample, cycle) * self.fabric.chip.cycle.period_ps // 1000


def sample_lengths(result: Result, fabric: Fabric) -> IntArray:
    """Cycles that each sample of ``result`` took, one barrier after its last step included."""
    ends = result.step_end.max(axis=1, initial=0).astype(np.int64)
    verdict = result.verdict
    if 0 <= verdict.sample < len(ends):
        ends[verdict.sample] = max(int(ends[verdict.sample]), verdict.cycle)
    return np.asarray(ends + barrier_length(fabric.chip), np.int64)
