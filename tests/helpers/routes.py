"""Random routing tables: for some destinations every router follows a random tree, so all packets arrive."""

from __future__ import annotations

import numpy as np

from neurosim.artefacts.route_table import RouteTable, make_table
from neurosim.fabric.topology import Fabric
from neurosim.rules.ports import DIRECTION_NAMES, EAST, LOCAL, NORTH, OPPOSITE
from neurosim.rules.routing import BY_POLICY


def random_tree(fabric: Fabric, goal: int, rng: np.random.Generator) -> dict[int, int]:
    """Router -> output port of a random spanning tree to ``goal`` over the links that work."""
    port: dict[int, int] = {}
    reached = [goal]
    edges = [(goal, p) for p in range(LOCAL)]
    while edges:
        near, p = edges.pop(int(rng.integers(len(edges))))
        far = int(fabric.target[near, p])  # a link works both ways
        if far < 0 or far in reached:
            continue
        port[far] = OPPOSITE[p]
        reached.append(far)
        edges += [(far, q) for q in range(LOCAL)]
    return port


def spare_links(fabric: Fabric, seed: int) -> list[dict[str, int | str]]:
    """About half of the links that a random spanning tree does without, as ``defects.links`` names them."""
    rng = np.random.default_rng(seed)
    tree = {frozenset((r, int(fabric.target[r, p]))) for r, p in random_tree(fabric, 0, rng).items()}
    found: list[dict[str, int | str]] = []
    for router in range(fabric.n_routers):
        for port in (EAST, NORTH):
            after = int(fabric.target[router, port])
            if after >= 0 and frozenset((router, after)) not in tree and rng.random() < 0.5:
                x, y = fabric.xy(router)
                found.append({"x": x, "y": y, "side": DIRECTION_NAMES[port]})
    return found


def random_table(fabric: Fabric, seed: int, share: float = 0.5, fixed_vcs: bool = True) -> RouteTable:
    """Trees for a share of the destinations; a third of the entries fix the VC if ``fixed_vcs``."""
    rng = np.random.default_rng(seed)
    entries = {}
    for goal in range(fabric.n_routers):
        if rng.random() >= share:
            continue
        for router, port in random_tree(fabric, goal, rng).items():
            fixed = fixed_vcs and rng.random() < 0.34
            entries[router, goal] = (port, int(rng.integers(fabric.n_vcs)) if fixed else BY_POLICY)
    return make_table(entries)
