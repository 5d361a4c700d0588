"""Loads input spikes from an ``.npz`` file and checks them against a network.

Reads arrays ``x`` (samples, steps, *input shape) of spike counts and optionally ``y`` (samples,) of
labels; writes :class:`InputData`, flat and ready for an engine.
"""

from __future__ import annotations

import difflib
import hashlib
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError
from neurosim.network.model import Network

MAX_COUNT = 255


@dataclass(frozen=True)
class InputData:
    """``spikes`` (samples, steps, n_inputs) counts, ``labels`` (samples,) or -1, and a digest of both."""

    spikes: NDArray[np.uint8]
    labels: NDArray[np.int64]
    digest: str


def load_inputs(path: str | Path, network: Network, samples: int | None = None) -> InputData:
    """The first ``samples`` samples (None: all) of the ``.npz`` file ``path``.

    Raises:
        InputError: no such file, not an .npz file, no array ``x``, values that are not counts of 0 to 255,
            a shape that the network does not take, labels that do not fit or are no output of it, too few
            samples.
    """
    file = Path(path)
    arrays = read_arrays(file, "x", "x (samples, steps, ...), y (samples,)")
    return check_inputs(arrays["x"], arrays.get("y"), network, samples, str(file))


def empty_input(steps: int) -> InputData:
    """One sample of ``steps`` time steps for a network without inputs."""
    return _digested(np.zeros((1, steps, 0), np.uint8), np.full(1, -1, np.int64))


def read_arrays(file: Path, needed: str, expected: str) -> dict[str, NDArray[np.generic]]:
    """All arrays of an ``.npz`` file that holds ``needed``; ``expected`` says in a message what it means.

    Raises:
        InputError: no such file, not an ``.npz`` file of plain arrays, or no array ``needed``.
    """
    arrays = _read(file, expected)
    if needed not in arrays:
        raise InputError(
            f"no array '{needed}' in the file", code=f"input-no-{needed}", where=str(file),
            expected=expected,
            got=", ".join(sorted(arrays)) or "no arrays", hint=_rename_hint(needed, arrays),
        )  # fmt: skip
    return arrays


def _rename_hint(needed: str, arrays: Iterable[str]) -> str | None:
    """The array that was probably meant: the file has to change, not the name that is asked for."""
    near = difflib.get_close_matches(needed, sorted(arrays), n=1, cutoff=0.6)
    return f"rename its array '{near[0]}' to '{needed}'" if near else None


def check_inputs(
    x: NDArray[np.generic], y: NDArray[np.generic] | None, network: Network, samples: int | None = None,
    where: str | None = None,
) -> InputData:  # fmt: skip
    """As :func:`load_inputs`, for arrays that are already in memory."""
    counts = _shaped(_as_counts(x, where), network, where)
    n_outputs = sum(network.population(name).n for name in network.outputs)
    labels = _labels(y, counts.shape[0], counts.shape[1], n_outputs, where)
    if samples is not None:
        if not 1 <= samples <= counts.shape[0]:
            raise InputError(
                "the number of samples is out of range", code="input-samples", where=where,
                expected=f"1..{counts.shape[0]}", got=str(samples),
            )  # fmt: skip
        counts, labels = counts[:samples], labels[:samples]
    return _digested(np.ascontiguousarray(counts), labels)


def _digested(counts: NDArray[np.uint8], labels: NDArray[np.int64]) -> InputData:
    sha = hashlib.sha256(str(counts.shape).encode())
    sha.update(counts.tobytes())
    sha.update(labels.astype("<i8").tobytes())
    return InputData(counts, labels, sha.hexdigest())


