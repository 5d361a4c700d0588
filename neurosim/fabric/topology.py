"""The fabric: every router, port and link of a system, elaborated once from the chip description.

Reads a :class:`~neurosim.chip.models.Chip`; engines, mapper and analyses read the result and nothing
else about wiring.  Tiles are numbered ``tile = y * width + x`` over the whole system; a router's
number is its tile's; core ``k`` of a tile is core ``tile * cores_per_tile + k``.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.route_table import RouteTable
from neurosim.artefacts.tree_table import TreeTable
from neurosim.chip.defects import dead_parts
from neurosim.chip.models import Chip
from neurosim.rules import arbiter, ports, routing

NOTHING = -1  # no link behind this port
TO_CORE = -2
TO_HOST = -3

IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class Fabric:
    """Wiring tables, indexed ``[router, output port]``.

    ``target`` is the router behind a port, or NOTHING, TO_CORE, TO_HOST; ``target_port`` the input
    port there.  ``latency`` are the cycles from a grant to visibility at the receiver, ``interval``
    the cycles between two flits, ``credit_latency`` the cycles from a freed slot *behind* the port to
    the credit's arrival here.  ``crosses`` marks links between chips, ``wraps`` the closing link of
    a ring.  ``table`` are the exceptions to the routing rule, ``trees`` the multicast trees; None: none.
    """

    chip: Chip
    width: int
    height: int
    n_ports: int
    target: IntArray
    target_port: IntArray
    latency: IntArray
    interval: IntArray
    credit_latency: IntArray
    crosses: NDArray[np.bool_]
    wraps: NDArray[np.bool_]
    routing: int
    vc_policy: int
    arbiter: int
    gateway_row: int
    gateway_column: int
    table: RouteTable | None = None
    trees: TreeTable | None = None

    @property
    def n_routers(self) -> int:
        """Routers, one per tile."""
        return self.width * self.height

    @property
    def n_cores(self) -> int:
        """Core positions, whether or not a neuron core sits there."""
        return self.n_routers * self.chip.mesh.cores_per_tile

    @property
    def n_vcs(self) -> int:
        """Virtual channels per link."""
        return self.chip.router.virtual_channels

    def tile_of(self, core: int) -> int:
        """Tile of a core; of the host for HOST."""
        if core == HOST:
            host = self.chip.host
            assert host is not None
            return host.y * self.width + host.x
        return core // self.chip.mesh.cores_per_tile

    def port_of(self, core: int) -> int:
        """Port by which a core (or HOST) hangs on its router."""
        if core == HOST:
            host = self.chip.host
            assert host is not None
            return ports.DIRECTION_NAMES.index(host.side)
        return ports.LOCAL + core % self.chip.mesh.cores_per_tile

    def xy(self, tile: int) -> tuple[int, int]:
        """Global coordinates of a tile."""
        return tile % self.width, tile // self.width

    def chip_of(self, tile: int) -> int:
        """Number of the chip that a tile lies on, row by row."""
        x, y = self.xy(tile)
        return (y // self.chip.mesh.height) * self.chip.system.chips_x + x // self.chip.mesh.width

    @cached_property
    def first_entry(self) -> IntArray:
        """(routers + 1,) router r's exceptions are entries ``first_entry[r]`` to ``first_entry[r + 1]``."""
        entries = self.table.router if self.table is not None else np.zeros(0, np.int64)
        return np.searchsorted(entries, np.arange(self.n_routers + 1))

    def exception(self, router: int, goal_tile: int) -> tuple[int, int] | None:
        """Output port and VC (or BY_POLICY) of the routing table, None where the rule decides."""
        if self.table is None:
            return None
        first, last = self.first_entry[router : router + 2].tolist()
        at = routing.find_exception(self.table.goal, first, last, goal_tile)
        return None if at < 0 else (int(self.table.port[at]), int(self.table.vc[at]))

    def route(self, router: int, goal_tile: int, exit_port: int) -> tuple[int, int]:
        """Where a packet for ``exit_port`` of ``goal_tile`` goes at ``router``.

        Returns:
            the output port, and the VC that the routing table fixes (BY_POLICY: the VC policy decides).
        """
        found = self.exception(router, goal_tile)
        if found is not None:
            return found
        x, y = self.xy(router)
        dx, dy = self.xy(goal_tile)
        mesh = self.chip.mesh
        port = routing.output_port(
            self.routing, x, y, dx, dy, exit_port, mesh.width, mesh.height, self.width, self.height,
            self.gateway_row, self.gateway_column,
        )  # fmt: skip
        return port, routing.BY_POLICY

    @cached_property
    def first_branching(self) -> IntArray:
        """As :attr:`first_entry`, of the entries of ``trees``."""
        entries = self.trees.router if self.trees is not None else np.zeros(0, np.int64)
        return np.searchsorted(entries, np.arange(self.n_routers + 1))

    def branches(self, router: int, tree: int, in_port: int) -> int:
        """Mask of the output ports by which packets of ``tree`` that came in by ``in_port`` leave ``router``.

        0: they have no entry there, and what comes from a core or the host cannot go straight on.
        """
        assert self.trees is not None
        at = self._branching_at(router, tree)
        if at >= 0:
            return int(self.trees.ports[at])
        is_direction = in_port < ports.LOCAL and self.target[router, in_port] != TO_HOST
        return 1 << routing.straight_on(in_port) if is_direction else 0

    def has_branching(self, router: int, tree: int) -> bool:
        """Whether ``router`` has an entry for ``tree``."""
        return self._branching_at(router, tree) >= 0

    def _branching_at(self, router: int, tree: int) -> int:
        assert self.trees is not None
        first, last = self.first_branching[router : router + 2].tolist()
        return routing.find_exception(self.trees.tree, first, last, tree)

    def tree_vc(self, router: int, vc: int, in_port: int, out_port: int) -> int:
        """The virtual channel that a copy of a multicast packet takes behind ``out_port``."""
        return self.output_vc(router, vc, in_port, out_port, routing.BY_POLICY)

    def exceptions(self, router: IntArray, goal_tile: IntArray) -> tuple[IntArray, IntArray]:
        """:meth:`exception` for arrays: ports (-1: the rule decides) and VCs (BY_POLICY)."""
        if self.table is None or not self.table.n:
            none = np.full(len(router), routing.BY_POLICY)
            return none, none
        key = router * self.n_routers + goal_tile
        at = np.minimum(np.searchsorted(self._entry_keys, key), self.table.n - 1)
        hit = self._entry_keys[at] == key
        return np.where(hit, self.table.port[at], -1), np.where(hit, self.table.vc[at], routing.BY_POLICY)

    @cached_property
    def _entry_keys(self) -> IntArray:
        assert self.table is not None
        return self.table.router * self.n_routers + self.table.goal

    def output_vc(self, router: int, vc: int, in_port: int, out_port: int, fixed: int) -> int:
        """The virtual channel that a packet takes behind ``out_port``; ``fixed`` as from :meth:`route`."""
        if fixed != routing.BY_POLICY:
            return fixed
        return routing.output_vc(
            self.vc_policy, vc, in_port, out_port,
            bool(self.crosses[router, out_port]), bool(self.wraps[router, out_port]),
        )  # fmt: skip

    def walk(self, source: int, target: int) -> list[tuple[int, int, int, int, int]]:
        """The route from one core (or HOST) to another.

        Returns:
            one (router, in_port, in_vc, out_port, out_vc) per router, first to last.  It ends where nothing
            hangs behind a port, and after as many hops as there are routers: a longer way is a loop.
        """
        router, in_port, vc = self.tile_of(source), self.port_of(source), 0
        goal, exit_port = self.tile_of(target), self.port_of(target)
        steps: list[tuple[int, int, int, int, int]] = []
        while len(steps) < self.n_routers:
            out, fixed = self.route(router, goal, exit_port)
            out_vc = self.output_vc(router, vc, in_port, out, fixed)
            steps.append((router, in_port, vc, out, out_vc))
            nxt = int(self.target[router, out])
            if nxt < 0:
                break
            router, in_port, vc = nxt, int(self.target_port[router, out]), out_vc
        return steps

    def describe(self, router: int, port: int) -> str:
        """``chip 0 router (3,2) east`` for messages; coordinates are global."""
        x, y = self.xy(router)
        return f"chip {self.chip_of(router)} router ({x},{y}) {ports.port_name(port)}"


