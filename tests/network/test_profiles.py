"""Neuron profiles: names, errors, warnings, and each reset against a scalar loop of its own."""

from __future__ import annotations

import math

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.network.nir_reader import import_nir
from neurosim.network.profiles import get_profile, profile_names
from neurosim.network.simulate import simulate_float
from tests.network.nir_files import chain, graph, if_neurons, node, write

NAMES = (
    "spikingjelly-2.0, snntorch-1.0, snntorch-1.0-subtract-nodelay, snntorch-1.0-zero, snntorch-1.0-zero-nodelay, "
    "norse-1.1, sinabs-3.1, sinabs-3.1-single, sinabs-3.1-from-nir, sinabs-3.1-norm-input, nir-euler, nir-paper-exp"
)
IN, OUT = ("in", node("Input", shape=(4,))), ("out", node("Output", shape=(4,)))
W = np.random.default_rng(3).normal(0.3, 0.8, (4, 4))
X = np.random.default_rng(4).integers(0, 3, (60, 4))


def load(tmp_path, neuron, profile, dt=None):
    top = chain(IN, ("w", node("Linear", weight=W)), ("n", neuron), OUT)
    return import_nir(write(tmp_path / "net.nir", top), profile, dt)


def lif(tau, r, v_leak=0.0, v_reset=0.0, threshold=1.0):
    return node("LIF", tau=np.full(4, tau), r=np.full(4, r), v_leak=np.full(4, v_leak), v_reset=np.full(4, v_reset),
                v_threshold=np.full(4, threshold))


def cuba(tau_syn, tau_mem, r, w_in):
    return node("CubaLIF", tau_syn=np.full(4, tau_syn), tau_mem=np.full(4, tau_mem), r=np.full(4, r),
                w_in=np.full(4, w_in), v_leak=np.zeros(4), v_threshold=np.ones(4), v_reset=np.zeros(
                    4
                ))


def each_neuron(step):
    """Spikes (steps, 4) of four scalar neurons; ``step(state, x)`` changes the state and returns spikes."""
    out = np.zeros(X.shape, int)
    for k in range(4):
        state = {"v": 0.0, "i": 0.0}
        for t, row in enumerate(X):
            out[t, k] = step(state, float(W[k] @ row))
    return out


def snntorch_subtract(s, x):
    reset = s["v"] > 1
    s["v"] = 0.9 * s["v"] + x - reset
    return s["v"] > 1


def snntorch_nodelay(s, x):
    reset = s["v"] > 1
    u = 0.9 * s["v"] + x - reset
    spike = u > 1
    s["v"] = u - (int(spike) - int(reset))
    return spike


def snntorch_zero(s, x):
    s["v"] = 0.9 * s["v"] * (s["v"] <= 1) + x
    return s["v"] > 1


def synaptic(then):
    def step(s, x):
        reset = s["v"] > 1
        s["i"] = 0.5 * s["i"] + x
        u = 0.9 * s["v"] + s["i"]
        return then(s, u, reset)
    return step


def zero_with_input(s, u, reset):
    s["v"] = u * (not reset)
    return s["v"] > 1


def zero_same_step(s, u, reset):
    s["v"] = 0.0 if u > 1 else u
    return u > 1


def spikingjelly_lif(s, x):
    u = s["v"] + (4 * x - s["v"]) / 10
    s["v"] = 0.0 if u >= 1 else u
    return u >= 1


def norse_cuba(s, x):
    s["i"] += x
    s["v"] += 0.1 * (s["i"] - s["v"])
    s["i"] -= 0.5 * s["i"]
    spike = s["v"] > 1
    s["v"] = 0.0 if spike else s["v"]
    return spike


def sinabs_multi(a, gain):
    def step(s, x):
        s["v"] = a * s["v"] + gain * x
        n = math.trunc(s["v"]) if s["v"] > 0 else 0
        s["v"] -= n
        return n
    return step


def sinabs_floor(s, x):
    n = max(0, math.floor(s["v"] + x))
    s["v"] = max(-1.0, s["v"] + x - n)
    return n


A10 = math.exp(-0.1)
LEAKY, SYNAPTIC = lif(1e-3, 10.0), cuba(2e-4, 1e-3, 10.0, 2.0)
EQUATIONS = {
    "snnTorch Leaky subtract": ("snntorch-1.0", LEAKY, snntorch_subtract),
    "snnTorch Leaky subtract, no delay": ("snntorch-1.0-subtract-nodelay", LEAKY, snntorch_nodelay),
    "snnTorch Leaky zero": ("snntorch-1.0-zero", LEAKY, snntorch_zero),
    "snnTorch Leaky zero, no delay": ("snntorch-1.0-zero-nodelay", LEAKY, snntorch_zero),
    "snnTorch Synaptic zero": ("snntorch-1.0-zero", SYNAPTIC, synaptic(zero_with_input)),
    "snnTorch Synaptic zero, no delay": ("snntorch-1.0-zero-nodelay", SYNAPTIC, synaptic(zero_same_step)),
    "SpikingJelly LIF": ("spikingjelly-2.0", lif(1e-3, 4.0), spikingjelly_lif),
    "norse LIFCell": ("norse-1.1", cuba(2e-3, 1e-2, 1.0, 2.0), norse_cuba),
    "sinabs LIF": ("sinabs-3.1", lif(10.0, 1.0), sinabs_multi(A10, 1.0)),
    "sinabs LIF, norm_input": ("sinabs-3.1-norm-input", lif(10.0, 4.0), sinabs_multi(A10, 4 * (1 - A10))),
    "sinabs IAF": ("sinabs-3.1", if_neurons(), sinabs_multi(1.0, 1.0)),
    "sinabs IAF from NIR": ("sinabs-3.1-from-nir", if_neurons(), sinabs_floor),
}


