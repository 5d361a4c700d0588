"""Quantises a float network to a chip's integers: weights, thresholds, decays, biases, shifts.

In: a float :class:`Network` and a chip.  Out: the integer :class:`Network` that is from then on *the*
reference; every engine must match it exactly.  The rules, per target population:

* membranes are divided by the neuron's input gain, so inputs enter with gain 1;
* all incoming projections share one scale ``s``: the largest weight (or the ``clip_percentile`` of the
  weights' magnitudes) becomes the largest integer of ``weight_bits``; weights round to nearest;
* one unit of membrane becomes ``S = s * 2**input_shift``.  ``input_shift`` is the largest up to
  ``MAX_SHIFT`` that leaves one spare bit of membrane and current and lets the bias fit.  What the membrane
  needs is the range seen in a float run of the calibration input, or without one the threshold (or the
  reset value) plus the worst input of a single step (CUBA: worst steady current).  More bits below the
  weights make the rounding of the leak cost less; a membrane without leak needs few of them, and may
  drift far down, so it stops at ``MAX_SHIFT_WITHOUT_LEAK``;
* the threshold is the smallest integer that fires: ``ceil(th S)`` for ``>=``, ``floor(th S) + 1`` for ``>``;
* a first-spike neuron's threshold, its floor and what it falls per step are scaled by the same ``S``.  The
  falling threshold is exact in every step if the fall times ``S`` is whole; else it is off by up to half a
  unit per step, which is warned of where it adds up to one step's fall.

A population in fixed point (``fraction_bits`` f) keeps its integers: ``s`` is 1 and ``input_shift`` f.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.network.connections import Connection
from neurosim.network.model import FloatNeuron, IntNeuron, Network, Population, Projection, Ramp
from neurosim.network.quantise_warnings import warn_neuron, warn_weights
from neurosim.network.simulate import Range, run_float, weighted
from neurosim.rules.neuron import DECAY_ONE

MAX_SHIFT = 12  # twelve bits below the weights: the decays themselves have no more
MAX_SHIFT_WITHOUT_LEAK = 4  # a sixteenth of a weight step, for threshold and bias
_HUGE = 2.0**62  # what is larger fits no register and is reported as this
_ROUNDING = 1e-9  # relative; keeps th * S that is an integer but for float noise from moving up by one


@dataclass(frozen=True)
class QuantiseOptions:
    """``weight_bits`` None takes the widest of the chip's widths up to 8 (else its narrowest).

    ``clip_percentile`` (0 to 100] of the weights' magnitudes becomes the largest integer; 100 clips none.
    ``max_count`` is the most spikes per step that an input, or a neuron that fires several times a step, is
    taken to send where no calibration input (``samples, steps, ...``) says it.
    """

    weight_bits: int | None = None
    clip_percentile: float = 100.0
    max_count: int = 1
    calibration: NDArray[Any] | None = None


@dataclass(frozen=True)
class _Widths:
    """Largest values of the chip's registers; all are signed and symmetric but for one."""

    weight: int
    membrane: int
    current: int
    accumulator: int
    bias: int

    @staticmethod
    def of(chip: Chip, weight_bits: int) -> _Widths:
        core = chip.core
        bits = (weight_bits, core.membrane_bits, core.current_bits, core.accumulator_bits, core.bias_bits)
        return _Widths(*((1 << (b - 1)) - 1 for b in bits))


@dataclass(frozen=True)
class _Scaled:
    """A population's float parameters in units in which an input of 1 raises the membrane by 1."""

    threshold: NDArray[np.float64]
    reset_amount: NDArray[np.float64]
    v_min: NDArray[np.float64]
    bias: NDArray[np.float64]
    v_initial: NDArray[np.float64]
    unit: NDArray[np.float64]


@dataclass(frozen=True)
class _Worst:
    """Largest positive and negative (as magnitude) input of one step, in weight steps."""

    up: float
    down: float


