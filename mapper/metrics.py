"""Named figures of a mapping, each with its formula; expected packets come from the given activity.

Reads the artefacts and a fabric; writes a dictionary of numbers and the loads of all links.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from mapper.anatomy import Anatomy
from mapper.capacity import RESOURCES, core_kinds
from mapper.place.distance import CHUNK
from mapper.split import Spikes
from mapper.tables.traffic import spread, traffic
from neurosim.artefacts.mapping import HOST, Partition, Placement, Routes
from neurosim.artefacts.program import Program, TargetTable
from neurosim.artefacts.tree_table import FIRST_TREE
from neurosim.chip.models import Chip
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.fabric.trees import walk
from neurosim.fabric.walks import Walker
from neurosim.rules.ports import LOCAL

if TYPE_CHECKING:
    from mapper.compile import Mapping
    from mapper.objectives import Nets

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def mapping_metrics(
    chip: Chip, partition: Partition, placement: Placement, routes: Routes, program: Program,
    loads: FloatArray | None = None, spikes: Spikes | None = None,
) -> dict[str, float]:  # fmt: skip
    """All figures of a mapping; ``loads`` are :func:`program_loads`, for callers that have them.

    For a program with trees either these or ``spikes`` (expected, by population) must be given.

    * ``cores_used``: clusters; ``cores_available``: neuron cores of the chip.
    * ``packets``: sum over flows of expected packets per sample, host flows included.
    * ``hops``: sum over flows of packets x routers entered; ``flit_hops``: hops x flits per packet.
    * ``mean_hops``: hops / packets.
    * ``chip_crossings``: sum over links between chips of packets.
    * ``busiest_link_packets``: largest sum of packets over a link between routers or from a router to
      the host, on the ways that they take (with detours and trees); the link from the host is left out.
    * ``busiest_core_packets_in`` / ``_out``: largest sum over the flows into / out of a core.
    * ``connectivity_km1``: sum over neurons of (cores that hold the neuron or one of its axons, the
      host counting as the home of inputs) - 1; packets to the host are not counted.
    * ``target_entries``: entries of all target tables, the host's included.
    * ``route_entries``, ``route_entries_max``: entries of all routers' routing tables, and of the fullest;
      only of chips that have such tables.
    * ``trees``, ``multicast_entries``, ``multicast_entries_max``: trees, their entries in all routers and
      in the fullest; ``traversals``: packets through output ports of routers, which would be ``hops``
      without trees; only of chips with multicast.
    * ``<resource>_max`` and ``<resource>_mean``: share of the own core's capacity that is used, the
      largest and the mean over the cores used; target entries are those of the program's tables.
    """
    fabric = build_fabric(chip, table=routes.table)
    loads = program_loads(fabric, routes, program, spikes) if loads is None else loads
    packets = float(routes.packets.sum())
    hops = float((routes.packets * routes.hops).sum())
    out = {
        "cores_used": float(len(partition.clusters)),
        "cores_available": float(sum(len(kind.cores) for kind in core_kinds(chip))),
        "packets": packets,
        "hops": hops,
        "flit_hops": hops * chip.packet.flits,
        "mean_hops": hops / packets if packets else 0.0,
        "chip_crossings": float(loads[fabric.crosses].sum()),
        "busiest_link_packets": float(loads[:, :LOCAL].max(initial=0.0)),
        "busiest_core_packets_in": _busiest(routes.target, routes.packets),
        "busiest_core_packets_out": _busiest(routes.source, routes.packets),
        "connectivity_km1": float(_km1(program)),
        "target_entries": float(sum(len(t.core) for _, t in _tables(program))),
    }
    if chip.router.table_entries is not None:
        held = np.bincount(routes.table.router, minlength=1) if routes.table is not None else np.zeros(1)
        out |= {"route_entries": float(held.sum()), "route_entries_max": float(held.max())}
    if chip.router.multicast_entries is not None:
        trees = program.trees
        held = np.bincount(trees.router, minlength=1) if trees is not None else np.zeros(1)
        out |= {
            "trees": float(0 if trees is None else trees.n_trees), "multicast_entries": float(held.sum()),
            "multicast_entries_max": float(held.max()), "traversals": float(loads.sum()),
        }  # fmt: skip
    out.update(_utilisation(chip, partition, placement, program))
    return out


FORMULAS = {
    "cores_used": "clusters",
    "cores_available": "neuron cores that work",
    "packets": "sum over flows of packets per sample, the host's included",
    "hops": "sum over flows of packets x routers entered",
    "flit_hops": "hops x flits per packet",
    "mean_hops": "hops / packets",
    "mean_links": "spike_hops / packets between different cores",
    "chip_crossings": "sum over links between chips of packets",
    "busiest_link_packets": "largest packets over a link between routers or from one to the host, on routes "
    "and trees; the link from the host is left out",
    "busiest_core_packets_in": "largest packets into a core",
    "busiest_core_packets_out": "largest packets out of a core",
    "connectivity_km1": "sum over neurons of (cores that hold it or an axon of it) - 1",
    "target_entries": "entries of all target tables, the host's included",
    "route_entries": "entries of all routers' routing tables",
    "route_entries_max": "routing table entries of the fullest router",
    "trees": "multicast trees",
    "multicast_entries": "entries of all routers' multicast tables",
    "multicast_entries_max": "multicast entries of the fullest router",
    "traversals": "packets through output ports of routers, one per branch of a tree; without trees: hops",
    "km1": "sum over nets of packets x (cores of the net - 1)",
    "cut_net": "sum over nets of packets, if the net leaves its core",
    "spike_hops": "sum over flows of packets x links on their routes (unicast, HOST at its router)",
    "tree_hops": "sum over links of packets on the mapping's trees and routes; of mappings without trees: "
    "sum over nets of packets x links in the union of their X-then-Y routes",
    "busiest_link": "largest packets over a link between routers, on their routes (unicast)",
    "jin_energy": "sum w [d (E_r + E_w) + E_w], E_r 1, E_w 0.1 (Jin et al. 2023, as coded)",
    "jin_latency_mean": "mean over edges of d (L_r + L_w) + L_w, L_r 1, L_w 0.01",
    "jin_latency_max": "largest d (L_r + L_w) + L_w",
    "jin_congestion_mean": "sum w d / (2 W H - W - H)",
    "jin_congestion_max": "largest load of a link, edges spread over their bounding box",
    "ronzani_energy": "sum w [(d + 1) E_r + d E_w] (Ronzani and Silvano 2026)",
    "ronzani_latency_mean": "mean over packets of (d + 1) L_r + d L_w",
    "ronzani_latency_max": "largest (d + 1) L_r + d L_w",
    "ronzani_congestion_mean": "mean packets through a core over random minimal paths",
    "ronzani_congestion_max": "largest packets through a core over random minimal paths",
    "table_entries_max": "target entries of the fullest core",
    "table_entries_mean": "target entries per core used",
    "least_busiest_link": "linear bound: the least busiest link that X-then-Y or Y-then-X per flow allows",
}
"""What every figure is, in one line; ``<resource>_max`` and ``_mean`` are shares of a core's capacity."""


