"""Neuron profiles: what a NIR file leaves open, per framework and version, as data.

A NIR file does not determine its spikes: the time step, the kind and moment of the reset, ``>`` or
``>=``, spikes per step, the integrator and the meaning of IF's ``r`` are the framework's.  A
:class:`Profile` says all of it; :func:`neuron_of` turns a node's parameters into a
:class:`~neurosim.network.model.FloatNeuron` under it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from neurosim.errors import InputError, did_you_mean
from neurosim.network.model import FloatNeuron

Array = NDArray[np.float64]
MODELS = {
    "CubaLI": "cuba_li", "CubaLIF": "cuba_lif", "I": "li", "IF": "if", "LI": "li", "LIF": "lif",
    "Threshold": "lif",
}  # fmt: skip
NODES = tuple(MODELS)


@dataclass(frozen=True)
class Profile:
    """The conventions of one framework and version.

    * ``default_dt_s``: the time step if the user gives none; None: the user must.
    * ``time_unit``: "s", or "steps" where the framework writes time constants in steps (dt is then 1 in
      the equations and serves only to name the step's length).
    * ``decay``: "euler" keeps ``1 - dt/tau`` of a state per step, "exp" keeps ``exp(-dt/tau)``.
    * ``input_gain``: of leaky neurons: "euler" ``r dt/tau``, "relax" ``r (1 - keep)``, "r" ``r``.
    * ``if_gain``: of IF and I: "per_step" ``r``, "per_second" ``r dt``.
    * ``at_threshold``: fires at ``u >= threshold``, else only above it.
    * ``reset``: one of ``neurosim.rules.neuron.RESET_NAMES``; ``reset_synaptic`` is that of CubaLIF and of
      LIF with a loop onto itself, where the framework has another.
    * ``start``: the membrane before the first step: "zero", "v_leak" or "v_reset".
    * ``floor_at_minus_threshold``: IF membranes never fall below minus the threshold.
    * ``nodes``: the NIR neuron types whose meaning is known.
    """

    name: str
    description: str
    source: str
    default_dt_s: float | None
    reset: str
    at_threshold: bool
    reset_synaptic: str = ""
    decay: str = "euler"
    input_gain: str = "euler"
    if_gain: str = "per_step"
    time_unit: str = "s"
    start: str = "zero"
    floor_at_minus_threshold: bool = False
    nodes: tuple[str, ...] = NODES

    def dt_in_unit(self, dt_s: float) -> float:
        """The time step in the unit of the file's time constants."""
        return 1.0 if self.time_unit == "steps" else dt_s


_SNNTORCH = Profile(
    name="snntorch-1.0",
    description="snnTorch Leaky and Synaptic with reset_mechanism='subtract' and the default "
    "reset_delay=True: the threshold is subtracted one step after the spike, undecayed; RLeaky and "
    "RSynaptic likewise",
    source="snnTorch 1.0.0, snntorch/_neurons/{leaky,synaptic}.py and export_nir.py",
    default_dt_s=1e-4,
    reset="subtract_delayed",
    at_threshold=False,
    nodes=("CubaLI", "CubaLIF", "LI", "LIF", "Threshold"),
)
_SINABS = Profile(
    name="sinabs-3.1",
    description="sinabs IAF and LIF(norm_input=False) with the default MultiSpike: trunc(v / threshold) "
    "spikes a step, each subtracts the threshold; time constants in steps",
    source="sinabs 3.1.3, sinabs/layers/{iaf,lif}.py, sinabs/activation, sinabs/nir.py",
    default_dt_s=1e-3,
    reset="subtract_multi",
    at_threshold=True,
    decay="exp",
    input_gain="r",
    time_unit="steps",
    nodes=("I", "IF", "LI", "LIF", "Threshold"),
)
_EULER = Profile(
    name="nir-euler",
    description="the equations of the NIR documentation, Euler steps of dt: fires above the threshold, reset "
    "to v_reset in the same step, IF and I per second",
    source="NIR: Pedersen et al., Nature Communications 15, 8122 (2024); https://neuroir.org",
    default_dt_s=None,
    reset="value",
    at_threshold=False,
    if_gain="per_second",
)

_PROFILES: tuple[Profile, ...] = (
    Profile(
        name="spikingjelly-2.0",
        description="SpikingJelly IFNode, LIFNode and CUBALIFNode with hard reset: fires at the threshold, "
        "reset to v_reset in the same step, IF's r is 1/dt",
        source="SpikingJelly 2.0.0, spikingjelly/activation_based/neuron.py and nir_exchange",
        default_dt_s=1e-4,
        reset="value",
        at_threshold=True,
        if_gain="per_second",
        start="v_reset",
    ),
    _SNNTORCH,
    replace(
        _SNNTORCH,
        name="snntorch-1.0-subtract-nodelay",
        description="snnTorch with reset_mechanism='subtract' and reset_delay=False",
        reset="subtract_same_time",
    ),
    replace(
        _SNNTORCH,
        name="snntorch-1.0-zero",
        description="snnTorch with reset_mechanism='zero' and the default reset_delay=True: Leaky is zeroed; "
        "Synaptic, RLeaky and RSynaptic lose the whole membrane of the step after a spike, its "
        "input included",
        reset="value",
        reset_synaptic="zero_with_input",
    ),
    replace(
        _SNNTORCH,
        name="snntorch-1.0-zero-nodelay",
        description="snnTorch with reset_mechanism='zero' and reset_delay=False: zeroed in the step of the "
        "spike",
        reset="value",
    ),
    Profile(
        name="norse-1.1",
        description="norse LIFBoxCell, LIFCell and IAFCell: fires above the threshold, reset to v_reset in "
        "the same step; norse 1.1.0 writes tau times dt, so correct its files (tau / dt) before",
        source="norse 1.1.0, norse/torch/functional/{lif,lif_box,iaf}.py and utils/export_nir.py",
        default_dt_s=1e-3,
        reset="value",
        at_threshold=False,
        start="v_leak",
    ),
    _SINABS,
    replace(
        _SINABS,
        name="sinabs-3.1-single",
        description="sinabs IAF and LIF(norm_input=False) with SingleSpike: at most one spike a step",
        reset="subtract",
    ),
    replace(
        _SINABS,
        name="sinabs-3.1-from-nir",
        description="what sinabs.nir.from_nir makes of a file: as sinabs-3.1, but IF membranes never fall "
        "below minus the threshold",
        floor_at_minus_threshold=True,
    ),
    replace(
        _SINABS,
        name="sinabs-3.1-norm-input",
        description="sinabs LIF with its default norm_input=True, MultiSpike; the file does not tell it from "
        "norm_input=False",
        input_gain="relax",
        nodes=("LI", "LIF", "Threshold"),
    ),
    _EULER,
    replace(
        _EULER,
        name="nir-paper-exp",
        description="the sinabs and rockpool traces of the NIR paper: exponential decay, input gain "
        "r dt/tau, the threshold is subtracted in the step of the spike, dt 1e-4 s",
        source="https://github.com/neuromorphs/NIR, paper/01_lif",
        default_dt_s=1e-4,
        decay="exp",
        reset="subtract",
    ),
)  # fmt: skip


def profile_names() -> tuple[str, ...]:
    """The names of all profiles."""
    return tuple(p.name for p in _PROFILES)


def get_profile(name: str) -> Profile:
    """The profile called ``name``.

    Raises:
        InputError: the name is empty or unknown; the error lists all profiles.
    """
    for profile in _PROFILES:
        if profile.name == name:
            return profile
    listed = "one of " + ", ".join(profile_names())
    if not name:
        raise InputError(
            "no neuron profile was given, and a NIR file does not determine its spikes without one",
            code="profile-missing", expected=listed,
            hint="name the framework that the network was trained in",
        )  # fmt: skip
    raise InputError(
        f"unknown neuron profile '{name}'", code="profile-unknown", expected=listed,
        hint=did_you_mean(name, profile_names()),
    )  # fmt: skip


def neuron_of(profile: Profile, kind: str, p: Mapping[str, Array], dt: float, has_loop: bool) -> FloatNeuron:
    """The neuron that NIR type ``kind`` with parameters ``p`` means under ``profile``.

    ``p`` holds the NIR parameters by name, flat or 0-d; ``dt`` is in the file's unit of time;
    ``has_loop`` says whether the population feeds itself.  With ``a`` the kept fraction of a state, a
    membrane obeys ``u = a v + gain i + (1 - a) v_leak``; a starting value other than 0 is taken off all
    voltages, which changes nothing else.
    """
    zero, one = np.zeros(()), np.ones(())
    if kind == "Threshold":  # a membrane that forgets everything within its step
        return FloatNeuron("lif", zero, one, zero, p["threshold"], "value", zero, False, zero, one)
    leaky, cuba = kind in ("LI", "LIF", "CubaLI", "CubaLIF"), kind.startswith("Cuba")
    tau = p["tau_mem"] if cuba else p.get("tau", one)
    keep = _keep(profile, tau, dt) if leaky else one
    per_step = dt if profile.if_gain == "per_second" else 1.0
    gain = _gain(profile, p["r"], tau, keep, dt) if leaky else np.asarray(p["r"] * per_step)
    syn_keep = _keep(profile, p["tau_syn"], dt) if cuba else zero
    syn_gain = _gain(profile, p["w_in"], p["tau_syn"], syn_keep, dt) if cuba else one
    start = p.get(profile.start, zero)
    offset = np.asarray((1.0 - keep) * (p.get("v_leak", zero) - start))
    model, never = MODELS[kind], np.asarray(np.inf)
    if model.endswith("li"):
        return FloatNeuron(model, keep, gain, offset, never, "none", zero, False, syn_keep, syn_gain)
    reset = profile.reset_synaptic if profile.reset_synaptic and (cuba or has_loop) else profile.reset
    amount = p["v_threshold"] if reset.startswith("subtract") else np.asarray(p["v_reset"] - start)
    threshold = np.asarray(p["v_threshold"] - start)
    low = -threshold if profile.floor_at_minus_threshold and kind == "IF" else np.asarray(-np.inf)
    at = profile.at_threshold
    return FloatNeuron(model, keep, gain, offset, threshold, reset, amount, at, syn_keep, syn_gain, low)


def _keep(profile: Profile, tau: Array, dt: float) -> Array:
    return np.asarray(1.0 - dt / tau if profile.decay == "euler" else np.exp(-dt / tau))


def _gain(profile: Profile, r: Array, tau: Array, keep: Array, dt: float) -> Array:
    if profile.input_gain == "r":
        return r
    return np.asarray(r * (dt / tau if profile.input_gain == "euler" else 1.0 - keep))
