"""``bench``: how fast the engines are here, as rates and as ratios of one run, and what memory they take.

Absolute rates belong to this machine and minute; the ratios to bare SimPy events, taken in the same
run, are what can be compared.  A run is timed as a whole, with its set-up, counters, histograms and deadlock
checks; only compilation is left out, which happens once per installation.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.api.bench_memory import MemoryRow, measure_memory
from neurosim.api.bench_networks import NetworkRow, measure_networks
from neurosim.api.bench_scaling import ScalingRow, measure_scaling
from neurosim.api.bench_threads import ThreadRow, measure_threads
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
    BenchCase(8, 0.1, {"reference": 1500, "compiled": 200_000}),
    BenchCase(32, 0.02, {"reference": 150, "compiled": 20_000}),
    BenchCase(64, 0.02, {"compiled": 4_000}),
    BenchCase(64, 0.0005, {"compiled": 150_000}),
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
    """Rates, that of bare SimPy timeouts to compare with, bytes per part; growth and threads if asked for.

    ``written`` is the HTML page, if one was asked for.
    """

    simpy_timeouts_per_cpu_s: float
    rows: tuple[BenchRow, ...]
    memory: tuple[MemoryRow, ...]
    scaling: tuple[ScalingRow, ...]
    seed: int
    written: Path | None = None
    threads: tuple[ThreadRow, ...] = ()
    networks: tuple[NetworkRow, ...] = ()

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return {**asdict(self), "written": None if self.written is None else str(self.written)}


def bench(
    seed: int = 0, *, networks: bool = True, large: bool = False, scaling: bool = False,
    threads: bool = False, html: str | Path | None = None, force: bool = False,
    progress: Progress | None = None,
) -> BenchMade:  # fmt: skip
    """Measure router traversals per CPU second of the cycle engines, and the compiled engine's memory.

    Takes about a minute; with ``scaling``, which also measures the time per event against size,
    some minutes.

    Args:
        seed: of the traffic and networks, 0 to 2147483647.
        networks: run the digits on ``darwin3`` and the random network of 10,000 neurons too.
        large: and that of 100,000 (minutes).
        scaling: also double neurons, routers and activity, each in turn.
        threads: also run systems of several chips on one and on two threads (minutes).
        html: file for a page with the tables and plots.
        force: replace ``html`` if it exists.

    Raises:
        InputError: the seed is out of range, or ``html`` exists or cannot be written.
    """
    from neurosim.api.bench_parts import parts
    from neurosim.api.folders import check_file_free
    from neurosim.report.html import render_page
    from neurosim.store import write_atomically

    seed = check_seed(seed)
    if html is not None:
        check_file_free(Path(html), force)
    base = _simpy_rate()
    rows: list[BenchRow] = []
    work = [(case, engine) for case in CASES for engine in case.cycles]
    for done, (case, engine) in enumerate(work):
        if progress is not None:
            progress(done, len(work) + 1, f"{engine}, {case.side}x{case.side}")
        rows.append(_measure(case, engine, seed, base))
    if progress is not None:
        progress(len(work), len(work) + 1, "networks and memory")
    whole = measure_networks(seed, base, large) if networks or large else ()
    memory = measure_memory(seed)
    grown = measure_scaling(seed, progress) if scaling else ()
    threaded = measure_threads(seed, progress) if threads else ()
    page = None if html is None else Path(html)
    made = BenchMade(base, tuple(rows), memory, grown, seed, page, threaded, whole)
    if html is not None:
        lead = f"Rates belong to this machine and minute; compare the ratios. Seed {seed}."
        write_atomically(Path(html), render_page("bench.html.j2", lead=lead, parts=parts(made)).encode())
    return made


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
