"""Multicast changes no spike: trees, single packets and the functional engine agree, and every hop is accounted for."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, event, given, settings
from hypothesis import strategies as st

from mapper import MapOptions, compile_network
from neurosim.analysis.check_result import check_result
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.tree_table import as_tree
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.estimate import EstimateEngine
from neurosim.engines.functional import FunctionalEngine
from neurosim.errors import DoesNotFitError
from neurosim.fabric.tables import program_fabric
from neurosim.fabric.trees import walk
from tests.conformance.test_estimate import assert_same_events
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.tree_programs import with_trees
from tests.property.both_engines import CHECKS
from tests.property.networks import networks
from tests.property.test_programs import spikes_by_population

FEW = settings(max_examples=12, deadline=None, suppress_health_check=CHECKS)
MANY = settings(max_examples=400, deadline=None, suppress_health_check=CHECKS)


@st.composite
def cases(draw):
    """(network, chip, program of single packets, the same with trees, input); half of them have trees."""
    size, few = st.integers(2, 4), st.integers(1, 4)
    router = {
        "multicast_entries": 4096, "buffer_flits": draw(few), "virtual_channels": draw(st.integers(1, 2)),
        "arbiter": draw(st.sampled_from(("round_robin", "fixed_priority", "one_winner_per_router"))),
        "cycles_per_flit": draw(st.integers(1, 2)), "routing": draw(st.sampled_from(("xy", "yx"))),
    }  # fmt: skip
    core = {
        "neurons": draw(st.integers(3, 9)), "axons": 400, "rx_flits": draw(few), "tx_flits": draw(few),
        "decode_cycles": draw(st.integers(0, 3)), "membrane_bits": 20, "current_bits": 20,
    }  # fmt: skip
    chip = make_chip(
        draw(size), draw(size), cores_per_tile=draw(st.integers(1, 2)), router=router, core=core,
        packet={"flits": 1, "tree_bits": 12},
    )  # fmt: skip
    network = draw(networks(lively=True))
    try:
        mapping = compile_network(network, chip, MapOptions(effort=0.05, placer="row_order", multicast=False))
    except DoesNotFitError:
        assume(False)
    trees = with_trees(mapping.program, draw(st.sampled_from((1, 1, 2))), draw(st.booleans()))
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    x = rng.integers(0, 3, (1, 3, network.inputs[0].n)) * (rng.random((1, 3, network.inputs[0].n)) < 0.5)
    return mapping.network, chip, mapping.program, trees, Workload(x.astype(np.uint8), np.array([-1]), "random")


def expected_flits(program, chip, result, x):
    """(routers, ports) flits of a run, hop by hop from the spikes and the target tables."""
    fabric = program_fabric(program, chip)
    found = np.zeros((fabric.n_routers, fabric.n_ports), np.int64)
    fired = {s.population: np.bincount(s.neuron, weights=s.count, minlength=4096) for s in result.spikes}
    senders = [(HOST, program.host, x.sum(axis=(0, 1)))]
    for core in program.cores:
        none = np.zeros(0)
        spikes = [fired.get(g.population, np.zeros(4096))[g.neurons] for g in core.groups]
        senders.append((core.core, core.targets, np.concatenate([none, *spikes])))
    for source, table, spikes in senders:
        times = np.repeat(spikes.astype(np.int64), np.diff(table.pointer)).tolist()
        for target, n in zip(table.core.tolist(), times, strict=True):
            tree = as_tree(target)
            hops = walk(fabric, source, tree) if tree >= 0 else fabric.walk(source, target)
            for router, _, _, port, _ in hops:
                found[router, port] += n
    return found


def compare(engine, case):
    network, chip, single, trees, workload = case
    expected = FunctionalEngine(chip).run(network, workload, RunOptions())
    assume(expected.counters.accumulator_overflows == 0)
    results = [engine.run(program, workload, RunOptions(log_packets=True)) for program in (single, trees)]
    for program, got in zip((single, trees), results, strict=True):
        assert got.verdict.status == "ok"
        ours = spikes_by_population(got)
        assert all(ours[name] == rows for name, rows in spikes_by_population(expected).items())
        np.testing.assert_array_equal(got.output_counts, expected.output_counts)
        flits = expected_flits(program, chip, got, workload.spikes)
        np.testing.assert_array_equal(got.counters.port_flits, flits)
        assert check_result(got, program, chip) == []
    one, two = (result.counters for result in results)
    assert one.packets_sent == two.packets_sent == two.packets_arrived
    assert arrivals(results[0]) == arrivals(results[1])
    assert two.port_flits.sum() <= one.port_flits.sum()
    event(f"trees: {bool(trees.trees.n_trees)}, saved hops: {two.port_flits.sum() < one.port_flits.sum()}")
    assert_same_events(EstimateEngine(chip).run(trees, network, workload), results[1])


def arrivals(result):
    """What arrived, whenever: (step, source, target, axon), sorted."""
    log = result.packets
    return sorted(zip(*(c.tolist() for c in (log.step, log.source, log.target, log.axon)), strict=True))


@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@FEW
@given(case=cases())
def test_trees_change_no_spike(engine, case):
    compare(engine, case)


@pytest.mark.slow
@pytest.mark.parametrize("engine", ENGINES, ids=IDS)
@MANY
@given(case=cases())
def test_trees_change_no_spike_nightly(engine, case):
    compare(engine, case)
