"""Imports plain feed-forward networks from an ``.npz`` file, for those who have weights but no framework.

Layer ``k`` (0, 1, ...) is a dense matrix and its neurons:

* ``weight{k}`` (n_out, n_in): required, without gaps in ``k``;
* ``bias{k}`` (n_out,) or one number, default 0: constant input of every step;
* ``threshold{k}`` (n_out,) or one number, default 1: a neuron fires at or above it;
* ``keep{k}`` (n_out,) or one number in 0..1, default 1: the share of the membrane kept per step.

``reset`` is one string for all layers, "subtract" (default) or "value" (to zero).  A step is
``u = keep v + weight s + bias``.

``first_spike_steps`` (one whole number T) says that neurons are not meant to fire at a rate, but once each,
by the first-spike code with windows of T steps: :mod:`neurosim.network.first_spike`.
"""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError, did_you_mean
from neurosim.network.connections import Dense
from neurosim.network.first_spike import to_first_spike
from neurosim.network.model import FloatNeuron, Network, Population, Projection

RESETS = ("subtract", "value")
WINDOW = "first_spike_steps"
PARTS = ("weight", "bias", "threshold", "keep")


def import_npz(path: str | Path, dt_s: float = 1e-3) -> Network:
    """The float network in ``path``; populations are called ``input``, ``layer0``, ``layer1``, ...

    Raises:
        InputError: no such file, unknown or missing arrays, shapes that do not join, values that are not
            finite or out of range.
    """
    file = Path(path)
    arrays = _read(file)
    n_layers = sum(key.startswith("weight") for key in arrays)
    _check_names(file, arrays, n_layers)
    window = _window(file, arrays)
    reset = str(arrays.get("reset", np.array("subtract")))
    if reset not in RESETS:
        raise InputError(
            f"unknown reset '{reset}'", code="npz-reset", where=str(file), expected=" or ".join(RESETS),
            hint=did_you_mean(reset, RESETS),
        )  # fmt: skip
    populations: list[Population] = []
    projections: list[Projection] = []
    for k in range(n_layers):
        weight = _floats(file, arrays, f"weight{k}")
        if weight.ndim != 2 or 0 in weight.shape or (k and weight.shape[1] != populations[-1].n):
            n_in = str(populations[-1].n) if k else "inputs"
            raise InputError(
                f"'weight{k}' has the wrong shape", code="npz-shape", where=str(file),
                expected=f"(neurons, {n_in})", got=str(weight.shape),
            )  # fmt: skip
        if not k:
            populations.append(Population("input", (weight.shape[1],), None))
        source = populations[-1].name
        populations.append(_population(file, arrays, k, weight.shape[0], reset))
        projections.append(Projection(f"{source}->layer{k}", source, f"layer{k}", Dense(weight)))
    network = Network(
        name=file.stem,
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=(populations[-1].name,),
        dt_s=dt_s,
        profile="npz",
    )
    return network if window is None else to_first_spike(network, window)


def _window(file: Path, arrays: dict[str, NDArray[np.generic]]) -> int | None:
    """Steps of the windows of the first-spike code, if the file asks for it."""
    if WINDOW not in arrays:
        return None
    value = arrays[WINDOW]
    if value.dtype.kind not in "iu" or value.size != 1:
        raise InputError(
            f"'{WINDOW}' is not one whole number", code="npz-first-spike", where=str(file),
            expected="steps of a window, such as 8", got=f"{value.dtype} of shape {value.shape}",
        )  # fmt: skip
    return int(value.reshape(()))


def _population(
    file: Path, arrays: dict[str, NDArray[np.generic]], k: int, n: int, reset: str
) -> Population:
    values = {
        part: _per_neuron(file, arrays, f"{part}{k}", default, n)
        for part, default in (("bias", 0.0), ("threshold", 1.0), ("keep", 1.0))
    }
    keep, threshold = values["keep"], values["threshold"]
    if (keep < 0).any() or (keep > 1).any():
        raise InputError(
            f"'keep{k}' is out of range", code="npz-range", where=str(file), expected="0..1",
            got=f"{float(keep.min()):g}..{float(keep.max()):g}",
        )  # fmt: skip
    zero, one = np.zeros(()), np.ones(())
    amount = threshold if reset == "subtract" else zero
    model = "if" if (keep == 1).all() else "lif"
    neuron = FloatNeuron(model, keep, one, zero, threshold, reset, amount, True, zero, one)
    return Population(f"layer{k}", (n,), neuron, values["bias"])


def _read(path: Path) -> dict[str, NDArray[np.generic]]:
    if not path.is_file():
        raise InputError("no such file", code="file-missing", where=str(path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            return {key: archive[key] for key in archive.files}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, AttributeError) as error:
        raise InputError(
            "not a whole .npz file of plain arrays", code="npz-broken", where=str(path),
            expected="a file as numpy.savez writes it",
        ) from error  # fmt: skip


def _check_names(file: Path, arrays: dict[str, NDArray[np.generic]], n_layers: int) -> None:
    known = ["reset", WINDOW, *(f"{part}{k}" for k in range(max(1, n_layers)) for part in PARTS)]
    for name in sorted(arrays):
        if name not in known:
            gap = "layers count from 0 without gaps" if re.fullmatch(r"[a-z]+\d+", name) else None
            raise InputError(
                f"unknown array '{name}'", code="npz-unknown-array", where=str(file),
                expected=f"weight0, bias0, threshold0, keep0, weight1, ..., reset, {WINDOW}",
                hint=did_you_mean(name, known) or gap,
            )  # fmt: skip
    if "weight0" not in arrays:
        raise InputError(
            "no array 'weight0' in the file", code="npz-no-weights", where=str(file),
            expected="weight0 (neurons, inputs)", got=", ".join(sorted(arrays)) or "no arrays",
        )  # fmt: skip


def _floats(file: Path, arrays: dict[str, NDArray[np.generic]], key: str) -> NDArray[np.float64]:
    raw = arrays[key]
    if raw.dtype.kind not in "biuf" or not np.isfinite(raw.astype(np.float64)).all():
        raise InputError(
            f"'{key}' holds values that are not finite numbers", code="npz-not-finite", where=str(file)
        )
    return raw.astype(np.float64)


def _per_neuron(
    file: Path, arrays: dict[str, NDArray[np.generic]], key: str, default: float, n: int
) -> NDArray[np.float64]:
    if key not in arrays:
        return np.asarray(default)
    values = _floats(file, arrays, key)
    if values.shape not in ((), (1,), (n,)):
        raise InputError(
            f"'{key}' has the wrong shape", code="npz-shape", where=str(file), expected=f"() or ({n},)",
            got=str(values.shape),
        )  # fmt: skip
    return values.reshape(()) if values.size == 1 else values
