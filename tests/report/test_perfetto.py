"""The Perfetto export, read back by Perfetto's own trace processor and by the protobuf."""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from neurosim.artefacts.mapping import HOST
from neurosim.engines.trace import NULL
from neurosim.errors import InputError
from neurosim.report import perfetto
from neurosim.report.perfetto import write_perfetto
from neurosim.report.trace_export import Selection
from tests.helpers.trace_processor import TraceProcessor, viewer
from tests.helpers.trace_sink import Traced, traced

PB = pytest.importorskip("perfetto.protos.perfetto.trace.perfetto_trace_pb2")
SLICES = """
select track.name as lane, slice.category, slice.name, slice.ts, slice.dur
from slice join track on slice.track_id = track.id
order by slice.id
"""


def exported(selection: Selection) -> bytes:
    file = io.BytesIO()
    n = write_perfetto(selection, file)
    assert n > 0
    return file.getvalue()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Traced:
    return traced(tmp_path_factory.mktemp("trace"))


@pytest.fixture(scope="module")
def processor(run: Traced) -> Iterator[TraceProcessor]:
    viewer()
    with TraceProcessor(exported(run.select())) as found:
        yield found


def begins(run: Traced) -> list[int]:
    """When each sample begins in the export, in ns (the cycle of ``tiny`` is 1 ns)."""
    last = run.table("steps")
    ends = [max(int(r["end_cycle"]) for r in last if r["sample"] == s) for s in range(2)]  # type: ignore[call-overload]
    return [0, ends[0]]


def test_slices_are_those_of_the_tables(run: Traced, processor: TraceProcessor) -> None:
    begin = begins(run)
    want: Counter[tuple[str, str, int, int]] = Counter()
    for row in run.table("cores"):
        lane = {"loop": "loop", "packet": "pipeline", "stall": "stalls"}[str(row["kind"])]
        start = begin[row["sample"]] + row["start_cycle"]  # type: ignore[index,operator]
        duration = row["end_cycle"] - row["start_cycle"]  # type: ignore[operator]
        want[f"core {row['core']} {lane}", str(row["kind"]), start, duration] += 1
    for row in run.table("flits"):
        x, y = run.fabric.xy(row["router"])  # type: ignore[arg-type]
        port = ("east", "north", "west", "south", "local0")[row["port"]]  # type: ignore[index]
        start = begin[row["sample"]] + row["cycle"]  # type: ignore[index,operator]
        want[f"router ({x},{y}) {port}", "flit", start, 1] += 1
    for row in run.table("steps"):
        start = begin[row["sample"]] + row["start_cycle"]  # type: ignore[index,operator]
        want["steps", str(row["kind"]), start, row["end_cycle"] - row["start_cycle"]] += 1  # type: ignore[operator]
    for row in run.table("packets"):
        lane = "host" if row["source"] == HOST else f"core {row['source']} loop"
        want[lane, "send", begin[row["sample"]] + row["inject_cycle"], 0] += 1  # type: ignore[index,operator]
        if row["target"] == HOST:
            want["host", "receive", begin[row["sample"]] + row["end_cycle"], 0] += 1  # type: ignore[index,operator]
    got = Counter((lane, category, ts, dur) for lane, category, _, ts, dur in processor.query(SLICES))
    assert got == want
    assert sum(want.values()) > 4000


def test_nothing_is_lost_or_refused(processor: TraceProcessor) -> None:
    sql = "select name, value from stats where severity in ('error', 'data_loss') and value > 0"
    assert processor.query(sql) == []
    names = [name for (name,) in processor.query("select name from process where name is not null order by pid")]
    assert names == ["neurosim system", "chip 0"]


def test_a_flow_leads_from_the_sender_over_the_links_to_the_receiver(run: Traced, processor: TraceProcessor) -> None:
    """Every packet: as many arrows as links and one more, each from an earlier slice to a later one."""
    arrows = processor.query(
        "select a.category as source, b.category as target, b.ts - a.ts as later from flow join slice a on flow.slice_out = a.id "
        "join slice b on flow.slice_in = b.id"
    )
    packets, flits = run.table("packets"), run.table("flits")
    hops = Counter((row["sample"], row["source"], row["number"]) for row in flits if row["flit"] == 0)
    assert len(arrows) == sum(hops[p["sample"], p["source"], p["number"]] + 1 for p in packets)
    assert all(later >= 0 for _, _, later in arrows)
    kinds = Counter((a, b) for a, b, _ in arrows)
    assert set(kinds) == {("send", "flit"), ("flit", "flit"), ("flit", "packet"), ("flit", "receive")}
    assert kinds["send", "flit"] == len(packets)


