"""Whether threads pay: raw traffic on systems of chips, on the plain engine and chip by chip on threads.

A run is timed without building its tables.  Wall seconds are what threads are for; they need as many idle
processors as there are threads, so the CPU seconds and the machine's load stand next to them.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from neurosim.engines.base import RunOptions, Traffic

if TYPE_CHECKING:
    from neurosim.chip.models import Chip
    from neurosim.engines.compiled.traffic import TrafficRun
    from neurosim.fabric.topology import Fabric

TRAVERSALS_WANTED = 1_000_000
REPEATS = 3
THREADS = 2
AWAY = 0.03  # packets to a neighbouring chip: mappers keep traffic local, and a slow link bears no more


@dataclass(frozen=True)
class ThreadRow:
    """One system; seconds are the least of some repetitions, ``..._cpu_s`` of all threads together.

    ``look_ahead`` is in cycles; ``regions_...`` is the run in regions on one thread, ``threads_...`` on
    ``threads``; ``speed_up`` is ``plain_s / threads_s``.
    """

    chips: int
    mesh: str
    load: float
    look_ahead: int
    router_traversals: int
    threads: int
    plain_s: float
    regions_s: float
    threads_s: float
    plain_cpu_s: float
    regions_cpu_s: float
    threads_cpu_s: float
    speed_up: float
    machine_load: float


def cases() -> list[tuple[int, int, float, int]]:
    """(chips in a row and in a column, tiles in a chip's row and column, load, cycles of a link)."""
    return [
        (chips, side, load, latency)
        for chips in (2, 4)
        for side in (8, 16)
        for load in (0.02, 0.1)
        for latency in (4, 16, 64)
    ]


def measure_threads(
    seed: int, progress: Callable[[int, int, str], None] | None = None
) -> tuple[ThreadRow, ...]:
    """All cases, one after the other."""
    rows = []
    for done, case in enumerate(cases()):
        if progress is not None:
            progress(done, len(cases()), f"{case[0] ** 2} chips, {case[1]}x{case[1]}")
        rows.append(_measure(*case, seed))
    return tuple(rows)


def system(chips: int, side: int, latency: int) -> Chip:
    """``chips`` x ``chips`` chips of ``side`` x ``side`` tiles with the timing of preset ``tiny``."""
    from neurosim.chip.loader import edit_chip, load_chip

    sizes = {"system.chips_x": chips, "system.chips_y": chips, "mesh.width": side, "mesh.height": side}
    link = {"latency_cycles": latency, "synchroniser_cycles": 0, "cycles_per_flit": 1}
    link["credit_cycles"] = latency + 3
    fields = {**sizes, "host": None, **{f"link.{name}": cycles for name, cycles in link.items()}}
    return edit_chip(load_chip("tiny_2x2"), fields)


def local_traffic(fabric: Fabric, load: float, cycles: int, seed: int) -> Traffic:
    """Bernoulli injection; to anywhere on the sender's chip, or with probability AWAY on one next to it."""
    rng = np.random.default_rng(seed)
    cycle, source = np.nonzero(rng.random((cycles, fabric.n_cores)) < load)
    n, mesh, grid = len(source), fabric.chip.mesh, fabric.chip.system
    side = np.where(rng.random(n) < AWAY, rng.integers(0, 4, n), 4)  # 4: stays
    x, y = source % fabric.width // mesh.width, source // fabric.width // mesh.height
    x = np.clip(x + np.array([1, 0, -1, 0, 0])[side], 0, grid.chips_x - 1)
    y = np.clip(y + np.array([0, 1, 0, -1, 0])[side], 0, grid.chips_y - 1)
    row = y * mesh.height + rng.integers(0, mesh.height, n)
    return Traffic(cycle + 1, source, row * fabric.width + x * mesh.width + rng.integers(0, mesh.width, n))


def _measure(chips: int, side: int, load: float, latency: int, seed: int) -> ThreadRow:
    from neurosim.engines.compiled.regions import RegionRun, chips_of, look_ahead
    from neurosim.engines.compiled.traffic import TrafficRun
    from neurosim.fabric.topology import build_fabric

    fabric = build_fabric(system(chips, side, latency))
    hops = 2 * side / 3 + 1
    traffic = local_traffic(fabric, load, int(TRAVERSALS_WANTED / (fabric.n_cores * load * hops)), seed)
    makers: tuple[Callable[[], TrafficRun], ...] = (
        lambda: TrafficRun(fabric, traffic),
        lambda: RegionRun(fabric, traffic, 1),
        lambda: RegionRun(fabric, traffic, THREADS),
    )
    wall, cpu = [float("inf")] * 3, [float("inf")] * 3
    machine_load = os.getloadavg()[0]
    for _ in range(REPEATS):
        for k, make in enumerate(makers):
            run = make()
            w, c = _clock(run)
            wall[k], cpu[k] = min(wall[k], w), min(cpu[k], c)
    return ThreadRow(
        chips=chips**2, mesh=f"{side}x{side}", load=load,
        look_ahead=look_ahead(fabric, chips_of(fabric))[0],
        router_traversals=int(run.state.field("PORT_FLITS").sum()), threads=THREADS,
        plain_s=wall[0], regions_s=wall[1], threads_s=wall[2],
        plain_cpu_s=cpu[0], regions_cpu_s=cpu[1], threads_cpu_s=cpu[2],
        speed_up=wall[0] / wall[2], machine_load=machine_load,
    )  # fmt: skip


def _clock(run: TrafficRun) -> tuple[float, float]:
    """(wall, CPU) seconds until all has arrived."""
    wall, cpu = time.perf_counter(), time.process_time()
    verdict = run.drain(10**9, RunOptions())
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    assert verdict.status == "ok", verdict
    return wall, cpu
