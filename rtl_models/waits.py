"""The wait-for graph of a stopped Verilog fabric, from the state dump of its bench.

Reads an :class:`~rtl_models.traffic.RtlTraffic` with a dump; the graph is built and judged by
:mod:`neurosim.engines.waits`, so that simulator and Verilog are asked the same question.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic
from neurosim.engines.waits import WaitFinding, WaitGraph
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rtl.flits import FlitLayout, flit_layout
from rtl_models.traffic import PAYLOAD, RtlTraffic


@dataclass
class DumpedRouter:
    """One router's dumped state, a ``neurosim.engines.waits.RouterView``."""

    layout: FlitLayout
    traffic: Traffic
    length: dict[int, int] = field(default_factory=dict)
    front: dict[int, int] = field(default_factory=dict)
    want: dict[int, int] = field(default_factory=dict)
    credits: dict[int, int] = field(default_factory=dict)
    owner: dict[int, int] = field(default_factory=dict)

    def occupied_channels(self) -> Sequence[int]:
        """Input channels that hold flits, ascending."""
        return sorted(self.length)

    def wanted(self, channel: int) -> int:
        """Output channel that the front flit of ``channel`` wants."""
        return self.want[channel]

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
        packet = self.layout.unpack(self.front[channel])["packet"]
        source, target = int(self.traffic.source[packet]), int(self.traffic.target[packet])
        return f"packet {packet} (core {source} -> core {target}, step 0)"


def read_dump(chip: Chip, traffic: Traffic, lines: Sequence[str]) -> list[DumpedRouter]:
    """The routers of a dump, by tile."""
    fabric, layout = build_fabric(chip), flit_layout(chip, PAYLOAD)
    routers = [DumpedRouter(layout, traffic) for _ in range(fabric.n_routers)]
    for line in lines:
        _, tile, kind, port, vc, *rest = line.split()
        router, channel = routers[int(tile)], int(port) * fabric.n_vcs + int(vc)
        if kind == "state":
            router.length[channel], router.front[channel] = int(rest[0]), int(rest[1], 16)
            router.want[channel] = int(rest[2]) * fabric.n_vcs + int(rest[3])
        else:
            router.credits[channel] = int(rest[0])
            router.owner[channel] = _owner(fabric, int(rest[1]), int(rest[2]))
    return routers


def _owner(fabric: Fabric, port: int, vc: int) -> int:
    return -1 if port < 0 else port * fabric.n_vcs + vc


def find_deadlock(chip: Chip, traffic: Traffic, run: RtlTraffic) -> WaitFinding | None:
    """The first cycle of waits in the dumped state, None if every wait can end."""
    routers = read_dump(chip, traffic, run.dump)
    holding = [tile for tile, router in enumerate(routers) if router.length]
    return WaitGraph(build_fabric(chip), routers, {}, lambda: holding).find()