def quantise(network: Network, chip: Chip, options: QuantiseOptions | None = None) -> Network:
    """The integer network for ``chip``.

    Raises:
        InputError: a weight width or neuron model that the chip lacks, a threshold or bias that does not
            fit, a neuron that has no integer form, a network that is already integer.
    """
    options = options or QuantiseOptions()
    if network.is_integer:
        raise InputError("the network is already integer", code="quantise-twice", where=network.name)
    bits = _weight_bits(chip, options)
    widths = _Widths.of(chip, bits)
    run = None if options.calibration is None else run_float(network, options.calibration)
    most = _most_spikes(network, options, run.counts if run else None)
    warnings: list[str] = []
    projections: dict[str, Projection] = {}
    populations = []
    for population in network.populations:
        if not isinstance(population.neuron, FloatNeuron):
            populations.append(population)
            continue
        _check_model(network, population, chip)
        into = network.into(population.name)
        fixed = population.neuron.fraction_bits is not None
        scale = 1.0 if fixed else weight_scale(into, widths.weight, options.clip_percentile)
        if fixed:
            _check_whole_weights(network, into, widths.weight)
        integer = {
            p.name: replace(p, connection=_round_weights(p.connection, scale, widths.weight)) for p in into
        }
        projections.update(integer)
        worst = _worst_input(population, list(integer.values()), network, most)
        seen = run.ranges[population.name] if run else None
        populations.append(_population(network, population, scale, worst, seen, widths, warnings))
        warnings += warn_weights(list(into), list(integer.values()))
    return replace(
        network,
        populations=tuple(populations),
        projections=tuple(projections[p.name] for p in network.projections),
        is_integer=True,
        weight_bits=bits,
        warnings=(*network.warnings, *warnings),
    )


def weight_scale(into: tuple[Projection, ...], largest: int, clip_percentile: float = 100.0) -> float:
    """Integer weight steps per float weight, for the projections into one population."""
    sizes = [np.abs(p.connection.weight).reshape(-1) for p in into]
    top = 0.0
    if sizes and sum(s.size for s in sizes):
        top = float(np.percentile(np.concatenate(sizes), clip_percentile, method="higher"))
    return largest / top if top > 0 else float(largest)


def _check_whole_weights(network: Network, into: tuple[Projection, ...], largest: int) -> None:
    for projection in into:
        weight = projection.connection.weight
        bad = (np.abs(weight) > largest) | (np.rint(weight) != weight)
        if bad.any():
            raise InputError(
                f"projection '{projection.name}' has weights that are no integers of the chip, but its "
                f"target '{projection.target}' is in fixed point",
                code="quantise-fixed-point", where=network.name,
                expected=f"whole numbers, -{largest}..{largest}", got=f"{float(weight[bad][0]):g}",
                hint="leave out fraction_bits to have the weights scaled, or choose more weight bits",
            )  # fmt: skip


def saturated_weights(connection: Connection, scale: float, largest: int) -> int:
    """Weights whose rounded value exceeds the largest integer weight."""
    return int((np.abs(np.rint(connection.weight * scale)) > largest).sum())


def _weight_bits(chip: Chip, options: QuantiseOptions) -> int:
    able = sorted(chip.core.weight_bits)
    if not 0 < options.clip_percentile <= 100:
        raise InputError(
            "the clip percentile is out of range", code="quantise-option", expected="above 0, up to 100",
            got=f"{options.clip_percentile:g}",
        )  # fmt: skip
    if options.max_count < 1:
        raise InputError(
            "max_count is below 1", code="quantise-option", expected="1 or more", got=str(options.max_count)
        )
    if options.weight_bits is None:
        small = [b for b in able if b <= 8]
        return small[-1] if small else able[0]
    if options.weight_bits not in able:
        raise InputError(
            f"chip '{chip.name}' has no weights of {options.weight_bits} bits", code="quantise-weight-bits",
            expected="one of " + ", ".join(str(b) for b in able), got=str(options.weight_bits),
        )  # fmt: skip
    return options.weight_bits


def _check_model(network: Network, population: Population, chip: Chip) -> None:
    neuron = population.neuron
    assert isinstance(neuron, FloatNeuron)
    if neuron.model not in chip.core.neuron_models:
        raise InputError(
            f"chip '{chip.name}' has no neuron model '{neuron.model}' (population '{population.name}')",
            code="quantise-neuron-model", where=network.name,
            expected="one of " + ", ".join(chip.core.neuron_models), got=neuron.model,
        )  # fmt: skip
    for what, keep in (("membrane", neuron.keep), ("current", neuron.syn_keep)):
        if (keep < 0).any() or (keep > 1).any():
            raise InputError(
                f"population '{population.name}': its {what} does not decay, it grows or swings",
                code="quantise-decay", where=network.name, expected="a kept fraction within 0..1",
                got=f"{float(keep.min()):g}..{float(keep.max()):g}", hint="check tau and the time step",
            )  # fmt: skip
    if neuron.keeps_current and neuron.offset.any():
        raise InputError(
            f"population '{population.name}': a current-based neuron with v_leak has no integer form here",
            code="quantise-v-leak", where=network.name,
            expected="v_leak 0, or equal to the starting membrane",
        )  # fmt: skip


