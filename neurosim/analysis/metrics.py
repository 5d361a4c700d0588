"""All figures of a run as one plain dict, the content of ``metrics.json``.

Reads a Result, its Program, Chip and Network; the layout is :func:`metrics_schema`'s.  A figure that
is missing is null and stands with its reason under ``not_measured``, by its dotted path; nothing is
ever 0 for want of a measurement.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis import load, neurobench
from neurosim.analysis.accuracy import Accuracy, accuracy
from neurosim.analysis.deadlock import DeadlockReport, analyse_deadlock, deadlock_dict
from neurosim.analysis.energy import EnergyReport, energy
from neurosim.analysis.energy_figures import energy_figures
from neurosim.analysis.latency import LatencyReport, latency
from neurosim.analysis.metrics_schema import SCHEMA_VERSION, metrics_schema
from neurosim.analysis.missing import (
    NO_COUNTERS,
    NO_CYCLES,
    NO_FINISHED_LABEL,
    NO_INPUT,
    NO_LABELS,
    NO_MEMBRANES,
    NO_SAMPLE,
    NO_TIME,
    NO_WAITING,
    NotMeasured,
    merge_samples,
    settle,
    value_or,
)
from neurosim.analysis.sample_figures import FLIT_HOPS, sample_figures, spikes_per_sample
from neurosim.analysis.stats import Spread
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.chip.models import Chip
from neurosim.fabric.topology import build_fabric
from neurosim.network.first_spike import repeated_spikes
from neurosim.network.model import Network
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

__all__ = ["metrics", "metrics_json", "metrics_schema"]


@dataclass(frozen=True)
class Figures:
    """The analyses that reports share, so that nobody computes one twice."""

    latency: LatencyReport
    accuracy: Accuracy | None
    energy: EnergyReport | None
    links: tuple[load.LinkLoad, ...]
    cores: tuple[load.CoreLoad, ...]
    deadlock: DeadlockReport


def figures(
    result: Result, program: Program, chip: Chip, deadlock: DeadlockReport | None = None
) -> Figures:
    """All analyses of a run; ``deadlock`` saves repeating the static check if it was made before."""
    fabric = build_fabric(chip)
    timing = latency(result, chip)
    return Figures(
        latency=timing,
        accuracy=accuracy(result),
        energy=energy(result, chip),
        links=load.link_loads(result.counters, fabric, timing.simulated_cycles),
        cores=load.core_loads(result.counters, program, fabric, timing.simulated_cycles),
        deadlock=deadlock or analyse_deadlock(chip, program, result.verdict),
    )


def metrics(
    result: Result,
    program: Program,
    chip: Chip,
    network: Network,
    input_spikes: NDArray[np.uint8] | None = None,
    found: Figures | None = None,
) -> dict[str, Any]:
    """Every figure of a run.

    Args:
        input_spikes: (samples, steps, n_inputs) counts, needed for NeuroBench's effective operations.
        found: the analyses, if they were made before.

    Returns:
        a dict of plain values in the layout of :func:`metrics_schema`.
    """
    f = found or figures(result, program, chip)
    missing: dict[str, str] = {}
    document = {
        "schema": "neurosim-metrics",
        "schema_version": SCHEMA_VERSION,
        "run": _run(result, program, chip, network),
        "verdict": asdict(result.verdict) | {"blocked": list(result.verdict.blocked)},
        "deadlock": deadlock_dict(f.deadlock),
        "latency": _latency(f.latency, result),
        "accuracy": _accuracy(f.accuracy),
        "work": _work(result, chip, network),
        "health": {**_health(result), "repeated_input_spikes": _repeated(network, input_spikes)},
        "load": _load(f),
        "steps": _steps(f.latency),
        "samples": sample_figures(result, network, f.latency, f.accuracy, f.energy),
        "energy": energy_figures(f.energy, result),
        "neurobench": _neurobench(result, chip, network, f, input_spikes),
    }
    settled = settle(document, "", missing)
    settled["not_measured"] = merge_samples(missing, result.n_samples)
    return dict(settled)


def metrics_json(document: Mapping[str, Any]) -> bytes:
    """The bytes of ``metrics.json``: sorted keys, two spaces, UTF-8, a newline at the end."""
    text = json.dumps(document, indent=2, sort_keys=True, ensure_ascii=False, allow_nan=False)
    return (text + "\n").encode()


def _run(result: Result, program: Program, chip: Chip, network: Network) -> dict[str, Any]:
    return {
        "engine": result.engine,
        "program": program.name,
        "network": network.name,
        "chip": chip.name,
        "n_chips": chip.n_chips,
        "seed": result.seed,
        "n_samples": result.n_samples,
        "n_steps": result.n_steps,
        "hardware_steps": result.n_steps + program.depth,
        "n_neurons": network.n_neurons,
        "n_synapses": network.n_synapses,
        "used_cores": len(program.cores),
        "digests": {
            "program": result.program_digest,
            "chip": result.chip_digest,
            "network": result.network_digest,
            "input": result.input_digest,
        },
    }


def _spread(spread: Spread | None, scale: float | None, reason: str) -> Any:
    if spread is None:
        return NotMeasured(reason)
    values = {k: getattr(spread, k) for k in ("mean", "min", "p50", "p99", "max")}
    return values if scale is None else {k: v * scale for k, v in values.items()}


def _latency(timing: LatencyReport, result: Result) -> dict[str, Any]:
    reason = NO_SAMPLE if result.latency_cycles.size else NO_CYCLES
    no_packets = "no packet arrived" if result.latency_cycles.size else NO_CYCLES
    return {
        "period_ps": timing.period_ps,
        "sample_cycles": _spread(timing.samples, None, reason),
        "sample_s": _spread(timing.samples, timing.period_ps * 1e-12, reason),
        "packet_cycles": _spread(timing.packets, None, no_packets),
        "run_cycles": timing.run_cycles if timing.samples else NotMeasured(reason),
        "throughput_samples_per_s": value_or(timing.throughput_per_s, reason),
        "finished_samples": timing.n_finished if result.latency_cycles.size else NotMeasured(NO_CYCLES),
        "unfinished_samples": (
            timing.n_unfinished if result.latency_cycles.size else NotMeasured(NO_CYCLES)
        ),
    }


def _accuracy(found: Accuracy | None) -> dict[str, Any]:
    keys = ("rate", "correct", "labelled")
    if found is None:
        return dict.fromkeys((*keys, "unfinished"), NotMeasured("the run has no outputs"))
    part: dict[str, Any] = dict.fromkeys(keys, NotMeasured(_no_accuracy(found)))
    if found.labelled:
        part = {key: getattr(found, key) for key in keys}
    return {**part, "unfinished": found.unfinished}


def _no_accuracy(found: Accuracy | None) -> str:
    """Why there is no rate."""
    if found is not None and 0 < found.unfinished == len(found.predicted):
        return NO_SAMPLE
    return NO_FINISHED_LABEL if found is not None and found.unfinished else NO_LABELS


def _work(result: Result, chip: Chip, network: Network) -> dict[str, Any]:
    counters = result.counters
    names = ("sent", "arrived", "dropped", "in_flight")
    work: dict[str, Any] = {f"packets_{name}": getattr(counters, f"packets_{name}") for name in names}
    if not counters.sample_events.size:
        keys = ("events", "synaptic_operations", "flit_hops", "packet_hops")
        missing = dict.fromkeys((*work, *keys), NotMeasured(NO_COUNTERS))
        return {**missing, "spikes": int(spikes_per_sample(result, network).sum())}
    events = counters.sample_events.sum(axis=0)
    flit_hops = sum(int(events[EVENT_INDEX[name]]) for name in FLIT_HOPS)
    return {
        **work,
        "events": {name: int(n) for name, n in zip(EVENT_NAMES, events, strict=True)},
        "synaptic_operations": int(events[EVENT_INDEX["synaptic_operation"]]),
        "spikes": int(events[EVENT_INDEX["spike_generated"]]),
        "flit_hops": flit_hops,
        "packet_hops": flit_hops / chip.packet.flits,
    }


def _health(result: Result) -> dict[str, Any]:
    counters = result.counters
    overflows = {
        "membrane_overflows": counters.membrane_overflows,
        "accumulator_overflows": counters.accumulator_overflows,
    }
    if not counters.sample_events.size:
        keys = ("missed_deadlines", "late_packets", *overflows)
        return dict.fromkeys(keys, NotMeasured(NO_COUNTERS))
    simulated = result.missed.ndim == 2  # engines without cycles give one empty axis
    return {
        "missed_deadlines": len(result.missed) if simulated else NotMeasured(NO_WAITING),
        "late_packets": counters.late_packets if simulated else NotMeasured(NO_WAITING),
        **overflows,
    }


def _repeated(network: Network, x: NDArray[np.uint8] | None) -> Any:
    if x is None:
        return NotMeasured(NO_INPUT)
    return {name: beyond for name, (beyond, _) in repeated_spikes(network, x).items()}


def _load(f: Figures) -> dict[str, Any]:
    if not f.links or not f.latency.simulated_cycles:
        reason = NotMeasured(NO_TIME if f.links else NO_COUNTERS)
        keys = ("cycles", "busiest_links", "busiest_cores", "mean_core_utilisation")
        return dict.fromkeys(keys, reason)
    links = [
        {"name": link.name, "router": link.router, "port": link.port, "kind": link.kind,
         "flits": link.flits, "utilisation": link.utilisation,
         "blocked_cycles": value_or(
             link.blocked_cycles, "the host's queue is not watched" if link.router == HOST else NO_WAITING)}
        for link in load.busiest_links(f.links)
    ]  # fmt: skip
    cores = [
        {"core": core.core, "chip": core.chip, "x": core.x, "y": core.y,
         "populations": list(core.populations), "synaptic_operations": core.synaptic_operations,
         "pipeline_busy_cycles": core.pipeline_busy_cycles, "loop_busy_cycles": core.loop_busy_cycles,
         "loop_stall_cycles": value_or(core.loop_stall_cycles, NO_WAITING), "utilisation": core.utilisation}
        for core in load.busiest_cores(f.cores)
    ]  # fmt: skip
    mean = sum(c.utilisation or 0.0 for c in f.cores) / len(f.cores) if f.cores else None
    return {
        "cycles": f.latency.simulated_cycles,
        "busiest_links": links,
        "busiest_cores": cores,
        "mean_core_utilisation": value_or(mean, "the program uses no core"),
    }


def _steps(timing: LatencyReport) -> dict[str, Any]:
    if timing.timeline is None:
        reason = NotMeasured(NO_SAMPLE if timing.n_unfinished else NO_CYCLES)
        return dict.fromkeys(("active_cycles_mean", "active_cycles_max", "gap_cycles_mean"), reason)
    line = timing.timeline
    return {
        "active_cycles_mean": line.active_mean.tolist(),
        "active_cycles_max": line.active_max.tolist(),
        "gap_cycles_mean": line.gap_mean.tolist(),
    }


def _neurobench(
    result: Result, chip: Chip, network: Network, f: Figures, x: NDArray[np.uint8] | None
) -> dict[str, Any]:
    operations = neurobench.effective_operations(network, result, x)
    n = result.n_samples
    sparsity = neurobench.activation_sparsity(network, result)
    return {
        "Footprint": neurobench.footprint_bytes(network, chip.core),
        "ParameterCount": neurobench.parameter_count(network),
        "ConnectionSparsity": value_or(
            neurobench.connection_sparsity(network), "no dense or convolution layer"
        ),
        "ActivationSparsity": value_or(sparsity, "no population that fires, or no sample"),
        "SynapticOperations": {
            "Dense": neurobench.dense_operations(network, result.n_steps),
            "Effective_ACs": float(operations.acs.mean()) if operations and n else NotMeasured(NO_INPUT),
            "Effective_MACs": float(operations.macs.mean()) if operations and n else NotMeasured(NO_INPUT),
        },
        "MembraneUpdates": NotMeasured(NO_MEMBRANES),
        "NeuronOperations": NotMeasured(NO_MEMBRANES),
        "ModelExecutionRate_hz": value_or(
            1 / network.dt_s if network.dt_s > 0 else None, "the network has no time step"
        ),
        "ClassificationAccuracy": value_or(f.accuracy and f.accuracy.rate, _no_accuracy(f.accuracy)),
    }
