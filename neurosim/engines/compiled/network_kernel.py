"""The network's two phases, compiled: messages arrive, routers step.

The same rules, in the same order, as :mod:`neurosim.engines.reference.router`; only the bookkeeping
differs: requests are kept as bit masks that change when a FIFO's front changes, and a router is looked
at only while some requested output has a credit.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit

from neurosim.engines.compiled.jit import RULES
from neurosim.rules import arbiter

_pick = RULES.pick
_advance = RULES.advance
_output_port = RULES.output_port
_output_vc = RULES.output_vc
_ONE_WINNER = arbiter.ONE_WINNER_PER_ROUTER
_ONE = np.uint32(1)


@njit(cache=True)
def post_flit(net: Any, at: int, to: int, flit: int) -> None:
    """Put a flit on the wheel for cycle ``at``."""
    slot = at & (net.wheel - 1)
    n = net.n_flits[slot]
    net.flit_to[slot, n] = to
    net.flit_what[slot, n] = flit
    net.n_flits[slot] = n + 1
    net.in_wheel[0] += 1


@njit(cache=True)
def post_credit(net: Any, at: int, to: int) -> None:
    """Put a credit on the wheel for cycle ``at``."""
    slot = at & (net.wheel - 1)
    n = net.n_credits[slot]
    net.credit_to[slot, n] = to
    net.n_credits[slot] = n + 1
    net.in_wheel[0] += 1


@njit(cache=True)
def activate(net: Any, router: int) -> None:
    """Look at ``router`` in this cycle's STEP."""
    if net.is_active[router] == 0:
        net.is_active[router] = 1
        net.active[net.n_active[0]] = router
        net.n_active[0] += 1


@njit(cache=True)
def new_front(net: Any, router: int, local: int, now: int) -> None:
    """A flit came to the front of a channel: route a head, let a body follow."""
    v = net.vcs
    channel = router * 8 * v + local
    net.since[channel] = now
    flit = net.fifo[channel * net.ring + net.first[channel]]
    if flit & 15 == 0:
        packet = flit >> 4
        goal = net.goal[packet]
        port = _output_port(
            net.routing, net.x[router], net.y[router], net.x[goal], net.y[goal],
            net.exit_port[packet], net.chip_width, net.chip_height, net.width, net.height,
            net.gateway_row, net.gateway_column,
        )  # fmt: skip
        if v == 1:
            net.want[channel] = port
        else:
            link = router * 8 + port
            vc = _output_vc(
                net.vc_policy, local % v, local // v, port, net.crosses[link] != 0, net.wraps[link] != 0
            )
            net.want[channel] = port * v + vc
    out = net.want[channel]
    net.requests[router * 8 * v + out] |= _ONE << np.uint32(local)
    net.asked[router] |= _ONE << np.uint32(out)


@njit(cache=True)
def arrive_flit(net: Any, channel: int, flit: int, now: int) -> None:
    """A flit reaches an input channel of a router."""
    v = net.vcs
    router = channel // (8 * v)
    port = channel // v
    n = net.length[channel]
    net.fifo[channel * net.ring + ((net.first[channel] + n) & (net.ring - 1))] = flit
    net.length[channel] = n + 1
    net.held[port] += 1
    if net.held[port] > net.peak[port]:
        net.peak[port] = net.held[port]
    if n == 0:
        new_front(net, router, channel - router * 8 * v, now)
    activate(net, router)


@njit(cache=True)
def arrive_credit(net: Any, channel: int) -> None:
    """A credit reaches an output channel of a router."""
    v = net.vcs
    router = channel // (8 * v)
    bit = _ONE << np.uint32(channel - router * 8 * v)
    net.credits[channel] += 1
    net.credited[router] |= bit
    if net.asked[router] & bit:
        activate(net, router)


@njit(cache=True)
def pop(net: Any, router: int, local: int, now: int) -> int:
    """Take the front flit of a channel and send its slot's credit upstream."""
    v = net.vcs
    channel = router * 8 * v + local
    first = net.first[channel]
    flit = net.fifo[channel * net.ring + first]
    net.first[channel] = (first + 1) & (net.ring - 1)
    net.length[channel] -= 1
    out = net.want[channel]
    slot = router * 8 * v + out
    net.requests[slot] &= ~(_ONE << np.uint32(local))
    if net.requests[slot] == 0:
        net.asked[router] &= ~(_ONE << np.uint32(out))
    port = channel // v
    net.held[port] -= 1
    post_credit(net, now + net.back_latency[port], net.back[port] + channel - port * v)
    if net.length[channel] > 0:
        new_front(net, router, local, now + 1)
    return flit


