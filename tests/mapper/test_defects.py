"""Defects: nothing lies on dead cores, no flow meets a dead link, and what cannot be done is named."""

from __future__ import annotations

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check import check_placement
from neurosim.chip.defects import dead_parts
from neurosim.chip.dump import chip_digest, dump_chip
from neurosim.chip.loader import edit_chip, load_chip, load_chip_text
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import DoesNotFitError, InputError
from neurosim.fabric.cdg import analyse_routing
from neurosim.fabric.topology import NOTHING, build_fabric
from neurosim.fabric.walks import arrives
from neurosim.rules.ports import DIRECTION_NAMES, EAST, LOCAL, WEST
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net, dense_net, problems

FAST = MapOptions(effort=0.1)


def _with(chip, **defects):
    return edit_chip(chip, {"defects": defects})


def test_a_chip_with_defects_is_written_and_read_back():
    chip = load_chip("tiny")
    hurt = _with(chip, cores=[[0, 1, 0]], links=[{"x": 1, "y": 1, "side": "west"}], drawn={"cores": 0.9})
    assert load_chip_text(dump_chip(hurt), "x") == hurt
    assert chip_digest(hurt) != chip_digest(chip)
    assert "defects" not in dump_chip(chip)


def test_dead_parts_take_with_them_what_hangs_on_them():
    dead = dead_parts(_with(make_chip(4, 3), routers=[[1, 1]], links=[{"x": 3, "y": 2, "side": "south"}]))
    assert np.flatnonzero(dead.core).tolist() == np.flatnonzero(dead.router).tolist() == [5]
    assert np.flatnonzero(dead.east).tolist() == [4, 5]
    assert np.flatnonzero(dead.north).tolist() == [1, 5, 7]
    assert dead.counts == {"cores": 1, "routers": 1, "links": 5}


def test_the_draw_is_reproducible_and_near_its_yield():
    chip = edit_chip(load_chip("darwin3"), {"defects": {"drawn": {"cores": 0.9, "links": 0.95, "seed": 4}}})
    dead, again = dead_parts(chip), dead_parts(edit_chip(chip, {"name": "other"}))
    assert (dead.core == again.core).all()
    assert (dead.drawn[2], dead.drawn[3]) == (int(dead.core.sum()), int(dead.east.sum() + dead.north.sum()))
    assert 35 < dead.drawn[2] < 85
    assert 30 < dead.drawn[3] < 85
    other = dead_parts(edit_chip(chip, {"defects.drawn.seed": 5}))
    assert (dead.core != other.core).any()


def test_behind_a_dead_link_hangs_nothing():
    fabric = build_fabric(_with(make_chip(3, 1), links=[{"x": 0, "y": 0, "side": "east"}]))
    assert fabric.target[0, EAST] == fabric.target[1, WEST] == NOTHING
    assert fabric.target[1, EAST] == 2
    assert (fabric.target[:, LOCAL] != NOTHING).all()
    ends = np.array([0, 1, 2]), np.array([2, 2, 1])
    assert arrives(fabric, *ends).tolist() == [False, True, True]


def test_the_routing_function_is_checked_over_what_can_be_sent():
    hurt = analyse_routing(build_fabric(_with(make_chip(3, 1), links=[{"x": 1, "y": 0, "side": "east"}])))
    whole = analyse_routing(build_fabric(make_chip(3, 1)))
    assert hurt.is_free
    assert whole.is_free
    assert hurt.n_flows < whole.n_flows


@pytest.mark.parametrize("net", [dense_net(30, 40, 40, 5), conv_net()], ids=["dense", "conv"])
def test_mapped_around_and_spikes_stay(net):
    chip = make_chip(4, 4, core={"neurons": 96} if net.n_neurons > 100 else {"neurons": 24})
    hurt = _with(
        chip, cores=[[1, 0, 0], [2, 2, 0]], routers=[[3, 3]],
        links=[{"x": 0, "y": 1, "side": "east"}, {"x": 1, "y": 2, "side": "south"}],
    )  # fmt: skip
    mapping = compile_network(net, hurt, FAST)
    assert problems(mapping, hurt) == []
    assert mapping.routes.verdict == "free"
    assert arrives(build_fabric(hurt), mapping.routes.source, mapping.routes.target).all()
    assert not dead_parts(hurt).core[mapping.placement.core].any()
    x = (np.random.default_rng(1).random((1, 5, net.inputs[0].n)) < 0.3).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    whole = FunctionalEngine(chip).run(net, workload, RunOptions())
    ran = ReferenceEngine().run(mapping.program, workload, RunOptions())
    np.testing.assert_array_equal(ran.output_counts, whole.output_counts)


