"""Hand-worked traces of multicast: each expected cycle is derived in the test's comment.

Unless a test says otherwise hops and deliveries take 3 cycles, credits and injection 2 and 1, buffers hold 4
flits.  A packet that enters the transmit FIFO in t is in its own router in t + 1.
"""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.analysis.check_result import check_result
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.tree_table import as_target
from neurosim.rules.events import EVENT_INDEX
from neurosim.rules.ports import EAST, LOCAL, WEST
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.trace_sink import MemorySink
from tests.helpers.tree_sends import E, L, W, journeys, run_sends, sending, tree_chip

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)
TREE = as_target(0)


def run(engine, chip, program, **more):
    """Run, and hold the result against the conservation laws."""
    result = run_sends(engine, program, **more)
    assert result.verdict.status == "ok"
    assert check_result(result, program, chip) == []
    return result


def test_copies_leave_in_one_cycle(engine):
    # Core 1 sends in 2; in router 1 in 3 and by all three ports at once: its own core in 6; routers 0 and 2 in
    # 6 and their cores in 9. One packet is sent, three arrive; axon 2 goes to leaf axons 5, 0 and 1.
    chip = tree_chip(3, 1)
    entries = {(0, 0): L, (1, 0): E | W | L, (2, 0): L}
    program = sending(chip, {1: [(2, TREE, 2)]}, entries, {(0, 0): 5, (0, 1): 0, (0, 2): 1})
    result = run(engine, chip, program)
    assert journeys(result) == {(1, 0, 7): [(2, 9)], (1, 1, 2): [(2, 6)], (1, 2, 3): [(2, 9)]}
    events = result.counters.sample_events[0]
    assert events[EVENT_INDEX["packet_sent"]] == 1
    assert result.counters.packets_sent == result.counters.packets_arrived == 3
    assert result.counters.port_flits.tolist() == [[0, 0, 0, 0, 1], [1, 0, 1, 0, 1], [0, 0, 0, 0, 1]]
    assert result.latency_histogram.tolist() == [0, 0, 0, 0, 1, 0, 0, 2]


@pytest.mark.parametrize("entries", [{(0, 0): E, (3, 0): L}, {(0, 0): E, (1, 0): E, (2, 0): E, (3, 0): L}])
def test_without_an_entry_it_goes_straight_on(engine, entries):
    # Sent 2, router 0 in 3, routers 1, 2 and 3 in 6, 9 and 12, core 3 in 15: with entries or without.
    chip = tree_chip(4, 1)
    result = run(engine, chip, sending(chip, {0: [(2, TREE, 0)]}, entries, {(0, 3): 0}))
    assert journeys(result) == {(0, 3, 0): [(2, 15)]}


def test_one_branch_to_a_core_and_one_onward(engine):
    # Sent 2, router 0 in 3, router 1 in 6: its core in 9, router 2 in 9, core 2 in 12.
    chip = tree_chip(3, 1)
    program = sending(chip, {0: [(2, TREE, 0)]}, {(0, 0): E, (1, 0): E | L, (2, 0): L}, {(0, 1): 0, (0, 2): 0})
    assert journeys(run(engine, chip, program)) == {(0, 1, 0): [(2, 9)], (0, 2, 0): [(2, 12)]}


BLOCKED_LEAVES = {(0, 1): 0, (0, 2): 0}
BLOCKED_ENTRIES = {(0, 0): E, (1, 0): E | L, (2, 0): L}


def blocked(chip):
    """Core 0 sends A and B to the tree of cores 1 and 2; core 1 sends U to core 2 just before A comes by."""
    sends = {0: [(2, TREE, 0), (3, TREE, 1)], 1: [(4, 2, 9)]}
    return sending(chip, sends, BLOCKED_ENTRIES, BLOCKED_LEAVES)


