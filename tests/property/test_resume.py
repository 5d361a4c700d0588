"""A run in pieces is the run in one piece, wherever it was cut."""

from __future__ import annotations

import dataclasses
from functools import partial
from unittest import mock

import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from neurosim import store
from neurosim.engines.compiled import core_places, host_list
from neurosim.engines.compiled import program as compiled_program
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from tests.helpers.keeping import in_pieces
from tests.property.both_engines import CHECKS, NIGHTLY
from tests.property.cases import KINDS, program_cases

FEW = settings(max_examples=20, deadline=None, suppress_health_check=CHECKS)
CASES = {
    "case": st.sampled_from(KINDS).flatmap(program_cases), "every": st.integers(1, 5),
    "asked": st.integers(2, 40), "budget": st.sampled_from((1, 7, 60, 1 << 17)),
    "window": st.sampled_from((1, 5, 30, 1 << 16)),
}  # fmt: skip


def compare(engine, case, every, asked=2, budget=1 << 17, window=1 << 16):
    run = (engine, case.program, case.workload, case.options, every)
    whole = engine.run(*run[1:4])
    with (
        mock.patch.object(compiled_program, "FIRST_BUDGET", budget),
        mock.patch.object(host_list, "WINDOW_PACKETS", window),
    ):
        results = (in_pieces(*run, kept=1), in_pieces(*run, asked=asked))
    event(f"{whole.verdict.status}{', deadlines missed' if len(whole.missed) else ''}")
    event(f"{sum(len(states) for _, states in results)} cuts")
    for result, _ in results:
        for field in dataclasses.fields(whole):
            ours, theirs = getattr(whole, field.name), getattr(result, field.name)
            assert store.digest((ours,)) == store.digest((theirs,)), (field.name, ours, theirs)


@settings(FEW, max_examples=10)
@given(**CASES | {"case": st.sampled_from(KINDS).flatmap(partial(program_cases, multicast=True))})
def test_pieces_with_multicast(case, every, asked, budget, window):
    """Cut while some copies of a packet have arrived and others have not."""
    compare(CompiledEngine(), case, every, asked, budget, window)


@FEW
@given(**CASES)
def test_pieces_of_the_compiled_engine(case, every, asked, budget, window):
    compare(CompiledEngine(), case, every, asked, budget, window)


@pytest.mark.slow
@NIGHTLY
@given(**CASES)
def test_pieces_of_the_compiled_engine_nightly(case, every, asked, budget, window):
    compare(CompiledEngine(), case, every, asked, budget, window)


@settings(FEW, max_examples=10)
@given(case=st.sampled_from(KINDS).flatmap(program_cases), budget=st.sampled_from((1, 60)))
def test_the_next_check_lies_ahead_wherever_a_run_is_saved(case, budget):
    """A check that the kernel has passed over is not made up for: it would see the state of another cycle."""
    options = dataclasses.replace(case.options, check_every_cycles=16)
    with mock.patch.object(compiled_program, "FIRST_BUDGET", budget):
        _, states = in_pieces(CompiledEngine(), case.program, case.workload, options, 1, kept=1)
    for state in states:
        if state.inside:
            next_check_cycle, now = state.inside["numbers"][0], state.inside["cores.RUN"][core_places.NOW]
            assert next_check_cycle >= now
            assert next_check_cycle % 16 == 0


@settings(FEW, max_examples=8)
@given(case=CASES["case"], every=CASES["every"])
def test_pieces_of_the_reference_engine(case, every):
    compare(ReferenceEngine(), case, every)
