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
from neurosim.analysis.accuracy import Accuracy, accuracy, finished
from neurosim.analysis.deadlock import DeadlockReport, analyse_deadlock, deadlock_dict
from neurosim.analysis.energy import PLACELESS, EnergyReport, EventEnergy, energy
from neurosim.analysis.latency import LatencyReport, latency
from neurosim.analysis.metrics_schema import SCHEMA_VERSION, metrics_schema
from neurosim.analysis.missing import NotMeasured, merge_samples, settle, value_or
from neurosim.analysis.stats import Spread
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.chip.models import Chip
from neurosim.fabric.topology import build_fabric
from neurosim.network.model import Network
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

__all__ = ["metrics", "metrics_json", "metrics_schema"]

NO_COUNTERS = "the engine does not count events"
NO_CYCLES = "the engine does not count cycles"
NO_WAITING = "the engine does not simulate waiting"
NO_SAMPLE = "no sample finished"
NO_LABELS = "the samples have no labels"
NO_FINISHED_LABEL = "no sample with a label finished"
UNFINISHED = "the sample did not finish"
NO_MEMBRANES = "membranes are not recorded step by step"
FLIT_HOPS = ("flit_hop_east_west", "flit_hop_north_south", "flit_chip_crossing")


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
        links=load.link_loads(result.counters, fabric, timing.run_cycles),
        cores=load.core_loads(result.counters, program, fabric, timing.run_cycles),
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
        "health": _health(result),
        "load": _load(f),
        "steps": _steps(f.latency),
        "samples": _samples(result, network, f),
        "energy": _energy(f.energy, result),
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


def _spikes_per_sample(result: Result, network: Network) -> NDArray[np.int64]:
    """Spikes of neurons on cores from the spike lists, (S,): every engine gives them."""
    totals = np.zeros(result.n_samples, np.int64)
    inputs = {population.name for population in network.inputs}
    for spikes in result.spikes:
        if spikes.population not in inputs:
            np.add.at(totals, spikes.sample, spikes.count)
    return totals


def _work(result: Result, chip: Chip, network: Network) -> dict[str, Any]:
    counters = result.counters
    names = ("sent", "arrived", "dropped", "in_flight")
    work: dict[str, Any] = {f"packets_{name}": getattr(counters, f"packets_{name}") for name in names}
    if not counters.sample_events.size:
        keys = ("events", "synaptic_operations", "flit_hops", "packet_hops")
        missing = dict.fromkeys((*work, *keys), NotMeasured(NO_COUNTERS))
        return {**missing, "spikes": int(_spikes_per_sample(result, network).sum())}
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


def _load(f: Figures) -> dict[str, Any]:
    if not f.links or not f.latency.run_cycles:
        reason = NotMeasured(NO_SAMPLE if f.links else NO_COUNTERS)
        return {"busiest_links": reason, "busiest_cores": reason, "mean_core_utilisation": reason}
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


def _samples(result: Result, network: Network, f: Figures) -> list[dict[str, Any]]:
    events = result.counters.sample_events
    missed = np.bincount(result.missed[:, 0], minlength=result.n_samples) if len(result.missed) else None
    spikes = _spikes_per_sample(result, network)
    rows = []
    for s in range(result.n_samples):
        label = int(result.labels[s]) if s < len(result.labels) else -1
        predicted = int(f.accuracy.predicted[s]) if f.accuracy else None
        unclear = UNFINISHED if predicted == -1 else "the run has no outputs"
        cycles = int(result.latency_cycles[s]) if result.latency_cycles.size else None
        late = NO_CYCLES if cycles is None else UNFINISHED
        done = cycles is not None and cycles >= 0
        counts = _sample_counts(events[s]) if events.size else _no_sample_counts()
        static = f.energy.static_by_sample if f.energy else None
        rows.append(
            {
                "sample": s,
                "label": value_or(label if label >= 0 else None, "the sample has no label"),
                "predicted": NotMeasured(unclear) if predicted in (None, -1) else predicted,
                "latency_cycles": cycles if done else NotMeasured(late),
                "latency_s": f.latency.seconds(cycles or 0) if done else NotMeasured(late),
                **counts,
                "spikes": int(spikes[s]),
                "missed_deadlines": int(missed[s]) if missed is not None else 0,
                "dynamic_energy_j": float(f.energy.by_sample[s]) if f.energy else NotMeasured(NO_COUNTERS),
                "static_energy_j": (
                    float(static[s]) if static and done
                    else NotMeasured(UNFINISHED if static else _static_reason(f.energy))
                ),
            }
        )
    return rows


