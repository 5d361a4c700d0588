"""The wait-for graph of a stopped Verilog fabric or whole chip, from the state dump of its bench.

Reads the lines of a dump (``rtl_models/README.md``); the graph is built and judged by
:mod:`neurosim.engines.waits`, so that simulator and Verilog are asked the same question.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program
from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic
from neurosim.engines.waits import WaitFinding, WaitGraph, end_name
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rtl.chip_log import flit_address
from neurosim.rtl.flits import flit_layout
from rtl_models.traffic import PAYLOAD, RtlTraffic


@dataclass
class DumpedRouter:
    """One router's dumped state, a ``neurosim.engines.waits.RouterView``; ``packet`` puts a flit in words."""

    packet: Callable[[int], str]
    length: dict[int, int] = field(default_factory=dict)
    front: dict[int, int] = field(default_factory=dict)
    want: dict[int, list[int]] = field(default_factory=dict)
    credits: dict[int, int] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)

    def occupied_channels(self) -> Sequence[int]:
        """Input channels that hold flits, ascending."""
        return sorted(self.length)

    def wanted(self, channel: int) -> Sequence[int]:
        """Output channels that the front flit of ``channel`` has yet to take."""
        return sorted(self.want[channel])

    def owner_of(self, out: int) -> int:
        """Input channel that owns output channel ``out``, -1 if none."""
        return self.owner[out]

    def credits_of(self, out: int) -> int:
        """Credits of output channel ``out``."""
        return self.credits[out]

    def length_of(self, channel: int) -> int:
        """Flits in input channel ``channel``."""
        return self.length.get(channel, 0)

    def front_packet(self, channel: int) -> str:
        """The packet at the front, in the words of the engines."""
        return self.packet(self.front[channel])


@dataclass
class DumpedCore:
    """One core's dumped state, a ``neurosim.engines.waits.CoreView``."""

    input_blocked: bool
    is_stalled: bool
    transmit: tuple[int, int]
    queues: dict[int, int] = field(default_factory=dict)

    def transmit_state(self) -> tuple[int, int]:
        """(flits, credits) of the transmit FIFO."""
        return self.transmit

    def received(self, vc: int) -> int:
        """Flits in the receive FIFO of ``vc``."""
        return self.queues[vc]


def read_routers(fabric: Fabric, lines: Sequence[str], packet: Callable[[int], str]) -> list[DumpedRouter]:
    """The routers of a dump, by tile."""
    routers = [DumpedRouter(packet) for _ in range(fabric.n_routers)]
    for line in lines:
        _, tile, kind, *words = line.split()
        if kind not in ("state", "credits"):
            continue
        port, vc, *rest = words
        router, channel = routers[int(tile)], int(port) * fabric.n_vcs + int(vc)
        if kind == "state":
            router.length[channel], router.front[channel] = int(rest[0]), int(rest[1], 16)
            router.want.setdefault(channel, []).append(int(rest[2]) * fabric.n_vcs + int(rest[3]))
        else:
            router.credits[channel] = int(rest[0])
            router.owner[channel] = _owner(fabric, int(rest[1]), int(rest[2]))
    return routers


def _owner(fabric: Fabric, port: int, vc: int) -> int:
    return -1 if port < 0 else port * fabric.n_vcs + vc


def read_cores(lines: Sequence[str]) -> dict[int, DumpedCore]:
    """The used cores of a dump."""
    rows = [line.split() for line in lines]
    found = {
        int(core): DumpedCore(words[0] == "1", words[1] == "1", (int(words[2]), int(words[3])))
        for _, core, kind, *words in rows if kind == "core"
    }  # fmt: skip
    for _, core, kind, *words in rows:
        if kind == "received":
            found[int(core)].queues[int(words[0])] = int(words[1])
    return found


def find_deadlock(chip: Chip, traffic: Traffic, run: RtlTraffic) -> WaitFinding | None:
    """The first cycle of waits in the dumped state of a fabric, None if every wait can end."""
    layout = flit_layout(chip, PAYLOAD)

    def packet(flit: int) -> str:
        number = layout.unpack(flit)["packet"]
        source, target = int(traffic.source[number]), int(traffic.target[number])
        return f"packet {number} (core {source} -> core {target}, step 0)"

    return _find(build_fabric(chip), run.dump, packet)


def find_chip_deadlock(chip: Chip, program: Program, dump: Sequence[str]) -> WaitFinding | None:
    """The first cycle of waits in the dumped state of a whole chip that runs ``program``."""
    fabric, layout = build_fabric(chip), flit_layout(chip)
    senders: dict[tuple[int, int], set[str]] = {}  # a flit does not say who sent it: its axon does
    for source, target, axon in _connections(program):
        senders.setdefault((target, axon), set()).add(end_name(source))

    def packet(flit: int) -> str:
        target, axon, step = flit_address(layout.unpack(flit), fabric)
        source = " or ".join(sorted(senders.get((target, axon), {"nobody"})))
        return f"a packet ({source} -> {end_name(target)}, step {step})"

    return _find(fabric, dump, packet)


def _connections(program: Program) -> Iterator[tuple[int, int, int]]:
    """(source, target, axon) of every entry of a target table."""
    tables = [(HOST, program.host), *((core.core, core.targets) for core in program.cores)]
    for source, table in tables:
        for target, axon in zip(table.core.tolist(), table.axon.tolist(), strict=True):
            yield source, target, axon


def _find(fabric: Fabric, dump: Sequence[str], packet: Callable[[int], str]) -> WaitFinding | None:
    routers = read_routers(fabric, dump, packet)
    holding = [tile for tile, router in enumerate(routers) if router.length]
    return WaitGraph(fabric, routers, read_cores(dump), lambda: holding).find()
