"""Whether a Result is consistent with itself, its Program and its chip: conservation laws.

Reads the artefacts only; writes a list of sentences, empty if all holds.  Nothing here knows how an
engine works, so every engine can be held against it.  Parts that an engine does not measure (empty
arrays) are not checked.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from neurosim import store
from neurosim.analysis.energy import PLACELESS
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import PacketLog, Result
from neurosim.chip.models import Chip
from neurosim.fabric.topology import NOTHING, TO_HOST, Fabric, build_fabric
from neurosim.rules import ports
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

IntArray = NDArray[np.int64]


def check_result(
    result: Result, program: Program | None = None, chip: Chip | None = None
) -> list[str]:
    """All broken laws of ``result`` as sentences; [] if there are none."""
    errors = [*_shapes(result)]
    if errors:
        return errors  # nothing else can be looked at
    errors += [*_packets(result), *_events(result), *_times(result), *_spikes(result)]
    if program is not None:
        errors += [*_against_program(result, program)]
    if chip is not None:
        no_trees = chip.router.multicast_entries is None or (program is not None and program.trees is None)
        errors += [*_against_chip(result, chip, not no_trees)]
    return errors


def _shapes(result: Result) -> Iterator[str]:
    c, s = result.counters, result.n_samples
    rows = {
        "labels": result.labels, "output_counts": result.output_counts,
        "latency_cycles": result.latency_cycles, "step_start": result.step_start,
        "step_end": result.step_end, "sample_events": c.sample_events,
    }  # fmt: skip
    for name, array in rows.items():
        if array.size and array.shape[0] != s:
            yield f"{name} has {array.shape[0]} rows, expected one per sample ({s})"
    for name in ("sample_events", "core_events", "router_events"):
        array = getattr(c, name)
        if array.size and array.shape[1:] != (len(EVENT_NAMES),):
            yield f"{name} has shape {array.shape}, expected {len(EVENT_NAMES)} events per row"
    if result.step_start.shape != result.step_end.shape:
        yield f"step_start has shape {result.step_start.shape}, step_end {result.step_end.shape}"
    for name in ("sample_events", "core_events", "router_events", "port_flits", "port_blocked_cycles",
                 "queue_peak_flits", "loop_stall_cycles", "core_busy_cycles"):  # fmt: skip
        if (getattr(c, name) < 0).any():
            yield f"{name} has a negative count"
    if (result.latency_histogram < 0).any():
        yield "latency_histogram has a negative count"


def _packets(result: Result) -> Iterator[str]:
    c = result.counters
    ends = c.packets_arrived + c.packets_dropped + c.packets_in_flight
    if c.packets_sent != ends:
        yield (
            f"{c.packets_sent} packets were sent, but {c.packets_arrived} arrived + "
            f"{c.packets_dropped} dropped + {c.packets_in_flight} in flight = {ends}"
        )
    total = int(result.latency_histogram.sum())
    is_measured = result.latency_histogram.size or c.port_blocked_cycles.size
    if total != c.packets_arrived and is_measured:
        yield f"the latency histogram holds {total} packets, but {c.packets_arrived} arrived"
    if result.verdict.status == "ok" and (c.packets_dropped or c.packets_in_flight):
        yield (
            f"the verdict is ok, but {c.packets_dropped} packets were dropped and "
            f"{c.packets_in_flight} are in flight"
        )
    if result.packets is not None:
        yield from _log(result, result.packets)


def _log(result: Result, log: PacketLog) -> Iterator[str]:
    c = result.counters
    if len(log.sample) != c.packets_sent:
        yield f"the packet log has {len(log.sample)} rows, but {c.packets_sent} packets were sent"
    here = log.arrive_cycle >= 0
    if int(here.sum()) != c.packets_arrived:
        yield f"the packet log has {int(here.sum())} arrivals, but {c.packets_arrived} packets arrived"
    journey = (log.arrive_cycle - log.inject_cycle)[here]
    if (journey < 0).any():
        yield "the packet log has a packet that arrives before it is injected"
        return
    counts = np.bincount(journey, minlength=len(result.latency_histogram))
    if not np.array_equal(counts, result.latency_histogram):
        yield "the packet log and the latency histogram differ"


def _events(result: Result) -> Iterator[str]:
    c = result.counters
    if not c.sample_events.size:
        return
    samples = c.sample_events.sum(axis=0)
    places = c.core_events.sum(axis=0) + c.router_events.sum(axis=0)
    for name, whole, parts in zip(EVENT_NAMES, samples.tolist(), places.tolist(), strict=True):
        if name in PLACELESS:
            if parts:
                yield f"event {name} belongs to no core or router, but {parts} are counted there"
        elif whole != parts:
            yield f"event {name}: samples count {whole}, cores and routers {parts}"
    decoded = int(samples[EVENT_INDEX["packet_decoded"]])
    if decoded > c.packets_arrived:
        yield f"{decoded} packets were decoded, but only {c.packets_arrived} arrived"
    sent = int(samples[EVENT_INDEX["packet_sent"]])
    if sent > c.packets_sent:
        yield f"cores sent {sent} packets, more than the {c.packets_sent} sent in all"


def _times(result: Result) -> Iterator[str]:
    start, end, latency = result.step_start, result.step_end, result.latency_cycles
    if not start.size:
        return
    for s in range(result.n_samples):
        times = np.stack([start[s], end[s]], axis=1).reshape(-1)
        reached = times[: int((times >= 0).sum())]
        if (reached < 0).any():
            yield f"sample {s}: a step ends that never began"
        elif (np.diff(reached) < 0).any():
            step = int(np.flatnonzero(np.diff(reached) < 0)[0]) // 2
            yield f"sample {s}: time runs backward at step {step}"
        if latency.size and latency[s] != end[s, -1]:
            yield f"sample {s}: latency {latency[s]} is not its last step's end {end[s, -1]}"
    if result.verdict.status == "ok" and (latency < 0).any():
        yield "the verdict is ok, but a sample did not finish"


def _spikes(result: Result) -> Iterator[str]:
    total = 0
    for s in result.spikes:
        n_neurons = int(s.neuron.max(initial=0)) + 1
        n_steps = int(s.step.max(initial=0)) + 1
        key = (s.sample.astype(np.int64) * n_steps + s.step) * n_neurons + s.neuron
        if (np.diff(key) <= 0).any():
            yield f"spikes of '{s.population}' are not sorted by sample, step and neuron"
        if (s.count <= 0).any():
            yield f"spikes of '{s.population}' have a count below 1"
        if key.size and not (s.step.min() >= 0 and s.step.max() < result.n_steps):
            yield f"spikes of '{s.population}' lie outside the steps 0 to {result.n_steps - 1}"
        if key.size and not (s.sample.min() >= 0 and s.sample.max() < result.n_samples):
            yield f"spikes of '{s.population}' lie outside the samples 0 to {result.n_samples - 1}"
        total += int(s.count.sum())
    events = result.counters.sample_events
    if events.size:
        generated = int(events[:, EVENT_INDEX["spike_generated"]].sum())
        if generated != total:
            yield f"{generated} spikes were generated, but the spike lists hold {total}"


def _against_program(result: Result, program: Program) -> Iterator[str]:
    for name, ours, theirs in (
        ("program", result.program_digest, store.digest(program)),
        ("chip", result.chip_digest, program.chip_digest),
        ("network", result.network_digest, program.network_digest),
    ):
        if ours and ours != theirs:
            yield f"the result belongs to another {name} ({ours[:12]}, not {theirs[:12]})"
    if result.step_start.size and result.step_start.shape[1] != result.n_steps + program.depth:
        yield (
            f"{result.step_start.shape[1]} hardware steps, expected {result.n_steps} + depth {program.depth}"
        )
    yield from _idle_cores(result, program)
    yield from _outputs(result, program)


def _idle_cores(result: Result, program: Program) -> Iterator[str]:
    events = result.counters.core_events
    if not events.size:
        return
    used = {image.core for image in program.cores}
    idle = [int(k) for k in np.flatnonzero(events.any(axis=1)) if int(k) not in used]
    if idle:
        yield f"core {idle[0]} counts events, but the program does not use it"


def _outputs(result: Result, program: Program) -> Iterator[str]:
    """Spiking outputs are the spikes of their populations, counted per neuron."""
    spikes = {s.population: s for s in result.spikes}
    first = 0
    for (name, n, _), readout in zip(program.outputs, program.readout, strict=True):
        counts = result.output_counts[:, first : first + n] if result.output_counts.size else None
        first += n
        if counts is None or readout != "spikes":
            continue
        expected = np.zeros((result.n_samples, n), np.int64)
        if name in spikes:
            np.add.at(expected, (spikes[name].sample, spikes[name].neuron), spikes[name].count)
        if not np.array_equal(expected, counts):
            sample = int(np.argwhere(expected != counts)[0, 0])
            yield f"output '{name}' of sample {sample} differs from the spikes of its neurons"


def _against_chip(result: Result, chip: Chip, has_trees: bool) -> Iterator[str]:
    """Flits per port, by what hangs on the port, are the flit events."""
    c = result.counters
    if not c.port_flits.size:
        return
    fabric = build_fabric(chip)
    if c.port_flits.shape != (fabric.n_routers, fabric.n_ports):
        yield f"port_flits has shape {c.port_flits.shape}, the chip {(fabric.n_routers, fabric.n_ports)}"
        return
    inside = np.where((fabric.target >= 0) & ~fabric.crosses, c.port_flits, 0)
    found = {
        "flit_hop_east_west": inside[:, [ports.EAST, ports.WEST]].sum(),
        "flit_hop_north_south": inside[:, [ports.NORTH, ports.SOUTH]].sum(),
        "flit_hop_local": c.port_flits[:, ports.LOCAL :].sum(),
        "flit_chip_crossing": c.port_flits[fabric.crosses].sum(),
    }
    for name, flits in found.items():
        counted = int(c.sample_events[:, EVENT_INDEX[name]].sum())
        if counted != int(flits):
            yield f"event {name}: samples count {counted}, the ports {int(flits)} flits"
    if c.port_flits[fabric.target == NOTHING].any():
        yield "a port on which nothing hangs sent flits"
    yield from _ends(result, fabric, has_trees)
    cycles = int(np.maximum(result.step_end, 0).max(axis=1).sum()) if result.step_end.size else 0
    if cycles and result.verdict.status == "ok" and int((c.port_flits * fabric.interval).max()) > cycles:
        yield f"a port was busy for more than the {cycles} cycles of the run"


def _ends(result: Result, fabric: Fabric, has_trees: bool) -> Iterator[str]:
    """Flits that enter and leave the network, against the packets of cores and host.

    With multicast trees one flit enters for several packets that arrive.
    """
    c, flits = result.counters, fabric.chip.packet.flits
    events = c.sample_events.sum(axis=0)
    to_host = int(c.port_flits[fabric.target == TO_HOST].sum())
    from_host = int(events[EVENT_INDEX["flit_host"]]) - to_host
    by_host = (c.packets_sent - int(events[EVENT_INDEX["packet_sent"]])) * flits
    is_wrong = from_host > by_host if has_trees else from_host != by_host
    if result.verdict.status == "ok" and is_wrong:
        yield f"the host sent {from_host} flits, but its packets have {by_host}"
    left = to_host + int(events[EVENT_INDEX["flit_hop_local"]])
    if result.verdict.status == "ok" and left != c.packets_arrived * flits:
        yield f"{left} flits left the network, but {c.packets_arrived} packets of {flits} flits arrived"