def _sample_counts(events: NDArray[np.int64]) -> dict[str, Any]:
    return {
        "synaptic_operations": int(events[EVENT_INDEX["synaptic_operation"]]),
        "packets_decoded": int(events[EVENT_INDEX["packet_decoded"]]),
        "flit_hops": sum(int(events[EVENT_INDEX[name]]) for name in FLIT_HOPS),
    }


def _no_sample_counts() -> dict[str, Any]:
    names = ("synaptic_operations", "packets_decoded", "flit_hops")
    return dict.fromkeys(names, NotMeasured(NO_COUNTERS))


def _static_reason(report: EnergyReport | None) -> str:
    if report is None:
        return NO_COUNTERS
    return "static power is not priced" if report.static_figure.value is None else NO_CYCLES


def _energy(report: EnergyReport | None, result: Result) -> dict[str, Any]:
    keys = (
        "dynamic_j", "static_j", "total_j", "is_lower_bound", "per_sample_j", "per_synaptic_operation_j",
        "by_event", "by_core_j", "by_router_j", "elsewhere_j", "by_evidence_j", "not_priced", "checks",
    )  # fmt: skip
    if report is None:
        return dict.fromkeys(keys, NotMeasured(NO_COUNTERS))
    operations = next(e.count for e in report.by_event if e.event == "synaptic_operation")
    total, static_reason = report.total_j, _static_reason(report)
    return {
        "dynamic_j": float(report.dynamic_j),
        "static_j": value_or(None if report.static_j is None else float(report.static_j), static_reason),
        "total_j": value_or(None if total is None else float(total), static_reason),
        "is_lower_bound": report.is_lower_bound,
        "per_sample_j": _per_sample(report, result),
        "per_synaptic_operation_j": (
            float(report.dynamic_j / operations) if operations else NotMeasured("no synaptic operation")
        ),
        "by_event": [_event(e) for e in report.by_event],
        "by_core_j": {str(core): float(value) for core, value in report.by_core.items()},
        "by_router_j": {str(router): float(value) for router, value in report.by_router.items()},
        "elsewhere_j": _elsewhere(report),
        "by_evidence_j": {grade: float(value) for grade, value in report.by_evidence.items()},
        "not_priced": [{"event": e.event, "count": e.count} for e in report.not_priced],
        "checks": [
            {"name": c.figure.name, "published": c.figure.value, "unit": c.figure.unit,
             "ours": value_or(c.ours, c.reason or "not comparable"), "source": c.figure.source}
            for c in report.checks
        ],
    }  # fmt: skip


def _per_sample(report: EnergyReport, result: Result) -> Any:
    """Mean dynamic energy of the finished samples: what an unfinished one took is no price of an answer."""
    of_finished = [e for e, done in zip(report.by_sample, finished(result), strict=True) if done]
    return float(sum(of_finished) / len(of_finished)) if of_finished else NotMeasured(NO_SAMPLE)


def _elsewhere(report: EnergyReport) -> Any:
    """Energy of host link and barriers; missing if any of them happened and none has a price."""
    happened = [e for e in report.by_event if e.event in PLACELESS and e.count]
    if happened and all(e.price_j is None for e in happened):
        return NotMeasured("neither the host link nor the barrier is priced")
    return float(report.elsewhere_j)


def _event(e: EventEnergy) -> dict[str, Any]:
    return {
        "event": e.event,
        "count": e.count,
        "price_j": NotMeasured("not priced") if e.price_j is None else float(e.price_j),
        "energy_j": NotMeasured("not priced") if e.energy_j is None else float(e.energy_j),
        "evidence": e.figure.evidence,
    }


def _neurobench(
    result: Result, chip: Chip, network: Network, f: Figures, x: NDArray[np.uint8] | None
) -> dict[str, Any]:
    operations = neurobench.effective_operations(network, result, x)
    no_input = "the input spikes were not given"
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
            "Effective_ACs": float(operations.acs.mean()) if operations and n else NotMeasured(no_input),
            "Effective_MACs": float(operations.macs.mean()) if operations and n else NotMeasured(no_input),
        },
        "MembraneUpdates": NotMeasured(NO_MEMBRANES),
        "NeuronOperations": NotMeasured(NO_MEMBRANES),
        "ModelExecutionRate_hz": value_or(
            1 / network.dt_s if network.dt_s > 0 else None, "the network has no time step"
        ),
        "ClassificationAccuracy": value_or(f.accuracy and f.accuracy.rate, _no_accuracy(f.accuracy)),
    }
