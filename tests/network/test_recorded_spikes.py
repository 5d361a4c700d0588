"""The float simulation reproduces every spike that the training frameworks recorded."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.network.nir_reader import import_nir
from neurosim.network.simulate import run_float, simulate_float
from tests.network.nir_files import SHARED, WORKLOADS

DIGITS = {
    "sj_fc_if": "spikingjelly-2.0",
    "sj_fc_lif": "spikingjelly-2.0",
    "sj_fc_cuba": "spikingjelly-2.0",
    "sj_conv_if": "spikingjelly-2.0",
    "snntorch_fc_subtract_delay": "snntorch-1.0",
    "snntorch_fc_zero_nodelay": "snntorch-1.0-zero-nodelay",
    "norse_fc_lif": "norse-1.1",
    "sinabs_fc_iaf": "sinabs-3.1",
    "sinabs_fc_iaf_single": "sinabs-3.1-single",
}
needs_shared = pytest.mark.skipif(not SHARED.is_dir(), reason="reference data '../shared/data' is not there")


def _layers(network):
    return [p.name for p in network.populations if not p.is_input]


@needs_shared
@pytest.mark.parametrize("name", sorted(DIGITS))
def test_trained_digits(name):
    network = import_nir(SHARED / "trained_digits" / f"{name}.nir", DIGITS[name])
    recorded = np.load(SHARED / "trained_digits" / f"{name}_spikes.npz")  # (steps, samples, ...)
    counts = simulate_float(network, recorded["x"].swapaxes(0, 1))
    layers = _layers(network)
    assert len(layers) == sum(key.startswith("layer") for key in recorded.files)
    for index, layer in enumerate(layers):
        golden = recorded[f"layer{index}"].swapaxes(0, 1)
        assert golden.sum() > 500
        np.testing.assert_array_equal(counts[layer], golden)


@needs_shared
@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("sj_fc_lif", "nir-paper-exp"),
        ("snntorch_fc_subtract_delay", "snntorch-1.0-zero"),
        ("snntorch_fc_subtract_delay", "snntorch-1.0-subtract-nodelay"),
        ("sinabs_fc_iaf", "sinabs-3.1-single"),
    ],
)
def test_another_profile_gives_other_spikes(name, wrong):
    network = import_nir(SHARED / "trained_digits" / f"{name}.nir", wrong, 1e-4)
    recorded = np.load(SHARED / "trained_digits" / f"{name}_spikes.npz")
    counts = simulate_float(network, recorded["x"].swapaxes(0, 1))
    differ = [
        (counts[layer] != recorded[f"layer{k}"].swapaxes(0, 1)).any() for k, layer in enumerate(
            _layers(network)
        )
    ]
    assert any(differ)


@needs_shared
def test_braille_recurrent_network():
    network = import_nir(SHARED / "nir_paper" / "braille_noDelay_bias_zero.nir", "snntorch-1.0-zero-nodelay")
    recorded = np.load(SHARED / "nir_paper" / "braille_noDelay_bias_zero_golden.npz")
    counts = simulate_float(network, recorded["x"].swapaxes(0, 1))
    np.testing.assert_array_equal(counts["lif1.lif"], recorded["hidden"].swapaxes(0, 1))
    np.testing.assert_array_equal(counts["lif2"], recorded["out"].swapaxes(0, 1))
    delays = {p.name: p.delay_steps for p in network.projections}
    assert delays == {"input->lif1.lif": 0, "lif1.lif->lif1.lif": 1, "lif1.lif->lif2": 0}
    loop = "projection 'lif1.lif->lif1.lif' closes a loop without a Delay; it takes one time step"
    assert network.warnings == (loop,)


@needs_shared
def test_n_mnist_convolutional_network():
    network = import_nir(SHARED / "nir_paper" / "cnn_sinabs.nir", "sinabs-3.1-from-nir")
    recorded = np.load(SHARED / "nir_paper" / "cnn_sinabs_golden.npz")
    shape = recorded["x_shape"]
    x = np.unpackbits(recorded["x"])[: np.prod(shape)].reshape(shape)
    counts = simulate_float(network, x.swapaxes(0, 1))
    np.testing.assert_array_equal(counts["1"], recorded["layer1"].swapaxes(0, 1))
    np.testing.assert_array_equal(counts["12"], recorded["out"].swapaxes(0, 1))
    totals = [int(counts[name].sum()) for name in ("1", "3", "6", "10", "12")]
    assert totals == recorded["counts"].astype(int).tolist()
    assert network.n_neurons == 8970
    kinds = [(type(p.connection).__name__, p.pool is not None) for p in network.projections]
    assert kinds == [("Conv", False), ("Conv", False), ("Conv", True), ("Dense", True), ("Dense", False)]


@needs_shared
@pytest.mark.parametrize(
    ("trace", "profile"),
    [
        ("lif_norse", "norse-1.1"),
        ("lif_norse", "nir-euler"),
        ("lif_sinabs", "nir-paper-exp"),
        ("lif_snntorch", "snntorch-1.0-zero-nodelay"),
    ],
)
def test_single_neuron_traces_of_the_nir_paper(trace, profile):
    rows = np.loadtxt(SHARED / "nir_paper" / f"{trace}.csv", delimiter=",")
    network = import_nir(SHARED / "nir_paper" / "lif_norse.nir", profile, 1e-4)
    dt_over_tau = 1e-4 / 2.5e-3
    drive = rows[:, :1] if trace != "lif_sinabs" else rows[
        :, :1
    ] / dt_over_tau  # sinabs: gain is in the input
    run = run_float(network, drive[None])
    assert rows[:, 2].sum() == 4
    np.testing.assert_array_equal(run.counts["1"][0, :, 0], rows[:, 2])


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_networks_trained_by_our_own_script(name):
    folder = WORKLOADS / "digits"
    network = import_nir(folder / f"{name}.nir", "spikingjelly-2.0")
    recorded, test = np.load(folder / f"{name}_spikes.npz"), np.load(folder / f"{name}_test.npz")
    layers = _layers(network)
    n_recorded = recorded["layer0"].shape[0]
    counts = simulate_float(network, test["x"][:n_recorded])
    assert sorted(recorded.files) == [f"layer{k}" for k in range(len(layers))]
    for index, layer in enumerate(layers):
        np.testing.assert_array_equal(counts[layer], recorded[f"layer{index}"])
