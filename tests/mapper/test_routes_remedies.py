"""Remedies for a mapping that can deadlock: each was tried, and does what it says."""

from __future__ import annotations

import dataclasses

import numpy as np

from mapper import MapOptions, compile_network
from mapper.route.remedies import LEAST_EFFORT, remedies
from neurosim.api.bounds import MIN_EFFORT
from neurosim.chip.loader import load_chip
from neurosim.fabric.cdg import analyse_flows
from neurosim.fabric.topology import build_fabric
from tests.mapper.nets import dense_net

FAST = MapOptions(effort=0.1)


def _deadlocking():
    """A mapping on four chips with gateways whose flows go round in a ring."""
    chip = load_chip("tiny_2x2_gateway")
    mapping = compile_network(dense_net(4, 8, 3), chip, FAST)
    fabric = build_fabric(chip)
    ends = np.arange(fabric.n_cores)
    source, target = np.repeat(ends, len(ends)), np.tile(ends, len(ends))
    keep = source != target
    routes = dataclasses.replace(
        mapping.routes, source=source[keep], target=target[keep],
        verdict=analyse_flows(fabric, source[keep], target[keep]).verdict,
    )  # fmt: skip
    return chip, dataclasses.replace(mapping, routes=routes)


def test_a_second_channel_after_a_crossing_is_named_and_helps():
    chip, mapping = _deadlocking()
    assert mapping.routes.verdict == "cyclic"
    found = remedies(mapping, chip, FAST)
    assert found[0] == "router.virtual_channels 2 and router.vc_policy 'crossings'"
    router = chip.router.model_copy(update={"virtual_channels": 2, "vc_policy": "crossings"})
    fabric = build_fabric(chip.model_copy(update={"router": router}))
    assert analyse_flows(fabric, mapping.routes.source, mapping.routes.target).is_free
    assert found[1] == "seed 1 and effort 0.025"
    again = compile_network(dense_net(4, 8, 3), chip, MapOptions(seed=1, effort=0.025))
    assert again.routes.verdict == "free"


def test_no_effort_is_named_that_the_commands_refuse():
    chip, mapping = _deadlocking()
    found = remedies(mapping, chip, MapOptions(effort=0.001))
    assert LEAST_EFFORT == MIN_EFFORT
    assert found[-1].endswith(" and effort 0.001")


def test_what_is_free_needs_none():
    chip = load_chip("tiny")
    assert remedies(compile_network(dense_net(4, 8, 3), chip, FAST), chip, FAST) == ()
