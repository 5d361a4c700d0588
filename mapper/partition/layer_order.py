"""The baseline: layers one after the other, cut along channels, filled into cores in order.

Reads a problem; a slice goes on the current core if it fits there, else on the next core.  No search.
"""

from __future__ import annotations

from mapper import capacity
from mapper.partition.base import Found, Problem
from mapper.partition.candidates import Tiling, grids, tile
from neurosim.artefacts.mapping import Cluster, Demand, Slice, SolverReport


class LayerOrder:
    """Sequential partitioner."""

    name = "layer_order"

    def partition(self, problem: Problem) -> Found | None:
        """Clusters in layer order, or None where a layer or the cores do not suffice."""
        chosen = [_coarsest(problem, layer.name) for layer in problem.anatomy.layers]
        if any(t is None for t in chosen):
            return None
        pieces = [p for t in chosen if t for p in t.pieces]
        plain = [d for t in chosen if t for d in t.demands]
        demands = capacity.with_entries(problem.anatomy, pieces, plain)
        clusters = _fill(problem, pieces, demands)
        if clusters is None:
            return None
        report = SolverReport(
            "partition cores", "layer order", "heuristic", float(len(clusters)), None, "no search"
        )
        return Found(clusters, (report,))


def _coarsest(problem: Problem, name: str) -> Tiling | None:
    """The coarsest legal grid, cut along channels before rows before columns."""
    order = sorted(grids(problem, name, problem.n_cores), key=lambda g: (g[2], g[1], g[0]))
    return next((t for t in (tile(problem, name, grid) for grid in order) if t is not None), None)


def _fill(problem: Problem, pieces: list[Slice], demands: list[Demand]) -> tuple[Cluster, ...] | None:
    room = [len(kind.cores) for kind in problem.kinds]
    done: list[Cluster] = []
    held: list[Slice] = []
    kind, load = -1, capacity.NOTHING
    for piece, demand in zip(pieces, demands, strict=True):
        total = capacity.add((load, demand))
        if held and capacity.fits(total, problem.kinds[kind].limit):
            load, held = total, [*held, piece]
            continue
        if held:
            done.append(Cluster(tuple(held), load))
        fresh = [k for k in problem.where(demand) if room[k]]
        if not fresh:
            return None
        kind, load, held = fresh[0], demand, [piece]
        room[kind] -= 1
    return (*done, Cluster(tuple(held), load)) if held else tuple(done)
