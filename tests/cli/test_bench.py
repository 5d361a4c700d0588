"""``bench`` measures what it says, on work small enough for a test."""

from __future__ import annotations

import numpy as np

from neurosim.api import bench_parts, bench_threads, benchmarking
from neurosim.fabric.topology import build_fabric


def test_bench_counts_the_same_work_for_both_engines(monkeypatch):
    case = benchmarking.BenchCase(4, 0.1, {"reference": 200, "compiled": 200})
    monkeypatch.setattr(benchmarking, "CASES", (case,))
    monkeypatch.setattr(benchmarking, "TIMEOUTS", 1000)
    made = benchmarking.bench(seed=3, networks=False)
    assert [row.engine for row in made.rows] == ["reference", "compiled"]
    reference, compiled = made.rows
    assert reference.router_traversals == compiled.router_traversals > 1000
    for row in made.rows:
        assert row.traversals_per_cpu_s == row.router_traversals / row.cpu_s
        assert row.ratio == row.traversals_per_cpu_s / made.simpy_timeouts_per_cpu_s


def test_uniform_traffic_has_its_load_and_no_core_twice_a_cycle():
    traffic = benchmarking.uniform_traffic(16, 0.25, 4000, seed=1)
    assert abs(len(traffic.cycle) / 4000 / 16 - 0.25) < 0.01
    assert len(set(zip(traffic.cycle.tolist(), traffic.source.tolist(), strict=True))) == len(traffic.cycle)
    assert set(traffic.target.tolist()) == set(range(16))


def test_bench_threads_runs_every_system_three_ways(monkeypatch):
    monkeypatch.setattr(bench_threads, "cases", lambda: [(2, 2, 0.1, 4), (2, 3, 0.02, 16)])
    monkeypatch.setattr(bench_threads, "TRAVERSALS_WANTED", 2000)
    first, second = rows = bench_threads.measure_threads(seed=1)
    assert [(r.chips, r.mesh, r.load, r.look_ahead) for r in rows] == [(4, "2x2", 0.1, 7), (4, "3x3", 0.02, 19)]
    assert 1000 < first.router_traversals < 4000
    assert second.speed_up == second.plain_s / second.threads_s
    made = benchmarking.BenchMade(1.0, (), (), (), 1, None, rows)
    table = bench_parts.parts(made)[-1]
    assert table.title == "Chips on threads"
    assert [row[:4] for row in table.table.rows] == [("4", "2x2", "0.1", "7"), ("4", "3x3", "0.02", "19")]


def test_local_traffic_crosses_to_neighbours_only_and_rarely():
    fabric = build_fabric(bench_threads.system(3, 4, 4))
    traffic = bench_threads.local_traffic(fabric, 0.1, 3000, seed=2)
    chip = np.array([fabric.chip_of(tile) for tile in range(fabric.n_routers)])
    ours, theirs = chip[traffic.source], chip[traffic.target]
    apart = abs(ours % 3 - theirs % 3) + abs(ours // 3 - theirs // 3)
    assert apart.max() == 1
    # on a 3x3 grid 2/3 of all ways lead to another chip
    assert abs(apart.mean() - bench_threads.AWAY * 2 / 3) < 0.003
    assert abs(len(traffic.cycle) / 3000 / 144 - 0.1) < 0.002