def build_fabric(
    chip: Chip, with_defects: bool = True, table: RouteTable | None = None, trees: TreeTable | None = None
) -> Fabric:
    """Elaborate ``chip`` into its wiring tables.

    Behind a dead link hangs nothing, nor behind any port of a dead router.  ``with_defects`` False wires
    everything up as if nothing were dead, for distances.  ``table`` and ``trees`` are taken as they are;
    :mod:`neurosim.fabric.tables` and :mod:`neurosim.fabric.trees` know whether they are sound.
    """
    width = chip.system.chips_x * chip.mesh.width
    height = chip.system.chips_y * chip.mesh.height
    n_ports = ports.LOCAL + chip.mesh.cores_per_tile
    shape = (width * height, n_ports)
    gateways = chip.link.gateways if chip.link else None
    fabric = Fabric(
        chip=chip,
        width=width,
        height=height,
        n_ports=n_ports,
        target=np.full(shape, NOTHING, np.int64),
        target_port=np.full(shape, NOTHING, np.int64),
        latency=np.ones(shape, np.int64),
        interval=np.full(shape, chip.router.cycles_per_flit, np.int64),
        credit_latency=np.full(shape, chip.router.credit_cycles, np.int64),
        crosses=np.zeros(shape, np.bool_),
        wraps=np.zeros(shape, np.bool_),
        routing=routing.ROUTING_NAMES.index(chip.router.routing),
        vc_policy=routing.VC_POLICY_NAMES.index(chip.router.vc_policy),
        arbiter=arbiter.ARBITER_NAMES.index(chip.router.arbiter),
        gateway_row=gateways.row if gateways else 0,
        gateway_column=gateways.column if gateways else 0,
        table=table,
        trees=trees,
    )
    for router in range(fabric.n_routers):
        for direction in range(ports.LOCAL):
            _wire_direction(fabric, router, direction)
        fabric.target[router, ports.LOCAL :] = TO_CORE
        fabric.latency[router, ports.LOCAL :] = chip.router.hop_cycles.local
    if chip.host is not None:
        _wire_host(fabric)
    if with_defects:
        _cut_dead(fabric)
    return fabric


