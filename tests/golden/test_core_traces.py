"""Hand-worked traces of cores, host, barrier and tick."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram
from neurosim.engines.base import RunOptions
from neurosim.rules.events import EVENT_INDEX
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.programs import chain, dense, group, program_of, table, workload

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)


def run(engine, program, counts):
    """``counts``: spike counts of one sample, (steps, inputs)."""
    return engine.run(program, workload(np.array([counts])), RunOptions(log_packets=True))


def test_chain_of_two_cores(engine):
    # Step 0, token 1: the host sends in 1, router 0 in 2, core 0 in 5, pipeline 1 decode + 1 word: 7.
    # Barrier 5: token 12. Update 2 (active), spike 1, push in 15; router 0 in 16, router 1 in 19, core 1
    # in 22, pipeline to 24. Token 29; push in 32, router 1 in 33, router 0 in 36, host in 37.
    result = run(engine, chain(make_chip(2, 1), [0, 1]), [[1]])
    assert result.step_start.tolist() == [[1, 12, 29]]
    assert result.step_end.tolist() == [[7, 24, 37]]
    assert result.latency_cycles.tolist() == [37]
    assert result.packets.inject_cycle.tolist() == [1, 15, 32]
    assert result.packets.arrive_cycle.tolist() == [5, 22, 37]
    assert result.output_counts.tolist() == [[1]]
    events = result.counters.sample_events[0]
    expected = {
        "flit_hop_east_west": 2, "flit_hop_local": 2, "flit_host": 2, "packet_decoded": 2,
        "synapse_word_read": 2, "synaptic_operation": 2, "neuron_update_active": 2,
        "spike_generated": 2, "packet_sent": 2, "barrier": 3,
    }  # fmt: skip
    assert {name: int(events[i]) for name, i in EVENT_INDEX.items() if events[i]} == expected


def test_loop_walks_targets_and_fills_the_transmit_fifo(engine):
    # 3 neurons, all fire: per neuron 2 update + 1 spike + 1 entry = 4 cycles, pushes 3, 7, 11 after the token.
    result = run(engine, chain(make_chip(2, 1), [0, 1], n=3), [[1, 0, 0]])
    start = result.step_start[0, 1]
    sent = result.packets.inject_cycle[result.packets.source == 0]
    assert (sent - start).tolist() == [3, 7, 11]
    assert result.output_counts.tolist() == [[1, 1, 1]]


def test_one_memory_port_lets_the_pipeline_first(engine):
    # One core that feeds itself, 2 neurons (update 2, spike 1, entry 1), memory port shared. Token T:
    # update A [T, T+2), spike, push T+3; the packet: router T+4, core T+7. The loop: update B
    # [T+4, T+6), spike to T+7, push T+7, done T+8. Free memory: with either number of ports equal here.
    # With update 6 cycles: A [T, T+6), push T+7, router T+8, core T+11; B starts T+8 and holds the port
    # to T+14; so the packet of A is taken in T+14 (shared) or T+11 (two ports), 2 cycles each.
    ends = {}
    for n_ports in (1, 2):
        core = {"memory_ports": n_ports, "update_cycles": {"active": 6, "idle": 6}}
        program = _self_feeding(make_chip(1, 1, core=core))
        result = run(engine, program, [[1]])
        # B: push T+8+6+1 = T+15, router T+16, core T+19, taken T+19, done T+21 either way
        ends[n_ports] = (result.step_end[0, 1] - result.step_start[0, 1]).item()
        busy = result.counters.core_busy_cycles[0].tolist()
        assert busy[0] == 2 * 3  # host packet, A, B: decode 1 + 1 word
    assert ends == {1: 21, 2: 21}


def _self_feeding(chip):
    import dataclasses

    from tests.helpers.programs import group, program_of, table

    base = chain(chip, [0], n=2)
    core = dataclasses.replace(
        base.cores[0], groups=(group("layer0", 2, 1),), targets=table([[(0, 0)], [(0, 1)]])
    )
    return program_of(chip, [core], [("input", 1)], [("layer0", 2, 1)], table([[(0, 0)]]), 1)


def test_full_transmit_fifo_stalls_the_loop(engine):
    # tx 1 flit, router buffer 1, credit 2: one packet leaves every (2 + 1) cycles or slower; the loop of 4
    # neurons (4 cycles each) is never held back when hops are free, but with 20-cycle hops it is.
    fast = run(engine, chain(make_chip(2, 1, core={"tx_flits": 1}), [0, 1], n=4), [[1, 0, 0, 0]])
    assert fast.counters.loop_stall_cycles.sum() == 0
    slow_chip = make_chip(
        2, 1, core={"tx_flits": 1},
        router={"buffer_flits": 1, "hop_cycles": {"east_west": 20, "north_south": 3, "local": 3}},
    )  # fmt: skip
    slow = run(engine, chain(slow_chip, [0, 1], n=4), [[1, 0, 0, 0]])
    # Token T: pushes would be at T+3, 7, 11, 15. EAST takes one flit per 20 + 2 = 22 cycles: grants at
    # T+4, T+26, T+48, T+70. Packet 2 sits in the router from T+8 (credit back T+6, sent T+7), packet 3 in the
    # FIFO from T+11; packet 4's push at T+15 waits until packet 3 has left the FIFO: the router's slot is
    # freed in T+26, credit T+28, packet 3 sent in T+28, room in T+29: stalled T+15 .. T+29 = 14 cycles.
    assert slow.counters.loop_stall_cycles[0] == 14


def test_tick_counts_missed_deadlines(engine):
    # Ticks every 4 cycles: the host packet of step 0 is consumed in 7, after the tick of step 1 (5), so it is
    # late for use in step 1 and the core never fires; the core is busy at the end of cycle 4? It is idle then
    # (the packet arrives in 5). At the end of cycle 8 it is idle again: no deadline missed, one late packet.
    chip = make_chip(2, 1, sync={"mode": "tick", "tick_period_cycles": 4})
    result = run(engine, chain(chip, [0, 1]), [[1]])
    assert result.counters.late_packets == 1
    assert result.output_counts.tolist() == [[0]]
    assert result.step_start.tolist() == [[1, 5, 9]]
    # With a tick of 100 cycles nothing is late and the answer is the barrier's.
    calm = make_chip(2, 1, sync={"mode": "tick", "tick_period_cycles": 100})
    result = run(engine, chain(calm, [0, 1]), [[1]])
    assert result.counters.late_packets == 0
    assert result.missed.tolist() == []
    assert result.step_start.tolist() == [[1, 101, 201]]
    assert result.step_end.tolist() == [[7, 113, 209]]
    assert result.output_counts.tolist() == [[1]]


def test_tick_names_step_and_core_that_missed(engine):
    # An update of 50 cycles against ticks of 20: core 0's loop of step 1 runs from 21 past the tick at 41.
    chip = make_chip(
        2, 1, sync={"mode": "tick", "tick_period_cycles": 20},
        core={"update_cycles": {"active": 50, "idle": 1}},
    )  # fmt: skip
    result = run(engine, chain(chip, [0, 1]), [[1]])
    assert [0, 1, 0] in result.missed.tolist()


def test_barrier_tree_adds_levels(engine):
    # 4 tiles, arity 2: 2 levels of 7 cycles up and down; 2 chips: 1 level of 10: 5 + 28 + 20 = 53.
    chip = make_chip(
        2, 2, chips=(2, 1), sync={"tile_level_cycles": 7, "chip_level_cycles": 10}
    )
    result = run(engine, chain(chip, [0, 1]), [[1]])
    gaps = result.step_start[0, 1:] - result.step_end[0, :-1]
    assert gaps.tolist() == [53, 53]


def test_multiple_spikes_per_input_step_send_multiple_packets(engine):
    result = run(engine, chain(make_chip(2, 1), [0, 1], threshold=3), [[3]])
    assert (result.packets.source == -1).sum() == 3
    assert result.output_counts.tolist() == [[0]]  # core 1 sees one spike, below 3


def test_waiting_is_counted_from_the_cycle_a_flit_reaches_the_front(engine):
    # Updates of 1, no spike cycles, 1 per entry: pushes at T+1, 3, 5, 7, in router 0 at T+2, 4, 6, 8. EAST takes
    # one flit per 5 cycles: grants T+2, 7, 12, 17. Packet 2 is at the front from T+4 (waits 3), packet 3
    # from T+8, the cycle after packet 2 left (waits 4), packet 4 from T+13 (waits 4): 11 in all.
    core = {"update_cycles": {"active": 1, "idle": 1}, "spike_cycles": 0}
    chip = make_chip(2, 1, router={"cycles_per_flit": 5}, core=core)
    result = run(engine, chain(chip, [0, 1], n=4), [[1, 0, 0, 0]])
    assert result.counters.port_blocked_cycles[0].tolist()[0] == 11
    assert result.counters.queue_peak_flits[0].tolist()[4] == 2


def test_weights_for_a_group_that_sleeps_are_forgotten(engine):
    # The host's packet of step 0 is for step 1, in which the group, awake from step 4 on, sleeps: its bank
    # is cleared all the same. With a delay of 1 at most there are two banks, and step 5 uses the same one
    # again; nothing may be left in it.
    chip = make_chip(1, 1, core={"max_delay_steps": 1})
    core = CoreProgram(
        core=0, groups=(group("late", 1, 4),), blocks=(dense(np.ones((1, 1)), chip),),
        targets=table([[(HOST, 0)]]),
    )  # fmt: skip
    program = program_of(chip, [core], [("input", 1)], [("late", 1, 4)], table([[(0, 0)]]), 4)
    result = run(engine, program, [[1], [0]])
    assert result.counters.packets_arrived == 1
    assert result.output_counts.tolist() == [[0]]
