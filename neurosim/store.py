"""Saving, loading and digesting artefacts: frozen dataclasses of plain values and NumPy arrays.

One artefact is one zip file that :func:`numpy.load` also opens: an entry ``header.json`` (type,
schema version, structure) and one ``.npy`` per array, or, above :data:`PACKED_BYTES`, a few of them that
hold all (:mod:`neurosim.packing`).  Equal artefacts give equal bytes; a file is written beside its target and
moved over it, so it is whole or absent.
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
import math
import os
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from neurosim.errors import InputError
from neurosim.packing import TYPES, pack, unpack

SCHEMA_VERSION = 1
PACKED_BYTES = 1 << 26
PACKED_LEVEL = 1  # of compression: little is left to find
_EPOCH = (1980, 1, 1, 0, 0, 0)
_REGISTRY: dict[str, type] = {}

T = TypeVar("T")


def artefact(cls: type[T]) -> type[T]:
    """Class decorator: instances may appear in saved artefacts under the class's name."""
    _REGISTRY[cls.__name__] = cls
    return cls


def _encode(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        name = type(value).__name__
        if name not in _REGISTRY:
            raise TypeError(f"{name} is not registered as an artefact part")
        fields = {
            f.name: _encode(getattr(value, f.name), arrays) for f in dataclasses.fields(value)
        }
        return {"$type": name, **fields}
    if isinstance(value, np.ndarray):
        arrays.append(value)
        return {"$array": len(arrays) - 1}
    if isinstance(value, np.generic):
        return _encode(value.item(), arrays)
    if isinstance(value, (list, tuple)):
        return [_encode(v, arrays) for v in value]
    if isinstance(value, dict):
        return {"$dict": [[_encode(k, arrays), _encode(v, arrays)] for k, v in value.items()]}
    if isinstance(value, float) and not math.isfinite(value):
        return {"$float": repr(value)}
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    raise TypeError(f"cannot save a {type(value).__name__}")


def _decode(value: Any, arrays: list[np.ndarray[Any, Any]]) -> Any:
    if isinstance(value, list):
        return tuple(_decode(v, arrays) for v in value)
    if not isinstance(value, dict):
        return value
    if "$array" in value:
        return arrays[value["$array"]]
    if "$float" in value:
        return float(value["$float"])
    if "$dict" in value:
        return {_decode(k, arrays): _decode(v, arrays) for k, v in value["$dict"]}
    cls = _REGISTRY[value["$type"]]
    known = {f.name for f in dataclasses.fields(cls)}
    given = {k: _decode(v, arrays) for k, v in value.items() if k != "$type"}
    if set(given) != known:
        raise ValueError(f"{cls.__name__} has fields {sorted(given)}, expected {sorted(known)}")
    return cls(**given)


def _encoded(value: Any) -> tuple[bytes, list[np.ndarray[Any, Any]]]:
    """The header's bytes, and the arrays that it refers to by number."""
    arrays: list[np.ndarray[Any, Any]] = []
    body = _encode(value, arrays)
    header = {"schema_version": SCHEMA_VERSION, "type": type(value).__name__, "body": body}
    return json.dumps(header, sort_keys=True, separators=(",", ":")).encode(), arrays


def _npy(array: np.ndarray[Any, Any]) -> bytes:
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, np.asarray(array, order="C"), allow_pickle=False)
    return buffer.getvalue()


def digest(value: Any) -> str:
    """SHA-256 of an artefact's content, as hex; independent of compression."""
    header, arrays = _encoded(value)
    sha = hashlib.sha256(header)
    for array in arrays:  # one after the other: a large program is not held twice
        sha.update(_npy(array))
    return sha.hexdigest()


def write_atomically(path: Path, data: bytes) -> None:
    """Write ``data`` to ``path`` whole or not at all.

    Raises:
        InputError: the file cannot be written (no space, no permission, no such folder).
    """
    part = path.with_name(f".{path.name}.part")
    try:
        part.write_bytes(data)
        os.replace(part, path)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"cannot write: {error.strerror or error}", code="output-unwritable", where=str(path)
        ) from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise


def save(value: Any, path: Path) -> None:
    """Save an artefact at ``path``, atomically and with reproducible bytes."""
    write_atomically(path, pack_file(value))


