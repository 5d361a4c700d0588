"""Which minimal route each flow might take: X then Y or Y then X, for the least busiest link.

Reads a fabric and flows; writes a linear bound (GLOP) on the busiest link, a choice per flow (CP-SAT), and
whether such a set of routes can deadlock.  The engines route by one function for the whole chip, so a choice
per flow is what a chip with routing tables could do; per chip there is :func:`compare_functions`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import Routes
from neurosim.chip.models import Chip
from neurosim.fabric import graphs
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rules.ports import EAST, NORTH, SOUTH, WEST

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
FLOWS_AT_MOST = 20_000  # bends up to which the bound is computed
DETERMINISTIC_SECONDS = 10.0
UNITS = 1 << 30


@dataclass(frozen=True)
class Choice:
    """``y_first`` (flows,): take Y before X.

    ``busiest`` is the busiest link under the choice, ``of_xy`` under X then Y for all, ``bound`` the linear
    bound.  ``verdict`` "free" or "cyclic" is that of the choice on one virtual channel; on two, with all
    Y-first flows on the second, it is always free (each order alone has no cycle).
    """

    y_first: NDArray[np.bool_]
    busiest: float
    of_xy: float
    bound: float
    status: str
    verdict: str


def least_busiest_link(fabric: Fabric, routes: Routes) -> float | None:
    """The linear bound for the flows of ``routes``; None for rings, gateways, or too many flows."""
    made = _links(fabric, routes.source, routes.target)
    if made is None or made.n_bends > FLOWS_AT_MOST:
        return None
    return _glop(made, routes.packets)[0]


def choose(fabric: Fabric, routes: Routes, seed: int = 0, effort: float = 1.0) -> Choice | None:
    """The best order of axes per flow; None where the fabric is no plain mesh or the flows are too many."""
    made = _links(fabric, routes.source, routes.target)
    if made is None or made.n_bends > FLOWS_AT_MOST:
        return None
    packets = routes.packets
    bound, shares = _glop(made, packets)
    none = np.zeros(len(packets), np.bool_)
    of_xy = made.busiest(none, packets)
    rounded = _descent(made, packets, shares > 0.5)
    solved, status = _cp_sat(made, packets, seed, effort)
    # The incumbent is kept here, outside the solver: hints were measured to make its answers worse.
    busiest, _, y_first = min(
        (made.busiest(c, packets), rank, c) for rank, c in enumerate((none, solved, rounded))
    )
    verdict = "free" if _is_acyclic(made, y_first) else "cyclic"
    return Choice(y_first, busiest, of_xy, min(bound, busiest), status, verdict)


def compare_functions(chip: Chip, routes: Routes) -> dict[str, float]:
    """Busiest link between routers under each routing function that the chip's mesh allows."""
    from mapper.metrics import link_loads

    names = [n for n in ("xy", "yx") if chip.router.routing in ("xy", "yx")] or [chip.router.routing]
    out = {}
    for name in names:
        other = chip.model_copy(update={"router": chip.router.model_copy(update={"routing": name})})
        loads = link_loads(build_fabric(other), routes)
        out[name] = float(loads[:, : SOUTH + 1].max(initial=0.0))
    return out


@dataclass(frozen=True)
class _Made:
    """Links (router * 4 + direction) of each flow's two routes, as (flow, link) pairs in order of travel."""

    n_links: int
    n_flows: int
    pairs: tuple[tuple[IntArray, IntArray], tuple[IntArray, IntArray]]
    bends: NDArray[np.bool_]

    @property
    def n_bends(self) -> int:
        """Flows whose two routes differ."""
        return int(self.bends.sum())

    def loads(self, y_first: NDArray[np.bool_], packets: FloatArray) -> FloatArray:
        """(links,) packets under a choice."""
        total = np.zeros(self.n_links)
        for which, (flow, link) in enumerate(self.pairs):
            mine = y_first[flow] == bool(which)
            total += np.bincount(link[mine], packets[flow[mine]], self.n_links)
        return total

    def busiest(self, y_first: NDArray[np.bool_], packets: FloatArray) -> float:
        """The largest of :meth:`loads`."""
        return float(self.loads(y_first, packets).max(initial=0.0))


