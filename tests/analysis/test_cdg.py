"""The static deadlock check, against an independent graph made with networkx over Fabric.walk."""

from __future__ import annotations

import networkx as nx
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.artefacts.mapping import HOST
from neurosim.chip.models import Chip
from neurosim.errors import MismatchError
from neurosim.fabric import cdg, channels, walks
from neurosim.fabric.topology import Fabric, build_fabric
from tests.helpers.small_chips import HOST_WEST, LINK, gateway_chips, small_chip, torus

BLOCKING_CORE = {"receive_during_update": False}


def independent_graph(fabric: Fabric, flows: list[tuple[int, int]]) -> nx.DiGraph:
    """Channels as named tuples of our own, edges hop by hop from ``Fabric.walk``."""
    graph = nx.DiGraph()
    for source, target in flows:
        held: tuple[object, ...] = ("inject", source)
        for router, _, _, out, out_vc in fabric.walk(source, target):
            graph.add_edge(held, (router, out, out_vc))
            held = (router, out, out_vc)
    if not fabric.chip.core.receive_during_update:
        senders = {s for s, _ in flows}
        for core in sorted({t for _, t in flows} & senders - {HOST}):
            for vc in range(fabric.n_vcs):
                into = (fabric.tile_of(core), fabric.port_of(core), vc)
                if into in graph:
                    graph.add_edge(into, ("inject", core))
    return graph


def cyclic_sizes(graph: nx.DiGraph) -> list[int]:
    parts = nx.strongly_connected_components(graph)
    return sorted(len(p) for p in parts if len(p) > 1 or any(graph.has_edge(n, n) for n in p))


def compare(chip: Chip, flows: list[tuple[int, int]] | None = None) -> cdg.CdgResult:
    """Our result, checked in every respect against networkx."""
    fabric = build_fabric(chip)
    if flows is None:
        sources, targets = cdg.all_pairs(fabric)
        result = cdg.analyse_routing(fabric)
    else:
        sources, targets = np.array(flows, np.int64).reshape(-1, 2).T
        result = cdg.analyse_flows(fabric, sources, targets)
    pairs = list(zip(sources.tolist(), targets.tolist(), strict=True))
    graph = independent_graph(fabric, pairs)
    assert result.n_channels == graph.number_of_nodes()
    assert result.n_edges == graph.number_of_edges()
    assert sorted(result.cyclic_sizes) == cyclic_sizes(graph)
    assert result.is_free == nx.is_directed_acyclic_graph(graph)
    if result.is_free:
        assert cdg.check_certificate(fabric, sources, targets, result.order) == []
        assert not result.cycle.size
        assert not result.cycle_flows
    else:
        assert not result.order.size
        check_cycle(fabric, graph, result, set(pairs))
    return result


def check_cycle(
    fabric: Fabric, graph: nx.DiGraph, result: cdg.CdgResult, flows: set[tuple[int, int]]
) -> None:
    def node(number: int) -> tuple[object, ...]:
        at = channels.channel(fabric, number)
        return ("inject", at.core) if at.kind == "injection" else (at.router, at.port, at.vc)

    ring = [node(int(c)) for c in result.cycle]
    assert len(set(ring)) == len(ring)
    for i, makers in enumerate(result.cycle_flows):
        edge = (ring[i], ring[(i + 1) % len(ring)])
        assert graph.has_edge(*edge)
        assert 1 <= len(makers) <= 3
        assert set(makers) <= flows
        for flow in makers:
            assert independent_graph(fabric, [flow, (flow[1], flow[0])]).has_edge(*edge)


@pytest.mark.parametrize("routing", ["xy", "yx"])
def test_mesh_is_free(routing: str) -> None:
    result = compare(small_chip(mesh={"width": 8, "height": 8}, router={"routing": routing}))
    assert result.verdict == "free"
    assert len(result.order) == result.n_channels == 4 * 7 * 8 + 64 + 64


