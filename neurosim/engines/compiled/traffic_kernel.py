"""Raw traffic, compiled: sources, sinks and the loop over cycles."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from neurosim.engines.compiled.network_kernel import (
    arrive_credit,
    arrive_flit,
    next_message,
    post_credit,
    post_flit,
    step_routers,
)

DONE, STALLED, CHECK, LIMIT = 0, 1, 2, 3


class Nodes(NamedTuple):
    """Sources and sinks; node = core number.  Packets are numbered by (cycle, input order)."""

    injection: int
    source: Any  # per packet
    cycle: Any  # per packet
    arrive: Any  # per packet
    order: Any  # packets sorted by source, then number
    first: Any  # per node: position in ``order`` of the next packet to send
    due: Any  # per node: position after the last packet that is due
    index: Any  # per node: next flit of that packet
    credits: Any
    busy: Any  # list of nodes with something to send
    n_busy: Any
    is_busy: Any
    progress: Any  # [0] now, [1] next packet to become due, [2] arrived


@njit(cache=True)
def _wake(nodes: Any, node: int) -> None:
    if nodes.is_busy[node] == 0:
        nodes.is_busy[node] = 1
        nodes.busy[nodes.n_busy[0]] = node
        nodes.n_busy[0] += 1


@njit(cache=True)
def _arrivals(net: Any, nodes: Any, now: int) -> None:
    slot = now & (net.wheel - 1)
    n = net.n_flits[slot]
    for k in range(n):
        to, flit = net.flit_to[slot, k], net.flit_what[slot, k]
        if to < net.n_channels:
            arrive_flit(net, to, flit, now)
        else:
            _sink(net, nodes, to, flit, now)
    net.n_flits[slot] = 0
    m = net.n_credits[slot]
    for k in range(m):
        to = net.credit_to[slot, k]
        if to < net.n_channels:
            arrive_credit(net, to)
        else:
            node = (to - net.n_channels) // net.vcs
            nodes.credits[node] += 1
            if nodes.first[node] < nodes.due[node]:
                _wake(nodes, node)
    net.n_credits[slot] = 0
    net.in_wheel[0] -= n + m


@njit(cache=True)
def _sink(net: Any, nodes: Any, to: int, flit: int, now: int) -> None:
    node = (to - net.n_channels) // net.vcs
    vc = to - net.n_channels - node * net.vcs
    packet = flit >> 4
    goal, port = net.goal[packet], net.exit_port[packet]
    link = goal * 8 + port
    post_credit(net, now + net.back_latency[link], link * net.vcs + vc)
    if (flit & 15) == net.flits - 1:
        nodes.arrive[packet] = now
        nodes.progress[2] += 1


@njit(cache=True)
def _make_due(nodes: Any, now: int) -> None:
    p = nodes.progress[1]
    while p < len(nodes.cycle) and nodes.cycle[p] <= now:
        node = nodes.source[p]
        nodes.due[node] += 1
        if nodes.credits[node] > 0:
            _wake(nodes, node)
        p += 1
    nodes.progress[1] = p


@njit(cache=True)
def _send(net: Any, nodes: Any, now: int) -> None:
    keep = 0
    for k in range(nodes.n_busy[0]):
        node = nodes.busy[k]
        if nodes.credits[node] > 0 and nodes.first[node] < nodes.due[node]:
            packet = nodes.order[nodes.first[node]]
            index = nodes.index[node]
            post_flit(net, now + nodes.injection, _port(net, node), packet * 16 + index)
            nodes.credits[node] -= 1
            if index == net.flits - 1:
                nodes.index[node] = 0
                nodes.first[node] += 1
            else:
                nodes.index[node] = index + 1
        if nodes.credits[node] > 0 and nodes.first[node] < nodes.due[node]:
            nodes.busy[keep] = node
            keep += 1
        else:
            nodes.is_busy[node] = 0
    nodes.n_busy[0] = keep


@njit(cache=True)
def _port(net: Any, node: int) -> int:
    """Input channel (VC 0) of the router that a core sends to."""
    per_tile = net.n_ports - 4
    router = node // per_tile
    return (router * 8 + 4 + node - router * per_tile) * net.vcs


@njit(cache=True)
def run(net: Any, nodes: Any, until: int, max_cycles: int) -> int:
    """Run cycles up to ``until`` (a check) or ``max_cycles``; returns DONE, STALLED, CHECK or LIMIT."""
    by_port = np.zeros(8, np.int64)
    chosen = np.zeros(8, np.int64)
    winners = np.zeros(8, np.int64)
    n_packets = len(nodes.cycle)
    now = nodes.progress[0]
    while nodes.progress[2] + net.dropped[0] < n_packets:
        upcoming = -1
        if net.n_active[0] or nodes.n_busy[0]:
            upcoming = now + 1
        else:
            upcoming = next_message(net, now)
            p = nodes.progress[1]
            if p < n_packets and (upcoming < 0 or nodes.cycle[p] < upcoming):
                upcoming = nodes.cycle[p]
        if upcoming < 0:
            return STALLED
        if upcoming > until:
            return CHECK
        if upcoming > max_cycles:
            return LIMIT
        now = upcoming
        nodes.progress[0] = now
        _arrivals(net, nodes, now)
        _make_due(nodes, now)
        _send(net, nodes, now)
        step_routers(net, now, by_port, chosen, winners)
    return DONE
