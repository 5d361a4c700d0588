"""How many steps a sample of a first-spike network takes, read off the network itself."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from neurosim.chip.loader import load_chip
from neurosim.network.first_spike import needed_steps, sample_steps, short_text, to_first_spike
from neurosim.network.quantise import quantise
from tests.network.test_first_spike import once, rates
from tests.network.test_quantise import net, neuron

RATES = rates(np.ones((4, 3)), np.zeros(4), np.ones((2, 4)), np.zeros(2))


@pytest.mark.parametrize("window_steps", [1, 5, 8])
def test_the_number_is_that_of_the_import_also_of_integers(window_steps: int) -> None:
    network = to_first_spike(RATES, window_steps)
    assert needed_steps(network) == sample_steps(RATES, window_steps)
    assert needed_steps(quantise(network, load_chip("tiny"))) == sample_steps(RATES, window_steps)


def test_other_networks_need_no_number_of_steps() -> None:
    assert needed_steps(RATES) is None
    assert needed_steps(net(neuron("if", threshold=2.0), [[2.0, -1.0]])) is None
    assert needed_steps(net(once(), [[2.0, -1.0]])) is None  # may fire from its first step on


def test_windows_that_do_not_follow_from_each_other_give_none() -> None:
    network = to_first_spike(RATES, 4)
    moved = next(p for p in network.populations if getattr(p.neuron, "ramp", None) is not None)
    assert moved.neuron.ramp.silent_steps == 4
    for steps in ({"input_steps": 3}, {"silent_steps": 3}):
        ramp = replace(moved.neuron.ramp, **steps)
        changed = replace(moved, neuron=replace(moved.neuron, ramp=ramp))
        others = tuple(changed if p is moved else p for p in network.populations)
        assert needed_steps(replace(network, populations=others)) is None


def test_the_text() -> None:
    assert short_text(24, 20) == (
        "the input has 20 steps per sample, but this first-spike network needs 24: its later layers are cut off"
    )
    assert short_text(24, 1).startswith("the input has 1 step per sample, ")
