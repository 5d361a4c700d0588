"""Choice of minimal routes: the busiest link if every flow may go X first or Y first.

Nothing is read: random flows on square meshes.  The reference is X first for all, measured in the same run;
the bound is linear (GLOP).
"""

from __future__ import annotations

import resource
import sys
import time
from functools import partial

import numpy as np

from mapper.bench import Case, Row

FLOWS_PER_CORE = 4
HEAVIEST = 100
SIDES = (8, 16, 32)


def suite() -> list[Case]:
    """Meshes, small ones first."""
    return [Case(f"{side}x{side}", partial(_measure, side)) for side in SIDES]


def _measure(side: int, seed: int, effort: float) -> Row:
    from mapper.route.choice import choose
    from neurosim.artefacts.mapping import Routes
    from neurosim.chip.loader import edit_chip, load_chip
    from neurosim.fabric.topology import build_fabric

    rng = np.random.Generator(np.random.PCG64(seed))
    n = FLOWS_PER_CORE * side * side
    source, target = rng.integers(0, side * side, (2, n))
    packets = rng.integers(1, HEAVIEST, n).astype(np.float64)
    none = np.zeros(0, np.int64)
    routes = Routes("", "", source, target, packets, np.ones(n, np.int64), "", none, none)
    fabric = build_fabric(edit_chip(load_chip("tiny"), {"mesh.width": side, "mesh.height": side}))
    wall, cpu = time.perf_counter(), time.process_time()
    found = choose(fabric, routes, seed, effort)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert found is not None  # a plain mesh with few flows
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    method = f"CP-SAT {found.status}, on one virtual channel {found.verdict}"
    return Row(
        f"{side}x{side}", n, found.of_xy, "X first for all (measured now)", found.of_xy, found.busiest,
        found.busiest, 1, found.bound, found.busiest / found.of_xy, wall, cpu, 0.0, peak, seed, method,
    )  # fmt: skip
