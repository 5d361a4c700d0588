"""Checks a routing table: its entries by themselves, and that every flow comes home by them.

Follows each flow from coordinates, the chip's dead parts and the rule alone; it shares no walk, no wiring
and no lookup with the fabric or the mapper.
"""

from __future__ import annotations

from collections import Counter

import numpy as np
from numpy.typing import NDArray

from mapper.check.counting import shorten
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.route_table import RouteTable
from neurosim.chip.defects import DeadParts, dead_parts
from neurosim.chip.models import Chip
from neurosim.rules import ports, routing

Place = tuple[int, int]


def check_table(
    table: RouteTable | None, chip: Chip, sources: NDArray[np.int64], targets: NDArray[np.int64]
) -> list[str]:
    """Problems of ``table`` (None: no entries) for flows between cores (or HOST) of ``chip``."""
    if table is None and chip.defects is None:
        return []
    way = Ways(chip, table)
    problems = way.entry_problems(table) if table is not None else []
    if problems:
        return shorten(problems)
    for source, target in sorted(set(zip(sources.tolist(), targets.tolist(), strict=True))):
        problems += way.follow(source, target)
    return shorten(problems)


class Ways:
    """The chip as coordinates, and the table as a dictionary."""

    def __init__(self, chip: Chip, table: RouteTable | None) -> None:
        self.chip = chip
        self.width = chip.system.chips_x * chip.mesh.width
        self.height = chip.system.chips_y * chip.mesh.height
        self.dead: DeadParts | None = dead_parts(chip)
        self.entries: dict[tuple[Place, Place], tuple[int, int]] = {}
        columns = () if table is None else (table.router, table.goal, table.port, table.vc)
        for router, goal, port, vc in zip(*(np.asarray(c).tolist() for c in columns), strict=True):
            self.entries[self._place(router), self._place(goal)] = (port, vc)

    def _place(self, tile: int) -> Place:
        return tile % self.width, tile // self.width

    def entry_problems(self, table: RouteTable) -> list[str]:
        """What is wrong with single entries, and with how many there are."""
        problems = []
        rows = list(zip(table.router.tolist(), table.goal.tolist(), strict=True))
        if rows != sorted(set(rows)):
            problems.append("the routing table's entries do not ascend, each pair once")
        limit = self.chip.router.table_entries or 0
        for router, n in sorted(Counter(table.router.tolist()).items()):
            if n > limit:
                place = self._place(router)
                problems.append(f"router {place} has {n} routing table entries, the chip allows {limit}")
        last = self.width * self.height - 1
        for (router, goal), (port, vc) in self.entries.items():
            name = f"the routing table's entry at router {router} for tile {goal}"
            if max(y * self.width + x for x, y in (router, goal)) > last or min(*router, *goal) < 0:
                problems.append(f"{name} lies outside the {self.width}x{self.height} tiles")
            elif router == goal:
                problems.append(f"{name} is for its own tile")
            elif not 0 <= port < ports.LOCAL or not routing.BY_POLICY <= vc < self._n_vcs():
                problems.append(f"{name} has port {port} and virtual channel {vc}")
            elif self.next(router, port) is None:
                problems.append(f"{name} leads {ports.port_name(port)}, where no link works")
            elif (port, vc) == (self._rule(router, goal, ports.LOCAL), routing.BY_POLICY):
                problems.append(f"{name} says what the rule says without it")
        return problems

    def _n_vcs(self) -> int:
        return self.chip.router.virtual_channels

    def next(self, at: Place, port: int) -> Place | None:
        """The router behind a direction; None if there is no link, or a dead one."""
        x = at[0] + (port == ports.EAST) - (port == ports.WEST)
        y = at[1] + (port == ports.NORTH) - (port == ports.SOUTH)
        ring = self.chip.mesh.topology == "torus"
        if not (0 <= x < self.width and 0 <= y < self.height) and not ring:
            return None
        there = x % self.width, y % self.height
        if there == at or not self._is_open(at, there, port):
            return None
        return None if self._is_dead(at, there, port) else there

    def _is_open(self, at: Place, there: Place, port: int) -> bool:
        """Whether the chips are linked here, if the two tiles lie on different ones."""
        mesh, link = self.chip.mesh, self.chip.link
        if at[0] // mesh.width == there[0] // mesh.width and at[1] // mesh.height == there[1] // mesh.height:
            return True
        gates = link.gateways if link is not None else None
        if gates is None:
            return link is not None
        if port in (ports.EAST, ports.WEST):
            return at[1] % mesh.height == gates.row
        return at[0] % mesh.width == gates.column

    def _is_dead(self, at: Place, there: Place, port: int) -> bool:
        if self.dead is None:
            return False
        here, after = (y * self.width + x for x, y in (at, there))
        links = self.dead.east if port in (ports.EAST, ports.WEST) else self.dead.north
        low = here if port in (ports.EAST, ports.NORTH) else after
        return bool(links[low] or self.dead.router[here] or self.dead.router[after])

    def _rule(self, at: Place, goal: Place, exit_port: int) -> int:
        mesh, router = self.chip.mesh, self.chip.router
        gates = self.chip.link.gateways if self.chip.link is not None else None
        row, column = (gates.row, gates.column) if gates is not None else (0, 0)
        return routing.output_port(
            routing.ROUTING_NAMES.index(router.routing), *at, *goal, exit_port, mesh.width, mesh.height,
            self.width, self.height, row, column,
        )  # fmt: skip

    def end(self, core: int) -> Place:
        """Where a core (or HOST) hangs."""
        if core == HOST:
            assert self.chip.host is not None
            return self.chip.host.x, self.chip.host.y
        return self._place(core // self.chip.mesh.cores_per_tile)

    def follow(self, source: int, target: int) -> list[str]:
        """Why a flow does not come home; [] if it does."""
        name = " to ".join("the host" if core == HOST else f"core {core}" for core in (source, target))
        at, goal, seen = self.end(source), self.end(target), set()
        while at != goal:
            if at in seen:
                return [f"the way from {name} comes to router {at} twice"]
            seen.add(at)
            entry = self.entries.get((at, goal))
            port = self._rule(at, goal, ports.LOCAL) if entry is None else entry[0]
            after = self.next(at, port)
            if after is None:
                where = f"{ports.port_name(port)} at router {at}"
                return [f"the way from {name} goes {where}, where no link works"]
            at = after
        return []
