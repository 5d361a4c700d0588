"""An input that is not in first-spike code is found and counted, also behind what a mapper puts between."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from neurosim.network.connections import Diagonal
from neurosim.network.first_spike import encode, repeated_spikes, repeated_text
from neurosim.network.model import Network, Population, Projection
from tests.network.test_first_spike import once
from tests.network.test_quantise import net, neuron

FIRST_SPIKE = net(once(), [[2.0, -1.0]])
RATES = np.array([[[3, 0], [1, 1], [0, 1]], [[0, 1], [0, 0], [1, 0]]], np.uint8)  # sources fire 4, 2; 1, 1 times


def with_between(between: Population) -> Network:
    """``FIRST_SPIKE`` with a population between its input and its neurons."""
    source, target = FIRST_SPIKE.populations
    (last,) = FIRST_SPIKE.projections
    first = Projection("first", source.name, between.name, Diagonal(np.ones(2)))
    return replace(
        FIRST_SPIKE, populations=(source, between, target), projections=(first, replace(last, source=between.name))
    )


def test_spikes_beyond_one_per_source_and_sample_are_counted() -> None:
    source = FIRST_SPIKE.inputs[0].name
    assert repeated_spikes(FIRST_SPIKE, RATES) == {source: (4, 8)}
    assert repeated_text("in", 4, 8) == (
        "input 'in' feeds first-spike neurons but is not in first-spike code: 4 of its 8 spikes are not the "
        "first of their source in a sample"
    )


def test_first_spike_code_is_left_alone() -> None:
    code = encode(np.random.default_rng(1).random((5, 2)), 4, 6)
    assert code.sum() > 5
    assert repeated_spikes(FIRST_SPIKE, code) == {}


def test_rates_into_other_neurons_are_fine() -> None:
    assert repeated_spikes(net(neuron("if", threshold=2.0), [[2.0, -1.0]]), RATES) == {}


def test_the_input_that_does_it_is_named() -> None:
    """Two inputs of which one is a rate: the columns of the other are not taken for it."""
    source, target = FIRST_SPIKE.populations
    other = replace(source, name="other")
    (first,) = FIRST_SPIKE.projections
    network = replace(
        FIRST_SPIKE, populations=(other, source, target),
        projections=(first, replace(first, name="second", source="other")),
    )
    once_each = np.minimum(RATES, 1)
    once_each[0, 1:] = 0
    both = np.concatenate([once_each, RATES], axis=2)
    assert repeated_spikes(network, both) == {source.name: (4, 8)}


def test_go_betweens_are_looked_through_and_rate_layers_are_not() -> None:
    relay = neuron("if", threshold=1.0, reset="subtract_multi", amount=1.0)
    assert list(repeated_spikes(with_between(Population("relay", (2,), relay)), RATES)) == [FIRST_SPIKE.inputs[0].name]
    layer = neuron("lif", threshold=1.0, reset="value", amount=0.0)
    assert repeated_spikes(with_between(Population("layer", (2,), layer)), RATES) == {}
