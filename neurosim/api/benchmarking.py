"""``bench``: how fast the engines are here, as rates per CPU second and as ratios of one run.

Absolute rates belong to this machine and minute; the ratios to bare SimPy events, taken in the same
run, are what can be compared.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.api.bounds import check_seed
from neurosim.engines.base import Progress, RunOptions, Traffic

TIMEOUTS = 200_000


@dataclass(frozen=True)
class BenchCase:
    """Uniform traffic of ``load`` flits per node and cycle on a ``side`` x ``side`` mesh."""

    side: int
    load: float
    cycles: dict[str, int]


CASES = (
    BenchCase(8, 0.1, {"reference": 1500, "compiled": 60_000}),
    BenchCase(32, 0.02, {"reference": 150, "compiled": 6_000}),
    BenchCase(64, 0.02, {"compiled": 1_500}),
    BenchCase(64, 0.0005, {"compiled": 20_000}),
)


@dataclass(frozen=True)
class BenchRow:
    """One measurement; ``ratio`` is its rate over that of bare SimPy timeouts."""

    engine: str
    case: str
    router_traversals: int
    cpu_s: float
    traversals_per_cpu_s: float
    ratio: float


@dataclass(frozen=True)
class BenchMade:
    """All rows, and the rate of bare SimPy timeouts that the ratios refer to."""

    simpy_timeouts_per_cpu_s: float
    rows: tuple[BenchRow, ...]
    seed: int


def bench(seed: int = 0, *, progress: Progress | None = None) -> BenchMade:
    """Measure router traversals per CPU second of the reference and the compiled engine.

    Counters are on, the wait-for graph is checked every 10,000 cycles; kernels are compiled before
    the clock starts.  Takes about half a minute.

    Raises:
        InputError: the seed is not 0 to 2147483647.
    """
    seed = check_seed(seed)
    base = _simpy_rate()
    rows: list[BenchRow] = []
    work = [(case, engine) for case in CASES for engine in case.cycles]
    for done, (case, engine) in enumerate(work):
        if progress is not None:
            progress(done, len(work), f"{engine}, {case.side}x{case.side}")
        rows.append(_measure(case, engine, seed, base))
    return BenchMade(base, tuple(rows), seed)


def _simpy_rate() -> float:
    """Bare timeout events per CPU second."""
    import simpy

    def ticking(env: Any) -> Any:
        for _ in range(TIMEOUTS):
            yield env.timeout(1)

    env = simpy.Environment()
    env.process(ticking(env))
    start = time.process_time()
    env.run()
    return TIMEOUTS / (time.process_time() - start)


def uniform_traffic(n: int, load: float, cycles: int, seed: int) -> Traffic:
    """Bernoulli injection per core and cycle, uniform destinations, self included."""
    rng = np.random.default_rng(seed)
    counts = rng.binomial(n, load, cycles)
    cycle = np.repeat(np.arange(1, cycles + 1), counts)
    source = np.concatenate([rng.choice(n, k, replace=False) for k in counts])
    return Traffic(cycle, source.astype(np.int64), rng.integers(0, n, len(cycle)))


def _measure(case: BenchCase, name: str, seed: int, base: float) -> BenchRow:
    from neurosim.chip.loader import edit_chip, load_chip
    from neurosim.engines.compiled.engine import CompiledEngine
    from neurosim.engines.reference.engine import ReferenceEngine

    engine = ReferenceEngine() if name == "reference" else CompiledEngine()
    chip = edit_chip(load_chip("tiny"), {"mesh.width": case.side, "mesh.height": case.side, "host": None})
    traffic = uniform_traffic(case.side**2, case.load, case.cycles[name], seed)
    few = Traffic(traffic.cycle[:1], traffic.source[:1], traffic.target[:1])
    engine.run_traffic(chip, few, 10**9, RunOptions())  # compiles, or reads the compiled code
    start = time.process_time()
    result = engine.run_traffic(chip, traffic, 10**9, RunOptions())
    cpu_s = time.process_time() - start
    rate = result.router_traversals / cpu_s
    label = f"{case.side}x{case.side} at {case.load}"
    return BenchRow(name, label, result.router_traversals, cpu_s, rate, rate / base)
