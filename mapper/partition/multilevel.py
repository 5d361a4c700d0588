"""Division of hypergraphs by Mt-KaHyPar (an optional library), then annealed within the limits of a core.

Reads a :class:`~mapper.partition.hypergraph.Hypergraph`; writes the part of every atom.  The library has one
weight per node and no limit on axons, and its deterministic presets are not moved by its seed: so the nodes
are renumbered at random (by our seed) for each run, the result is annealed on two grains with all limits,
and the best division within them is kept.  One thread: equal seeds give equal bytes.
"""

from __future__ import annotations

import importlib
import importlib.util
from functools import cache
from typing import Any

import numpy as np

from mapper.options import Progress
from mapper.partition.annealed import Division, Limits, anneal_from, as_division, parts_at_least
from mapper.partition.hypergraph import Hypergraph, IntArray, rows
from neurosim.errors import DoesNotFitError, InputError

LIBRARY = "mtkahypar"
PRESET = "DETERMINISTIC_QUALITY"
RUNS_OF = 12_000  # a graph of so many nodes is divided once, smaller ones more often
RUNS = 5  # at most, at effort 1
MORE_PARTS = (0.05, 0.1, 0.25)
"""More parts than the neurons need, until all limits are met: with 5 % it cuts 5 % less than with none."""
HEATS = ((0.5, 0.05), (0.3, 0.05))
"""Of the annealings that follow, in axons per neuron.

At a million neurons 16 parts of 1,164 are above the axon limit after the library (km1 1.739 M).  Measured:
cutting them in two 1.778 M, atom by atom annealing after that 1.773 M; annealing on two grains meets the
limit by itself and comes to 1.66 M.
"""


def require_library() -> None:
    """Nothing, if the library is there.

    Raises:
        InputError: it is not installed.
    """
    if importlib.util.find_spec(LIBRARY) is None:
        raise InputError(
            f"the partitioner '{LIBRARY}' needs the library Mt-KaHyPar, which is not installed",
            code="map-extra", where="MapOptions.partitioner",
            hint='pip install "neurosim-cycle[partition]", or use partitioner \'hypergraph\'',
        )  # fmt: skip


@cache
def _library() -> tuple[Any, Any]:
    """(module, initialised library): it can be initialised once a process only."""
    module = importlib.import_module(LIBRARY)
    return module, module.initialize(1)


def divide_multilevel(
    graph: Hypergraph, limits: Limits, *, seed: int = 0, effort: float = 1.0, progress: Progress | None = None
) -> Division:
    """Divide ``graph``.

    Raises:
        InputError: the library is not installed.
        DoesNotFitError: an atom is larger than a core, or no division within the limits was found.
    """
    require_library()
    least = parts_at_least(graph, limits)
    runs = max(1, round(effort * float(np.clip(RUNS_OF / max(1, graph.n_nodes), 1, RUNS))))
    last: Division | None = None
    for more in MORE_PARTS:
        k = max(least, int(np.ceil(graph.neurons.sum() * (1 + more) / limits.neurons)))
        found = [_one(graph, k, limits, effort, seed * RUNS + run, run, progress) for run in range(runs)]
        last = min((d for divisions in found for d in divisions), key=_rank)
        if not _rank(last)[0]:
            return last
    assert last is not None
    raise DoesNotFitError(
        f"no division of {graph.n_nodes} atoms was found that keeps within the limits of a core",
        code="map-division",
        expected=f"at most {limits.neurons} neurons and {limits.axons} axons per core",
        got=f"{_rank(last)[0]} cores over a limit",
        hint="make the atoms smaller, or split the fan-in of the widest layer",
    )


def _rank(division: Division) -> tuple[int, int]:
    over = (division.figures.over_axons or 0) - division.unavoidable
    return division.figures.over_neurons + max(0, over), division.figures.km1


def _one(
    graph: Hypergraph, k: int, limits: Limits, effort: float, seed: int, run: int, progress: Progress | None
) -> list[Division]:
    """One division by the library, and what annealing makes of it; parts over the axon limit are cut."""
    if progress is not None:
        progress(f"dividing {graph.n_nodes} atoms into {k} parts with Mt-KaHyPar, run {run + 1}")
    start = _divided(graph, k, limits, seed, renumber=run > 0)
    tried = [anneal_from(graph, start, k, limits, effort, heats, seed, progress) for heats in HEATS]
    return [as_division(graph, split_overfull(graph, part, limits), limits) for part in (start, *tried)]


def split_overfull(graph: Hypergraph, part: IntArray, limits: Limits) -> IntArray:
    """``part`` with every part that hears too many axons cut in two, in the order of its atoms, and again.

    A part with an atom whose own fan-in is too much stays whole: no cut would help it.
    """
    if limits.axons is None:
        return part
    part, fan_in, axons = part.copy(), graph.fan_in(), graph.axons
    net = rows(graph.target_pointer)
    waiting = list(range(int(part.max(initial=-1)) + 1))
    while waiting:
        n = int(part.max(initial=-1)) + 1
        held = np.unique(net * n + part[graph.target])
        heard = np.bincount(held % n, axons[held // n], n)
        again = []
        for number in waiting:
            atoms = np.flatnonzero(part == number)
            if heard[number] <= limits.axons or len(atoms) < 2 or int(fan_in[atoms].max()) > limits.axons:
                continue
            load = np.cumsum(graph.neurons[atoms])
            first = 1 + int(np.searchsorted(load[:-1], load[-1] // 2))
            part[atoms[min(first, len(atoms) - 1) :]] = n
            again += [number, n]
            n += 1
        waiting = again
    return part


def _divided(graph: Hypergraph, k: int, limits: Limits, seed: int, *, renumber: bool) -> IntArray:
    n = graph.n_nodes
    if k < 2:
        return np.zeros(n, np.int64)
    rng = np.random.Generator(np.random.PCG64(seed))
    number = rng.permutation(n) if renumber else np.arange(n)
    module, library = _library()
    context = library.context_from_preset(getattr(module.PresetType, PRESET))
    even = -(-int(graph.neurons.sum()) // k)
    context.set_partitioning_parameters(k, max(0.0, limits.neurons / even - 1), module.Objective.KM1)
    context.logging = False
    module.set_seed(0)
    edges, weights = _hyperedges(graph, number)
    own = graph.neurons[np.argsort(number)].tolist()
    made = library.create_hypergraph(context, n, len(edges), edges, own, weights).partition(context)
    return np.asarray(made.get_partition(), np.int64)[number]


def _hyperedges(graph: Hypergraph, number: IntArray) -> tuple[list[list[int]], list[int]]:
    """One hyperedge per source: the source and all its targets, weighing its axons."""
    edges, weights = [], []
    for net in range(graph.n_nets):
        targets = number[graph.target[graph.target_pointer[net] : graph.target_pointer[net + 1]]].tolist()
        among = set(targets)
        for entry in range(graph.source_pointer[net], graph.source_pointer[net + 1]):
            own = int(number[graph.source[entry]])
            edges.append(targets if own in among else [own, *targets])
            weights.append(int(graph.source_weight[entry]))
    return edges, weights
