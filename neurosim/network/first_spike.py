"""From a rate-coded network to one that says everything by the time of a single spike (TTFS).

Reads a float :class:`Network` of integrate-and-fire neurons without loops; writes one of the same weights
whose neurons fire once.  A neuron of the rate-coded network stands for ``a = clip(g (w a' + b) / th, 0, 1)``,
its rate.  In windows of T steps, one per layer, that number becomes the moment ``t = T - round(a T)`` of
the window (0: no spike):

* *integrate*: while the layer before fires, each spike adds its weight to a current that is kept, so by the
  window's end a spike of moment t has counted ``T - t`` times and the membrane is ``T g w a'``, plus
  ``T g b`` and the ``th / 2`` of rounding that it began with;
* *fire*: in the next window the threshold falls linearly from ``T th`` to ``th``.

The outputs do not fire: their membranes at the end of their window are the answer, in units of ``T``.  The
scheme is the one of T2FSNN (Park et al., DAC 2020, arXiv:2003.11741) with a linear in place of an exponential
kernel, as in Rueckauer and Liu (ISCAS 2018), which additions alone can compute.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError
from neurosim.network.model import FloatNeuron, Network, Population, Ramp

MOST_WINDOW_STEPS = 1024
_ZERO, _ONE = np.zeros(()), np.ones(())
_RATES = ("value", "subtract", "subtract_delayed", "subtract_same_time", "subtract_multi")


def to_first_spike(network: Network, window_steps: int) -> Network:
    """``network`` in first-spike code with windows of ``window_steps`` steps.

    A sample then takes :func:`sample_steps` steps, with the input's spikes in the first ``window_steps`` of
    them (:func:`encode`); a warning of the network says so.

    Raises:
        InputError: ``window_steps`` out of range; a network that is integer, has a loop, a delay, a leak, a
            shortcut past a layer, or outputs that feed others.
    """
    if not 1 <= window_steps <= MOST_WINDOW_STEPS:
        raise InputError(
            "the window of the first-spike code is out of range", code="first-spike-window",
            where=network.name, expected=f"1..{MOST_WINDOW_STEPS} steps", got=str(window_steps),
        )  # fmt: skip
    if network.is_integer:
        raise _refusal(network, "it is quantised already", "convert it before it is mapped")
    level = _levels(network)
    populations = tuple(
        p if p.is_input else _converted(network, p, level[p.name], window_steps) for p in network.populations
    )
    n_steps = window_steps * max(level.values())
    text = (
        f"first-spike code: a sample takes {n_steps} steps, and its input fires in the first {window_steps}, "
        "at most once per neuron, the sooner the larger"
    )
    return replace(network, populations=populations, warnings=(*network.warnings, text))


def sample_steps(network: Network, window_steps: int) -> int:
    """Steps that a sample of a network converted with ``window_steps`` takes."""
    return window_steps * max(_levels(network).values())


def needed_steps(network: Network) -> int | None:
    """Steps that a sample takes, read off a network that :func:`to_first_spike` made, quantised or not.

    None for every other network: only there do the windows of the layers follow from each other.
    """
    ramps = {p.name: getattr(p.neuron, "ramp", None) for p in network.populations}
    if not any(ramps.values()):
        return None
    try:
        level = _levels(network)
    except InputError:
        return None
    windows = {
        ramp.silent_steps / level[name] if ramp.input_steps == ramp.silent_steps else 0.0
        for name, ramp in ramps.items() if ramp is not None
    }  # fmt: skip
    window = windows.pop()
    if windows or window < 1 or window != int(window):
        return None
    return int(window) * max(level.values())


def short_text(needed: int, steps: int) -> str:
    """What users are told of samples of fewer ``steps`` than :func:`needed_steps` says."""
    counted = f"{steps} step{'' if steps == 1 else 's'}"
    return (
        f"the input has {counted} per sample, but this first-spike network needs {needed}: its later layers "
        "are cut off"
    )


def encode(values: NDArray[Any], window_steps: int, n_steps: int) -> NDArray[np.uint8]:
    """Spike counts (samples, n_steps, ...) of ``values`` (samples, ...) within 0..1, largest first."""
    units = np.rint(np.clip(values, 0.0, 1.0) * window_steps).astype(np.int64)
    moment = np.arange(n_steps).reshape(1, n_steps, *[1] * (values.ndim - 1))
    return np.asarray((units[:, None] > 0) & (moment == window_steps - units[:, None]), np.uint8)


def repeated_spikes(network: Network, spikes: NDArray[np.uint8]) -> dict[str, tuple[int, int]]:
    """Inputs of first-spike neurons that fire more than once per sample, where one spike should say it all.

    ``spikes`` (samples, steps, n_inputs) are the network's.  The mapper's go-betweens, which pass on what
    they get, are looked through.

    Returns:
        by input population: (spikes beyond the first of their source and sample, all spikes).
    """
    found = {}
    first = 0
    for population in network.inputs:
        per_source = spikes[:, :, first : first + population.n].sum(axis=1, dtype=np.int64)
        first += population.n
        beyond = int(np.maximum(per_source - 1, 0).sum())
        if beyond and _feeds_first_spike(network, population.name):
            found[population.name] = (beyond, int(per_source.sum()))
    return found


def _feeds_first_spike(network: Network, name: str) -> bool:
    seen, waiting = {name}, [name]
    while waiting:
        for projection in network.out_of(waiting.pop()):
            neuron = network.population(projection.target).neuron
            if neuron is None or projection.target in seen:
                continue
            if neuron.model == "ttfs":
                return True
            seen.add(projection.target)
            if neuron.reset == "subtract_multi" and neuron.model not in ("lif", "cuba_lif"):
                waiting.append(projection.target)
    return False


def repeated_text(name: str, beyond: int, spikes: int) -> str:
    """What users are told of an input of :func:`repeated_spikes`."""
    return (
        f"input '{name}' feeds first-spike neurons but is not in first-spike code: {beyond} of its {spikes} "
        "spikes are not the first of their source in a sample"
    )


def _levels(network: Network) -> dict[str, int]:
    """By population, the number of layers up to it, itself included; inputs are 0."""
    level = {p.name: 0 for p in network.inputs}
    waiting = [p.name for p in network.populations if not p.is_input]
    while waiting:
        ready = [n for n in waiting if all(p.source in level for p in network.into(n))]
        if not ready:
            raise _refusal(network, f"'{waiting[0]}' is part of a loop", "only layers one after the other")
        for name in ready:
            level[name] = 1 + _source_level(network, name, level)
        waiting = [n for n in waiting if n not in ready]
    outputs = {level[name] for name in network.outputs}
    if len(outputs) > 1 or (outputs and max(level.values()) not in outputs):
        raise _refusal(network, "its outputs are not its last layer", "outputs in the last layer only")
    return level


def _source_level(network: Network, name: str, level: dict[str, int]) -> int:
    into = network.into(name)
    for projection in into:
        if projection.delay_steps:
            raise _refusal(network, f"projection '{projection.name}' has a delay", "no delays")
    found = {level[p.source] for p in into}
    if len(found) > 1:
        raise _refusal(network, f"'{name}' is fed by layers of different depth", "no shortcuts past a layer")
    return found.pop() if found else 0


def _converted(network: Network, population: Population, level: int, window_steps: int) -> Population:
    neuron = population.neuron
    assert isinstance(neuron, FloatNeuron)
    is_output = population.name in network.outputs
    plain = neuron.model in ("if", "li") and bool((neuron.keep == 1).all()) and not neuron.offset.any()
    if not plain or neuron.reset not in (*_RATES, "none") or (neuron.reset == "none" and not is_output):
        raise _refusal(
            network, f"'{population.name}' has model '{neuron.model}', reset '{neuron.reset}'",
            "integrate-and-fire neurons without leak",
        )  # fmt: skip
    gain, threshold = neuron.gain, neuron.threshold
    if is_output:
        gain = gain if neuron.reset == "none" else np.asarray(gain / threshold)
        start = np.asarray(window_steps * gain * population.bias)
        made = FloatNeuron(
            "cuba_li", _ONE, gain, _ZERO, np.asarray(np.inf), "none", _ZERO, False, _ONE, _ONE,
            v_initial=start,
        )  # fmt: skip
        return replace(population, neuron=made, bias=_ZERO)
    if not (np.isfinite(threshold).all() and (threshold > 0).all()):
        reason = f"'{population.name}' has a threshold that is not above 0"
        raise _refusal(network, reason, "thresholds above 0")
    ramp = Ramp(threshold, threshold, level * window_steps, level * window_steps)
    made = FloatNeuron(
        "ttfs", _ONE, gain, _ZERO, np.asarray(threshold * window_steps), "once", _ZERO, True, _ONE, _ONE,
        v_initial=np.asarray(window_steps * gain * population.bias + threshold / 2), ramp=ramp,
    )  # fmt: skip
    return replace(population, neuron=made, bias=_ZERO)


def _refusal(network: Network, reason: str, expected: str) -> InputError:
    return InputError(
        "the network has no first-spike form", code="first-spike-network", where=network.name,
        expected=expected, got=reason,
    )  # fmt: skip
