"""The invariant of the whole project: spikes do not depend on partition, placement, chip or engine."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings
from hypothesis import strategies as st

from mapper import MapOptions, compile_network
from neurosim import store
from neurosim.analysis.check_result import check_result
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.errors import DoesNotFitError
from tests.helpers.engines import ENGINES, IDS
from tests.property.networks import chips, networks

RELAXED = settings(
    max_examples=1200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large],
)


def spikes_by_population(result):
    """(sample, step, neuron, count) rows per population that fired."""
    return {
        s.population: np.stack([s.sample, s.step, s.neuron, s.count], axis=1).tolist()
        for s in result.spikes
        if len(s.step)
    }


@st.composite
def cases(draw, sync=None):
    """(network, chip, options, workload) that fit together."""
    network, chip = draw(networks()), draw(chips(sync))
    options = MapOptions(
        seed=draw(st.integers(0, 3)),
        partitioner=draw(st.sampled_from(("tiling", "layer_order"))),
        placer=draw(st.sampled_from(("annealed", "row_order"))),
        effort=0.05,
    )
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = rng.integers(0, 3, (2, 4, network.inputs[0].n)) * (rng.random((2, 4, network.inputs[0].n)) < 0.4)
    return network, chip, options, Workload(x.astype(np.uint8), np.array([-1, -1]), "random")


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@RELAXED
@given(case=cases())
def test_spikes_are_the_functional_engines(engine, case):
    network, chip, options, workload = case
    try:
        mapping = compile_network(network, chip, options)
    except DoesNotFitError:
        event("does not fit")
        assume(False)
    expected = FunctionalEngine(chip).run(network, workload, RunOptions())
    assume(expected.counters.accumulator_overflows == 0)
    got = engine.run(mapping.program, workload, RunOptions(log_packets=True))
    assert got.verdict.status == "ok"
    event(f"{len(mapping.partition.clusters)} clusters, {chip.n_chips} chips, {chip.sync.mode}")
    ours = spikes_by_population(got)
    for population, rows in spikes_by_population(expected).items():
        if population != "in":
            assert ours[population] == rows
    np.testing.assert_array_equal(got.output_counts, expected.output_counts)
    assert check_result(got, mapping.program, chip) == []
    assert got.counters.packets_in_flight == got.counters.packets_dropped == 0


@RELAXED
@given(case=cases(), seed=st.integers(0, 10**6))
def test_the_order_of_components_in_a_cycle_changes_nothing(case, seed):
    network, chip, options, workload = case
    try:
        mapping = compile_network(network, chip, options)
    except DoesNotFitError:
        assume(False)
    engine = ENGINES[0]
    plain = engine.run(mapping.program, workload, RunOptions(log_packets=True))
    shuffled = engine.run(mapping.program, workload, RunOptions(log_packets=True, shuffle_seed=seed))
    assert store.digest(plain) == store.digest(shuffled)
