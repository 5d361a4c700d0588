"""Partition by a hypergraph of atoms: who must hear whom decides what shares a core, over all layers at once.

Reads a problem; cuts every layer into atoms (small tiles, all channels of a place), divides their hypergraph
into cores (:mod:`mapper.partition.annealed`, or Mt-KaHyPar), joins the atoms of a core to boxes, and lets
CP-SAT repair and polish what the division did not know of: bytes, target entries, kinds of cores.  The
layer tiling is made as well, and the better of the two is kept; the reports say which, with both figures.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Protocol

import numpy as np

from mapper import capacity
from mapper.options import Progress
from mapper.partition.annealed import Division, Limits, divide
from mapper.partition.base import Found, Problem
from mapper.partition.candidates import grid_slices
from mapper.partition.hypergraph import Hypergraph, IntArray, from_nets
from mapper.partition.multilevel import divide_multilevel, require_library
from mapper.partition.refine import between_cores, refine
from mapper.partition.tiling import LayerTiling
from mapper.route.flows import senders_into
from neurosim.artefacts.mapping import Cluster, Demand, Slice, SolverReport
from neurosim.errors import DoesNotFitError

ATOMS_A_CORE = 8  # an atom takes at most this share of a core, where it can be cut so small
UNITS = 840  # of a core's dominant resource, in the hypergraph
ATOMS_AT_MOST = 20_000
FILL = (1.0, 0.85, 0.7)  # of a core that the division may fill; the rest is for what it does not see
SAME = 1e-9


class Divide(Protocol):
    """A division of hypergraphs."""

    def __call__(
        self, graph: Hypergraph, limits: Limits, *, seed: int, effort: float, progress: Progress | None
    ) -> Division:
        """Parts of the atoms."""
        ...


class Clustered:
    """The hypergraph partitioners."""

    def __init__(self, name: str) -> None:
        self.name = name

    def partition(self, problem: Problem) -> Found | None:
        """The better of the tiling and the division of the hypergraph; None if neither is legal."""
        if self.name == "mtkahypar":
            require_library()
        tiled = LayerTiling().partition(problem)
        found, why = self._divided(problem)
        return _better(problem, tiled, found, self.name, why)

    def _divided(self, problem: Problem) -> tuple[Found | None, str]:
        """A legal partition, or why there is none."""
        atoms = _atoms(problem)
        if atoms is None:
            return None, f"more than {ATOMS_AT_MOST} atoms"
        graph, axons = _hypergraph(problem, atoms), max(kind.limit.axons for kind in problem.kinds)
        how: Divide = divide_multilevel if self.name == "mtkahypar" else divide
        options = problem.options
        for fill in FILL:
            limits = Limits(max(1, int(UNITS * fill)), axons)
            if int(graph.neurons.max(initial=0)) > limits.neurons:
                break
            try:
                division = how(
                    graph, limits, seed=options.seed, effort=options.effort, progress=options.tell
                )
            except DoesNotFitError:
                continue
            if division.figures.parts > problem.n_cores:
                return None, f"{division.figures.parts} parts, more than cores"
            clusters = _boxes(atoms, division.part)
            found = refine(problem, clusters)
            if found is not None:
                return found, ""
        return None, "no division kept within all limits"


def _better(problem: Problem, tiled: Found | None, found: Found | None, name: str, why: str) -> Found | None:
    """The one with fewer cores or less traffic, as was asked for; both figures stand in the report."""
    texts, ranked = [], []
    for what, one, instead in (("tiling", tiled, "not legal"), (name, found, why)):
        if one is None:
            texts.append(f"{what}: {instead}")
            continue
        *rank, cores, traffic = _rank(problem, one)
        texts.append(f"{what}: {cores} cores, {traffic:.6g} packets between cores")
        ranked.append((rank, what, one))
    if not ranked:
        return None
    _, kept, best = min(ranked, key=lambda r: r[0])  # the tiling, where both are alike
    report = SolverReport(
        "partition choice", name, "heuristic", float(len(best.clusters)), None,
        f"{'; '.join(texts)}; kept: {kept}",
    )  # fmt: skip
    return replace(best, solver=(*best.solver, report))


def _rank(problem: Problem, found: Found) -> tuple[float, float, int, float]:
    cores, traffic = len(found.clusters), between_cores(problem, found.clusters)
    first = (float(cores), traffic) if problem.options.objective == "cores" else (traffic, float(cores))
    return (*first, cores, traffic)


class _Atom:
    """A small tile: ``at`` is its place in its layer's grid."""

    def __init__(self, piece: Slice, at: tuple[int, int, int]) -> None:
        self.piece, self.at = piece, at