def test_a_branch_without_a_credit_waits_and_the_other_moves_on(engine):
    # One slot everywhere. U: sent 4, in router 1 in 5, goes east in 5 with the only credit, in router 2 in 8,
    # granted 8, core 2 in 11; the slot's credit is back at router 1 in 10.
    # A: sent 2, router 0 in 3, router 1 in 6. LOCAL goes in 6 (core 1 in 9), EAST has no credit up to 10: router 2
    # in 13, core 2 in 16. It leaves router 1 with its last copy in 10, so router 0 has the credit in 12, not in 8.
    # B: enters its FIFO in 3, but router 0's slot is free in 3 and its credit at the core in 5: in router 0 in 6.
    # It moves in 12, is in router 1 in 15. LOCAL goes in 15 (18); EAST's credit (router 2 freed its slot in
    # 13) is back in 15 too: router 2 in 18, core 2 in 21.
    # Waited: A's EAST copy 10 - 6 = 4, its LOCAL copy not at all; B 12 - 6 = 6 in router 0.
    chip = tree_chip(3, 1, router={"buffer_flits": 1})
    result = run(engine, chip, blocked(chip))
    assert journeys(result) == {
        (0, 1, 0): [(2, 9)], (0, 2, 0): [(2, 16)], (0, 1, 1): [(3, 18)], (0, 2, 1): [(3, 21)],
        (1, 2, 9): [(4, 11)],
    }  # fmt: skip
    waited = np.zeros_like(result.counters.port_blocked_cycles)
    waited[1, EAST], waited[0, EAST] = 4, 6
    np.testing.assert_array_equal(result.counters.port_blocked_cycles, waited)


def test_what_the_trace_tells_of_copies(engine):
    # The run above. A is number 0 of core 0 and B number 1, for all their leaves; flits name the tree and the
    # axon sent, on the last hop too.
    chip = tree_chip(3, 1, router={"buffer_flits": 1})
    sink = MemorySink()
    run(engine, chip, blocked(chip), sink=sink)
    packets = sink.table("packets")
    columns = [packets[name].tolist() for name in ("end_cycle", "source", "number", "target", "axon")]
    assert list(zip(*columns, strict=True)) == [
        (9, 0, 0, 1, 0), (11, 1, 0, 2, 9), (16, 0, 0, 2, 0), (18, 0, 1, 1, 1), (21, 0, 1, 2, 1),
    ]  # fmt: skip
    flits = sink.table("flits")
    columns = [flits[name].tolist() for name in ("cycle", "router", "port", "source", "number", "target", "axon")]
    assert list(zip(*columns, strict=True)) == [
        (3, 0, EAST, 0, 0, TREE, 0), (5, 1, EAST, 1, 0, 2, 9), (6, 1, LOCAL, 0, 0, TREE, 0),
        (8, 2, LOCAL, 1, 0, 2, 9), (10, 1, EAST, 0, 0, TREE, 0), (12, 0, EAST, 0, 1, TREE, 1),
        (13, 2, LOCAL, 0, 0, TREE, 0), (15, 1, EAST, 0, 1, TREE, 1), (15, 1, LOCAL, 0, 1, TREE, 1),
        (18, 2, LOCAL, 0, 1, TREE, 1),
    ]  # fmt: skip


def test_leaves_that_arrive_together_are_traced_by_target(engine):
    # As the first test: cores 0 and 2 get their copies in 9, core 1 in 6.
    chip = tree_chip(3, 1)
    entries = {(0, 0): L, (1, 0): E | W | L, (2, 0): L}
    sink = MemorySink()
    run(engine, chip, sending(chip, {1: [(2, TREE, 0)]}, entries, {(0, k): 0 for k in range(3)}), sink=sink)
    assert sink.table("packets")["target"].tolist() == [1, 0, 2]


def test_a_port_that_is_taken_by_another_input(engine):
    # Core 0's tree (cores 1 and 2) and core 2's tree (cores 1 and 0) meet in router 1 in 6: both want LOCAL, one
    # EAST, one WEST. EAST and WEST go in 6; LOCAL takes input EAST (0) first: core 2's copy in 6, core 0's in 7.
    chip = tree_chip(3, 1)
    entries = {(0, 0): E, (1, 0): E | L, (2, 0): L, (2, 1): W, (1, 1): W | L, (0, 1): L}
    leaves = {(0, 1): 0, (0, 2): 0, (1, 1): 0, (1, 0): 0}
    program = sending(chip, {0: [(2, TREE, 0)], 2: [(2, as_target(1), 0)]}, entries, leaves)
    result = run(engine, chip, program)
    assert journeys(result) == {
        (0, 1, 0): [(2, 10)], (0, 2, 0): [(2, 12)], (2, 1, 0): [(2, 9)], (2, 0, 0): [(2, 12)],
    }  # fmt: skip
    assert result.counters.port_blocked_cycles[1].tolist() == [0, 0, 0, 0, 1]


