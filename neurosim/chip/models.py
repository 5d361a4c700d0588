"""The chip description: the single source of every parameter of the hardware.

Frozen pydantic models; unknown keys are refused.  Plain numbers here are architecture (sizes, cycle
counts); prices are :class:`Figure`.  Where each plain number comes from stands in
``Chip.provenance``, which the loader fills from the YAML file (see ``neurosim/chip/loader.py``).
All ``*_cycles`` are cycles of ``cycle.period_ps``.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from neurosim.chip.packet_fields import narrow_field
from neurosim.errors import did_you_mean
from neurosim.rules.events import EVENTS

Evidence = Literal["measured", "published", "derived", "assumed"]
LARGEST = 10**12  # keeps every sum of cycles far inside 64 bits
Count = Annotated[int, Field(ge=1, le=LARGEST)]
Natural = Annotated[int, Field(ge=0, le=LARGEST)]
Extent = Annotated[int, Field(ge=1, le=1024)]
Side = Literal["east", "north", "west", "south"]
NeuronModel = Literal["if", "lif", "cuba_lif", "li", "cuba_li", "ttfs"]
SynapseFormat = Literal["dense", "sparse", "conv"]


def misfit(
    path: str, message: str, hint: str | None = None, expected: str | None = None, got: str | None = None
) -> PydanticCustomError:
    """An error of a validator; ``path`` (dotted, from the validated section) is what it points at."""
    return PydanticCustomError(
        "misfit",
        "{message}",
        {"message": message, "path": path, "hint": hint, "expected": expected, "got": got},
    )


class Part(BaseModel):
    """Base of every section of the description."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Provenance(Part):
    """Where a plain number comes from."""

    evidence: Evidence
    source: Annotated[str, Field(min_length=1)]
    conditions: str = ""


class Figure(Part):
    """A physical figure; ``value: null`` means unknown and is reported as *not priced*."""

    value: Annotated[float, Field(ge=0, allow_inf_nan=False)] | None
    unit: Literal["pJ", "nJ", "uJ", "mW", "W"]
    evidence: Evidence
    source: Annotated[str, Field(min_length=1)]
    conditions: str = ""

    def si(self) -> float | None:
        """The value in joules or watts."""
        scale = {"pJ": 1e-12, "nJ": 1e-9, "uJ": 1e-6, "mW": 1e-3, "W": 1.0}[self.unit]
        return None if self.value is None else self.value * scale


class Cycle(Part):
    """The unit of time. ``is_clock: false`` marks a resolution chosen for an asynchronous chip."""

    period_ps: Count
    is_clock: bool = True


class System(Part):
    """How many chips, side by side in a grid."""

    chips_x: Extent = 1
    chips_y: Extent = 1


class Mesh(Part):
    """The tiles of one chip: a router and ``cores_per_tile`` cores each."""

    width: Extent
    height: Extent
    cores_per_tile: Annotated[int, Field(ge=1, le=4)] = 1
    topology: Literal["mesh", "torus"] = "mesh"


class PacketField(Part):
    """A bit field of the packet header, least significant field first."""

    name: str
    bits: Count
    meaning: str


class Packet(Part):
    """A spike packet. ``payload_bits`` 0, the only value so far: a packet is exactly one spike."""

    flits: Annotated[int, Field(ge=1, le=16)]
    payload_bits: Annotated[int, Field(ge=0, le=32)] = 0
    fields: tuple[PacketField, ...] = ()

    @model_validator(mode="after")
    def _spikes_carry_no_payload(self) -> Packet:
        if self.payload_bits:
            raise misfit(
                "payload_bits",
                f"packet.payload_bits must be 0, not {self.payload_bits}: graded spikes, which carry a "
                "payload, are not modelled",
                "leave the key out; a payload that stays unused can be declared in packet.fields",
            )
        return self


class HopCycles(Part):
    """Cycles from a grant to visibility at the next router, by direction of the output port."""

    east_west: Count
    north_south: Count
    local: Count


