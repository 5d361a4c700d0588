"""Whether a routing table is sound, and a fabric on which every packet of a program is known to arrive.

Reads a chip, a :class:`~neurosim.artefacts.route_table.RouteTable` and flows; engines and analyses take their
fabric from here, so that no packet is ever sent into a dead link, off the mesh or round in circles.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, program_flows, tree_sends
from neurosim.artefacts.route_table import RouteTable
from neurosim.chip.models import Chip
from neurosim.errors import MismatchError
from neurosim.fabric.targets import target_problem
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.fabric.trees import tree_problems
from neurosim.fabric.walks import arrives, check_flows
from neurosim.rules import ports, routing

IntArray = NDArray[np.int64]
HOPS_SHOWN = 8


def program_fabric(program: Program, chip: Chip) -> Fabric:
    """The fabric of ``chip`` (the program's) with the program's routing table and multicast trees.

    Raises:
        MismatchError: table or trees are not sound, or a packet of the program would not arrive, or not at an
            axon that is there.
    """
    fabric = _routed(program, chip)
    problem = target_problem(program, fabric.n_cores)
    if problem is not None:
        raise _unsound("a packet would not arrive at an axon", "program-targets", "program", [problem])
    return fabric


def _routed(program: Program, chip: Chip) -> Fabric:
    """The fabric, on which every packet of ``program`` arrives somewhere."""
    tables = (program.host, *(core.targets for core in program.cores))
    no_trees = program.trees is None and all((table.core >= HOST).all() for table in tables)
    if program.table is None and no_trees and chip.defects is None:
        return build_fabric(chip)
    fabric = flow_fabric(chip, program.table, *program_flows(program))
    if no_trees:
        return fabric
    fabric = replace(fabric, trees=program.trees)
    problems = tree_problems(fabric, *tree_sends(program))
    if problems:
        raise _unsound("the multicast trees are not sound", "tree-table", "program.trees", problems)
    return fabric


def flow_fabric(chip: Chip, table: RouteTable | None, sources: IntArray, targets: IntArray) -> Fabric:
    """The fabric of ``chip`` with ``table``, on which every flow ``sources[f] -> targets[f]`` arrives.

    Raises:
        MismatchError: the table is not sound, or a flow leads into nothing or into a loop: with the router,
            the destination and the way there.
    """
    if table is None and chip.defects is None:
        return build_fabric(chip)
    fabric = build_fabric(chip, table=table)
    problems = table_problems(fabric)
    if problems:
        raise _unsound("the routing table is not sound", "route-table", "program.table", problems)
    check_flows(fabric, sources, targets)
    span = fabric.n_cores + 1
    targets, sources = np.divmod(np.unique((targets + 1) * span + sources + 1), span)
    sources, targets = sources - 1, targets - 1
    lost = np.flatnonzero(~arrives(fabric, sources, targets))
    if lost.size:
        raise _lost(fabric, int(sources[lost[0]]), int(targets[lost[0]]), int(lost.size))
    return fabric


def _unsound(what: str, code: str, where: str, problems: list[str]) -> MismatchError:
    more = f" and {len(problems) - 1} more" if len(problems) > 1 else ""
    hint = "map the network again for this chip"
    return MismatchError(what, code=code, where=where, got=problems[0] + more, hint=hint)


def table_problems(fabric: Fabric) -> list[str]:
    """What is wrong with the fabric's routing table by itself, one sentence each; [] if nothing is.

    Whether the flows of a program arrive is another question.
    """
    table, chip = fabric.table, fabric.chip
    if table is None:
        return []
    columns = (table.router, table.goal, table.port, table.vc)
    if any(np.asarray(c).ndim != 1 or np.asarray(c).dtype.kind not in "iu" for c in columns):
        return ["the table's parts are not rows of whole numbers"]
    if len({len(c) for c in columns}) > 1:
        return ["the table's parts differ in length"]
    limit = chip.router.table_entries
    if limit is None:
        return [f"chip '{chip.name}' has routers without tables"] if table.n else []
    problems = []
    for name, values, end in (
        ("router", table.router, fabric.n_routers), ("destination tile", table.goal, fabric.n_routers),
        ("port", table.port, ports.LOCAL), ("virtual channel", table.vc, fabric.n_vcs),
    ):  # fmt: skip
        low = routing.BY_POLICY if name == "virtual channel" else 0
        for e in np.flatnonzero((values < low) | (values >= end)).tolist():
            problems.append(f"entry {e} names {name} {values[e]}; there are {low} to {end - 1}")
    return problems or _entry_problems(fabric, table, limit)


def _entry_problems(fabric: Fabric, table: RouteTable, limit: int) -> list[str]:
    """As :func:`table_problems`, of a table whose numbers are all in range."""
    problems = []
    key = table.router * fabric.n_routers + table.goal
    for e in (np.flatnonzero(np.diff(key) <= 0) + 1).tolist():
        problems.append(f"entry {e} ({_entry(fabric, table, e)}) does not ascend from the one before it")
    for e in np.flatnonzero(table.router == table.goal).tolist():
        problems.append(f"entry {e} ({_entry(fabric, table, e)}) is for the router's own tile")
    for e in np.flatnonzero(fabric.target[table.router, table.port] < 0).tolist():
        place = fabric.describe(int(table.router[e]), int(table.port[e]))
        entry = _entry(fabric, table, e)
        problems.append(f"entry {e} ({entry}) leads to {place}, behind which there is no router")
    counts = np.bincount(table.router, minlength=fabric.n_routers)
    for router in np.flatnonzero(counts > limit).tolist():
        place = _place(fabric, router)
        problems.append(f"{place} has {counts[router]} entries, router.table_entries is {limit}")
    return problems


def _entry(fabric: Fabric, table: RouteTable, e: int) -> str:
    x, y = fabric.xy(int(table.goal[e]))
    return f"{_place(fabric, int(table.router[e]))} to tile ({x},{y})"


def _place(fabric: Fabric, router: int) -> str:
    x, y = fabric.xy(router)
    return f"router ({x},{y})"


def _lost(fabric: Fabric, source: int, target: int, n_lost: int) -> MismatchError:
    """The first flow that does not arrive, and how far it comes."""
    steps = fabric.walk(source, target)
    router, _, _, port, _ = steps[-1]
    routers = [step[0] for step in steps]
    after = int(fabric.target[router, port])
    if after >= 0:  # a walk as long as there are routers, and no end
        routers.append(after)
        twice = next(k for k, r in enumerate(routers) if r in routers[:k])
        routers = routers[: twice + 1]
        what = f"comes to {_place(fabric, routers[-1])} again and again"
    else:
        what = f"is led to {fabric.describe(router, port)}, behind which there is nothing"
    names = [f"({x},{y})" for x, y in map(fabric.xy, routers)]
    way = " ".join(names if len(names) <= HOPS_SHOWN else ["...", *names[-HOPS_SHOWN:]])
    more = f"; {n_lost} flows in all do not arrive" if n_lost > 1 else ""
    ends = ["the host" if core == HOST else f"core {core}" for core in (source, target)]
    goal = fabric.xy(fabric.tile_of(target))
    return MismatchError(
        f"packets from {ends[0]} to {ends[1]} do not arrive",
        code="route-lost",
        where=f"{_place(fabric, routers[-1])}, to tile ({goal[0]},{goal[1]})",
        expected="a way over links that work",
        got=f"a packet {what}; its way: {way}{more}",
        hint="map the network for this very chip"
        + ("" if fabric.chip.router.table_entries else "; router.table_entries lets it go round dead links"),
    )