def test_one_winner_per_router_makes_copies_one_after_the_other(engine):
    # As the first test, but one output acts a cycle, from the router's pointer on: EAST (0) in 3, WEST (2) in 4,
    # LOCAL (4) in 5: core 2 in 9, core 0 in 10, core 1 in 8. The packet behind is at the front in 6.
    # The pointer is at 0 again: EAST in 6 (12), WEST in 7 (13), LOCAL in 8 (11).
    chip = tree_chip(3, 1, router={"arbiter": "one_winner_per_router"})
    entries = {(0, 0): L, (1, 0): E | W | L, (2, 0): L}
    leaves = {(0, core): 0 for core in range(3)}
    result = run(engine, chip, sending(chip, {1: [(2, TREE, 0), (3, TREE, 1)]}, entries, leaves))
    assert journeys(result) == {
        (1, 0, 0): [(2, 10)], (1, 1, 0): [(2, 8)], (1, 2, 0): [(2, 9)],
        (1, 0, 1): [(3, 13)], (1, 1, 1): [(3, 11)], (1, 2, 1): [(3, 12)],
    }  # fmt: skip
    # waited: first packet WEST 1, LOCAL 2; the second, at the front from 6 on, the same
    waited = result.counters.port_blocked_cycles[1]
    assert (waited[EAST], waited[WEST], waited[LOCAL]) == (0, 2, 4)


def test_two_virtual_channels_take_turns(engine):
    # Ring of 4 with a dateline. T, core 3's tree of cores 1 and 2, crosses the closing link, so it is on VC 1 from
    # router 0 on: sent 2, router 3 in 3, router 0 in 6 (straight on), router 1 in 9.
    # Core 0 sends X to core 2 in 4 and U to core 1 in 6, both on VC 0: in router 0 in 5 and 7, router 1 in 8 and 10.
    # Core 1 sends V to core 2 in 8, in router 1 in 9.
    # Router 1: 8: X goes EAST; the port's pointer is behind WEST (2) at 3.
    #   9: T asks for LOCAL and EAST, V (input LOCAL, 4) for EAST: T gets LOCAL (core 1 in 12), V gets EAST. As a
    #      copy of T moved, the VC pointer of input WEST goes past VC 1 to 0.
    #   10: U (VC 0) asks for LOCAL; T could go EAST, but its input port proposes VC 0: U to core 1 in 13.
    #   11: T goes EAST: router 2 in 14, core 2 in 17. It waited 2 cycles.
    # X is in router 2 in 11, V in 12: core 2 in 14 and 15.
    router = {"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"}
    chip = tree_chip(4, 1, topology="torus", router=router)
    entries = {(3, 0): E, (1, 0): E | L, (2, 0): L}
    sends = {3: [(2, TREE, 0)], 0: [(4, 2, 1), (6, 1, 2)], 1: [(8, 2, 3)]}
    result = run(engine, chip, sending(chip, sends, entries, {(0, 1): 0, (0, 2): 0}))
    assert journeys(result) == {
        (3, 1, 0): [(2, 12)], (3, 2, 0): [(2, 17)], (0, 2, 1): [(4, 14)], (0, 1, 2): [(6, 13)],
        (1, 2, 3): [(8, 15)],
    }  # fmt: skip
    assert result.counters.port_blocked_cycles[1, EAST] == 2


def test_a_port_that_is_still_busy(engine):
    # 4 cycles between flits. Core 1's own U (sent 4, in router 1 in 5) takes EAST in 5, so EAST is free in 9; U takes
    # LOCAL of router 2 in 8 (core 2 in 11). The tree of core 0, in router 1 in 6, goes LOCAL in 6 (core 1 in 9) and
    # EAST in 9; it is in router 2 in 12, when LOCAL there is free again, and in core 2 in 15.
    chip = tree_chip(3, 1, router={"cycles_per_flit": 4})
    program = sending(chip, {0: [(2, TREE, 0)], 1: [(4, 2, 9)]}, BLOCKED_ENTRIES, BLOCKED_LEAVES)
    assert journeys(run(engine, chip, program)) == {
        (0, 1, 0): [(2, 9)], (0, 2, 0): [(2, 15)], (1, 2, 9): [(4, 11)],
    }  # fmt: skip


