"""Many arrays as a few: how the files of large artefacts are kept small and quick to read.

Reads a list of NumPy arrays; writes a handful of plain ones, and back.  Equal arrays are kept once, arrays of
one value as that value, ascending and other smooth integers as differences, integers in the narrowest type
that holds them; what is left lies one after the other, by type.  Nothing is lost: types and shapes come back
as they were.  Arrays that came from one are shared when they are read, and may not be written to.
"""

from __future__ import annotations

import hashlib
import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
TYPES = tuple(
    np.dtype(name) for name in ("bool", "<u1", "<i1", "<u2", "<i2", "<u4", "<i4", "<u8", "<i8", "<f4", "<f8")
)
CONSTANT, DIFFERENCES = 1, 2
SMOOTH_FROM = 16  # elements from which differences are tried


def pack(arrays: list[Array]) -> dict[str, Array]:
    """``arrays`` as named arrays; types other than :data:`TYPES` are refused (ValueError).

    ``number`` (n,) says which distinct array each one is.  Of distinct ones: ``kind`` their type, ``stored``
    the type of their values in ``pool_TYPE``, ``how`` 0, CONSTANT or DIFFERENCES, ``dimensions`` and
    ``shape`` (one after the other).
    """
    known: dict[tuple[str, tuple[int, ...], bytes], int] = {}
    number = np.zeros(len(arrays), np.int64)
    rows: list[tuple[int, int, int, int]] = []
    shapes: list[int] = []
    pools: dict[int, list[Array]] = {}
    for index, array in enumerate(arrays):
        plain = np.ascontiguousarray(array).reshape(array.shape)
        content = hashlib.blake2b(plain.data if plain.size else b"", digest_size=20).digest()
        key = (plain.dtype.str, plain.shape, content)
        found = known.get(key)
        if found is None:
            found = known[key] = len(known)
            kind, stored, how, values = _reduced(plain)
            rows.append((kind, stored, how, plain.ndim))
            shapes += plain.shape
            pools.setdefault(stored, []).append(values)
        number[index] = found
    table = np.array(rows, np.uint8).reshape(-1, 4)
    out: dict[str, Array] = {"number": number, "shape": np.array(shapes, np.int64)}
    out |= {name: table[:, k] for k, name in enumerate(("kind", "stored", "how", "dimensions"))}
    return out | {f"pool_{TYPES[k].name}": np.concatenate(parts) for k, parts in sorted(pools.items())}


def unpack(packed: dict[str, Array]) -> list[Array]:
    """What :func:`pack` was given.

    Raises:
        KeyError, ValueError, IndexError: ``packed`` is not what it made.
    """
    at = dict.fromkeys(range(len(TYPES)), 0)
    columns = [packed[name].tolist() for name in ("kind", "stored", "how", "dimensions")]
    sizes, first, distinct = packed["shape"].tolist(), 0, []
    for kind, stored, how, n_axes in zip(*columns, strict=True):
        shape = tuple(sizes[first : first + n_axes])
        first += n_axes
        n = 1 if how == CONSTANT else math.prod(shape)
        pool = packed[f"pool_{TYPES[stored].name}"] if n else np.zeros(0, TYPES[stored])
        values = pool[at[stored] : at[stored] + n]
        if len(values) != n:
            raise ValueError("a pool is too short")
        at[stored] += n
        distinct.append(_restored(values, TYPES[kind], how, shape))
    return [distinct[number] for number in packed["number"].tolist()]


def _reduced(plain: Array) -> tuple[int, int, int, Array]:
    """(type, type as stored, how, values) of an array."""
    kind = TYPES.index(plain.dtype)
    flat = plain.reshape(-1)
    bits = flat.view(f"u{flat.itemsize}")  # so that -0.0 is not 0.0
    if flat.size > 1 and (bits == bits[0]).all():
        flat, how = flat[:1], CONSTANT
    else:
        how = 0
    if flat.dtype.kind not in "iu" or flat.dtype.itemsize == 1:
        return kind, kind, how, flat
    stored = _narrowest(flat)
    if flat.size >= SMOOTH_FROM and flat.dtype == np.int64:
        steps = np.diff(flat, prepend=0)  # what wraps here wraps back when they are added up
        narrower = _narrowest(steps)
        if TYPES[narrower].itemsize < TYPES[stored].itemsize or (steps[1:] == 1).mean() > 0.5:
            return kind, narrower, DIFFERENCES, steps.astype(TYPES[narrower])
    return kind, stored, how, flat.astype(TYPES[stored])


def _narrowest(values: Array) -> int:
    """The smallest integer type of :data:`TYPES` that holds all values."""
    low, high = (int(values.min()), int(values.max())) if values.size else (0, 0)
    for number, dtype in enumerate(TYPES):
        if dtype.kind in "iu" and np.iinfo(dtype).min <= low and high <= np.iinfo(dtype).max:
            return number
    raise ValueError("no integer type is wide enough")


def _restored(values: Array, dtype: np.dtype[Any], how: int, shape: tuple[int, ...]) -> Array:
    if how == CONSTANT:
        return np.broadcast_to(values.astype(dtype).reshape(()), shape)
    wide = np.cumsum(values, dtype=dtype) if how == DIFFERENCES else values.astype(dtype)
    out = wide.reshape(shape)
    out.flags.writeable = False
    return out
