"""Defects on a wafer: what 5 % of cores and 1 % of links dead cost a net that fills 95 % of what is left.

Reads ``workloads.mapping_nets``: 23 layers of 38 x 38 on 64 chiplets of 24 x 24, a crossing worth 10 hops.
The reference is the same search without defects, measured in the same run.  Flows that meet a dead link take
the detour that routing tables would give them (:mod:`mapper.route.detours`).
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace

import numpy as np

from mapper.bench import Case, Row
from mapper.place.base import IntArray

LAYERS, SIDE = 23, 38
CHIPLET, CHIPLETS, CROSSING_HOPS = 24, 8, 10
CORES_WORK, LINKS_WORK = 0.95, 0.99


def suite() -> list[Case]:
    """One wafer."""
    return [Case("wafer", _measure)]


def _measure(seed: int, effort: float) -> Row:
    from mapper.place.bound import degree_bound
    from mapper.place.grid import plain_grid
    from mapper.place.search import Budget, anneal, default_moves
    from mapper.place.starts import best_start
    from mapper.route.detours import detours
    from neurosim.chip.defects import dead_parts
    from neurosim.chip.loader import edit_chip, load_chip
    from neurosim.fabric.topology import build_fabric
    from workloads.mapping_nets import layered_net

    wall, cpu = time.perf_counter(), time.process_time()
    drawn = {"cores": CORES_WORK, "links": LINKS_WORK, "seed": seed}
    base = load_chip("tiny_2x2")
    chip = edit_chip(
        base,
        {
            "system.chips_x": CHIPLETS, "system.chips_y": CHIPLETS, "mesh.width": CHIPLET,
            "mesh.height": CHIPLET, "packet.fields": (), "link.synchroniser_cycles": 0,
            "link.latency_cycles": CROSSING_HOPS * base.router.hop_cycles.east_west,
            "defects": {"drawn": drawn},
        },
    )  # fmt: skip
    net, side = layered_net(LAYERS, SIDE, SIDE), CHIPLET * CHIPLETS
    grid = plain_grid(
        net.n, net.source, net.target, net.weight, side, side, chip=(CHIPLET, CHIPLET),
        crossing_hops=CROSSING_HOPS, seed=seed,
    )  # fmt: skip
    dead = dead_parts(chip)
    assert dead is not None  # just described
    alive = np.flatnonzero(~dead.core)
    host = (*grid.host[:2], grid.host[2][alive], grid.host[3][alive])
    hurt = replace(grid, place=np.ascontiguousarray(grid.place[alive]), kind=grid.kind[alive], host=host)
    costs, moves, position = [], 0, None
    for problem in (grid, hurt):
        start = best_start(problem)
        assert start is not None  # there are cores enough
        answer = anneal(problem, start[1], Budget(default_moves(problem, effort)))
        costs.append(answer.cost)
        moves, position = moves + answer.moves, answer.position
    assert position is not None
    tile = alive[position]
    way = detours(build_fabric(chip), tile[net.source], tile[net.target])
    longer = way.weight - _plain(tile[net.source[way.pair]], tile[net.target[way.pair]], side)
    cost = costs[1] + float((net.weight[way.pair] * longer).sum())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    method = f"{len(way.pair)} flows by detours, {len(way.without)} without one"
    return Row(
        "wafer", net.n, costs[0], "the same search without defects (measured now)", costs[1], cost, cost, 1,
        degree_bound(hurt), cost / costs[0], wall, cpu, moves / max(cpu, 1e-9), peak, seed, method,
    )  # fmt: skip


def _plain(source: IntArray, target: IntArray, side: int) -> IntArray:
    """Distance in hop equivalents if nothing were dead."""
    (x0, y0), (x1, y1) = ((t % side, t // side) for t in (source, target))
    crossings = np.abs(x0 // CHIPLET - x1 // CHIPLET) + np.abs(y0 // CHIPLET - y1 // CHIPLET)
    return np.asarray(np.abs(x0 - x1) + np.abs(y0 - y1) + CROSSING_HOPS * crossings)
