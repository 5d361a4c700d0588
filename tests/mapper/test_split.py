"""Fan-ins beyond the axon limit are split, and the spikes stay what they were."""

from __future__ import annotations

import numpy as np
import pytest

from mapper import InfeasibleError, MapOptions, compile_network
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.network.connections import Conv, Dense
from tests.helpers.chips import make_chip
from tests.mapper.nets import dense_net, network, neuron, problems, weights


def _wide_conv():
    conv = Conv(weights(4, 3, 6, 3, 3, largest=7), (6, 5, 5), (3, 5, 5), (1, 1), (1, 1), (1, 1), 1)
    return network(
        [("in", (6, 5, 5), None), ("c", (3, 5, 5), neuron(threshold=20)), ("out", (2,), neuron(threshold=9))],
        [("in", "c", conv, None, 0), ("c", "out", Dense(weights(5, 2, 75, largest=3)), None, 0)],
        ("out",),
    )


def _wide_dense():
    return network(
        [("in", (50,), None), ("a", (6,), neuron(threshold=20)), ("out", (3,), neuron("subtract", 9))],
        [
            ("in", "a", Dense(weights(6, 6, 50, largest=7)), None, 0),
            ("a", "out", Dense(weights(7, 3, 6, largest=7)), None, 0),
            ("a", "a", Dense(weights(8, 6, 6, largest=7)), None, 1),
        ],
        ("out",),
    )


@pytest.mark.parametrize("net", [_wide_dense(), _wide_conv()], ids=["dense", "conv"])
def test_split_networks_spike_as_before(net):
    chip = make_chip(width=5, height=5, core={"axons": 50, "max_delay_steps": 4})
    mapping = compile_network(net, chip, MapOptions(effort=0.1))
    assert problems(mapping, chip) == []
    assert len(mapping.network.populations) > len(net.populations)
    assert "was split into" in mapping.network.warnings[-1]
    assert mapping.activity == (
        "assumed 1 spike per neuron and sample "
        "(the spikes of a split fan-in's partial sums are estimates made from these)"
    )
    x = (np.random.default_rng(2).random((1, 6, net.inputs[0].n)) < 0.4).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    whole = FunctionalEngine(chip).run(net, workload, RunOptions())
    split = ReferenceEngine().run(mapping.program, workload, RunOptions())
    assert whole.output_counts.sum() > 0
    np.testing.assert_array_equal(split.output_counts, whole.output_counts)
    ours = {s.population: s for s in split.spikes}
    for spikes in whole.spikes:
        np.testing.assert_array_equal(ours[spikes.population].neuron, spikes.neuron)
        np.testing.assert_array_equal(ours[spikes.population].step, spikes.step)


def test_nothing_is_split_that_fits():
    mapping = compile_network(dense_net(40, 5, 3), make_chip(core={"axons": 40}), MapOptions(effort=0.1))
    assert [p.name for p in mapping.network.populations] == ["in", "fc1", "fc2"]
    assert mapping.network.warnings == ()


def test_a_loop_without_room_is_refused_by_name():
    net = network(
        [("in", (4,), None), ("r", (30,), neuron())],
        [("in", "r", Dense(weights(0, 30, 4)), None, 0), ("r", "r", Dense(weights(1, 30, 30)), None, 1)],
        ("r",),
    )
    with pytest.raises(InfeasibleError) as caught:
        compile_network(net, make_chip(core={"axons": 20}), MapOptions(effort=0.1))
    assert str(caught.value) == (
        "net: one neuron of 'r' takes 34 axons, a core of chip 'test' has 20 [map-does-not-fit]\n"
        "  expected: at most 20 axons per core\n"
        "  got: 34 (proven minimum)\n"
        "  hint: it would fit with 34 axons per core"
    )
    report = caught.value.report
    assert (report.layer, report.resource, report.demand, report.bound) == ("r", "axons per core", 34, 34)
    fixed = make_chip(core={"axons": 34})
    assert problems(compile_network(net, fixed, MapOptions(effort=0.1)), fixed) == []
