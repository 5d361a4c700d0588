"""A million packets: the Verilog mesh under Verilator against the compiled engine.

``python -m rtl_models.volume`` runs 4x4 and 8x8 tiles with 1 VC (mesh) and 2 VCs (torus), 1- and 2-flit
packets, at loads up to saturation and prints one row each; it exits with 5 if a single packet arrives in
another cycle.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

from neurosim.api.benchmarking import uniform_traffic
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.errors import EXIT_MISMATCH, EXIT_OK
from rtl_models.traffic import first_difference, run_traffic

LOADS = (0.05, 0.1, 0.2, 0.25, 0.4, 0.6, 0.9)  # packets per node and cycle; 0.27 flits saturate an 8x8 mesh
PACKETS = 20_200
MAX_CYCLES = 10**7


@dataclass(frozen=True)
class Row:
    """One run: ``different`` packets arrived in another cycle; times in seconds of CPU.

    The first load of each mesh includes its build.
    """

    name: str
    load: float
    packets: int
    cycles: int
    different: int
    engine_s: float
    verilog_s: float


def chip_of(side: int, n_vcs: int, flits: int) -> Chip:
    """The preset ``tiny`` with another mesh and packets; with 2 VCs a torus, whose dateline uses both."""
    changes: dict[str, Any] = {"mesh.width": side, "mesh.height": side, "packet.flits": flits}
    if n_vcs == 2:
        changes |= {
            "mesh.topology": "torus", "router.routing": "torus_xy", "router.vc_policy": "dateline",
            "router.virtual_channels": 2, "host": None,
        }  # fmt: skip
    return edit_chip(load_chip("tiny"), changes)


def rows(sides: tuple[int, ...] = (4, 8), packets: int = PACKETS) -> Iterator[Row]:
    """All runs, one after the other; every load has traffic of its own."""
    for side, n_vcs, flits in product(sides, (1, 2), (1, 2)):
        chip, nodes = chip_of(side, n_vcs, flits), side * side
        for seed, load in enumerate(LOADS):
            traffic = uniform_traffic(nodes, load, int(packets / (nodes * load)), seed)
            start = os.times()
            expected = CompiledEngine().run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
            engine = os.times()
            got = run_traffic(chip, traffic, MAX_CYCLES)
            found = first_difference(expected.arrive, got.arrive)
            yield Row(
                f"{side}x{side} {chip.mesh.topology}, {n_vcs} VC, {flits} flit", load, len(traffic.cycle),
                got.end_cycle, found.n_different if found else 0, engine.user - start.user,
                os.times().children_user - engine.children_user,
            )  # fmt: skip


def main() -> int:
    """Print all rows and their sum."""
    found = []
    print(f"{'mesh':<24}{'load':>6}{'packets':>9}{'cycles':>9}{'different':>11}", end="")
    print(f"{'engine s':>10}{'verilog s':>11}")
    for row in rows():
        found.append(row)
        print(
            f"{row.name:<24}{row.load:>6}{row.packets:>9}{row.cycles:>9}{row.different:>11}"
            f"{row.engine_s:>10.2f}{row.verilog_s:>11.2f}", flush=True,
        )  # fmt: skip
    different = sum(row.different for row in found)
    print(f"{sum(row.packets for row in found)} packets, {sum(row.cycles for row in found)} cycles, "
          f"{different} different (times of the first load of each mesh include its build)")  # fmt: skip
    return EXIT_MISMATCH if different else EXIT_OK


if __name__ == "__main__":
    sys.exit(main())
