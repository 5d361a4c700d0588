"""Division of a hypergraph into cores with little traffic between them, by annealing on two grains.

Reads a :class:`~mapper.partition.hypergraph.Hypergraph` and the limits of a core; writes the part of every
atom.  Atoms that hear the same are moved together first (all channels of a place), then one by one.  It
starts from the layer order; what exceeds a limit is fined, in the end more than any traffic is worth.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from mapper.options import Progress
from mapper.partition.hypergraph import DivisionFigures, Hypergraph, IntArray, contract, figures, twins
from neurosim.errors import DoesNotFitError, InputError

SLACK = 0.025  # more neurons' worth of parts than there are neurons, so that nodes can move
MORE_PARTS = (0.0, 0.02, 0.05, 0.1, 0.25)  # where a limit is not met, so many parts more are tried
GRAIN = 4  # atoms that are moved together fill at most this fraction of a core
VISITS = 3_000_000  # nodes looked at on the coarse grain, at effort 1
PASSES = (200, 1000)  # of all runs, at least and at most
RUNS_OF = 4000  # a graph of so many coarse nodes is annealed once, smaller ones more often
RUNS = 5  # at most
FINE_PASSES = 12
BURST = 25  # passes between two progress reports
HEATS = (2.0, 0.1)  # axons per neuron (measured: 1.5 to 3 and 0.05 to 0.3 do as well)
FINE_HEATS = (0.1, 0.02)
NEURON_FINES = (5.0, 50.0)
AXON_FINES = (1.0, 10.0)
HARD = 2000.0
SEEDS_A_RUN = 1 << 20
OVERFILL = 1.35  # never fuller than this while annealing


@dataclass(frozen=True)
class Limits:
    """What a part may hold: neurons, and axons (None: any number)."""

    neurons: int
    axons: int | None = None


@dataclass(frozen=True)
class Division:
    """``part`` (nodes,) numbers 0, 1, ... of ``figures.parts`` parts, every one within the limits.

    ``unavoidable``: parts that exceed the axon limit because a single atom in them does (a fan-in that no
    division can help; it has to be split first).
    """

    part: IntArray
    figures: DivisionFigures
    unavoidable: int


def divide(
    graph: Hypergraph, limits: Limits, *, seed: int = 0, effort: float = 1.0, progress: Progress | None = None
) -> Division:
    """Divide ``graph``.

    Raises:
        InputError: the effort is not above 0.
        DoesNotFitError: an atom is larger than a core, or no division within the limits was found.
    """
    if not effort > 0:
        raise InputError(
            "the effort of the division must be above 0", code="map-option", where="effort", got=str(effort)
        )
    least = parts_at_least(graph, limits)
    label = twins(graph, _grain(graph, limits))
    coarse = contract(graph, label)
    for more in (*MORE_PARTS, None):
        if more is None:  # the last resort, which the neurons at least always fit
            part = in_order(graph, limits.neurons)
        else:
            k = max(least, int(np.ceil(graph.neurons.sum() * (1 + SLACK + more) / limits.neurons)))
            part = _anneal(graph, coarse, label, k, limits, seed, effort, progress)
        done = as_division(graph, part, limits)
        found = done.figures
        if not found.over_neurons and (found.over_axons or 0) <= done.unavoidable:
            return done
    over = f"{found.over_neurons} of {found.parts} cores with more neurons"
    raise DoesNotFitError(
        f"no division of {graph.n_nodes} atoms was found that keeps within the limits of a core",
        code="map-division",
        expected=f"at most {limits.neurons} neurons and {limits.axons} axons per core",
        got=f"{over}, {found.over_axons} with more axons",
        hint="make the atoms smaller, or split the fan-in of the widest layer",
    )


def as_division(graph: Hypergraph, part: IntArray, limits: Limits) -> Division:
    """A division of any quality with its figures."""
    done = _numbered(part)
    found = figures(graph, done, limits.neurons, limits.axons)
    return Division(done, found, _unavoidable(graph, done, limits))


def anneal_from(
    graph: Hypergraph, start: IntArray, k: int, limits: Limits, effort: float, heats: tuple[float, float],
    seed: int, progress: Progress | None = None,
) -> IntArray:  # fmt: skip
    """``start`` annealed on two grains from a low heat on; it may come out worse.

    First, atoms of one part that hear and send the same move together.  Only so a whole place of a map
    changes its core, which is what brings a core of places in a row below its limit of axons (two by two
    hear fewer): atom by atom the way there leads over divisions that are worse.
    """
    label = _numbered(twins(graph, _grain(graph, limits)) * k + start)
    coarse = contract(graph, label)
    part = np.empty(coarse.n_nodes, np.int64)
    part[label] = start
    own, passes = seed * SEEDS_A_RUN + 1, max(3, int(_passes(coarse, effort)))
    _run(coarse, part, k, limits, passes, (heats, NEURON_FINES, AXON_FINES), own, progress)
    return _fine(graph, part[label], k, limits, own + passes, progress)


def _grain(graph: Hypergraph, limits: Limits) -> int:
    """Neurons that are moved together at most."""
    return max(int(graph.neurons.max(initial=1)), limits.neurons // GRAIN)


def _passes(coarse: Hypergraph, effort: float) -> float:
    return effort * float(np.clip(VISITS / max(1, coarse.n_nodes), *PASSES))


def _fine(
    graph: Hypergraph, part: IntArray, k: int, limits: Limits, seed: int, progress: Progress | None
) -> IntArray:
    """``part`` annealed atom by atom, with what exceeds a limit fined beyond all traffic; changes it."""
    fines = (NEURON_FINES[1], HARD), (AXON_FINES[1], HARD)
    _run(graph, part, k, limits, FINE_PASSES, (FINE_HEATS, *fines), seed, progress)
    return part


def parts_at_least(graph: Hypergraph, limits: Limits) -> int:
    """Cores that the neurons take at least.

    Raises:
        DoesNotFitError: an atom is larger than a core.
    """
    largest = int(graph.neurons.max(initial=0))
    if largest > limits.neurons:
        raise DoesNotFitError(
            "an atom holds more neurons than a core",
            code="map-atom",
            where=f"atom {int(graph.neurons.argmax())}",
            expected=f"at most {limits.neurons}",
            got=str(largest),
            hint="make the atoms smaller",
        )
    return -(-int(graph.neurons.sum()) // limits.neurons)


def _anneal(
    graph: Hypergraph, coarse: Hypergraph, label: IntArray, k: int, limits: Limits, seed: int, effort: float,
    progress: Progress | None,
) -> IntArray:
    """The best of some runs: within the limits first, then the least km1."""
    passes = _passes(coarse, effort)
    runs = int(np.clip(round(RUNS_OF / max(1, coarse.n_nodes)), 1, RUNS))
    start = np.minimum(in_order(coarse, limits.neurons), k - 1)
    best: tuple[tuple[int, int], IntArray] | None = None
    for run in range(runs):
        own = (seed * RUNS + run) * SEEDS_A_RUN
        part = start.copy()
        ends = (HEATS, NEURON_FINES, AXON_FINES)
        _run(coarse, part, k, limits, max(3, int(passes / runs)), ends, own, progress)
        fine = _fine(graph, part[label], k, limits, own + 1, progress)
        found = figures(graph, fine, limits.neurons, limits.axons)
        rank = (found.over_neurons + (found.over_axons or 0), found.km1)
        if best is None or rank < best[0]:
            best = rank, fine
    assert best is not None
    return best[1]


def in_order(graph: Hypergraph, neurons: int) -> IntArray:
    """Nodes in their order, a new part whenever the next does not fit: the layer order."""
    part, number, load = np.zeros(graph.n_nodes, np.int64), 0, 0
    for node, size in enumerate(graph.neurons.tolist()):
        if load + size > neurons:
            number, load = number + 1, 0
        part[node], load = number, load + size
    return part


def _run(
    graph: Hypergraph, part: IntArray, k: int, limits: Limits, passes: int,
    ends: tuple[tuple[float, float], tuple[float, float], tuple[float, float]], seed: int,
    progress: Progress | None,
) -> None:  # fmt: skip
    """Anneal in bursts, so that progress can be told; each goes on at the heat where the last ended."""
    from mapper.partition.kernels.annealing import anneal

    arrays: Any = (
        graph.neurons, graph.target_pointer, graph.target, graph.source_pointer, graph.source,
        graph.source_weight, graph.axons,
    )  # fmt: skip
    axons = limits.axons if limits.axons is not None else 1 << 60
    room = np.array([limits.neurons, axons, int(limits.neurons * OVERFILL)], np.int64)
    burst = passes if progress is None else BURST
    for first in range(0, passes, burst):
        last = min(first + burst, passes)
        spans = [
            np.array([a * (b / a) ** (t / passes) for t in (first, last)]) for a, b in ends
        ]
        cost = anneal(arrays, part, k, room, last - first, *spans, seed + first)
        if progress is not None:
            progress(f"dividing {graph.n_nodes} atoms: pass {last} of {passes}, km1 {cost}")


def _numbered(part: IntArray) -> IntArray:
    """Parts numbered 0, 1, ... in the order of their first nodes; empty ones vanish."""
    _, first, inverse = np.unique(part, return_index=True, return_inverse=True)
    return np.asarray(np.argsort(np.argsort(first))[inverse], np.int64)


def _unavoidable(graph: Hypergraph, part: IntArray, limits: Limits) -> int:
    if limits.axons is None:
        return 0
    return len(np.unique(part[graph.fan_in() > limits.axons]))
