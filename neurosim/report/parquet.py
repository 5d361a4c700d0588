"""``events.parquet``: one row per packet and per spike of a run, for pandas, DuckDB and the like.

Columns: ``kind`` (packet or spike), ``sample``, ``step`` (hardware step for packets, the network's own
for spikes), ``source`` and ``target`` (cores, -1 the host), ``axon``, ``inject_cycle`` and
``arrive_cycle`` (from the sample's start) of packets; ``population``, ``neuron`` and ``count`` of spikes.
What a kind does not have is null; a packet that never arrived has no ``arrive_cycle``.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.artefacts.result import PacketLog, Result, Spikes
from neurosim.errors import InputError
from neurosim.store import write_atomically

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = (
    ("kind", "string"), ("sample", "int32"), ("step", "int32"), ("source", "int32"),
    ("target", "int32"), ("axon", "int32"), ("inject_cycle", "int64"), ("arrive_cycle", "int64"),
    ("population", "string"), ("neuron", "int32"), ("count", "int32"),
)  # fmt: skip


def events_table(result: Result) -> pa.Table:
    """All packets (in order of injection), then all spikes, as one Arrow table.

    Raises:
        InputError: the run did not log its packets.
    """
    import pyarrow as pa

    if result.packets is None:
        raise InputError(
            "the run did not log its packets",
            code="events-no-log",
            where="result",
            hint="run again with the packet log switched on",
        )
    types = {name: getattr(pa, kind)() for name, kind in COLUMNS}
    schema = pa.schema([pa.field(name, types[name]) for name, _ in COLUMNS])
    parts = [_packets(result.packets, schema), *(_spikes(s, schema) for s in result.spikes)]
    return pa.concat_tables(parts)


def _packets(log: PacketLog, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns = {
        name: pa.array(getattr(log, name))
        for name in ("sample", "step", "source", "target", "axon", "inject_cycle")
    }
    columns["arrive_cycle"] = pa.array(log.arrive_cycle, mask=log.arrive_cycle < 0)
    return _complete("packet", columns, len(log.sample), schema)


def _spikes(spikes: Spikes, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    n = len(spikes.sample)
    columns = {name: pa.array(getattr(spikes, name)) for name in ("sample", "step", "neuron", "count")}
    columns["population"] = pa.array([spikes.population] * n, pa.string())
    return _complete("spike", columns, n, schema)


def _complete(kind: str, columns: dict[str, pa.Array], n: int, schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    columns["kind"] = pa.array([kind] * n, pa.string())
    arrays = [columns.get(f.name, pa.nulls(n, f.type)).cast(f.type) for f in schema]
    return pa.Table.from_arrays(arrays, schema=schema)


def write_events(result: Result, path: Path) -> None:
    """Write ``events.parquet``, whole or not at all; equal results give equal bytes.

    Raises:
        InputError: the run did not log its packets, or the file cannot be written.
    """
    import pyarrow.parquet as pq

    buffer = io.BytesIO()
    pq.write_table(events_table(result), buffer, compression="zstd", write_statistics=True)
    write_atomically(path, buffer.getvalue())
