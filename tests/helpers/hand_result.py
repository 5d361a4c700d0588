"""A tiny Result written down by hand, on a 2x1 mesh: every figure of it can be checked on paper."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np

from neurosim.artefacts.result import Counters, PacketLog, Result, Spikes, Verdict
from neurosim.rules.events import EVENT_INDEX, EVENT_NAMES

N_CORES, N_PORTS = 2, 5


def events(**counts: int) -> np.ndarray:
    """One row of event counts."""
    row = np.zeros(len(EVENT_NAMES), np.int64)
    for name, n in counts.items():
        row[EVENT_INDEX[name]] = n
    return row


def hand_counters(**changes: Any) -> Counters:
    """Core 0 sends 3 packets east to core 1: 2 in the first sample, 1 in the second."""
    core0 = events(packet_sent=3, spike_generated=3, neuron_update_active=3, neuron_update_idle=5)
    core1 = events(packet_decoded=3, synapse_word_read=6, synaptic_operation=12, neuron_update_idle=4)
    router0, router1 = events(flit_hop_east_west=3), events(flit_hop_local=3)
    first = events(
        packet_sent=2, spike_generated=2, neuron_update_active=2, neuron_update_idle=5, packet_decoded=2,
        synapse_word_read=4, synaptic_operation=8, flit_hop_east_west=2, flit_hop_local=2, barrier=2,
    )  # fmt: skip
    second = core0 + core1 + router0 + router1 + events(barrier=4) - first
    flits = np.zeros((2, N_PORTS), np.int64)
    flits[0, 0], flits[1, 4] = 3, 3
    blocked = np.zeros((2, N_PORTS), np.int64)
    blocked[0, 0] = 7
    peak = np.zeros((2, N_PORTS), np.int64)
    peak[0, 4], peak[1, 2] = 2, 1
    counters = Counters(
        sample_events=np.stack([first, second]),
        core_events=np.stack([core0, core1]),
        router_events=np.stack([router0, router1]),
        port_flits=flits,
        port_blocked_cycles=blocked,
        queue_peak_flits=peak,
        loop_stall_cycles=np.array([4, 0], np.int64),
        core_busy_cycles=np.array([[0, 40], [30, 10]], np.int64),
        packets_sent=3,
        packets_arrived=3,
        packets_dropped=0,
        packets_in_flight=0,
        late_packets=0,
        membrane_overflows=0,
        accumulator_overflows=0,
    )
    return dataclasses.replace(counters, **changes)


def hand_result(**changes: Any) -> Result:
    """Two samples of two steps, 60 and 40 cycles long."""
    counters = changes.pop("counters", None) or hand_counters()
    one = np.array([0, 0, 1], np.int32)
    histogram = np.zeros(13, np.int64)
    histogram[8], histogram[12] = 2, 1
    result = Result(
        engine="hand",
        program_digest="",
        chip_digest="",
        network_digest="",
        input_digest="",
        seed=3,
        n_samples=2,
        n_steps=2,
        labels=np.array([1, -1], np.int64),
        output_counts=np.array([[0, 2], [1, 0]], np.int64),
        latency_cycles=np.array([60, 40], np.int64),
        step_start=np.array([[1, 35], [1, 25]], np.int64),
        step_end=np.array([[25, 60], [15, 40]], np.int64),
        spikes=(Spikes("a", one, np.array([0, 1, 0], np.int32), one * 0, one * 0 + 1),),
        counters=counters,
        latency_histogram=histogram,
        missed=np.zeros((0, 3), np.int64),
        packets=None,
        verdict=Verdict("ok", "every step of every sample ended"),
    )
    return dataclasses.replace(result, **changes)


def unmeasured_result() -> Result:
    """What an engine gives that only computes spikes."""
    none = np.zeros(0, np.int64)
    names = (
        "sample_events", "core_events", "router_events", "port_flits", "port_blocked_cycles",
        "queue_peak_flits", "core_busy_cycles",
    )  # fmt: skip
    arrays = dict.fromkeys(names, none)
    counters = hand_counters(
        **arrays, loop_stall_cycles=none, packets_sent=0, packets_arrived=0
    )
    return hand_result(
        counters=counters, latency_cycles=none, step_start=none, step_end=none, latency_histogram=none
    )


def packet_log() -> PacketLog:
    """The log of the three packets."""
    column = np.array
    return PacketLog(
        sample=column([0, 0, 1], np.int32), step=column([0, 1, 0], np.int32),
        source=column([0, 0, 0], np.int32), target=column([1, 1, 1], np.int32),
        axon=column([0, 0, 0], np.int32), inject_cycle=column([3, 37, 4], np.int64),
        arrive_cycle=column([11, 49, 12], np.int64),
    )  # fmt: skip
