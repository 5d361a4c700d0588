"""Partition of layered convolutional nets: km1 on cores of 1,024 neurons and 4,096 axons.

Reads ``workloads.conv_nets``; the reference is Mt-KaHyPar 1.7 with its default preset, measured on the same
nets without an axon limit (it knows none).
"""

from __future__ import annotations

import importlib.util
import resource
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from mapper.bench import Case, Row

if TYPE_CHECKING:
    from mapper.partition.annealed import Division

NEURONS, AXONS = 1024, 4096
LIBRARY = "mtkahypar"
REFERENCE = "Mt-KaHyPar 1.7, default preset (measured)"
KM1 = {"10k": 7_280.0, "100k": 151_046.0, "1M": 1_740_971.0}
FLOORS = {"10k": (9_500.0, 2.0), "100k": (165_000.0, 5.0), "1M": (1.85e6, 30.0)}
"""km1 and seconds without any extra library."""
EXTRA_FLOORS = {"10k": 7_000.0, "100k": 149_000.0, "1M": 1.74e6}
"""km1 with the extra ``partition``."""


def suite() -> list[Case]:
    """The nets, small ones first; with Mt-KaHyPar too, where it is installed."""
    cases = [Case(name, partial(_measure, name)) for name in KM1]
    if importlib.util.find_spec(LIBRARY) is not None:
        cases += [Case(f"{LIBRARY} {name}", partial(_measure_extra, name)) for name in KM1]
    return cases


def _measure_extra(name: str, seed: int, effort: float) -> Row:
    """The same net by Mt-KaHyPar's deterministic preset and annealing within the limits."""
    from mapper.partition.multilevel import PRESET, divide_multilevel

    row = _measure(name, seed, effort, divide_multilevel, f"{PRESET}, then annealing")
    return replace(row, case=f"{LIBRARY} {name}", floor=EXTRA_FLOORS[name], floor_s=None)


def _measure(
    name: str, seed: int, effort: float, how: Callable[..., Division] | None = None,
    what: str = "annealing on two grains",
) -> Row:  # fmt: skip
    from mapper.partition.annealed import Limits, divide, in_order
    from mapper.partition.hypergraph import figures, from_nets, rows
    from workloads.conv_nets import group_net

    net = group_net(name)
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    start = figures(graph, in_order(graph, NEURONS), NEURONS, AXONS).km1
    divide(from_nets(*_SMALLEST), Limits(2), effort=0.01)  # compile the kernels first
    wall, cpu = time.perf_counter(), time.process_time()
    found = (how or divide)(graph, Limits(NEURONS, AXONS), seed=seed, effort=effort)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    heard = np.bincount(rows(graph.target_pointer), graph.neurons[graph.target], graph.n_nets)
    bound = float((graph.axons * (np.maximum(1, -(-heard // NEURONS)) - 1)).sum())
    over = (found.figures.over_axons or 0) - found.unavoidable
    method = f"{what}, {found.figures.parts} cores, {max(0, over)} over a limit"
    if found.unavoidable:  # the fan-in has to be split before, which is not the division's business
        method += f", {found.unavoidable} of atoms that alone hear too much"
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    km1 = float(found.figures.km1)
    return Row(
        name, int(net.neurons.sum()), KM1[name], REFERENCE, float(start), km1, km1, 1, bound, km1 / KM1[name],
        wall, cpu, 0.0, peak, seed, method, FLOORS[name][0], None, FLOORS[name][1],
    )  # fmt: skip


_SMALLEST = (np.ones(3, np.int64), np.array([0, 2, 4]), np.array([0, 1, 1, 2]), np.ones(2, np.int64))
