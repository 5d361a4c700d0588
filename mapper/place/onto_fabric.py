"""From a partition, its flows and a fabric to a :class:`~mapper.place.grid.GridProblem`, at any size.

Nothing here is as large as clusters times cores.  Where the fabric's routing is no sum over two axes (routes
through gateways, or rings over several chips), a table of distances serves up to TABLE_POSITIONS cores and
stretched coordinates stand in beyond; the cost reported is the fabric's own in any case.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.place import distance
from mapper.place.base import FloatArray, IntArray
from mapper.place.grid import NO_LIMIT, GridProblem, graph_of
from mapper.place.positions import positions
from mapper.route.flows import Flows
from neurosim.artefacts.mapping import HOST, Cluster, Partition
from neurosim.fabric.topology import Fabric
from neurosim.rules import routing
from neurosim.rules.ports import EAST, NORTH, SOUTH, WEST

TABLE_POSITIONS = 1024
PLAIN = ("xy", "yx")


def on_fabric(
    partition: Partition, flows: Flows, fabric: Fabric, seed: int
) -> tuple[GridProblem, IntArray, bool]:
    """The problem, the core number of each of its positions, and whether its costs are the fabric's own."""
    kinds = capacity.core_kinds(fabric.chip)
    core = positions(fabric, kinds, len(partition.clusters))
    tile = core // fabric.chip.mesh.cores_per_tile
    x, y = tile % fabric.width, tile // fabric.width
    reach = fabric.chip.reach
    limits = [NO_LIMIT if hops is None else hops for hops in (reach.x_hops, reach.y_hops)]
    has_reach = min(limits) < NO_LIMIT
    n, inner = flows.n, (flows.source < flows.n) & (flows.target < flows.n)
    graph = graph_of(n, flows.source[inner], flows.target[inner], flows.spikes[inner], has_reach)
    far_x, far_y, rings, exact = axes(fabric)
    table = np.zeros((0, 0), np.int32)
    if not exact and len(core) <= TABLE_POSITIONS:
        tiles, index = np.unique(tile, return_inverse=True)
        apart = distance.tile_distances(fabric, tiles)
        table = ((apart + apart.T + 1) // 2)[np.ix_(index, index)].astype(np.int32)
    kind, fits = _kinds(partition, flows, fabric, core)
    torus = fabric.chip.mesh.topology == "torus"
    tile_rings = (fabric.width, fabric.height) if torus else (0, 0)
    place = np.stack([far_x[x], far_y[y], x, y], axis=1).astype(np.int32)
    away = _host_by_axes(fabric, place, (far_x, far_y), rings) if exact else _host_walked(fabric, tile)
    problem = GridProblem(
        graph=graph,
        place=place,
        width=fabric.width,
        host=(*_host_flows(flows), *away),
        kind=kind,
        fits=fits,
        table=table,
        rules=np.array([*rings, *tile_rings, *limits], np.int64),
        seed=seed,
        fold=fold_of(partition.clusters),
    )
    return problem, core, exact


def axes(fabric: Fabric) -> tuple[IntArray, IntArray, tuple[int, int], bool]:
    """(x of columns, y of rows) in hop equivalents, ring lengths (0: none), whether they add up to distances.

    They do if every row's and every column's links weigh the same both ways and routing follows the axes.
    """
    weight = distance.link_weights(fabric).reshape(fabric.height, fabric.width, -1)
    found, rings, alike = [], [], True
    for there, back, along in ((EAST, WEST, weight), (NORTH, SOUTH, weight.transpose(1, 0, 2))):
        ahead = along[:, :, there].max(axis=0, initial=0)
        ring = fabric.chip.mesh.topology == "torus" and along.shape[1] > 1
        alike &= bool((along[:, :, there] == ahead).all())
        alike &= bool((np.roll(along[:, :, back], -1, axis=1) == ahead).all())
        if ring:
            alike &= bool((ahead == ahead[0]).all())
        found.append(np.concatenate([[0], np.cumsum(np.maximum(ahead[:-1], 1))]).astype(np.int64))
        rings.append(int(np.maximum(ahead, 1).sum()) if ring else 0)
    name = routing.ROUTING_NAMES[fabric.routing]
    follows = name in PLAIN if max(rings) == 0 else name == "torus_xy"
    return found[0], found[1], (rings[0], rings[1]), alike and follows


def _host_flows(flows: Flows) -> tuple[FloatArray, FloatArray]:
    """Packets from the host to each cluster, and from each to it."""
    n = flows.n
    outward, inward = (flows.source == n) & (flows.target < n), (flows.target == n) & (flows.source < n)
    out = np.bincount(flows.target[outward], flows.spikes[outward], n)
    back = np.bincount(flows.source[inward], flows.spikes[inward], n)
    return out.astype(np.float64), back.astype(np.float64)


def _host_by_axes(
    fabric: Fabric, place: NDArray[np.int32], far: tuple[IntArray, IntArray], rings: tuple[int, int]
) -> tuple[FloatArray, FloatArray]:
    """Distances from and to the host, where axes add up."""
    total = np.zeros(len(place))
    host = fabric.xy(fabric.tile_of(HOST))
    for axis, (at, coordinates, ring) in enumerate(zip(host, far, rings, strict=True)):
        gap = np.abs(place[:, axis].astype(np.float64) - float(coordinates[at]))
        total += np.minimum(gap, ring - gap) if ring else gap
    return total, total


def _host_walked(fabric: Fabric, tile: IntArray) -> tuple[FloatArray, FloatArray]:
    """Distances from and to the host, as packets walk them."""
    tiles, index = np.unique(tile, return_inverse=True)
    from_host, to_host = distance.host_distances(fabric, tiles)
    return from_host[index].astype(np.float64), to_host[index].astype(np.float64)


def _kinds(
    partition: Partition, flows: Flows, fabric: Fabric, core: IntArray
) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Kinds of positions: the core's capacity, and whether the host reaches it and is reached."""
    kinds = capacity.core_kinds(fabric.chip)
    of_core = np.zeros(fabric.n_routers * fabric.chip.mesh.cores_per_tile, np.int64)
    for number, kind in enumerate(kinds):
        of_core[np.array(kind.cores, np.int64)] = number
    tile, host = core // fabric.chip.mesh.cores_per_tile, np.array([fabric.tile_of(HOST)])
    hears = distance.reachable(fabric, host, tile)[0]
    tells = distance.reachable(fabric, tile, host)[:, 0]
    code, kind_of = np.unique(of_core[core] * 4 + hears * 2 + tells, return_inverse=True)
    n = flows.n
    from_host, to_host = np.zeros(n, np.bool_), np.zeros(n, np.bool_)
    from_host[flows.target[(flows.source == n) & (flows.target < n)]] = True
    to_host[flows.source[(flows.target == n) & (flows.source < n)]] = True
    fits = np.zeros((n, len(code)), np.bool_)
    able = [[capacity.fits(c.demand, kind.limit) for kind in kinds] for c in partition.clusters]
    holds = np.array(able, np.bool_).reshape(n, len(kinds))
    for column, value in enumerate(code.tolist()):
        number, hear, tell = value // 4, bool(value & 2), bool(value & 1)
        fits[:, column] = holds[:, number] & (hear | ~from_host) & (tell | ~to_host)
    return kind_of.astype(np.int16), fits


def fold_of(clusters: tuple[Cluster, ...]) -> FloatArray:
    """(n, 2) where each cluster's first slice lies in its population's map, 0 to 1 along x and y.

    Maps of one row are laid out along their channels, in a square.
    """
    extent: dict[str, tuple[int, int, int]] = {}
    for cluster in clusters:
        for piece in cluster.slices:
            c, y, x = extent.get(piece.population, (1, 1, 1))
            extent[piece.population] = (max(c, piece.c[1]), max(y, piece.y[1]), max(x, piece.x[1]))
    out = np.full((len(clusters), 2), 0.5)
    for number, cluster in enumerate(clusters):
        if not cluster.slices:
            continue
        piece = cluster.slices[0]
        c, y, x = extent[piece.population]
        if y * x > 1:
            out[number] = sum(piece.x) / 2 / x, sum(piece.y) / 2 / y
        else:
            along = sum(piece.c) / 2 / c
            rows = max(1, round(len(clusters) ** 0.25))
            out[number] = along * rows % 1.0, (int(along * rows) + 0.5) / rows
    return out
