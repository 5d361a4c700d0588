"""The network: populations of neurons joined by projections, before and after quantisation.

One shape convention everywhere: a population's ``shape`` is ``(C, H, W)`` or ``(N,)`` as the
framework has it, neurons are numbered in C order, and regions are boxes in :func:`as_chw` form.

Time: a projection with ``delay_steps`` 0 delivers in the step in which its source fires (as in all
frameworks), with 1 in the step after (every recurrent loop), more with Delay nodes.  How this is laid
out on hardware, where every hop costs a step, is :mod:`neurosim.network.schedule`'s business.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.network.connections import Connection, Pool
from neurosim.store import artefact

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


def as_chw(shape: tuple[int, ...]) -> tuple[int, int, int]:
    """``shape`` as (channels, height, width); anything but 2-D maps becomes channels only."""
    if len(shape) == 3:
        return shape[0], shape[1], shape[2]
    if len(shape) == 2:
        return shape[0], 1, shape[1]
    return math.prod(shape), 1, 1


@artefact
@dataclass(frozen=True)
class Ramp:
    """What makes a neuron fire once, at a threshold that falls (model "ttfs", reset "once").

    In the neuron's own step n (0 in its first) the threshold is
    ``max(threshold - per_step * (n - silent_steps), floor)``; before step ``silent_steps`` it cannot fire.
    Input counts in its first ``input_steps`` steps only (0: in all), and its current is 0 after them.
    ``per_step`` and ``floor`` are one value per neuron or 0-d: float in the membrane's unit, or int64.  A
    neuron that has fired stays at rest to the end of the sample.
    """

    per_step: NDArray[Any]
    floor: NDArray[Any]
    input_steps: int = 0
    silent_steps: int = 0


@artefact
@dataclass(frozen=True)
class FloatNeuron:
    """A neuron model with the framework's own parameters, one value per neuron or a 0-d array.

    Update of one step, literally (``x`` is the weighted input of the step)::

        i = syn_keep * i + syn_gain * x        only if it ``keeps_current``; else i = x
        u = keep * v + gain * i + offset       minus the delayed resets, see ``reset``
        s = u > threshold  (or >=, see ``at_threshold``)

    ``reset`` is one of ``neurosim.rules.neuron.RESET_NAMES``; ``reset_amount`` is the value to reset
    to, or the amount to subtract.  ``v_min`` bounds the membrane from below, after the reset (-inf: no
    bound).  ``v_initial`` is the membrane before the first step.

    ``fraction_bits`` f marks a membrane in fixed point: ``keep * v`` is rounded toward zero to a multiple
    of 2**-f.  Weights and inputs are then integers already, and quantisation keeps them as they are.

    ``ramp`` belongs to model "ttfs" and reset "once", and only to them; ``reset_amount`` means nothing there.
    """

    model: str
    keep: FloatArray
    gain: FloatArray
    offset: FloatArray
    threshold: FloatArray
    reset: str
    reset_amount: FloatArray
    at_threshold: bool
    syn_keep: FloatArray
    syn_gain: FloatArray
    v_min: FloatArray = field(default_factory=lambda: np.asarray(-np.inf))
    v_initial: FloatArray = field(default_factory=lambda: np.zeros(()))
    fraction_bits: int | None = None
    ramp: Ramp | None = None

    @property
    def keeps_current(self) -> bool:
        """Whether the synaptic current is a state of its own, through which the bias goes too."""
        return self.model.startswith("cuba") or self.model == "ttfs"


@artefact
@dataclass(frozen=True)
class IntNeuron:
    """A neuron model in the chip's integers, as :func:`neurosim.rules.neuron.update` takes it.

    Arrays are int64, one value per neuron or 0-d; ``v_initial`` is the reset state's membrane.  ``scale``
    is what one unit of the float membrane (divided by its input gain) became; it is kept for reports only.
    ``ramp`` belongs to model "ttfs" (:func:`neurosim.rules.neuron.update_first_spike`).
    """

    model: str
    reset: str
    keep: IntArray
    current_keep: IntArray
    bias: IntArray
    threshold: IntArray
    reset_amount: IntArray
    v_floor: IntArray
    input_shift: int
    scale: float
    v_initial: IntArray = field(default_factory=lambda: np.zeros((), np.int64))
    ramp: Ramp | None = None


@artefact
@dataclass(frozen=True)
class Population:
    """Neurons of one model and shape; ``neuron`` None marks an input population.

    ``bias`` (float networks) is the constant input of every step, one per neuron or 0-d; it adds to
    the weighted input ``x``.
    """

    name: str
    shape: tuple[int, ...]
    neuron: FloatNeuron | IntNeuron | None
    bias: FloatArray = field(default_factory=lambda: np.zeros(()))

    @property
    def n(self) -> int:
        """Number of neurons."""
        return math.prod(self.shape)

    @property
    def is_input(self) -> bool:
        """Whether the population is fed by the user."""
        return self.neuron is None


@artefact
@dataclass(frozen=True)
class Projection:
    """Synapses from one population to another.

    The source's neurons are first gathered by ``pool`` (several neurons share one axon), then
    weighted by ``connection``.  ``graded`` marks partial sums that travel as packet payload.
    """

    name: str
    source: str
    target: str
    connection: Connection
    pool: Pool | None = None
    delay_steps: int = 0
    graded: bool = False


@artefact
@dataclass(frozen=True)
class Network:
    """A network whose populations are all float or all integer (``is_integer``).

    ``outputs`` are the populations that the user reads; ``dt_s`` is the time step in seconds;
    ``profile`` names the neuron profile; ``warnings`` were raised on the way here.
    """

    name: str
    populations: tuple[Population, ...]
    projections: tuple[Projection, ...]
    outputs: tuple[str, ...]
    dt_s: float
    profile: str
    is_integer: bool = False
    weight_bits: int | None = None
    warnings: tuple[str, ...] = ()

    def population(self, name: str) -> Population:
        """The population called ``name`` (KeyError if there is none)."""
        for population in self.populations:
            if population.name == name:
                return population
        raise KeyError(name)

    @property
    def inputs(self) -> tuple[Population, ...]:
        """The input populations, in order (none: the network runs by its biases and first membranes)."""
        return tuple(p for p in self.populations if p.is_input)

    @property
    def n_neurons(self) -> int:
        """Neurons, inputs not counted."""
        return sum(p.n for p in self.populations if not p.is_input)

    @property
    def n_synapses(self) -> int:
        """Synapses if every convolution were unrolled."""
        return sum(p.connection.n_synapses for p in self.projections)

    def into(self, name: str) -> tuple[Projection, ...]:
        """Projections whose target is ``name``."""
        return tuple(p for p in self.projections if p.target == name)

    def out_of(self, name: str) -> tuple[Projection, ...]:
        """Projections whose source is ``name``."""
        return tuple(p for p in self.projections if p.source == name)
