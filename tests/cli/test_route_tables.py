"""A user's chip with dead links: what `map`, `run`, `report` and `check` say and do."""

from __future__ import annotations

import dataclasses
import json

import numpy as np

from neurosim import store
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.chip.loader import dump_chip, edit_chip, load_chip

DEAD = [{"x": 0, "y": 0, "side": "east"}, {"x": 1, "y": 1, "side": "south"}, {"x": 0, "y": 2, "side": "east"}]


def test_map_run_report_and_check(here, neurosim):
    chip = edit_chip(load_chip("tiny"), {"router.table_entries": 8, "defects": {"links": DEAD}})
    (here / "hurt.yaml").write_text(dump_chip(edit_chip(chip, {"core.neurons": 16})))
    said = neurosim("map net.npz --chip hurt.yaml --input dense_test.npz --samples 5 --metrics -o hurt")
    assert said.code == 0, said.err
    assert "detours" in said.out
    table = store.load(here / "hurt" / "program.npz", Program).table
    assert table is not None
    figures = json.loads((here / "hurt" / "mapping.json").read_text())
    assert figures["metrics"]["route_entries"] == table.n
    assert figures["deadlock"]["conclusion"] == "proven_free"
    for engine in ("compiled", "reference"):
        said = neurosim(f"run hurt --input dense_test.npz --samples 2 --engine {engine} -o {engine}")
        assert said.code == 0, said.err
        assert "this mapping cannot deadlock" in said.out
    ours, theirs = (store.load(here / name / "result.npz", Result) for name in ("compiled", "reference"))
    np.testing.assert_array_equal(ours.counters.port_flits, theirs.counters.port_flits)
    assert neurosim("report compiled").code == 0
    for folder in ("hurt", "compiled"):
        said = neurosim(f"check {folder}")
        assert (said.code, said.out.splitlines()[-1].strip()) == (0, "good")
    said = neurosim("diff compiled reference")
    assert said.code == 0, said.out
    check_finds_a_program_that_lost_its_table(here, neurosim)


def check_finds_a_program_that_lost_its_table(here, neurosim):
    path = here / "hurt" / "program.npz"
    store.save(dataclasses.replace(store.load(path, Program), table=None), path)
    said = neurosim("check hurt")
    assert said.code == 5
    assert "the routing table is not that of the routes" in said.out + said.err
    said = neurosim("run hurt --input dense_test.npz --samples 1 -o bad")
    assert said.code == 5
    assert "do not arrive [route-lost]" in said.err
    assert not (here / "bad").exists()
