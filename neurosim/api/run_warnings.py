"""What a user is warned of about a run: its input, how it ended, and what makes its figures doubtful."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from neurosim.api.mapped import Mapped
    from neurosim.artefacts.result import Result
    from neurosim.engines.base import Workload
    from neurosim.network.model import Network


def run_warnings(
    mapped: Mapped, workload: Workload, result: Result, comparison: dict[str, Any], metrics: dict[str, Any]
) -> list[str]:
    """One sentence each, those about the input first."""
    of_input = _other_steps(mapped, workload) + first_spike_warnings(mapped.quantised, workload)
    return of_input + _of_result(result, comparison, metrics)


def _other_steps(mapped: Mapped, workload: Workload) -> list[str]:
    """A warning if samples are not as long as those that the mapping was made with (if any were)."""
    from neurosim.network.first_spike import needed_steps

    known, got = mapped.figures.get("input_steps"), workload.spikes.shape[1]
    if known is None or known == got:
        return []
    needed = needed_steps(mapped.quantised)
    if needed is not None and known < needed == got:
        return [
            f"the mapping was made with {known} steps per sample, but this first-spike network needs "
            f"{needed}: map it again with this input"
        ]
    return [
        f"the input has {got} steps per sample, but the mapping was made with {known}; if 'x' is "
        "(steps, samples, ...), swap its first two axes with x.swapaxes(0, 1)"
    ]


def first_spike_warnings(network: Network, workload: Workload) -> list[str]:
    """Warnings of samples too short for first-spike neurons, and of every input not in their code."""
    from neurosim.network.first_spike import needed_steps, repeated_spikes, repeated_text, short_text

    needed, steps = needed_steps(network), workload.spikes.shape[1]
    short = [short_text(needed, steps)] if needed is not None and steps < needed else []
    found = repeated_spikes(network, workload.spikes)
    return short + [repeated_text(name, *counts) for name, counts in found.items()]


def _of_result(result: Result, comparison: dict[str, Any], metrics: dict[str, Any]) -> list[str]:
    from neurosim.analysis.deadlock import run_line

    found = []
    verdict = result.verdict
    if verdict.status != "ok":
        found.append(run_line(verdict))
    elif metrics["deadlock"]["conclusion"] == "possible":
        found.append("this mapping can deadlock, although this run did not")
    if comparison["spikes_equal_functional"] is False:
        names = ", ".join(comparison["populations_that_differ"])
        found.append(f"MISMATCH: spikes differ from the functional engine's ({names}); please report this")
    counters = result.counters
    if len(result.missed):
        late = counters.late_packets
        found.append(f"{len(result.missed)} deadlines were missed, {late} packets came too late")
    if counters.accumulator_overflows:
        n = counters.accumulator_overflows
        found.append(f"{n} accumulator overflows: the sums may depend on the order of arrival")
    if counters.membrane_overflows:
        found.append(f"{counters.membrane_overflows} membrane overflows")
    return found
