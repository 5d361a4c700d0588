"""The Result: what an engine measured, in integers.  Everything else is computed from it later.

All arrays are zero-based over: samples ``S``; hardware steps ``T`` (own steps + depth); routers
``R`` (tile order); ports ``P`` (see :mod:`neurosim.rules.ports`); cores ``K`` (global numbers);
events ``E`` (:data:`neurosim.rules.events.EVENT_NAMES`).  A figure that an engine does not measure is
an empty array, and reports print "not measured".
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.store import artefact

IntArray = NDArray[np.int64]


@artefact
@dataclass(frozen=True)
class Spikes:
    """Spikes of one population as events, sorted by (sample, step, neuron).

    ``step`` is the network's own step (retiming removed); ``count`` is spikes in that step.
    """

    population: str
    sample: NDArray[np.int32]
    step: NDArray[np.int32]
    neuron: NDArray[np.int32]
    count: NDArray[np.int32]


@artefact
@dataclass(frozen=True)
class PacketLog:
    """One row per packet in order of injection; cycles count from the sample's start.

    ``source`` and ``target`` are core numbers or HOST; ``arrive_cycle`` is -1 for a packet that never
    arrived (dropped, or in flight when the run stopped).
    """

    sample: NDArray[np.int32]
    step: NDArray[np.int32]
    source: NDArray[np.int32]
    target: NDArray[np.int32]
    axon: NDArray[np.int32]
    inject_cycle: NDArray[np.int64]
    arrive_cycle: NDArray[np.int64]


@artefact
@dataclass(frozen=True)
class Verdict:
    """How the run ended: ok, deadlock, partial_deadlock, saturated, lost_packets or limit.

    ``blocked`` names the channels of the wait-for cycle in order, one sentence each.
    """

    status: str
    summary: str
    sample: int = -1
    cycle: int = -1
    blocked: tuple[str, ...] = ()


@artefact
@dataclass(frozen=True)
class Counters:
    """Integer counts over all samples; shapes in the module's docstring.

    ``core_events`` (K, E) and ``router_events`` (R, E) split ``sample_events`` (S, E) by place (barrier
    and host events belong to no core or router).  ``port_flits`` (R, P) are flits sent per output
    port; ``port_blocked_cycles`` (R, P) are cycles in which an input port's head flit wanted that
    output and did not move; ``queue_peak_flits`` (R, P) is the fullest an input port ever was;
    ``loop_stall_cycles`` (K,) are cycles in which a neuron loop waited for its transmit FIFO;
    ``core_busy_cycles`` (K, 2) cycles of (synapse pipeline, neuron loop).
    """

    sample_events: IntArray
    core_events: IntArray
    router_events: IntArray
    port_flits: IntArray
    port_blocked_cycles: IntArray
    queue_peak_flits: IntArray
    loop_stall_cycles: IntArray
    core_busy_cycles: IntArray
    packets_sent: int
    packets_arrived: int
    packets_dropped: int
    packets_in_flight: int
    late_packets: int
    membrane_overflows: int
    accumulator_overflows: int


@artefact
@dataclass(frozen=True)
class Result:
    """A run of one program over samples.

    ``output_counts`` (S, n_outputs) is what the user classifies by: spikes per output neuron, or its
    last membrane for a read-out.  ``step_start`` and ``step_end`` (S, T) are cycles counted from each
    sample's start; a sample's latency is its last step's end.  ``latency_histogram[c]`` counts packets
    whose journey took ``c`` cycles.  ``missed`` (n, 3) lists missed deadlines as (sample, step, core).
    ``labels`` (S,) is -1 where unknown.
    """

    engine: str
    program_digest: str
    chip_digest: str
    network_digest: str
    input_digest: str
    seed: int
    n_samples: int
    n_steps: int
    labels: IntArray
    output_counts: IntArray
    latency_cycles: IntArray
    step_start: IntArray
    step_end: IntArray
    spikes: tuple[Spikes, ...]
    counters: Counters
    latency_histogram: IntArray
    missed: IntArray
    packets: PacketLog | None
    verdict: Verdict
