"""Partition by hypergraphs: legal, the better of two kept and said, and the optional library named."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.partition import clustered
from mapper.partition.annealed import Limits, anneal_from, as_division, in_order
from mapper.partition.clustered import _joined
from mapper.partition.hypergraph import from_nets
from mapper.partition.multilevel import divide_multilevel, split_overfull
from neurosim.artefacts.mapping import Slice
from neurosim.chip.loader import load_chip
from neurosim.cli import main
from neurosim.errors import DoesNotFitError, InputError
from tests.mapper.nets import conv_net, dense_net, problems
from workloads.conv_nets import group_net

HAS_LIBRARY = importlib.util.find_spec("mtkahypar") is not None
needs_library = pytest.mark.skipif(not HAS_LIBRARY, reason="Mt-KaHyPar (extra 'partition') is not installed")
NAMES = ["hypergraph", pytest.param("mtkahypar", marks=needs_library)]


@pytest.mark.parametrize("name", NAMES)
def test_layers_share_cores_where_that_saves_some(name):
    chip, options = load_chip("tiny"), MapOptions(effort=0.2, partitioner=name)
    mapping = compile_network(dense_net(8, 40, 40, 10), chip, options)
    assert problems(mapping, chip) == []
    assert len(mapping.partition.clusters) == 2  # the tiling takes 3
    report = mapping.partition.solver[-1]
    assert (report.stage, report.method) == ("partition choice", name)
    assert report.detail.startswith(f"tiling: 3 cores, 80 packets between cores; {name}: 2 cores, ")
    assert report.detail.endswith(f"; kept: {name}")
    again = compile_network(dense_net(8, 40, 40, 10), chip, options)
    assert again.partition == mapping.partition


@pytest.mark.parametrize("name", NAMES)
def test_the_tiling_is_kept_where_it_is_better(name):
    chip = load_chip("tiny")
    mapping = compile_network(conv_net(), chip, MapOptions(effort=0.1, partitioner=name))
    assert problems(mapping, chip) == []
    assert mapping.partition.solver[-1].detail.endswith(" parts, more than cores; kept: tiling")


def test_too_many_atoms_are_not_tried(monkeypatch):
    monkeypatch.setattr(clustered, "ATOMS_AT_MOST", 2)
    mapping = compile_network(
        dense_net(8, 40, 40, 10), load_chip("tiny"), MapOptions(effort=0.1, partitioner="hypergraph")
    )
    assert mapping.partition.solver[-1].detail.endswith("; hypergraph: more than 2 atoms; kept: tiling")


def test_atoms_are_joined_to_boxes_without_gaps_or_overlaps():
    rng = np.random.default_rng(3)
    for _ in range(50):
        held = {
            (c, y, x): Slice("p", (c, c + 1), (2 * y, 2 * y + 2), (3 * x, 3 * x + 3))
            for c in range(2) for y in range(3) for x in range(4) if rng.random() < 0.6
        }  # fmt: skip
        boxes = _joined(held)
        cells = [
            cell for box in boxes
            for cell in np.ndindex(2, 6, 12)
            if all(low <= at < high for at, (low, high) in zip(cell, (box.c, box.y, box.x), strict=True))
        ]  # fmt: skip
        assert len(cells) == len(set(cells)) == 6 * len(held)
    full = {(0, y, x): Slice("p", (0, 4), (y, y + 1), (x, x + 1)) for y in range(3) for x in range(3)}
    assert _joined(full) == [Slice("p", (0, 4), (0, 3), (0, 3))]


def test_a_missing_library_is_named_with_its_command(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    with pytest.raises(InputError) as caught:
        compile_network(conv_net(), load_chip("tiny"), MapOptions(partitioner="mtkahypar"))
    assert str(caught.value) == (
        "MapOptions.partitioner: the partitioner 'mtkahypar' needs the library Mt-KaHyPar, which is not "
        "installed [map-extra]\n"
        "  hint: pip install \"neurosim-cycle[partition]\", or use partitioner 'hypergraph'"
    )
    assert "mtkahypar" in MapOptions(partitioner="mtkahypar").partitioner
    with pytest.raises(InputError, match="did you mean 'mtkahypar'"):
        MapOptions(partitioner="mtkahyper")
    assert main(["map", str(tmp_path / "no.npz"), "--chip", "tiny", "-o", str(tmp_path / "m"), "--partitioner", "x"])
    assert capsys.readouterr().err


@needs_library
def test_the_library_divides_within_all_limits_and_always_alike():
    net = group_net("10k")
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    found = divide_multilevel(graph, Limits(1024, 4096), effort=0.2)
    assert (found.figures.over_neurons, found.figures.over_axons, found.unavoidable) == (0, 0, 0)
    assert found.figures.km1 <= 7_100  # layer order: 14,272; at effort 1, 6,884
    again = divide_multilevel(graph, Limits(1024, 4096), effort=0.2)
    assert np.array_equal(again.part, found.part)


def test_overfull_parts_are_cut_until_they_hear_no_more_than_allowed():
    net = group_net("10k")
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    start = in_order(graph, 4096)
    for axons in (900, 2500):
        limits = Limits(4096, axons)
        part = split_overfull(graph, start, limits)
        found = as_division(graph, part, limits)
        assert found.figures.over_axons == found.unavoidable
        assert found.figures.parts > 4
        assert len(set(zip(start.tolist(), part.tolist(), strict=True))) == found.figures.parts  # cuts only
    assert np.array_equal(split_overfull(graph, start, Limits(4096)), start)


@needs_library
def test_what_cannot_be_divided_is_named():
    graph = from_nets(np.array([9, 1]), np.array([0, 2]), np.array([0, 1]), np.ones(1, np.int64))
    with pytest.raises(DoesNotFitError, match="an atom holds more neurons than a core"):
        divide_multilevel(graph, Limits(8))


def test_places_move_as_a_whole_before_atoms_do():
    net, limits = group_net("10k"), Limits(1024, 3000)
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    start = in_order(graph, 1024)
    made = [anneal_from(graph, start, int(start.max()) + 2, limits, 0.1, (0.5, 0.05), seed=1) for _ in range(2)]
    assert np.array_equal(*made)
    found = as_division(graph, made[0], limits).figures
    assert (found.over_neurons, found.over_axons) == (0, 0)
    assert found.km1 < 11_000 < as_division(graph, start, limits).figures.km1  # atom by atom: 12,026


@needs_library
@pytest.mark.slow
def test_the_public_net_of_10k_is_below_its_floor_with_the_library():
    net = group_net("10k")
    graph = from_nets(net.neurons, net.pointer, net.pins, net.weight)
    found = divide_multilevel(graph, Limits(1024, 4096))
    assert found.figures.km1 <= 7_000
    assert (found.figures.over_neurons, found.figures.over_axons, found.unavoidable) == (0, 0, 0)
