"""Bounds of plain arguments hold for callers from Python too, before anything is read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from neurosim import map_network, run_mapping
from neurosim.api.bounds import (
    MAX_SEED,
    check_effort,
    check_output,
    check_samples,
    check_seed,
    check_step_cycles,
)
from neurosim.errors import InputError


@pytest.mark.parametrize("seed", [-1, MAX_SEED + 1, 1.5, "7", None])
def test_seed(seed: Any) -> None:
    with pytest.raises(InputError) as caught:
        map_network("nowhere.npz", "tiny", "out", seed=seed)
    assert caught.value.text() == (
        "parameter 'seed': the seed is out of range [option-range]\n"
        f"  expected: a whole number, 0..2147483647\n  got: {seed}"
    )
    with pytest.raises(InputError, match="the seed is out of range"):
        run_mapping("nowhere", "x.npz", out="out", seed=seed)


def test_numbers_of_numpy_become_plain() -> None:
    assert type(check_seed(np.int64(MAX_SEED))) is int  # type: ignore[arg-type]
    assert type(check_effort(np.float32(2))) is float  # type: ignore[arg-type]
    assert (check_samples(None), check_samples(1), check_step_cycles(None), check_step_cycles(1)) == (None, 1, None, 1)
    assert (check_effort(0.001), check_effort(1000)) == (0.001, 1000.0)


@pytest.mark.parametrize("effort", [0.0009, 1000.1, float("nan"), float("inf"), "1"])
def test_effort(effort: Any) -> None:
    with pytest.raises(InputError, match=r"the effort is out of range \[option-range\]"):
        map_network("nowhere.npz", "tiny", "out", effort=effort)


@pytest.mark.parametrize("wrong", [{"objective": "trafic"}, {"time_limit_s": 0.0}, {"place_for": "hop"}])
def test_the_mapper_is_named_by_the_parameter(wrong: dict[str, Any], made: Path, tmp_path: Path) -> None:
    """What stands in the mapper's own options has the name that the caller wrote."""
    with pytest.raises(InputError) as caught:
        map_network(made / "net.npz", "tiny", tmp_path / "out", **wrong)
    (name,) = wrong
    assert caught.value.parameter == name
    assert caught.value.text().startswith(f"parameter '{name}': ")
    assert "MapOptions" not in caught.value.text()


def test_samples_and_cycles() -> None:
    with pytest.raises(InputError, match="the number of samples is out of range"):
        run_mapping("nowhere", "x.npz", samples=0, out="out")
    with pytest.raises(InputError, match="the limit of a time step in cycles is out of range"):
        run_mapping("nowhere", "x.npz", max_step_cycles=0, out="out")


def test_a_preset_is_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An output named like a preset, and one beside an input, are fine; behind a link is not."""
    monkeypatch.chdir(tmp_path)
    check_output(Path("tiny"), {"chip file": "tiny", "input": None})
    (tmp_path / "mapped").mkdir()
    check_output(Path("mapped2"), {"mapping": "mapped"})
    (tmp_path / "link").symlink_to("mapped")
    for out in ("link", "link/run", "../" + tmp_path.name):
        with pytest.raises(InputError, match="output-overlap"):
            check_output(Path(out), {"mapping": "mapped"})
