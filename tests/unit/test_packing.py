"""Large artefacts are kept as a few arrays; what comes back is what was put in, and damage is named."""

from __future__ import annotations

import zipfile
from pathlib import Path

import hypothesis.extra.numpy as arrays_of
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim import store
from neurosim.artefacts.program import TargetTable
from neurosim.errors import InputError
from neurosim.packing import TYPES, pack, unpack

ANY = st.sampled_from(TYPES).flatmap(
    lambda dtype: arrays_of.arrays(dtype, arrays_of.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=40))
)


def same(one: np.ndarray, other: np.ndarray) -> bool:
    return one.dtype == other.dtype and one.shape == other.shape and one.tobytes() == other.tobytes()


@settings(deadline=None, max_examples=80)
@given(st.lists(ANY, max_size=6))
def test_every_array_comes_back_to_the_bit(arrays: list[np.ndarray]) -> None:
    back = unpack(pack([*arrays, *arrays]))
    assert len(back) == 2 * len(arrays)
    assert all(same(a, b) for a, b in zip([*arrays, *arrays], back, strict=True))


def test_extremes_and_runs_come_back() -> None:
    limits = np.iinfo(np.int64)
    arrays = [
        np.array([limits.min, limits.max] * 10), np.arange(limits.max - 20, limits.max), np.arange(-30, 30),
        np.full((3, 0), 2.5), np.array(np.nan), np.array([0.0, -0.0]), np.cumsum(np.arange(100) % 3),
    ]  # fmt: skip
    assert all(same(a, b) for a, b in zip(arrays, unpack(pack(arrays)), strict=True))


def test_equal_constant_and_smooth_arrays_take_next_to_nothing() -> None:
    big = np.arange(100_000)
    packed = pack([big, big.copy(), np.full(100_000, 1 << 40), big // 7 * 3])
    assert packed["number"].tolist() == [0, 0, 1, 2]
    assert sum(v.nbytes for v in packed.values()) < 2 * 100_000 + 500
    back = unpack(packed)
    assert back[0] is back[1]
    assert not any(array.flags.writeable for array in back)


def table(n: int) -> TargetTable:
    rng = np.random.default_rng(1)
    return TargetTable(np.arange(n + 1), rng.integers(-1, 99, n), rng.integers(0, 1 << 20, n))


def test_large_artefacts_are_packed_and_digest_and_content_stay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = table(500)
    plain = store.pack_file(made)
    monkeypatch.setattr(store, "PACKED_BYTES", 1000)
    store.save(made, tmp_path / "a.npz")
    store.save(made, tmp_path / "b.npz")
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes() != plain
    with np.load(tmp_path / "a.npz") as opened:
        assert {name.split("_")[0] for name in opened.files} == {"header.json", "packed"}
    back = store.load(tmp_path / "a.npz", TargetTable)
    assert store.digest(back) == store.digest(made)
    for name in ("pointer", "core", "axon"):
        assert same(getattr(back, name), getattr(made, name))


def test_a_packed_file_with_a_part_missing_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(store, "PACKED_BYTES", 1000)
    store.save(table(500), tmp_path / "a.npz")
    for gone in ("packed_pool_uint8.npy", "packed_shape.npy"):
        with zipfile.ZipFile(tmp_path / "a.npz") as old, zipfile.ZipFile(tmp_path / "cut.npz", "w") as new:
            assert gone in old.namelist()
            for name in old.namelist():
                if name != gone:
                    new.writestr(name, old.read(name))
        with pytest.raises(InputError, match="not a whole artefact") as caught:
            store.load(tmp_path / "cut.npz", TargetTable)
        assert caught.value.code == "artefact-broken"