class Router(Part):
    """Input-queued router with credits, virtual channels and wormhole switching."""

    virtual_channels: Annotated[int, Field(ge=1, le=4)]
    buffer_flits: Annotated[int, Field(ge=1, le=4096)]
    hop_cycles: HopCycles
    credit_cycles: Count
    injection_cycles: Count
    cycles_per_flit: Count = 1
    arbiter: Literal["round_robin", "fixed_priority", "one_winner_per_router"] = "round_robin"
    routing: Literal["xy", "yx", "torus_xy", "hierarchical_xy"] = "xy"
    vc_policy: Literal["zero", "crossings", "dateline"] = "zero"
    drop_after_cycles: Count | None = None
    """A head flit that waited so long at a router is dropped with its packet; null: it blocks."""
    table_entries: Annotated[int, Field(ge=1, le=2**20)] | None = None
    """Entries of each router's routing table, exceptions to ``routing``; null: routers have no tables."""


class Gateways(Part):
    """Chip-level routing crosses only here (``hierarchical_xy``)."""

    row: Natural
    column: Natural


class ChipLink(Part):
    """Link between neighbouring chips, one per border router, or one per side at the gateways."""

    latency_cycles: Natural
    synchroniser_cycles: Natural
    cycles_per_flit: Count
    credit_cycles: Count
    gateways: Gateways | None = None


class Host(Part):
    """Where input spikes enter and output spikes leave: a border port of one router."""

    x: Natural
    y: Natural
    side: Side
    latency_cycles: Count
    cycles_per_flit: Count
    credit_cycles: Count


class UpdateCycles(Part):
    """Cycles of one neuron update."""

    active: Count
    idle: Count


class Overflow(Part):
    """What happens when a value leaves its width; it is counted either way."""

    membrane: Literal["saturate", "wrap"] = "saturate"
    accumulator: Literal["saturate", "wrap"] = "saturate"


class CoreType(Part):
    """A kind of tile that differs from the base core; the first that matches a tile is taken.

    A tile matches if it is listed, or if ``x mod x_modulus`` is among ``x_remainders``.
    """

    name: str
    tiles: tuple[tuple[Natural, Natural], ...] = ()
    x_modulus: Count | None = None
    x_remainders: tuple[Natural, ...] = ()
    is_neuron_core: bool = True
    neurons: Natural | None = None
    synapse_words: Natural | None = None
    axons: Natural | None = None
    target_entries: Natural | None = None

    def matches(self, x: int, y: int) -> bool:
        """Whether tile ``(x, y)`` of a chip is of this kind."""
        if (x, y) in self.tiles:
            return True
        return self.x_modulus is not None and x % self.x_modulus in self.x_remainders


class Core(Part):
    """One neuromorphic core: capacities, widths and timing."""

    neurons: Count
    axons: Count
    target_entries: Count
    synapse_words: Count
    word_bits: Count
    axon_header_words: Natural
    """Words of the synapse memory that each axon takes besides its weights."""
    state_words_per_neuron: Natural = 0
    """Words of the synapse memory that each neuron's state and parameters take (pooled memory)."""
    index_bits: Count
    synapse_formats: Annotated[tuple[SynapseFormat, ...], Field(min_length=1)] = ("dense", "sparse", "conv")
    neuron_models: Annotated[tuple[NeuronModel, ...], Field(min_length=1)] = (
        "if", "lif", "cuba_lif", "li", "cuba_li", "ttfs",
    )  # fmt: skip
    weight_bits: Annotated[tuple[Annotated[int, Field(ge=2, le=16)], ...], Field(min_length=1)]
    membrane_bits: Annotated[int, Field(ge=4, le=32)]
    current_bits: Annotated[int, Field(ge=4, le=32)]
    accumulator_bits: Annotated[int, Field(ge=4, le=32)]
    bias_bits: Annotated[int, Field(ge=2, le=32)]
    overflow: Overflow = Overflow()
    max_delay_steps: Annotated[int, Field(ge=1, le=62)] = 1
    """Accumulator banks are this plus one; 1 is the usual double buffer."""
    rx_flits: Count
    tx_flits: Count
    decode_cycles: Natural
    words_per_cycle: Count
    cycles_per_word: Natural = 1
    cycles_per_synapse: Natural = 0
    update_cycles: UpdateCycles
    update_cycles_by_model: dict[NeuronModel, UpdateCycles] = {}
    spike_cycles: Natural
    target_cycles: Count
    memory_ports: Literal[1, 2] = 2
    """1: synapse pipeline and neuron loop share a port, the pipeline first; 2: one each."""
    receive_during_update: bool = True
    """False: the synapse pipeline waits until the neuron loop of the step is done."""

    def update_cycles_of(self, model: NeuronModel) -> UpdateCycles:
        """Cycles of one update of ``model``."""
        return self.update_cycles_by_model.get(model, self.update_cycles)