def _most_spikes(
    network: Network, options: QuantiseOptions, counts: dict[str, NDArray[np.int32]] | None
) -> dict[str, int]:
    """The most spikes of one neuron in one step, by population."""
    most = {}
    for population in network.populations:
        single = isinstance(population.neuron, FloatNeuron) and population.neuron.reset != "subtract_multi"
        most[population.name] = 1 if single else options.max_count
        if counts is not None and not single:
            seen = options.calibration if population.is_input else counts[population.name]
            most[population.name] = max(1, int(seen.max(initial=0))) if seen is not None else 1
    return most


def _round_weights(connection: Connection, scale: float, largest: int) -> Connection:
    rounded = np.clip(np.rint(connection.weight * scale), -largest, largest)
    return replace(connection, weight=rounded.astype(np.int16))


def _worst_input(
    population: Population, into: list[Projection], network: Network, most: dict[str, int]
) -> _Worst:
    """Every source at its most spikes: the sums of the positive and of the negative weights."""
    totals = []
    for sign in (1, -1):
        total = np.zeros(population.n)
        for projection in into:
            part = np.maximum(sign * projection.connection.weight.astype(np.float64), 0)
            one_sided = replace(projection, connection=replace(projection.connection, weight=part))
            n_source = network.population(projection.source).n
            total += weighted(one_sided, np.full((1, n_source), most[projection.source]))[0]
        totals.append(float(total.max(initial=0)))
    return _Worst(*totals)


def _scaled(population: Population) -> _Scaled:
    neuron = population.neuron
    assert isinstance(neuron, FloatNeuron)
    cuba = neuron.keeps_current
    unit = np.asarray(1.0 / (neuron.gain * neuron.syn_gain if cuba else neuron.gain))
    bias = population.bias if cuba else population.bias + neuron.offset / neuron.gain
    return _Scaled(
        np.asarray(neuron.threshold * unit), np.asarray(neuron.reset_amount * unit),
        np.asarray(neuron.v_min * unit), np.asarray(bias), np.asarray(neuron.v_initial * unit), unit,
    )  # fmt: skip


def _population(
    network: Network, population: Population, scale: float, worst: _Worst, seen: Range | None,
    widths: _Widths,
    warnings: list[str],
) -> Population:  # fmt: skip
    neuron, scaled = population.neuron, _scaled(population)
    assert isinstance(neuron, FloatNeuron)
    shift = neuron.fraction_bits
    if shift is None:
        shift = _input_shift(neuron, scaled, scale, worst, seen, widths)
    unit = scale * 2.0**shift
    threshold, amount = _threshold(neuron, scaled, unit, widths)
    bias = _integers(scaled.bias * unit)
    v_initial = _integers(scaled.v_initial * unit)
    _check_fits(network, population, "threshold", threshold, widths.membrane, "membrane")
    _check_fits(network, population, "reset", amount, widths.membrane, "membrane")
    _check_fits(network, population, "bias", bias, widths.bias, "bias")
    _check_fits(network, population, "first membrane", v_initial, widths.membrane, "membrane")
    integer = IntNeuron(
        model=neuron.model,
        reset=neuron.reset,
        keep=_integers(neuron.keep * DECAY_ONE),
        current_keep=_integers(neuron.syn_keep * DECAY_ONE),
        bias=bias,
        threshold=threshold,
        reset_amount=amount,
        v_floor=_integers(np.maximum(scaled.v_min * unit, -widths.membrane - 1)),
        input_shift=shift,
        scale=unit,
        v_initial=v_initial,
        ramp=None if neuron.ramp is None else _ramp(network, population, neuron.ramp, scaled, unit, widths),
    )
    most = max(worst.up, worst.down)
    warnings += warn_neuron(population.name, neuron, integer, most, widths.accumulator, widths.current)
    return replace(population, neuron=integer, bias=np.zeros(()))


