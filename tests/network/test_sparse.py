"""Lists of synapses, fixed-point neurons and first membranes: model, checks, quantisation, array rules."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.chip.loader import load_chip
from neurosim.engines import functional
from neurosim.errors import InputError
from neurosim.network.check import check_network
from neurosim.network.connections import Dense, Sparse
from neurosim.network.model import FloatNeuron, Network, Population, Projection
from neurosim.network.quantise import quantise
from neurosim.network.simulate import run_float
from neurosim.rules import neuron as rules
from neurosim.rules.neuron import MODEL_NAMES, RESET_NAMES


def lists_of(weight, listed=None):
    """The synapses of a dense ``weight`` (n_out, n_in) as lists."""
    listed = weight.T != 0 if listed is None else listed
    axon, target = np.nonzero(listed)
    pointer = np.concatenate([[0], np.cumsum(listed.sum(axis=1))]).astype(np.int64)
    return Sparse(weight.T[axon, target], pointer, target.astype(np.uint16), weight.shape[0])


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10**6), shape=st.tuples(st.integers(1, 9), st.integers(0, 9)),
    rows=st.integers(0, 5), most=st.integers(1, 3), even=st.booleans(),
)  # fmt: skip
def test_lists_mean_what_the_matrix_means(seed, shape, rows, most, even):
    rng = np.random.default_rng(seed)
    weight = rng.integers(-8, 9, shape).astype(np.int16)
    listed = np.ones(weight.T.shape, bool) if even else (rng.random(weight.T.shape) < 0.5)
    weight = np.where(listed.T, weight, 0).astype(np.int16)
    sparse = lists_of(weight, listed)
    x = rng.integers(0, most + 1, (rows, shape[1]))
    np.testing.assert_array_equal(sparse.apply(x), Dense(weight).apply(x))
    assert (sparse.n_in, sparse.n_out, sparse.n_synapses) == (shape[1], shape[0], int(listed.sum()))
    np.testing.assert_array_equal(sparse.axons(), np.nonzero(listed)[0])


def test_many_events_are_added_in_parts(monkeypatch):
    monkeypatch.setattr("neurosim.network.connections._EVENTS", 7)
    rng = np.random.default_rng(3)
    for listed in (rng.random((30, 11)) < 0.4, np.ones((30, 11), bool)):
        weight = np.where(listed.T, rng.integers(-8, 9, (11, 30)), 0).astype(np.int16)
        x = rng.integers(0, 3, (6, 30))
        np.testing.assert_array_equal(lists_of(weight, listed).apply(x), weight.astype(np.int64).dot(x.T).T)


ONE, ZERO = np.ones(()), np.zeros(())


def lif(**changes):
    neuron = FloatNeuron(
        "lif", np.asarray(0.5), ONE, ZERO, np.asarray(2.5), "value", ZERO, False, ZERO, ONE, fraction_bits=6
    )
    return dataclasses.replace(neuron, **changes)


def paced(weight, neuron, bias=1.0):
    """A population that paces itself and drives another."""
    source = FloatNeuron("if", ONE, ONE, ZERO, np.asarray(3.5), "value", ZERO, False, ZERO, ONE,
                         v_initial=np.arange(3.0), fraction_bits=6)  # fmt: skip
    populations = (
        Population("pace", (3,), source, np.asarray(bias)), Population("driven", (2,), neuron),
    )  # fmt: skip
    link = Projection("link", "pace", "driven", lists_of(np.asarray(weight)), delay_steps=1)
    return Network("paced", populations, (link,), (), 1e-3, "test")


def test_first_membranes_set_the_phase_and_fractions_round_toward_zero():
    network = paced([[2.0, -1.0, 0.0], [1.0, 0.0, 1.0]], lif())
    assert check_network(network) == []
    run = run_float(network, np.zeros((1, 6, 0), np.uint8))
    np.testing.assert_array_equal(run.counts["pace"][0].argmax(axis=0), [3, 2, 1])
    # -1 arrives in step 3, is halved each step: 6 bits below the point
    low = run_float(paced([[0.0, -1.0, 0.0]] * 2, lif()), np.zeros((1, 12, 0), np.uint8))
    assert low.membrane["driven"][0, 0] * 64 == int(low.membrane["driven"][0, 0] * 64)


def test_a_fixed_point_network_keeps_its_integers():
    network = paced([[2.0, -1.0, 0.0], [1.0, 0.0, 1.0]], lif())
    integer = quantise(network, load_chip("tiny"))
    pace, driven = (p.neuron for p in integer.populations)
    assert (pace.input_shift, driven.input_shift) == (6, 6)
    assert pace.v_initial.tolist() == [0, 64, 128]
    assert (int(pace.bias), int(pace.threshold), int(driven.threshold)) == (64, 225, 161)
    np.testing.assert_array_equal(integer.projections[0].connection.weight, [2, 1, -1, 1])
    assert check_network(integer) == []
    for weight, got in ((0.5, "0.5"), (128.0, "128")):
        with pytest.raises(InputError) as caught:
            quantise(paced([[weight, 0.0, 0.0]] * 2, lif()), load_chip("tiny"))
        assert (caught.value.code, caught.value.got) == ("quantise-fixed-point", got)
    with pytest.raises(InputError) as caught:
        quantise(paced([[1.0, 0.0, 0.0]] * 2, lif(v_initial=np.asarray(1e9))), load_chip("tiny"))
    assert caught.value.code == "quantise-first-membrane"


def test_what_is_wrong_with_lists_is_named():
    good = lists_of(np.array([[1.0, 2.0, 0.0], [3.0, 0.0, 4.0]]))
    broken = {
        "its pointers do not ascend": dataclasses.replace(good, pointer=good.pointer + 1),
        "do not belong together": dataclasses.replace(good, target=good.target[:-1]),
        "it has targets outside 0..1": dataclasses.replace(good, target=good.target + 1),
        "do not ascend, or one is there twice": dataclasses.replace(good, target=good.target * 0),
    }
    network = paced([[1.0, 1.0, 1.0]] * 2, lif())
    for said, connection in broken.items():
        link = dataclasses.replace(network.projections[0], connection=connection)
        found = check_network(dataclasses.replace(network, projections=(link,)))
        assert any(said in text for text in found), (said, found)


def test_a_network_without_input_must_start_by_itself():
    still = paced([[1.0, 1.0, 1.0]] * 2, lif(), bias=0.0)
    neuron = dataclasses.replace(still.populations[0].neuron, v_initial=ZERO)
    still = dataclasses.replace(
        still, populations=(dataclasses.replace(still.populations[0], neuron=neuron), still.populations[1])
    )
    said = "there is no input population, and no bias or first membrane that could start a spike"
    assert check_network(still) == [said]


@settings(max_examples=150, deadline=None)
@given(
    seed=st.integers(0, 10**6), model=st.sampled_from(range(len(MODEL_NAMES))),
    reset=st.sampled_from(range(len(RESET_NAMES))), wraps=st.integers(0, 1), bits=st.integers(4, 12),
)  # fmt: skip
def test_the_array_rules_are_the_rules(seed, model, reset, wraps, bits):
    rng = np.random.default_rng(seed)
    low, high = -(1 << (bits - 1)), (1 << (bits - 1)) - 1
    v, i, x = (rng.integers(low * 2, high * 2, 20) for _ in range(3))
    keep, current_keep = rng.integers(0, 4097, 20), rng.integers(0, 4097, 20)
    bias, threshold, amount = rng.integers(-9, 9, 20), rng.integers(1, 60, 20), rng.integers(-9, 60, 20)
    words = (model, reset, wraps, v, i, x, keep, current_keep, bias, threshold, amount, np.full(20, low // 2),
             low, high, low, high)  # fmt: skip
    expected, got = rules.update(*words), functional._ARRAY_RULES.update(*words)
    for one, two in zip(expected, got, strict=True):
        np.testing.assert_array_equal(one, np.broadcast_to(two, 20))
