"""Placement on public nets: Jin's cluster nets, QAPLIB's grids, and a wafer of 64 chiplets.

Reads ``workloads.mapping_nets``; published figures are the best of the logs in
github.com/Jinouwen/mapping_cpp (the code of Jin et al., ASPLOS 2023), QAPLIB's optima and best-known values,
and, for the wafer, the Hilbert start of the same authors on our own net.
"""

from __future__ import annotations

import resource
import sys
import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mapper.bench import Case, Row

if TYPE_CHECKING:
    from mapper.place.grid import GridProblem

JIN = "best of the authors' logs (ASPLOS 2023)"
JIN_COSTS = {
    ("cnn", 32): 6_712.3, ("cnn", 64): 42_988.0, ("cnn", 128): 204_687.0, ("cnn", 1024): 28.433e6,
    ("dnn", 32): 99_744.7, ("dnn", 64): 1.23143e6, ("dnn", 128): 14.063e6,
}  # fmt: skip
FLOORS = {
    ("cnn", 32): 3_750.0, ("cnn", 64): 18_000.0, ("cnn", 128): 77_000.0, ("cnn", 1024): 5.3e6,
    ("dnn", 32): 93_300.0, ("dnn", 64): 1.141e6, ("dnn", 128): 13.4e6,
}  # fmt: skip
FLOOR_S = {("cnn", 1024): 60.0}
WAFER_FLOOR, WAFER_FLOOR_S = 0.70e6, 180.0
QAPLIB_FLOOR, QAPLIB_FLOOR_MEAN, QAPLIB_FLOOR_S = 1.001, 1.005, 5.0
"""Over the best known cost: best and mean of ten runs; an optimum that is proven for a nug must be met."""
EFFORT = {("dnn", 32): 3.0, ("dnn", 64): 3.0, ("dnn", 128): 3.0}
QAPLIB_RUNS = 10
QAPLIB_VISITS = 5e8  # about 4 seconds a run, at most
QAPLIB_MOVES = 100_000  # per cluster
CHIPLET, CHIPLETS, CROSSING_HOPS = 24, 8, 10


def suite() -> list[Case]:
    """All cases, small ones first."""
    from workloads.mapping_nets import grid_names

    out = [Case(f"qaplib {name}", partial(_qaplib, name)) for name in grid_names()]
    out += [Case(f"jin {kind} {side}", partial(_jin, kind, side)) for kind, side in JIN_COSTS]
    out.append(Case("wafer", _wafer))
    return out


def _jin(kind: str, side: int, seed: int, effort: float) -> Row:
    from mapper.place.grid import plain_grid
    from workloads.mapping_nets import jin_net

    net = jin_net(kind, side, side)
    grid = plain_grid(net.n, net.source, net.target, net.weight, side, side, seed=seed)
    effort *= EFFORT.get((kind, side), 1.0)
    row = _measured(f"jin {kind} {side}", grid, JIN_COSTS[kind, side], JIN, 1, effort)
    return replace(row, floor=FLOORS[kind, side], floor_s=FLOOR_S.get((kind, side)))


def _wafer(seed: int, effort: float) -> Row:
    from mapper.place.grid import plain_grid
    from mapper.place.starts import hilbert
    from workloads.mapping_nets import layered_net

    net, side = layered_net(), CHIPLET * CHIPLETS
    grid = plain_grid(
        net.n, net.source, net.target, net.weight, side, side,
        chip=(CHIPLET, CHIPLET), crossing_hops=CROSSING_HOPS, seed=seed,
    )  # fmt: skip
    published = grid.cost(hilbert(grid))
    row = _measured("wafer", grid, published, "Hilbert curve in layer order (measured now)", 1, effort)
    return replace(row, floor=WAFER_FLOOR, floor_s=WAFER_FLOOR_S)


def _qaplib(name: str, seed: int, effort: float) -> Row:
    from mapper.place.grid import plain_grid
    from workloads.mapping_nets import grid_instance

    instance = grid_instance(name)
    net = instance.net
    grid = plain_grid(
        net.n, net.source, net.target, net.weight, instance.columns, instance.rows, n_positions=net.n,
        seed=seed,
    )  # fmt: skip
    source = "proven optimum (QAPLIB)" if instance.is_optimal else "best known (QAPLIB)"
    moves = min(QAPLIB_MOVES * net.n, QAPLIB_VISITS / (2 * len(grid.graph[1]) / net.n + 20))
    best = float(instance.best)
    row = _measured(f"qaplib {name}", grid, best, source, QAPLIB_RUNS, effort, int(moves))
    most = best if name.startswith("nug") else best * QAPLIB_FLOOR
    return replace(row, floor=most, floor_mean=best * QAPLIB_FLOOR_MEAN, floor_s=QAPLIB_FLOOR_S)


def _measured(
    name: str, grid: GridProblem, published: float, source: str, runs: int, effort: float,
    moves: int | None = None,
) -> Row:  # fmt: skip
    """Start and search ``runs`` times, seeds counted on from the grid's."""
    from mapper.place.bound import degree_bound
    from mapper.place.search import Budget, anneal, default_moves
    from mapper.place.starts import best_start

    _compile()
    budget = Budget(default_moves(grid, effort) if moves is None else max(1, int(moves * effort)))
    wall, cpu, done, costs = time.perf_counter(), time.process_time(), 0, []
    found = best_start(grid)
    assert found is not None  # as many cores as clusters, all alike
    method, start = found
    for run in range(runs):
        answer = anneal(replace(grid, seed=grid.seed + run), start, budget)
        costs.append(answer.cost)
        done += answer.moves
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    return Row(
        name, grid.n, published, source, grid.cost(start), min(costs), float(np.mean(costs)), runs,
        degree_bound(grid), min(costs) / published, wall, cpu, done / max(cpu, 1e-9), _peak_mb(), grid.seed,
        f"start: {method}; swap annealing",
    )  # fmt: skip


def _compile() -> None:
    """Compile the kernels, or read the compiled code, before a clock starts."""
    from mapper.place.grid import plain_grid
    from mapper.place.search import Budget, anneal
    from mapper.place.starts import best_start

    a = np.arange(99)
    grid = plain_grid(100, a, a + 1, np.ones(99), 10, 10)
    found = best_start(grid)
    assert found is not None
    anneal(grid, found[1], Budget(400))


def _peak_mb() -> float:
    """Largest memory this process has had so far."""
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return most / (1 << 20 if sys.platform == "darwin" else 1 << 10)
