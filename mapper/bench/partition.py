"""Partition of layered convolutional nets: km1 on cores of 1,024 neurons and 4,096 axons.

Reads ``workloads.conv_nets``; the reference is Mt-KaHyPar 1.7 with its default preset, measured on the same
nets without an axon limit (it knows none).
"""

from __future__ import annotations

import resource
import sys
import time
from functools import partial

import numpy as np

from mapper.bench import Case, Row

NEURONS, AXONS = 1024, 4096
REFERENCE = "Mt-KaHyPar 1.7, default preset (measured)"
KM1 = {"10k": 7_280.0, "100k": 151_046.0, "1M": 1_740_971.0}


def suite() -> list[Case]:
    """The nets, small ones first."""
    return [Case(name, partial(_measure, name)) for name in KM1]


def _measure(name: str, seed: int, effort: float) -> Row:
    from mapper.partition.annealed import Limits, divide, in_order
    from mapper.partition.hypergraph import figures, from_nets, rows
    from workloads.conv_nets import group_net

    net = group_net(name)
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    start = figures(graph, in_order(graph, NEURONS), NEURONS, AXONS).km1
    divide(from_nets(*_SMALLEST), Limits(2), effort=0.01)  # compile the kernels first
    wall, cpu = time.perf_counter(), time.process_time()
    found = divide(graph, Limits(NEURONS, AXONS), seed=seed, effort=effort)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    heard = np.bincount(rows(graph.target_pointer), graph.neurons[graph.target], graph.n_nets)
    bound = float((graph.axons * (np.maximum(1, -(-heard // NEURONS)) - 1)).sum())
    over = (found.figures.over_axons or 0) - found.unavoidable
    method = f"annealing on two grains, {found.figures.parts} cores, {max(0, over)} over a limit"
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    km1 = float(found.figures.km1)
    return Row(
        name, int(net.neurons.sum()), KM1[name], REFERENCE, float(start), km1, km1, 1, bound, km1 / KM1[name],
        wall, cpu, 0.0, peak, seed, method,
    )  # fmt: skip


_SMALLEST = (np.ones(3, np.int64), np.array([0, 2, 4]), np.array([0, 1, 1, 2]), np.ones(2, np.int64))
