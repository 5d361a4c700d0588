"""``import --first-spike``, and the demo of a network whose neurons fire once."""

from __future__ import annotations

import json

import pytest

from neurosim import store
from neurosim.network.model import Network

IMPORT = "import conv.nir --profile spikingjelly-2.0"


def test_import_turns_rates_into_moments(neurosim, here):
    said = neurosim(f"{IMPORT} --first-spike 8 -o moments.npz")
    assert said.code == 0
    assert (
        "first-spike code: a sample takes 24 steps, and its input fires in the first 8, at most once per neuron, the "
        "sooner the larger"
    ) in " ".join(said.err.split())
    network = store.load(here / "moments.npz", Network)
    assert [p.neuron.model for p in network.populations if p.neuron] == ["ttfs", "ttfs", "cuba_li"]


@pytest.mark.parametrize(
    ("line", "text"),
    [
        (f"{IMPORT} --first-spike 0", "conv: the window of the first-spike code is out of range [first-spike-window]\n"
         "  expected: 1..1024 steps\n  got: 0\n"),
        ("import dense.nir --profile spikingjelly-2.0 --first-spike 8",
         "dense: the network has no first-spike form [first-spike-network]\n"
         "  expected: integrate-and-fire neurons without leak\n  got: 'lif1' has model 'lif', reset 'value'\n"),
    ],
)
def test_what_cannot_be_is_refused(neurosim, here, line, text):
    said = neurosim(f"{line} -o moments.npz")
    assert said.code == 2
    assert text in said.err
    assert not (here / "moments.npz").exists()


def test_the_demo_of_single_spikes(neurosim):
    said = neurosim("demo --net ttfs --samples 3 -o demo --json")
    assert said.code == 0
    work = json.loads(said.out)["run"]["metrics"]["work"]
    assert 0 < work["packets_sent"] / 3 < 200
