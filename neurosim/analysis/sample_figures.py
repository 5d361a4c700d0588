"""The samples' part of ``metrics.json``: every sample by itself."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.analysis.accuracy import Accuracy
from neurosim.analysis.energy import EnergyReport
from neurosim.analysis.energy_figures import static_reason
from neurosim.analysis.latency import LatencyReport
from neurosim.analysis.missing import NO_COUNTERS, NO_CYCLES, UNFINISHED, NotMeasured, value_or
from neurosim.artefacts.result import Result
from neurosim.network.model import Network
from neurosim.rules.events import EVENT_INDEX

FLIT_HOPS = ("flit_hop_east_west", "flit_hop_north_south", "flit_chip_crossing")


def sample_figures(
    result: Result, network: Network, timing: LatencyReport, answers: Accuracy | None,
    cost: EnergyReport | None,
) -> list[dict[str, Any]]:  # fmt: skip
    """One row per sample; figures that are missing are markers with their reasons."""
    events = result.counters.sample_events
    missed = np.bincount(result.missed[:, 0], minlength=result.n_samples) if len(result.missed) else None
    spikes = spikes_per_sample(result, network)
    rows = []
    for s in range(result.n_samples):
        label = int(result.labels[s]) if s < len(result.labels) else -1
        predicted = int(answers.predicted[s]) if answers else None
        unclear = UNFINISHED if predicted == -1 else "the run has no outputs"
        cycles = int(result.latency_cycles[s]) if result.latency_cycles.size else None
        late = NO_CYCLES if cycles is None else UNFINISHED
        done = cycles is not None and cycles >= 0
        counts = _sample_counts(events[s]) if events.size else _no_sample_counts()
        static = cost.static_by_sample if cost else None
        rows.append(
            {
                "sample": s,
                "label": value_or(label if label >= 0 else None, "the sample has no label"),
                "predicted": NotMeasured(unclear) if predicted in (None, -1) else predicted,
                "latency_cycles": cycles if done else NotMeasured(late),
                "latency_s": timing.seconds(cycles or 0) if done else NotMeasured(late),
                **counts,
                "spikes": int(spikes[s]),
                "missed_deadlines": int(missed[s]) if missed is not None else 0,
                "dynamic_energy_j": float(cost.by_sample[s]) if cost else NotMeasured(NO_COUNTERS),
                "static_energy_j": (
                    float(static[s]) if static and done
                    else NotMeasured(UNFINISHED if static else static_reason(cost))
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


def spikes_per_sample(result: Result, network: Network) -> NDArray[np.int64]:
    """Spikes of neurons on cores from the spike lists, (S,): every engine gives them."""
    totals = np.zeros(result.n_samples, np.int64)
    inputs = {population.name for population in network.inputs}
    for spikes in result.spikes:
        if spikes.population not in inputs:
            np.add.at(totals, spikes.sample, spikes.count)
    return totals
