"""The neuron's update in Verilog against the rule, number by number.

Draws cases for a chip's widths, runs them through ``neuron_update`` by the bench ``update_bench.v`` on Icarus
and through :func:`neurosim.rules.neuron.update` (of first-spike neurons ``update_first_spike``); the two
tables must be equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.models import Chip
from neurosim.engines.signed import signed_range
from neurosim.rtl.images import chip_header_text
from neurosim.rules import neuron
from rtl_models import toolchain

RESETS = [k for k in range(len(neuron.RESET_NAMES)) if k != neuron.RESET_ONCE]
"""Resets of all models but the first-spike neuron's, which has its own."""
COLUMNS = ("new_v", "new_i", "spikes", "active", "overflows")
Cases = dict[str, NDArray[np.int64]]


def random_cases(chip: Chip, n: int, seed: int) -> Cases:
    """``n`` cases of every model and reset: small numbers, numbers near the limits, and any."""
    rng = np.random.default_rng(seed)
    v_low, v_high = signed_range(chip.core.membrane_bits)
    i_low, i_high = signed_range(chip.core.current_bits)

    def values(low: int, high: int) -> NDArray[np.int64]:
        small = rng.integers(max(low, -40), min(high, 40) + 1, n)
        edge = np.where(rng.random(n) < 0.5, low + rng.integers(0, 4, n), high - rng.integers(0, 4, n))
        kind = rng.integers(0, 3, n)
        return np.choose(kind, [small, np.clip(edge, low, high), rng.integers(low, high + 1, n)])

    model = rng.integers(0, len(neuron.MODEL_NAMES), n)
    reset = np.where(model == neuron.MODEL_TTFS, neuron.RESET_ONCE, rng.choice(RESETS, n))
    age = rng.integers(0, 60, n)
    return {
        "model": model, "reset": reset, "v": values(v_low, v_high),
        "i": values(i_low, i_high), "x": values(-(1 << 31), (1 << 31) - 1), "keep": rng.integers(0, 4097, n),
        "current_keep": rng.integers(0, 4097, n), "bias": values(-(1 << 15), (1 << 15) - 1),
        "threshold": np.where(reset == neuron.RESET_SUBTRACT_MULTI, 1, 0) + np.abs(values(0, v_high - 1)),
        "reset_amount": values(v_low, v_high), "v_floor": np.minimum(values(v_low, v_high), 0),
        "age": np.where(rng.random(n) < 0.1, (1 << 15) - 1, age), "ramp": np.abs(values(0, v_high)),
        "ramp_floor": values(v_low, v_high), "input_steps": np.maximum(0, age + rng.integers(-2, 3, n)),
        "silent_steps": np.maximum(0, age - rng.integers(-1, 20, n)),
    }  # fmt: skip


def by_rule(chip: Chip, cases: Cases) -> NDArray[np.int64]:
    """(n, 5): what the rule makes of ``cases``, columns as COLUMNS."""
    v_range, i_range = signed_range(chip.core.membrane_bits), signed_range(chip.core.current_bits)
    wraps, rows = int(chip.core.overflow.membrane == "wrap"), []
    for k in range(len(cases["v"])):
        c = {name: int(column[k]) for name, column in cases.items()}
        state = c["v"], c["i"], c["x"], c["keep"], c["current_keep"], c["bias"], c["threshold"]
        if c["model"] == neuron.MODEL_TTFS:
            v, i, spikes, over = neuron.update_first_spike(
                wraps, *state, c["v_floor"], *v_range, *i_range, c["age"], c["ramp"], c["ramp_floor"],
                c["input_steps"], c["silent_steps"],
            )  # fmt: skip
        else:
            v, i, spikes, over = neuron.update(
                c["model"], c["reset"], wraps, *state, c["reset_amount"], c["v_floor"], *v_range, *i_range
            )
        rows.append((v, i, spikes, neuron.is_active(c["v"], c["i"], v, i, c["x"], spikes), over))
    return np.array(rows, np.int64)


def by_verilog(
    chip: Chip, cases: Cases, folder: Path, replace: Mapping[str, str] | None = None,
    seconds: float = toolchain.TIME_LIMIT_S,
) -> NDArray[np.int64]:
    """The same table from the Verilog; rows that the bench did not write are missing.

    Raises:
        LimitError: the simulator took more than ``seconds``.
    """
    benches = (toolchain.BENCH / f"{name}.v" for name in ("update_bench", "clock"))
    sources = (*toolchain.hdl_sources(("neuron_update",)), *benches)
    define = {"BENCH": "update_bench"}
    design = toolchain.Design("clock", sources, chip_header_text(chip), define, replace or {})
    folder.mkdir(parents=True, exist_ok=True)
    np.savetxt(folder / "cases.txt", np.stack(list(cases.values()), axis=1), fmt="%d")
    command = [*toolchain.build_icarus(design), "+cases=cases.txt", "+log=log.txt"]
    toolchain.run_tool(command, folder, seconds=seconds)
    return np.loadtxt(folder / "log.txt", dtype=np.int64, ndmin=2)
