"""Neuron update rules in integers: ``state, input, parameters -> state, spikes, overflow``.

One call is one neuron (or one array of neurons of the same model) in one time step.  ``model`` and
``reset`` are codes that are constant for a call; all other arguments may be arrays.  With ``x`` the
step's input, ``decay(s, k) = s*k / 2**DECAY_SHIFT`` rounded toward zero:

    current     i' = decay(i, current_keep) + x + bias    (CUBA models; else i' = x)
    membrane    u  = decay(v, keep) + i' (+ bias)         saturated (or wrapped) to the membrane
    spikes      s  = 1 if u >= threshold else 0           (MULTI: u // threshold if u > 0)
    reset       v' = see ``RESET_*``

``bias`` is the constant input of the layer, so CUBA models filter it like any other input; the other
models add it at the membrane.  ``threshold`` is the smallest integer membrane that fires, so a
framework's ``>`` and ``>=`` are both expressed by its value.  ``reset_amount`` is the value to reset
to, or the amount to subtract.

A first-spike neuron (TTFS, time to first spike; ``update_first_spike``) fires at most once in a sample, at a
threshold that falls from step to step; ``age`` counts the neuron's own steps, from 0 in its start step:

    input       only in the first ``input_steps`` steps (0: in all); the current is 0 after them
    threshold   max(threshold - ramp * (age - silent_steps), ramp_floor); none while age < silent_steps
    fired       kept as the one membrane that no waiting neuron has, ``v_low``: then silent and at rest

Sources of the equations: the frameworks' documented updates, see ``neurosim/network/profiles``; for the
threshold that falls and the two phases (first integrate, then fire) S. Park et al., "T2FSNN: Deep Spiking
Neural Networks with Time-to-first-spike Coding", DAC 2020, arXiv:2003.11741 (theirs falls exponentially),
and for the input that ramps (a current that is kept) B. Rueckauer and S.-C. Liu, "Conversion of analog to
spiking neural networks using sparse temporal coding", ISCAS 2018.
"""

from __future__ import annotations

from neurosim.rules.arith import Int, is_outside, saturate, scale_toward_zero, wrap

DECAY_SHIFT = 12  # decay factors are multiples of 1/4096 (Loihi: 12-bit decays, Davies et al. 2018)
DECAY_ONE = 1 << DECAY_SHIFT

MODEL_IF = 0
MODEL_LIF = 1
MODEL_CUBA_LIF = 2
MODEL_LI = 3
MODEL_CUBA_LI = 4
MODEL_TTFS = 5  # first-spike neurons keep a current, like CUBA models
MODEL_NAMES = ("if", "lif", "cuba_lif", "li", "cuba_li", "ttfs")

RESET_VALUE = 0  # v' = reset_amount where it spiked
RESET_SUBTRACT = 1  # v' = u - reset_amount where it spiked
RESET_SUBTRACT_DELAYED = 2  # a spike is subtracted in the next step, after the decay
RESET_SUBTRACT_SAME_TIME = 3  # delayed subtraction, moved back where spike and reset differ
RESET_ZERO_WITH_INPUT = 4  # the step after a spike loses its whole membrane, input included
RESET_SUBTRACT_MULTI = 5  # several spikes a step, u // threshold, each subtracts
RESET_NONE = 6  # never fires: a read-out integrator
RESET_ONCE = 7  # one spike per sample, then at rest: of MODEL_TTFS, and only of it
RESET_NAMES = (
    "value",
    "subtract",
    "subtract_delayed",
    "subtract_same_time",
    "zero_with_input",
    "subtract_multi",
    "none",
    "once",
)


def fit(x: Int, low: Int, high: Int, wraps: int) -> Int:
    """``x`` in the membrane's width: wrapped if the chip says so, else saturated."""
    if wraps:
        return wrap(x, low, high)
    return saturate(x, low, high)


def has_current(model: int) -> bool:
    """Whether the model keeps a synaptic current as a second state."""
    return model == MODEL_CUBA_LIF or model == MODEL_CUBA_LI or model == MODEL_TTFS


def update_current(model: int, i: Int, x: Int, current_keep: Int) -> Int:
    """The synaptic current after this step's input."""
    if has_current(model):
        return scale_toward_zero(i, current_keep, DECAY_SHIFT) + x
    return x + 0 * i


def integrate(
    reset: int, v: Int, drive: Int, keep: Int, threshold: Int, reset_amount: Int
) -> Int:
    """The membrane before the threshold is looked at, and before its width is enforced."""
    u = scale_toward_zero(v, keep, DECAY_SHIFT) + drive
    if reset == RESET_SUBTRACT_DELAYED or reset == RESET_SUBTRACT_SAME_TIME:
        return u - (v >= threshold) * reset_amount
    if reset == RESET_ZERO_WITH_INPUT:
        return u * (v < threshold)
    return u


