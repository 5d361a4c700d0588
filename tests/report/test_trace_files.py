"""The event tables: what is in them, that they stream, and that a restored sink writes the same bytes."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from neurosim.artefacts.mapping import HOST
from neurosim.chip.dump import dump_chip
from neurosim.chip.loader import load_chip
from neurosim.engines.base import RunOptions, TraceRequest
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.engines.trace import NULL, TABLES, Column
from neurosim.errors import InputError
from neurosim.report import trace_files
from neurosim.report.trace_files import ParquetSink, about, read_blocks
from tests.helpers.chips import make_chip
from tests.helpers.programs import chain, workload
from tests.helpers.small_program import small_case
from tests.helpers.trace_sink import ALL, MemorySink, traced


def rows(sink: MemorySink, table: str) -> list[tuple[int, ...]]:
    columns = sink.table(table)
    return [tuple(row) for row in np.stack(list(columns.values()), axis=1).tolist()]


def test_the_hand_worked_chain() -> None:
    """The chain of tests/golden/test_core_traces.py: every event of two cores and the host."""
    sink = MemorySink()
    chip = make_chip(2, 1)
    ReferenceEngine().run(chain(chip, [0, 1]), workload(np.array([[[1]]])), RunOptions(sink=sink))
    # sample, step, source, number, target, axon, inject, end, outcome
    assert rows(sink, "packets") == [
        (0, 0, HOST, 0, 0, 0, 1, 5, 0), (0, 1, 0, 0, 1, 0, 15, 22, 0), (0, 2, 1, 0, HOST, 0, 32, 37, 0),
    ]  # fmt: skip
    # sample, step, cycle, router, port, vc, source, number, target, axon, flit: local, east, local, west, west
    assert rows(sink, "flits") == [
        (0, 0, 2, 0, 4, 0, HOST, 0, 0, 0, 0), (0, 1, 16, 0, 0, 0, 0, 0, 1, 0, 0),
        (0, 1, 19, 1, 4, 0, 0, 0, 1, 0, 0), (0, 2, 33, 1, 2, 0, 1, 0, HOST, 0, 0),
        (0, 2, 36, 0, 2, 0, 1, 0, HOST, 0, 0),
    ]  # fmt: skip
    # sample, step, core, kind (loop 0, packet 1), start, end, source, number, axon
    none = (NULL, NULL, NULL)
    assert rows(sink, "cores") == [
        (0, 0, 0, 0, 1, 1, *none), (0, 0, 1, 0, 1, 1, *none), (0, 0, 0, 1, 5, 7, HOST, 0, 0),
        (0, 1, 1, 0, 12, 12, *none), (0, 1, 0, 0, 12, 16, *none), (0, 1, 1, 1, 22, 24, 0, 0, 0),
        (0, 2, 0, 0, 29, 29, *none), (0, 2, 1, 0, 29, 33, *none),
    ]  # fmt: skip
    # sample, step, kind (step 0, barrier 1), core, start, end
    assert rows(sink, "steps") == [
        (0, 0, 0, NULL, 1, 7), (0, 0, 1, NULL, 7, 12), (0, 1, 0, NULL, 12, 24), (0, 1, 1, NULL, 24, 29),
        (0, 2, 0, NULL, 29, 37), (0, 2, 1, NULL, 37, 42),
    ]  # fmt: skip


def test_a_deadlock_leaves_what_was_not_over() -> None:
    """Two cores that send to each other, receive only between loops, and have room for one packet."""
    core = {"receive_during_update": False, "rx_flits": 1, "tx_flits": 1}
    chip = make_chip(2, 1, core=core, router={"buffer_flits": 1})
    program = chain(chip, [0, 1], n=40)
    sink = MemorySink()
    spikes = np.ones((1, 3, 40))
    options = RunOptions(sink=sink, log_packets=True, max_step_cycles=300)
    result = ReferenceEngine().run(program, workload(spikes), options)
    assert result.verdict.status != "ok"
    assert result.packets is not None
    packets = sink.table("packets")
    log = result.packets
    assert len(packets["sample"]) == len(log.sample)
    ended = packets["outcome"] == 0
    assert sorted(packets["end_cycle"][ended].tolist()) == sorted(log.arrive_cycle[log.arrive_cycle >= 0].tolist())
    assert (packets["end_cycle"][~ended] == NULL).all()
    assert (~ended).sum() == result.counters.packets_in_flight > 0
    assert sorted(packets["inject_cycle"][packets["inject_cycle"] != NULL].tolist()) == sorted(
        log.inject_cycle[log.inject_cycle >= 0].tolist()
    )
    cores = sink.table("cores")
    open_ones = cores["end_cycle"] == NULL
    assert 0 < open_ones.sum() <= 2 * 3
    assert open_ones.tolist() == sorted(open_ones.tolist())  # they come last


def test_missed_deadlines_and_ticks() -> None:
    chip = make_chip(2, 1, sync={"mode": "tick", "tick_period_cycles": 12})
    sink = MemorySink()
    program = chain(chip, [0, 1], n=6)
    result = ReferenceEngine().run(program, workload(np.ones((1, 2, 6))), RunOptions(sink=sink))
    steps = sink.table("steps")
    missed = steps["kind"] == 3
    found = np.stack([steps[name][missed] for name in ("sample", "step", "core")], axis=1)
    assert sorted(found.tolist()) == sorted(result.missed.tolist())
    assert missed.any()
    assert (steps["start_cycle"][steps["kind"] == 2] == result.step_start[0]).all()
    assert 1 not in steps["kind"]


def test_tables_agree_with_the_result(tmp_path: Path) -> None:
    run = traced(tmp_path)
    result = run.result
    packets, flits, cores = run.table("packets"), run.table("flits"), run.table("cores")
    assert result.packets is not None
    key = ("sample", "step", "source", "target", "axon", "inject_cycle")
    log = zip(*(getattr(result.packets, name).tolist() for name in (*key, "arrive_cycle")), strict=True)
    assert sorted(tuple(p[n] for n in (*key, "end_cycle")) for p in packets) == sorted(log)
    counted = np.zeros_like(result.counters.port_flits)
    for flit in flits:
        counted[flit["router"], flit["port"]] += 1
    np.testing.assert_array_equal(counted, result.counters.port_flits)
    busy = np.zeros_like(result.counters.core_busy_cycles)
    for row in cores:
        if row["kind"] == "packet":
            busy[row["core"], 0] += row["end_cycle"] - row["start_cycle"]
    np.testing.assert_array_equal(busy[:, 0], result.counters.core_busy_cycles[:, 0])
    assert sum(row["kind"] == "loop" for row in cores) == len(run.case.program.cores) * result.step_end.size
    steps = [row for row in run.table("steps") if row["kind"] == "step"]
    assert [row["end_cycle"] for row in steps] == result.step_end.reshape(-1).tolist()


def test_schema_and_metadata(tmp_path: Path) -> None:
    request = TraceRequest(frozenset(TABLES), (1, 3), frozenset({2, HOST}))
    run = traced(tmp_path, request=request)
    for name, columns in TABLES.items():
        schema = pq.read_schema(run.files[name])
        assert schema.names == [column.name for column in columns]
        assert about(run.files[name]) == {"table": name, "period_ps": 1000, "steps": [1, 3], "cores": [-1, 2]}
    assert {row["kind"] for row in run.table("cores")} == {"loop", "packet"}


@pytest.mark.parametrize("steps", [None, (1, 4)])
@pytest.mark.parametrize("cores", [None, {HOST}, {1, 5}])
def test_a_window_at_record_time_and_at_export_time(
    steps: tuple[int, int] | None, cores: set[int] | None, tmp_path: Path
) -> None:
    """Both keep the same rows, and those are what the window says."""
    window = None if cores is None else frozenset(cores)
    (tmp_path / "all").mkdir()
    (tmp_path / "part").mkdir()
    whole = traced(tmp_path / "all", n_samples=1)
    part = traced(tmp_path / "part", n_samples=1, request=TraceRequest(frozenset(TABLES), steps, window))
    for table in TABLES:
        columns = [column.name for column in TABLES[table]]
        want = list(whole.select(steps=steps, cores=window).blocks(table))
        got = list(read_blocks(part.files[table]))
        for name in columns:
            none = [np.zeros(0, np.int64)]
            np.testing.assert_array_equal(
                np.concatenate(none + [b[name] for b in want]), np.concatenate(none + [b[name] for b in got])
            )
    n_packets = sum(
        (steps is None or steps[0] <= row["step"] < steps[1])  # type: ignore[operator]
        and (cores is None or row["source"] in cores or row["target"] in cores)
        for row in whole.table("packets")
    )
    assert len(part.table("packets")) == n_packets > 0
    tiles = {whole.fabric.tile_of(core) for core in cores or ()}
    n_flits = sum(
        (steps is None or steps[0] <= row["step"] < steps[1])  # type: ignore[operator]
        and (cores is None or row["router"] in tiles)
        for row in whole.table("flits")
    )
    assert len(part.table("flits")) == n_flits > 0


def blocks_of(n: int, seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)

    def values(column: Column) -> np.ndarray:
        top = len(column.names) or 1000
        found = rng.integers(0, top, n)
        return np.where(rng.random(n) < 0.1, NULL, found) if column.nullable else found

    return {column.name: values(column) for column in TABLES["cores"]}


def cut(columns: dict[str, np.ndarray], first: int, last: int) -> dict[str, np.ndarray]:
    return {name: values[first:last] for name, values in columns.items()}


def test_blocks_do_not_show(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However the rows come, and wherever a run is killed and restored: the same bytes."""
    monkeypatch.setattr(trace_files, "PART_ROWS", 64)
    columns = blocks_of(1000, 1)
    request = TraceRequest(frozenset({"cores"}))
    made = []
    for name, step in (("one", 1000), ("two", 7), ("three", 64)):
        folder = tmp_path / name
        folder.mkdir()
        sink = ParquetSink(folder, request, 1000)
        for first in range(0, 1000, step):
            sink.write("cores", cut(columns, first, first + step))
        made.append(sink.finish(tmp_path)["cores"].read_bytes())
        assert len(list(folder.iterdir())) == 16  # the parts stay: their folder's owner removes them
    folder = tmp_path / "killed"
    folder.mkdir()
    sink = ParquetSink(folder, request, 1000)
    sink.write("cores", cut(columns, 0, 500))
    state = {name: values.copy() for name, values in sink.state().items()}
    sink.write("cores", cut(blocks_of(400, 2), 0, 400))  # lost: written after the checkpoint
    again = ParquetSink(folder, request, 1000)
    again.restore(state)
    again.write("cores", cut(columns, 500, 1000))
    made.append(again.finish(tmp_path)["cores"].read_bytes())
    assert len(list(folder.iterdir())) == 16
    assert len(set(made)) == 1
    back = list(read_blocks(tmp_path / "cores.parquet"))
    assert [len(block["core"]) for block in back] == [64] * 15 + [40]
    for name, values in columns.items():
        np.testing.assert_array_equal(np.concatenate([block[name] for block in back]), values)


