"""Multicast on every cycle engine: deadlocks of trees that must be seen, their XY twins, states and digests."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import store
from neurosim.analysis.check_result import check_result
from neurosim.analysis.deadlock import analyse_deadlock
from neurosim.artefacts.program import program_flows, tree_sends
from neurosim.artefacts.tree_table import as_target
from neurosim.engines import diff
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.cdg import analyse_flows
from neurosim.fabric.tables import program_fabric
from neurosim.rules.events import EVENT_INDEX
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.tree_sends import E, L, N, S, W, journeys, run_sends, sending, tree_chip

every_engine = pytest.mark.parametrize("engine", ENGINES, ids=IDS)

# 2x2: cores 0 1 below, 2 3 above. Every core sends to its next neighbour round the square and to the one after.
LEAVES = {(0, 1): 0, (0, 3): 1, (1, 3): 2, (1, 2): 3, (3, 2): 4, (3, 0): 5, (2, 0): 6, (2, 1): 7}
ROUND = {
    (0, 0): E, (1, 0): L | N, (3, 0): L, (1, 1): N, (3, 1): L | W, (2, 1): L,
    (3, 3): W, (2, 3): L | S, (0, 3): L, (2, 2): S, (0, 2): L | E, (1, 2): L,
}  # fmt: skip
"""All turn left: east, north, west and south wait for each other."""
XY = {
    (0, 0): E, (1, 0): L | N, (3, 0): L, (1, 1): N | W, (3, 1): L, (0, 1): N, (2, 1): L,
    (3, 3): W, (2, 3): L | S, (0, 3): L, (2, 2): S | E, (0, 2): L, (3, 2): S, (1, 2): L,
}  # fmt: skip
"""The same leaves by XY ways."""
FLOOD = {core: [(2 + k, as_target(core), k) for k in range(6)] for core in range(4)}
PACKETS = 4 * 6


def flooded(entries, sends=FLOOD, **core):
    chip = tree_chip(2, 2, core=core, router={"buffer_flits": 1})
    return chip, sending(chip, sends, entries, LEAVES)


def flows_verdict(chip, program):
    fabric = program_fabric(program, chip)
    return analyse_flows(fabric, *program_flows(program), tree_sends(program))


@every_engine
def test_trees_that_wait_for_each_other_in_a_ring(engine):
    chip, program = flooded(ROUND)
    found = flows_verdict(chip, program)
    assert found.verdict == "cyclic"
    assert not analyse_deadlock(chip, program, None).flows.result.is_free
    result = run_sends(engine, program)
    verdict = result.verdict
    # In 6 all four first packets are in the next router and owe their second branch, for which there is no credit; the
    # other branch, LOCAL, went in 6. Behind each wait its sender's next flit, transmit FIFO and loop.
    assert verdict.status == "deadlock"
    assert verdict.blocked == tuple(
        f"chip 0 router ({x},{y}) {port} input vc 0 waits for chip 0 router ({a},{b}) {behind} input vc 0, "
        f"holding a packet (core {core} -> tree {core}, step 0)"
        for (x, y, port, core), (a, b, behind) in [
            ((0, 0, "north", 2), (1, 0, "west")), ((1, 0, "west", 0), (1, 1, "south")),
            ((1, 1, "south", 1), (0, 1, "east")), ((0, 1, "east", 3), (0, 0, "north")),
        ]
    )  # fmt: skip
    assert "a cycle of 4 waits, 12 of 12 waiting queues" in verdict.summary
    # each core got the first packet of its neighbour; everything else is still under way
    assert result.counters.packets_arrived == 4
    assert check_result(result, program, chip) == []


@every_engine
def test_their_xy_twin_is_free(engine):
    chip, program = flooded(XY)
    assert flows_verdict(chip, program).verdict == "free"
    assert analyse_deadlock(chip, program, None).flows.result.is_free
    result = run_sends(engine, program, check_every_cycles=1)
    assert result.verdict.status == "ok"
    assert result.counters.packets_sent == result.counters.packets_arrived == 2 * PACKETS
    assert check_result(result, program, chip) == []


@every_engine
def test_one_branch_in_a_ring_is_enough(engine):
    # A packet takes 500 cycles in the pipeline, and the receive FIFO has one slot. Each core sends itself two packets
    # first, so when the trees' packets come round LOCAL is without a credit for a long time, which ends by itself;
    # the turn never gets one. Those flits wait for both, and are lost from then on.
    sends = {core: [(2, core, 0), (3, core, 0), *((4 + k, as_target(core), k) for k in range(6))] for core in range(4)}
    _, program = flooded(ROUND, sends, rx_flits=1, decode_cycles=500)
    result = run_sends(engine, program, check_every_cycles=16)
    # 2: sent, 3 LOCAL, 6 in the core; the second in its router in 6, LOCAL in 8; the first flit of a tree has its
    # slot in 11, is in the next router in 14 and waits: the check of 16 finds it
    assert (result.verdict.status, result.verdict.cycle) == ("deadlock", 16)
    assert "a cycle of 4 waits, 12 of 12 waiting queues" in result.verdict.summary
    assert result.counters.packets_arrived == 2 * 4  # what the cores sent to themselves
    assert all(arrive < 0 for key, both in journeys(result).items() if key[0] != key[1] for _, arrive in both)


@every_engine
def test_waiting_for_several_is_no_deadlock_by_itself(engine):
    # The XY twin with such slow cores: flits wait for LOCAL and for a turn, and every wait ends.
    _, program = flooded(XY, rx_flits=1, decode_cycles=40)
    result = run_sends(engine, program, check_every_cycles=1)
    assert result.verdict.status == "ok"
    assert (result.counters.port_blocked_cycles.max(axis=1) > 40).all()


@pytest.mark.parametrize("entries", [ROUND, XY], ids=["ring", "xy"])
@pytest.mark.parametrize("arbiter", ["round_robin", "one_winner_per_router"])
def test_every_cycle_is_the_same_on_both_engines(entries, arbiter):
    chip = tree_chip(2, 2, router={"buffer_flits": 2, "arbiter": arbiter}, core={"rx_flits": 1, "decode_cycles": 5})
    program = sending(chip, FLOOD, entries, LEAVES, host=[(0, 3)])
    fabric, x = program_fabric(program, chip), np.full((1, 1), 2)
    ours, theirs = (diff.program_probe(name, program, fabric, x) for name in ("reference", "compiled"))
    seen = []
    for cycle in diff.cycles_of(ours, theirs, 200):
        assert diff.compare_at(cycle, ours, theirs) is None
        seen.append(ours.snapshot())
    wants = {text for s in seen for part in s.values() if (text := part.get("wants output"))}
    assert any(", " in text for text in wants)  # some flit owed several branches at the end of a cycle
    on_wire = {f[1] for s in seen for core in range(4) for _, f in s[f"core {core} receive vc 0"]["flits on the wire"]}
    assert on_wire == {0, 1, 2, 3}  # on its last hop a copy is a packet for the core


def test_the_order_of_components_changes_nothing():
    _, program = flooded(XY, rx_flits=1, decode_cycles=7)
    plain = run_sends(ReferenceEngine(), program)
    digests = {store.digest(run_sends(ReferenceEngine(), program, shuffle_seed=seed)) for seed in range(5)}
    assert digests == {store.digest(plain)}


@every_engine
def test_a_packet_log_has_the_leaves_of_an_injection_together(engine):
    _, program = flooded(XY)
    log = run_sends(engine, program).packets
    mine = log.source == 1
    assert log.target[mine].tolist() == [2, 3] * 6
    assert log.axon[mine].tolist() == [k + first for k in range(6) for first in (3, 2)]
    assert (log.inject_cycle[mine][::2] == log.inject_cycle[mine][1::2]).all()


@every_engine
def test_counts_do_not_depend_on_the_log(engine):
    _, program = flooded(XY)
    from tests.helpers.programs import workload

    bare = engine.run(program, workload(np.zeros((1, 1, 1))), RunOptions())
    logged = run_sends(engine, program)
    assert bare.packets is None
    np.testing.assert_array_equal(bare.latency_histogram, logged.latency_histogram)
    assert bare.counters.packets_sent == logged.counters.packets_sent == 2 * PACKETS


def test_the_laws_find_a_flit_too_many():
    chip = tree_chip(2, 2)
    program = sending(chip, FLOOD, XY, LEAVES, host=[(0, 3)])
    result = run_sends(ReferenceEngine(), program, host_spikes=1)
    assert check_result(result, program, chip) == []
    # the cores' 24 packets count 48, so of the host no more than 25 flits can be explained: its one and 24
    result.counters.sample_events[0, EVENT_INDEX["flit_host"]] += 25
    assert "the host sent 26 flits, but its packets have 25" in check_result(result, program, chip)
    result.counters.sample_events[0, EVENT_INDEX["flit_host"]] -= 25
    result.counters.port_flits[0, 4] += 1
    assert any("flits left the network" in error or "flit_hop_local" in error for error in check_result(result, program, chip))
