"""Systems that deadlock, and their repaired twins: simulator and Verilog must say the same of both.

Made from a chip: its router, packets and delays, with small buffers, in a ring without and with a dateline,
and in chips that meet at gateways without and with a virtual channel per crossing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.artefacts.result import Verdict
from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic, TrafficResult
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.fabric.topology import build_fabric
from rtl_models import waves
from rtl_models.cases import Bench, Case, Group, Outcome
from rtl_models.traffic import Difference, first_difference, run_traffic
from rtl_models.verdicts import FirstDifference
from rtl_models.waits import find_deadlock

NEVER = 10**9
MAX_CYCLES = 100_000
TRIES = 4
SENDING_CYCLES = 200
LINK = {"latency_cycles": 0, "synchroniser_cycles": 0, "cycles_per_flit": 1, "credit_cycles": 2}


def deadlocks(chip: Chip, bench: Bench) -> Group:
    """Verdict, blocked channels and all arrivals before it, of every pair."""

    def run(name: str, pair: Chip) -> Callable[[Path], Outcome]:
        return lambda folder: _check(name, pair, bench, folder)

    cases = tuple(Case(name, run(name, pair)) for name, pair in pairs(chip).items())
    note = "the chip's router, with small buffers, in rings, gateways and their repaired twins"
    return Group("neuro_mesh", "deadlock pairs", cases, note)


def pairs(chip: Chip) -> dict[str, Chip]:
    """Name and chip."""
    base: dict[str, Any] = {
        "host": None, "defects": None, "mesh.cores_per_tile": 1, "router.drop_after_cycles": None,
        "router.buffer_flits": max(2, chip.packet.flits), "core_types": (),
    }  # fmt: skip
    ring = {
        **base, "system": {"chips_x": 1, "chips_y": 1}, "link": None, "mesh.width": 6, "mesh.height": 1,
        "mesh.topology": "torus", "router.routing": "torus_xy",
    }  # fmt: skip
    gates = {
        **base, "system": {"chips_x": 2, "chips_y": 2}, "mesh.width": 2, "mesh.height": 2,
        "mesh.topology": "mesh", "router.routing": "hierarchical_xy",
        "link": {**LINK, "gateways": {"row": 1, "column": 1}},
    }  # fmt: skip
    one = {"router.virtual_channels": 1, "router.vc_policy": "zero"}
    found = {
        "ring": ring | one,
        "ring with dateline": ring | {"router.virtual_channels": 2, "router.vc_policy": "dateline"},
        "gateways": gates | one,
        "gateways, VC per crossing": gates | {"router.virtual_channels": 2, "router.vc_policy": "crossings"},
    }
    return {name: edit_chip(chip, changes) for name, changes in found.items()}


def _check(name: str, chip: Chip, bench: Bench, folder: Path) -> Outcome:
    traffic, expected = stuck(chip, bench.seed)
    is_stuck = expected.verdict.status != "ok"
    cycle = expected.verdict.cycle if is_stuck else SENDING_CYCLES  # the twin: in the thick of it
    last = cycle + 2 if is_stuck else 2 * expected.end_cycle + 1000
    got = run_traffic(
        chip, traffic, last, "icarus", cycle, bench.replace, folder=folder, seconds=bench.seconds
    )
    waits = find_deadlock(chip, traffic, got)
    theirs = None if waits is None else waits.verdict("", -1, cycle)
    arrived = np.where(got.arrive > cycle, -1, got.arrive) if is_stuck else got.arrive
    found = first_difference(expected.arrive, arrived)
    first = None
    if found is not None:
        first = _arrival(name, int(traffic.target[found.packet]), found)
    elif theirs != (ours := expected.verdict if is_stuck else None):
        first = FirstDifference(
            name, cycle, "neuro_mesh", "blocked channels", said(ours), said(theirs), n_different=1
        )
    return Outcome(
        min(last, got.end_cycle), len(traffic.cycle), first, 0 if first is None else first.n_different or 1,
        lambda place: waves.of_traffic(chip, traffic, cycle, place, bench.replace, bench.seconds),
        folder / "events.log",
    )  # fmt: skip


def _arrival(name: str, target: int, found: Difference) -> FirstDifference:
    when = [f"cycle {at}" if at >= 0 else "never" for at in (found.expected, found.got)]
    at = min(cycle for cycle in (found.expected, found.got) if cycle >= 0)
    field = f"arrival of packet {found.packet}"
    return FirstDifference(
        name, at, f"core {target}", field, when[0], when[1], n_different=found.n_different
    )


def stuck(chip: Chip, seed: int) -> tuple[Traffic, TrafficResult]:
    """Traffic that stops this chip, if any of a few does; else the last one tried."""
    n = build_fabric(chip).n_cores
    for attempt in range(TRIES):
        rng = np.random.default_rng((seed, attempt))
        cycle, source = np.nonzero(rng.random((SENDING_CYCLES, n)) < 0.5)
        target = rng.integers(0, n, len(cycle))
        traffic = Traffic(cycle.astype(np.int64) + 1, source.astype(np.int64), target.astype(np.int64))
        options = RunOptions(check_every_cycles=NEVER)
        result = CompiledEngine().run_traffic(chip, traffic, MAX_CYCLES, options)
        if result.verdict.status != "ok":
            break
    return traffic, result


def said(verdict: Verdict | None) -> str:
    """The blocked queues of a deadlock, in words."""
    return "none" if verdict is None else f"{len(verdict.blocked)} queues: {', '.join(verdict.blocked)}"
