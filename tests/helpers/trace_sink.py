"""A sink that keeps what an engine hands over, and the small program traced into files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.artefacts.result import Result
from neurosim.chip.dump import dump_chip
from neurosim.chip.loader import load_chip
from neurosim.engines.base import RunOptions, TraceRequest
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.engines.trace import TABLES
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.report.trace_export import Selection, sample_lengths
from neurosim.report.trace_files import ParquetSink
from tests.helpers.small_program import Case, small_case
from tests.helpers.small_run import SPREAD_OVER_CHIPS

ALL = TraceRequest(frozenset(TABLES))


class MemorySink:
    """Keeps all rows, as whole columns by table."""

    def __init__(self, request: TraceRequest = ALL) -> None:
        self.request = request
        self.blocks: dict[str, list[dict[str, np.ndarray]]] = {name: [] for name in sorted(request.tables)}

    def write(self, table: str, columns: Mapping[str, np.ndarray]) -> None:
        assert list(columns) == [column.name for column in TABLES[table]]
        self.blocks[table].append({name: np.array(values) for name, values in columns.items()})

    def state(self) -> dict[str, np.ndarray]:
        return {name: np.array([len(self.table(name)["sample"])]) for name in self.blocks}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        for name in self.blocks:
            n = int(state[name][0])
            self.blocks[name] = [{key: values[:n] for key, values in self.table(name).items()}]

    def table(self, name: str) -> dict[str, np.ndarray]:
        none = np.zeros(0, np.int64)
        return {
            column.name: np.concatenate([none, *(block[column.name] for block in self.blocks[name])])
            for column in TABLES[name]
        }


@dataclass(frozen=True)
class Traced:
    """A traced run of the small program: its files by table, and its result."""

    case: Case
    fabric: Fabric
    result: Result
    files: dict[str, Path]

    def select(self, samples: tuple[int, int] | None = None, **window: object) -> Selection:
        lengths = sample_lengths(self.result, self.fabric)
        span = samples or (0, len(lengths))
        return Selection(self.fabric, self.files, lengths, span, **window)  # type: ignore[arg-type]

    def table(self, name: str) -> list[dict[str, object]]:
        import pyarrow.parquet as pq

        return pq.read_table(self.files[name]).to_pylist()


def traced(folder: Path, preset: str = "tiny", n_samples: int = 2, request: TraceRequest = ALL) -> Traced:
    """Run the small program with a Parquet sink in ``folder``."""
    chip = load_chip(preset)
    where = SPREAD_OVER_CHIPS if chip.n_chips == 4 else {}
    case = small_case(chip, dump_chip(chip), n_samples=n_samples, **where)
    sink = ParquetSink(folder, request, chip.cycle.period_ps)
    options = RunOptions(sink=sink, log_packets=True)
    result = ReferenceEngine().run(case.program, case.workload, options)
    return Traced(case, build_fabric(chip), result, sink.finish(folder))