def test_torus_with_one_channel_has_32_cycles_of_8() -> None:
    result = compare(torus(8, 8))
    assert result.verdict == "cyclic"
    assert result.cyclic_sizes == (8,) * 32
    assert len(result.cycle) == 8


def test_torus_with_dateline_is_free() -> None:
    assert compare(torus(8, 8, virtual_channels=2, vc_policy="dateline")).verdict == "free"


def test_ring_of_16_is_cyclic() -> None:
    result = compare(torus(16, 1))
    assert result.cyclic_sizes == (16, 16)


def test_gateways_make_two_components_of_16() -> None:
    result = compare(gateway_chips(2))
    assert result.cyclic_sizes == (16, 16)
    fabric = build_fabric(gateway_chips(2))
    assert {channels.channel(fabric, int(c)).kind for c in result.cycle} == {"link"}


def test_gateways_of_3x3_chips_make_one_component_of_126() -> None:
    result = cdg.analyse_routing(build_fabric(gateway_chips(3)))
    assert result.cyclic_sizes == (126,)
    assert len(result.cycle) == 16


def test_crossings_policy_frees_the_gateways() -> None:
    assert compare(gateway_chips(2, virtual_channels=2, vc_policy="crossings")).verdict == "free"


def test_seamless_chips_are_free() -> None:
    chip = small_chip(system={"chips_x": 2, "chips_y": 2}, link=LINK, host=HOST_WEST)
    assert compare(chip).verdict == "free"


def test_cores_that_answer_each_other_are_cyclic_only_if_the_core_blocks() -> None:
    flows = [(0, 1), (1, 0)]
    assert compare(small_chip(), flows).verdict == "free"
    result = compare(small_chip(core=BLOCKING_CORE), flows)
    assert result.verdict == "cyclic"
    assert len(result.cycle) == 6  # transmit, link, receive, and the same way back
    assert result.cycle_flows.count(((0, 1),)) == 3
    assert result.cycle_flows.count(((1, 0),)) == 3


def test_a_chain_of_blocking_cores_is_free() -> None:
    assert compare(small_chip(core=BLOCKING_CORE), [(0, 1), (1, 2), (2, 5)]).verdict == "free"


def test_the_host_never_blocks() -> None:
    chip = small_chip(core=BLOCKING_CORE, host=HOST_WEST)
    result = compare(chip, [(HOST, 3), (3, 7), (7, HOST)])
    assert result.verdict == "free"


def test_no_flows_at_all() -> None:
    result = compare(small_chip(), [])
    assert (result.verdict, result.n_channels, result.n_edges) == ("free", 0, 0)


CHIPS = [
    small_chip(host=HOST_WEST),
    small_chip(core=BLOCKING_CORE, host=HOST_WEST),
    torus(5, 3),
    torus(4, 4, virtual_channels=2, vc_policy="dateline"),
    gateway_chips(2),
    gateway_chips(2, virtual_channels=2, vc_policy="crossings"),
    small_chip(mesh={"width": 3, "height": 2, "cores_per_tile": 3}, core=BLOCKING_CORE),
]


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_any_flows_agree_with_networkx(data: st.DataObject) -> None:
    chip = data.draw(st.sampled_from(CHIPS))
    fabric = build_fabric(chip)
    low = HOST if chip.host else 0
    core = st.integers(low, fabric.n_cores - 1)
    flows = data.draw(st.lists(st.tuples(core, core).filter(lambda f: f != (HOST, HOST)), max_size=60))
    compare(chip, flows)


def test_groups_of_goals_change_nothing() -> None:
    fabric = build_fabric(gateway_chips(2))
    pairs = cdg.all_pairs(fabric)
    whole = walks.dependencies(fabric, *pairs)
    split = walks.dependencies(fabric, *pairs, max_states=1)
    assert np.array_equal(whole, split)


