"""Small chip descriptions for tests, made in Python so that every number is in the test."""

from __future__ import annotations

from typing import Any

from neurosim.chip.models import Chip
from neurosim.rules.events import EVENTS

GATEWAYS = {"row": 2, "column": 2}
LINK = {"latency_cycles": 4, "synchroniser_cycles": 2, "cycles_per_flit": 2, "credit_cycles": 3}
HOST_WEST = {
    "x": 0, "y": 1, "side": "west", "latency_cycles": 2, "cycles_per_flit": 1, "credit_cycles": 2,
}  # fmt: skip


def price(value: float | None, unit: str = "pJ", evidence: str = "published") -> dict[str, Any]:
    """A figure of an energy table."""
    return {"value": value, "unit": unit, "evidence": evidence, "source": "made up for a test"}


def small_chip(**sections: dict[str, Any]) -> Chip:
    """A 4x4 mesh with one core per tile; every section given is merged over the default."""
    base: dict[str, Any] = {
        "schema_version": 1,
        "name": "small",
        "description": "for tests",
        "cycle": {"period_ps": 1000},
        "mesh": {"width": 4, "height": 4},
        "packet": {"flits": 1},
        "router": {
            "virtual_channels": 1, "buffer_flits": 4, "credit_cycles": 2, "injection_cycles": 1,
            "hop_cycles": {"east_west": 3, "north_south": 3, "local": 3},
        },
        "core": {
            "neurons": 64, "axons": 64, "target_entries": 256, "synapse_words": 1024, "word_bits": 32,
            "axon_header_words": 0, "index_bits": 8, "weight_bits": (8,), "membrane_bits": 24,
            "current_bits": 24, "accumulator_bits": 24, "bias_bits": 16, "rx_flits": 4, "tx_flits": 4,
            "decode_cycles": 1, "words_per_cycle": 1, "update_cycles": {"active": 1, "idle": 1},
            "spike_cycles": 1, "target_cycles": 1,
        },
        "energy": {
            "events": {name: price(1.0) for name in EVENTS},
            "static_power_per_chip": price(1.0, "mW"),
        },
    }  # fmt: skip
    for name, content in sections.items():
        if isinstance(base.get(name), dict) and isinstance(content, dict):
            content = {**base[name], **content}
        base[name] = content
    return Chip.model_validate(base)


def torus(width: int, height: int, **router: Any) -> Chip:
    """A torus with shortest-way dimension-order routing."""
    return small_chip(
        mesh={"width": width, "height": height, "topology": "torus"},
        router={"routing": "torus_xy", **router},
    )


def gateway_chips(side: int, **router: Any) -> Chip:
    """``side`` x ``side`` chips of 4x4 with mid-side gateways and chip-level XY."""
    return small_chip(
        system={"chips_x": side, "chips_y": side},
        link={**LINK, "gateways": GATEWAYS},
        router={"routing": "hierarchical_xy", **router},
    )
