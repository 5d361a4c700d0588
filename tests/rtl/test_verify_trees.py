"""What ``verify`` says and does about a chip's multicast."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.chip.loader import edit_chip, load_chip
from rtl_models import fabric_checks, toolchain, tree_checks, verify
from rtl_models.cases import Bench
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs
from tests.rtl.tree_cases import CORE, multicast

QUICK = Bench("quick", 0, Path())  # works in the current folder


@pytest.fixture(autouse=True)
def _own_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def planted(name: str, old: str, new: str) -> dict[str, str]:
    text = (toolchain.HDL / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    return {name: text.replace(old, new)}


def rows(chip) -> list[tuple[str, str, str]]:
    return [(g.module, g.how, g.note) for g in verify._groups(verify._plan(chip, "quick"), QUICK, [])]


def test_a_chip_with_multicast_has_rows_for_it():
    found = rows(load_chip("tiny_multicast"))
    assert ("neuro_mesh", "all registers, multicast", "on 3x2 tiles in place of 4x4 tiles") in found
    (note,) = [note for _, how, note in found if how == "multicast networks"]
    assert note.endswith(" trees on 2x2 tiles in place of 4x4 tiles, 6 neurons a core")
    assert int(note.split()[0]) > 0
    if toolchain.missing("pyosys") is None:
        assert "owed_branches" in [module for module, _, _ in found]


def test_why_no_multicast_was_verified_is_said():
    chip = load_chip("tiny")
    said = {row.module: row.reason for row in verify._not_asked(verify._plan(chip, "quick"), QUICK)}
    assert said["multicast"] == "this chip's routers have none (router.multicast_entries is not set)"
    assert not [how for _, how, _ in rows(chip) if "multicast" in how]
    assert "owed_branches" not in [module for module, _, _ in rows(chip)]
    assert "multicast" not in {
        row.module for row in verify._not_asked(verify._plan(load_chip("tiny_multicast"), "quick"), QUICK)
    }


def test_one_core_has_no_trees(monkeypatch):
    monkeypatch.setattr(tree_checks, "TRIES", 1)
    chip = multicast(make_chip(1, 1, core=CORE))
    lost: list[verify.NotVerified] = []
    list(verify._groups(verify._plan(chip, "quick"), QUICK, lost))
    reason = "on 1x1 tiles no network that was drawn has neurons that send to several cores"
    assert verify.NotVerified("multicast networks", reason) in lost


BUG = ("aer_router.v", "is_end ? more", "1'b0 ? more")


@pytest.mark.parametrize("is_bad", [True, pytest.param(False, marks=pytest.mark.slow)])
@pytest.mark.parametrize("row", ["networks", pytest.param("meshes", marks=pytest.mark.slow)])
def test_a_bug_in_the_copies_is_seen(row, is_bad, tmp_path):
    needs("iverilog", "cocotb")
    chip = edit_chip(load_chip("tiny_multicast"), {"mesh.width": 2, "mesh.height": 2})
    bench = Bench("quick", 0, tmp_path, planted(*BUG) if is_bad else {})
    group = tree_checks.networks(chip, chip, bench) if row == "networks" else fabric_checks.meshes(chip, chip, bench, True)
    assert (group.cases[0].run(tmp_path / "run").n_different > 0) == is_bad
