"""Imports a network that :mod:`workloads.random_snn` wrote: ``neurosim import --format random_snn``.

Populations are ``layer0``, ``layer1``, ...; there is no input and no output: layer 0 is paced by its bias and
first membranes.  The array ``core`` of the file is not part of the network: give the same file to
``neurosim map --cores``.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError
from neurosim.network.connections import Sparse
from neurosim.network.model import FloatNeuron, Network, Population, Projection
from workloads.random_snn.witness import LEAK

FRACTION_BITS = 6  # membranes are multiples of 1/64
STEP_S = 1e-3  # assumed: the networks have no unit of time
FOR_TOTALS = ("steps", "period", "fanout", "core")
ARRAYS = ("n", "layers", "phase", "target", "weight", "threshold")


def import_random_snn(path: Path, profile: str, dt_s: float | None) -> Network:
    """The float network in ``path``.

    Raises:
        InputError: a profile was given, or the file is not one of these networks.
    """
    if profile:
        raise InputError(
            "a random_snn network takes no neuron profile", code="random-snn-profile", where=str(path),
            got=profile, hint="its semantics are fixed; leave the profile out",
        )  # fmt: skip
    if dt_s is not None and not (np.isfinite(dt_s) and dt_s > 0):
        raise InputError(
            "a time step must be a positive time", code="dt-not-positive", where=str(path),
            expected="seconds above 0", got=f"{dt_s:g}",
        )  # fmt: skip
    net = read_random_snn(path)
    n, layers = int(net["n"]), int(net["layers"])
    populations = [_population(net, layer, n) for layer in range(layers)]
    projections = [
        Projection(
            f"layer{k}->layer{k + 1}", f"layer{k}", f"layer{k + 1}",
            _connection(net["target"][k], net["weight"][k], n), delay_steps=1,
        )
        for k in range(layers - 1)
    ]  # fmt: skip
    return Network(
        name=path.stem,
        populations=tuple(populations),
        projections=tuple(projections),
        outputs=(),
        dt_s=STEP_S if dt_s is None else dt_s,
        profile="random_snn",
    )


def _population(net: dict[str, NDArray[np.generic]], layer: int, n: int) -> Population:
    zero, one = np.zeros(()), np.ones(())
    paced = layer == 0
    neuron = FloatNeuron(
        model="if" if paced else "lif",
        keep=one if paced else np.asarray(LEAK),
        gain=one,
        offset=zero,
        threshold=np.asarray(float(net["threshold"][layer])),
        reset="value",
        reset_amount=zero,
        at_threshold=False,
        syn_keep=zero,
        syn_gain=one,
        v_initial=net["phase"].astype(np.float64) if paced else zero,
        fraction_bits=FRACTION_BITS,
    )
    return Population(f"layer{layer}", (n,), neuron, one if paced else zero)


def _connection(target: NDArray[np.generic], weight: NDArray[np.generic], n: int) -> Sparse:
    """(n, fanout) targets and weights as lists; single precision holds these weights exactly."""
    fanout = int(target.shape[1])
    narrow = np.min_scalar_type(max(0, n - 1))
    return Sparse(
        weight=weight.reshape(-1).astype(np.float32),
        pointer=np.arange(n + 1, dtype=np.int64) * fanout,
        target=target.reshape(-1).astype(narrow),
        n_out=n,
    )


def read_random_snn(path: Path, is_whole: bool = False) -> dict[str, NDArray[np.generic]]:
    """The arrays of the network in ``path``, by name; ``is_whole``: those that its totals need, too.

    Raises:
        InputError: no such file, or it is not one of these networks.
    """
    if not path.is_file():
        raise InputError("no such file", code="file-missing", where=str(path))
    try:
        with np.load(path, allow_pickle=False) as archive:
            net = {name: archive[name] for name in (*ARRAYS, *(FOR_TOTALS if is_whole else ()))}
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, KeyError, TypeError, AttributeError) as error:
        raise _refused(path, "another file, or one cut off") from error
    n, layers = net["n"], net["layers"]
    if n.shape or layers.shape or int(layers) < 2 or int(n) < 1:
        raise _refused(path, "no sensible n and layers")
    shape = (int(layers) - 1, int(n))
    target, weight = net["target"], net["weight"]
    if target.ndim != 3 or target.shape[:2] != shape or weight.shape != target.shape:
        raise _refused(path, f"target {target.shape}, weight {weight.shape}")
    if net["phase"].shape != (int(n),) or net["threshold"].shape != (int(layers),):
        raise _refused(path, f"phase {net['phase'].shape}, threshold {net['threshold'].shape}")
    kinds = {name: net[name].dtype.kind for name in ("phase", "target", "weight", "threshold")}
    if any(kind not in ("iuf" if name == "threshold" else "iu") for name, kind in kinds.items()):
        raise _refused(path, "arrays of other types than whole numbers (thresholds: any numbers)")
    if not np.isfinite(np.asarray(net["threshold"], float)).all():
        raise _refused(path, "a threshold that is not a number")
    if target.size and (target.min() < 0 or target.max() >= int(n) or (np.diff(target, axis=2) <= 0).any()):
        raise _refused(path, "targets that do not ascend within 0..n-1")
    if is_whole:
        _check_totals(path, net)
    return net


def _check_totals(path: Path, net: dict[str, NDArray[np.generic]]) -> None:
    scalars = [net[name] for name in ("steps", "period", "fanout")]
    if any(v.shape or v.dtype.kind not in "iu" or int(v) < 1 for v in scalars):
        raise _refused(path, "no sensible steps, period and fanout")
    core, n = net["core"], int(net["n"]) * int(net["layers"])
    if core.shape != (n,) or core.dtype.kind not in "iu" or int(net["fanout"]) != net["target"].shape[2]:
        raise _refused(path, f"core {core.shape} {core.dtype}, fanout {int(net['fanout'])}")


def _refused(path: Path, got: str) -> InputError:
    return InputError(
        "not a network of workloads.random_snn", code="random-snn-broken", where=str(path), got=got,
        expected="a file as `python -m workloads.random_snn` writes it",
    )  # fmt: skip
