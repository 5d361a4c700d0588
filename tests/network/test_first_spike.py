"""First-spike (TTFS) networks: the float model, quantisation, checks, and the conversion from rates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.engines.base import Workload
from neurosim.engines.functional import run_functional
from neurosim.errors import InputError
from neurosim.network.check import check_network
from neurosim.network.connections import Conv, Dense, Diagonal, Pool
from neurosim.network.first_spike import encode, sample_steps, to_first_spike
from neurosim.network.model import Network, Population, Projection, Ramp
from neurosim.network.npz_reader import import_npz
from neurosim.network.quantise import QuantiseOptions, quantise
from neurosim.network.simulate import run_float
from tests.helpers.chips import make_chip
from tests.network.test_quantise import net, neuron

ZERO, ONE = np.zeros(()), np.ones(())


def once(threshold=8.0, fall=1.0, floor=2.0, at=True, syn_keep=0.5, phases=(0, 0), **more):
    ramp = Ramp(np.asarray(float(fall)), np.asarray(float(floor)), *phases)
    return replace(neuron("ttfs", threshold=threshold, reset="once", amount=0.0, at=at, syn_keep=syn_keep), ramp=ramp, **more)


# the float model and its integers


def plain(network, x, steps):
    """Spike moments of the neurons of a one-layer network, in plain Python; -1: none."""
    cell, weight = network.population("n").neuron, network.projections[0].connection.weight
    moments = []
    for k in range(weight.shape[0]):
        v = i = 0.0
        moment = -1
        for n in range(steps):
            open_ = cell.ramp.input_steps == 0 or n < cell.ramp.input_steps
            i = float(cell.syn_keep) * i + float(weight[k] @ x[n]) if open_ else 0.0
            v = float(cell.keep) * v + i
            threshold = max(float(cell.threshold) - float(cell.ramp.per_step) * (n - cell.ramp.silent_steps), float(cell.ramp.floor))
            fires = v >= threshold if cell.at_threshold else v > threshold
            if moment < 0 and n >= cell.ramp.silent_steps and fires:
                moment = n
        moments.append(moment)
    return moments


cases = st.tuples(
    st.integers(0, 10**6), st.sampled_from([4, 8]), st.booleans(), st.integers(0, 8), st.integers(0, 5),
    st.sampled_from([0.0, 0.5, 1.0]), st.sampled_from([0.75, 1.0]),
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(cases)
def test_fixed_point_networks_are_exact_from_float_to_functional(case):
    """Weights, thresholds and falls of whole units: the integer network fires when the float network and the witness do."""
    seed, bits, at, input_steps, silent_steps, syn_keep, keep = case
    rng = np.random.default_rng(seed)
    cell = once(
        float(rng.integers(1, 40)), float(rng.integers(0, 6)), float(rng.integers(-3, 3)), at, syn_keep,
        (input_steps, silent_steps), keep=np.asarray(keep),
    )  # fmt: skip
    cell = replace(cell, ramp=replace(cell.ramp, floor=np.minimum(cell.ramp.floor, cell.threshold)))
    weight = rng.integers(-5, 8, (6, 4)).astype(float)
    network = net(cell, weight)
    x = (rng.random((1, 12, 4)) < 0.3).astype(np.uint8)
    assert check_network(network) == []
    floating = run_float(network, x).counts["n"][0]
    wanted = plain(network, x[0].astype(float), 12)
    assert [int(np.argmax(c)) if c.any() else -1 for c in floating.T] == wanted
    assert floating.sum(axis=0).max(initial=0) <= 1
    if syn_keep == 0.5:
        return  # in fixed point the float model rounds the leak of the membrane as chips do, not of the current
    whole = replace_cell(network, fraction_bits=0)
    exact = quantise(whole, make_chip(), QuantiseOptions(weight_bits=bits))
    got = run_functional(exact, Workload(x, np.array([-1]), "d"), make_chip()).spikes[0]
    moments = dict(zip(got.neuron.tolist(), got.step.tolist(), strict=True))
    rounded = run_float(whole, x).counts["n"][0]
    assert [moments.get(k, -1) for k in range(6)] == [int(np.argmax(c)) if c.any() else -1 for c in rounded.T]


def replace_cell(network, **changes):
    first, last = network.populations
    return replace(network, populations=(first, replace(last, neuron=replace(last.neuron, **changes))))


def test_threshold_fall_and_floor_are_scaled_together():
    # the largest weight 2 becomes 127: 63.5 per unit, and with a shift of 4 (no leak) 1016 units
    integer = quantise(net(once(8.0, 1.0, 2.0, syn_keep=0.0), [[2.0, -1.0]]), make_chip())
    cell = integer.population("n").neuron
    assert (cell.model, cell.reset, cell.input_shift, cell.scale) == ("ttfs", "once", 4, 1016.0)
    assert (cell.threshold, cell.ramp.per_step, cell.ramp.floor, cell.reset_amount) == (8128, 1016, 2032, 0)
    above = quantise(net(once(8.0, 1.0, 2.0, at=False, syn_keep=0.0), [[2.0, -1.0]]), make_chip())
    cell = above.population("n").neuron
    assert (cell.threshold, cell.ramp.per_step, cell.ramp.floor) == (8129, 1016, 2033)
    assert check_network(integer) == check_network(above) == []


def test_a_fall_that_rounding_spoils_is_warned_of():
    # 1016 units a weight of 2: a fall of 0.0005 is 0.5 units, becomes 0, over 1000 steps
    integer = quantise(net(once(1.0, 0.0004, 0.0, syn_keep=0.0), [[2.0]]), make_chip())
    assert integer.warnings == (
        "population 'n': the fall of the threshold per step is rounded so that it ends 2500.0 steps early or late",
    )
    assert quantise(net(once(8.0, 1.0, 2.0, syn_keep=0.0), [[2.0]]), make_chip()).warnings == ()


def test_a_threshold_or_fall_that_does_not_fit_is_refused():
    chip = make_chip(core={"membrane_bits": 12, "accumulator_bits": 12})
    for cell, what in ((once(80.0), "threshold"), (once(8.0, 70.0), "ramp")):
        with pytest.raises(InputError) as caught:
            quantise(net(cell, [[2.0]]), chip)
        assert caught.value.text() == (
            f"net: population 'n': the {what} does not fit the membrane register [quantise-{what}]\n"
            f"  expected: -2047..2047\n  got: {5080 if what == 'threshold' else 4445}\n"
            "  hint: choose fewer weight bits or a chip with wider registers"
        )


def test_a_chip_without_such_neurons_refuses_them():
    with pytest.raises(InputError) as caught:
        quantise(net(once(), [[2.0]]), make_chip(core={"neuron_models": ("if", "lif")}))
    assert caught.value.text() == (
        "net: chip 'test' has no neuron model 'ttfs' (population 'n') [quantise-neuron-model]\n"
        "  expected: one of if, lif\n  got: ttfs"
    )


BROKEN = {
    "another reset": (once(), {"reset": "value"},
                      "population 'n': model 'ttfs', reset 'value' and a ramp do not belong together; a first-spike "
                      "neuron has model 'ttfs', reset 'once' and a ramp"),
    "no ramp": (once(), {"ramp": None},
                "population 'n': model 'ttfs', reset 'once' and no ramp do not belong together; a first-spike "
                "neuron has model 'ttfs', reset 'once' and a ramp"),
    "another model": (once(), {"model": "lif"},
                      "population 'n': model 'lif', reset 'once' and a ramp do not belong together; a first-spike "
                      "neuron has model 'ttfs', reset 'once' and a ramp"),
    "only a ramp": (once(), {"model": "lif", "reset": "value"},
                    "population 'n': model 'lif', reset 'value' and a ramp do not belong together; a first-spike "
                    "neuron has model 'ttfs', reset 'once' and a ramp"),
    "a rising threshold": (once(fall=-2.0), {}, "population 'n': its threshold rises by 2 a step, it must fall or stay"),
    "floor above start": (once(floor=9.0), {}, "population 'n': the floor of its threshold lies above its start"),
    "steps below 0": (once(phases=(-1, 0)), {}, "population 'n': input_steps is -1, not 0..32767"),
    "many silent steps": (once(phases=(0, 32768)), {}, "population 'n': silent_steps is 32768, not 0..32767"),
    "shape": (once(fall=1.0), {"ramp": Ramp(np.ones(3), ZERO)},
              "population 'n': ramp has shape (3,), not () or (1,)"),
    "not finite": (once(), {"ramp": Ramp(ONE, np.asarray(np.nan))}, "population 'n': ramp floor is not finite"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_wrong_parameters_are_found(case):
    cell, changes, text = BROKEN[case]
    assert check_network(net(replace(cell, **changes), [[2.0]])) == [text]


def test_an_integer_ramp_of_floats_is_found():
    integer = quantise(net(once(syn_keep=0.0), [[2.0]]), make_chip())
    wrong = replace_cell(integer, ramp=Ramp(np.asarray(1.0), np.asarray(0, np.int64)))
    assert check_network(wrong) == ["population 'n': ramp has type float64, not int64"]


# from rates to moments


def rates(weight0, bias0, weight1, bias1, gain=1.0, thresholds=(1.0, 1.0)):
    layers = [neuron(gain=gain, threshold=t) for t in thresholds]
    populations = (
        Population("in", (weight0.shape[1],), None), Population("a", (weight0.shape[0],), layers[0], np.asarray(bias0)),
        Population("b", (weight1.shape[0],), layers[1], np.asarray(bias1)),
    )
    projections = (Projection("in-a", "in", "a", Dense(weight0)), Projection("a-b", "a", "b", Dense(weight1)))
    return Network("rates", populations, projections, ("b",), 1e-3, "p")


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10**6), st.integers(1, 16), st.sampled_from([0.5, 1.0, 3.0]), st.sampled_from([0.5, 2.0]))
def test_moments_say_what_the_clipped_sums_are(seed, window, gain, threshold):
    rng = np.random.default_rng(seed)
    w0, w1 = rng.normal(0, 0.6, (7, 5)), rng.normal(0, 0.6, (3, 7))
    b0, b1 = rng.normal(0, 0.2, 7), rng.normal(0, 0.2, 3)
    network = to_first_spike(rates(w0, b0, w1, b1, gain, (threshold, 1.0)), window)
    assert check_network(network) == []
    steps = sample_steps(network, window)
    assert steps == 2 * window
    value = rng.integers(0, window + 1, (4, 5)) / window
    run = run_float(network, encode(value, window, steps))
    exact = gain * (value @ w0.T + b0) / threshold
    sent = np.where(run.counts["a"].any(axis=1), window - (run.counts["a"].argmax(axis=1) - window), 0)
    near = np.abs(exact * window - np.floor(exact * window) - 0.5) < 1e-6  # a tie of rounding
    wanted = np.floor(np.clip(exact, 0, 1) * window + 0.5)
    assert ((sent == wanted) | near).all()
    assert run.counts["a"].sum(axis=1).max() <= 1
    np.testing.assert_allclose(run.membrane["b"], gain * (sent @ w1.T + window * b1), atol=1e-9)


def test_pools_and_convolutions_convert_and_quantise_without_a_difference():
    rng = np.random.default_rng(4)
    kernel = Conv(rng.normal(0, 0.5, (2, 1, 3, 3)), (1, 4, 4), (2, 4, 4), (1, 1), (1, 1), (1, 1), 1)
    pool = Pool((2, 4, 4), (2, 2, 2), (2, 2), (2, 2), (0, 0))
    populations = (
        Population("in", (1, 4, 4), None), Population("c", (2, 4, 4), neuron()), Population("o", (3,), neuron()),
    )
    projections = (
        Projection("in-c", "in", "c", kernel), Projection("c-o", "c", "o", Dense(rng.normal(0, 0.3, (3, 8))), pool),
    )
    network = to_first_spike(Network("conv", populations, projections, ("o",), 1e-3, "p"), 8)
    x = encode(rng.integers(0, 9, (5, 1, 4, 4)) / 8, 8, 16).reshape(5, 16, 16)
    integer = quantise(network, make_chip(), QuantiseOptions(weight_bits=8, calibration=x))
    got = run_functional(integer, Workload(x, np.full(5, -1), "d"), make_chip())
    floating = run_float(network, x)
    scale = integer.population("o").neuron.scale
    np.testing.assert_allclose(got.output_counts / scale, floating.membrane["o"].reshape(5, 3), atol=0.35)
    assert sum(len(s.step) for s in got.spikes) == pytest.approx(floating.counts["c"].sum(), rel=0.1)


def test_the_code_of_the_input():
    x = encode(np.array([[0.0, 0.1, 0.5, 1.0, 2.0]]), 4, 6)
    assert x.shape == (1, 6, 5)
    assert [(int(s), int(n)) for _, s, n in np.argwhere(x)] == [(0, 3), (0, 4), (2, 2)]
    assert encode(np.array([[[0.25]]]), 4, 4).shape == (1, 4, 1, 1)


def broken(change):
    network = rates(np.ones((2, 2)), 0.0, np.ones((2, 2)), 0.0)
    return change(network)


def with_cell(name, **changes):
    def change(network):
        return replace(network, populations=tuple(
            replace(p, neuron=replace(p.neuron, **changes)) if p.name == name else p for p in network.populations
        ))  # fmt: skip
    return change


def more(*projections):
    return lambda network: replace(network, projections=(*network.projections, *projections))


EYE = Diagonal(np.ones(2))
REFUSED = {
    "leak": (with_cell("a", model="lif", keep=np.asarray(0.5)), "integrate-and-fire neurons without leak",
             "'a' has model 'lif', reset 'subtract'"),
    "read layer in between": (with_cell("a", model="li", reset="none"), "integrate-and-fire neurons without leak",
                              "'a' has model 'li', reset 'none'"),
    "loop": (more(Projection("a-a", "a", "a", EYE, None, 1)), "only layers one after the other", "'a' is part of a loop"),
    "delay": (more(Projection("in-b", "in", "b", EYE, None, 1)), "no delays", "projection 'in-b' has a delay"),
    "shortcut": (more(Projection("in-b", "in", "b", EYE)), "no shortcuts past a layer", "'b' is fed by layers of different depth"),
    "inner output": (lambda n: replace(n, outputs=("a",)), "outputs in the last layer only", "its outputs are not its last layer"),
    "threshold": (with_cell("a", threshold=ZERO), "thresholds above 0", "'a' has a threshold that is not above 0"),
    "integer": (lambda n: replace(n, is_integer=True), "convert it before it is mapped", "it is quantised already"),
}  # fmt: skip


@pytest.mark.parametrize("case", REFUSED)
def test_what_has_no_first_spike_form_is_refused(case):
    change, expected, got = REFUSED[case]
    with pytest.raises(InputError) as caught:
        to_first_spike(broken(change), 8)
    assert caught.value.text() == (
        f"rates: the network has no first-spike form [first-spike-network]\n  expected: {expected}\n  got: {got}"
    )


@pytest.mark.parametrize("window", [0, 1025])
def test_windows_out_of_range_are_refused(window):
    with pytest.raises(InputError) as caught:
        to_first_spike(broken(lambda n: n), window)
    assert caught.value.text() == (
        "rates: the window of the first-spike code is out of range [first-spike-window]\n"
        f"  expected: 1..1024 steps\n  got: {window}"
    )


def test_plain_weights_ask_for_it_by_one_array(tmp_path):
    weights = {"weight0": np.eye(2), "bias0": np.array([0.25, 0.0]), "weight1": np.ones((1, 2))}
    np.savez(tmp_path / "net.npz", first_spike_steps=np.array(4), **weights)
    network = import_npz(tmp_path / "net.npz")
    hidden, out = network.population("layer0").neuron, network.population("layer1").neuron
    assert (hidden.model, hidden.reset, hidden.ramp.input_steps, hidden.ramp.silent_steps) == ("ttfs", "once", 4, 4)
    assert hidden.v_initial.tolist() == [1.5, 0.5]
    assert (float(hidden.threshold), float(hidden.ramp.per_step), float(hidden.ramp.floor)) == (4.0, 1.0, 1.0)
    assert (out.model, out.reset) == ("cuba_li", "none")
    assert network.warnings == (
        "first-spike code: a sample takes 8 steps, and its input fires in the first 4, at most once per neuron, the "
        "sooner the larger",
    )
    np.savez(tmp_path / "bad.npz", first_spike_steps=np.array([4.0, 2.0]), **weights)
    with pytest.raises(InputError) as caught:
        import_npz(tmp_path / "bad.npz")
    assert caught.value.text() == (
        f"{tmp_path / 'bad.npz'}: 'first_spike_steps' is not one whole number [npz-first-spike]\n"
        "  expected: steps of a window, such as 8\n  got: float64 of shape (2,)"
    )


def test_the_guide_makes_a_network_that_runs():
    text = (Path(__file__).parents[2] / "docs" / "first_spike.md").read_text()
    names: dict[str, object] = {}
    exec(text.split("```python\n")[1].split("```")[0], names)
    network = net(names["neuron"], [[2.0, 1.0]])
    assert check_network(network) == []
    # a current of 2 from step 1 on: membranes 0 2 4 6 8; threshold 8 7.5 7 from step 2 on: 8 > 7 in step 4
    counts = run_float(network, np.array([[[0, 0], [1, 0], [0, 0], [0, 0], [0, 0], [0, 0]]], np.uint8)).counts["n"]
    assert counts[0, :, 0].tolist() == [0, 0, 0, 0, 1, 0]