def _links(fabric: Fabric, source: IntArray, target: IntArray) -> _Made | None:
    chip = fabric.chip
    if chip.mesh.topology != "mesh" or chip.router.routing not in ("xy", "yx") or chip.defects is not None:
        return None
    tile = [np.array([fabric.tile_of(int(c)) for c in ends], np.int64) for ends in (source, target)]
    (x0, y0), (x1, y1) = ((t % fabric.width, t // fabric.width) for t in tile)
    flow = np.arange(len(source))
    horizontal = [_straight(flow, x0, x1, y, fabric.width, EAST, WEST, False) for y in (y0, y1)]
    vertical = [_straight(flow, y0, y1, x, fabric.width, NORTH, SOUTH, True) for x in (x1, x0)]
    xy = _in_order(horizontal[0], vertical[0])
    yx = _in_order(vertical[1], horizontal[1])
    bends = (x0 != x1) & (y0 != y1)
    return _Made(fabric.n_routers * 4, len(source), (xy, yx), bends)


def _straight(
    flow: IntArray, a: IntArray, b: IntArray, across: IntArray, width: int, up: int, down: int,
    is_vertical: bool,
) -> tuple[IntArray, IntArray]:  # fmt: skip
    """(flow, link) along one axis from ``a`` to ``b`` at ``across``."""
    steps = np.abs(b - a)
    owner = np.repeat(flow, steps)
    step = np.arange(len(owner)) - np.repeat(np.cumsum(steps) - steps, steps)
    rises = (b > a)[owner]
    at = np.where(rises, a[owner] + step, a[owner] - step)
    router = at * width + across[owner] if is_vertical else across[owner] * width + at
    return owner, router * 4 + np.where(rises, up, down)


def _in_order(
    first: tuple[IntArray, IntArray], second: tuple[IntArray, IntArray]
) -> tuple[IntArray, IntArray]:
    flow, link = np.concatenate([first[0], second[0]]), np.concatenate([first[1], second[1]])
    order = np.argsort(flow, kind="stable")
    return flow[order], link[order]


def _glop(made: _Made, packets: FloatArray) -> tuple[float, FloatArray]:
    """Least busiest link if flows could be divided between their two routes, and the Y-first shares."""
    from ortools.linear_solver import pywraplp

    solver: Any = pywraplp.Solver.CreateSolver("GLOP")
    busiest = solver.NumVar(0.0, solver.infinity(), "")
    share = {int(f): solver.NumVar(0.0, 1.0, "") for f in np.flatnonzero(made.bends & (packets > 0))}
    fixed, terms = _terms(made, packets)
    for link in sorted(set(np.flatnonzero(fixed).tolist()) | set(terms)):
        row = solver.Constraint(-solver.infinity(), -float(fixed[link]))
        row.SetCoefficient(busiest, -1.0)
        for flow, sign in terms.get(link, ()):
            row.SetCoefficient(share[flow], sign * float(packets[flow]))
    solver.Minimize(busiest)
    solver.Solve()
    shares = np.zeros(made.n_flows)
    for flow, variable in share.items():
        shares[flow] = variable.solution_value()
    return float(busiest.solution_value()), shares


def _descent(made: _Made, packets: FloatArray, y_first: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Turn single flows off the busiest link as long as that makes it less busy than any they turn to."""
    y_first = y_first & made.bends
    loads = made.loads(y_first, packets)
    _, terms = _terms(made, packets)
    links: dict[int, list[tuple[int, float]]] = {}
    for link, flows in terms.items():
        for flow, sign in flows:
            links.setdefault(flow, []).append((link, sign))
    while True:
        top = int(np.argmax(loads))
        best: tuple[float, int] | None = None
        for flow, sign in terms.get(top, ()):
            if (sign < 0) == bool(y_first[flow]):
                continue  # it is on its other route already
            turn = -1.0 if y_first[flow] else 1.0
            most = max(float(loads[at]) + turn * s * float(packets[flow]) for at, s in links[flow])
            if most < loads[top] and (best is None or (most, flow) < best):
                best = most, flow
        if best is None:
            return y_first
        flow = best[1]
        turn = -1.0 if y_first[flow] else 1.0
        for at, s in links[flow]:
            loads[at] += turn * s * packets[flow]
        y_first[flow] = not y_first[flow]


def _terms(made: _Made, packets: FloatArray) -> tuple[FloatArray, dict[int, list[tuple[int, float]]]]:
    """Loads with all flows X first, and per link the flows that leave (-1) or join (+1) it Y first."""
    fixed = made.loads(np.zeros(made.n_flows, np.bool_), packets)
    change: dict[int, dict[int, float]] = {}
    for sign, (flow, link) in zip((-1.0, 1.0), made.pairs, strict=True):
        mine = made.bends[flow] & (packets[flow] > 0)
        for f, at in zip(flow[mine].tolist(), link[mine].tolist(), strict=True):
            here = change.setdefault(at, {})
            here[f] = here.get(f, 0.0) + sign
    return fixed, {at: [(f, s) for f, s in sorted(c.items()) if s] for at, c in change.items()}


def _cp_sat(
    made: _Made, packets: FloatArray, seed: int, effort: float
) -> tuple[NDArray[np.bool_], str]:
    from ortools.sat.python import cp_model

    is_whole = bool((packets == np.rint(packets)).all()) and packets.sum() < UNITS
    scale = 1.0 if is_whole else UNITS / max(float(packets.sum()), 1e-300)
    whole = np.rint(packets * scale).astype(np.int64)
    fixed, terms = _terms(made, whole.astype(np.float64))
    model = cp_model.CpModel()
    pick = {int(f): model.new_bool_var("") for f in np.flatnonzero(made.bends & (whole > 0))}
    busiest = model.new_int_var(0, UNITS, "")
    for link in sorted(set(np.flatnonzero(fixed).tolist()) | set(terms)):
        moved = sum(int(sign) * int(whole[f]) * pick[f] for f, sign in terms.get(link, ()))
        model.add(busiest >= int(fixed[link]) + moved)
    model.minimize(busiest)
    solver = cp_model.CpSolver()
    parameters: Any = solver.parameters
    parameters.num_workers, parameters.catch_sigint_signal, parameters.random_seed = 1, False, seed
    parameters.max_deterministic_time = DETERMINISTIC_SECONDS * effort
    status = solver.solve(model)
    y_first = np.zeros(made.n_flows, np.bool_)
    if status not in (cp_model.OPTIMAL, cp_model.FEASIBLE):
        return y_first, "none found"
    for flow, variable in pick.items():
        y_first[flow] = solver.boolean_value(variable)
    return y_first, "optimal" if status == cp_model.OPTIMAL else "feasible"


def _is_acyclic(made: _Made, y_first: NDArray[np.bool_]) -> bool:
    """Whether the links' dependencies have no cycle on one virtual channel."""
    edges: set[tuple[int, int]] = set()
    for which, (flow, link) in enumerate(made.pairs):
        mine = np.flatnonzero(y_first[flow] == bool(which))
        owner, path = flow[mine], link[mine]
        follows = np.flatnonzero(owner[1:] == owner[:-1])
        edges |= set(zip(path[follows].tolist(), path[follows + 1].tolist(), strict=True))
    graph: dict[int, list[int]] = {n: [] for edge in edges for n in edge}
    for a, b in sorted(edges):
        graph[a].append(b)
    return graphs.topological_order(graph) is not None

