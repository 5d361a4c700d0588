"""Two engines, one trace: the same rows in the same order, on chips that may deadlock, drop or miss deadlines."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neurosim.engines.base import RunOptions, TraceRequest
from neurosim.engines.compiled import core_state, fabric_state
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference import tracing
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.engines.trace import TABLES
from tests.helpers.chips import make_chip
from tests.helpers.keeping import in_pieces
from tests.helpers.programs import chain, workload
from tests.helpers.trace_sink import ALL, MemorySink
from tests.property.both_engines import CHECKS, by_both, over_kinds
from tests.property.cases import KINDS, program_cases

NORMAL = settings(max_examples=6, deadline=None, suppress_health_check=CHECKS)


def traces(program, load, options, request=ALL):
    def run(engine):
        sink = MemorySink(request)
        return sink, engine.run(program, load, dataclasses.replace(options, sink=sink))

    return by_both(run)


def assert_equal(found):
    (ours, result), (theirs, _) = found
    for name in ours.blocks:
        mine, other = ours.table(name), theirs.table(name)
        for column in TABLES[name]:
            np.testing.assert_array_equal(mine[column.name], other[column.name], f"{name}.{column.name}")
    return ours, result


def check_totals(sink, result):
    """The trace and the result tell of the same run."""
    counters, packets, flits = result.counters, sink.table("packets"), sink.table("flits")
    by_outcome = np.bincount(packets["outcome"], minlength=3).tolist()
    assert by_outcome == [counters.packets_arrived, counters.packets_dropped, counters.packets_in_flight]
    counted = np.zeros_like(counters.port_flits)
    np.add.at(counted, (flits["router"], flits["port"]), 1)
    np.testing.assert_array_equal(counted, counters.port_flits)
    names = ("sample", "source", "number", "target")  # one number for all leaves of a tree
    names = list(zip(*(packets[name].tolist() for name in names), strict=True))
    assert len(set(names)) == len(names)


def compare(case):
    found = traces(case.program, case.workload, dataclasses.replace(case.options, log_packets=False))
    sink, result = assert_equal(found)
    event(result.verdict.status)
    check_totals(sink, result)


test_the_same_rows, test_the_same_rows_nightly = over_kinds(
    compare, program_cases, normal=6, nightly=170  # of each kind: 36 and 1,020
)


@pytest.mark.parametrize("engine", [ReferenceEngine(), CompiledEngine()], ids=lambda engine: engine.name)
@NORMAL
@given(case=st.sampled_from(KINDS).flatmap(program_cases), every=st.integers(1, 5), asked=st.integers(2, 40))
def test_a_run_in_pieces_has_the_same_trace(engine, case, every, asked):
    """Stopped and continued again and again, also from a state that later rows were written after."""
    whole, pieces = MemorySink(), MemorySink()
    options = dataclasses.replace(case.options, sink=whole)
    engine.run(case.program, case.workload, options)
    for stop in ({"kept": 1}, {"asked": asked}):
        pieces = MemorySink()
        options = dataclasses.replace(case.options, sink=pieces)
        _, states = in_pieces(engine, case.program, case.workload, options, every, **stop)
        event(f"{len(states)} cuts")
        assert_equal([(whole, None), (pieces, None)])


@pytest.mark.parametrize("drain_rows", [1, 50])
def test_small_logs_change_nothing(drain_rows, monkeypatch):
    """However often the logs are drained: the same rows."""
    program = chain(make_chip(2, 2, flits=2), [0, 3, 1], n=9)
    load = workload(np.ones((2, 3, 9)))
    whole, _ = assert_equal(traces(program, load, RunOptions()))
    for module in (core_state, fabric_state, tracing):
        monkeypatch.setattr(module, "DRAIN_ROWS", drain_rows)
    found = traces(program, load, RunOptions())
    parts, result = assert_equal(found)
    check_totals(parts, result)
    for sink, _ in found:
        assert min(len(sink.blocks[name]) for name in ("packets", "flits", "cores")) > 20 // drain_rows
    for name in TABLES:
        for column, values in whole.table(name).items():
            np.testing.assert_array_equal(values, parts.table(name)[column])


@pytest.mark.parametrize("tables", [{"packets"}, {"cores"}, {"flits", "steps"}])
def test_only_what_is_asked_for(tables):
    program = chain(make_chip(2, 1), [0, 1], n=4)
    load = workload(np.ones((1, 3, 4)))
    whole, _ = assert_equal(traces(program, load, RunOptions()))
    part, _ = assert_equal(traces(program, load, RunOptions(), TraceRequest(frozenset(tables))))
    for name in tables:
        for column, values in whole.table(name).items():
            np.testing.assert_array_equal(values, part.table(name)[column])
