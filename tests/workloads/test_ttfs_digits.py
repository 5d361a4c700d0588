"""The first-spike digits: what the shipped files are, and what one spike per neuron saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosim.analysis.quantisation_loss import accuracy
from neurosim.api import import_network
from neurosim.chip.loader import load_chip
from neurosim.engines.base import Workload
from neurosim.engines.functional import run_functional
from neurosim.errors import NeurosimError
from neurosim.network.first_spike import encode
from neurosim.network.quantise import QuantiseOptions, quantise
from neurosim.network.simulate import run_float
from workloads.ttfs_digits.__main__ import main

WORKLOADS = Path(__file__).parents[2] / "workloads"
DIGITS = WORKLOADS / "ttfs_digits"


@pytest.fixture(scope="module")
def data():
    with np.load(DIGITS / "ttfs_test.npz") as arrays:
        return arrays["x"], arrays["y"]


def test_the_test_set_is_that_of_the_rate_coded_network(data):
    with np.load(WORKLOADS / "digits" / "dense_test.npz") as rates:
        np.testing.assert_array_equal(data[1], rates["y"])
        counts = rates["x"].sum(axis=1)
    x = data[0]
    assert x.shape == (450, 16, 64)
    assert x.sum(axis=1).max() == 1
    assert not x[:, 8:].any()
    value = np.where(x.any(axis=1), 8 - x.argmax(axis=1), 0)  # eighths, of a pixel that fired at most 10 times
    assert np.abs(value / 8 - counts / 10).max() < 0.15


def test_accuracy_and_single_spikes_in_float_and_in_integers(data):
    x, labels = data
    network = import_network(DIGITS / "ttfs.npz")
    floating = run_float(network, x)
    assert int((floating.membrane["layer1"].argmax(axis=1) == labels).sum()) == 437
    chip = load_chip("tiny")
    integer = quantise(network, chip, QuantiseOptions(calibration=x))
    result = run_functional(integer, Workload(x, labels, "d"), chip)
    assert accuracy(result.output_counts, labels) == 437 / 450
    hidden = next(s for s in result.spikes if s.population == "layer0")
    assert (hidden.count == 1).all()
    assert len(set(zip(hidden.sample.tolist(), hidden.neuron.tolist(), strict=True))) == len(hidden.step)
    assert hidden.step.min() >= 8  # integrated first
    assert 19 < len(hidden.step) / 450 < 20


def test_a_trained_network_of_rates_is_read_as_moments():
    """Spikes trained as rates: the conversion keeps the accuracy (440 of 450 as rates)."""
    network = import_network(WORKLOADS / "digits" / "conv.nir", "spikingjelly-2.0", first_spike_steps=8)
    with np.load(WORKLOADS / "digits" / "conv_test.npz") as arrays:
        rates, labels = arrays["x"].reshape(450, 20, 64).mean(axis=1), arrays["y"]
    run = run_float(network, encode(rates, 8, 24))
    assert int((run.membrane["if3"].argmax(axis=1) == labels).sum()) >= 440
    assert max(int(counts.sum(axis=1).max()) for counts in run.counts.values()) == 1


def test_leaky_networks_are_refused_by_name():
    with pytest.raises(NeurosimError) as caught:
        import_network(WORKLOADS / "digits" / "dense.nir", "spikingjelly-2.0", first_spike_steps=8)
    assert caught.value.text() == (
        "dense: the network has no first-spike form [first-spike-network]\n"
        "  expected: integrate-and-fire neurons without leak\n  got: 'lif1' has model 'lif', reset 'value'"
    )


def test_the_comparison_prints_fewer_packets(capsys):
    assert main(["--samples", "3"]) == 0
    header, rates, moments = capsys.readouterr().out.splitlines()
    at = header.split().index("packets")
    packets = [float(line.split(", ")[1].replace("first spike", "first").split()[at]) for line in (rates, moments)]
    assert packets[1] < packets[0] / 4
