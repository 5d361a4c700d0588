"""Packing: slices of different layers share cores where cores are scarce (vector bin packing).

Reads a problem; cuts the layers at several grains, and packs the slices first by best fit, then by
CP-SAT; the first grain that fits is taken.  Demands add up over the slices of a core, so packing is
exact (see :mod:`mapper.capacity`).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from mapper import capacity
from mapper.capacity import RESOURCES, Kind
from mapper.partition.base import Found, Problem
from mapper.partition.candidates import Tiling, candidates
from neurosim.artefacts.mapping import Cluster, Demand, Slice, SolverReport

GRAINS = (1, 2, 3, 4, 6, 8)
CP_SAT_CELLS = 4000  # slices x cores up to which CP-SAT is asked
TILES_PER_CORE = 4
DETERMINISTIC_SECONDS = 5.0


def pack_layers(problem: Problem) -> Found | None:
    """A packed partition, or None if none was found at any grain."""
    most = max(64, TILES_PER_CORE * problem.n_cores)
    every = [candidates(problem, layer.name, most) for layer in problem.anatomy.layers]
    if not all(every):
        return None
    tried: set[tuple[tuple[int, int, int], ...]] = set()
    for grain in GRAINS:
        chosen = [_thriftiest(problem, tilings, grain) for tilings in every]
        grids = tuple(t.grid for t in chosen)
        if grids in tried:
            continue
        tried.add(grids)
        pieces = [p for t in chosen for p in t.pieces]
        demands = capacity.with_entries(problem.anatomy, pieces, [d for t in chosen for d in t.demands])
        if not all(problem.where(d) for d in demands) or _is_too_much(problem.kinds, demands):
            continue
        bins, method = best_fit(problem.kinds, demands), "best-fit"
        if bins is None and problem.thorough:
            bins, method = cp_sat_pack(problem, demands), "cp-sat"
        if bins is not None:
            return _found(pieces, demands, bins, method)
    return None


def _found(
    pieces: list[Slice], demands: list[Demand], bins: list[list[int]], method: str
) -> Found:
    clusters = tuple(
        Cluster(tuple(pieces[i] for i in b), capacity.add(demands[i] for i in b))
        for b in sorted(sorted(b) for b in bins)
    )
    detail = f"{len(pieces)} slices of different layers share cores"
    return Found(
        clusters, (SolverReport("partition cores", method, "heuristic", float(len(bins)), None, detail),)
    )


def _thriftiest(problem: Problem, tilings: list[Tiling], grain: int) -> Tiling:
    """The tiling of least total demand among those whose tiles take at most 1/grain of a core."""
    limits = [max(getattr(k.limit, r) for k in problem.kinds) for r in RESOURCES]

    def share(demand: Demand) -> float:
        pairs = zip(RESOURCES, limits, strict=True)
        return max(float(getattr(demand, r) / limit) if limit else 0.0 for r, limit in pairs)

    def key(tiling: Tiling) -> tuple[bool, float, int, tuple[int, int, int]]:
        coarse = max(share(d) for d in tiling.kinds_of_demand) > 1 / grain
        total = share(capacity.add(tiling.demands))
        return coarse, total, tiling.n_tiles, tiling.grid

    return min(tilings, key=key)


def best_fit(kinds: Sequence[Kind], demands: Sequence[Demand]) -> list[list[int]] | None:
    """Best fit, largest first: bins of indices, or None if the cores run out."""
    room = [len(k.cores) for k in kinds]
    bins: list[tuple[int, Demand, list[int]]] = []

    def size(index: int) -> float:
        limit = kinds[-1].limit
        return max(float(getattr(demands[index], r) / max(1, getattr(limit, r))) for r in RESOURCES)

    for index in sorted(range(len(demands)), key=lambda i: (-size(i), i)):
        options = []
        for number, (kind, load, _) in enumerate(bins):
            total = capacity.add((load, demands[index]))
            if capacity.fits(total, kinds[kind].limit):
                options.append((_slack(total, kinds[kind].limit), number, total))
        if options:
            _, number, total = min(options, key=lambda o: o[:2])
            bins[number] = (bins[number][0], total, [*bins[number][2], index])
            continue
        fresh = [k for k, n in enumerate(room) if n and capacity.fits(demands[index], kinds[k].limit)]
        if not fresh:
            return None
        room[fresh[0]] -= 1
        bins.append((fresh[0], demands[index], [index]))
    return [members for _, _, members in bins]


def _is_too_much(kinds: Sequence[Kind], demands: Sequence[Demand]) -> bool:
    """Whether the demands exceed all cores together in some resource."""
    total = capacity.add(demands)
    return any(
        getattr(total, r) > sum(getattr(k.limit, r) * len(k.cores) for k in kinds) for r in RESOURCES
    )


def _slack(load: Demand, limit: Demand) -> float:
    return sum(1.0 - float(getattr(load, r) / max(1, getattr(limit, r))) for r in RESOURCES)


def cp_sat_pack(problem: Problem, demands: Sequence[Demand]) -> list[list[int]] | None:
    """Packing by CP-SAT: bins of indices, or None if it proves or finds nothing."""
    from ortools.sat.python import cp_model

    cores = [kind.limit for kind in problem.kinds for _ in kind.cores]
    if len(cores) * len(demands) > CP_SAT_CELLS:
        return None
    model = cp_model.CpModel()
    held = [[model.new_bool_var("") for _ in cores] for _ in demands]
    for row in held:
        model.add_exactly_one(row)
    for core, limit in enumerate(cores):
        for resource in RESOURCES:
            load = sum(getattr(d, resource) * row[core] for d, row in zip(demands, held, strict=True))
            model.add(load <= getattr(limit, resource))
    solver = cp_model.CpSolver()
    parameters: Any = solver.parameters
    parameters.num_workers = 1
    parameters.catch_sigint_signal = False  # Ctrl-C is not the solver's to swallow
    parameters.random_seed = problem.options.seed
    parameters.max_deterministic_time = DETERMINISTIC_SECONDS * problem.options.effort
    if solver.solve(model) not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    bins: list[list[int]] = [[] for _ in cores]
    for index, row in enumerate(held):
        bins[next(c for c, v in enumerate(row) if solver.boolean_value(v))].append(index)
    return [b for b in bins if b]