def test_a_long_run_holds_one_part(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rows leave the engine and the sink while the run goes on."""
    monkeypatch.setattr(trace_files, "PART_ROWS", 256)
    monkeypatch.setattr("neurosim.engines.reference.tracing.DRAIN_ROWS", 128)
    held = []

    class Spy(ParquetSink):
        def write(self, table, columns):  # type: ignore[no-untyped-def]
            super().write(table, columns)
            held.append(self._waiting[table] + len(columns["sample"]))

    chip = load_chip("tiny")
    case = small_case(chip, dump_chip(chip), n_samples=1, n_steps=60)
    sink = Spy(tmp_path, ALL, 1000)
    ReferenceEngine().run(case.program, case.workload, RunOptions(sink=sink))
    files = sink.finish(tmp_path)
    assert pq.read_metadata(files["flits"]).num_row_groups > 10
    assert max(held) < 256 + 2 * (128 + 100)


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"no such file \[file-missing\]"):
        about(tmp_path / "a.parquet")
    (tmp_path / "a.parquet").write_text("text")
    with pytest.raises(InputError) as caught:
        list(read_blocks(tmp_path / "a.parquet"))
    assert caught.value.text() == (
        f"{tmp_path}/a.parquet: not a whole trace file of this program [artefact-broken]\n"
        "  hint: make the run again"
    )
