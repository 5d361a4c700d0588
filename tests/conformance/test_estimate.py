"""The estimate engine: its events are the cycle engines' own; its times are exact where nobody waits."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, event, given, settings

from mapper import MapOptions, compile_network
from neurosim.analysis.check_result import check_result
from neurosim.analysis.estimate_error import estimate_error
from neurosim.api.mapping import load_workload
from neurosim.chip.loader import load_chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.estimate import EstimateEngine
from neurosim.errors import DoesNotFitError
from neurosim.network.connections import Dense
from neurosim.network.model import IntNeuron, Network, Population, Projection
from neurosim.network.nir_reader import import_nir
from neurosim.network.quantise import quantise
from neurosim.rules.neuron import DECAY_ONE
from tests.helpers.chips import make_chip
from tests.property.test_programs import cases, spikes_by_population

DIGITS = "workloads/digits/"
CHECKS = [HealthCheck.too_slow, HealthCheck.filter_too_much, HealthCheck.data_too_large]


def both(network, chip, options, workload):
    mapping = compile_network(network, chip, options)
    return mapping, EstimateEngine(chip).run(mapping.program, mapping.network, workload), CompiledEngine().run(
        mapping.program, workload, RunOptions()
    )


def assert_same_events(estimated, simulated):
    for name in ("sample_events", "core_events", "router_events", "port_flits", "core_busy_cycles"):
        one, two = getattr(estimated.counters, name), getattr(simulated.counters, name)
        np.testing.assert_array_equal(one, two, name)
    assert estimated.counters.packets_sent == simulated.counters.packets_sent
    assert spikes_by_population(estimated) == spikes_by_population(simulated)
    np.testing.assert_array_equal(estimated.output_counts, simulated.output_counts)


@settings(max_examples=60, deadline=None, suppress_health_check=CHECKS)
@given(case=cases())
def test_events_are_those_of_the_cycle_engine(case):
    network, chip, options, workload = case
    try:
        mapping, estimated, simulated = both(network, chip, options, workload)
    except DoesNotFitError:
        assume(False)
    late = simulated.counters.late_packets + len(simulated.missed)
    assume(simulated.verdict.status == "ok" and not late and not simulated.counters.accumulator_overflows)
    event(chip.sync.mode)
    assert_same_events(estimated, simulated)
    assert check_result(estimated, mapping.program, chip) == []
    assert (estimated.step_end >= estimated.step_start).all()


@pytest.mark.parametrize(("name", "chip", "samples"), [("dense", "tiny", 20), ("conv", "tiny", 4)])
def test_the_digits_networks_have_the_cycle_engines_energy(name, chip, samples):
    model = load_chip(chip)
    floating = import_nir(f"{DIGITS}{name}.nir", "spikingjelly-2.0")
    workload = load_workload(f"{DIGITS}{name}_test.npz", floating, samples)
    _, estimated, simulated = both(quantise(floating, model), model, MapOptions(effort=0.05), workload)
    assert_same_events(estimated, simulated)
    error = estimate_error(estimated, simulated, model)
    assert error["events_equal"]
    assert abs(error["energy"]["error"]) < 0.05
    assert abs(error["latency"]["error"]) < 0.5


def chain(n_layers):
    """Lone neurons in a row, each on its own core, that pass one spike on."""
    one, zero = np.ones(1, np.int64), np.zeros((), np.int64)
    neuron = IntNeuron("if", "value", one * DECAY_ONE, one, zero, one, zero, np.asarray(-100), 0, 1.0)
    names = [f"n{k}" for k in range(n_layers)]
    weight = Dense(np.ones((1, 1), np.int16))
    links = zip(["in", *names], names, strict=False)
    return Network(
        "chain", (Population("in", (1,), None), *(Population(n, (1,), neuron) for n in names)),
        tuple(Projection(f"{a}->{b}", a, b, weight) for a, b in links), (names[-1],), 1e-3, "test", True, 4,
    )  # fmt: skip


@pytest.mark.parametrize("flits", [1, 3])
@pytest.mark.parametrize("ports", [1, 2])
def test_a_lone_spike_is_timed_exactly(flits, ports):
    core = {"neurons": 1, "memory_ports": ports, "update_cycles": {"active": 5, "idle": 2}, "spike_cycles": 3}
    chip = make_chip(width=3, height=2, flits=flits, core={**core, "rx_flits": 4, "tx_flits": 4})
    x = np.zeros((1, 3, 1), np.uint8)
    x[0, 1] = 1
    workload = Workload(x, np.array([-1]), "lone")
    _, estimated, simulated = both(chain(4), chip, MapOptions(effort=0.05), workload)
    np.testing.assert_array_equal(estimated.step_start, simulated.step_start)
    np.testing.assert_array_equal(estimated.step_end, simulated.step_end)
    error = estimate_error(estimated, simulated, chip)
    assert error["latency"]["error"] == 0.0
    assert error["latency"]["mean_step_error"] == 0.0
