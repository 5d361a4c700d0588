"""Hand-worked traces of the router: each expected cycle is derived in the test's comment."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines.base import RunOptions, Traffic
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)


def run(engine, chip, packets):
    """``packets`` are (cycle, source, target); returns arrival cycles and the result."""
    columns = [np.array(column, np.int64) for column in zip(*packets, strict=True)]
    result = engine.run_traffic(chip, Traffic(*columns), 10_000, RunOptions())
    return result.arrive.tolist(), result


def test_two_routers_one_packet(engine):
    # cycle 1 sent by the core, 2 in router 0 and granted, 5 in router 1 and granted, 8 at the core
    arrive, result = run(engine, make_chip(2, 1), [(1, 0, 1)])
    assert arrive == [8]
    assert result.router_traversals == 2
    assert result.port_flits[0].tolist() == [1, 0, 0, 0, 0]
    assert result.port_flits[1].tolist() == [0, 0, 0, 0, 1]


def test_own_core_takes_one_router(engine):
    # 1 sent, 2 granted LOCAL, 5 back at the core
    assert run(engine, make_chip(2, 1), [(1, 0, 0)])[0] == [5]


def test_contention_alternates_between_the_inputs(engine):
    # Both heads of each round reach router 1 in the same cycle, rounds 1 cycle apart, and want LOCAL.
    # 5: EAST input (0) before WEST (2), pointer at 0 -> core 2's first at 8, pointer 1
    # 6: WEST wins -> core 0's first at 9, pointer 3; 7: wraps to EAST -> 10; 8: WEST -> 11; ...
    # The 4 receive slots come back 2 cycles after arrival: grants of 5, 6, 7, 8 spend them, the first
    # is back in 10, so the fifth grant is in 10 (13), the sixth in 11 (14).
    packets = [(c, s, 1) for c in (1, 2, 3) for s in (0, 2)]
    arrive, _ = run(engine, make_chip(3, 1), packets)
    assert arrive == [9, 8, 11, 10, 14, 13]


def test_fixed_priority_starves_the_higher_port(engine):
    # EAST (0) always before WEST (2): grants in 5, 6, 7 to core 2, then 8, 10, 11 to core 0
    packets = [(c, s, 1) for c in (1, 2, 3) for s in (0, 2)]
    arrive, _ = run(engine, make_chip(3, 1, router={"arbiter": "fixed_priority"}), packets)
    assert arrive == [11, 8, 13, 9, 14, 10]


def test_one_winner_per_router_serialises_outputs(engine):
    # Router 1 gets two packets in cycle 5: from core 0 for core 2 (EAST) and from core 2 for core 0
    # (WEST). Only one output acts: EAST (pointer 0) in 5, WEST in 6; then 3 to router, 3 to core.
    chip = make_chip(3, 1, router={"arbiter": "one_winner_per_router"})
    assert run(engine, chip, [(1, 0, 2), (1, 2, 0)])[0] == [11, 12]
    assert run(engine, make_chip(3, 1), [(1, 0, 2), (1, 2, 0)])[0] == [11, 11]


def test_credit_stall_with_one_slot(engine):
    # One slot everywhere. Packet 1: sent 1, router 0 in 2, router 1 in 5, core in 8.
    # The core's credit for router 0 is back in 4: packet 2 sent 4, in router 0 in 5, but the credit
    # for router 1's slot (freed in 5) is back in 7: granted 7, router 1 in 10; the core's slot (freed in
    # 8) is back in 10: granted 10, core in 13. Packet 3 repeats it 5 cycles later: 18.
    arrive, _ = run(
        engine, make_chip(2, 1, router={"buffer_flits": 1}), [(1, 0, 1), (1, 0, 1), (1, 0, 1)]
    )
    assert arrive == [8, 13, 18]


def test_wormhole_holds_the_output_from_head_to_tail(engine):
    # Two-flit packets of cores 0 and 2 meet at router 1 in cycle 5. EAST's head goes in 5 and owns LOCAL,
    # its tail (here in 6) goes in 6, at the core in 9. WEST's head may go in 7, its tail in 8: 11.
    arrive, _ = run(engine, make_chip(3, 1, flits=2), [(1, 0, 1), (1, 2, 1)])
    assert arrive == [11, 9]


def test_two_virtual_channels_interleave_on_a_dateline(engine):
    # Ring of 4, dateline VCs: core 3 -> 1 crosses the closing link 3 -> 0 (VC 1), 0 -> 1 is VC 0.
    # A: sent 1, router 3 in 2, router 0 in 5 (VC 1), router 1 in 8, core in 11.
    # B (core 0 -> 1, cycle 4): in router 0 in 5; both want EAST of router 0 in 5: input LOCAL (4) and
    # WEST (2): WEST first (pointer 0), B goes in 6, router 1 in 9, core in 12.
    chip = make_chip(
        4, 1, topology="torus",
        router={"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"},
    )  # fmt: skip
    assert run(engine, chip, [(1, 3, 1), (4, 0, 1)])[0] == [11, 12]


def test_serial_chip_link(engine):
    # Two 1x1 chips: latency 2 + synchroniser 1 on top of hop 3, one flit per 4 cycles.
    # 1 sent, 2 granted, 8 in router 1, 11 at the core; the next grant on the link is 6 (not 3): 15.
    chip = make_chip(
        1, 1, chips=(2, 1),
        link={"latency_cycles": 2, "synchroniser_cycles": 1, "cycles_per_flit": 4},
    )  # fmt: skip
    assert run(engine, chip, [(1, 0, 1), (2, 0, 1)])[0] == [11, 15]


def test_drop_after_waiting(engine):
    # Core 2 floods core 1 with fixed priority for EAST; core 0's packet is at router 1's front in 5 and is
    # given up in the cycle in which it has waited 3 cycles without moving (8): it never arrives.
    chip = make_chip(3, 1, router={"arbiter": "fixed_priority", "drop_after_cycles": 3})
    packets = [(1, 0, 1)] + [(1, 2, 1)] * 4
    arrive, result = run(engine, chip, packets)
    assert arrive == [-1, 8, 9, 10, 11]
    assert result.verdict.status == "ok"
