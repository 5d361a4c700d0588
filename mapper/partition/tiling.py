"""CP-SAT layer tiling: per layer one grid of tiles, one tile per core, all capacities honoured.

Two stages: first the fewest cores, then the least expected traffic on that many cores (objective
"cores") or on all cores (objective "traffic").  Target entries couple a layer with its targets; they
are recounted exactly after each solve, and a choice that exceeds them is cut off and solved again.
Where one tile per core does not fit, slices of different layers are packed together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from mapper import capacity
from mapper.partition import packing
from mapper.partition.base import Found, Problem, kind_subsets, one_slice_per_core
from mapper.partition.candidates import Tiling, candidates, coarsest, undominated
from neurosim.artefacts.mapping import Demand, Slice, SolverReport

DETERMINISTIC_SECONDS = 10.0
MAX_ROUNDS = 200
TRAFFIC_UNITS = 1 << 40  # CP-SAT takes integers: the largest total traffic is scaled to this


@dataclass(frozen=True)
class Cut:
    """Forbids ``layer``'s tilings outside ``allowed`` while the targets have tilings ``targets``."""

    layer: int
    allowed: tuple[int, ...]
    targets: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class Solved:
    """A CP-SAT answer: chosen tiling per layer, objective and bound in the objective's own unit."""

    choice: tuple[int, ...]
    value: int
    bound: int
    status: str


class LayerTiling:
    """The CP-SAT partitioner."""

    name = "tiling"

    def partition(self, problem: Problem) -> Found | None:
        """One tile per core if that fits, else packed slices, else None."""
        names = [layer.name for layer in problem.anatomy.layers]
        if problem.options.objective == "cores":
            # A solution of coarsest tilings has the fewest cores that there can be, and any other with
            # as few is made of coarsest tilings too: nothing else needs to be looked at.
            few = [coarsest(problem, name, problem.n_cores) for name in names]
            found = _solve(problem, few, MAX_ROUNDS) if all(few) else None
            if found is not None:
                return found
        every = [candidates(problem, name, problem.n_cores) for name in names]
        if all(every):
            pruned = [undominated(tilings, len(problem.kinds)) for tilings in every]
            found = _solve(problem, pruned, max_rounds=1) or _solve(problem, every, MAX_ROUNDS)
            if found is not None:
                return found
        return packing.pack_layers(problem)


def _solve(problem: Problem, tilings: list[list[Tiling]], max_rounds: int) -> Found | None:
    cuts: list[Cut] = []
    first = _solve_with_cuts(problem, tilings, cuts, None, max_rounds)
    if first is None:
        return None
    budget = first.value if problem.options.objective == "cores" else problem.n_cores
    second = _solve_with_cuts(problem, tilings, cuts, budget, max_rounds)
    if second is None and max_rounds == 1:
        return None
    best = [first] if second is None else [first, second]
    scale = _traffic_scale(tilings)
    traffic = [sum(t[c].traffic for t, c in zip(tilings, s.choice, strict=True)) for s in best]
    # The incumbent is kept here, outside the solver: the second stage never makes things worse.
    chosen = best[int(np.argmin(traffic))]
    reports = [_cores_report(first)]
    if second is not None:
        slack = len(tilings) / scale
        reports.append(_traffic_report(second, min(traffic), second.bound / scale - slack, budget))
    pieces, demands = _tiles(tilings, chosen.choice)
    full = capacity.with_entries(problem.anatomy, pieces, demands)
    return Found(one_slice_per_core(pieces, full), tuple(reports))


def _cores_report(solved: Solved) -> SolverReport:
    detail = "fewest cores over grids of nearly equal tiles, one tile per core"
    return SolverReport(
        "partition cores", "cp-sat", solved.status, float(solved.value), float(solved.bound), detail
    )


def _traffic_report(solved: Solved, traffic: float, bound: float, budget: int) -> SolverReport:
    detail = f"packets per sample into cores, on at most {budget} cores"
    bound = max(0.0, min(traffic, bound))
    if solved.status == "optimal":
        bound = traffic
    return SolverReport("partition traffic", "cp-sat", solved.status, traffic, bound, detail)


def _solve_with_cuts(
    problem: Problem, tilings: list[list[Tiling]], cuts: list[Cut], budget: int | None, max_rounds: int
) -> Solved | None:
    """Solve, recount target entries, cut, solve again; ``cuts`` grows.

    ``budget`` None minimises cores, else traffic on at most that many cores.
    """
    for _ in range(max_rounds):
        solved = _solve_once(problem, tilings, cuts, budget)
        if solved is None:
            return None
        new = _broken_entries(problem, tilings, solved.choice)
        if not new:
            return solved
        cuts.extend(new)
    return None


