"""Dead links have one meaning whatever their name, and only links that exist can die."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.chip.defects import dead_parts
from neurosim.chip.loader import dump_chip, edit_chip, load_chip, load_chip_text
from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.fabric.topology import build_fabric
from neurosim.rules import ports
from tests.helpers.chips import make_chip

RING = make_chip(2, 3, topology="torus", host=None, router={"routing": "torus_xy"})


def hurt(chip: Chip, *links: tuple[int, int, str]) -> Chip:
    return edit_chip(chip, {"defects": {"links": [{"x": x, "y": y, "side": side} for x, y, side in links]}})


@pytest.mark.parametrize(
    ("chip", "ours", "theirs"),
    [
        (load_chip("tiny"), (1, 2, "east"), (2, 2, "west")),
        (load_chip("tiny"), (1, 2, "north"), (1, 3, "south")),
        (load_chip("tiny_2x2"), (3, 0, "east"), (4, 0, "west")),
        (RING, (1, 2, "east"), (0, 2, "west")),
        (RING, (0, 0, "south"), (0, 2, "north")),
    ],
)
def test_a_link_has_two_names(chip: Chip, ours: tuple[int, int, str], theirs: tuple[int, int, str]) -> None:
    one, other = dead_parts(hurt(chip, ours)), dead_parts(hurt(chip, theirs))
    assert one is not None
    assert other is not None
    assert one.counts == other.counts == {"cores": 0, "routers": 0, "links": 1}
    np.testing.assert_array_equal(one.east, other.east)
    np.testing.assert_array_equal(one.north, other.north)
    with pytest.raises(InputError) as caught:
        hurt(chip, ours, theirs)
    assert str(caught.value) == (
        f"edit of chip '{chip.name}': defects.links names the same part twice [chip-edit]\n"
        "  got: entries 0 and 1, counted from 0\n"
        "  hint: a link is dead both ways: name it from one of its two tiles"
    )


def test_both_lines_of_a_file_are_told() -> None:
    text = dump_chip(hurt(load_chip("tiny"), (1, 2, "east"), (0, 0, "north")))
    head, tail = text.split("\ndefects:\n")
    tail = tail.replace("x: 0", "x: 2").replace("y: 0", "y: 2").replace('side: "north"', 'side: "west"')
    text = f"{head}\ndefects:\n{tail}"
    lines = [n for n, line in enumerate(text.splitlines(), 1) if "- x:" in line]
    with pytest.raises(InputError) as caught:
        load_chip_text(text, "hurt.yaml")
    where, said = str(caught.value).split(": ", 1)
    assert where.rsplit(":", 1)[0] == f"hurt.yaml:{lines[1]}"
    assert said == (
        "defects.links names the same part twice [chip-inconsistent]\n"
        f"  got: entries 0 and 1, counted from 0; the first is in line {lines[0]}\n"
        "  hint: a link is dead both ways: name it from one of its two tiles"
    )


def test_two_links_of_a_ring_of_two_are_not_one() -> None:
    dead = dead_parts(hurt(RING, (0, 0, "east"), (0, 0, "west")))
    assert dead is not None
    assert dead.counts["links"] == 2


@pytest.mark.parametrize("name", ["tiny", "tiny_2x2", "tiny_2x2_gateway", "ring"])
def test_only_links_that_exist_are_drawn_dead(name: str) -> None:
    """With no link left over all of them are counted, and none more; some keep their place."""
    chip = RING if name == "ring" else load_chip(name)
    target = build_fabric(chip).target[:, [ports.EAST, ports.NORTH]]
    there = (target >= 0) if name == "ring" else (target > np.arange(len(target))[:, None])
    dead = dead_parts(edit_chip(chip, {"defects": {"drawn": {"links": 0.0}}}))
    assert dead is not None
    assert dead.drawn == (0, 0, 0, int(there.sum()))
    np.testing.assert_array_equal(np.stack([dead.east, dead.north], axis=1), there)


def test_a_dead_router_takes_the_links_that_it_has() -> None:
    """Router (3, 0) of the gateway system has two: beside the gateways nothing crosses."""
    dead = dead_parts(edit_chip(load_chip("tiny_2x2_gateway"), {"defects": {"routers": [[3, 0]]}}))
    assert dead is not None
    assert dead.counts == {"cores": 1, "routers": 1, "links": 2}
    every = dead_parts(edit_chip(load_chip("tiny_2x2"), {"defects": {"routers": [[3, 0]]}}))
    assert every is not None
    assert every.counts["links"] == 3
