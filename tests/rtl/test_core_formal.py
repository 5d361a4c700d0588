"""Membrane in range and no early barrier release: proven by induction, and refuted on planted bugs."""

from __future__ import annotations

import pytest

from rtl_models import toolchain
from rtl_models.formal import prove
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs

PROPERTIES = ("barrier_props", "membrane_props", "once_props")
BUGS = {
    "a step ends although loops run": (
        "barrier_props", "barrier_root", "total + loops_now == {WIDTH{1'b0}}", "total == {WIDTH{1'b0}}"),
    "a step ends twice": ("barrier_props", "barrier_root", "& (ends != seen_now)", ""),
    "the tree adds up one child only": ("barrier_props", "barrier_tree", "sum = sum + level", "sum = level"),
    "no floor": ("membrane_props", "neuron_update", "(after < v_bottom) ? v_bottom : ", ""),
    "it fires again": ("once_props", "neuron_update", "once ? ~has_fired & (age", "once ? (age"),
    "the mark is lost": (
        "once_props", "neuron_update", "rests ? V_LOW[MEMBRANE_BITS-1:0] : kept", "has_fired ? V_LOW[MEMBRANE_BITS-1:0] : kept"),
    "a waiting membrane looks like the mark": (
        "once_props", "neuron_update", "(once & (declared <= V_LOW)) ? V_LOW + 64'sd1 : declared", "declared"),
    "it fires while silent": ("once_props", "neuron_update", "~has_fired & (age >= silent_steps)", "~has_fired"),
    "no top": ("membrane_props", "neuron_update", "(after > V_HIGH) ? V_HIGH : after", "after"),
}  # fmt: skip


@pytest.mark.parametrize("top", PROPERTIES)
def test_proven_by_induction(top):
    needs("pyosys")
    assert prove(top, chip=make_chip(1, 1)).proven


QUICK = [bug for bug in BUGS if bug not in ("the mark is lost", "it fires while silent", "no top", "a waiting membrane looks like the mark")]
SLOW = [pytest.param(bug, marks=pytest.mark.slow) for bug in BUGS if bug not in QUICK]


@pytest.mark.parametrize("bug", [*QUICK, *SLOW])
def test_refuted_on_a_planted_bug(bug):
    needs("pyosys")
    top, part, old, new = BUGS[bug]
    text = (toolchain.HDL / f"{part}.v").read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    proof = prove(top, {part: text.replace(old, new)}, max_steps=24, chip=make_chip(1, 1), defines=["PROMISE_ONLY"])
    assert not proof.proven
    assert "Time Signal Name" in proof.trace
