"""``import --first-spike``, and the demo of a network whose neurons fire once."""

from __future__ import annotations

import json

import numpy as np
import pytest

from neurosim import store
from neurosim.network.first_spike import encode
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


def test_rates_are_warned_of(neurosim, here):
    """The trained network's own samples are rates: `map`, `run` and the report say which input, and count."""
    assert neurosim(f"{IMPORT} --first-spike 8 -o moments.npz").code == 0
    name = store.load(here / "moments.npz", Network).inputs[0].name
    x = np.load(here / "conv_test.npz")["x"][:2]
    beyond = int(np.maximum(x.sum(axis=1, dtype=np.int64) - 1, 0).sum())
    assert beyond > 100
    line = (
        f"warning: input '{name}' feeds first-spike neurons but is not in first-spike code: {beyond} of its "
        f"{int(x.sum())} spikes are not the first of their source in a sample\n"
    )
    said = neurosim("map moments.npz --chip tiny --input conv_test.npz --samples 2 --effort 0.05 -o moments")
    assert said.code == 0, said.err
    assert line in said.err
    said = neurosim("run moments --input conv_test.npz --samples 2 -o rates")
    assert said.code == 0, said.err
    assert line in said.err
    health = json.loads((here / "rates/metrics.json").read_text())["health"]
    assert health["repeated_input_spikes"] == {name: beyond}
    badge = f"input '{name}' not in first-spike code: {beyond:,} spikes beyond one per source".replace(",", "\u202f")
    said = neurosim("report rates")
    assert badge in said.out
    assert badge.replace("'", "&#39;") in (here / "rates/report.html").read_text()
    code = encode(np.random.default_rng(1).random((2, *x.shape[2:])), 8, 24)
    np.savez(here / "code.npz", x=code)
    said = neurosim("run moments --input code.npz -o code")
    assert "first-spike code" not in said.err


def test_short_samples_are_warned_of(neurosim, here):
    """By `map` and `run`, in the terminal and in the document; the right length is not blamed for the mapping's."""
    assert neurosim(f"{IMPORT} --first-spike 8 -o moments.npz").code == 0
    shape = np.load(here / "conv_test.npz")["x"].shape[2:]
    code = encode(np.random.default_rng(1).random((2, *shape)), 8, 24)
    for steps in (20, 24):
        np.savez(here / f"code{steps}.npz", x=code[:, :steps])
    short = (
        "the input has 20 steps per sample, but this first-spike network needs 24: its later layers are cut off"
    )
    again = "the mapping was made with 20 steps per sample, but this first-spike network needs 24: map it again"
    for steps in (20, 24):
        said = neurosim(f"map moments.npz --chip tiny --input code{steps}.npz --effort 0.05 -o made{steps} --json")
        assert said.code == 0, said.err
        assert (f"warning: {short}\n" in said.err) == (steps == 20)
        assert (short in json.loads(said.out)["warnings"]) == (steps == 20)
    for mapping, steps in ((20, 20), (20, 24), (24, 20), (24, 24)):
        line = f"run made{mapping} --input code{steps}.npz --engine functional -o run{mapping}{steps} --json"
        said = neurosim(line)
        assert said.code == 0, said.err
        found = json.loads(said.out)["warnings"]
        assert (short in found) == (steps == 20)
        assert any(again in text for text in found) == ((mapping, steps) == (20, 24))
        assert any("swap its first two axes" in text for text in found) == ((mapping, steps) == (24, 20))
