"""Deadlocks that must be seen, and their repaired twins that must not be."""

from __future__ import annotations

import dataclasses
import re

import numpy as np
import pytest

from neurosim.engines.base import RunOptions, Traffic
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.programs import chain, dense, group, program_of, table, workload
from tests.helpers.traffic import uniform

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)

GATEWAY = {"link": {"gateways": {"row": 1, "column": 1}}, "chips": (2, 2)}


def gateway_chip(n_vcs: int):
    router = {"routing": "hierarchical_xy", "virtual_channels": n_vcs}
    if n_vcs == 2:
        router["vc_policy"] = "crossings"
    return make_chip(4, 4, router=router, **GATEWAY)


def held_packets(verdict) -> list[int]:
    """Numbers of the packets that the cycle's sentences name."""
    return [int(number) for s in verdict.blocked for number in re.findall(r"packet (\d+)", s)]


def test_gateways_with_one_vc_deadlock(engine):
    traffic = uniform(64, 0.1, 3000, seed=1)
    chip = gateway_chip(1)
    found = engine.run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=16))
    assert found.verdict.status == "partial_deadlock"
    assert len(found.verdict.blocked) == 16
    # an exact diagnosis: what it names never arrives, however long the rest goes on
    late = engine.run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=10**9))
    assert late.verdict.status == "deadlock"
    assert late.end_cycle > found.end_cycle
    assert [int(late.arrive[n]) for n in held_packets(found.verdict)] == [-1] * 16


def test_gateways_with_a_vc_per_crossing_are_free(engine):
    result = engine.run_traffic(
        gateway_chip(2), uniform(64, 0.1, 3000, seed=1), 50_000, RunOptions(check_every_cycles=64)
    )
    assert result.verdict.status == "ok"


@pytest.mark.parametrize(("load", "status"), [(0.1, "ok"), (0.3, "partial_deadlock")])
def test_torus_without_dateline(engine, load, status):
    chip = make_chip(8, 8, topology="torus", router={"routing": "torus_xy"})
    traffic = uniform(64, load, 2000, seed=3)
    result = engine.run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=32))
    assert result.verdict.status == status
    if status != "ok":
        assert len(result.verdict.blocked) == 8


def test_torus_with_dateline_is_free(engine):
    router = {"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"}
    chip = make_chip(8, 8, topology="torus", router=router)
    traffic = uniform(64, 0.3, 2000, seed=3)
    result = engine.run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=32))
    assert result.verdict.status == "ok"


def test_ring_under_transpose_dies_in_part(engine):
    """12 of 16 nodes die while the 4 on the diagonal go on; a global watchdog sees nothing."""
    rng = np.random.default_rng(1)
    cycle, source = np.nonzero(rng.random((3000, 16)) < 0.9)
    target = (source % 4) * 4 + source // 4
    chip = make_chip(16, 1, topology="torus", router={"routing": "torus_xy"})
    traffic = Traffic(cycle + 1, source, target)
    found = engine.run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=64))
    assert found.verdict.status == "partial_deadlock"
    late = engine.run_traffic(chip, traffic, 4_000, RunOptions(check_every_cycles=10**9))
    alive = sorted(set(source[late.arrive > 2_500].tolist()))
    assert alive == [0, 5, 10, 15]


def two_cores_that_send_to_each_other(receive_during_update: bool):
    """24 neurons a core, all fire in one step, every packet goes to the other core; tiny buffers."""
    chip = make_chip(
        2, 1, router={"buffer_flits": 1},
        core={"rx_flits": 1, "tx_flits": 1, "receive_during_update": receive_during_update},
    )  # fmt: skip
    n = 24
    base = chain(chip, [0, 1], n=n)
    cores = [
        dataclasses.replace(
            base.cores[k], groups=(group(f"layer{k}", n, 1),),
            blocks=(dense(np.ones((n, n)), chip),), targets=table([[(1 - k, a)] for a in range(n)]),
        )
        for k in (0, 1)
    ]  # fmt: skip
    host = table([[(0, 0), (1, 0)]])
    return program_of(chip, cores, [("input", 1)], [("layer1", n, 1)], host, 1)


def test_core_that_stops_draining_its_input_deadlocks(engine):
    program = two_cores_that_send_to_each_other(receive_during_update=False)
    result = engine.run(program, workload(np.ones((1, 1, 1))), RunOptions())
    assert result.verdict.status == "deadlock"
    text = "\n".join(result.verdict.blocked)
    for part in (
        "core 0 receive FIFO waits for core 0 neuron loop",
        "core 0 neuron loop waits for core 0 transmit FIFO",
        "core 1 neuron loop waits for core 1 transmit FIFO",
        "chip 0 router (1,0) west input vc 0 waits for core 1 receive FIFO",
    ):
        assert part in text


def test_core_that_always_receives_does_not(engine):
    program = two_cores_that_send_to_each_other(receive_during_update=True)
    result = engine.run(program, workload(np.ones((1, 1, 1))), RunOptions())
    assert result.verdict.status == "ok"
    assert result.counters.packets_in_flight == 0


def test_step_limit(engine):
    program = two_cores_that_send_to_each_other(receive_during_update=True)
    result = engine.run(program, workload(np.ones((1, 1, 1))), RunOptions(max_step_cycles=30))
    assert result.verdict.status == "limit"
    assert result.verdict.summary == "step 1 took more than 30 cycles"
