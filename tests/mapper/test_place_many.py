"""Mappings of many clusters: legal, reproducible, costed as packets walk, and refused by name."""

from __future__ import annotations

import pytest

from mapper import InfeasibleError, MapOptions, compile_network
from neurosim.errors import InputError
from tests.helpers.chips import make_chip
from tests.mapper.grids import many_on
from tests.mapper.nets import dense_net, problems


def test_more_clusters_than_a_few_are_swapped_and_all_checkers_agree():
    said: list[str] = []
    mapping, chip = many_on(effort=0.05, detail=said.append)
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    by_rows, _ = many_on(placer="row_order")
    (before,) = by_rows.placement.solver
    assert (report.method, before.method) == ("swap annealing", "row order")
    assert report.bound < report.objective < 0.95 * before.objective
    assert report.detail.startswith("start: ")
    assert report.detail.endswith("moves, seed 0; bound: heaviest flows over nearest cores")
    assert said[0] == "looking for a start among 100 cores"
    routes = mapping.routes
    assert report.objective == pytest.approx(float((routes.packets * (routes.hops - 1)).sum()), rel=1e-9)
    again, _ = many_on(effort=0.05)
    assert again.placement.core.tobytes() == mapping.placement.core.tobytes()


@pytest.mark.parametrize(
    ("goal", "figure"), [("tree_hops", "tree hops"), ("busiest_link", "busiest link"), ("weighted", "hops")]
)
def test_placing_for_something_else_improves_that(goal, figure):
    mapping, chip = many_on(effort=0.05, place_for=goal)
    assert problems(mapping, chip) == []
    first, second = mapping.placement.solver
    assert (first.stage, second.stage) == ("placement", f"placement for {goal}")
    change = next(part for part in second.detail.split("; ") if part.startswith(figure + " "))
    before, after = (float(v) for v in change[len(figure) :].split(" -> "))
    assert second.objective < 3.0 if goal == "weighted" else second.objective == pytest.approx(after, rel=1e-5)
    assert goal == "weighted" or after < before
    units = {"tree_hops": "packet links over trees", "busiest_link": "packets over that link"}
    assert (first.unit, second.unit) == ("", units.get(goal, "of 3 before"))


def test_reach_of_a_chip_is_kept_with_many_clusters_or_refused():
    core = {"neurons": 4, "axons": 512, "synapse_words": 8192, "target_entries": 8192}
    chip = make_chip(width=12, height=12, core=core, reach={"x_hops": 9, "y_hops": 9})
    net = dense_net(40, 80, 80, 80, 80, 60, reset="none")
    mapping = compile_network(net, chip, MapOptions(effort=0.05))
    assert len(mapping.partition.clusters) > 64
    assert problems(mapping, chip) == []
    tight = make_chip(width=12, height=12, core=core, reach={"x_hops": 11, "y_hops": 2})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(net, tight, MapOptions(effort=0.01))
    assert "(at most 11 hops along x, at most 2 hops along y)" in str(caught.value).splitlines()[0]


LINK = {"latency_cycles": 7, "synchroniser_cycles": 2, "cycles_per_flit": 1, "credit_cycles": 2}


@pytest.mark.parametrize(
    "chip",
    [
        {"width": 10, "height": 10},
        {"width": 5, "height": 5, "cores_per_tile": 2, "chips": (2, 2), "link": LINK},
        {"width": 5, "height": 5, "chips": (2, 2), "link": {**LINK, "gateways": {"row": 1, "column": 0}},
         "router": {"routing": "hierarchical_xy"}},
        {"width": 7, "height": 12, "cores_per_tile": 2, "router": {"routing": "yx"}},
    ],
    ids=["mesh", "chips", "gateways", "yx"],
)  # fmt: skip
def test_costs_are_those_that_packets_walk(chip):
    from mapper.place.distance import walked
    from neurosim.artefacts.mapping import HOST
    from neurosim.fabric.topology import build_fabric

    core = {"neurons": 4, "axons": 512, "synapse_words": 8192, "target_entries": 8192}
    made = make_chip(core=core, **chip)
    mapping = compile_network(
        dense_net(40, 120, 120, 60), made, MapOptions(effort=0.01, repair=False)
    )
    (report,) = mapping.placement.solver
    routes = mapping.routes
    assert (routes.target == HOST).any()
    away, _ = walked(build_fabric(made), routes.source, routes.target)
    assert report.method == "swap annealing"
    assert report.objective == pytest.approx(float((routes.packets * away).sum()))
    assert problems(mapping, made) == []


def test_too_many_clusters_for_a_placer_or_a_chip_are_named(monkeypatch):
    monkeypatch.setattr("mapper.place.DENSE_AT_MOST", 70)
    with pytest.raises(InputError) as caught:
        many_on(placer="annealed")
    assert str(caught.value) == (
        "MapOptions.placer: the placer 'annealed' is for at most 70 clusters [map-option]\n"
        "  got: 75 clusters\n"
        "  hint: use the placer 'auto' or 'swaps'"
    )


def test_too_few_cores_near_the_host_are_counted_for_many_clusters_too():
    chip = make_chip(width=16, height=8, reach={"x_hops": 7}, core={"neurons": 1, "axons": 300})
    with pytest.raises(InfeasibleError) as caught:
        compile_network(dense_net(8, 80, reset="none"), chip, MapOptions(effort=0.01))
    assert str(caught.value).splitlines()[0] == (
        "net: 80 of 80 clusters fit only on 64 cores of chip 'test' within reach of the host "
        "(at most 7 hops along x) [map-does-not-fit]"
    )
