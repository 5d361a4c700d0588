"""Annealing of a division of a hypergraph, in Numba: one node at a time goes where it is wanted most.

Reads the flat arrays of :class:`mapper.partition.hypergraph.Hypergraph`; changes ``part`` in place.  Per
net it keeps the short list of parts that hold any of it: how many targets (``count``) and how many axons
of sources (``sent``).  The cost (km1) of net ``e`` is the sum, over the parts with a target of it, of
``axons[e] - sent``: so the worth of every part for a node is read off the lists of its own nets.
"""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
from numba import njit

from neurosim.jit import use_cache

use_cache(Path(__file__).parent)

_13, _7, _17, _11 = np.uint64(13), np.uint64(7), np.uint64(17), np.uint64(11)
_UNIT = 1.0 / (1 << 53)
TINY = 1e-300
OFFERS = 2  # parts drawn at random that are looked at besides those which the nets name


def _plain_uniform(state: Any) -> Any:
    """A double in [0, 1) by xorshift64 (Marsaglia, Journal of Statistical Software 8(14), 2003)."""
    x = state[0]
    x ^= x << _13
    x ^= x >> _7
    x ^= x << _17
    state[0] = x
    return float(x >> _11) * _UNIT


_uniform = njit(cache=True)(_plain_uniform)


def _plain_incident(n: int, pointer: Any, pins: Any) -> Any:
    """Per node the nets that name it: (pointer, net, entry)."""
    first = np.zeros(n + 1, np.int64)
    for q in range(len(pins)):
        first[pins[q] + 1] += 1
    for v in range(n):
        first[v + 1] += first[v]
    fill = first[:n].copy()
    net, entry = np.empty(len(pins), np.int64), np.empty(len(pins), np.int64)
    for e in range(len(pointer) - 1):
        for q in range(pointer[e], pointer[e + 1]):
            at = fill[pins[q]]
            net[at], entry[at] = e, q
            fill[pins[q]] = at + 1
    return first, net, entry


incident = njit(cache=True)(_plain_incident)


def _plain_shift(e: int, b: int, targets: int, axons: int, lists: Any) -> None:
    """Net ``e`` gets more (or fewer) targets and source axons in part ``b``."""
    start, length, part, count, sent = lists
    low = start[e]
    i = low
    end = low + length[e]
    while i < end and part[i] != b:
        i += 1
    if i == end:
        part[i], count[i], sent[i] = b, 0, 0
        length[e] += 1
    count[i] += targets
    sent[i] += axons
    if count[i] == 0 and sent[i] == 0:
        last = low + length[e] - 1
        part[i], count[i], sent[i] = part[last], count[last], sent[last]
        length[e] -= 1


_shift = njit(cache=True)(_plain_shift)


def _plain_lists(graph: Any, part: Any, k: int) -> Any:
    _, target_pointer, target, source_pointer, source, source_weight, _ = graph
    n_nets = len(target_pointer) - 1
    start = np.zeros(n_nets + 1, np.int64)
    for e in range(n_nets):
        pins = target_pointer[e + 1] - target_pointer[e] + source_pointer[e + 1] - source_pointer[e]
        start[e + 1] = start[e] + min(k, pins) + 1  # one spare: a part comes before another goes
    lists = (
        start, np.zeros(n_nets, np.int32), np.empty(start[n_nets], np.int32),
        np.empty(start[n_nets], np.int32), np.empty(start[n_nets], np.int32),
    )  # fmt: skip
    for e in range(n_nets):
        for q in range(target_pointer[e], target_pointer[e + 1]):
            _shift(e, part[target[q]], 1, 0, lists)
        for q in range(source_pointer[e], source_pointer[e + 1]):
            _shift(e, part[source[q]], 0, source_weight[q], lists)
    return lists


_lists = njit(cache=True)(_plain_lists)


def _plain_move(v: int, old: int, new: int, nets: Any, graph: Any, lists: Any) -> None:
    first_in, net_in, first_out, net_out, entry_out = nets
    source_weight = graph[5]
    for q in range(first_in[v], first_in[v + 1]):
        _shift(net_in[q], old, -1, 0, lists)
        _shift(net_in[q], new, 1, 0, lists)
    for q in range(first_out[v], first_out[v + 1]):
        weight = source_weight[entry_out[q]]
        _shift(net_out[q], old, 0, -weight, lists)
        _shift(net_out[q], new, 0, weight, lists)


_move = njit(cache=True)(_plain_move)


def _plain_look(
    v: int, home: int, tick: int, nets: Any, graph: Any, lists: Any, scratch: Any
) -> Any:
    """Fills the worth and the axons at hand of every part that the nets of ``v`` name.

    Returns (how many parts, axons that ``v`` hears).
    """
    first_in, net_in, first_out, net_out, entry_out = nets
    start, length, part, count, sent = lists
    seen, worth, hears, named = scratch
    source_weight, axons = graph[5], graph[6]
    seen[home], worth[home], hears[home], named[0] = tick, 0, 0, home
    n, all_axons = 1, 0
    for q in range(first_in[v], first_in[v + 1]):
        e = net_in[q]
        weight = axons[e]
        all_axons += weight
        for i in range(start[e], start[e] + length[e]):
            b = part[i]
            if seen[b] != tick:
                seen[b], worth[b], hears[b], named[n] = tick, 0, 0, b
                n += 1
            others = count[i] - 1 if b == home else count[i]
            if others > 0:
                worth[b] += weight
                hears[b] += weight
            else:
                worth[b] += sent[i]
    for q in range(first_out[v], first_out[v + 1]):
        e = net_out[q]
        for i in range(start[e], start[e] + length[e]):
            if count[i] > 0:
                b = part[i]
                if seen[b] != tick:
                    seen[b], worth[b], hears[b], named[n] = tick, 0, 0, b
                    n += 1
                worth[b] += source_weight[entry_out[q]]
    return n, all_axons


