"""The neuron's update in Verilog against the rule, number by number."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.engines.signed import signed_range
from neurosim.rtl.images import chip_header_text
from neurosim.rules import neuron
from rtl_models import toolchain
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs

N = 4000


def random_cases(membrane_bits: int, current_bits: int) -> dict[str, np.ndarray]:
    """Cases of every model and reset: small numbers, numbers near the limits, and any."""
    rng = np.random.default_rng(7)
    v_low, v_high = signed_range(membrane_bits)
    i_low, i_high = signed_range(current_bits)

    def values(low: int, high: int) -> np.ndarray:
        small = rng.integers(max(low, -40), min(high, 40) + 1, N)
        edge = np.where(rng.random(N) < 0.5, low + rng.integers(0, 4, N), high - rng.integers(0, 4, N))
        kind = rng.integers(0, 3, N)
        return np.choose(kind, [small, np.clip(edge, low, high), rng.integers(low, high + 1, N)])

    reset = rng.integers(0, len(neuron.RESET_NAMES), N)
    return {
        "model": rng.integers(0, len(neuron.MODEL_NAMES), N), "reset": reset, "v": values(v_low, v_high),
        "i": values(i_low, i_high), "x": values(-(1 << 31), (1 << 31) - 1), "keep": rng.integers(0, 4097, N),
        "current_keep": rng.integers(0, 4097, N), "bias": values(-(1 << 15), (1 << 15) - 1),
        "threshold": np.where(reset == neuron.RESET_SUBTRACT_MULTI, 1, 0) + np.abs(values(0, v_high - 1)),
        "reset_amount": values(v_low, v_high), "v_floor": np.minimum(values(v_low, v_high), 0),
    }  # fmt: skip


def by_rule(case: dict[str, np.ndarray], wraps: int, membrane_bits: int, current_bits: int) -> np.ndarray:
    """(N, 5): new_v, new_i, spikes, active, overflows."""
    rows = []
    for k in range(N):
        c = {name: int(column[k]) for name, column in case.items()}
        v, i, spikes, over = neuron.update(
            c["model"], c["reset"], wraps, c["v"], c["i"], c["x"], c["keep"], c["current_keep"], c["bias"],
            c["threshold"], c["reset_amount"], c["v_floor"], *signed_range(membrane_bits), *signed_range(current_bits),
        )  # fmt: skip
        rows.append((v, i, spikes, neuron.is_active(c["v"], c["i"], v, i, c["x"], spikes), over))
    return np.array(rows)


@pytest.mark.parametrize(("bits", "overflow"), [((24, 24), "saturate"), ((9, 12), "wrap"), ((32, 32), "saturate")])
def test_every_model_and_reset_is_the_rule_bit_by_bit(bits, overflow, tmp_path):
    needs("iverilog")
    chip = make_chip(core={
        "membrane_bits": bits[0], "current_bits": bits[1], "overflow": {"membrane": overflow},
    })  # fmt: skip
    sources = (*toolchain.hdl_sources(("neuron_update",)), *(toolchain.BENCH / f"{n}.v" for n in ("update_bench", "clock")))
    design = toolchain.Design("clock", sources, chip_header_text(chip), {"BENCH": "update_bench"})
    case = random_cases(*bits)
    np.savetxt(tmp_path / "cases.txt", np.stack(list(case.values()), axis=1), fmt="%d")
    toolchain.run_tool([*toolchain.build_icarus(design), "+cases=cases.txt", "+log=log.txt"], tmp_path)
    got = np.loadtxt(tmp_path / "log.txt", dtype=np.int64)
    expected = by_rule(case, int(overflow == "wrap"), *bits)
    assert got.shape == expected.shape
    wrong = np.flatnonzero((got != expected).any(axis=1))
    assert not wrong.size, {name: int(column[wrong[0]]) for name, column in case.items()} | {
        "expected": expected[wrong[0]].tolist(), "got": got[wrong[0]].tolist(),
    }  # fmt: skip
    assert (expected[:, 2] > 0).sum() > N / 10  # it did fire