def test_a_leaf_at_the_host(engine):
    # Core 1's tree of the host and core 0: sent 2, router 1 in 3, router 0 in 6: host in 7 (latency 1), core 0 in 9.
    chip = tree_chip(2, 1)
    program = sending(chip, {1: [(2, TREE, 0)]}, {(1, 0): W, (0, 0): W | L}, {(0, HOST): 0, (0, 0): 4})
    result = run(engine, chip, program)
    assert journeys(result) == {(1, HOST, 0): [(2, 7)], (1, 0, 4): [(2, 9)]}
    assert result.packets.target.tolist() == [HOST, 0]
    assert result.counters.sample_events[0][EVENT_INDEX["flit_host"]] == 1


def test_the_host_sends_to_a_tree(engine):
    # Two spikes, one packet a cycle: they leave in 1 and 2, are in router 0 in 2 and 3, at core 0 in 5 and 6, in
    # router 1 in 5 and 6, at core 1 in 8 and 9. The journey of each began when it left the host.
    chip = tree_chip(2, 1)
    program = sending(chip, {}, {(0, 0): E | L, (1, 0): L}, {(0, 0): 0, (0, 1): 6}, host=[(TREE, 3)])
    result = run(engine, chip, program, host_spikes=2)
    assert journeys(result) == {(HOST, 0, 3): [(1, 5), (2, 6)], (HOST, 1, 9): [(1, 8), (2, 9)]}
    assert result.counters.packets_sent == 4
    assert result.counters.sample_events[0][EVENT_INDEX["flit_host"]] == 2


def test_copies_that_wait_when_the_run_stops_are_counted(engine):
    # The blocked run, broken off in cycle 8 of step 0 (7 cycles after its start in 1): A has waited 2 cycles for EAST
    # of router 1, B 2 for EAST of router 0. A's copy for core 1 left in 6 and, like all others, has not arrived.
    chip = tree_chip(3, 1, router={"buffer_flits": 1})
    result = run_sends(engine, blocked(chip), max_step_cycles=7)
    assert result.verdict.status == "limit"
    assert result.verdict.cycle == 8
    waited = np.zeros_like(result.counters.port_blocked_cycles)
    waited[1, EAST], waited[0, EAST] = 2, 2
    np.testing.assert_array_equal(result.counters.port_blocked_cycles, waited)
    assert result.counters.packets_sent == 5
    assert result.counters.packets_arrived == 0


def test_every_copy_that_waits_when_the_run_stops_is_counted(engine):
    # One slot everywhere, in receive FIFOs too, and 50 cycles a packet. Core 1 sends itself P in 2 and Q in 3. P: in
    # router 1 in 3, LOCAL in 3, taken into the pipeline in 6, so LOCAL has its credit back in 8. Q has P's slot in
    # router 1 (freed in 3) in 5, is there in 6, goes LOCAL in 8 after 2 cycles, and stays in the FIFO: LOCAL has no
    # credit from 8 on. U has Q's slot in 10, is in router 1 in 11, goes EAST in 11; that credit is back in 16.
    # Core 0 sends A in 8 (router 0 in 9, router 1 in 12: no credit for LOCAL, none for EAST) and B in 9 (A's slot
    # in 11, in router 0 in 12: no credit for EAST). Broken off in 14, 13 cycles after the step's start.
    chip = tree_chip(3, 1, router={"buffer_flits": 1}, core={"rx_flits": 1, "decode_cycles": 50})
    sends = {0: [(8, TREE, 0), (9, TREE, 1)], 1: [(2, 1, 8), (3, 1, 8), (4, 2, 9)]}
    program = sending(chip, sends, BLOCKED_ENTRIES, BLOCKED_LEAVES)
    result = run_sends(engine, program, max_step_cycles=13)
    assert (result.verdict.status, result.verdict.cycle) == ("limit", 14)
    waited = np.zeros_like(result.counters.port_blocked_cycles)
    waited[1, LOCAL], waited[1, EAST], waited[0, EAST] = 2 + 2, 2, 2
    np.testing.assert_array_equal(result.counters.port_blocked_cycles, waited)
