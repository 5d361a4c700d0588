"""How long a time step takes, from its loads: the estimate that stands in for cycles.

With ``L`` the neuron loop's cycles of a core and ``U`` those of its updates alone, ``f`` the share of the
updates up to the first spike, ``P`` the cycles of its synapse pipeline, ``z`` a path's zero-load latency,
``c`` the mean pipeline cycles of a packet, ``W`` the flits over a link but for one packet's, times its cycles
per flit, and ``t`` the chip's ``target_cycles``, which pass after a packet was sent::

    begin(s) = f U(s) + spike_cycles                                       first packet of core s
    arrive(d) = min over s that send to d of  begin(s) + z(s, d)           first packet at core d
    receive(d) = max(arrive(d), L(d) if the core does not receive during its update) + P(d)
    send(s) = L(s) - t + max over d that s sends to of  z(s, d) + c(d)     last packet of core s
    link(l) = first arrival of the step + W(l)
    step = max over all cores and links of L, receive, send, link

The host begins at once, and its list takes its ``cycles_per_flit`` for every flit.

A core with one memory port needs it for updates and packets, so there ``P(d)`` counts the updates' cycles
that are left when the first packet comes.  What the equation leaves out is waiting behind others in
full buffers, and the loops that stall on it: it is meant for sweeps, and says too little under congestion.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.timing import barrier_length
from neurosim.engines.estimate.counts import SampleLoad
from neurosim.engines.estimate.tables import FloatArray, Tables

IntArray = NDArray[np.int64]
NEVER = np.inf


def step_lengths(tables: Tables, load: SampleLoad, port_packets: FloatArray) -> IntArray:
    """(T,) estimated cycles of every hardware step; ``port_packets`` (T, ports)."""
    chip, zero_load = tables.fabric.chip, tables.paths.zero_load
    flits = chip.packet.flits
    sends = load.packets > 0
    loop, begin = load.loop.copy(), load.first * load.updates + chip.core.spike_cycles
    after = np.full(tables.n_endpoints, chip.core.target_cycles)
    if chip.host is not None:
        packet = flits * chip.host.cycles_per_flit
        loop[:, -1], begin[:, -1], after[-1] = load.sent[:, -1] * packet, 0, packet
    arrive = np.where(sends, begin[:, :, None] + zero_load, NEVER).min(axis=1)
    start = arrive if chip.core.receive_during_update else np.maximum(arrive, loop)
    work = load.pipeline.copy()
    if chip.core.memory_ports == 1:
        left = np.maximum(load.updates - np.where(np.isfinite(arrive), arrive, 0), 0)
        work += np.where(work > 0, left, 0)
    receive = np.where(np.isfinite(start), start + work, 0)
    received = load.packets.sum(axis=1)
    mean = load.pipeline / np.maximum(received, 1)
    last = np.where(sends, zero_load + mean[:, None, :], 0).max(axis=2, initial=0)
    send = np.where(sends.any(axis=2), loop - after + last, 0)
    first = np.where(np.isfinite(arrive), arrive, NEVER).min(axis=1)
    more = np.maximum(port_packets - 1, 0)
    busy = (more * flits * tables.fabric.interval.reshape(-1)).max(axis=1, initial=0)
    link = np.where(np.isfinite(first), first + busy, 0)
    loops = loop[:, :-1].max(axis=1, initial=0)
    length = np.maximum.reduce([loops, receive.max(axis=1), send.max(axis=1), link])
    return np.asarray(np.rint(length), np.int64)


def step_times(tables: Tables, lengths: IntArray) -> tuple[IntArray, IntArray]:
    """(T,) cycles in which each step starts and ends, from the sample's start."""
    chip = tables.fabric.chip
    if chip.sync.mode == "tick":
        start = 1 + np.arange(len(lengths), dtype=np.int64) * int(chip.sync.tick_period_cycles or 0)
        end = start + lengths
        end[:-1] = np.minimum(end[:-1], start[1:])
        return start, end
    gaps = lengths[:-1] + barrier_length(chip)
    start = 1 + np.concatenate([np.zeros(1, np.int64), np.cumsum(gaps)])
    return start, start + lengths
