"""What packets are and pass: packet, router, links between chips, and the host's port."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.chip.models.base import Count, Natural, Part, Side, misfit


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
    tree_bits: Annotated[int, Field(ge=1, le=24)] | None = None
    """Bits of a multicast tree's number in the head; null: packets know no trees."""

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
    multicast_entries: Annotated[int, Field(ge=1, le=2**20)] | None = None
    """Entries of each router's multicast table: trees that branch, turn or end there; null: no multicast."""


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