def test_counters(run: Traced, processor: TraceProcessor) -> None:
    rows = processor.query(
        "select t.name, c.ts, c.value from counter c join track t on c.track_id = t.id order by c.ts, c.id"
    )
    begin = begins(run)
    packets = run.table("packets")
    events = sorted(
        [(begin[p["sample"]] + p["inject_cycle"], 1) for p in packets]  # type: ignore[index,operator]
        + [(begin[p["sample"]] + p["end_cycle"], -1) for p in packets]  # type: ignore[index,operator]
    )
    want: dict[int, int] = {}
    value = 0
    for ts, change in events:
        value += change
        want[ts] = value
    assert {ts: value for name, ts, value in rows if name == "packets in flight"} == want
    waiting = [value for name, _, value in rows if name.endswith("waiting")]
    assert min(waiting) == 0
    assert max(waiting) > 1
    last = {name: value for name, _, value in rows}
    assert set(last.values()) == {0}


def test_several_chips(tmp_path: Path) -> None:
    run = traced(tmp_path, "tiny_2x2", n_samples=1)
    trace = PB.Trace.FromString(exported(run.select()))
    names = [p.track_descriptor.process.process_name for p in trace.packet if p.track_descriptor.process.pid]
    assert names[0] == "neurosim system"
    assert sorted(names[1:]) == ["chip 0", "chip 1", "chip 2", "chip 3"]


def test_windowed_export_and_exact_bytes(run: Traced) -> None:
    """The second sample only: it begins at 0; the same selection gives the same bytes."""
    selection = run.select(samples=(1, 2), steps=(2, 3), cores=frozenset({1}))
    data = exported(selection)
    assert data == exported(selection)
    trace = PB.Trace.FromString(data)
    lanes = {p.track_descriptor.uuid: p.track_descriptor.name for p in trace.packet if p.HasField("track_descriptor")}
    events = [p for p in trace.packet if p.HasField("track_event")]
    loops = [
        (p.timestamp, lanes[p.track_event.track_uuid]) for p in events if list(p.track_event.categories) == ["loop"]
    ]
    (want,) = [
        row for row in run.table("cores")
        if (row["sample"], row["step"], row["core"], row["kind"]) == (1, 2, 1, "loop")
    ]  # fmt: skip
    assert loops == [(want["start_cycle"], "core 1 loop")]


def test_only_the_chosen_cores_have_counters(run: Traced) -> None:
    """Packets of others are drawn where they meet a chosen core; how many wait there is not known."""
    chosen = int(run.table("cores")[0]["core"])  # type: ignore[call-overload]
    found = PB.Trace.FromString(exported(run.select(cores=frozenset({chosen}))))
    counters = [p.track_descriptor for p in found.packet if p.track_descriptor.HasField("counter")]
    assert {d.name for d in counters} == {"packets in flight", f"core {chosen} waiting"}


def test_an_interval_without_an_end_stays_open(run: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    block = next(iter(run.select().blocks("cores")))
    block = {name: values[:1].copy() for name, values in block.items()}
    block["end_cycle"][:] = NULL
    monkeypatch.setattr(Selection, "blocks", lambda self, table: iter([block] if table == "cores" else []))
    trace = PB.Trace.FromString(exported(run.select()))
    kinds = [p.track_event.type for p in trace.packet if p.HasField("track_event")]
    assert kinds == [PB.TrackEvent.TYPE_SLICE_BEGIN]


def test_times_are_rounded_down() -> None:
    class Cycle:
        period_ps = 1500

    selection = Selection.__new__(Selection)
    fabric = type("F", (), {"chip": type("C", (), {"cycle": Cycle})})
    for name, value in (("fabric", fabric), ("lengths", np.array([10, 10])), ("samples", (0, 2))):
        object.__setattr__(selection, name, value)
    times = selection.time_ns(np.array([0, 0, 1]), np.array([2, 3, 1]))
    assert times.tolist() == [3, 4, 16]


def test_without_the_package(run: Traced, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "perfetto.protos.perfetto.trace.perfetto_trace_pb2", None)
    with pytest.raises(InputError) as caught:
        perfetto.write_perfetto(run.select(), io.BytesIO())
    assert caught.value.text() == (
        "the Perfetto export needs the package 'perfetto', which is not installed [export-no-perfetto]\n"
        "  hint: pip install 'neurosim-cycle[trace]'"
    )
