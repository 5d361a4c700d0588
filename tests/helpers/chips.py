"""Chips made in Python for tests: every part can be overridden by name."""

from __future__ import annotations

from typing import Any

from neurosim.chip.models import Chip, Figure, Provenance
from neurosim.chip.provenance import numeric_leaves
from neurosim.chip.tree import dotted
from neurosim.rules.events import EVENTS

PRICE = Figure(value=1.0, unit="pJ", evidence="assumed", source="test")

CORE: dict[str, Any] = {
    "neurons": 64, "axons": 256, "target_entries": 1024, "synapse_words": 4096, "word_bits": 32,
    "axon_header_words": 1, "index_bits": 8, "weight_bits": (4, 8), "membrane_bits": 24,
    "current_bits": 24, "accumulator_bits": 24, "bias_bits": 16, "max_delay_steps": 3,
    "rx_flits": 4, "tx_flits": 4, "decode_cycles": 1, "words_per_cycle": 1,
    "update_cycles": {"active": 2, "idle": 1}, "spike_cycles": 1, "target_cycles": 1,
}  # fmt: skip

ROUTER: dict[str, Any] = {
    "virtual_channels": 1, "buffer_flits": 4, "credit_cycles": 2, "injection_cycles": 1,
    "hop_cycles": {"east_west": 3, "north_south": 3, "local": 3},
}  # fmt: skip

LINK: dict[str, Any] = {
    "latency_cycles": 0, "synchroniser_cycles": 0, "cycles_per_flit": 1, "credit_cycles": 2,
}  # fmt: skip


def make_chip(
    width: int = 4,
    height: int = 4,
    chips: tuple[int, int] = (1, 1),
    topology: str = "mesh",
    cores_per_tile: int = 1,
    flits: int = 1,
    router: dict[str, Any] | None = None,
    core: dict[str, Any] | None = None,
    link: dict[str, Any] | None = None,
    host: dict[str, Any] | str | None = "default",
    sync: dict[str, Any] | None = None,
    **more: Any,
) -> Chip:
    """A chip with the contract's reference timing unless overridden."""
    if host == "default":
        side = "north" if topology == "torus" else "west"
        host = None
        if topology == "mesh" or height == 1:
            host = {
                "x": 0, "y": 0, "side": side, "latency_cycles": 1, "cycles_per_flit": 1,
                "credit_cycles": 2,
            }  # fmt: skip
    several = chips != (1, 1)
    chip = Chip.model_validate(
        {
            "schema_version": 1,
            "name": "test",
            "description": "made by a test",
            "cycle": {"period_ps": 1000},
            "system": {"chips_x": chips[0], "chips_y": chips[1]},
            "mesh": {
                "width": width, "height": height, "cores_per_tile": cores_per_tile,
                "topology": topology,
            },
            "packet": {"flits": flits},
            "router": {**ROUTER, **(router or {})},
            "link": {**LINK, **(link or {})} if several else None,
            "core": {**CORE, **(core or {})},
            "host": host,
            "sync": {"base_cycles": 5, **(sync or {})},
            "energy": {
                "events": dict.fromkeys(EVENTS, PRICE),
                "static_power_per_chip": Figure(
                    value=1.0, unit="mW", evidence="assumed", source="test"
                ),
            },
            **more,
        }
    )  # fmt: skip
    note = Provenance(evidence="assumed", source="test")
    return chip.model_copy(
        update={"provenance": {dotted(path): note for path, _ in numeric_leaves(chip)}}
    )