_look = njit(cache=True)(_plain_look)


def _plain_over(value: int, limit: int) -> int:
    return value - limit if value > limit else 0


_over = njit(cache=True)(_plain_over)


def _plain_wish(
    v: int, home: int, n: int, all_axons: int, heat: float, fines: Any, limits: Any, use: Any, graph: Any,
    scratch: Any, random: Any,
) -> int:
    """The part that ``v`` likes best: worth, less fines for what it would overfill, plus noise."""
    _, worth, hears, named = scratch
    load, heard = use
    size = graph[0][v]
    best, best_value = home, -np.inf
    for i in range(n):
        b = named[i]
        new = all_axons - hears[b]  # axons that v brings to b
        if b == home:
            neurons, after = load[b], heard[b]
        else:
            neurons, after = load[b] + size, heard[b] + new
            if neurons > limits[2]:
                continue
        value = float(worth[b]) - fines[0] * min(_over(neurons, limits[0]), size)
        value -= fines[1] * (_over(after, limits[1]) - _over(after - new, limits[1]))
        if heat > 0.0:
            value += heat * size * -math.log(-math.log(_uniform(random) + TINY) + TINY)
        if value > best_value or (value == best_value and b == home):
            best, best_value = b, value
    return best


_wish = njit(cache=True)(_plain_wish)


def _plain_anneal(
    graph: Any, part: Any, k: int, limits: Any, passes: int, heats: Any, neuron_fines: Any,
    axon_fines: Any, seed: int,
) -> int:
    """Anneal ``part`` (k parts); returns its km1.

    ``graph``: the six arrays of a Hypergraph and its ``axons``.  ``limits``: neurons and axons of a part
    beyond which a fine is due per unit, and neurons that are never exceeded.  ``heats``, ``neuron_fines``
    and ``axon_fines``: first and last value, in axons per neuron, per neuron and per axon; the last pass is
    without heat.
    """
    neurons, target_pointer, target, source_pointer, source, _, axons = graph
    n = len(neurons)
    lists = _lists(graph, part, k)
    first_in, net_in, _ = incident(n, target_pointer, target)
    first_out, net_out, entry_out = incident(n, source_pointer, source)
    nets = (first_in, net_in, first_out, net_out, entry_out)
    load, heard = np.zeros(k, np.int64), np.zeros(k, np.int64)
    for v in range(n):
        load[part[v]] += neurons[v]
    start, length, held, count, sent = lists
    for e in range(len(axons)):
        for i in range(start[e], start[e] + length[e]):
            if count[i] > 0:
                heard[held[i]] += axons[e]
    scratch = (
        np.full(k, -1, np.int64), np.zeros(k, np.int64), np.zeros(k, np.int64), np.empty(k, np.int64)
    )
    random = np.empty(1, np.uint64)
    random[0] = np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed) * np.uint64(0xBF58476D1CE4E5B9)
    order: Any = np.arange(n)
    tick = 0
    fines = np.empty(2)
    for step in range(passes):
        along = step / max(1, passes - 1)
        heat = heats[0] * (heats[1] / heats[0]) ** along if step < passes - 1 else 0.0
        fines[0] = neuron_fines[0] * (neuron_fines[1] / neuron_fines[0]) ** along
        fines[1] = axon_fines[0] * (axon_fines[1] / axon_fines[0]) ** along
        for i in range(n - 1, 0, -1):
            j = int(_uniform(random) * (i + 1))
            order[i], order[j] = order[j], order[i]
        for at in range(n):
            v = order[at]
            home, tick = part[v], tick + 1
            found, all_axons = _look(v, home, tick, nets, graph, lists, scratch)
            for _ in range(OFFERS):
                b = int(_uniform(random) * k)
                if scratch[0][b] != tick and load[b] + neurons[v] <= limits[0]:
                    scratch[0][b], scratch[1][b], scratch[2][b], scratch[3][found] = tick, 0, 0, b
                    found += 1
            if found == 1:
                continue
            use = (load, heard)
            best = _wish(v, home, found, all_axons, heat, fines, limits, use, graph, scratch, random)
            if best != home:
                heard[home] -= all_axons - scratch[2][home]
                heard[best] += all_axons - scratch[2][best]
                load[home] -= neurons[v]
                load[best] += neurons[v]
                _move(v, home, best, nets, graph, lists)
                part[v] = best
    cost = 0
    for e in range(len(axons)):
        for i in range(start[e], start[e] + length[e]):
            if count[i] > 0:
                cost += axons[e] - sent[i]
    return cost


anneal = njit(cache=True)(_plain_anneal)