def test_the_checker_sees_a_cluster_on_a_dead_core():
    chip, net = make_chip(2, 2), dense_net(10, 8, 3)
    mapping = compile_network(net, chip, FAST)
    used = int(mapping.placement.core[0])
    hurt = _with(chip, cores=[[used % 2, used // 2, 0]])
    found = check_placement(mapping.placement, mapping.partition, mapping.network, hurt)
    assert f"cluster 0 is on core {used}, which is dead" in found


def test_flows_without_a_way_are_named():
    chip = make_chip(3, 1, core={"neurons": 4})
    hurt = _with(chip, links=[{"x": 1, "y": 0, "side": "east"}])
    with pytest.raises(DoesNotFitError) as caught:
        compile_network(dense_net(4, 4, 4, 4), hurt, FAST)
    assert str(caught.value).splitlines()[0] == (
        "net: the defects cut chip 'test' into 2 parts of 2 (the host's) and 1 tiles, and only the host's can be "
        "used: the network needs more cores than chip 'test' has; the largest layer is 'fc3' [map-cut-in-two]"
    )


def test_a_dead_link_that_no_placement_avoids_is_refused():
    chip = make_chip(2, 2, core={"neurons": 4, "axons": 64})
    hurt = _with(chip, links=[{"x": 0, "y": 1, "side": "east"}])
    with pytest.raises(DoesNotFitError) as caught:
        compile_network(dense_net(4, 8, 8), hurt, FAST)
    text = str(caught.value)
    assert "cannot go round the dead links of chip 'test': routing 'xy' knows one path per pair" in text


@pytest.mark.parametrize(
    ("defects", "message"),
    [
        ({"routers": [[9, 0]]}, "a dead router lies at (9, 0), outside the 4x4 tiles"),
        (
            {"links": [{"x": 9, "y": 9, "side": "east"}]},
            "a dead link lies at (9, 9), outside the 4x4 tiles",
        ),
        ({"cores": [[4, 0, 0]]}, "a dead core lies at (4, 0), outside the 4x4 tiles"),
        ({"chips": [[1, 0]]}, "a dead chip lies at (1, 0), outside the 1x1 chips"),
        ({"cores": [[1, 1, 1]]}, "dead core 1 of tile (1, 1): a tile has cores 0 to 0"),
        ({"cores": [[1, 1, 0], [1, 1, 0]]}, "defects.cores names the same part twice"),
        (
            {"routers": [[0, 0]]},
            "defects contradict the host: it hangs on router (0, 0), which is dead",
        ),
    ],
)
def test_contradictory_defects_are_refused(defects, message):
    with pytest.raises(InputError) as caught:
        _with(load_chip("tiny"), **defects)
    assert message in str(caught.value)


def test_a_dead_link_where_none_is_is_refused():
    text = dump_chip(_with(load_chip("tiny"), links=[{"x": 2, "y": 0, "side": "east"}]))
    assert text.count("x: 2") == 1
    line = next(n for n, row in enumerate(text.splitlines(), 1) if "x: 2" in row)
    with pytest.raises(InputError) as caught:
        load_chip_text(text.replace("x: 2", "x: 3"), "chip.yaml")
    where, rest = str(caught.value).split(": ", 1)
    assert where.startswith(f"chip.yaml:{line}:")
    assert rest == (
        "a dead link lies at the east side of tile (3, 0), where there is no link [chip-inconsistent]\n"
        "  expected: a side of a tile behind which lies another tile, linked to it\n"
        "  got: the east side of tile (3, 0)\n"
        "  hint: x and y count tiles over all chips, from 0 in the south-west"
    )


def test_a_dead_link_of_the_host_is_refused():
    with pytest.raises(InputError) as caught:
        _with(load_chip("tiny"), links=[{"x": 0, "y": 0, "side": "west"}])
    assert str(caught.value) == (
        "edit of chip 'tiny': defects contradict the host: it hangs on the west side of "
        "tile (0, 0), whose link is dead [chip-edit]\n"
        "  expected: a link other than the host's\n"
        "  got: the host's link, the west side of tile (0, 0)\n"
        "  hint: move the host, or take this link out of defects.links"
    )


@pytest.mark.parametrize("chip", ["tiny", "tiny_2x2", "tiny_2x2_gateway", "torus", "ring"])
def test_links_are_where_the_fabric_has_them(chip):
    rings = {"torus": (4, 3), "ring": (1, 3)}
    if chip in rings:
        width, height = rings[chip]
        made = make_chip(width, height, topology="torus", host=None, router={"routing": "torus_xy"})
    else:
        made = load_chip(chip)
    fabric = build_fabric(made)
    for router in range(fabric.n_routers):
        for port, side in enumerate(DIRECTION_NAMES):
            assert made.has_link(*fabric.xy(router), side) == (fabric.target[router, port] >= 0)


def test_a_draw_that_kills_the_host_is_refused():
    chip = _with(load_chip("tiny"), drawn={"routers": 0.0})
    with pytest.raises(DoesNotFitError) as caught:
        build_fabric(chip)
    assert str(caught.value) == (
        "defects.drawn: the defects drawn with seed 0 kill the router on which the host hangs [chip-dead-host]\n"
        "  hint: use another seed, or move the host"
    )


def test_a_search_without_end_is_given_up(monkeypatch):
    monkeypatch.setattr("mapper.route.around.TRIALS", 5)
    chip = make_chip(4, 4, core={"neurons": 96})
    hurt = _with(chip, links=[{"x": x, "y": y, "side": "east"} for x in range(3) for y in (1, 2)])
    with pytest.raises(DoesNotFitError, match="cannot go round the dead links of chip 'test'"):
        compile_network(conv_net(), hurt, MapOptions(effort=0.1, placer="row_order"))
