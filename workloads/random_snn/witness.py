"""The witness: these networks run in plain NumPy, sharing no code with the simulator, and their totals.

Per step t = 1..T and neuron, with leak 1 in layer 0 and 0.5 elsewhere, ``v`` starting at the phase in layer 0
and at 0 elsewhere, bias 1 in layer 0 only, and ``I(0) = 0``::

    v = trunc(64 leak v) / 64 + bias + I(t - 1);   fire if v > threshold, then v = 0
    I(t)[target] += weight  for each neuron that fired in t
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LEAK = 0.5
GRID = 64.0


@dataclass(frozen=True)
class Totals:
    """Sums over all steps; a packet goes from a fired neuron to each core that holds a target of it."""

    fired: int
    packets: int
    synaptic_events: int


def paced_spikes(phase: NDArray[np.int64], period: int, steps: int) -> NDArray[np.bool_]:
    """(steps, n) spikes of layer 0."""
    return np.array([(phase + t) % period == 0 for t in range(1, steps + 1)])


def current_of(
    spikes: NDArray[np.bool_], target: NDArray[np.int32], weight: NDArray[np.int8], n: int
) -> NDArray[np.float64]:
    """(steps, n) currents that ``spikes`` (steps, n_source) send out, in the step of sending."""
    current = np.zeros((len(spikes), n))
    for step, fired in enumerate(spikes):
        index = np.flatnonzero(fired)
        current[step] = np.bincount(target[index].ravel(), weights=weight[index].ravel(), minlength=n)
    return current


def run_layer(threshold: float, current: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(steps, n) spikes of a driven layer for the currents sent to it, each used one step later."""
    v = np.zeros(current.shape[1])
    spikes = np.zeros(current.shape, np.bool_)
    for step in range(len(current)):
        v = np.trunc(v * (LEAK * GRID)) / GRID
        if step:
            v = v + current[step - 1]
        spikes[step] = v > threshold
        v[spikes[step]] = 0.0
    return spikes


def spikes_of(net: dict[str, NDArray[np.generic]]) -> list[NDArray[np.bool_]]:
    """(steps, n) spikes of every layer."""
    spikes = [paced_spikes(net["phase"].astype(np.int64), int(net["period"]), int(net["steps"]))]
    for layer, target in enumerate(net["target"]):
        current = current_of(spikes[-1], target, net["weight"][layer], int(net["n"]))
        spikes.append(run_layer(float(net["threshold"][layer + 1]), current))
    return spikes


def totals(net: dict[str, NDArray[np.generic]]) -> Totals:
    """What every simulator must count."""
    n, packets, events = int(net["n"]), 0, 0
    spikes = spikes_of(net)
    for layer, target in enumerate(net["target"]):
        cores = np.sort(net["core"][(layer + 1) * n + target], axis=1)
        distinct = 1 + (cores[:, 1:] != cores[:, :-1]).sum(axis=1)
        packets += int((spikes[layer].sum(axis=0) * distinct).sum())
        events += int(spikes[layer].sum()) * int(net["fanout"])
    return Totals(sum(int(s.sum()) for s in spikes), packets, events)