@pytest.mark.parametrize("name", EQUATIONS)
def test_equations(tmp_path, name):
    profile, neuron, step = EQUATIONS[name]
    wanted = each_neuron(step)
    assert wanted.sum() > 30
    np.testing.assert_array_equal(simulate_float(load(tmp_path, neuron, profile), X[None])["n"][0], wanted)


def test_recurrent_leaky_of_snntorch_loses_its_input(tmp_path):
    nodes = {
        "in": IN[1], "w": node("Linear", weight=W), "n": LEAKY, "rec": node("Linear", weight=W), "out": OUT[1]
    }
    edges = [("in", "w"), ("w", "n"), ("n", "rec"), ("rec", "n"), ("n", "out")]
    network = import_nir(write(tmp_path / "net.nir", graph(nodes, edges)), "snntorch-1.0-zero")
    assert network.population("n").neuron.reset == "zero_with_input"
    assert load(tmp_path, LEAKY, "snntorch-1.0-zero").population("n").neuron.reset == "value"


def test_spikingjelly_starts_at_its_reset_value(tmp_path):
    network = load(tmp_path, lif(1e-3, 4.0, v_leak=-0.5, v_reset=-0.5), "spikingjelly-2.0")

    def step(s, x):
        v = s.get("real", -0.5)
        u = v + (4 * x - (v + 0.5)) / 10
        s["real"] = -0.5 if u >= 1 else u
        return u >= 1

    wanted = each_neuron(step)
    assert wanted.sum() > 20
    np.testing.assert_array_equal(simulate_float(network, X[None])["n"][0], wanted)
    assert network.warnings == ("node 'n' (LIF): v_leak is not 0; frameworks differ in what they do with it",)


def test_missing_profile(tmp_path):
    with pytest.raises(InputError) as caught:
        load(tmp_path, LEAKY, "")
    assert caught.value.text() == (
        "no neuron profile was given, and a NIR file does not determine its spikes without one [profile-missing]\n"
        f"  expected: one of {NAMES}\n  hint: name the framework that the network was trained in"
    )


def test_unknown_profile():
    with pytest.raises(InputError) as caught:
        get_profile("snntorch-1.1")
    assert caught.value.text() == (
        f"unknown neuron profile 'snntorch-1.1' [profile-unknown]\n  expected: one of {NAMES}\n"
        "  hint: did you mean 'snntorch-1.0'?"
    )


def test_profiles_say_where_they_come_from():
    assert ", ".join(profile_names()) == NAMES
    for name in profile_names():
        profile = get_profile(name)
        assert profile.description
        assert profile.source


def test_time_step_must_be_given_where_the_profile_has_none(tmp_path):
    with pytest.raises(InputError) as caught:
        load(tmp_path, LEAKY, "nir-euler")
    assert caught.value.text() == (
        "profile 'nir-euler' has no time step of its own [profile-dt]\n  expected: a time step in seconds (option dt)"
    )
    with pytest.raises(InputError) as caught:
        load(tmp_path, LEAKY, "nir-euler", -1.0)
    assert caught.value.text() == (
        "the time step is not positive [profile-dt]\n  expected: seconds above 0\n  got: -1"
    )


def test_given_time_step_overrides_the_profile(tmp_path):
    network = load(tmp_path, lif(1e-3, 1.0), "spikingjelly-2.0", 2.5e-4)
    assert network.dt_s == 2.5e-4
    assert float(network.population("n").neuron.keep) == 0.75


def test_node_that_a_profile_does_not_know(tmp_path):
    with pytest.raises(InputError) as caught:
        load(tmp_path, SYNAPTIC, "sinabs-3.1")
    assert caught.value.text() == (
        f"{tmp_path / 'net.nir'}: profile 'sinabs-3.1' does not say what node 'n' (CubaLIF) means [profile-node]\n"
        "  expected: one of I, IF, LI, LIF, Threshold\n"
        "  hint: profiles that do: spikingjelly-2.0, snntorch-1.0, snntorch-1.0-subtract-nodelay, snntorch-1.0-zero, "
        "snntorch-1.0-zero-nodelay, norse-1.1, nir-euler, nir-paper-exp"
    )


@pytest.mark.parametrize(
    ("neuron", "profile", "warning"),
    [
        (
            lif(1.5e-4, 1.0), "spikingjelly-2.0",
            "node 'n' (LIF): 'tau' 0.00015 s is below 2 dt (0.0002 s); check the unit",
        ),
        (lif(5.0, 1.0), "spikingjelly-2.0", "node 'n' (LIF): 'tau' 5 s is above 1 s; check the unit"),
        (
            lif(0.01, 1.0), "sinabs-3.1",
            "node 'n' (LIF): 'tau' 0.01 steps is below 2 dt (2 steps); check the unit",
        ),
        (if_neurons(r=np.array(7.0)), "spikingjelly-2.0",
         "node 'n' (IF): r is 7, neither 1 nor 1/dt (10000); check dt and profile"),
        (lif(1e-3, 1.0, v_reset=-1.0), "snntorch-1.0",
         "node 'n' (LIF): v_reset is not 0; profile 'snntorch-1.0' does not use it"),
    ],
)  # fmt: skip
def test_warnings(tmp_path, neuron, profile, warning):
    assert load(tmp_path, neuron, profile).warnings == (warning,)


def test_usual_constants_raise_no_warning(tmp_path):
    assert load(tmp_path, lif(2e-4, 2.0), "snntorch-1.0").warnings == ()
    assert load(tmp_path, if_neurons(r=np.array(1e4)), "spikingjelly-2.0").warnings == ()
    assert load(tmp_path, if_neurons(), "sinabs-3.1").warnings == ()
