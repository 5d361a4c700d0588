"""First-spike neurons through the mapper: their ramps go with their neurons, and the checker sees a wrong one."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.check import check_program
from neurosim.network.connections import Dense
from neurosim.network.model import IntNeuron, Ramp
from tests.helpers.chips import make_chip
from tests.mapper.nets import network, neuron, weights

N = 20
CHIP = make_chip(2, 2, core={"neurons": 8})


@pytest.fixture(scope="module")
def made():
    once = IntNeuron(
        "ttfs", "once", np.array(4096), np.array(4096), np.array(0), 400 + np.arange(N), np.array(0),
        np.array(-(1 << 20)), 0, 1.0, ramp=Ramp(np.arange(N), np.array(3), 5, 4),
    )  # fmt: skip
    joins = [("in", "a", Dense(weights(1, N, 6)), None, 0), ("a", "b", Dense(weights(2, 3, N)), None, 0)]
    layers = [("in", (6,), None), ("a", (N,), once), ("b", (3,), neuron())]
    return compile_network(network(layers, joins, ("b",)), CHIP, MapOptions(effort=0.05))


def test_every_neuron_has_its_own_ramp(made):
    assert check_program(made.program, made.network, CHIP) == []
    groups = [g for c in made.program.cores for g in c.groups if g.population == "a"]
    assert len(groups) > 1
    for group in groups:
        np.testing.assert_array_equal(group.ramp.per_step, group.neurons)
        np.testing.assert_array_equal(group.ramp.floor, np.full(group.n, 3))
        assert (group.ramp.input_steps, group.ramp.silent_steps) == (5, 4)


FAULTS = {
    "ramp": (lambda r: replace(r, per_step=r.per_step + 1), "has a wrong ramp"),
    "floor": (lambda r: replace(r, floor=r.floor[::-1] + 1), "has a wrong ramp floor"),
    "steps": (lambda r: replace(r, silent_steps=3), "has wrong input or silent steps"),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_wrong_ramp_is_named(made, fault):
    change, text = FAULTS[fault]
    at = next(i for i, c in enumerate(made.program.cores) if c.groups[0].population == "a")
    core = made.program.cores[at]
    group = replace(core.groups[0], ramp=change(core.groups[0].ramp))
    cores = list(made.program.cores)
    cores[at] = replace(core, groups=(group, *core.groups[1:]))
    found = check_program(replace(made.program, cores=tuple(cores)), made.network, CHIP)
    assert found == [f"core {core.core} group 0 {text}"]


def test_a_group_without_its_ramp_cannot_be_made(made):
    group = next(g for c in made.program.cores for g in c.groups if g.population == "a")
    with pytest.raises(ValueError, match="group of 'a': a ramp goes with model 'ttfs', and only with it"):
        replace(group, ramp=None)
