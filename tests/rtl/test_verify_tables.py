"""What ``verify`` says and does about routing tables, dead parts and first-spike neurons of a chip."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosim.chip.loader import edit_chip, load_chip
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.topology import build_fabric
from rtl_models import core_checks, fabric_checks, table_checks, toolchain, verify
from rtl_models.cases import Bench
from rtl_models.random_nets import random_network
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs

TABLES = {"router.table_entries": 8}
QUICK = Bench("quick", 0, Path())  # works in the current folder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def reasons(chip) -> dict[str, str]:
    return {row.module: row.reason for row in verify._not_asked(verify._plan(chip, "quick"), QUICK)}


def planted(name: str, old: str, new: str) -> dict[str, str]:
    text = (toolchain.HDL / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    return {name: text.replace(old, new)}


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({}, "this chip's routers hold none (router.table_entries is not set)"),
        ({**TABLES, "mesh.width": 1}, "no dead link on the mesh that is verified leaves a way round it"),
        (
            {**TABLES, "mesh.height": 1, "defects": {"links": [{"x": 1, "y": 0, "side": "east"}]}},
            "no packet goes by tables round the dead parts of the mesh that is verified",
        ),
    ],
)
def test_why_no_table_was_verified_is_said(changes, reason):
    assert reasons(edit_chip(load_chip("tiny"), changes))["routing tables"] == reason


@pytest.mark.parametrize(
    ("name", "changes", "note"),
    [
        ("tiny", TABLES, "11 table entries, made necessary by a dead link east of router (0,0)"),
        ("tiny", {**TABLES, "defects": {"links": [{"x": 1, "y": 1, "side": "east"}]}}, "16 table entries"),
        (
            "tiny_2x2", TABLES,
            "on 2x2 chips of 2x2 tiles in place of 2x2 chips of 4x4 tiles, 11 table entries, made necessary by "
            "a dead link east of router (0,0)",
        ),
    ],
)  # fmt: skip
def test_chips_with_tables_have_a_row_for_them(name, changes, note):
    chip = edit_chip(load_chip(name), changes)
    plan = verify._plan(chip, "quick")
    assert "routing tables" not in reasons(chip)
    rows = [(group.how, group.note) for group in verify._groups(plan, QUICK, [])]
    assert ("traffic by tables", note) in rows


def test_a_bug_in_the_tables_is_seen(tmp_path):
    needs("iverilog")
    chip = edit_chip(make_chip(2, 2), TABLES)
    bug = planted("route_table.v", "? entries[e] :", "? {`ROUTE_BITS{1'b0}} :")
    for replace in ({}, bug):
        group = table_checks.traffic(chip, chip, table_checks.hurt(chip), Bench("quick", 0, tmp_path, replace))
        outcome = group.cases[0].run(tmp_path / f"run{len(replace)}")
        assert (outcome.first is None) == (not replace)
    assert outcome.first.field.startswith("arrival of packet ")


def test_traffic_keeps_to_where_a_way_leads():
    chip = edit_chip(load_chip("tiny"), {**TABLES, "defects": {"routers": [(1, 1)]}})
    fabric = build_fabric(chip)
    traffic = fabric_checks.uniform(fabric, 0.5, 100, 0)
    used = set(traffic.source.tolist()) | set(traffic.target.tolist())
    assert used == set(range(16)) - {5}
    line = edit_chip(
        load_chip("tiny"), {**TABLES, "mesh.height": 1, "defects": {"links": [{"x": 1, "y": 0, "side": "east"}]}}
    )
    cut = fabric_checks.uniform(build_fabric(line), 0.5, 100, 0)
    assert len(cut.source) > 20
    assert ((cut.source < 2) == (cut.target < 2)).all()


def test_first_spike_networks_fire_once_and_have_a_row():
    chip = load_chip("tiny")
    plan = verify._plan(chip, "quick")
    assert "first-spike networks" in [group.how for group in verify._groups(plan, QUICK, [])]
    counts = []
    for seed in (0, 1000):
        network = random_network(plan.cores, seed, "ttfs")
        assert {population.neuron.model for population in network.populations[1:-1]} == {"ttfs"}
        program, inputs = core_checks.random_program(plan.cores, seed, "ttfs")
        result = ReferenceEngine().run(program, inputs, RunOptions())
        counts += [int(spikes.count.sum()) for spikes in result.spikes]
        for spikes in result.spikes:
            rows = np.stack([spikes.sample, spikes.neuron], axis=1)
            assert len(np.unique(rows, axis=0)) == len(rows)
            assert (spikes.count == 1).all()
    assert sum(counts) > 10


def test_a_neuron_that_fires_twice_is_seen(tmp_path):
    needs("iverilog")
    bug = planted("neuron_update.v", "rests = has_fired | (once & fires)", "rests = 1'b0")
    chip = make_chip(2, 1)
    for replace in ({}, bug):
        group = core_checks.once_chips(chip, chip, Bench("quick", 0, tmp_path, replace))
        outcome = group.cases[0].run(tmp_path / f"run{len(replace)}")
        assert (outcome.first is None) == (not replace)
    assert outcome.packets > 10