def _read(path: Path, expected: str) -> dict[str, NDArray[np.generic]]:
    if not path.is_file():
        raise InputError("no such file", code="file-missing", where=str(path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            if not isinstance(archive, np.lib.npyio.NpzFile):
                raise ValueError("a single array")
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "not a whole .npz file of plain arrays", code="input-not-npz", where=str(path),
            expected="a file as numpy.savez writes it, with x and y" if expected.startswith("x ")
            else f"a file as numpy.savez writes it, with {expected}",
        ) from error  # fmt: skip


def _as_counts(x: NDArray[np.generic], where: str | None) -> NDArray[np.uint8]:
    if x.dtype.kind not in "bui":
        hint = "spike counts are whole numbers; store them with x.astype(numpy.uint8)"
        if x.dtype.kind == "f" and np.isnan(x.astype(np.float64)).any():
            hint = "it even has NaN values; " + hint
        raise InputError(
            "'x' does not hold spike counts", code="input-dtype", where=where,
            expected="uint8, bool or another integer type", got=str(x.dtype), hint=hint,
        )  # fmt: skip
    if x.dtype != np.uint8 and x.size and (int(x.min()) < 0 or int(x.max()) > MAX_COUNT):
        raise InputError(
            "'x' holds values that are no spike counts", code="input-range", where=where,
            expected=f"0..{MAX_COUNT}", got=f"{int(x.min())}..{int(x.max())}",
        )  # fmt: skip
    return x.astype(np.uint8)


def _shaped(x: NDArray[np.uint8], network: Network, where: str | None) -> NDArray[np.uint8]:
    inputs = network.inputs
    total = sum(p.n for p in inputs)
    shape = inputs[0].shape if len(inputs) == 1 else (total,)
    if x.ndim < 3 or x.shape[2:] not in (shape, (total,)):
        wanted = ", ".join(("samples", "steps", *(str(v) for v in shape)))
        named = " + ".join(f"'{p.name}' {p.shape}" for p in inputs)
        hint = f"the network's input is {named}" if inputs else "it has no input; give the steps instead"
        if x.ndim >= 2 and x.shape[1:] in (shape, (total,)):
            hint += "; if 'x' is one sample, (steps, ...), give it a first axis with x[None]"
        raise InputError(
            "'x' has the wrong shape", code="input-shape", where=where, expected=f"({wanted})",
            got=str(x.shape), hint=hint,
        )  # fmt: skip
    if 0 in x.shape[:2]:
        raise InputError(
            "'x' is empty", code="input-shape", where=where, expected="at least one sample and one step",
            got=str(x.shape),
        )  # fmt: skip
    return x.reshape(*x.shape[:2], total)


def _labels(
    y: NDArray[np.generic] | None, n_samples: int, n_steps: int, n_outputs: int, where: str | None
) -> NDArray[np.int64]:
    """The labels (samples,); one names an output, so it is below ``n_outputs`` (0: no outputs, no bound)."""
    if y is None:
        return np.full(n_samples, -1, np.int64)
    if y.shape != (n_samples,):
        swapped = y.shape == (n_steps,) and n_steps != n_samples
        raise InputError(
            "'y' does not fit 'x'", code="input-labels", where=where,
            expected=f"({n_samples},), one label per sample",
            got=str(y.shape),
            hint="'x' looks like (steps, samples, ...); swap its first two axes with x.swapaxes(0, 1)"
            if swapped
            else None,
        )  # fmt: skip
    if y.dtype.kind not in "bui":
        raise InputError(
            "'y' does not hold labels", code="input-labels", where=where,
            expected="whole numbers from 0 (-1: unknown)", got=_first_odd(y), hint=_label_hint(y),
        )  # fmt: skip
    bad = np.less(y, -1)
    if n_outputs:
        bad |= np.greater_equal(y, n_outputs)
    if bad.any():
        index = int(bad.argmax())
        many = f"; {int(bad.sum())} of {n_samples} labels are wrong" if bad.sum() > 1 else ""
        raise InputError(
            "'y' holds a label that is no output of the network", code="input-label-range", where=where,
            expected=f"0..{n_outputs - 1} for {n_outputs} outputs (-1: unknown)" if n_outputs
            else "whole numbers from 0 (-1: unknown)",
            got=f"y[{index}] = {int(y[index])}{many}",
        )  # fmt: skip
    return y.astype(np.int64)


def _first_odd(y: NDArray[np.generic]) -> str:
    """The type of labels that are no whole numbers, and the first value that shows it."""
    odd = np.flatnonzero(y != np.floor(y)) if y.dtype.kind == "f" else np.arange(y.size)
    index = int(odd[0]) if odd.size else 0
    return f"{y.dtype}, y[{index}] = {y[index].item()!r}"


def _label_hint(y: NDArray[np.generic]) -> str | None:
    if y.dtype.kind != "f" or not (y == np.floor(y)).all():
        return None
    return "they are whole numbers stored as floats; store them with y.astype(numpy.int64)"
