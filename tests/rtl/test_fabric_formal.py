"""FIFO, arbiter and credits: proven by induction, and each property refuted on planted bugs."""

from __future__ import annotations

import pytest

from rtl_models import toolchain
from rtl_models.formal import prove
from tests.rtl.needs import needs

BUGS = {
    "full FIFO takes one more": ("credit_props", "credit_counter", "now != {SUM_BITS{1'b0}}", "1'b1"),
    "credit forgotten when one is spent": ("credit_props", "credit_counter", "spend ? now - 1'b1", "spend ? count - 1'b1"),
    "word overwritten": ("fifo_props", "sync_fifo", "if (push) write_at", "if (push & ~pop) write_at"),
    "newest word first": ("fifo_props", "sync_fifo", "is_empty ? push_data", "push ? push_data"),
    "wraps one early": ("fifo_props", "sync_fifo", "LAST_SLOT = DEPTH - 1", "LAST_SLOT = DEPTH - 2"),
    "pointer never moves": ("arbiter_props", "rr_arbiter", "moved & |grant", "1'b0"),
    "pointer stays at the winner": ("arbiter_props", "rr_arbiter", ": next;", ": {1'b0, winner};"),
    "two winners": ("arbiter_props", "rr_arbiter", "candidates & (~candidates + 1'b1)", "candidates"),
}  # fmt: skip


@pytest.mark.parametrize(
    ("name", "parameters"),
    [("fifo_props", {}), ("fifo_props", {"DEPTH": 3}), ("fifo_props", {"DEPTH": 1}), ("arbiter_props", {}),
     ("arbiter_props", {"N": 8}), ("arbiter_props", {"N": 6, "WHO": 2}), ("credit_props", {}), ("credit_props", {"DEPTH": 3, "DELAY": 4})],
)  # fmt: skip
def test_properties_are_proven_by_induction(name, parameters):
    needs("pyosys")
    assert prove(name, parameters=parameters).proven


@pytest.mark.parametrize("bug", BUGS)
def test_properties_are_refuted_on_planted_bugs(bug):
    needs("pyosys")
    name, module, old, new = BUGS[bug]
    text = (toolchain.HDL / f"{module}.v").read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    proof = prove(name, {module: text.replace(old, new)})
    assert not proof.proven
    assert "Time Signal Name" in proof.trace
