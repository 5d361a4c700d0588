"""What a placement costs: every figure by name and formula, for clusters on a grid of cores.

Reads flows between clusters (or nets, where a neuron's copies share links) and coordinates in hops; writes
numbers.  With ``w`` the packets of an edge, ``d`` the hops between its ends, ``W``, ``H`` the grid's sides:

* ``spike_hops`` = sum w d (one packet per target);
* ``tree_hops`` = sum over nets of f x links in the union of the net's X-then-Y routes (one packet per link);
* ``mean_links`` = spike_hops / sum w;
* ``busiest_link`` = largest sum of w over a link, packets going along their row first, then their column;
* ``jin_energy`` = sum w [d (E_r + E_w) + E_w], E_r = 1 and E_w = 0.1;
* ``jin_latency_mean``, ``_max`` = d (L_r + L_w) + L_w over edges, unweighted, L_r = 1 and L_w = 0.01;
* ``jin_congestion_mean`` = sum w d / (2 W H - W - H); ``_max`` = largest load of a link if every edge spreads
  evenly over the rows (columns) of its bounding box: w / (dy + 1) on its rows, w / (dx + 1) on its columns;
* ``ronzani_energy`` = sum w [(d + 1) E_r + d E_w]; ``ronzani_latency_mean`` = the same with L, by packets,
  ``_max`` over edges;
* ``ronzani_congestion_mean``, ``_max`` = packets through a core, mean over all cores and largest, if a packet
  takes a random minimal path (half and half at every step where both axes are left).

Jin et al., ASPLOS 2023 (DOI 10.1145/3582016.3582038), as its authors' code has them (github.com/Jinouwen/
mapping_cpp); Ronzani and Silvano, arXiv 2601.16118, with Jin's constants.  The two energies and latencies
differ by a constant only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from mapper.route.flows import cluster_of_neurons, senders_into
from neurosim.artefacts.mapping import Cluster

IntArray = NDArray[np.int64]
FloatArray = NDArray[np.float64]
ROUTER_ENERGY, WIRE_ENERGY = 1.0, 0.1
ROUTER_LATENCY, WIRE_LATENCY = 1.0, 0.01
CONGESTION_STEPS = 50_000_000  # edges times links of their boxes up to which congestion is counted


@dataclass(frozen=True)
class Nets:
    """Multicast nets among ``n`` clusters and the host (number ``n``).

    Net ``k`` carries ``flow[k]`` packets per sample from ``source[k]`` to the clusters
    ``pins[pointer[k]:pointer[k + 1]]``, ascending, the source not among them.
    """

    n: int
    source: IntArray
    pointer: IntArray
    pins: IntArray
    flow: FloatArray


def cluster_nets(anatomy: Anatomy, clusters: Sequence[Cluster]) -> Nets:
    """The nets of a partition: neurons of one cluster with the same target clusters share a net."""
    n = len(clusters)
    home = cluster_of_neurons(anatomy, clusters)
    names = [p.name for p in anatomy.network.populations]
    sizes = [p.n for p in anatomy.network.populations]
    first = dict(zip(names, np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist(), strict=True))
    neurons, targets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for number, cluster in enumerate(clusters):
        for name, senders in senders_into(anatomy, cluster):
            neurons.append(senders + first[name])
            targets.append(np.full(len(senders), number, np.int64))
    for name in anatomy.network.outputs:
        if capacity.host_entries(anatomy.network, name):
            neurons.append(np.arange(anatomy.network.population(name).n) + first[name])
            targets.append(np.full(len(neurons[-1]), n, np.int64))
    at = np.concatenate([home[name] for name in names])
    spikes = np.concatenate([anatomy.spikes[name] for name in names])
    return _grouped(n, np.concatenate(neurons), np.concatenate(targets), at, spikes)


def _grouped(n: int, neuron: IntArray, target: IntArray, home: IntArray, spikes: FloatArray) -> Nets:
    key = np.unique(neuron * (n + 1) + target)
    neuron, target = np.divmod(key, n + 1)
    away = home[neuron] != target
    neuron, target = neuron[away], target[away]
    owners, start = np.unique(neuron, return_index=True)
    ends = np.append(start[1:], len(neuron))
    flows: dict[tuple[int, bytes], float] = {}
    for owner, a, b in zip(owners.tolist(), start.tolist(), ends.tolist(), strict=True):
        net = int(home[owner]), target[a:b].tobytes()
        flows[net] = flows.get(net, 0.0) + float(spikes[owner])
    order = sorted(flows)
    pins = [np.frombuffer(data, np.int64) for _, data in order]
    lengths = np.array([len(p) for p in pins], np.int64)
    return Nets(
        n, np.array([s for s, _ in order], np.int64), np.append(0, np.cumsum(lengths)).astype(np.int64),
        np.concatenate([np.zeros(0, np.int64), *pins]), np.array([flows[net] for net in order], np.float64),
    )  # fmt: skip


def nets_of_pairs(n: int, source: IntArray, target: IntArray, flow: FloatArray) -> Nets:
    """One net per pair: nothing is shared."""
    real = (source != target) & (flow > 0)
    return Nets(n, source[real], np.arange(int(real.sum()) + 1), target[real], flow[real])


def placement_figures(
    source: IntArray, target: IntArray, flow: FloatArray, x: IntArray, y: IntArray, width: int, height: int
) -> dict[str, float]:
    """All figures but the trees', for clusters at ``(x, y)``; edges within a cluster do not count.

    Congestion is left out where counting it would take too long (CONGESTION_STEPS).
    """
    real = source != target
    source, target, flow = source[real], target[real], flow[real]
    dx, dy = np.abs(x[source] - x[target]), np.abs(y[source] - y[target])
    away, packets = dx + dy, float(flow.sum())
    hops, edges = float((flow * away).sum()), max(1, len(away))
    furthest = float(away.max(initial=0))
    jin_step, jin_wire = ROUTER_LATENCY + WIRE_LATENCY, WIRE_LATENCY
    out = {
        "spike_hops": hops,
        "mean_links": hops / packets if packets else 0.0,
        "busiest_link": float(xy_loads(source, target, flow, x, y, width, height).max(initial=0.0)),
        "jin_energy": hops * (ROUTER_ENERGY + WIRE_ENERGY) + packets * WIRE_ENERGY,
        "jin_latency_mean": float(away.sum()) / edges * jin_step + jin_wire,
        "jin_latency_max": furthest * jin_step + jin_wire,
        "jin_congestion_mean": hops / max(1, 2 * width * height - width - height),
        "ronzani_energy": hops * (ROUTER_ENERGY + WIRE_ENERGY) + packets * ROUTER_ENERGY,
        "ronzani_latency_mean": (hops / packets if packets else 0.0) * jin_step + ROUTER_LATENCY,
        "ronzani_latency_max": furthest * jin_step + ROUTER_LATENCY,
    }
    if int(((dx + 1) * (dy + 1)).sum()) <= CONGESTION_STEPS:
        from mapper.place.kernels import congestion

        places = (x.astype(np.int64), y.astype(np.int64))
        out["jin_congestion_max"] = float(congestion.by_box(source, target, flow, *places, width, height))
        cores = congestion.by_path(source, target, flow, *places, width, height)
        out["ronzani_congestion_mean"] = float(cores.mean())
        out["ronzani_congestion_max"] = float(cores.max())
    return out


def xy_loads(
    source: IntArray, target: IntArray, flow: FloatArray, x: IntArray, y: IntArray, width: int, height: int
) -> FloatArray:
    """(4, height, width) packets on the links to the east, north, west and south of each tile (X, then Y)."""
    ends = np.zeros((4, height + 1, width + 1))
    x0, y0, x1, y1 = x[source], y[source], x[target], y[target]
    for direction, along, other, start, stop in (
        (0, x1 > x0, y0, x0, x1), (2, x1 < x0, y0, x1 + 1, x0 + 1),
        (1, y1 > y0, x1, y0, y1), (3, y1 < y0, x1, y1 + 1, y0 + 1),
    ):  # fmt: skip
        for at, sign in ((start, 1.0), (stop, -1.0)):
            row, column = (other, at) if direction in (0, 2) else (at, other)
            np.add.at(ends[direction], (row[along], column[along]), sign * flow[along])
    ends[0::2] = np.cumsum(ends[0::2], axis=2)
    ends[1::2] = np.cumsum(ends[1::2], axis=1)
    return np.asarray(ends[:, :height, :width])


def tree_hops(nets: Nets, x: IntArray, y: IntArray) -> float:
    """Sum over nets of flow x links in the union of their routes; ``x``, ``y`` (n + 1,), the host's last."""
    lengths = np.diff(nets.pointer)
    net = np.repeat(np.arange(len(lengths)), lengths)
    here_x, here_y = x[nets.source], y[nets.source]
    px, py = x[nets.pins], y[nets.pins]
    total = np.zeros(len(lengths))
    if not len(net):
        return 0.0
    starts = nets.pointer[:-1][lengths > 0]
    some = lengths > 0
    high = np.maximum(np.maximum.reduceat(px, starts), here_x[some])
    low = np.minimum(np.minimum.reduceat(px, starts), here_x[some])
    total[some] += high - low
    order = np.lexsort((px, net))
    net, px, py = net[order], px[order], py[order]
    first = np.flatnonzero((np.diff(net, prepend=-1) != 0) | (np.diff(px, prepend=-1) != 0))
    owner = net[first]
    top = np.maximum(np.maximum.reduceat(py, first), here_y[owner])
    bottom = np.minimum(np.minimum.reduceat(py, first), here_y[owner])
    total += np.bincount(owner, top - bottom, len(total))
    return float((nets.flow * total).sum())
