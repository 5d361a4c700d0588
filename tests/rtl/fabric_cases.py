"""Small chips that together touch every rule of the fabric: routing, arbitration, VCs, links, dropping."""

from __future__ import annotations

from neurosim.chip.models import Chip
from tests.helpers.chips import make_chip

HOPS_1 = {"east_west": 1, "north_south": 1, "local": 1}
HOPS_MIXED = {"east_west": 2, "north_south": 5, "local": 1}


def cases() -> dict[str, Chip]:
    """Name and chip."""
    dateline = {"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"}
    crossings = {"routing": "hierarchical_xy", "virtual_channels": 2, "vc_policy": "crossings"}
    return {
        "plain": make_chip(3, 3),
        "shortest times, one slot": make_chip(
            3, 2, router={"hop_cycles": HOPS_1, "credit_cycles": 1, "buffer_flits": 1}, flits=2
        ),
        "yx, fixed priority, long links": make_chip(
            2, 3, cores_per_tile=2, flits=2, core={"rx_flits": 4},
            router={"routing": "yx", "arbiter": "fixed_priority", "hop_cycles": HOPS_MIXED, "injection_cycles": 3,
                    "credit_cycles": 4, "buffer_flits": 3},
        ),
        "one winner per router": make_chip(
            3, 2, cores_per_tile=3, router={"arbiter": "one_winner_per_router", "cycles_per_flit": 2}
        ),
        "torus, three flits": make_chip(4, 3, topology="torus", flits=3, router=dateline),
        "ring of four, two cores": make_chip(
            4, 1, topology="torus", cores_per_tile=2, flits=2,
            router={**dateline, "virtual_channels": 3, "arbiter": "one_winner_per_router", "buffer_flits": 2},
        ),
        "chips, serial links": make_chip(
            2, 1, chips=(2, 2), flits=2,
            link={"latency_cycles": 3, "synchroniser_cycles": 2, "cycles_per_flit": 3, "credit_cycles": 5},
        ),
        "chips, links shorter than a flit": make_chip(
            1, 2, chips=(3, 1), router={"hop_cycles": HOPS_1},
            link={"latency_cycles": 1, "cycles_per_flit": 4, "credit_cycles": 1},
        ),
        "gateways, a VC per crossing": make_chip(
            1, 2, chips=(3, 2), flits=2, router={**crossings, "virtual_channels": 4},
            link={"gateways": {"row": 1, "column": 0}, "latency_cycles": 2, "cycles_per_flit": 2},
        ),
        "drops after 6 cycles": make_chip(
            3, 2, flits=3, router={"drop_after_cycles": 6, "buffer_flits": 2}, core={"rx_flits": 4}
        ),
        "drops at once, fixed priority": make_chip(
            2, 2, flits=2, cores_per_tile=2,
            router={"drop_after_cycles": 1, "buffer_flits": 1, "arbiter": "fixed_priority"},
        ),
        "one tile, four cores": make_chip(1, 1, cores_per_tile=4, flits=4, router={"buffer_flits": 5}),
    }  # fmt: skip