def _solve_once(
    problem: Problem, tilings: list[list[Tiling]], cuts: Sequence[Cut], budget: int | None
) -> Solved | None:
    from ortools.sat.python import cp_model

    model = cp_model.CpModel()
    pick = [[model.new_bool_var("") for _ in layer] for layer in tilings]
    for layer in pick:
        model.add_exactly_one(layer)
    for subset, room in kind_subsets(problem.kinds):
        if subset:
            model.add(_weighted(pick, tilings, lambda t, s=subset: t.count_within(s)) <= room)
    for cut in cuts:
        escape = [pick[cut.layer][a] for a in cut.allowed]
        model.add_bool_or([*escape, *(~pick[layer][choice] for layer, choice in cut.targets)])
    cores = _weighted(pick, tilings, lambda t: t.n_tiles)
    if budget is None:
        model.minimize(cores)
    else:
        scale = _traffic_scale(tilings)
        model.add(cores <= budget)
        model.minimize(_weighted(pick, tilings, lambda t: round(t.traffic * scale)))
    solver = cp_model.CpSolver()
    parameters: Any = solver.parameters
    parameters.num_workers = 1
    parameters.catch_sigint_signal = False  # Ctrl-C is not the solver's to swallow
    parameters.random_seed = problem.options.seed
    parameters.max_deterministic_time = DETERMINISTIC_SECONDS * problem.options.effort
    status = solver.solve(model)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return None
    choice = tuple(next(i for i, v in enumerate(layer) if solver.boolean_value(v)) for layer in pick)
    return Solved(
        choice,
        round(solver.objective_value),
        int(np.ceil(solver.best_objective_bound - 1e-6)),
        "optimal" if status == cp_model.OPTIMAL else "feasible",
    )


def _weighted(pick: list[list[Any]], tilings: list[list[Tiling]], weight: Any) -> Any:
    return sum(
        weight(tiling) * variable
        for layer, variables in zip(tilings, pick, strict=True)
        for tiling, variable in zip(layer, variables, strict=True)
    )


def _traffic_scale(tilings: list[list[Tiling]]) -> float:
    most = sum(max(t.traffic for t in layer) for layer in tilings)
    return TRAFFIC_UNITS / most if most > 0 else 1.0


def _tiles(tilings: list[list[Tiling]], choice: Sequence[int]) -> tuple[list[Slice], list[Demand]]:
    chosen = [layer[c] for layer, c in zip(tilings, choice, strict=True)]
    return [p for t in chosen for p in t.pieces], [d for t in chosen for d in t.demands]


def _broken_entries(problem: Problem, tilings: list[list[Tiling]], choice: Sequence[int]) -> list[Cut]:
    """A cut per layer whose tiles exceed the target entries of the cores they need."""
    anatomy = problem.anatomy
    index = {layer.name: i for i, layer in enumerate(anatomy.layers)}
    cuts = []
    for number, layer in enumerate(anatomy.layers):
        out = anatomy.out_of(layer.name)
        targets = tuple(sorted({(index[p.target], choice[index[p.target]]) for p in out}))
        entries = np.full(layer.n, capacity.host_entries(anatomy.network, layer.name), np.int64)
        for p in out:
            entries += anatomy.fan_out(p, list(tilings[index[p.target]][choice[index[p.target]]].pieces))
        allowed = tuple(
            i for i, t in enumerate(tilings[number]) if _entries_fit(problem, t, entries)
        )
        if choice[number] not in allowed:
            others = tuple(t for t in targets if t[0] != number)
            own = any(t[0] == number for t in targets)
            # A layer that feeds itself has its own tiling on both sides: forbid just this one.
            keep = tuple(i for i in range(len(tilings[number])) if i != choice[number])
            cuts.append(Cut(number, keep if own else allowed, others))
    return cuts


def _entries_fit(problem: Problem, tiling: Tiling, entries: np.ndarray[Any, Any]) -> bool:
    """Whether every tile still fits on a kind of core that the solver counted for it."""
    grid = entries.reshape(problem.anatomy.shape(tiling.population))
    for piece, kinds in zip(tiling.pieces, tiling.where, strict=True):
        total = int(grid[slice(*piece.c), slice(*piece.y), slice(*piece.x)].sum())
        if any(total > problem.kinds[k].limit.target_entries for k in kinds):
            return False
    return True