def count_spikes(reset: int, u: Int, threshold: Int) -> Int:
    """Spikes that membrane ``u`` emits in this step (0 or 1, more only for MULTI)."""
    if reset == RESET_NONE:
        return 0 * u
    if reset == RESET_SUBTRACT_MULTI:
        return (u >= threshold) * (u // threshold)
    return 1 * (u >= threshold)


def apply_reset(reset: int, v: Int, u: Int, spikes: Int, threshold: Int, reset_amount: Int) -> Int:
    """The membrane that the next step sees."""
    if reset == RESET_VALUE:
        return u + (spikes > 0) * (reset_amount - u)
    if reset == RESET_SUBTRACT or reset == RESET_SUBTRACT_MULTI:
        return u - spikes * reset_amount
    if reset == RESET_SUBTRACT_SAME_TIME:
        return u - (spikes - 1 * (v >= threshold)) * reset_amount
    return u


def update(
    model: int,
    reset: int,
    wraps: int,
    v: Int,
    i: Int,
    x: Int,
    keep: Int,
    current_keep: Int,
    bias: Int,
    threshold: Int,
    reset_amount: Int,
    v_floor: Int,
    v_low: int,
    v_high: int,
    i_low: int,
    i_high: int,
) -> tuple[Int, Int, Int, Int]:
    """One step: returns ``(v', i', spikes, overflows)``.

    ``v_floor`` is the model's own lower bound of the membrane (``v_low`` where it has none);
    ``v_low..v_high`` and ``i_low..i_high`` are the widths of membrane and current.
    ``overflows`` counts the values that did not fit (0, 1 or 2 per neuron).
    """
    filtered = 1 if has_current(model) else 0  # whether the bias goes through the current
    wide_i = update_current(model, i, x + bias * filtered, current_keep)
    new_i = fit(wide_i, i_low, i_high, wraps)
    wide_u = integrate(reset, v, new_i + bias * (1 - filtered), keep, threshold, reset_amount)
    u = fit(wide_u, v_low, v_high, wraps)
    spikes = count_spikes(reset, u, threshold)
    after = apply_reset(reset, v, u, spikes, threshold, reset_amount)
    new_v = saturate(after, v_floor, v_high)
    overflows = is_outside(wide_i, i_low, i_high) + is_outside(wide_u, v_low, v_high)
    if has_current(model):
        return new_v, new_i, spikes, overflows
    return new_v, i, spikes, overflows


def falling_threshold(age: Int, threshold: Int, ramp: Int, ramp_floor: Int, silent_steps: int) -> Int:
    """The threshold of a first-spike neuron in its ``age``-th step (of use from ``silent_steps`` on)."""
    now = threshold - ramp * (age - silent_steps)
    return now + (ramp_floor - now) * (now < ramp_floor)


def update_first_spike(
    wraps: int,
    v: Int,
    i: Int,
    x: Int,
    keep: Int,
    current_keep: Int,
    bias: Int,
    threshold: Int,
    v_floor: Int,
    v_low: int,
    v_high: int,
    i_low: int,
    i_high: int,
    age: Int,
    ramp: Int,
    ramp_floor: Int,
    input_steps: int,
    silent_steps: int,
) -> tuple[Int, Int, Int, Int]:
    """One step of a first-spike neuron: ``(v', i', spikes, overflows)`` as :func:`update`.

    ``bias`` goes through the current.  A neuron that waits keeps its membrane above ``v_low``, whatever
    ``v_floor`` says.
    """
    waits = 1 * (v > v_low)
    takes = 1 * ((input_steps == 0) + (age < input_steps) > 0)
    wide_i = takes * update_current(MODEL_TTFS, i, x + bias, current_keep)
    new_i = fit(wide_i, i_low, i_high, wraps)
    wide_u = integrate(RESET_ONCE, v, new_i, keep, threshold, 0)
    u = fit(wide_u, v_low, v_high, wraps)
    now = falling_threshold(age, threshold, ramp, ramp_floor, silent_steps)
    spikes = waits * (age >= silent_steps) * (u >= now)
    goes_on = waits - spikes
    kept = saturate(u, v_floor + (v_low + 1 - v_floor) * (v_floor <= v_low), v_high)
    overflows = waits * (is_outside(wide_i, i_low, i_high) + is_outside(wide_u, v_low, v_high))
    return v_low + goes_on * (kept - v_low), goes_on * new_i, spikes, overflows


def is_active(v: Int, i: Int, new_v: Int, new_i: Int, x: Int, spikes: Int) -> Int:
    """1 if the update did something: input came, state moved or it fired (priced as *active*)."""
    return 1 * (((x != 0) + (spikes != 0) + (v != new_v) + (i != new_i)) > 0)
