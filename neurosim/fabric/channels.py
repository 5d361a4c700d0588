"""Channel numbers: every buffer that a packet can hold while it waits, numbered in one place.

Three kinds: *link* (the input buffer behind a router's output port, per virtual channel), *ejection*
(the receive FIFO behind a LOCAL port or the host's port) and *injection* (the transmit FIFO of a core,
or the host's queue).  Reads a :class:`~neurosim.fabric.topology.Fabric`; the dependency graph,
certificates in :class:`~neurosim.artefacts.mapping.Routes` and deadlock messages use these numbers.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

from neurosim.artefacts.mapping import HOST
from neurosim.fabric.topology import NOTHING, TO_HOST, Fabric
from neurosim.rules import ports


class Channel(NamedTuple):
    """A channel in parts; ``core`` (or HOST) for ejection and injection, else None.

    ``router`` and ``port`` are the output side for link and ejection, the input side for injection.
    """

    kind: Literal["link", "ejection", "injection"]
    router: int
    port: int
    vc: int
    core: int | None


def n_output_channels(fabric: Fabric) -> int:
    """Numbers taken by (router, output port, vc), whether or not anything hangs on the port."""
    return fabric.n_routers * fabric.n_ports * fabric.n_vcs


def n_channel_numbers(fabric: Fabric) -> int:
    """All numbers: outputs, then one injection channel per core, then the host's."""
    return n_output_channels(fabric) + fabric.n_cores + 1


def output_channel(fabric: Fabric, router: int, port: int, vc: int) -> int:
    """Number of the buffer behind ``port`` of ``router``: a link or an ejection channel."""
    return (router * fabric.n_ports + port) * fabric.n_vcs + vc


def injection_channel(fabric: Fabric, core: int) -> int:
    """Number of the injection channel of ``core`` (or HOST)."""
    return n_output_channels(fabric) + (fabric.n_cores if core == HOST else core)


def channel(fabric: Fabric, number: int) -> Channel:
    """The channel behind a number.

    Raises:
        IndexError: no such number, or nothing hangs on that port.
    """
    if not 0 <= number < n_channel_numbers(fabric):
        raise IndexError(f"no channel {number}")
    if number >= n_output_channels(fabric):
        core = number - n_output_channels(fabric)
        core = HOST if core == fabric.n_cores else core
        return Channel("injection", fabric.tile_of(core), fabric.port_of(core), 0, core)
    rest, vc = divmod(number, fabric.n_vcs)
    router, port = divmod(rest, fabric.n_ports)
    behind = int(fabric.target[router, port])
    if behind == NOTHING:
        raise IndexError(f"nothing hangs on {fabric.describe(router, port)}")
    if behind >= 0:
        return Channel("link", router, port, vc, None)
    core = HOST if behind == TO_HOST else router * fabric.chip.mesh.cores_per_tile + port - ports.LOCAL
    return Channel("ejection", router, port, vc, core)


def describe_channel(fabric: Fabric, number: int) -> str:
    """One phrase, e.g. ``chip 0 router (3,2) east vc 0``; coordinates are global."""
    at = channel(fabric, number)
    place = fabric.describe(at.router, at.port)
    if at.kind == "link":
        return f"{place} vc {at.vc}"
    who = "the host" if at.core == HOST else f"core {at.core}"
    if at.kind == "ejection":
        return f"receive FIFO of {who} ({place} vc {at.vc})"
    return f"transmit FIFO of {who} ({place})"
