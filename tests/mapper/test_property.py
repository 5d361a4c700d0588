"""Random small networks on random small chips: every checker clean, or a true statement that it does not fit."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from mapper import InfeasibleError, MapOptions, compile_network
from mapper.anatomy import Anatomy
from mapper.capacity import core_kinds
from mapper.legalise import legalise
from mapper.options import spikes_of
from mapper.partition import Problem
from mapper.partition.tiling import LayerTiling
from neurosim.chip.loader import edit_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.errors import DoesNotFitError
from neurosim.network.connections import Conv, Dense, Diagonal, Pool
from neurosim.network.model import Network, as_chw
from neurosim.store import digest
from tests.helpers.chips import make_chip
from tests.mapper.nets import network, neuron, problems, weights

SETTINGS = settings(
    max_examples=25, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)  # fmt: skip


@st.composite
def connections(draw, shape, seed):
    """(pool, connection, shape of the target) from a population of ``shape``."""
    c, h, w = as_chw(shape)
    pool = None
    if h >= 2 and w >= 2 and draw(st.booleans()):
        kernel = draw(st.sampled_from([(2, 2), (1, 2), (2, 1)]))
        padding = (draw(st.integers(0, kernel[0] - 1)), draw(st.integers(0, kernel[1] - 1)))
        out = tuple((n + 2 * p - k) // k + 1 for n, p, k in zip((h, w), padding, kernel, strict=True))
        pool = Pool((c, h, w), (c, *out), kernel, kernel, padding)
        c, h, w = c, *out
    kind = draw(st.sampled_from(["dense", "sparse", "conv", "diagonal"]))
    if kind == "conv":
        groups = draw(st.sampled_from([g for g in (1, c) if c % g == 0]))
        out_c = groups * draw(st.integers(1, 3))
        kernel = (draw(st.integers(1, min(3, h + 1))), draw(st.integers(1, min(3, w + 1))))
        stride = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        dilation = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        padding = tuple((k - 1) * d for k, d in zip(kernel, dilation, strict=True))
        sides = [
            (n + 2 * p - ((k - 1) * d + 1)) // s + 1
            for n, p, k, d, s in zip((h, w), padding, kernel, dilation, stride, strict=True)
        ]
        out_shape = (out_c, max(1, sides[0]), max(1, sides[1]))
        weight = weights(seed, out_c, c // groups, *kernel, largest=7)
        if draw(st.booleans()):  # pruned, and maybe whole channels of it
            weight[np.random.default_rng(seed).random(weight.shape[:2]) < 0.5] = 0
        return pool, Conv(weight, (c, h, w), out_shape, stride, padding, dilation, groups), out_shape
    n = c * h * w
    if kind == "diagonal":
        return pool, Diagonal(weights(seed, n, largest=7)), (c, h, w)
    out = draw(st.integers(1, 24))
    weight = weights(seed, out, n, largest=7)
    if kind == "sparse":
        weight[np.random.default_rng(seed).random(weight.shape) < 0.8] = 0
    return pool, Dense(weight), (out,)


@st.composite
def networks(draw) -> Network:
    """Up to three layers in a row, maybe a loop on one of them, maybe a skip to the last."""
    shape = draw(st.sampled_from([(6,), (1, 4, 4), (2, 5, 3), (2, 6)]))
    layers, joins = [("in", shape, None)], []
    depth = draw(st.integers(1, 3))
    for i in range(1, depth + 1):
        pool, connection, shape = draw(connections(layers[-1][1], i))
        reset = draw(st.sampled_from(["value", "subtract", "none"] if i == depth else ["value", "subtract"]))
        layers.append((f"p{i}", shape, neuron(reset, 10)))
        joins.append((layers[-2][0], f"p{i}", connection, pool, 0))
    if draw(st.booleans()):
        name, shape, _ = layers[draw(st.integers(1, depth))]
        n = int(np.prod(shape))
        joins.append((name, name, Dense(weights(9, n, n, largest=7)), None, 1))
    if depth > 1 and draw(st.booleans()):
        a, b = int(np.prod(layers[0][1])), int(np.prod(layers[-1][1]))
        joins.append(("in", f"p{depth}", Dense(weights(10, b, a, largest=7)), None, 0))
    return network(layers, joins, (f"p{depth}",))


@st.composite
def chips(draw) -> Chip:
    """Small chips: scarce in anything, one or two chips, mixed cores, few formats."""
    core = {
        "neurons": draw(st.sampled_from([4, 9, 16, 40])),
        "axons": draw(st.sampled_from([8, 24, 60, 200])),
        "synapse_words": draw(st.sampled_from([40, 150, 600, 4000])),
        "target_entries": draw(st.sampled_from([8, 30, 100, 600])),
        "synapse_formats": draw(
            st.sampled_from([("dense", "sparse", "conv"), ("dense",), ("sparse", "conv"), ("sparse",)])
        ),
        "axon_header_words": draw(st.integers(0, 2)),
        "state_words_per_neuron": draw(st.integers(0, 1)),
        "index_bits": draw(st.sampled_from([6, 9])),
        "max_delay_steps": draw(st.sampled_from([1, 5])),
    }
    types = ()
    if draw(st.booleans()):
        types = ({"name": "big", "x_modulus": 2, "x_remainders": (1,), "neurons": 50, "axons": 250},)
    return make_chip(
        width=draw(st.integers(1, 4)), height=draw(st.integers(1, 4)),
        chips=draw(st.sampled_from([(1, 1), (1, 1), (2, 1)])), cores_per_tile=draw(st.integers(1, 2)),
        core=core, core_types=types, reach=draw(st.sampled_from([{}, {}, {"x_hops": 2, "y_hops": 3}])),
    )  # fmt: skip


def check_refusal(error: DoesNotFitError, net: Network, chip: Chip) -> None:
    """A refusal must be consistent with itself, and its capacity remedies must work."""
    if not isinstance(error, InfeasibleError):
        assert error.code in ("map-delay", "map-no-format")
        return
    report = error.report
    assert report.demand is None or report.demand >= report.bound
    assert report.demand is None or report.demand > report.limit
    if report.resource == "cores" and report.bound > report.limit:  # refused without a search: search now
        options = MapOptions(effort=0.05)
        legal, spikes = legalise(net, chip, spikes_of(net, options))
        problem = Problem(Anatomy(legal, spikes), chip, core_kinds(chip), options)
        assert LayerTiling().partition(problem) is None
    for remedy in report.remedies:
        amount, _, resource = remedy.partition(" ")
        field = {"neurons per core": "neurons", "axons per core": "axons"}.get(resource)
        if field and not chip.core_types and chip.reach.x_hops is None:
            larger = edit_chip(chip, {f"core.{field}": int(amount)})
            assert problems(compile_network(net, larger, MapOptions(effort=0.05)), larger) == []


def _map(net, chip):
    try:
        return compile_network(net, chip, MapOptions(effort=0.05))
    except DoesNotFitError as error:
        check_refusal(error, net, chip)
        return None


@SETTINGS
@given(networks(), chips())
def test_every_mapping_is_clean_or_refused_with_reason(net, chip):
    mapping = _map(net, chip)
    if mapping is not None:
        assert problems(mapping, chip) == []


WAYS = (
    {}, {"partitioner": "hypergraph"}, {"polish": True}, {"partitioner": "layer_order"},
    {"objective": "traffic", "placer": "swaps"},
)  # fmt: skip


@settings(SETTINGS, max_examples=10)
@given(networks(), chips(), st.integers(0, 1000), st.sampled_from(WAYS))
def test_spikes_do_not_depend_on_the_mapping(net, chip, seed, way):
    roomy = {"neurons": 40, "axons": 200, "synapse_words": 4000, "target_entries": 600, "max_delay_steps": 5}
    chip = edit_chip(chip, {f"core.{name}": value for name, value in roomy.items()})
    try:
        mapping = compile_network(net, chip, MapOptions(effort=0.05, **way))
    except DoesNotFitError:
        return
    assert problems(mapping, mapping.chip) == []
    x = (np.random.default_rng(seed).random((1, 4, net.inputs[0].n)) < 0.5).astype(np.uint8)
    workload = Workload(x, np.array([-1]), "test")
    expected = FunctionalEngine(chip).run(net, workload, RunOptions())
    got = ReferenceEngine().run(mapping.program, workload, RunOptions())
    np.testing.assert_array_equal(got.output_counts, expected.output_counts)


@settings(SETTINGS, max_examples=5)
@given(networks())
def test_equal_inputs_give_equal_programs(net):
    chip = make_chip(core={"neurons": 12, "axons": 100})
    copies = [net, dataclasses.replace(net, populations=tuple(net.populations))]
    try:
        made = [compile_network(n, chip, MapOptions(seed=4, effort=0.05)) for n in copies]
    except DoesNotFitError:
        return
    assert digest(made[0].program) == digest(made[1].program)


@pytest.mark.slow
@settings(SETTINGS, max_examples=300)
@given(networks(), chips())
def test_many_mappings_are_clean_or_refused(net, chip):
    mapping = _map(net, chip)
    if mapping is not None:
        assert problems(mapping, chip) == []
