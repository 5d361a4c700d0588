"""Placing for more than hops: multicast-tree hops, the busiest link, or a weighted sum.

Reads a placement made for hops, flows (or nets) and a fabric; anneals on by routes and gives the best cores
seen and a report.  With ``w`` the weights, each figure over its value before::

    cost = w0 * hops / hops_before + w1 * tree_hops / tree_hops_before + w2 * busiest / busiest_before

hops in hop equivalents, one packet per target; tree hops over the union of a net's routes; busiest in
packets.
"""

from __future__ import annotations

import dataclasses
import time
from typing import Any

import numpy as np

from mapper.objectives import Nets, nets_of_pairs
from mapper.options import MapOptions
from mapper.place.base import IntArray
from mapper.place.grid import GridProblem
from mapper.place.onto_fabric import axes, on_fabric
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import HOST, Partition, SolverReport
from neurosim.errors import InputError
from neurosim.fabric.topology import Fabric
from neurosim.rules import routing

WEIGHTS = {"tree_hops": (0.0, 1.0, 0.0), "busiest_link": (0.01, 0.0, 1.0), "weighted": (1.0, 1.0, 1.0)}
"""Of hops, tree hops and the busiest link; the busiest link alone would not tell most moves apart."""
GOALS = ("hops", "tree_hops", "busiest_link")
"""What is measured; the report's objective is the one that was asked for, or else the weighted sum."""
CHUNKS = 200
QUENCH = 20
MOVES_PER_CLUSTER = 2_000
WORK = 2e8  # links and cells that may be looked at, at effort 1
HOT, COLD = 0.3, 2e-3  # temperatures times clusters


@dataclasses.dataclass(frozen=True)
class RouteProblem:
    """A GridProblem's positions with directed pairs and nets; the host is cluster ``n`` at ``host_at``."""

    grid: GridProblem
    pairs: tuple[Any, ...]
    nets: Nets
    host_at: tuple[int, int, int, int]
    weights: tuple[float, float, float]


