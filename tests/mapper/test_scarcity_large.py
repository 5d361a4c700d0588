"""A network for hundreds of cores on a chip with few is refused soon, with what would make it fit."""

from __future__ import annotations

import pytest

from mapper import MapOptions, compile_network
from mapper.infeasible import InfeasibleError
from mapper.partition import LARGE_CORES, Problem, scarcity
from neurosim.network.connections import Conv
from tests.helpers.chips import make_chip
from tests.mapper.nets import network, neuron, weights

CORE = {"neurons": 64}


def large_net(channels: int = 8):
    """A convolution of 512 cores' neurons."""
    shape = (channels, 64, 64)
    conv = Conv(weights(1, channels, 1, 3, 3), (1, 64, 64), shape, (1, 1), (1, 1), (1, 1), 1)
    layers = [("in", (1, 64, 64), None), ("c", shape, neuron("none"))]
    return network(layers, [("in", "c", conv, None, 0)], ("c",))


def test_a_large_network_is_refused_with_bound_and_a_mesh_that_works(monkeypatch):
    asked = []
    plain = scarcity.capacity.slice_demand
    monkeypatch.setattr(scarcity.capacity, "slice_demand", lambda *a: asked.append(a[2].n) or plain(*a))
    with pytest.raises(InfeasibleError) as caught:
        compile_network(large_net(), make_chip(4, 4, core=CORE), MapOptions(effort=0.01))
    report = caught.value.report
    assert report.resource == "cores"
    assert report.limit == 16
    assert LARGE_CORES <= report.bound <= report.demand
    assert len(report.remedies) == 1
    assert str(caught.value).endswith(f"it would fit with {report.remedies[0]}")
    assert asked.count(1) < 4096  # not neuron by neuron
    monkeypatch.undo()
    side = int(report.remedies[0].split("x")[1].split(" ")[0])
    made = compile_network(large_net(), make_chip(side, side, core=CORE), MapOptions(effort=0.01))
    assert len(made.partition.clusters) == report.demand


@pytest.mark.parametrize(("axons", "fits"), [(9, True), (8, False)])
def test_what_any_neuron_takes_at_most_is_not_said_too_low(axons, fits):
    net, chip = large_net(), make_chip(4, 4, core={**CORE, "axons": axons})
    from mapper.anatomy import Anatomy
    from mapper.options import spikes_of

    options = MapOptions()
    anatomy = Anatomy(net, spikes_of(net, options))
    problem = Problem(anatomy, chip, scarcity.capacity.core_kinds(chip), options)
    assert scarcity._every_neuron_fits(problem, anatomy.layers[0]) is fits
    found = scarcity._neuron_too_large(problem, anatomy.layers[0]) if not fits else None
    assert (found is None) is fits
    if found is not None:
        assert found.what == "one neuron of 'c' takes 9 axons, a core of chip 'test' has 8"
