"""The canonical state of a run at the end of a cycle: the same for every cycle engine.

A :data:`Snapshot` maps components (``router (2,1) input east vc 0``, ``core 5 loop``) to named fields of
plain integers and tuples.  It holds what the cycle contract (``neurosim/rules/README.md``) defines and
nothing else: no lists of active routers, no alarms, no field that is stale (what an empty channel once
wanted), and times as cycles from now.  Engines hand in raw values; the functions here bring them into
the common form, so that the form is in one place.  A packet has no number of its own: it is (source,
target, step, axon, cycle of injection), and for raw traffic its place in the input.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from neurosim.artefacts.tree_table import as_tree
from neurosim.fabric.topology import Fabric
from neurosim.fabric.trees import leaf_axon
from neurosim.rules import ports

Flit = tuple[int, int, int, int, int, int, int]
"""(source, target, step, axon, cycle of injection or -1, place in raw traffic or -1, index in the packet)."""
Fields = dict[str, Any]
Snapshot = dict[str, Fields]


class Probe(Protocol):
    """A run of one engine that can be stopped after any cycle and looked at."""

    @property
    def has_ended(self) -> bool:
        """Whether the run is over: nothing after the last cycle belongs to it."""
        ...

    def upcoming(self) -> int | None:
        """The next cycle that may change something, None if none ever will."""
        ...

    def advance(self, cycle: int) -> None:
        """Run all cycles up to and including ``cycle``."""
        ...

    def snapshot(self) -> Snapshot:
        """The state at the end of the cycle that was last advanced to; what moves first, what counts last."""
        ...


def digest(fields: Snapshot | Fields) -> str:
    """A hash of a snapshot or of one component of it, as hex; the order of keys does not count."""
    flat = [(key, sorted(v.items()) if isinstance(v, dict) else v) for key, v in sorted(fields.items())]
    return hashlib.blake2b(repr(flat).encode(), digest_size=16).hexdigest()


def digests(snapshot: Snapshot) -> dict[str, str]:
    """A hash per component."""
    return {name: digest(fields) for name, fields in snapshot.items()}


@dataclass(frozen=True)
class FieldDifference:
    """One field of one component that two snapshots do not agree on; None where a side has no such field."""

    component: str
    field: str
    ours: Any
    theirs: Any


def differences(ours: Snapshot, theirs: Snapshot) -> list[FieldDifference]:
    """Every field that differs, in the order of the components of ``ours``."""
    found = []
    for name in [*ours, *(other for other in theirs if other not in ours)]:
        one, two = ours.get(name, {}), theirs.get(name, {})
        if one != two:
            keys = [*one, *(key for key in two if key not in one)]
            found += [
                FieldDifference(name, key, one.get(key), two.get(key))
                for key in keys
                if one.get(key) != two.get(key) or (key in one) != (key in two)
            ]
    return found


class Names:
    """What the components of ``fabric`` are called; channels are ``port * n_vcs + vc``."""

    def __init__(self, fabric: Fabric) -> None:
        places = [fabric.xy(router) for router in range(fabric.n_routers)]
        self.router = [f"router ({x},{y})" for x, y in places]
        self.ports = [ports.port_name(port) for port in range(fabric.n_ports)]
        self.channels = [f"{port} vc {vc}" for port in self.ports for vc in range(fabric.n_vcs)]
        self.input = [[f"{router} input {c}" for c in self.channels] for router in self.router]
        self.output = [[f"{router} output {c}" for c in self.channels] for router in self.router]
        self.in_port = [[f"{router} input {port}" for port in self.ports] for router in self.router]
        self.out_port = [[f"{router} output {port}" for port in self.ports] for router in self.router]

    def channel(self, number: int) -> str | None:
        """A channel of the same router, None for -1."""
        return None if number < 0 else self.channels[number]

    def channels_of(self, numbers: Iterable[int]) -> str:
        """Channels of the same router, in one text."""
        return ", ".join(self.channels[number] for number in numbers)


def as_leaf(fabric: Fabric, flit: Flit, core: int) -> Flit:
    """``flit`` on its last hop, to ``core`` (or HOST): of a packet to a tree, its leaf's packet there."""
    source, target, step, axon, inject, number, index = flit
    tree = as_tree(target)
    if tree < 0:
        return flit
    assert fabric.trees is not None
    return source, core, step, axon + leaf_axon(fabric.trees, tree, core), inject, number, index


def left(until: int, cycle: int) -> int:
    """Cycles after ``cycle`` in which something is still held that is free again in ``until``."""
    return max(0, until - cycle - 1)


def wires(messages: Iterable[tuple[int, Any]], cycle: int) -> tuple[Any, ...]:
    """Messages (arrival cycle, what) under way, as (cycles to go, what) in the order of arrival."""
    return tuple(sorted((at - cycle, what) for at, what in messages))


def input_channel(
    cycle: int, flits: Sequence[Flit], wants: str, since: int, discards: bool, coming: Any
) -> Fields:
    """An input channel of a router; ``since`` is the cycle in which its front flit came to the front.

    ``wants`` are the output channels that the front flit has yet to take.
    """
    fields: Fields = {"flits": tuple(flits), "flits on the wire": coming}
    if flits:
        fields |= {"wants output": wants, "cycles at the front": cycle - since}
    fields["discards"] = bool(discards)
    return fields


def loop(
    cycle: int, step: int, tokens: Sequence[int], stalled_since: int, place: Fields | None
) -> Fields:
    """A neuron loop; ``place`` is where it is (see :func:`loop_place`), None if it does not run."""
    fields: Fields = {"step": step, "tokens waiting": tuple(tokens), "runs": place is not None}
    if stalled_since >= 0:
        fields["stalled for"] = cycle - stalled_since
    return fields | (place or {})


def loop_place(
    cycle: int, until: int, visits: Sequence[tuple[int, int, int]], position: int, spike_cycles: int,
    sending: Sequence[tuple[int, int]], entries: int,
) -> Fields:  # fmt: skip
    """Where a running neuron loop is in ``cycle``.

    An engine may take a run of quiet neurons at once; here the loop is at the neuron that the contract
    says is being updated.

    Args:
        until: the cycle in which the operation, or run of updates, that began last has passed.
        visits: (neuron, cycles of its update, spikes) of every awake neuron in the order of visiting.
        position: how many of them were begun.
        sending: (target, axon) of the packets that are left to send.
        entries: target entries of the neuron that was begun last.
    """
    is_update = position > 0 and len(sending) == entries * visits[position - 1][2]
    last = position
    while is_update and position > 0:
        _, update, spikes = visits[position - 1]
        start = until - update - (spike_cycles if spikes else 0)
        if start <= cycle:
            break
        until, position = start, position - 1
    return {
        "next neuron": visits[position][0] if position < len(visits) else None,
        "cycles left": left(until, cycle),
        "to send": tuple(sending) if position == last else (),
    }
