"""How the compiled engine's cost grows: neurons, routers and activity are doubled, each in turn.

An *event* is a router traversal, a synaptic operation or a neuron update.  Time per event is taken from
the difference between a long and a short run of the same program, so that building its tables is left out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from neurosim.api.bench_program import PacedNet, mesh_chip, paced_program

EVENTS_WANTED = 12_000_000
BASE = PacedNet(cores=64, neurons=128, targets=4, synapses=32, period=16)


@dataclass(frozen=True)
class ScalingRow:
    """One size of one series; ``relative`` is its time per event over the series' smallest."""

    series: str
    size: str
    neurons: int
    synapses: int
    routers: int
    events: int
    cpu_s: float
    ns_per_event: float
    relative: float


def cases() -> list[tuple[str, str, PacedNet, int]]:
    """(series, size in words, network, side of the mesh)."""
    neurons = [
        ("neurons", f"{BASE.cores * n} neurons", replace(BASE, neurons=n), 8)
        for n in (128, 256, 512, 1024, 2048, 3840)
    ]
    thin = replace(BASE, neurons=48)  # 25 million synapses on 64x64 routers
    routers = [
        ("routers", f"{side}x{side} routers", replace(thin, cores=side * side), side)
        for side in (8, 16, 32, 64)
    ]
    activity = [
        ("activity", f"1/{period} spikes per step", replace(BASE, period=period), 8)
        for period in (64, 32, 16, 8, 4, 2)
    ]
    return neurons + routers + activity


def measure_scaling(
    seed: int, progress: Callable[[int, int, str], None] | None = None
) -> tuple[ScalingRow, ...]:
    """All series, smallest size first."""
    work = cases()
    rows: list[ScalingRow] = []
    first: dict[str, float] = {}
    for done, (series, size, net, side) in enumerate(work):
        if progress is not None:
            progress(done, len(work), size)
        events, cpu_s = _measure(net, side, seed)
        each = cpu_s / events
        first.setdefault(series, each)
        rows.append(
            ScalingRow(
                series, size, net.n_neurons, net.n_synapses, side * side, events, cpu_s, each * 1e9,
                each / first[series],
            )
        )  # fmt: skip
    return tuple(rows)


def _measure(net: PacedNet, side: int, seed: int) -> tuple[int, float]:
    """(events, CPU seconds) of the steps that a long run has more than a short one."""
    program = paced_program(net, mesh_chip(side), seed)
    packets = net.n_neurons * net.targets / net.period
    per_step = net.n_neurons + packets * (net.synapses + 6)
    steps = max(2 * net.period, int(EVENTS_WANTED / per_step))
    _run(program, 1)  # compiles, or reads the compiled code; and warms the memory
    short, long = _run(program, net.period), _run(program, net.period + steps)
    return long[0] - short[0], long[1] - short[1]


def _run(program: Any, steps: int) -> tuple[int, float]:
    from neurosim.engines.base import RunOptions, Workload
    from neurosim.engines.compiled.engine import CompiledEngine
    from neurosim.rules.events import EVENT_INDEX

    x = Workload(np.zeros((1, steps, 0), np.uint8), np.full(1, -1), "")
    start = time.process_time()
    result = CompiledEngine().run(program, x, RunOptions())
    cpu_s = time.process_time() - start
    assert result.verdict.status == "ok", result.verdict
    counted = result.counters.core_events.sum(axis=0)
    names = ("synaptic_operation", "neuron_update_active", "neuron_update_idle")
    events = int(result.counters.port_flits.sum()) + sum(int(counted[EVENT_INDEX[name]]) for name in names)
    return events, cpu_s
