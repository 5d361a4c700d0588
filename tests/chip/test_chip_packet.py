"""What a chip file may say about its packet: no payload, and addresses that reach every tile."""

from __future__ import annotations

import pytest

from neurosim.chip.loader import edit_chip, load_chip
from neurosim.chip.packet_fields import narrow_field
from neurosim.errors import InputError

TILES, HOPS = {"x": 24, "y": 4}, {"x": 15, "y": 3}


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ([("x", 5), ("y", 2)], None),
        ([("x", 5), ("y", 1)],
         (1, "packet field 'y' of 1 bit is too narrow for the coordinates 0 to 3 of this system: it needs 2")),
        ([("to_x", 4)],
         (0, "packet field 'to_x' of 4 bits is too narrow for the coordinates 0 to 23 of this system: it needs 5")),
        ([("dx", 5)], None),
        ([("dx", 4)],
         (0, "packet field 'dx' of 4 bits is too narrow for distances of up to 15 hops, with their sign: it needs 5")),
        ([("dx", 4), ("dx_sign", 1)], None),
        ([("head_x_distance", 4), ("head_x_sign", 1)], None),
        ([("head_x_sign", 1), ("head_x_distance", 3)],
         (1, "packet field 'head_x_distance' of 3 bits is too narrow for distances of up to 15 hops: it needs 4")),
        ([("head_x_return", 1), ("axon", 1), ("index", 1), ("max", 1)], None),
    ],
)  # fmt: skip
def test_narrow_fields(fields: list[tuple[str, int]], message: tuple[int, str] | None) -> None:
    assert narrow_field(fields, TILES, HOPS) == message


def test_a_mesh_wider_than_its_packet_can_say() -> None:
    assert edit_chip(load_chip("tiny"), {"mesh.width": 64}).mesh.width == 64
    with pytest.raises(InputError, match="packet field 'x' of 6 bits is too narrow for the coordinates 0 to 1023"):
        edit_chip(load_chip("tiny"), {"mesh.width": 1024})


def test_the_reach_goes_with_the_distances() -> None:
    with pytest.raises(InputError, match="'head_y_distance' of 4 bits is too narrow for distances of up to 16 hops"):
        edit_chip(load_chip("darwin3"), {"reach.y_hops": 16})


def test_a_payload_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        edit_chip(load_chip("tiny"), {"packet.payload_bits": 8})
    assert "packet.payload_bits must be 0, not 8: graded spikes, which carry a payload, are not modelled" in str(
        caught.value
    )


def test_a_weight_width_is_named_once() -> None:
    with pytest.raises(InputError, match=r"core\.weight_bits names 8 more than once"):
        edit_chip(load_chip("tiny"), {"core.weight_bits": [8, 4, 8]})
