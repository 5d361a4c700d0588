"""The neuron's update in Verilog against the rule, number by number."""

from __future__ import annotations

import numpy as np
import pytest

from rtl_models import toolchain
from rtl_models.update import COLUMNS, by_rule, by_verilog, random_cases
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs

N = 4000


@pytest.mark.parametrize(("bits", "overflow"), [((24, 24), "saturate"), ((9, 12), "wrap"), ((32, 32), "saturate")])
def test_every_model_and_reset_is_the_rule_bit_by_bit(bits, overflow, tmp_path):
    needs("iverilog")
    chip = make_chip(core={
        "membrane_bits": bits[0], "current_bits": bits[1], "overflow": {"membrane": overflow},
    })  # fmt: skip
    case = random_cases(chip, N, seed=7)
    got, expected = by_verilog(chip, case, tmp_path), by_rule(chip, case)
    assert got.shape == expected.shape
    wrong = np.flatnonzero((got != expected).any(axis=1))
    assert not wrong.size, {name: int(column[wrong[0]]) for name, column in case.items()} | {
        "expected": expected[wrong[0]].tolist(), "got": got[wrong[0]].tolist(),
    }  # fmt: skip
    assert (expected[:, COLUMNS.index("spikes")] > 0).sum() > N / 10  # it did fire


def test_a_neuron_that_fires_again_is_seen(tmp_path):
    needs("iverilog")
    text = (toolchain.HDL / "neuron_update.v").read_text()
    assert text.count("once ? ~has_fired &") == 1, "the bug's place has moved"
    chip = make_chip(core={"membrane_bits": 9, "current_bits": 12})
    case = random_cases(chip, N, seed=7)
    got = by_verilog(chip, case, tmp_path, {"neuron_update.v": text.replace("once ? ~has_fired &", "once ? ")})
    assert (got != by_rule(chip, case)).any()
