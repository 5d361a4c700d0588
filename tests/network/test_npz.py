"""Networks from plain .npz files."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.network.check import check_network
from neurosim.network.npz_reader import import_npz
from neurosim.network.simulate import simulate_float

RNG = np.random.default_rng(1)
W0, W1 = RNG.normal(0.5, 1.0, (4, 3)), RNG.normal(0.5, 1.0, (2, 4))


@pytest.mark.parametrize("reset", ["subtract", "value"])
def test_two_layers(tmp_path, reset):
    np.savez(
        tmp_path / "net.npz", weight0=W0, weight1=W1, bias0=np.arange(4) / 10, keep1=0.5, threshold0=2,
        reset=reset,
    )
    network = import_npz(tmp_path / "net.npz")
    assert check_network(network) == []
    assert [p.neuron.model for p in network.populations[1:]] == ["if", "lif"]
    x = RNG.integers(0, 3, (1, 30, 3))
    u, v, wanted = np.zeros(4), np.zeros(2), []
    for row in x[0]:
        u = u + W0 @ row + np.arange(4) / 10
        s = (u >= 2) * 1.0
        u = u - 2 * s if reset == "subtract" else u * (1 - s)
        v = 0.5 * v + W1 @ s
        out = (v >= 1) * 1.0
        v = v - out if reset == "subtract" else v * (1 - out)
        wanted.append(out)
    assert np.sum(wanted) > 3
    np.testing.assert_array_equal(simulate_float(network, x)["layer1"][0], wanted)


CASES = {
    "unknown array": ({"weight0": W0, "biass0": 1.0}, "unknown array 'biass0' [npz-unknown-array]\n"
                      "  expected: weight0, bias0, threshold0, keep0, weight1, ..., reset, first_spike_steps\n"
                      "  hint: did you mean 'bias0'?"),
    "gap": ({"weight0": W0, "weight7": W1}, "unknown array 'weight7' [npz-unknown-array]\n"
            "  expected: weight0, bias0, threshold0, keep0, weight1, ..., reset, first_spike_steps\n  hint: did you mean 'weight1'?"),
    "no weights": ({"bias0": 1.0}, "no array 'weight0' in the file [npz-no-weights]\n"
                   "  expected: weight0 (neurons, inputs)\n  got: bias0"),
    "join": ({"weight0": W0, "weight1": W0}, "'weight1' has the wrong shape [npz-shape]\n"
             "  expected: (neurons, 4)\n  got: (4, 3)"),
    "bias": ({"weight0": W0, "bias0": np.ones(3)}, "'bias0' has the wrong shape [npz-shape]\n"
             "  expected: () or (4,)\n  got: (3,)"),
    "NaN": ({"weight0": W0 * np.nan}, "'weight0' holds values that are not finite numbers [npz-not-finite]"),
    "keep": (
        {"weight0": W0, "keep0": 1.5},
        "'keep0' is out of range [npz-range]\n  expected: 0..1\n  got: 1.5..1.5",
    ),
    "reset": ({"weight0": W0, "reset": "values"}, "unknown reset 'values' [npz-reset]\n"
              "  expected: subtract or value\n  hint: did you mean 'value'?"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_file(tmp_path, name):
    arrays, text = CASES[name]
    path = tmp_path / "net.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError) as caught:
        import_npz(path)
    assert caught.value.text() == f"{path}: {text}"


def test_broken_file(tmp_path):
    path = tmp_path / "net.npz"
    path.write_bytes(b"PK not a zip")
    with pytest.raises(InputError, match="npz-broken"):
        import_npz(path)
    with pytest.raises(InputError, match="file-missing"):
        import_npz(tmp_path / "none.npz")