def _atoms(problem: Problem) -> list[_Atom] | None:
    """The atoms of all layers, in layer order; None if there are too many."""
    atoms: list[_Atom] = []
    for layer in problem.anatomy.layers:
        grid = _grid(problem, layer.name)
        if len(atoms) + int(np.prod(grid)) > ATOMS_AT_MOST:
            return None
        pieces = grid_slices(layer.name, problem.anatomy.shape(layer.name), grid)
        atoms += [_Atom(piece, at) for piece, at in zip(pieces, np.ndindex(*grid), strict=True)]
    return atoms


def _grid(problem: Problem, name: str) -> tuple[int, int, int]:
    """The coarsest of ever finer grids whose atoms are small enough; places are cut before channels."""
    shape = problem.anatomy.shape(name)
    parts = [1, 1, 1]
    while True:
        sizes = [-(-n // p) for n, p in zip(shape, parts, strict=True)]
        grid = (parts[0], parts[1], parts[2])
        atom = Slice(name, (0, sizes[0]), (0, sizes[1]), (0, sizes[2]))
        if _share(problem, atom) <= UNITS / ATOMS_A_CORE or max(sizes) == 1:
            return grid
        axis = 0 if max(sizes[1:]) == 1 else (1 if sizes[1] >= sizes[2] else 2)
        parts[axis] = min(shape[axis], parts[axis] * 2)


def _share(problem: Problem, piece: Slice) -> int:
    """Units of a core's neurons or synapse words that a slice takes, whichever is more."""
    demand = capacity.slice_demand(problem.anatomy, problem.chip.core, piece)
    limit = max(problem.kinds, key=lambda kind: kind.limit.synapse_words).limit
    neurons = -(-UNITS * demand.neurons // max(1, limit.neurons))
    words = -(-UNITS * demand.synapse_words // max(1, limit.synapse_words))
    return max(1, neurons, words)  # axons are counted by the hypergraph, entries by the repair


def _hypergraph(problem: Problem, atoms: list[_Atom]) -> Hypergraph:
    """One net per atom that sends: the atom, and every atom that hears some neuron of it."""
    anatomy = problem.anatomy
    home = {p.name: np.full(p.n, -1, np.int64) for p in anatomy.network.populations}
    for number, atom in enumerate(atoms):
        home[atom.piece.population][atom.piece.neurons(anatomy.shape(atom.piece.population))] = number
    source, target = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, atom in enumerate(atoms):
        for name, senders in senders_into(anatomy, Cluster((atom.piece,), Demand(0, 0, 0, 0))):
            own = np.unique(home[name][senders])
            own = own[own >= 0]
            source.append(own)
            target.append(np.full(len(own), number, np.int64))
    a, b = np.concatenate(source), np.concatenate(target)
    order = np.lexsort((b, a))
    a, b = a[order], b[order]
    weight = np.array([atom.piece.n for atom in atoms], np.int64)
    share = np.array([_share(problem, atom.piece) for atom in atoms], np.int64)
    owners, first = np.unique(a, return_index=True)
    pins = np.insert(b, first, owners)
    lengths = np.diff(np.append(first, len(a))) + 1
    pointer = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return from_nets(share, pointer, pins.astype(np.int64), weight[owners])


def _boxes(atoms: list[_Atom], part: IntArray) -> list[list[Slice]]:
    """Per part its atoms, joined to boxes layer by layer."""
    out: list[list[Slice]] = []
    for number in range(int(part.max(initial=-1)) + 1):
        layers: dict[str, dict[tuple[int, int, int], Slice]] = {}
        for index in np.flatnonzero(part == number).tolist():
            atom = atoms[index]
            layers.setdefault(atom.piece.population, {})[atom.at] = atom.piece
        out.append([box for held in layers.values() for box in _joined(held)])
    return out


def _joined(held: dict[tuple[int, int, int], Slice]) -> list[Slice]:
    """Greedy boxes: from the first atom on along x, then y, then channels."""
    boxes: list[Slice] = []
    left = dict(held)
    while left:
        low = min(left)
        high = list(low)
        for axis in (2, 1, 0):
            while _covered(left, low, (*high[:axis], high[axis] + 1, *high[axis + 1 :]), axis):
                high[axis] += 1
        inside = [at for at in left if all(a <= b <= c for a, b, c in zip(low, at, high, strict=True))]
        first, last = left[low], left[(high[0], high[1], high[2])]
        boxes.append(
            Slice(
                first.population, (first.c[0], last.c[1]), (first.y[0], last.y[1]), (first.x[0], last.x[1])
            )
        )
        for at in inside:
            del left[at]
    return boxes


def _covered(
    left: dict[tuple[int, int, int], Slice], low: tuple[int, int, int], high: tuple[int, ...], axis: int
) -> bool:
    """Whether every atom of the new plane along ``axis`` is there."""
    spans = [range(a, b + 1) for a, b in zip(low, high, strict=True)]
    spans[axis] = range(high[axis], high[axis] + 1)
    return all((c, y, x) in left for c in spans[0] for y in spans[1] for x in spans[2])
