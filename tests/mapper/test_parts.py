"""Systems that their defects cut: the host's part is used, and a refusal names the parts."""

from __future__ import annotations

import numpy as np
import pytest

from mapper import InfeasibleError, MapOptions, compile_network
from mapper.capacity import core_kinds
from mapper.parts import cut_off, divide, sizes_text, system_parts
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net, problems

QUICK = MapOptions(effort=0.05)
MANY = MapOptions(effort=0.01, placer="swaps")


def halved(x, **changes):
    """A mesh of 6 x 4 tiles whose links east of column ``x`` are dead."""
    links = [{"x": x, "y": y, "side": "east"} for y in range(4)]
    return edit_chip(make_chip(6, 4, core={"neurons": 8}), {"defects": {"links": links}, **changes})


@pytest.mark.parametrize("options", [QUICK, MANY])
def test_what_fits_the_hosts_part_is_mapped_there_and_runs(options):
    chip, net = halved(1), dense_net(10, 48, 16)  # 8 cores: all that there are
    mapping = compile_network(net, chip, options)
    assert (mapping.placement.core % 6 <= 1).all()
    assert problems(mapping, chip) == []
    x = (np.random.default_rng(1).random((1, 5, net.inputs[0].n)) < 0.3).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    ran = ReferenceEngine().run(mapping.program, workload, RunOptions())
    whole = FunctionalEngine(chip).run(net, workload, RunOptions())
    np.testing.assert_array_equal(ran.output_counts, whole.output_counts)


def test_what_does_not_fit_the_hosts_part_is_refused_with_the_parts():
    net = dense_net(10, 60, 12)
    assert len(compile_network(net, halved(2), QUICK).partition.clusters) == 10
    with pytest.raises(InfeasibleError) as caught:
        compile_network(net, halved(1), QUICK)
    assert str(caught.value) == (
        "net: the defects cut chip 'test' into 2 parts of 8 (the host's) and 16 tiles, and only the host's can "
        "be used: the network needs more cores than chip 'test' has; the largest layer is 'fc1' [map-cut-in-two]\n"
        "  expected: at most 8 cores\n"
        "  got: 10 in the best solution found (proven lower bound 9, gap 10 %)\n"
        "  hint: the rest is out of reach behind a dead link of tile (1, 0) to the east, among others"
    )
    assert caught.value.report.limit == 8


def test_the_host_may_hang_on_the_larger_part():
    chip = halved(1, **{"host.x": 5, "host.side": "east"})
    assert [len(part) for part in system_parts(chip)] == [16, 8]
    assert system_parts(chip)[0][:4] == (2, 3, 4, 5)
    assert np.flatnonzero(cut_off(chip)).tolist() == [0, 1, 6, 7, 12, 13, 18, 19]
    assert [len(kind.cores) for kind in core_kinds(chip)] == [16]
    assert sizes_text(chip) == "2 parts of 16 (the host's) and 8 tiles"
    assert divide(chip) == "a dead link of tile (2, 0) to the west"


def test_a_part_behind_dead_routers_and_many_small_ones():
    walled = edit_chip(make_chip(6, 4), {"defects": {"routers": [[2, y] for y in range(4)]}})
    assert sizes_text(walled) == "2 parts of 8 (the host's) and 12 tiles"
    assert divide(walled) == "dead routers"
    sides = [{"x": x, "y": y, "side": side} for x in (1, 3, 5) for y in (1, 3) for side in ("west", "south")]
    sides += [{"x": x, "y": 1, "side": "north"} for x in (1, 3, 5)]
    sides += [{"x": x, "y": y, "side": "east"} for x in (1, 3) for y in (1, 3)]
    alone = edit_chip(make_chip(6, 4), {"defects": {"links": sides}})
    assert sizes_text(alone) == "7 parts of 18 (the host's), 1, 1, 1 and fewer tiles"


def test_a_whole_system_has_one_part():
    assert cut_off(load_chip("tiny")) is None
    assert sizes_text(load_chip("tiny")) is None
    hurt = edit_chip(load_chip("tiny"), {"defects": {"routers": [[1, 1]]}})
    assert cut_off(hurt) is None
    assert [len(part) for part in system_parts(hurt)] == [15]