def _input_shift(
    neuron: FloatNeuron, scaled: _Scaled, scale: float, worst: _Worst, seen: Range | None, widths: _Widths
) -> int:
    membrane, current = _needs(neuron, scaled, scale, worst, seen)
    bias = float(np.abs(scaled.bias).max()) * scale
    leaks = (neuron.keep < 1).any() or (neuron.keeps_current and (neuron.syn_keep > 0).any())
    shift = 0
    while shift < (MAX_SHIFT if leaks else MAX_SHIFT_WITHOUT_LEAK):
        up = 2.0 ** (shift + 1)
        room = widths.membrane / up, widths.current / up, widths.bias / up
        if 2 * membrane > room[0] or 2 * current > room[1] or bias > room[2]:
            break
        shift += 1
    return shift


def _needs(
    neuron: FloatNeuron, scaled: _Scaled, scale: float, worst: _Worst, seen: Range | None
) -> tuple[float, float]:
    """What membrane and current must hold, in weight steps."""
    finite = scaled.threshold[np.isfinite(scaled.threshold)]
    known = (finite, scaled.reset_amount, scaled.v_initial)
    floor = max(float(np.abs(values).max(initial=0)) for values in known) * scale
    if seen is not None:
        unit = float(scaled.unit.max()) * scale
        cuba = neuron.keeps_current
        per_current = scale * float(np.max(1.0 / neuron.syn_gain)) if cuba else scale
        return max(
            floor, -seen.membrane_low * unit, seen.membrane_high * unit
        ), seen.largest_current * per_current
    lasting = 1.0
    if neuron.keeps_current:
        lasting = 1.0 / max(1e-3, 1.0 - float(neuron.syn_keep.max()))
    if neuron.ramp is not None and neuron.ramp.input_steps:
        lasting = min(lasting, neuron.ramp.input_steps)
    bias = float(np.abs(scaled.bias).max()) * scale
    step = (max(worst.up, worst.down) + bias) * lasting
    return floor + step, step


def _threshold(
    neuron: FloatNeuron, scaled: _Scaled, unit: float, widths: _Widths
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if neuron.reset == "none":
        return np.asarray(widths.membrane, np.int64), np.zeros((), np.int64)
    threshold = _smallest_firing(neuron, scaled.threshold * unit)
    if neuron.reset == "once":
        return threshold, np.zeros((), np.int64)
    if neuron.reset == "subtract_multi":  # u // threshold spikes, and the rest must stay below it
        return np.asarray(threshold), np.asarray(threshold)
    return np.asarray(threshold), _integers(scaled.reset_amount * unit)


def _smallest_firing(neuron: FloatNeuron, threshold: NDArray[np.float64]) -> NDArray[np.int64]:
    """The smallest integer membrane that fires at ``threshold``."""
    exact = np.clip(threshold, -_HUGE, _HUGE)
    noise = _ROUNDING * np.maximum(1.0, np.abs(exact))
    if neuron.at_threshold:
        return np.asarray(np.ceil(exact - noise), np.int64)
    return np.asarray(np.floor(exact + noise) + 1, np.int64)


def _ramp(
    network: Network, population: Population, ramp: Ramp, scaled: _Scaled, unit: float, widths: _Widths
) -> Ramp:
    """``ramp`` in the same integers as the threshold."""
    neuron = population.neuron
    assert isinstance(neuron, FloatNeuron)
    per_step = _integers(ramp.per_step * scaled.unit * unit)
    floor = _smallest_firing(neuron, ramp.floor * scaled.unit * unit)
    _check_fits(network, population, "ramp", per_step, widths.membrane, "membrane")
    _check_fits(network, population, "ramp floor", floor, widths.membrane, "membrane")
    return replace(ramp, per_step=per_step, floor=floor)


def _integers(values: NDArray[np.float64]) -> NDArray[np.int64]:
    return np.asarray(np.rint(np.clip(values, -_HUGE, _HUGE)), dtype=np.int64)


def _check_fits(
    network: Network, population: Population, what: str, values: NDArray[
        np.int64
    ], largest: int, register: str
) -> None:
    over = values[np.abs(values) > largest]
    if over.size:
        worst = int(over.reshape(-1)[np.argmax(np.abs(over.reshape(-1)))])
        raise InputError(
            f"population '{population.name}': the {what} does not fit the {register} register",
            code=f"quantise-{what.replace(' ', '-')}", where=network.name,
            expected=f"-{largest}..{largest}", got=str(worst),
            hint="choose fewer weight bits or a chip with wider registers",
        )  # fmt: skip
