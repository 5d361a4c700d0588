"""Loads of one sample, step by step, from its spikes: cycles of every core, packets between them.

Reads the tables of a program and what the functional engine saw; writes :class:`SampleLoad`.  All sums are
of integers and exact, whatever the mapping.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from neurosim.engines.estimate.tables import FloatArray, Tables, update_costs
from neurosim.engines.functional import Seen
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class SampleLoad:
    """One sample; hardware steps ``T``, endpoints ``e`` (used cores, the host last).

    ``packets`` (T, e, e) that arrive of those sent in a step from one to another; ``ways`` (T, w) those that
    are sent, by the ways of all senders (see :class:`~neurosim.engines.estimate.tables.Paths`), and ``sent``
    (T, e) by sender; ``pipeline`` (T, e) cycles of the synapse pipelines that they cost; ``updates`` (T, e)
    cycles of neuron updates; ``loop`` (T, e) cycles of the neuron loop, updates included; ``first`` (T, e)
    the update in which the first spike of the step falls, as a share of the loop's updates (1 if none).
    ``events`` (e, E) are those of the cores.
    """

    packets: FloatArray
    ways: FloatArray
    sent: FloatArray
    pipeline: FloatArray
    updates: FloatArray
    loop: FloatArray
    first: FloatArray
    events: IntArray


def sample_load(tables: Tables, seen: Seen, sample: int, host: NDArray[np.uint8]) -> SampleLoad:
    """The load of sample ``sample`` of the batch ``seen``; the host sends ``host`` (steps, inputs)."""
    n_steps, e = host.shape[0], tables.n_endpoints
    total = n_steps + tables.program.depth
    load = SampleLoad(
        np.zeros((total, e, e)), np.zeros((total, tables.n_ways)), np.zeros((total, e)), np.zeros((total, e)),
        np.zeros((total, e)), np.zeros((total, e)),
        np.ones((total, e)), np.zeros((e, len(EVENT_NAMES)), np.int64),
    )  # fmt: skip
    for k, core in enumerate(tables.program.cores):
        spikes = np.zeros((total, core.n_neurons))
        awake = np.zeros(total, np.int64)
        for group, (active_cycles, idle_cycles) in zip(
            core.groups, update_costs(core, tables.fabric), strict=True
        ):
            window = slice(group.start_step, group.start_step + n_steps)
            span = slice(group.first, group.first + group.n)
            spikes[window, span] = seen.counts[group.population][sample][:, group.neurons]
            active = seen.active[group.population][sample][:, group.neurons].sum(axis=1)
            load.updates[window, k] += active * active_cycles + (group.n - active) * idle_cycles
            load.events[k, EVENT_INDEX["neuron_update_active"]] += active.sum()
            load.events[k, EVENT_INDEX["neuron_update_idle"]] += group.n * n_steps - active.sum()
            awake[window] += group.n
        _send(tables, load, k, spikes)
        load.events[k, EVENT_INDEX["spike_generated"]] += int(spikes.sum())
        _loop(tables, load, k, spikes, awake)
    sent = np.zeros((total, host.shape[1]))
    sent[:n_steps] = host
    _send(tables, load, e - 1, sent)
    return load


def _send(tables: Tables, load: SampleLoad, sender: int, spikes: FloatArray) -> None:
    """Add what ``spikes`` (T, neurons) of one sender bring to everybody."""
    table = tables.senders[sender]
    step, neuron = np.divmod(np.flatnonzero(spikes != 0), max(1, spikes.shape[1]))
    value = spikes[step, neuron]
    load.packets[:, sender] = _by_step(table.packets, step, neuron, value, len(spikes))
    ways = load.packets[:, sender]
    if len(table.trees):
        ways = _by_step(table.ways, step, neuron, value, len(spikes))
    load.ways[:, tables.ways_of[sender]] = ways
    load.sent[:, sender] = ways.sum(axis=1)
    load.pipeline[:] += _by_step(table.cycles, step, neuron, value, len(spikes))
    times = spikes.sum(axis=0)
    e = load.events
    for name, costs in (
        ("packet_decoded", table.packets), ("synapse_word_read", table.words),
        ("synaptic_operation", table.operations),
    ):  # fmt: skip
        e[:-1, EVENT_INDEX[name]] += _whole(np.einsum("n,ne->e", times, costs))[:-1]
    if sender < tables.n_endpoints - 1:
        e[sender, EVENT_INDEX["packet_sent"]] += int(load.sent[:, sender].sum())


def _by_step(
    table: FloatArray, step: IntArray, neuron: IntArray, value: FloatArray, n_steps: int
) -> FloatArray:
    """(T, e) sums of ``value * table[neuron]`` by step; a matrix product would start threads for it."""
    out = np.zeros((n_steps, table.shape[1]))
    if not len(step):
        return out
    rows = table[neuron]
    if not (value == 1).all():
        rows = rows * value[:, None]
    present, first = np.unique(step, return_index=True)
    out[present] = np.add.reduceat(rows, first, axis=0)
    return out


def _loop(tables: Tables, load: SampleLoad, k: int, spikes: FloatArray, awake: IntArray) -> None:
    core = tables.fabric.chip.core
    is_fired = spikes > 0
    fired = is_fired.sum(axis=1)
    load.loop[:, k] = load.updates[:, k] + fired * core.spike_cycles + load.sent[:, k] * core.target_cycles
    sends = is_fired & (tables.senders[k].packets.sum(axis=1) > 0)
    some = sends.any(axis=1)
    load.first[some, k] = np.minimum(1.0, (sends[some].argmax(axis=1) + 1) / np.maximum(awake[some], 1))


def _whole(values: FloatArray) -> IntArray:
    return np.asarray(np.rint(values), np.int64)