@njit(cache=True)
def move(net: Any, router: int, local: int, now: int) -> None:
    """Send the front flit of a channel on."""
    v = net.vcs
    base = router * 8 * v
    out = net.want[base + local]
    link = router * 8 + out // v
    net.blocked[link] += now - net.since[base + local]
    flit = pop(net, router, local, now)
    net.owner[base + out] = -1 if (flit & 15) == net.flits - 1 else local
    net.credits[base + out] -= 1
    if net.credits[base + out] == 0:
        net.credited[router] &= ~(_ONE << np.uint32(out))
    net.free_at[link] = now + net.interval[link]
    net.port_flits[link] += 1
    if v > 1:
        net.vc_pointer[router * 8 + local // v] = _advance(local % v, v)
    post_flit(net, now + net.latency[link], net.destination[link] + out % v, flit)


@njit(cache=True)
def movable(net: Any, router: int, out: int, now: int) -> int:
    """Mask of local input channels whose front flit could go to ``out`` now."""
    v = net.vcs
    base = router * 8 * v
    if now < net.free_at[router * 8 + out // v]:
        return 0
    mask = np.int64(net.requests[base + out])
    owner = net.owner[base + out]
    if owner >= 0:
        mask &= 1 << owner
    if net.drop_after:
        mask &= ~np.int64(net.dropping[router])
        for local in range(net.n_ports * v):
            if mask >> local & 1 and net.since[base + local] > now:
                mask &= ~(1 << local)
    return mask


@njit(cache=True)
def propose(net: Any, router: int, now: int, by_port: Any, chosen: Any) -> int:
    """Which inputs ask for which output port; returns the mask of output ports asked for.

    ``by_port[o]`` becomes a mask of input ports, ``chosen[i]`` the local channel input ``i`` proposes.
    """
    v = net.vcs
    ready = np.int64(net.asked[router] & net.credited[router])
    outputs = 0
    if v == 1:
        for out in range(net.n_ports):
            if ready >> out & 1:
                mask = movable(net, router, out, now)
                by_port[out] = mask
                if mask:
                    outputs |= 1 << out
        for port in range(net.n_ports):
            chosen[port] = port
        return outputs
    eligible = 0
    for out in range(net.n_ports * v):
        if ready >> out & 1:
            eligible |= movable(net, router, out, now)
    for port in range(net.n_ports):
        by_port[port] = 0
    for port in range(net.n_ports):
        vcs = eligible >> (port * v) & ((1 << v) - 1)
        if vcs:
            local = port * v + _pick(net.policy, vcs, net.vc_pointer[router * 8 + port])
            out_port = net.want[router * 8 * v + local] // v
            chosen[port] = local
            by_port[out_port] |= 1 << port
            outputs |= 1 << out_port
    return outputs


@njit(cache=True)
def step_router(net: Any, router: int, now: int, by_port: Any, chosen: Any, winners: Any) -> None:
    """One router's STEP."""
    if net.drop_after:
        discard(net, router, now)
    outputs = propose(net, router, now, by_port, chosen)
    if outputs and net.policy == _ONE_WINNER:
        port = _pick(net.policy, outputs, net.router_pointer[router])
        net.router_pointer[router] = _advance(port, net.n_ports)
        outputs = 1 << port
    n = 0
    for port in range(net.n_ports):
        if outputs >> port & 1:
            link = router * 8 + port
            winner = net.pick[net.port_pointer[link] * 256 + by_port[port]]
            net.port_pointer[link] = _advance(winner, net.n_ports)
            winners[n] = chosen[winner]
            n += 1
    for k in range(n):
        move(net, router, winners[k], now)
    if net.drop_after:
        give_up(net, router, now)


@njit(cache=True)
def step_routers(net: Any, now: int, by_port: Any, chosen: Any, winners: Any) -> None:
    """STEP of every active router; those with nothing to grant fall asleep."""
    n, keep = net.n_active[0], 0
    for k in range(n):
        router = net.active[k]
        step_router(net, router, now, by_port, chosen, winners)
        awake = net.asked[router] & net.credited[router]
        if awake or (net.drop_after and net.asked[router]):
            net.active[keep] = router
            keep += 1
        else:
            net.is_active[router] = 0
    net.n_active[0] = keep


@njit(cache=True)
def discard(net: Any, router: int, now: int) -> None:
    """Throw away one flit of each packet that was given up here, up to its tail."""
    base = router * 8 * net.vcs
    for local in range(net.n_ports * net.vcs):
        if net.dropping[router] >> np.uint32(local) & _ONE and net.length[base + local]:
            flit = pop(net, router, local, now)
            if (flit & 15) == net.flits - 1:
                net.dropping[router] &= ~(_ONE << np.uint32(local))
                net.dropped[0] += 1


@njit(cache=True)
def give_up(net: Any, router: int, now: int) -> None:
    """Mark packets whose head waited too long."""
    base = router * 8 * net.vcs
    for local in range(net.n_ports * net.vcs):
        channel = base + local
        if net.length[channel] == 0 or net.dropping[router] >> np.uint32(local) & _ONE:
            continue
        flit = net.fifo[channel * net.ring + net.first[channel]]
        if flit & 15 == 0 and now - net.since[channel] >= net.drop_after:
            net.dropping[router] |= _ONE << np.uint32(local)


@njit(cache=True)
def next_message(net: Any, now: int) -> int:
    """The next cycle after ``now`` with a message, or -1."""
    if net.in_wheel[0] == 0:
        return -1
    for ahead in range(1, net.wheel):
        slot = (now + ahead) & (net.wheel - 1)
        if net.n_flits[slot] or net.n_credits[slot]:
            return now + ahead
    return -1
