"""Whole networks on the compiled engine: those of ``workloads/random_snn``, and digits on ``darwin3``.

Networks are made, imported and mapped first, in a folder that is thrown away; what is timed is the engine
alone, its tables included.  The memory is the most that this process ever had, everything before included,
so it is an upper bound.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.engines.base import Workload

WORKLOADS = Path(__file__).parents[2] / "workloads"
SAMPLES = 100


@dataclass(frozen=True)
class NetworkRow:
    """One network; ``events`` are router traversals, synaptic operations and neuron updates."""

    name: str
    synapses: int
    samples: int
    steps: int
    packets: int
    events: int
    cpu_s: float
    events_per_cpu_s: float
    samples_per_cpu_s: float
    peak_memory_mb: float
    ratio: float


def measure_networks(seed: int, base: float, large: bool) -> tuple[NetworkRow, ...]:
    """Digits on ``darwin3``, the random network of 10,000 neurons, and with ``large`` that of 100,000.

    ``base`` is the rate of bare SimPy timeouts that ``ratio`` refers to.
    """
    rows = [_digits(seed, base), _random(10_000, base)]
    return (*rows, *([_random(100_000, base)] if large else []))


def _digits(seed: int, base: float) -> NetworkRow:
    from neurosim.api.importing import import_network
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import load_workload, map_network

    samples = WORKLOADS / "digits" / "dense_test.npz"
    net = import_network(WORKLOADS / "digits" / "dense.nir", "spikingjelly-2.0")
    with TemporaryDirectory() as folder:
        out = Path(folder) / "mapped"
        map_network(net, "darwin3", out, samples, seed)
        mapped = load_mapping(out)
        first = load_workload(samples, net, SAMPLES)
        return _row(f"digits on darwin3, {SAMPLES} samples", mapped, first, base)


def _random(neurons: int, base: float) -> NetworkRow:
    """The seed is the one with which the published totals were made."""
    import numpy as np

    from neurosim.api.importing import import_network
    from neurosim.api.mapped import load_mapping
    from neurosim.api.mapping import map_network
    from neurosim.engines.base import Workload
    from workloads.random_snn.generate import Recipe, generate

    recipe = Recipe(neurons=neurons)
    with TemporaryDirectory() as folder:
        arrays, out = Path(folder) / "net.npz", Path(folder) / "mapped"
        np.savez(arrays, **generate(recipe))  # type: ignore[arg-type]
        net = import_network(arrays, format="random_snn")
        chip = WORKLOADS / "random_snn" / "loihi_like.yaml"
        map_network(net, chip, out, steps=recipe.steps, cores=arrays)
        mapped = load_mapping(out)
        x = Workload(np.zeros((1, recipe.steps, 0), np.uint8), np.full(1, -1), "")
        return _row(f"random, {neurons // 1000}k neurons, {recipe.steps} steps", mapped, x, base)


def _row(name: str, mapped: Mapped, workload: Workload, base: float) -> NetworkRow:
    import resource
    from dataclasses import replace

    from neurosim.rules.events import EVENT_INDEX

    _run(mapped, replace(workload, spikes=workload.spikes[:1, :1], labels=workload.labels[:1]))  # compiles
    start = time.process_time()
    result = _run(mapped, workload)
    cpu_s = time.process_time() - start
    counts = result.counters.core_events.sum(axis=0)
    names = ("synaptic_operation", "neuron_update_active", "neuron_update_idle")
    events = int(result.counters.port_flits.sum()) + sum(int(counts[EVENT_INDEX[n]]) for n in names)
    return NetworkRow(
        name, mapped.network.n_synapses, result.n_samples, result.n_steps,
        result.counters.packets_sent, events, cpu_s, events / cpu_s,
        result.n_samples / cpu_s, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        events / cpu_s / base,
    )  # fmt: skip


def _run(mapped: Mapped, workload: Workload) -> Any:
    from neurosim.engines.base import RunOptions
    from neurosim.engines.compiled.engine import CompiledEngine

    return CompiledEngine().run(mapped.program, workload, RunOptions(), chip=mapped.chip)