class Reach(Part):
    """How far a packet can be addressed, in hops per axis; null: everywhere."""

    x_hops: Count | None = None
    y_hops: Count | None = None


class Sync(Part):
    """Time steps: a barrier tree, or ticks of ``tick_period_cycles``."""

    mode: Literal["barrier", "tick"] = "barrier"
    tick_period_cycles: Count | None = None
    base_cycles: Natural = 1
    tile_tree_arity: Annotated[int, Field(ge=2)] = 2
    tile_level_cycles: Natural = 0
    chip_tree_arity: Annotated[int, Field(ge=2)] = 2
    chip_level_cycles: Natural = 0

    @model_validator(mode="after")
    def _tick_has_a_period(self) -> Sync:
        if self.mode == "tick" and self.tick_period_cycles is None:
            raise misfit("mode", "sync.mode 'tick' needs tick_period_cycles")
        return self


class DeadLink(Part):
    """A link that is broken in both directions, named from one of its two routers."""

    x: Natural
    y: Natural
    side: Side


Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class Yield(Part):
    """Defects drawn at random: the share of each kind of part that works, and the seed of the draw."""

    cores: Share = 1.0
    routers: Share = 1.0
    links: Share = 1.0
    chips: Share = 1.0
    seed: Natural = 0


class Defects(Part):
    """What does not work; coordinates are global tile coordinates over all chips.

    ``cores`` are (x, y, number within the tile), ``routers`` (x, y), ``chips`` (column, row of the chip).  A
    dead router takes its cores and links with it, a dead chip all its routers.  ``drawn`` adds random ones.
    What follows from all this is :func:`neurosim.chip.defects.dead_parts`.
    """

    cores: tuple[tuple[Natural, Natural, Natural], ...] = ()
    routers: tuple[tuple[Natural, Natural], ...] = ()
    links: tuple[DeadLink, ...] = ()
    chips: tuple[tuple[Natural, Natural], ...] = ()
    drawn: Yield | None = None


class CheckFigure(Part):
    """An all-in figure of the whole chip at one operating point: to check against, never a price."""

    name: str
    value: Annotated[float, Field(allow_inf_nan=False)]
    unit: str
    evidence: Evidence
    source: Annotated[str, Field(min_length=1)]
    conditions: str = ""


class Energy(Part):
    """Prices per event (every event must have one, if only null) and static power per chip."""

    events: dict[str, Figure]
    static_power_per_chip: Figure
    checks: tuple[CheckFigure, ...] = ()

    @model_validator(mode="after")
    def _every_event_is_priced_or_null(self) -> Energy:
        for name in self.events:
            if name not in EVENTS:
                raise misfit(f"events.{name}", f"unknown event '{name}'", did_you_mean(name, EVENTS))
        missing = [name for name in EVENTS if name not in self.events]
        if missing:
            raise misfit("events", f"no price (not even null) for event '{missing[0]}'")
        return self


