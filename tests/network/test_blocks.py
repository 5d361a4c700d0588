"""Networks run block by block: the same spikes, delays and loops across the borders, and flat memory."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pytest

from neurosim.analysis.quantisation_loss import quantisation_loss
from neurosim.engines.base import Workload
from neurosim.engines.functional import run_functional
from neurosim.network.connections import Dense
from neurosim.network.model import FloatNeuron, IntNeuron, Network, Population, Projection
from neurosim.network.simulate import float_blocks, propagate, propagated, run_float, work_sizes
from neurosim.rules.neuron import DECAY_ONE
from neurosim.store import digest
from tests.helpers.chips import make_chip

STEPS = 23
LINKS = (("in", "a", 0), ("a", "a", 2), ("a", "b", 3), ("in", "b", 5), ("b", "a", 1), ("b", "out", 0))
SIZES = {"in": 4, "a": 6, "b": 5, "out": 3}


def network(is_integer):
    """Two populations in a loop with delays, one of them on itself, an input that arrives late, a read-out."""
    one, zero = np.ones((), np.int64), np.zeros((), np.int64)
    rng = np.random.default_rng(8)

    def neuron(name):
        reset = "none" if name == "out" else "subtract"
        if is_integer:
            return IntNeuron("lif", reset, one * DECAY_ONE // 2, one, zero, one * 3, one * 3, np.asarray(-99), 0, 1.0)
        return FloatNeuron(
            model="lif", keep=np.asarray(0.5), gain=np.ones(()), offset=np.zeros(()), threshold=np.asarray(3.0),
            reset=reset, reset_amount=np.asarray(3.0), at_threshold=False, syn_keep=np.zeros(()),
            syn_gain=np.ones(()), v_initial=np.zeros(()),
        )  # fmt: skip

    populations = tuple(Population(n, (k,), None if n == "in" else neuron(n)) for n, k in SIZES.items())
    projections = tuple(
        Projection(f"{s}{t}", s, t, Dense(_weights(rng, SIZES[t], SIZES[s], is_integer)), delay_steps=d)
        for s, t, d in LINKS
    )
    return Network("loops", populations, projections, ("b", "out"), 1e-3, "test", is_integer, 4 if is_integer else None)


def _weights(rng, n_out, n_in, is_integer):
    weight = rng.integers(-2, 4, (n_out, n_in))
    return weight.astype(np.int16) if is_integer else weight.astype(np.float32)


def inputs(samples=3, steps=STEPS):
    return np.random.default_rng(4).integers(0, 2, (samples, steps, 4)).astype(np.uint8)


@pytest.mark.parametrize("block", [1, 2, 3, 7, STEPS, 100])
def test_blocks_put_together_are_the_whole(block):
    net, x = network(is_integer=True), inputs()

    def update(population, drive):  # any function of the drive will do
        return np.abs(drive) % 3 > 1

    whole = propagate(net, x, update)
    parts = list(propagated(net, x, update, block))
    assert [first for first, _ in parts] == list(range(0, STEPS, block))
    for name, counts in whole.items():
        assert counts.any()
        np.testing.assert_array_equal(np.concatenate([part[name] for _, part in parts], axis=1), counts)


@pytest.mark.parametrize("work", [1, 1000, 4000, 1 << 20])
def test_results_do_not_depend_on_the_working_memory(work, monkeypatch):
    chip, net, floating = make_chip(), network(is_integer=True), network(is_integer=False)
    workload = Workload(inputs(), np.array([0, 3, 1]), "x")
    whole, run = run_functional(net, workload, chip), run_float(floating, workload.spikes)
    loss = quantisation_loss(floating, net, chip, workload)
    monkeypatch.setattr("neurosim.network.simulate._WORK_BYTES", work)
    assert digest(run_functional(net, workload, chip)) == digest(whole)
    assert sum(len(s.sample) for s in whole.spikes) > 50
    blocks = list(float_blocks(floating, workload.spikes))
    for name, counts in run.counts.items():
        joined = np.zeros_like(counts)
        for block in blocks:
            part = block.counts[name]
            rows = slice(block.sample, block.sample + len(part))
            joined[rows, block.step : block.step + part.shape[1]] = part
        np.testing.assert_array_equal(joined, counts)
    np.testing.assert_array_equal(blocks[-1].membrane["out"][-1], run.membrane["out"][-1])
    assert digest(quantisation_loss(floating, net, chip, workload)) == digest(loss)
    assert digest(quantisation_loss(floating, net, chip, workload, whole)) == digest(loss)


def test_the_loss_counts_what_differs():
    chip, net, floating = make_chip(), network(is_integer=True), network(is_integer=False)
    workload = Workload(inputs(), np.array([0, 3, 1]), "x")
    ours, theirs = run_functional(net, workload, chip), run_float(floating, workload.spikes)
    for layer, spikes in zip(quantisation_loss(floating, net, chip, workload).layers, ours.spikes, strict=True):
        dense = np.zeros(theirs.counts[layer.population].shape, np.int64)
        dense[spikes.sample, spikes.step, spikes.neuron] = spikes.count
        assert layer.slots_that_differ == int((dense != theirs.counts[layer.population]).sum())
        assert (layer.spikes_float, layer.slots) == (int(theirs.counts[layer.population].sum()), dense.size)


def test_working_sizes():
    net = network(is_integer=True)
    samples, steps = work_sizes(net, STEPS)
    assert steps == STEPS
    assert samples > 1000
    assert work_sizes(net, 10**9)[0] == 1
    assert work_sizes(net, 10**9) == work_sizes(net, 2 * 10**9)


def test_memory_does_not_grow_with_the_steps(monkeypatch):
    """A silent network: nothing but the work is left."""
    monkeypatch.setattr("neurosim.network.simulate._WORK_BYTES", 1 << 16)
    chip, net, floating = make_chip(), network(is_integer=True), network(is_integer=False)
    peaks = []
    for steps in (100, 500, 3000):
        workload = Workload(np.zeros((1, steps, 4), np.uint8), np.array([0]), "x")
        tracemalloc.start()
        quantisation_loss(floating, net, chip, workload)
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < 1.2 * peaks[1]