def formula(name: str) -> str:
    """The line of :data:`FORMULAS`, or of a resource's utilisation."""
    if name in FORMULAS:
        return FORMULAS[name]
    resource, _, kind = name.rpartition("_")
    text = resource.replace("_", " ")
    return f"{'largest' if kind == 'max' else 'mean'} share of a core's {text} that is used"


def all_metrics(chip: Chip, mapping: Mapping, loads: FloatArray | None = None) -> dict[str, float]:
    """:func:`mapping_metrics` and all figures by which mappers are compared in the literature.

    Nets are neurons of one core with the same target cores; packets are the expected ones.  A flow between
    cores of one tile has no links.  What would take too long to count is left out.
    """
    from mapper.objectives import cluster_nets, placement_figures, tree_hops
    from mapper.route.choice import least_busiest_link

    routes, fabric = mapping.routes, build_fabric(chip, table=mapping.routes.table)
    loads = program_loads(fabric, routes, mapping.program, mapping.spikes) if loads is None else loads
    out = mapping_metrics(chip, mapping.partition, mapping.placement, routes, mapping.program, loads)
    nets = cluster_nets(Anatomy(mapping.network, dict(mapping.spikes)), mapping.partition.clusters)
    size = np.diff(nets.pointer) - np.bincount(_net_of(nets)[nets.pins == nets.n], minlength=len(nets.flow))
    out["km1"] = float((nets.flow * size).sum())
    out["cut_net"] = float(nets.flow[size > 0].sum())
    place = np.append(mapping.placement.core, HOST)
    tile = np.array([fabric.tile_of(int(core)) for core in place], np.int64)
    out["tree_hops"] = tree_hops(nets, tile % fabric.width, tile // fabric.width)
    if mapping.program.trees is not None:
        out["tree_hops"] = _between_routers(fabric, loads).sum()
    a, b = (np.where(e == HOST, fabric.n_cores, e) for e in (routes.source, routes.target))
    tiles = np.append(np.arange(fabric.n_cores) // chip.mesh.cores_per_tile, fabric.tile_of(HOST))
    x, y = tiles % fabric.width, tiles // fabric.width
    figures = placement_figures(a, b, routes.packets, x, y, fabric.width, fabric.height)
    alone = loads if mapping.program.trees is None else link_loads(fabric, routes)
    figures |= _on_routes(fabric, routes, alone)
    assert out.keys().isdisjoint(figures)
    out.update(figures)
    entries = [len(core.targets.core) for core in mapping.program.cores]
    out["table_entries_max"] = float(max(entries, default=0))
    out["table_entries_mean"] = float(np.mean(entries)) if entries else 0.0
    bound = least_busiest_link(fabric, routes)
    if bound is not None:
        out["least_busiest_link"] = bound
    return out


def _net_of(nets: Nets) -> NDArray[np.int64]:
    """The net of every pin."""
    return np.repeat(np.arange(len(nets.flow)), np.diff(nets.pointer))


def _between_routers(fabric: Fabric, loads: FloatArray) -> FloatArray:
    """The loads of links between routers."""
    return loads[fabric.target >= 0]


def _on_routes(fabric: Fabric, routes: Routes, loads: FloatArray) -> dict[str, float]:
    """The figures of unicast links as they are routed, detours included; ``loads`` are unicast too."""
    links = _between_routers(fabric, loads)
    packets = float(routes.packets[routes.source != routes.target].sum())
    hops = float((routes.packets * (routes.hops - 1)).sum())
    return {
        "spike_hops": hops, "mean_links": hops / packets if packets else 0.0,
        "busiest_link": float(links.max(initial=0.0)),
    }  # fmt: skip


def link_loads(fabric: Fabric, routes: Routes) -> FloatArray:
    """(routers, ports) expected packets per sample through every output port, each flow by itself."""
    return _loads(fabric, routes.source, routes.target, routes.packets)


def program_loads(
    fabric: Fabric, routes: Routes, program: Program, spikes: Spikes | None = None
) -> FloatArray:
    """As :func:`link_loads`, of what the program sends: its trees carry one packet for all their leaves.

    Raises:
        ValueError: the program has trees, and no expected spikes are given.
    """
    if program.trees is None:
        return link_loads(fabric, routes)
    if spikes is None:
        raise ValueError("the loads of a program with trees need the expected spikes")
    fabric, sent = replace(fabric, trees=program.trees), traffic(program, spikes)
    single = sent.target >= HOST
    loads = _loads(fabric, sent.source[single], sent.target[single], sent.packets[single])
    columns = (sent.source[~single], FIRST_TREE - sent.target[~single], sent.packets[~single])
    for source, tree, packets in zip(*(c.tolist() for c in columns), strict=True):
        for hop in walk(fabric, source, tree):
            loads[hop.router, hop.out_port] += packets
    return loads


def _loads(fabric: Fabric, sources: IntArray, targets: IntArray, flow: FloatArray) -> FloatArray:
    loads = np.zeros(fabric.n_routers * fabric.n_ports)
    for first in range(0, len(sources), CHUNK):
        part = slice(first, first + CHUNK)
        goals, goal = np.unique(targets[part], return_inverse=True)
        walker = Walker(fabric, goals)
        heads, packets = walker.start(sources[part], goal.astype(np.int64)), flow[part]
        while packets.size:
            channel, after, goes_on = walker.advance(heads)
            loads += np.bincount(channel // fabric.n_vcs, weights=packets, minlength=len(loads))
            heads, packets = after.pick(goes_on), packets[goes_on]
    return loads.reshape(fabric.n_routers, fabric.n_ports)


def busiest_link(fabric: Fabric, loads: FloatArray) -> str:
    """The busiest link between routers or to the host (that from the host is left out), for messages."""
    links = loads[:, :LOCAL]
    router, port = divmod(int(np.argmax(links)), links.shape[1])
    return fabric.describe(router, port)


def _busiest(core: NDArray[np.int64], packets: FloatArray) -> float:
    inside = core != HOST
    return float(np.bincount(core[inside], weights=packets[inside]).max(initial=0.0))


def _utilisation(
    chip: Chip, partition: Partition, placement: Placement, program: Program
) -> dict[str, float]:
    limit = {core: kind.limit for kind in core_kinds(chip) for core in kind.cores}
    entries = {image.core: len(image.targets.core) for image in program.cores}
    used = [  # demands are from before there are trees, which make tables shorter
        (core, replace(cluster.demand, target_entries=entries[core]))
        for cluster, core in zip(partition.clusters, placement.core.tolist(), strict=True)
    ]
    out = {}
    for resource in RESOURCES:
        shares = [
            getattr(demand, resource) / max(1, getattr(limit[core], resource)) for core, demand in used
        ]
        out[f"{resource}_max"] = max(shares, default=0.0)
        out[f"{resource}_mean"] = sum(shares) / len(shares) if shares else 0.0
    return out


def _tables(program: Program) -> list[tuple[int, TargetTable]]:
    return [(HOST, program.host), *((c.core, c.targets) for c in program.cores)]


def _km1(program: Program) -> int:
    total = 0
    for home, sent in _tables(program):
        table = spread(sent, program.trees)
        neuron = np.repeat(np.arange(len(table.pointer) - 1), np.diff(table.pointer))
        away = (table.core != home) & (table.core != HOST)
        key = neuron[away] * (int(table.core.max(initial=0)) + 1) + table.core[away]
        step = np.diff(key, prepend=-1)  # entries lie in order of neuron and core
        total += int(np.count_nonzero(step)) if (step >= 0).all() else len(np.unique(key))
    return total