def test_certificate_check_finds_a_swapped_order_and_a_missing_channel() -> None:
    fabric = build_fabric(small_chip())
    sources, targets = np.array([0]), np.array([1])
    order = cdg.analyse_flows(fabric, sources, targets).order.tolist()
    assert cdg.check_certificate(fabric, sources, targets, order) == []
    assert cdg.check_certificate(fabric, sources, targets, order[::-1]) == [
        "transmit FIFO of core 0 (chip 0 router (0,0) local0) waits for chip 0 router (0,0) east vc 0, "
        "which stands before it in the order",
        "chip 0 router (0,0) east vc 0 waits for receive FIFO of core 1 (chip 0 router (1,0) local0 vc 0), "
        "which stands before it in the order",
    ]
    assert cdg.check_certificate(fabric, sources, targets, order[1:]) == [
        "transmit FIFO of core 0 (chip 0 router (0,0) local0) is used but not in the order"
    ]
    assert cdg.check_certificate(fabric, sources, targets, [*order, order[0]])[0] == (
        "a channel stands in the order twice"
    )


def test_certificate_check_knows_the_core_dependency() -> None:
    flows = np.array([[0, 1], [1, 0]])
    free = build_fabric(small_chip())
    order = cdg.analyse_flows(free, flows[:, 0], flows[:, 1]).order
    assert cdg.check_certificate(free, flows[:, 0], flows[:, 1], order) == []
    blocking = build_fabric(small_chip(core=BLOCKING_CORE))
    assert len(cdg.check_certificate(blocking, flows[:, 0], flows[:, 1], order)) >= 1


def test_a_long_list_of_errors_is_cut() -> None:
    fabric = build_fabric(small_chip())
    n_edges = cdg.analyse_routing(fabric).n_edges
    errors = cdg.check_certificate(fabric, *cdg.all_pairs(fabric), [])
    assert len(errors) == 21
    assert errors[-1] == f"and {n_edges - 20} more of this kind"


def test_numbers_and_channels_are_one_to_one() -> None:
    fabric = build_fabric(small_chip(host=HOST_WEST, system={"chips_x": 2}, link=LINK))
    names = set()
    n_found = 0
    for number in range(cdg.n_channel_numbers(fabric)):
        try:
            at = channels.channel(fabric, number)
        except IndexError:
            continue
        n_found += 1
        names.add(cdg.describe_channel(fabric, number))
        if at.kind == "injection":
            assert at.core is not None
            assert channels.injection_channel(fabric, at.core) == number
        else:
            assert channels.output_channel(fabric, at.router, at.port, at.vc) == number
    links = 2 * (7 * 4 + 8 * 3)
    assert n_found == links + 2 * (32 + 1) == len(names)
    assert {"transmit FIFO of the host (chip 0 router (0,1) west)",
            "receive FIFO of the host (chip 0 router (0,1) west vc 0)",
            "chip 1 router (4,3) west vc 0"} <= names  # fmt: skip
    with pytest.raises(IndexError, match="no channel 9999"):
        channels.channel(fabric, 9999)


def test_flows_to_cores_that_are_not_there_are_refused() -> None:
    fabric = build_fabric(small_chip())
    with pytest.raises(MismatchError) as caught:
        cdg.analyse_flows(fabric, np.array([0, 3]), np.array([1, 16]))
    assert str(caught.value) == (
        "flow 1: a flow names a core that the chip does not have [flows-core]\n"
        "  expected: a core from 0 to 15\n"
        "  got: 16"
    )
    with pytest.raises(MismatchError, match=r"flow 0: .*flows-core"):
        cdg.analyse_flows(fabric, np.array([HOST]), np.array([1]))
    with pytest.raises(MismatchError, match="flows-shape"):
        cdg.analyse_flows(fabric, np.array([1, 2]), np.array([1]))


def test_a_route_into_nothing_is_an_error() -> None:
    fabric = build_fabric(small_chip())
    fabric.target[1, 0] = -1  # cut the link from (1,0) to the east
    with pytest.raises(MismatchError) as caught:
        cdg.analyse_flows(fabric, np.array([0]), np.array([3]))
    assert str(caught.value) == (
        "chip 0 router (1,0) east: the routing function leads to a port on which nothing hangs "
        "[route-into-nothing]"
    )
