"""``events.parquet``: one row per packet and per spike of a run, for pandas, DuckDB and the like.

Columns: ``kind`` (packet or spike), ``sample``, ``step`` (hardware step for packets, the network's own
for spikes), ``source`` and ``target`` (cores, -1 the host), ``axon``, ``inject_cycle`` and
``arrive_cycle`` (from the sample's start) of packets; ``population``, ``neuron`` and ``count`` of spikes.
What a kind does not have is null; a packet that never arrived has no ``arrive_cycle``.  Packets come
first, sample by sample in order of their end, then all spikes.  Written block by block from the trace
table of packets (:mod:`neurosim.report.trace_files`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Result
from neurosim.engines.trace import ARRIVED, NULL
from neurosim.errors import InputError
from neurosim.report.trace_files import PART_ROWS, WRITING

if TYPE_CHECKING:
    import pyarrow as pa

IntArray = NDArray[np.int64]
COLUMNS = (
    ("kind", "string"), ("sample", "int32"), ("step", "int32"), ("source", "int32"),
    ("target", "int32"), ("axon", "int32"), ("inject_cycle", "int64"), ("arrive_cycle", "int64"),
    ("population", "string"), ("neuron", "int32"), ("count", "int32"),
)  # fmt: skip


def event_tables(packets: Iterable[Mapping[str, IntArray]], result: Result) -> Iterator[pa.Table]:
    """Blocks of the trace's packets, then the spikes of ``result`` by population, as Arrow tables."""
    for block in packets:
        yield _packets(block)
    for spikes in result.spikes:
        for first in range(0, len(spikes.sample), PART_ROWS):
            part = slice(first, first + PART_ROWS)
            names = ("sample", "step", "neuron", "count")
            yield _complete("spike", {n: getattr(spikes, n)[part] for n in names}, spikes.population)


def _packets(block: Mapping[str, IntArray]) -> pa.Table:
    columns: dict[str, Any] = {name: block[name] for name in ("sample", "step", "source", "target", "axon")}
    columns["inject_cycle"] = _nullable(block["inject_cycle"])
    columns["arrive_cycle"] = _nullable(np.where(block["outcome"] == ARRIVED, block["end_cycle"], NULL))
    return _complete("packet", columns)


def _nullable(values: IntArray) -> pa.Array:
    import pyarrow as pa

    return pa.array(values, mask=values == NULL)


def _complete(kind: str, columns: dict[str, Any], population: str | None = None) -> pa.Table:
    import pyarrow as pa

    n = len(columns["sample"])
    columns["kind"] = pa.array([kind] * n, pa.string())
    if population is not None:
        columns["population"] = pa.array([population] * n, pa.string())
    arrays = []
    for field in _schema():
        values = columns.get(field.name)
        arrays.append(pa.nulls(n, field.type) if values is None else pa.array(values).cast(field.type))
    return pa.Table.from_arrays(arrays, schema=_schema())


def _schema() -> pa.Schema:
    import pyarrow as pa

    return pa.schema([pa.field(name, getattr(pa, kind)()) for name, kind in COLUMNS])


def write_events(packets: Iterable[Mapping[str, IntArray]], result: Result, path: Path) -> None:
    """Write ``events.parquet``, a row group per block; equal runs give equal bytes.

    Raises:
        InputError: the file cannot be written.
    """
    import pyarrow.parquet as pq

    try:
        with pq.ParquetWriter(path, _schema(), **WRITING) as writer:
            for table in event_tables(packets, result):
                writer.write_table(table)
    except OSError as error:
        raise InputError(
            f"cannot write: {error.strerror or error}", code="output-unwritable", where=str(path)
        ) from error
