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
    """The nets of a partition: neurons of one cluster with the same target clusters share a net.

    Target sets are told apart by sums of 64 random bits per cluster, so that none has to be written down for
    every neuron; two of one cluster are mixed up with a probability below its pairs of neurons / 2**64.
    """
    n = len(clusters)
    home_of = cluster_of_neurons(anatomy, clusters)
    names = [p.name for p in anatomy.network.populations]
    sizes = [p.n for p in anatomy.network.populations]
    first = dict(zip(names, np.concatenate([[0], np.cumsum(sizes)[:-1]]).tolist(), strict=True))
    home = np.concatenate([home_of[name] for name in names])
    mark = np.random.Generator(np.random.PCG64(0)).integers(1, 1 << 63, n + 1, np.uint64)
    seen = np.zeros(len(home), np.uint64)
    for target in range(n + 1):
        senders = _senders_to(anatomy, clusters, target, first, home)
        seen[senders] += mark[target]  # each sender once
    of_neuron, some = _alike(home, seen)
    spikes = np.concatenate([anatomy.spikes[name] for name in names])
    sending = of_neuron >= 0
    flow = np.bincount(of_neuron[sending], weights=spikes[sending], minlength=len(some))
    net_of = np.full(len(home), -1, np.int64)
    net_of[some] = np.arange(len(some))
    nets, targets = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for target in range(n + 1):
        net = net_of[_senders_to(anatomy, clusters, target, first, home)]
        nets.append(net[net >= 0])
        targets.append(np.full(len(nets[-1]), target, np.int64))
    return _sorted(n, home[some], np.concatenate(nets), np.concatenate(targets), np.asarray(flow, np.float64))


def _senders_to(
    anatomy: Anatomy, clusters: Sequence[Cluster], target: int, first: dict[str, int], home: IntArray
) -> IntArray:
    """Numbers of all neurons with packets for a cluster (or the host) that is not their own, each once."""
    network = anatomy.network
    if target < len(clusters):
        found = [senders + first[name] for name, senders in senders_into(anatomy, clusters[target])]
    else:
        outputs = [name for name in network.outputs if capacity.host_entries(network, name)]
        found = [np.arange(network.population(name).n) + first[name] for name in outputs]
    if not found:
        return np.zeros(0, np.int64)
    joined = np.unique(np.concatenate(found)) if len(found) > 1 else found[0]
    return np.asarray(joined[home[joined] != target])


def _alike(home: IntArray, seen: NDArray[np.uint64]) -> tuple[IntArray, IntArray]:
    """Of every neuron its net (-1: it sends nothing), and of every net its first neuron."""
    senders = np.flatnonzero(seen)
    order = senders[np.lexsort((senders, seen[senders], home[senders]))]
    new = np.diff(home[order], prepend=-1) != 0
    new[1:] |= seen[order][1:] != seen[order][:-1]
    of_neuron = np.full(len(home), -1, np.int64)
    of_neuron[order] = np.cumsum(new) - 1
    return of_neuron, order[new]


def _sorted(n: int, source: IntArray, net: IntArray, target: IntArray, flow: FloatArray) -> Nets:
    """Nets in order of their source and targets, from pairs (net, target)."""
    order = np.lexsort((target, net))
    pins, lengths = target[order], np.bincount(net, minlength=len(source))
    ends = np.cumsum(lengths).tolist()
    keys = [(int(s), pins[end - k : end].tobytes()) for s, end, k in zip(source, ends, lengths, strict=True)]
    ranked = sorted(range(len(keys)), key=keys.__getitem__)
    found = [np.frombuffer(keys[k][1], np.int64) for k in ranked]
    return Nets(
        n, source[ranked], np.append(0, np.cumsum(lengths[ranked])).astype(np.int64),
        np.concatenate([np.zeros(0, np.int64), *found]), flow[ranked],
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