class Chip(Part):
    """A whole system: identical chips in a grid, with one host."""

    schema_version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    description: str
    cycle: Cycle
    system: System = System()
    mesh: Mesh
    packet: Packet
    router: Router
    link: ChipLink | None = None
    core: Core
    core_types: tuple[CoreType, ...] = ()
    host: Host | None = None
    reach: Reach = Reach()
    sync: Sync = Sync()
    defects: Defects | None = None
    energy: Energy
    provenance: dict[str, Provenance] = {}

    @property
    def n_chips(self) -> int:
        """Chips in the system."""
        return self.system.chips_x * self.system.chips_y

    @model_validator(mode="after")
    def _parts_fit_together(self) -> Chip:
        if self.n_chips > 1 and self.link is None:
            raise misfit("system", "a system of several chips needs a 'link' section")
        if self.n_chips > 1 and self.mesh.topology == "torus":
            raise misfit("mesh.topology", "mesh.topology 'torus' is for one chip, not for several")
        torus = self.mesh.topology == "torus"
        if torus != (self.router.routing == "torus_xy"):
            raise misfit("router.routing", "router.routing 'torus_xy' and mesh.topology 'torus' go together")
        gateways = self.link.gateways if self.link else None
        if (self.router.routing == "hierarchical_xy") != (gateways is not None):
            raise misfit("router.routing", "router.routing 'hierarchical_xy' and link.gateways go together")
        if gateways and (
            gateways.row >= self.mesh.height or gateways.column >= self.mesh.width
        ):
            raise misfit("link.gateways", "link.gateways lie outside the chip's mesh")
        if self.router.vc_policy != "zero" and self.router.virtual_channels < 2:
            raise misfit(
                "router.vc_policy", f"router.vc_policy '{self.router.vc_policy}' needs 2 virtual_channels"
            )
        for name in ("rx_flits", "tx_flits"):
            if getattr(self.core, name) < self.packet.flits:
                raise misfit(
                    f"core.{name}", f"core.{name} must hold a whole packet of {self.packet.flits} flits"
                )
        self._check_core()
        self._check_packet_fields()
        if self.host:
            self._check_host(self.host)
        if self.defects is not None:
            self._check_defects(self.defects)
        return self

    def _check_defects(self, defects: Defects) -> None:
        width, height = self.system.chips_x * self.mesh.width, self.system.chips_y * self.mesh.height
        places = [
            *((f"cores.{i}", at[:2], "core") for i, at in enumerate(defects.cores)),
            *((f"routers.{i}", at, "router") for i, at in enumerate(defects.routers)),
            *((f"links.{i}", (at.x, at.y), "link") for i, at in enumerate(defects.links)),
            *((f"chips.{i}", at, "chip") for i, at in enumerate(defects.chips)),
        ]
        for path, (x, y), what in places:
            most = (self.system.chips_x, self.system.chips_y) if what == "chip" else (width, height)
            if x >= most[0] or y >= most[1]:
                raise misfit(
                    f"defects.{path}",
                    f"a dead {what} lies at ({x}, {y}), outside the {most[0]}x{most[1]} "
                    + ("chips" if what == "chip" else "tiles"),
                )
        for number, (x, y, k) in enumerate(defects.cores):
            if k >= self.mesh.cores_per_tile:
                raise misfit(
                    f"defects.cores.{number}",
                    f"dead core {k} of tile ({x}, {y}): a tile has cores 0 to {self.mesh.cores_per_tile - 1}",
                )
        for name in ("cores", "routers", "chips", "links"):
            listed = getattr(defects, name)
            twice = next((i for i, at in enumerate(listed) if at in listed[:i]), None)
            if twice is not None:
                raise misfit(f"defects.{name}.{twice}", f"defects.{name} names the same part twice")
        for number, link in enumerate(defects.links):
            self._check_dead_link(f"defects.links.{number}", link)
        if self.host is not None:
            at = (self.host.x, self.host.y)
            chip = (at[0] // self.mesh.width, at[1] // self.mesh.height)
            if at in defects.routers or chip in defects.chips:
                raise misfit(
                    "defects",
                    f"defects contradict the host: it hangs on router ({at[0]}, {at[1]}), which is dead",
                    "move the host to a router that works",
                )

    def _check_dead_link(self, path: str, link: DeadLink) -> None:
        at = f"the {link.side} side of tile ({link.x}, {link.y})"
        host = self.host
        if host is not None and (host.x, host.y, host.side) == (link.x, link.y, link.side):
            raise misfit(
                path,
                f"defects contradict the host: it hangs on {at}, whose link is dead",
                "move the host, or take this link out of defects.links",
                expected="a link other than the host's",
                got=f"the host's link, {at}",
            )
        if not self.has_link(link.x, link.y, link.side):
            raise misfit(
                path,
                f"a dead link lies at {at}, where there is no link",
                "x and y count tiles over all chips, from 0 in the south-west",
                expected="a side of a tile behind which lies another tile, linked to it",
                got=at,
            )

    def has_link(self, x: int, y: int, side: Side) -> bool:
        """Whether a link leads from tile ``(x, y)`` of the system, defects aside, to another on that side."""
        mesh, gateways = self.mesh, self.link.gateways if self.link else None
        along_x = side in ("east", "west")
        place, size = (x, mesh.width) if along_x else (y, mesh.height)
        n_chips = self.system.chips_x if along_x else self.system.chips_y
        goal = place + (1 if side in ("east", "north") else -1)
        if not 0 <= goal < size * n_chips:
            return mesh.topology == "torus" and size > 1
        if goal // size == place // size or gateways is None:
            return True
        return y % mesh.height == gateways.row if along_x else x % mesh.width == gateways.column

    def _check_packet_fields(self) -> None:
        system, mesh, reach = self.system, self.mesh, self.reach
        tiles = {"x": system.chips_x * mesh.width, "y": system.chips_y * mesh.height}
        ring = mesh.topology == "torus"
        hops = {}
        for axis, limit in (("x", reach.x_hops), ("y", reach.y_hops)):
            farthest = tiles[axis] // 2 if ring else tiles[axis] - 1
            hops[axis] = farthest if limit is None else min(limit, farthest)
        narrow = narrow_field([(field.name, field.bits) for field in self.packet.fields], tiles, hops)
        if narrow:
            raise misfit(f"packet.fields.{narrow[0]}.bits", narrow[1])

    def _check_core(self) -> None:
        core = self.core
        twice = sorted({bits for bits in core.weight_bits if core.weight_bits.count(bits) > 1})
        if twice:
            raise misfit("core.weight_bits", f"core.weight_bits names {twice[0]} more than once")
        if "sparse" in core.synapse_formats and core.neurons > 2**core.index_bits:
            raise misfit(
                "core.index_bits",
                f"core.index_bits {core.index_bits} cannot number {core.neurons} neurons"
                " in a sparse synapse",
            )
        for number, kind in enumerate(self.core_types):
            here = f"core_types.{number}"
            for x, y in kind.tiles:
                if x >= self.mesh.width or y >= self.mesh.height:
                    raise misfit(
                        f"{here}.tiles", f"core type '{kind.name}': tile ({x}, {y}) is outside the mesh"
                    )
            if (kind.x_modulus is None) != (not kind.x_remainders):
                raise misfit(here, f"core type '{kind.name}': x_modulus and x_remainders go together")
            if kind.x_modulus is not None and max(kind.x_remainders) >= kind.x_modulus:
                raise misfit(
                    f"{here}.x_remainders",
                    f"core type '{kind.name}': a remainder is not below x_modulus {kind.x_modulus}",
                )

    def _check_host(self, host: Host) -> None:
        width = self.system.chips_x * self.mesh.width
        height = self.system.chips_y * self.mesh.height
        if host.x >= width or host.y >= height:
            raise misfit(
                "host", f"host lies at ({host.x}, {host.y}), outside the {width}x{height} tiles"
            )
        if self.mesh.topology == "torus" and (
            (width if host.side in ("east", "west") else height) > 1
        ):
            raise misfit("host.side", f"host.side '{host.side}' is taken by a ring link of the torus")
        at_border = {
            "east": host.x == width - 1,
            "west": host.x == 0,
            "north": host.y == height - 1,
            "south": host.y == 0,
        }[host.side]
        if not at_border:
            raise misfit(
                "host.side", f"host.side '{host.side}' of tile ({host.x}, {host.y}) is not a border"
            )