def _cut_dead(fabric: Fabric) -> None:
    dead = dead_parts(fabric.chip)
    if dead is None:
        return
    for direction, cut in ((ports.EAST, dead.east), (ports.NORTH, dead.north)):
        for router in np.flatnonzero(cut & (fabric.target[:, direction] >= 0)).tolist():
            neighbour = int(fabric.target[router, direction])
            _cut(fabric, router, direction)
            _cut(fabric, neighbour, ports.OPPOSITE[direction])
    for router in np.flatnonzero(dead.router).tolist():
        for port in range(fabric.n_ports):
            _cut(fabric, router, port)


def _cut(fabric: Fabric, router: int, port: int) -> None:
    fabric.target[router, port] = fabric.target_port[router, port] = NOTHING
    fabric.crosses[router, port] = fabric.wraps[router, port] = False


def _wire_direction(fabric: Fabric, router: int, direction: int) -> None:
    x, y = fabric.xy(router)
    nx, ny = x + ports.STEP_X[direction], y + ports.STEP_Y[direction]
    wraps = not (0 <= nx < fabric.width and 0 <= ny < fabric.height)
    if wraps:
        ring = fabric.width if ports.is_east_west(direction) else fabric.height
        if fabric.chip.mesh.topology != "torus" or ring == 1:
            return
        nx, ny = nx % fabric.width, ny % fabric.height
    neighbour = ny * fabric.width + nx
    crosses = fabric.chip_of(neighbour) != fabric.chip_of(router)
    if crosses and not _crossing_allowed(fabric, x, y, direction):
        return
    hop = fabric.chip.router.hop_cycles
    fabric.target[router, direction] = neighbour
    fabric.target_port[router, direction] = ports.OPPOSITE[direction]
    fabric.latency[router, direction] = (
        hop.east_west if ports.is_east_west(direction) else hop.north_south
    )
    fabric.wraps[router, direction] = wraps
    if crosses:
        link = fabric.chip.link
        assert link is not None
        fabric.crosses[router, direction] = True
        fabric.latency[router, direction] += link.latency_cycles + link.synchroniser_cycles
        fabric.interval[router, direction] = link.cycles_per_flit
        fabric.credit_latency[router, direction] = link.credit_cycles


def _crossing_allowed(fabric: Fabric, x: int, y: int, direction: int) -> bool:
    link = fabric.chip.link
    if link is None or link.gateways is None:
        return link is not None
    if ports.is_east_west(direction):
        return y % fabric.chip.mesh.height == link.gateways.row
    return x % fabric.chip.mesh.width == link.gateways.column


def _wire_host(fabric: Fabric) -> None:
    host = fabric.chip.host
    assert host is not None
    router, port = fabric.tile_of(HOST), fabric.port_of(HOST)
    fabric.target[router, port] = TO_HOST
    fabric.latency[router, port] = host.latency_cycles
    fabric.interval[router, port] = host.cycles_per_flit
    fabric.credit_latency[router, port] = host.credit_cycles
