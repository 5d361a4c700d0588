"""The sweep: legal for every checker, and as good as it says; relays keep the spikes."""

from __future__ import annotations

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.partition import LARGE_CORES
from mapper.relays import add_relays
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.network.connections import Conv, Dense, Pool
from neurosim.network.schedule import schedule
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net, dense_net, network, neuron, problems, weights

SWEEP = MapOptions(partitioner="sweep", effort=0.1)


@pytest.mark.parametrize("net", [dense_net(30, 40, 40, 5), conv_net()], ids=["dense", "conv"])
@pytest.mark.parametrize("entries", [1024, 150])
def test_a_sweep_is_legal(net, entries):
    chip = make_chip(8, 8, core={"neurons": 48, "target_entries": entries})
    mapping = compile_network(net, chip, SWEEP)
    assert problems(mapping, chip) == []
    report = mapping.partition.solver[0]
    assert (report.method, report.objective) == ("sweep", len(mapping.partition.clusters))
    assert report.bound <= report.objective


def test_loops_are_left_to_the_tiling():
    layers = [("in", (4,), None), ("r", (9,), neuron())]
    joins = [
        ("in", "r", Dense(weights(0, 9, 4)), None, 0), ("r", "r", Dense(weights(1, 9, 9)), None, 1),
    ]  # fmt: skip
    net, chip = network(layers, joins, ("r",)), make_chip()
    with pytest.raises(Exception, match="partitioner 'sweep' found no partition, though the network fits"):
        compile_network(net, chip, SWEEP)
    assert problems(compile_network(net, chip, MapOptions(effort=0.1)), chip) == []


def test_many_cores_are_swept():
    side = 24
    conv = Conv(weights(1, 8, 1, 3, 3), (1, 64, 64), (8, 64, 64), (1, 1), (1, 1), (1, 1), 1)
    net = network(
        [("in", (1, 64, 64), None), ("c", (8, 64, 64), neuron("none"))], [("in", "c", conv, None, 0)], ("c",)
    )
    chip = make_chip(side, side, core={"neurons": 64})
    mapping = compile_network(net, chip, MapOptions(effort=0.01))
    assert len(mapping.partition.clusters) >= LARGE_CORES
    assert mapping.partition.solver[0].method == "sweep"


def _skipping(pool: bool):
    """in -> a -> b -> c -> out, with a and (pooled) in also straight to out."""
    conv = Conv(weights(0, 2, 1, 3, 3, largest=9), (1, 4, 4), (2, 4, 4), (1, 1), (1, 1), (1, 1), 1)
    pooled = Pool((1, 4, 4), (1, 2, 2), (2, 2), (2, 2), (0, 0)) if pool else None
    return network(
        [
            ("in", (1, 4, 4), None), ("a", (2, 4, 4), neuron(threshold=9)), ("b", (6,), neuron(threshold=30)),
            ("c", (5,), neuron(threshold=20)), ("out", (3,), neuron("subtract", 30)),
        ],
        [
            ("in", "a", conv, None, 0), ("a", "b", Dense(weights(1, 6, 32, largest=9)), None, 0),
            ("b", "c", Dense(weights(2, 5, 6, largest=9)), None, 0),
            ("c", "out", Dense(weights(3, 3, 5, largest=9)), None, 0),
            ("a", "out", Dense(weights(4, 3, 32, largest=9)), None, 0),
            ("in", "out", Dense(weights(5, 3, 4 if pool else 16, largest=9)), pooled, 0),
            ("in", "c", Dense(weights(6, 5, 16, largest=9)), None, 1),
        ],
        ("out",),
    )  # fmt: skip


@pytest.mark.parametrize("pool", [False, True])
@pytest.mark.parametrize("limit", [1, 2])
def test_relays_keep_the_spikes(pool, limit):
    net, chip = _skipping(pool), make_chip(5, 5, core={"max_delay_steps": limit, "neurons": 16})
    mapping = compile_network(net, chip, MapOptions(effort=0.1))
    assert problems(mapping, chip) == []
    assert max(schedule(mapping.network).hardware_delay.values()) == limit
    assert schedule(mapping.network).depth == schedule(net).depth
    assert "relay neurons pass their spikes on" in mapping.network.warnings[-1]
    x = (np.random.default_rng(3).random((2, 6, 16)) < 0.4).astype(np.uint8)
    workload = Workload(x, np.array([-1, -1]), "test")
    whole = FunctionalEngine(chip).run(net, workload, RunOptions())
    ran = ReferenceEngine().run(mapping.program, workload, RunOptions())
    assert whole.output_counts.sum() > 0
    np.testing.assert_array_equal(ran.output_counts, whole.output_counts)
    ours = {s.population: s for s in ran.spikes}
    for spikes in whole.spikes:
        np.testing.assert_array_equal(ours[spikes.population].step, spikes.step)


def test_relays_are_shared_and_stand_behind_the_pooling():
    net = _skipping(pool=True)
    spikes = {p.name: np.full(p.n, 2.0) for p in net.populations}
    chip = make_chip(core={"max_delay_steps": 1})
    made, estimates = add_relays(net, chip, spikes)
    relays = {p.name: p.n for p in made.populations if ".relay" in p.name}
    assert relays == {
        "in.relay.1": 4, "in.relay.2": 4, "in.relay.3": 4, "in.relay.2.1": 16, "in.relay.2.2": 16,
        "in.relay.2.3": 16, "a.relay.1": 32, "a.relay.2": 32,
    }  # fmt: skip
    assert estimates["in.relay.1"].tolist() == [8.0] * 4
    assert estimates["a.relay.2"].tolist() == [2.0] * 32
    roomy = make_chip(core={"max_delay_steps": 8})
    assert add_relays(net, roomy, spikes) == (net, spikes)
    core = chip.core.model_copy(update={"neuron_models": ("cuba_lif",)})
    simple = chip.model_copy(update={"core": core})
    assert add_relays(net, simple, spikes) == (net, spikes)
