"""Named figures of a mapping, each with its formula; expected packets come from the given activity.

Reads the artefacts and a fabric; writes a dictionary of numbers and the loads of all links.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from mapper.capacity import RESOURCES, core_kinds
from mapper.place.distance import CHUNK
from neurosim.artefacts.mapping import HOST, Partition, Placement, Routes
from neurosim.artefacts.program import Program, TargetTable
from neurosim.chip.models import Chip
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.fabric.walks import Walker
from neurosim.rules.ports import LOCAL

FloatArray = NDArray[np.float64]


def mapping_metrics(
    chip: Chip, partition: Partition, placement: Placement, routes: Routes, program: Program
) -> dict[str, float]:
    """All figures of a mapping.

    * ``cores_used``: clusters; ``cores_available``: neuron cores of the chip.
    * ``packets``: sum over flows of expected packets per sample, host flows included.
    * ``hops``: sum over flows of packets x routers entered; ``flit_hops``: hops x flits per packet.
    * ``mean_hops``: hops / packets.
    * ``chip_crossings``: sum over flows of packets x links between chips on the way.
    * ``busiest_link_packets``: largest sum of packets over a link between routers or from a router to
      the host (XY or whatever the fabric's routing is; unicast).
    * ``busiest_core_packets_in`` / ``_out``: largest sum over the flows into / out of a core.
    * ``connectivity_km1``: sum over neurons of (cores that hold the neuron or one of its axons, the
      host counting as the home of inputs) - 1; packets to the host are not counted.
    * ``target_entries``: entries of all target tables, the host's included.
    * ``<resource>_max`` and ``<resource>_mean``: share of the own core's capacity that is used, the
      largest and the mean over the cores used.
    """
    fabric = build_fabric(chip)
    loads = link_loads(fabric, routes)
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
    out.update(_utilisation(chip, partition, placement))
    return out


def link_loads(fabric: Fabric, routes: Routes) -> FloatArray:
    """(routers, ports) expected packets per sample through every output port."""
    loads = np.zeros(fabric.n_routers * fabric.n_ports)
    for first in range(0, len(routes.source), CHUNK):
        part = slice(first, first + CHUNK)
        goals, goal = np.unique(routes.target[part], return_inverse=True)
        walker = Walker(fabric, goals)
        heads, packets = walker.start(routes.source[part], goal.astype(np.int64)), routes.packets[part]
        while packets.size:
            channel, after, goes_on = walker.advance(heads)
            loads += np.bincount(channel // fabric.n_vcs, weights=packets, minlength=len(loads))
            heads, packets = after.pick(goes_on), packets[goes_on]
    return loads.reshape(fabric.n_routers, fabric.n_ports)


def busiest_link(fabric: Fabric, loads: FloatArray) -> str:
    """The busiest link between routers (or to the host), for messages."""
    links = loads[:, :LOCAL]
    router, port = divmod(int(np.argmax(links)), links.shape[1])
    return fabric.describe(router, port)


def _busiest(core: NDArray[np.int64], packets: FloatArray) -> float:
    inside = core != HOST
    return float(np.bincount(core[inside], weights=packets[inside]).max(initial=0.0))


def _utilisation(chip: Chip, partition: Partition, placement: Placement) -> dict[str, float]:
    limit = {core: kind.limit for kind in core_kinds(chip) for core in kind.cores}
    out = {}
    for resource in RESOURCES:
        shares = [
            getattr(cluster.demand, resource) / max(1, getattr(limit[core], resource))
            for cluster, core in zip(partition.clusters, placement.core.tolist(), strict=True)
        ]
        out[f"{resource}_max"] = max(shares, default=0.0)
        out[f"{resource}_mean"] = sum(shares) / len(shares) if shares else 0.0
    return out


def _tables(program: Program) -> list[tuple[int, TargetTable]]:
    return [(HOST, program.host), *((c.core, c.targets) for c in program.cores)]


def _km1(program: Program) -> int:
    total = 0
    for home, table in _tables(program):
        neuron = np.repeat(np.arange(len(table.pointer) - 1), np.diff(table.pointer))
        away = (table.core != home) & (table.core != HOST)
        total += len(np.unique(np.stack([neuron[away], table.core[away]]), axis=1).T)
    return total