def pack_file(value: Any, compresslevel: int = 6) -> bytes:
    """The bytes of an artefact's file; compression levels as in zlib."""
    header, arrays = _encoded(value)
    is_large = sum(a.nbytes for a in arrays) > PACKED_BYTES and all(a.dtype in TYPES for a in arrays)
    if is_large:
        compresslevel = min(compresslevel, PACKED_LEVEL)
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=compresslevel) as archive:
        for name, data in _entries(header, arrays, is_large):
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data, compresslevel=compresslevel)
    return buffer.getvalue()


def _entries(
    header: bytes, arrays: list[np.ndarray[Any, Any]], is_large: bool
) -> Iterator[tuple[str, bytes]]:
    """(name, content) of the entries of an artefact's file."""
    yield "header.json", header
    if is_large:
        for name, array in pack(arrays).items():
            yield f"packed_{name}.npy", _npy(array)
        return
    for index, array in enumerate(arrays):
        yield f"array{index}.npy", _npy(array)


def load(path: Path, expected: type[T]) -> T:
    """Load an artefact of type ``expected``.

    Raises:
        InputError: no such file, not one of our files, another type, or another schema version.
    """
    header, archive_arrays = _open(path)
    if header.get("schema_version") != SCHEMA_VERSION:
        raise InputError(
            "artefact of another schema version",
            code="artefact-version",
            where=str(path),
            expected=str(SCHEMA_VERSION),
            got=str(header.get("schema_version")),
            hint="make it again with this version of the program",
        )
    if header.get("type") != expected.__name__:
        raise InputError(
            "artefact of another type",
            code="artefact-type",
            where=str(path),
            expected=expected.__name__,
            got=str(header.get("type")),
        )
    try:
        value = _decode(header["body"], archive_arrays)
    except (KeyError, ValueError, TypeError, IndexError) as error:
        raise _broken(path, f"a {expected.__name__} whose parts do not fit together") from error
    if not isinstance(value, expected):
        raise _broken(path, f"a {expected.__name__} by its header, but not in its content")
    return value


def type_of(path: Path) -> str:
    """Name of the artefact type in ``path`` (InputError if it is not an artefact)."""
    return str(_open(path)[0].get("type"))


def _broken(path: Path, got: str) -> InputError:
    return InputError(
        "not a whole artefact of this program",
        code="artefact-broken",
        where=str(path),
        got=got,
        hint="make it again, or check the path",
    )


def require_file(path: Path) -> None:
    """Refuse what is not a plain file.

    Raises:
        InputError: there is nothing, a folder, or a pipe or device.
    """
    if path.is_file():
        return
    if path.is_dir():
        raise InputError("a folder, not a file", code="file-is-a-folder", where=str(path))
    if path.exists():
        raise InputError("a pipe or device, not a file", code="file-not-plain", where=str(path))
    raise InputError("no such file", code="file-missing", where=str(path))


def _open(path: Path) -> tuple[dict[str, Any], list[np.ndarray[Any, Any]]]:
    require_file(path)
    try:
        with zipfile.ZipFile(path) as archive:
            names = archive.namelist()
            if "header.json" not in names:
                raise _broken(path, _plain(names))
            header = json.loads(archive.read("header.json"))
            arrays = _arrays(archive, [name for name in names if name.endswith(".npy")])
    except PermissionError as error:
        raise InputError(
            f"cannot read: {error.strerror or error}", code="file-unreadable", where=str(path)
        ) from error
    except _UNREADABLE as error:
        is_zip = zipfile.is_zipfile(path)
        raise _broken(path, "a damaged file" if is_zip else "another kind of file, or one cut off") from error
    if not isinstance(header, dict):
        raise _broken(path, "a damaged file")
    return header, arrays


def _arrays(archive: zipfile.ZipFile, names: list[str]) -> list[np.ndarray[Any, Any]]:
    """The arrays of a file, however they are kept."""

    def read(name: str) -> np.ndarray[Any, Any]:
        return np.lib.format.read_array(io.BytesIO(archive.read(name)), allow_pickle=False)

    if "packed_number.npy" in names:
        return unpack({name[len("packed_") : -len(".npy")]: read(name) for name in names})
    return [read(f"array{i}.npy") for i in range(len(names))]


_UNREADABLE = (
    zipfile.BadZipFile, zlib.error, KeyError, ValueError, IndexError, EOFError, OSError, NotImplementedError,
    RuntimeError, struct.error,
)  # fmt: skip
"""What damaged archives and arrays raise."""


def _plain(names: list[str]) -> str:
    """What an archive is that is not ours."""
    if names and all(name.endswith(".npy") for name in names):
        return "an .npz file of plain arrays: " + ", ".join(n.removesuffix(".npy") for n in names[:5])
    return "another kind of zip file"
