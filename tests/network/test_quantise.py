"""Quantisation: weights, thresholds, shifts, errors; accuracy and spikes of the trained digits."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis.quantisation_loss import accuracy, quantisation_loss
from neurosim.chip.loader import load_chip
from neurosim.engines.base import Workload
from neurosim.engines.functional import run_functional
from neurosim.errors import InputError
from neurosim.network.check import check_network
from neurosim.network.connections import Dense
from neurosim.network.inputs import check_inputs, load_inputs
from neurosim.network.model import FloatNeuron, Network, Population, Projection
from neurosim.network.nir_reader import import_nir
from neurosim.network.quantise import QuantiseOptions, quantise
from neurosim.network.simulate import simulate_float
from tests.helpers.chips import make_chip
from tests.network.nir_files import SHARED, WORKLOADS
from tests.network.test_recorded_spikes import DIGITS, needs_shared

ZERO, ONE = np.zeros(()), np.ones(())


def neuron(model="if", keep=1.0, gain=1.0, offset=0.0, threshold=1.0, reset="subtract", amount=None, at=True,
           syn_keep=0.0, syn_gain=1.0, v_min=-np.inf):  # fmt: skip
    amount = threshold if amount is None else amount
    arrays = [np.asarray(v, float) for v in (keep, gain, offset, threshold)]
    rest = [np.asarray(v, float) for v in (syn_keep, syn_gain, v_min)]
    return FloatNeuron(model, *arrays, reset, np.asarray(amount, float), at, *rest)


def net(cells, weight, bias=0.0, **more):
    weight = np.asarray(weight, float)
    populations = (
        Population("in", (weight.shape[1],), None),
        Population("n", (weight.shape[0],), cells, np.asarray(bias, float)),
    )
    return Network(
        "net", populations, (Projection("in->n", "in", "n", Dense(weight)),), ("n",), 1e-3, "p", **more
    )


weight_lists = st.lists(st.integers(-3000, 3000).map(lambda n: n / 1000), min_size=6, max_size=6)


@settings(max_examples=60, deadline=None)
@given(weight_lists, st.sampled_from([4, 8]), st.floats(0.05, 3), st.floats(0.1, 0.99), st.booleans())
def test_properties(weights, bits, threshold, keep, at):
    weight = np.array(weights).reshape(2, 3)
    floating = net(neuron("lif", keep, 0.5, 0.0, threshold, "value", 0.0, at), weight, 0.01)
    chip = make_chip(core={"membrane_bits": 32, "current_bits": 32, "accumulator_bits": 32, "bias_bits": 32})
    integer = quantise(floating, chip, QuantiseOptions(weight_bits=bits))
    assert check_network(integer) == []
    cells, got = integer.population("n").neuron, integer.projections[0].connection.weight
    step = 2.0**cells.input_shift / cells.scale  # one weight step in float
    assert got.dtype == np.int16
    assert np.abs(got).max(initial=0) <= 2 ** (bits - 1) - 1
    assert np.abs(got * step - weight).max() <= step / 2 * (1 + 1e-9)
    if np.abs(weight).max() > 0:
        assert np.abs(got).max() == 2 ** (bits - 1) - 1
    exact = threshold / 0.5 * cells.scale  # membranes are divided by the input gain
    fires = cells.threshold - exact
    assert -1e-6 * exact <= fires <= 1 if at else 0 < fires <= 1
    assert abs(int(cells.keep) - keep * 4096) <= 0.5
    assert abs(int(cells.bias) - 0.01 * cells.scale) <= 0.5


@pytest.mark.parametrize(("at", "wanted"), [(True, 1), (False, 2)])
def test_threshold_of_equality(at, wanted):
    """Weights of exactly half the threshold: ``>=`` fires on two inputs, ``>`` on three."""
    floating = net(neuron(at=at, reset="value", amount=0.0), [[0.5]])
    integer = quantise(floating, make_chip())
    x = np.ones((1, 6, 1), np.uint8)
    result = run_functional(integer, Workload(x, np.zeros(1, int), ""), make_chip())
    assert result.spikes[0].step.tolist() == simulate_float(floating, x)["n"][0, :, 0].nonzero()[0].tolist()
    assert result.spikes[0].step[0] == wanted


def test_integer_weights_survive_unchanged():
    weight = np.array([[127, -3, 0], [5, 60, -127]])
    integer = quantise(net(neuron(threshold=100), weight), make_chip())
    np.testing.assert_array_equal(integer.projections[0].connection.weight, weight)
    cells = integer.population("n").neuron
    assert int(cells.threshold) == 100 << cells.input_shift


def test_projections_into_one_population_share_their_scale():
    floating = net(neuron(), [[1.0, 0.5]])
    other = replace(floating.projections[0], name="b", connection=Dense(np.array([[0.25, 2.0]])))
    floating = replace(floating, projections=(*floating.projections, other))
    a, b = quantise(floating, make_chip()).projections
    assert a.connection.weight.tolist() == [[64, 32]]
    assert b.connection.weight.tolist() == [[16, 127]]


def test_gain_per_neuron_goes_into_the_threshold():
    cells = neuron("lif", 0.5, gain=[1.0, 2.0, 4.0], threshold=[1.0, 1.0, 2.0])
    integer = quantise(net(cells, np.eye(3)), make_chip())
    threshold = integer.population("n").neuron.threshold
    assert (threshold / threshold[1]).tolist() == [2.0, 1.0, 1.0]


def test_bias_of_a_cuba_neuron_goes_through_its_current():
    cells = neuron("cuba_lif", 0.5, 1.0, 0.0, 5.0, "value", 0.0, True, 0.75, 1.0)
    floating = net(cells, [[1.0]], 1.0)
    x = np.zeros((1, 20, 1), np.uint8)
    wanted = simulate_float(floating, x)["n"]
    assert wanted.sum() > 2
    result = run_functional(quantise(floating, make_chip()), Workload(x, np.zeros(1, int), ""), make_chip())
    assert result.spikes[0].step.tolist() == np.nonzero(wanted[0, :, 0])[0].tolist()


def test_weight_bits_and_clip():
    weight = np.concatenate([np.linspace(-1, 1, 99), [50.0]])[None]
    chip = make_chip(core={"weight_bits": (4, 8, 16)})
    assert quantise(net(neuron(), weight), chip).weight_bits == 8
    assert quantise(net(neuron(), weight), make_chip(core={"weight_bits": (12, 16)})).weight_bits == 12
    clipped = quantise(net(neuron(), weight), chip, QuantiseOptions(clip_percentile=98)).projections[
        0
    ].connection.weight
    plain = quantise(net(neuron(), weight), chip).projections[0].connection.weight
    assert (clipped[0, -1], clipped[0, -2], plain[0, -1], plain[0, -2]) == (127, 127, 127, 3)


def test_input_shift_leaves_room():
    """A spare bit for threshold plus worst input; less without leak; less if the bias register is narrow."""
    def shift(cells, bias=0.0, **core):
        return quantise(net(cells, [[1.0]], bias), make_chip(core=core)).population("n").neuron.input_shift
    leaky = neuron("lif", 0.5)
    assert shift(leaky, membrane_bits=24) == 12
    assert shift(leaky, membrane_bits=16) == int(math.log2(32767 / (2 * 2 * 127)))
    assert shift(leaky, membrane_bits=9) == 0
    assert shift(neuron("if"), membrane_bits=24) == 4
    assert shift(leaky, current_bits=12) == 3
    assert shift(leaky, bias=1.0, bias_bits=10) == 2


def test_calibration_sees_the_real_range():
    weight = np.ones((1, 50))
    floating = net(neuron("lif", 0.5), weight)
    chip = make_chip(core={"membrane_bits": 16})
    quiet = np.zeros((1, 9, 50), np.uint8)
    quiet[:, ::3, 0] = 1
    plain, seen = (
        quantise(floating, chip, QuantiseOptions(calibration=c)).population("n").neuron.input_shift for c in (
            None, quiet
        )
    )
    assert (plain, seen) == (1, 7)


ERRORS = {
    "weight bits": (neuron(), {}, QuantiseOptions(weight_bits=6),
        "chip 'test' has no weights of 6 bits [quantise-weight-bits]\n  expected: one of 4, 8\n  got: 6"),
    "percentile": (neuron(), {}, QuantiseOptions(clip_percentile=0),
        "the clip percentile is out of range [quantise-option]\n  expected: above 0, up to 100\n  got: 0"),
    "max count": (neuron(), {}, QuantiseOptions(max_count=0),
        "max_count is below 1 [quantise-option]\n  expected: 1 or more\n  got: 0"),
    "model": (neuron("cuba_lif", 0.5), {"neuron_models": ("if", "lif")}, None,
        "net: chip 'test' has no neuron model 'cuba_lif' (population 'n') [quantise-neuron-model]\n"
        "  expected: one of if, lif\n  got: cuba_lif"),
    "threshold": (neuron(threshold=1e6), {}, None,
        "net: population 'n': the threshold does not fit the membrane register [quantise-threshold]\n"
        "  expected: -8388607..8388607\n  got: 127000000\n"
        "  hint: choose fewer weight bits or a chip with wider registers"),
    "reset": (neuron(reset="value", amount=-1e6), {}, None,
        "net: population 'n': the reset does not fit the membrane register [quantise-reset]\n"
        "  expected: -8388607..8388607\n  got: -127000000\n"
        "  hint: choose fewer weight bits or a chip with wider registers"),
    "decay": (neuron("lif", -0.5), {}, None,
        "net: population 'n': its membrane does not decay, it grows or swings [quantise-decay]\n"
        "  expected: a kept fraction within 0..1\n  got: -0.5..-0.5\n  hint: check tau and the time step"),
    "v_leak": (neuron("cuba_lif", 0.5, offset=0.1), {}, None,
        "net: population 'n': a current-based neuron with v_leak has no integer form here [quantise-v-leak]\n"
        "  expected: v_leak 0, or equal to the starting membrane"),
}  # fmt: skip


@pytest.mark.parametrize("name", ERRORS)
def test_errors(name):
    cells, core, options, text = ERRORS[name]
    with pytest.raises(InputError) as caught:
        quantise(net(cells, [[1.0]]), make_chip(core=core), options)
    assert caught.value.text() == text


@pytest.mark.parametrize("at", [True, False])
def test_threshold_that_no_integer_can_hold(at):
    with pytest.raises(InputError, match=r"got: 46116860\d{11}\n"):
        quantise(net(neuron(at=at), [[1e-36]]), make_chip())


def test_bias_that_does_not_fit():
    with pytest.raises(InputError) as caught:
        quantise(net(neuron(), [[1.0]], -3.0), make_chip(core={"bias_bits": 8}))
    assert caught.value.text() == (
        "net: population 'n': the bias does not fit the bias register [quantise-bias]\n"
        "  expected: -127..127\n  got: -381\n  hint: choose fewer weight bits or a chip with wider registers"
    )


def test_integer_network_is_not_quantised_again():
    with pytest.raises(InputError, match="the network is already integer"):
        quantise(quantise(net(neuron(), [[1.0]]), make_chip()), make_chip())


def test_warnings():
    weight = np.ones((1, 300))
    narrow = make_chip(core={"accumulator_bits": 12, "current_bits": 12})
    assert quantise(net(neuron("lif", 0.99999), weight), narrow).warnings == (
        "population 'n': the accumulator may overflow: worst case 38100, room for 2047",
        "population 'n': the input may overflow the current register: worst case 38100, room for 2047",
        "population 'n': the decay of the membrane is below 1/8192 a step and is lost",
    )
    floating = net(neuron(), [[1.0]])
    small = replace(floating.projections[0], name="small", connection=Dense(np.array([[1e-4]])))
    floating = replace(floating, projections=(*floating.projections, small))
    assert quantise(floating, make_chip()).warnings == ("projection 'small': all of its weights became 0",)


def test_worst_case_of_the_accumulator_is_reached():
    """Every source at once, several spikes each: the warning's figure is the engine's overflow."""
    chip = make_chip(core={"accumulator_bits": 10})
    integer = quantise(net(neuron(), np.ones((1, 3))), chip, QuantiseOptions(max_count=2))
    assert integer.warnings == ("population 'n': the accumulator may overflow: worst case 762, room for 511",)
    x = np.full((1, 4, 3), 2, np.uint8)
    assert run_functional(
        integer, Workload(x, np.zeros(1, int), ""), chip
    ).counters.accumulator_overflows == 4
    x[:, :, 0] = 0
    assert run_functional(
        integer, Workload(x, np.zeros(1, int), ""), chip
    ).counters.accumulator_overflows == 0


@needs_shared
@pytest.mark.parametrize("name", sorted(DIGITS))
def test_int8_accuracy_of_the_reference_digits(name):
    chip = load_chip("tiny")
    floating = import_nir(SHARED / "trained_digits" / f"{name}.nir", DIGITS[name])
    recorded = np.load(SHARED / "trained_digits" / f"{name}_spikes.npz")
    data = check_inputs(recorded["x"].swapaxes(0, 1), recorded["y"], floating)
    loss = quantisation_loss(
        floating, quantise(floating, chip), chip, Workload(data.spikes, data.labels, data.digest)
    )
    assert abs(loss.accuracy_float - loss.accuracy_int) <= 0.02 + 1e-9
    assert loss.membrane_overflows == loss.accumulator_overflows == 0


@pytest.mark.parametrize("name", ["dense", "conv"])
def test_loss_report_of_our_own_digits(name):
    chip = load_chip("tiny")
    floating = import_nir(WORKLOADS / "digits" / f"{name}.nir", "spikingjelly-2.0")
    integer = quantise(floating, chip)
    data = load_inputs(WORKLOADS / "digits" / f"{name}_test.npz", floating, 200)
    loss = quantisation_loss(floating, integer, chip, Workload(data.spikes, data.labels, data.digest))
    assert loss.accuracy_float > 0.95
    assert abs(loss.accuracy_float - loss.accuracy_int) <= 0.02
    assert loss.n_samples == loss.n_labelled == 200
    counts = simulate_float(floating, data.spikes)
    for layer in loss.layers:
        assert layer.spikes_float == int(counts[layer.population].sum())
        assert layer.slots == counts[layer.population].size
        assert abs(layer.spikes_int - layer.spikes_float) <= layer.slots_that_differ < layer.spikes_float
        assert layer.weights_saturated == 0
        assert layer.weight_bits == 8
        assert 0 < layer.largest_weight_error <= 0.5 / layer.scale * (1 + 1e-9)
    assert [layer.population for layer in loss.layers] == [p.name for p in integer.populations[1:]]


def test_saturated_weights_are_counted():
    chip = make_chip()
    floating = net(neuron(), np.array([[1.0, 1.0, 2.0, 9.0]]))
    integer = quantise(floating, chip, QuantiseOptions(clip_percentile=60))
    x = np.ones((1, 3, 4), np.uint8)
    (layer,) = quantisation_loss(floating, integer, chip, Workload(x, np.array([-1]), "")).layers
    assert (layer.weights_saturated, layer.weights, layer.scale) == (1, 4, 63.5)
    assert layer.largest_weight_error == 7.0


def test_accuracy():
    outputs = np.array([[3, 1], [2, 2], [0, 1], [0, 5]])
    assert accuracy(outputs, np.array([0, 0, 0, -1])) == pytest.approx(2 / 3)
    assert accuracy(outputs, np.full(4, -1)) is None
