"""Membrane in range and no early barrier release: proven by induction, and refuted on planted bugs."""

from __future__ import annotations

from pathlib import Path

import pytest

from neurosim.rtl.images import chip_header_text
from rtl_models import toolchain
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs

PARTS = {
    "barrier_props": ("barrier_root", "barrier_tree", "delay_line"), "membrane_props": ("neuron_update",),
}  # fmt: skip
BUGS = {
    "a step ends although loops run": (
        "barrier_props", "barrier_root", "total + loops_now == {WIDTH{1'b0}}", "total == {WIDTH{1'b0}}"),
    "a step ends twice": ("barrier_props", "barrier_root", "& (ends != seen_now)", ""),
    "the tree adds up one child only": ("barrier_props", "barrier_tree", "sum = sum + level", "sum = level"),
    "no floor": ("membrane_props", "neuron_update", "(after < v_bottom) ? v_bottom : ", ""),
    "no top": ("membrane_props", "neuron_update", "(after > V_HIGH) ? V_HIGH : after", "after"),
}  # fmt: skip


def prove(top: str, folder: Path, replace: dict[str, str], defines: str = "", steps: int = 6) -> str:
    """What Yosys' solver says: ``proven``, ``refuted`` (a run from reset that breaks it) or ``unknown``."""
    from pyosys import libyosys as ys

    (folder / "neurosim_params.vh").write_text(chip_header_text(make_chip(1, 1)))
    design = ys.Design()
    for name in (top, *PARTS[top]):
        where = toolchain.HERE / "formal" if name == top else toolchain.HDL
        (folder / f"{name}.v").write_text(replace.get(name, (where / f"{name}.v").read_text()))
        ys.run_pass(f"tee -q read_verilog -formal -DFORMAL {defines} -I{folder} {folder / name}.v", design)
    for command in (f"prep -top {top} -flatten", "async2sync", "opt -full"):
        ys.run_pass(f"tee -q {command}", design)
    log = folder / "sat.log"
    ys.run_pass(
        f"tee -q -o {log} sat -tempinduct -maxsteps {steps} -seq 1 -set-at 1 rst 1 -prove-asserts -set-assumes", design
    )
    text = log.read_text()
    if "Induction step proven: SUCCESS!" in text:
        return "proven"
    return "refuted" if "model found for base case: FAIL!" in text else "unknown"


@pytest.mark.parametrize("top", PARTS)
def test_proven_by_induction(top, tmp_path):
    needs("pyosys")
    assert prove(top, tmp_path, {}) == "proven"


@pytest.mark.parametrize("bug", BUGS)
def test_refuted_on_a_planted_bug(bug, tmp_path):
    needs("pyosys")
    top, part, old, new = BUGS[bug]
    text = (toolchain.HDL / f"{part}.v").read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    assert prove(top, tmp_path, {part: text.replace(old, new)}, "-DPROMISE_ONLY", steps=24) == "refuted"