def route_problem(
    grid: GridProblem, flows: Flows, nets: Nets | None, host_at: tuple[int, int, int, int],
    weights: tuple[float, float, float],
) -> RouteProblem:  # fmt: skip
    """Pairs in CSR form over clusters and host; without nets every pair is one of its own."""
    n = flows.n
    a = np.concatenate([flows.source, flows.target])
    b = np.concatenate([flows.target, flows.source])
    zero = np.zeros(len(flows.spikes))
    out, back = np.concatenate([flows.spikes, zero]), np.concatenate([zero, flows.spikes])
    real = a != b
    key = (a * (n + 1) + b)[real]
    order = np.argsort(key, kind="stable")
    key, out, back = key[order], out[real][order], back[real][order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    row, neighbour = np.divmod(key[first], n + 1)
    pointer = np.searchsorted(row, np.arange(n + 2)).astype(np.int64)
    sums = [np.add.reduceat(v, first) if len(first) else v for v in (out, back)]
    pairs = (pointer, neighbour.astype(np.int32), sums[0], sums[1])
    nets = nets_of_pairs(n, flows.source, flows.target, flows.spikes) if nets is None else nets
    return RouteProblem(grid, pairs, nets, host_at, weights)


class RouteSearch:
    """Annealing of a RouteProblem from given positions; ``best`` is the best seen."""

    def __init__(self, problem: RouteProblem, start: IntArray, seed: int) -> None:
        from mapper.place.kernels import routed

        self.routed, self.problem, self.best = routed, problem, start.copy()
        grid = problem.grid
        self.state = np.array([np.random.SeedSequence(seed).generate_state(1, np.uint64)[0]], np.uint64)
        self.height = (len(grid.cells) - 1) // grid.width
        self.height = max(self.height, problem.host_at[3] + 1)
        self.loads = np.zeros((4, self.height, grid.width))
        self.columns = np.zeros((3, grid.width), np.int64)
        nets = problem.nets
        self.nets = (nets.source, nets.pointer, nets.pins, nets.flow)
        self.member = _membership(nets)
        self.before = self.figures(start)
        self.scaled = np.array([
            w / value if value > 0 else 0.0 for w, value in zip(problem.weights, self.before, strict=True)
        ])  # fmt: skip
        self.least = self.present = self.cost(start)
        self.window = float(max(grid.width, self.height))
        self.cursor, self.moves = -1, 0
        self.restore(start)

    def restore(self, position: IntArray) -> None:
        """Go on from ``position``."""
        grid = self.problem.grid
        self.present = self.cost(position)
        host = np.array([[*self.problem.host_at, -1]], np.int32)
        self.where = np.concatenate([grid.where(position), host])
        self.holder = np.full(grid.p, -1, np.int32)
        self.holder[position] = np.arange(grid.n)

    def figures(self, position: IntArray) -> tuple[float, float, float]:
        """(hops, tree hops, busiest link)."""
        grid = self.problem.grid
        where = np.concatenate([grid.where(position), np.array([[*self.problem.host_at, -1]], np.int32)])
        found = self.routed.measure(self.problem.pairs, self.nets, where, self.loads, self.columns)
        return float(found[0]), float(found[1]), float(found[2])

    def cost(self, position: IntArray) -> float:
        """The weighted sum."""
        return float(np.dot(self.scaled, self.figures(position)))

    def chunk(self, moves: int, heat: float) -> None:
        """So many moves at one temperature."""
        grid = self.problem.grid
        self.routed.measure(self.problem.pairs, self.nets, self.where, self.loads, self.columns)
        change, accepted, self.cursor = self.routed.anneal_routes(
            moves, heat, max(1, round(self.window)), self.cursor, self.state, self.scaled, self.problem.pairs,
            self.nets, self.member, grid.place, self.where, self.holder, grid.cells, grid.width, grid.kind,
            grid.fits, grid.rules[4:], self.loads, self.columns,
        )  # fmt: skip
        self.moves += moves
        self.present += change
        widest = float(max(grid.width, self.height))
        self.window = min(max(self.window * (0.56 + accepted / moves), 1.0), widest)
        position = self.where[:-1, 4].astype(np.int64)
        cost = self.cost(position)
        if cost < self.least:
            self.least, self.best = cost, position

    def run(self, moves: int, limit_s: float | None, options: MapOptions) -> str | None:
        """Anneal; what stopped it early, if anything did."""
        began, n = time.monotonic(), max(1, self.problem.grid.n)
        try:
            for number in range(CHUNKS):
                last = CHUNKS - QUENCH
                heat = HOT / n * (COLD / HOT) ** (number / (last - 1)) if number < last else 0.0
                if number == last:
                    self.restore(self.best)
                self.chunk(max(1, moves // CHUNKS), heat)
                options.tell(f"cost {self.least:.4f} of 1 before, {100 * number // CHUNKS} %")
                if limit_s is not None and time.monotonic() - began >= limit_s and number < CHUNKS - 1:
                    return f"the time limit of {limit_s:g} s"
        except KeyboardInterrupt:
            return "Ctrl-C"
        return None


def _membership(nets: Nets) -> tuple[IntArray, IntArray]:
    """Which nets each cluster is of, as source or pin: (pointer (n + 2,), net)."""
    net = np.repeat(np.arange(len(nets.source)), np.diff(nets.pointer))
    who = np.concatenate([nets.source, nets.pins])
    of = np.concatenate([np.arange(len(nets.source)), net])
    order = np.lexsort((of, who))
    return np.searchsorted(who[order], np.arange(nets.n + 2)).astype(np.int64), of[order]


def default_route_moves(problem: RouteProblem, effort: float) -> int:
    """Moves at an effort: a move walks the links of all that two clusters send and get."""
    grid = problem.grid
    degree = len(problem.pairs[1]) / (grid.n + 1) + len(problem.nets.pins) / max(1, grid.n)
    step = 4 * degree * 8 + (4 * len(grid.cells) if problem.weights[2] else 0)
    return max(CHUNKS, int(min(MOVES_PER_CLUSTER * grid.n, WORK / (step + 20)) * effort))


def place_for(
    partition: Partition, flows: Flows, fabric: Fabric, chosen: IntArray, core: IntArray, options: MapOptions,
    nets: Nets | None = None,
) -> tuple[IntArray, SolverReport]:  # fmt: skip
    """Better cores for ``options.place_for``, from the ``chosen`` ones on.

    Raises:
        InputError: the fabric's routes are not plain X-then-Y ones.
    """
    if routing.ROUTING_NAMES[fabric.routing] != "xy" or not axes(fabric)[3]:
        raise InputError(
            f"placing for {options.place_for} needs routes along x, then y, and equal links in all rows",
            code="map-option", where="MapOptions.place_for",
            got=f"chip '{fabric.chip.name}' with other routes", hint="place for hops",
        )  # fmt: skip
    grid, among, _ = on_fabric(partition, flows, fabric, options.seed)
    assert np.array_equal(among, np.sort(core))  # both ask mapper.place.positions
    start = np.searchsorted(among, chosen)
    problem = route_problem(grid, flows, nets, _host_at(fabric), WEIGHTS[options.place_for])
    search = RouteSearch(problem, start, options.seed)
    moves = default_route_moves(problem, options.effort)
    stopped = search.run(moves, options.time_limit_s, options)
    after = search.figures(search.best)
    names = ("hops", "tree hops", "busiest link")
    values = zip(names, search.before, after, strict=True)
    shown = "; ".join(f"{name} {old:.6g} -> {new:.6g}" for name, old, new in values)
    detail = f"{shown}; {search.moves} moves, seed {options.seed}"
    if stopped:
        detail += f"; stopped by {stopped} after {search.moves} of {moves} moves"
    stage = f"placement for {options.place_for}"
    goals = dict(zip(GOALS, after, strict=True))
    objective = goals.get(options.place_for, search.least)
    return among[search.best], SolverReport(stage, "swap annealing", "heuristic", objective, None, detail)


def _host_at(fabric: Fabric) -> tuple[int, int, int, int]:
    x, y = fabric.xy(fabric.tile_of(HOST))
    far_x, far_y, _, _ = axes(fabric)
    return int(far_x[x]), int(far_y[y]), x, y

