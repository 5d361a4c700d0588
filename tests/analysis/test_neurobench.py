"""NeuroBench's formulas against brute force and figures worked by hand."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.analysis import neurobench
from neurosim.artefacts.result import Result, Spikes
from neurosim.network.connections import Conv, Dense, Diagonal, Pool
from neurosim.network.model import Network, Population, Projection
from tests.helpers.hand_result import hand_result
from tests.helpers.small_chips import small_chip
from tests.helpers.small_program import small_case

NETWORK = small_case(small_chip(), "").network


def brute_fan_out(connection: Conv | Dense | Diagonal) -> np.ndarray:
    binary = dataclasses.replace(connection, weight=(connection.weight != 0).astype(np.int64))
    return binary.apply(np.eye(connection.n_in, dtype=np.int64)).sum(axis=1)


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_fan_out_of_convolutions(data: st.DataObject) -> None:
    def draw(low: int, high: int) -> int:
        return data.draw(st.integers(low, high))

    groups = draw(1, 2)
    channels = (groups * draw(1, 2), groups * draw(1, 2))
    kernel, stride, dilation = (draw(1, 3), draw(1, 3)), (draw(1, 2), draw(1, 2)), (draw(1, 2), draw(1, 2))
    size = (draw(1, 6), draw(1, 6))
    pad = (draw(0, 2), draw(0, 2))
    span = [(k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True)]
    out = [(n + p + draw(0, 2) - s) // t + 1 for n, p, s, t in zip(size, pad, span, stride, strict=True)]
    if min(out) < 1:
        return
    rng = np.random.default_rng(draw(0, 1000))
    weight = rng.integers(-1, 2, (channels[1], channels[0] // groups, *kernel)).astype(np.int16)
    conv = Conv(
        weight, (channels[0], *size), (channels[1], out[0], out[1]), stride, pad, dilation, groups
    )
    assert np.array_equal(neurobench.effective_fan_out(conv), brute_fan_out(conv))


def test_fan_out_of_dense_and_diagonal() -> None:
    assert neurobench.effective_fan_out(Dense(np.array([[1, 0], [2, 0], [0, -3]]))).tolist() == [2, 1]
    assert neurobench.effective_fan_out(Diagonal(np.array([5, 0, -1]))).tolist() == [1, 0, 1]


def test_static_metrics_by_hand() -> None:
    core = small_chip().core
    weights = 24 * 32 + 4 * 24
    assert neurobench.parameter_count(NETWORK) == weights
    zeros = sum(int((p.connection.weight == 0).sum()) for p in NETWORK.projections)
    assert neurobench.connection_sparsity(NETWORK) == round(zeros / weights, 4)
    # 8-bit weights; per layer threshold, reset 3 bytes each, bias 2, decay 2, then the membranes
    assert neurobench.footprint_bytes(NETWORK, core) == weights + 2 * (3 + 3 + 2 + 2) + 3 * 24 + 3 * 4
    assert neurobench.dense_operations(NETWORK, 20) == 20 * weights


def test_dense_operations_of_the_documented_digits_network() -> None:
    """64-128-10 over 20 steps: 189,440 operations per sample, as NeuroBench itself counts."""
    layers = [np.zeros((128, 64)), np.zeros((10, 128))]
    projections = tuple(Projection(str(i), "a", "b", Dense(w)) for i, w in enumerate(layers))
    network = dataclasses.replace(NETWORK, projections=projections)
    assert neurobench.dense_operations(network, 20) == 189_440
    assert neurobench.connection_sparsity(network) == 1.0
    assert neurobench.connection_sparsity(dataclasses.replace(network, projections=())) is None


def spikes(population: str, rows: list[tuple[int, int, int, int]]) -> Spikes:
    columns = np.array(sorted(rows), np.int32).reshape(-1, 4).T
    return Spikes(population, *columns)


def brute_operations(
    network: Network, dense_spikes: dict[str, np.ndarray], n_steps: int
) -> tuple[list[int], list[int]]:
    """Layer by layer, step by step, with binarised inputs and weights."""
    n_samples = next(iter(dense_spikes.values())).shape[0]
    acs, macs = [0] * n_samples, [0] * n_samples
    for p in network.projections:
        for s in range(n_samples):
            for t in range(n_steps - p.delay_steps):
                x = dense_spikes[p.source][s, t][None].astype(np.int64)
                if p.pool is not None:
                    x = p.pool.apply(x)
                n = int((brute_fan_out(p.connection) * (x[0] != 0)).sum())
                (macs if (x > 1).any() else acs)[s] += n
    return acs, macs


@pytest.mark.parametrize("delay", [0, 1, 2])
def test_effective_operations_against_brute_force(delay: int) -> None:
    rng = np.random.default_rng(5)
    neuron = NETWORK.population("out").neuron
    network = Network(
        name="pooled",
        populations=(Population("in", (1, 4, 4), None), Population("a", (2, 2, 2), neuron),
                     Population("b", (3,), neuron)),
        projections=(
            Projection("p", "in", "a", Conv(
                rng.integers(-1, 2, (2, 1, 2, 2)).astype(np.int16), (1, 2, 2), (2, 2, 2), (1, 1), (1, 1),
                (1, 1), 1), Pool((1, 4, 4), (1, 2, 2), (2, 2), (2, 2), (0, 0)), delay),
            Projection("q", "a", "b", Dense(rng.integers(-1, 2, (3, 8)).astype(np.int16))),
        ),
        outputs=("b",), dt_s=1e-3, profile="", is_integer=True, weight_bits=8,
    )  # fmt: skip
    x = rng.integers(0, 2, (3, 5, 16)).astype(np.uint8) * (rng.random((3, 5, 16)) < 0.3)
    a = (rng.random((3, 5, 8)) < 0.4).astype(np.int64)
    rows = [(*index, 1) for index in np.argwhere(a).tolist()]
    result = dataclasses.replace(
        hand_result(), n_samples=3, n_steps=5, spikes=(spikes("a", rows),)
    )
    found = neurobench.effective_operations(network, result, x.astype(np.uint8))
    assert found is not None
    acs, macs = brute_operations(network, {"in": x, "a": a}, 5)
    assert found.acs.tolist() == acs
    assert found.macs.tolist() == macs
    assert sum(macs) > 0
    assert neurobench.effective_operations(network, result, None) is None


def test_activation_sparsity_counts_neurons_that_fired_not_spikes() -> None:
    result: Result = dataclasses.replace(
        hand_result(), spikes=(spikes("hidden", [(0, 0, 3, 2), (1, 1, 4, 1)]), spikes("out", [(0, 1, 0, 1)]))
    )
    assert neurobench.activation_sparsity(NETWORK, result) == 1 - 3 / (28 * 2 * 2)
    only_input = dataclasses.replace(NETWORK, populations=NETWORK.populations[:1])
    assert neurobench.activation_sparsity(only_input, result) is None
