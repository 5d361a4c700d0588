"""Deadlock pairs: simulator and Verilog give the same verdict and name the same blocked channels."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.topology import build_fabric
from rtl_models.traffic import first_difference, run_traffic
from rtl_models.waits import find_deadlock
from tests.helpers.chips import make_chip
from tests.helpers.traffic import uniform
from tests.rtl.needs import needs

NEVER = 10**9


def gateways(side: int, repaired: bool, buffer_flits: int = 2):
    """2x2 chips of ``side`` x ``side`` tiles that meet at one gateway per side."""
    router = {"routing": "hierarchical_xy", "buffer_flits": buffer_flits}
    if repaired:
        router |= {"virtual_channels": 2, "vc_policy": "crossings"}
    return make_chip(side, side, chips=(2, 2), router=router, link={"gateways": {"row": 1, "column": 1}})


def torus(width: int, height: int, repaired: bool, buffer_flits: int = 2):
    router = {"routing": "torus_xy", "buffer_flits": buffer_flits}
    if repaired:
        router |= {"virtual_channels": 2, "vc_policy": "dateline"}
    return make_chip(width, height, topology="torus", router=router)


def same_verdict(chip, traffic, engine, check_every, simulator):
    """The engine's verdict, after holding the Verilog's state at that cycle against it."""
    expected = engine.run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=check_every))
    cycle = expected.verdict.cycle
    got = run_traffic(chip, traffic, cycle + 2, simulator, dump_cycle=cycle)
    found = find_deadlock(chip, traffic, got)
    assert found is not None
    assert found.verdict("", -1, cycle) == expected.verdict
    arrived_by_then = np.where(got.arrive > cycle, -1, got.arrive)
    assert first_difference(expected.arrive, arrived_by_then) is None
    return expected.verdict


@pytest.mark.parametrize(
    ("chip", "load", "check_every", "status", "waits"),
    [
        (gateways(2, False), 0.2, NEVER, "deadlock", 8),
        (gateways(2, False), 0.4, 16, "partial_deadlock", 8),
        (torus(6, 1, False), 0.5, NEVER, "deadlock", 6),
    ],
    ids=["gateways, dead", "gateways, dying", "ring without dateline"],
)
def test_deadlocks_are_the_same(chip, load, check_every, status, waits):
    needs("iverilog")
    traffic = uniform(build_fabric(chip).n_cores, load, 300, seed=1)
    verdict = same_verdict(chip, traffic, ReferenceEngine(), check_every, "icarus")
    assert (verdict.status, len(verdict.blocked)) == (status, waits)


@pytest.mark.parametrize(
    ("chip", "load"), [(gateways(2, True), 0.2), (torus(6, 1, True), 0.5)],
    ids=["gateways with a VC per crossing", "ring with dateline"],
)  # fmt: skip
def test_their_repaired_twins_are_free(chip, load):
    needs("iverilog")
    traffic = uniform(build_fabric(chip).n_cores, load, 80, seed=1)
    expected = ReferenceEngine().run_traffic(chip, traffic, 20_000, RunOptions(check_every_cycles=16))
    assert expected.verdict.status == "ok"
    got = run_traffic(chip, traffic, 20_000, "icarus", dump_cycle=80)  # in the thick of it
    assert find_deadlock(chip, traffic, got) is None
    assert any(" state " in line for line in got.dump)
    assert first_difference(expected.arrive, got.arrive) is None


@pytest.mark.slow
@pytest.mark.parametrize(
    ("chip", "load", "seed", "check_every", "waits"),
    [
        (gateways(4, False, 4), 0.1, 1, 16, 16),
        (gateways(4, False, 4), 0.1, 1, NEVER, 16),
        (torus(8, 8, False, 4), 0.3, 3, 32, 8),
    ],
    ids=["gateways of 4x4 chips, dying", "gateways of 4x4 chips, dead", "8x8 torus without dateline"],
)
def test_deadlocks_of_64_tiles_are_the_same(chip, load, seed, check_every, waits):
    needs("verilator")
    verdict = same_verdict(chip, uniform(64, load, 3000, seed), CompiledEngine(), check_every, "verilator")
    assert len(verdict.blocked) == waits
