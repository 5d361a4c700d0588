"""A run's event tables as Parquet files, written while the run goes on: the sink, and reading back.

The sink collects the rows of a table up to :data:`PART_ROWS` and writes them as one part: a file of one row
group, whose bytes depend on its rows alone.  A checkpoint therefore keeps the rows that do not yet fill
a part and the digests of the parts; going on from it gives the same files.  At the end the parts of a
table are put together, one row group each, into ``<table>.parquet``.  Memory holds one part per table,
however long the run.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from neurosim.engines.base import TraceRequest
from neurosim.engines.trace import NULL, TABLES, Column
from neurosim.errors import InputError

if TYPE_CHECKING:
    import pyarrow as pa

IntArray = NDArray[np.int64]
PART_ROWS = 1 << 16
METADATA = b"neurosim"
SUFFIX = ".parquet"


class ParquetSink:
    """Writes what a run hands over into ``folder`` (a :class:`neurosim.engines.base.Sink`).

    ``period_ps`` (the chip's cycle) and the window are stored in every file.
    """

    def __init__(self, folder: Path, request: TraceRequest, period_ps: int) -> None:
        self.request = request
        self._folder = folder
        self._schemas = {name: _schema(name, request, period_ps) for name in sorted(request.tables)}
        self._blocks: dict[str, list[dict[str, IntArray]]] = {name: [] for name in self._schemas}
        self._waiting = dict.fromkeys(self._schemas, 0)
        self._parts: dict[str, list[bytes]] = {name: [] for name in self._schemas}  # their digests

    def write(self, table: str, columns: Mapping[str, IntArray]) -> None:
        """Append rows.

        Raises:
            InputError: the part cannot be written.
        """
        self._blocks[table].append(dict(columns))
        self._waiting[table] += len(columns["sample"])
        if self._waiting[table] >= PART_ROWS:
            self._write_parts(table)

    def _write_parts(self, table: str) -> None:
        columns = self._take(table)
        n = len(columns["sample"])
        whole = n - n % PART_ROWS
        for first in range(0, whole, PART_ROWS):
            self._write_part(table, {name: c[first : first + PART_ROWS] for name, c in columns.items()})
        if whole < n:
            self._blocks[table] = [{name: c[whole:].copy() for name, c in columns.items()}]
            self._waiting[table] = n - whole

    def _take(self, table: str) -> dict[str, IntArray]:
        blocks, self._blocks[table], self._waiting[table] = self._blocks[table], [], 0
        names = [column.name for column in TABLES[table]]
        none = np.zeros(0, np.int64)
        return {name: np.concatenate([none, *(block[name] for block in blocks)]) for name in names}

    def _write_part(self, table: str, columns: dict[str, IntArray]) -> None:
        import io

        import pyarrow.parquet as pq

        from neurosim.store import write_atomically

        buffer = io.BytesIO()
        pq.write_table(_arrow(table, columns, self._schemas[table]), buffer, **WRITING)
        data = buffer.getvalue()
        write_atomically(_part(self._folder, table, len(self._parts[table])), data)
        self._parts[table].append(hashlib.sha256(data).digest())

    def state(self) -> dict[str, IntArray]:
        """The parts' digests and the rows that fill none yet, by ``table`` and ``table.column``."""
        kept = {table: np.frombuffer(b"".join(parts), np.int64) for table, parts in self._parts.items()}
        for table in self._schemas:
            columns = self._take(table)
            self._blocks[table], self._waiting[table] = [columns], len(columns["sample"])
            kept |= {f"{table}.{name}": column for name, column in columns.items()}
        return kept

    def restore(self, state: Mapping[str, IntArray]) -> None:
        """Go on from ``state``: later parts are removed, whoever wrote them.

        Raises:
            InputError: an earlier part is gone or has changed.
        """
        check_parts(self._folder, state)
        for table in self._schemas:
            columns = {column.name: state[f"{table}.{column.name}"] for column in TABLES[table]}
            self._blocks[table], self._waiting[table] = [columns], len(columns["sample"])
            self._parts[table] = _digests(state[table])
            kept = {_part(self._folder, table, number).name for number in range(len(self._parts[table]))}
            for path in self._folder.glob(f"{table}-*{SUFFIX}"):
                if path.name not in kept:
                    path.unlink()

    def finish(self, folder: Path) -> dict[str, Path]:
        """Put each table's parts together into ``folder``.  Returns the files by table.

        The parts stay, for whoever is killed here and goes on from a checkpoint; their folder's owner removes
        them.

        Raises:
            InputError: a file cannot be written.
        """
        import pyarrow.parquet as pq

        made = {}
        for table, schema in self._schemas.items():
            columns = self._take(table)
            if len(columns["sample"]):
                self._write_part(table, columns)
            path = folder / f"{table}{SUFFIX}"
            try:
                with pq.ParquetWriter(path, schema, **WRITING) as writer:
                    for number in range(len(self._parts[table])):
                        part = _part(self._folder, table, number)
                        writer.write_table(self._read(part, schema), row_group_size=PART_ROWS)
            except OSError as error:
                raise InputError(
                    f"cannot write: {error.strerror or error}", code="output-unwritable", where=str(path)
                ) from error
            made[table] = path
        return made

    @staticmethod
    def _read(part: Path, schema: Any) -> Any:
        """A part that was written before; it may lie in a checkpoint for long."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        try:
            return pq.read_table(part, schema=schema)
        except (pa.ArrowInvalid, OSError) as error:
            raise _broken_part(part) from error


def _part(folder: Path, table: str, number: int) -> Path:
    return folder / f"{table}-{number:06}{SUFFIX}"


def _digests(kept: IntArray) -> list[bytes]:
    """The digests of a table's parts as a state keeps them: four numbers each."""
    return [row.tobytes() for row in np.asarray(kept, np.int64).reshape(-1, 4)]


def check_parts(folder: Path, state: Mapping[str, IntArray]) -> None:
    """Whether the parts in ``folder`` are those that were there when a sink's ``state`` was taken.

    Raises:
        InputError: one is gone or has changed.
    """
    for table in sorted(set(state) & set(TABLES)):
        for number, digest in enumerate(_digests(state[table])):
            path = _part(folder, table, number)
            try:
                with path.open("rb") as file:
                    is_same = hashlib.file_digest(file, "sha256").digest() == digest
            except OSError as error:
                raise _broken_part(path) from error
            if not is_same:
                raise _broken_part(path)


def _broken_part(path: Path) -> InputError:
    return InputError(
        "a file of recorded events is broken or gone", code="checkpoint-broken", where=str(path),
        hint="run again from the start",
    )  # fmt: skip


WRITING: dict[str, Any] = {"compression": "zstd", "write_statistics": True, "store_schema": True}


def _type(column: Column) -> Any:
    import pyarrow as pa

    if column.names:
        return pa.dictionary(pa.int8(), pa.string())
    return pa.int64() if column.bits == 64 else pa.int32()


def _schema(table: str, request: TraceRequest, period_ps: int) -> pa.Schema:
    import pyarrow as pa

    about = {
        "table": table, "period_ps": period_ps, "steps": request.steps,
        "cores": None if request.cores is None else sorted(request.cores),
    }  # fmt: skip
    fields = [pa.field(c.name, _type(c), nullable=c.nullable) for c in TABLES[table]]
    return pa.schema(fields, metadata={METADATA: json.dumps(about, sort_keys=True).encode()})


def _arrow(table: str, columns: Mapping[str, IntArray], schema: pa.Schema) -> pa.Table:
    import pyarrow as pa

    arrays = []
    for column in TABLES[table]:
        values = columns[column.name]
        if column.names:
            indices = pa.array(values.astype(np.int8))
            arrays.append(pa.DictionaryArray.from_arrays(indices, pa.array(column.names)))
            continue
        kind = np.int64 if column.bits == 64 else np.int32
        missing = values == NULL
        mask = missing if column.nullable and missing.any() else None
        arrays.append(pa.array(np.where(missing, 0, values).astype(kind), mask=mask))
    return pa.Table.from_arrays(arrays, schema=schema)


def about(path: Path) -> dict[str, Any]:
    """What a trace file says of itself: ``table``, ``period_ps``, ``steps`` and ``cores`` of its window.

    Raises:
        InputError: the file is missing, damaged or not one of these.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        metadata = pq.read_schema(path).metadata or {}
        return dict(json.loads(metadata[METADATA]))
    except FileNotFoundError as error:
        raise InputError("no such file", code="file-missing", where=str(path)) from error
    except (OSError, pa.ArrowInvalid, KeyError, ValueError) as error:
        raise InputError(
            "not a whole trace file of this program", code="artefact-broken", where=str(path),
            hint="make the run again",
        ) from error  # fmt: skip


def read_blocks(path: Path) -> Iterator[dict[str, IntArray]]:
    """The rows of a trace file, a row group at a time: integer columns, NULL for null, codes for names.

    Raises:
        InputError: the file is damaged.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    table = str(about(path)["table"])
    try:
        with pq.ParquetFile(path) as file:
            for number in range(file.num_row_groups):
                group = file.read_row_group(number)
                yield {c.name: _values(group.column(c.name), c) for c in TABLES[table]}
    except (OSError, pa.ArrowInvalid) as error:
        raise InputError(
            "not a whole trace file of this program", code="artefact-broken", where=str(path),
            hint="make the run again",
        ) from error  # fmt: skip


def _values(column: pa.ChunkedArray, spec: Column) -> IntArray:
    import pyarrow as pa
    import pyarrow.compute as pc

    if spec.names:
        codes = pc.index_in(column.cast(pa.string()), value_set=pa.array(spec.names))
        return np.asarray(codes.to_numpy(), np.int64)
    return np.asarray(column.cast(pa.int64()).fill_null(NULL).to_numpy(), np.int64)


def n_rows(path: Path) -> int:
    """Rows of a trace file.

    Raises:
        InputError: the file is missing, damaged or not one of these.
    """
    import pyarrow.parquet as pq

    about(path)
    return int(pq.read_metadata(path).num_rows)
