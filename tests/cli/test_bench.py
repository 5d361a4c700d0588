"""``bench`` measures what it says, on work small enough for a test."""

from __future__ import annotations

from neurosim.api import benchmarking


def test_bench_counts_the_same_work_for_both_engines(monkeypatch):
    case = benchmarking.BenchCase(4, 0.1, {"reference": 200, "compiled": 200})
    monkeypatch.setattr(benchmarking, "CASES", (case,))
    monkeypatch.setattr(benchmarking, "TIMEOUTS", 1000)
    made = benchmarking.bench(seed=3)
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
