"""All figures of a mapping by name: against counting by hand, each with a formula, in JSON and on the page."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from mapper import MapOptions, compile_network
from mapper.metrics import FORMULAS, all_metrics, formula
from neurosim.api import import_network, map_network
from neurosim.api.checking import check
from neurosim.artefacts.mapping import HOST
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.fabric.topology import build_fabric
from neurosim.report.mapping_page import picture
from tests.helpers.chips import make_chip
from tests.mapper.nets import conv_net

DIGITS = Path(__file__).parents[2] / "workloads" / "digits"


OF_TABLES = {  # only of chips whose routers have tables
    "route_entries", "route_entries_max", "trees", "multicast_entries", "multicast_entries_max", "traversals",
}


@pytest.fixture(scope="module")
def mapped():
    chip = make_chip(5, 5, core={"neurons": 48})
    mapping = compile_network(conv_net(), chip, MapOptions(effort=0.1))
    return chip, mapping, all_metrics(chip, mapping)


def _flows(mapping):
    """(home core, target cores) of every neuron, one spike each, entry by entry."""
    program = mapping.program
    for home, table in [(HOST, program.host), *((c.core, c.targets) for c in program.cores)]:
        for a, b in zip(table.pointer[:-1].tolist(), table.pointer[1:].tolist(), strict=True):
            yield home, table.core[a:b].tolist()


def test_sums_over_nets_and_flows(mapped):
    chip, mapping, found = mapped
    fabric = build_fabric(chip)
    at = {core: fabric.xy(fabric.tile_of(core)) for core in range(HOST, fabric.n_cores)}
    km1 = cut = hops = tree = energy = 0.0
    for home, targets in _flows(mapping):
        away = {t for t in targets if t not in (home, HOST)}
        km1, cut = km1 + len(away), cut + bool(away)
        union = set()
        for target in targets:
            if target == home:
                continue
            (x, y), (u, v) = at[home], at[target]
            length = abs(x - u) + abs(y - v)
            hops, energy = hops + length, energy + length * 1.1 + 0.1
            union |= {(min(a, a + s), y, "x") for a in range(x, u, s)} if (s := 1 if u > x else -1) else set()
            union |= {(u, min(b, b + s), "y") for b in range(y, v, s)} if (s := 1 if v > y else -1) else set()
        tree += len(union)
    assert found["km1"] == found["connectivity_km1"] == km1
    assert found["cut_net"] == cut
    assert found["spike_hops"] == hops
    assert found["tree_hops"] == tree
    assert found["jin_energy"] == pytest.approx(energy)
    between = sum(t != home for home, targets in _flows(mapping) for t in targets)
    assert found["ronzani_energy"] - found["jin_energy"] == pytest.approx(0.9 * between)


def test_bounds_and_tables(mapped):
    _, mapping, found = mapped
    assert found["least_busiest_link"] <= found["busiest_link"] + 1e-6
    assert 0 < found["tree_hops"] < found["spike_hops"]
    entries = [len(core.targets.core) for core in mapping.program.cores]
    assert found["table_entries_max"] == max(entries)
    assert found["table_entries_mean"] == pytest.approx(sum(entries) / len(entries))
    assert sum(entries) + len(mapping.program.host.core) == found["target_entries"]


def test_every_figure_has_a_formula(mapped):
    _, _, found = mapped
    assert set(FORMULAS) - OF_TABLES <= set(found)
    assert formula("axons_max") == "largest share of a core's axons that is used"
    assert all(formula(name) for name in found)
    assert formula("busiest_link_packets") == (
        "largest packets over a link between routers or from one to the host, on routes and trees; the link from "
        "the host is left out"
    )
    assert "; of mappings without trees: sum over nets of packets x links in" in formula("tree_hops")


def test_the_picture_shows_every_core_and_what_is_dead():
    chip = edit_chip(
        load_chip("tiny_2x2"),
        {"defects": {"cores": [[7, 7, 0]], "links": [{"x": 6, "y": 7, "side": "east"}]}},
    )
    mapping = compile_network(conv_net(), chip, MapOptions(effort=0.02))
    drawn = picture(mapping.partition, mapping.placement, chip)
    assert drawn.count("<rect class=chip") == 4
    assert drawn.count("<title>") == len(mapping.partition.clusters) + 1
    assert drawn.count("<line class=cut") == 1
    assert "core 63, dead" in drawn


def test_map_writes_them_and_check_believes_them(tmp_path):
    net = tmp_path / "net.npz"
    import_network(DIGITS / "dense.nir", profile="spikingjelly-2.0", out=net)
    made = map_network(net, "tiny", tmp_path / "mapped", metrics=True, effort=0.05)
    written = json.loads((made.folder / "mapping.json").read_text())
    assert set(written["formulas"]) == set(written["metrics"]) >= set(FORMULAS) - OF_TABLES
    page = (made.folder / "mapping.html").read_text()
    assert all(f"<td>{name}</td>" in page for name in written["metrics"])
    assert check(made.folder).is_good
