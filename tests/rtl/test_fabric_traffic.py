"""The Verilog fabric against the engines: the arrival cycle of every packet."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.chip.dump import chip_digest
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import MismatchError
from neurosim.fabric.topology import build_fabric
from neurosim.rtl.flits import flit_layout
from rtl_models import toolchain, volume
from rtl_models.traffic import PAYLOAD, Difference, first_difference, read_log, run_traffic
from tests.helpers.chips import make_chip
from tests.helpers.traffic import one, uniform
from tests.property.test_traffic import fabrics
from tests.rtl.fabric_cases import cases
from tests.rtl.needs import needs

MAX_CYCLES = 10**6


def check(chip, traffic, simulator, engine) -> None:
    """The same packets arrive in the same cycles, and the same number is dropped."""
    expected = engine.run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
    assert expected.verdict.status == "ok"
    got = run_traffic(chip, traffic, MAX_CYCLES, simulator)
    assert first_difference(expected.arrive, got.arrive) is None
    n_dropped = int((expected.arrive < 0).sum())
    assert (got.dropped, got.end_cycle) == (n_dropped, expected.end_cycle)
    if not n_dropped:
        assert got.flits == len(traffic.cycle) * chip.packet.flits


@pytest.mark.parametrize("name", cases())
def test_every_rule_on_a_small_chip(name):
    needs("iverilog")
    chip = cases()[name]
    check(chip, uniform(build_fabric(chip).n_cores, 0.5, 60, seed=1), "icarus", ReferenceEngine())


def test_a_chip_that_drops_does_drop():
    """The case above is no vacuous one."""
    chip = cases()["drops after 6 cycles"]
    traffic = uniform(build_fabric(chip).n_cores, 0.5, 60, seed=1)
    result = ReferenceEngine().run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
    assert 0 < (result.arrive < 0).sum() < len(traffic.cycle)


def test_volume_on_a_4x4_torus():
    """24,000 packets up to saturation on one build; two flits, two VCs that are both used."""
    needs("verilator")
    dateline = {"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"}
    chip = make_chip(4, 4, topology="torus", flits=2, router=dateline)
    for seed, load in enumerate((0.05, 0.2, 0.3)):
        cycles = int(8000 / (16 * load))
        check(chip, uniform(16, load, cycles, seed), "verilator", CompiledEngine())


@pytest.mark.slow
def test_a_million_packets():
    """4x4 and 8x8 tiles, mesh and torus, 1- and 2-flit packets, 0.05 packets per node to saturation."""
    needs("verilator")
    found = list(volume.rows())
    assert sum(row.packets for row in found) >= 1_000_000
    assert [row for row in found if row.different] == []


@pytest.mark.slow
@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(chip=fabrics(), load=st.floats(0.05, 0.6), seed=st.integers(0, 10**6))
def test_random_fabrics(chip, load, seed):
    """Any mesh, torus or system of chips, any buffers and latencies, that the engines are tested on."""
    needs("iverilog")
    check(chip, uniform(build_fabric(chip).n_cores, load, 25, seed), "icarus", ReferenceEngine())


def test_a_log_of_another_chip_or_cut_off_is_refused(tmp_path):
    chip, log = make_chip(2, 1), tmp_path / "events.log"
    log.write_text("digest " + "0" * 64 + "\nend 5 0 0\n")
    with pytest.raises(MismatchError, match="built for another chip"):
        read_log(log, chip, 1)
    log.write_text(f"digest {chip_digest(chip)}\n7 1 arrive 0\n")
    with pytest.raises(MismatchError, match="cut off"):
        read_log(log, chip, 1)


def test_a_packet_at_the_wrong_core_is_seen(tmp_path):
    chip, log = make_chip(2, 1), tmp_path / "events.log"
    flit = flit_layout(chip, PAYLOAD).pack(x=1, exit=4, packet=0, head=1, tail=1)
    log.write_text(f"digest {chip_digest(chip)}\n7 0 arrive {flit:x}\nend 7 1 0\n")
    with pytest.raises(MismatchError, match="wrong core"):
        read_log(log, chip, 1)
    log.write_text(f"digest {chip_digest(chip)}\n7 1 arrive {flit:x}\nend 7 1 0\n")
    assert read_log(log, chip, 1).arrive.tolist() == [7]


def test_first_difference_is_the_earliest_in_time():
    found = first_difference(np.array([5, 9, -1, 7]), np.array([5, 8, 3, 9]))
    assert found is not None
    assert (found.packet, found.expected, found.got, found.n_different) == (2, -1, 3, 3)


MUTANTS = {
    "pointer stays": ("rr_arbiter.v", "grant[N-1] ? 4'd0 : next", "grant[N-1] ? 4'd0 : {1'b0, winner}"),
    "pointer moves without a winner": ("rr_arbiter.v", "else if (moved & |grant)", "else if (moved)"),
    "highest first": ("rr_arbiter.v", "? from_pointer : request", "? request : from_pointer"),
    "pointer starts at 4": ("rr_arbiter.v", "if (rst) pointer <= {INDEX_BITS{1'b0}}", "if (rst) pointer <= 4"),
    "one credit too many": ("credit_counter.v", "ALL = INITIAL;", "ALL = INITIAL + 1;"),
    "one credit too few": ("credit_counter.v", "ALL = INITIAL;", "ALL = INITIAL - 1;"),
    "credit lost when one is spent": ("credit_counter.v", "spend ? now - 1'b1", "spend ? {1'b0, count} - 1'b1"),
    "late credit": ("credit_counter.v", "available = now !=", "available = {1'b0, count} !="),
    "no bypass": ("sync_fifo.v", "front_valid = push | ~is_empty", "front_valid = ~is_empty"),
    "push lost when popped": ("sync_fifo.v", "if (push) write_at", "if (push & ~pop) write_at"),
    "wraps one early": ("sync_fifo.v", "LAST_SLOT = DEPTH - 1", "LAST_SLOT = DEPTH - 2"),
    "channel not owned": ("aer_router.v", "~(flit[HEAD] & owned[", "~(1'b0 & owned["),
    "owner kept after the tail": ("aer_router.v", "owned[N] <= ~flit[TAIL]", "owned[N] <= 1'b1"),
    "body flits routed anew": ("aer_router.v", "flit[HEAD] ? routed : kept_want", "1'b1 ? routed : kept_want"),
    "credit for the wrong channel": ("aer_router.v", ": moves | discards;", ": {moves[0], moves[C-1:1]};"),
    "y first": ("aer_route.v", "assign by_rule = x != goal_x ? (goal_x > x ? EAST : WEST)\n                            : y != goal_y",
                "assign by_rule = y != goal_y ? (goal_y > y ? NORTH : SOUTH) : x != goal_x ? (goal_x > x ? EAST : WEST) : y != goal_y"),
    "west for east": ("aer_route.v", "goal_x > x ? EAST : WEST)\n                            : y != goal_y", "goal_x < x ? EAST : WEST)\n                            : y != goal_y"),
    "hop one longer": ("neuro_mesh.v", ".CYCLES(HOP - 1)", ".CYCLES(HOP)"),
    "credits one earlier": ("neuro_mesh.v", ".WIDTH(V),\n                            .CYCLES(`ROUTER_CREDIT_CYCLES - 1)", ".WIDTH(V),\n                            .CYCLES(`ROUTER_CREDIT_CYCLES - 2)"),
    "port free one late": ("port_pace.v", "OWN_REST = HERE - 1", "OWN_REST = HERE"),
}  # fmt: skip


def mutant_chip(**router):
    return make_chip(
        2, 2, flits=2, cores_per_tile=2, router={"buffer_flits": 3, "cycles_per_flit": 2, **router}
    )


def outcome(chip, traffic, expected, replace):
    """The first difference, or the code of the error if the log makes no sense."""
    try:
        got = run_traffic(chip, traffic, 2 * expected.end_cycle, "icarus", replace=replace)
    except MismatchError as error:
        return error.code
    return first_difference(expected.arrive, got.arrive)


@pytest.mark.parametrize("name", MUTANTS)
def test_mutants_of_the_fabric_are_caught(name):
    needs("iverilog")
    file, old, new = MUTANTS[name]
    text = (toolchain.HDL / file).read_text()
    assert text.count(old) == 1, "the mutant's place has moved"
    # only the router's own arbiter is ever told that an absent winner moved
    chip = mutant_chip(arbiter="one_winner_per_router") if "without a winner" in name else mutant_chip()
    traffic = uniform(8, 0.5, 30, seed=4)
    expected = ReferenceEngine().run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
    found = outcome(chip, traffic, expected, {file: text.replace(old, new)})
    assert found == "rtl-event-log" or (isinstance(found, Difference) and found.expected != found.got)


def test_the_chip_of_the_mutants_is_right_without_them():
    needs("iverilog")
    for chip in (mutant_chip(), mutant_chip(arbiter="one_winner_per_router")):
        check(chip, uniform(8, 0.5, 30, seed=4), "icarus", ReferenceEngine())


def test_zero_load_latency_is_the_contracts():
    """injection + sum of hops + local, for one flit over four routers."""
    needs("iverilog")
    chip = make_chip(4, 1)
    got = run_traffic(chip, one(0, 3, cycle=5), 100, "icarus")
    assert got.arrive.tolist() == [5 + 1 + 3 * 3 + 3]
