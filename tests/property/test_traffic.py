"""Properties of raw traffic over random fabrics."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from neurosim.engines.base import RunOptions
from neurosim.fabric.topology import build_fabric
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.traffic import uniform

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)
RELAXED = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


@st.composite
def fabrics(draw, deadlock_free=True):
    """A random chip: mesh, torus or several chips, any buffers and latencies."""
    kind = draw(st.sampled_from(("mesh", "mesh", "torus", "chips", "gateway")))
    n_vcs = draw(st.integers(1, 3))
    hops = st.integers(1, 6)
    router = {
        "virtual_channels": n_vcs,
        "buffer_flits": draw(st.integers(1, 5)),
        "credit_cycles": draw(st.integers(1, 4)),
        "injection_cycles": draw(st.integers(1, 3)),
        "cycles_per_flit": draw(st.integers(1, 2)),
        "hop_cycles": {"east_west": draw(hops), "north_south": draw(hops), "local": draw(hops)},
        "arbiter": draw(
            st.sampled_from(("round_robin", "fixed_priority", "one_winner_per_router"))
        ),
        "routing": draw(st.sampled_from(("xy", "yx"))),
    }
    shape = {"width": draw(st.integers(1, 4)), "height": draw(st.integers(1, 4))}
    more = {"cores_per_tile": draw(st.integers(1, 3)), "flits": draw(st.integers(1, 3))}
    more["core"] = {"rx_flits": 4, "tx_flits": 4}
    if kind == "torus":
        more["topology"] = "torus"
        router |= {"routing": "torus_xy", "virtual_channels": 2, "vc_policy": "dateline"}
    if kind in ("chips", "gateway"):
        more["chips"] = (draw(st.integers(1, 2)), draw(st.integers(1, 2)))
        more["link"] = {
            "latency_cycles": draw(st.integers(0, 4)),
            "synchroniser_cycles": draw(st.integers(0, 2)),
            "cycles_per_flit": draw(st.integers(1, 4)),
            "credit_cycles": draw(st.integers(1, 5)),
        }
    if kind == "gateway" and more["chips"] != (1, 1):
        more["link"]["gateways"] = {
            "row": draw(st.integers(0, shape["height"] - 1)),
            "column": draw(st.integers(0, shape["width"] - 1)),
        }
        router |= {"routing": "hierarchical_xy", "virtual_channels": 2, "vc_policy": "crossings"}
    return make_chip(router=router, **shape, **more)


@RELAXED
@given(chip=fabrics(), load=st.floats(0.01, 0.6), seed=st.integers(0, 10**6))
def test_every_packet_arrives_once_whatever_the_order_of_components(engine, chip, load, seed):
    fabric = build_fabric(chip)
    traffic = uniform(fabric.n_cores, load, 40, seed)
    plain = engine.run_traffic(chip, traffic, 10**6, RunOptions())
    assert plain.verdict.status == "ok"
    assert (plain.arrive >= traffic.cycle).all()
    hops = [len(fabric.walk(s, t)) for s, t in zip(traffic.source, traffic.target, strict=True)]
    assert plain.router_traversals == sum(hops) * chip.packet.flits
    assert plain.port_flits.sum() == plain.router_traversals
    if engine.name == "reference":
        shuffled = engine.run_traffic(chip, traffic, 10**6, RunOptions(shuffle_seed=seed))
        np.testing.assert_array_equal(shuffled.arrive, plain.arrive)
        np.testing.assert_array_equal(shuffled.port_flits, plain.port_flits)


@RELAXED
@given(chip=fabrics(), seed=st.integers(0, 10**6))
def test_no_packet_is_faster_than_an_empty_fabric(engine, chip, seed):
    fabric = build_fabric(chip)
    traffic = uniform(fabric.n_cores, 0.3, 20, seed)
    result = engine.run_traffic(chip, traffic, 10**6, RunOptions())
    for p, (source, target) in enumerate(zip(traffic.source, traffic.target, strict=True)):
        route = fabric.walk(int(source), int(target))
        flight = sum(int(fabric.latency[router, port]) for router, _, _, port, _ in route)
        assert result.arrive[p] - traffic.cycle[p] >= chip.router.injection_cycles + flight
