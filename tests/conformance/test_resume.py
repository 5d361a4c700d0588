"""Runs in pieces that end badly, or late: the verdict, the waits and the missed deadlines are the same."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import store
from neurosim.engines.base import RunOptions
from tests.conformance.test_deadlock_cases import two_cores_that_send_to_each_other
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.keeping import in_pieces
from tests.helpers.programs import chain, workload

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)


def late_input(n_inputs: int, n_steps: int):
    """Two samples: a silent one, and one with spikes in its last two steps."""
    x = np.zeros((2, n_steps, n_inputs))
    x[1, -2:] = 3
    return workload(x)


def test_a_deadlock_after_the_cuts(engine):
    program, inputs = two_cores_that_send_to_each_other(receive_during_update=False), late_input(1, 4)
    whole = engine.run(program, inputs, RunOptions())
    assert (whole.verdict.status, whole.verdict.sample) == ("deadlock", 1)
    result, states = in_pieces(engine, program, inputs, RunOptions(), 1, cuts=9, kept=1)
    assert store.digest(result) == store.digest(whole)
    expected = [(1, 0)] if engine.name == "reference" else [(0, 1), (0, 2), (0, 3), (0, 4), (1, 0), (1, 1)]
    assert [(s.sample, s.step) for s in states][: len(expected)] == expected


def test_missed_deadlines(engine):
    chip = make_chip(3, 2, sync={"mode": "tick", "base_cycles": 0, "tick_period_cycles": 12})
    x = np.zeros((2, 7, 6))
    x[0, 1:3] = x[1, -2:] = 3
    program, inputs = chain(chip, [0, 3, 4], n=6), workload(x)
    options = RunOptions(log_packets=True)
    whole = engine.run(program, inputs, options)
    assert set(whole.missed[:, 0]) == {0, 1}
    assert whole.counters.late_packets > 0
    result, states = in_pieces(engine, program, inputs, options, 1, cuts=30, kept=1)
    assert store.digest(result) == store.digest(whole)
    assert len(states) == (1 if engine.name == "reference" else 19)  # 20 steps in all, one is the first


def test_the_hosts_list_in_windows(engine, monkeypatch):
    """The compiled engine makes the host's packets for some steps at a time: no window shows."""
    x = np.random.default_rng(1).integers(0, 3, (2, 9, 6))
    program, inputs = chain(make_chip(3, 2), [0, 3, 4], n=6), workload(x)
    whole = engine.run(program, inputs, RunOptions(log_packets=True))
    for packets in (1, 20, 40):
        monkeypatch.setattr("neurosim.engines.compiled.host_list.WINDOW_PACKETS", packets)
        result, _ = in_pieces(engine, program, inputs, RunOptions(log_packets=True), 5, kept=1)
        assert store.digest(result) == store.digest(whole)


@pytest.mark.parametrize("period", [12, 60])
def test_the_hosts_list_in_windows_with_ticks(engine, period, monkeypatch):
    """Ticks do not wait for the host: it still holds packets of windows before, or (12) ever more of them."""
    x = np.random.default_rng(1).integers(0, 3, (2, 9, 6))
    chip = make_chip(3, 2, flits=2, sync={"mode": "tick", "tick_period_cycles": period})
    program, inputs = chain(chip, [0, 3, 4], n=6), workload(x)
    options = RunOptions(log_packets=True)
    whole = engine.run(program, inputs, options)
    assert bool(whole.counters.late_packets) is (period == 12)
    for packets in (1, 20, 40):
        monkeypatch.setattr("neurosim.engines.compiled.host_list.WINDOW_PACKETS", packets)
        assert store.digest(engine.run(program, inputs, options)) == store.digest(whole)
        for every in (1, 5):
            result, _ = in_pieces(engine, program, inputs, options, every, kept=1)
            assert store.digest(result) == store.digest(whole)


def test_lost_packets_before_the_cut(engine):
    """The verdict of a sample that is over stays with the run."""
    chip = make_chip(3, 1, router={"drop_after_cycles": 1, "buffer_flits": 1})
    x = np.zeros((3, 2, 8))
    x[0] = 5
    program, inputs = chain(chip, [0, 2], n=8), workload(x)
    whole = engine.run(program, inputs, RunOptions())
    assert (whole.verdict.status, whole.verdict.sample, whole.n_samples) == ("lost_packets", 0, 3)
    result, _ = in_pieces(engine, program, inputs, RunOptions(), 8, kept=1)
    assert store.digest(result) == store.digest(whole)
