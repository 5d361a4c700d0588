"""The section ``against`` of an adapter: what a design is held against, and which equality is demanded."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from neurosim.chip.models import Count, Natural, misfit
from rtl_models.dut.section import Expression, Name, Section, Share


class Weights(Section):
    """Weights (axons, neurons): drawn at random, or a table in a ``.csv`` or ``.npy`` file."""

    low: int | None = None
    high: int | None = None
    density: Share = 1.0
    seed: Natural = 0
    file: Name | None = None

    @model_validator(mode="after")
    def _one_source(self) -> Weights:
        if (self.file is None) == (self.low is None) or (self.low is None) != (self.high is None):
            raise misfit("", "either 'file', or 'low' and 'high' are needed")
        if self.low is not None and self.high is not None and self.low > self.high:
            raise misfit("low", f"'low' {self.low} is above 'high' {self.high}")
        return self


class NeuronRules(Section):
    """The neuron rules of the simulator, on one core; parameters are those of ``neurosim.rules.neuron``.

    ``chip`` and ``set`` give the widths and overflow behaviour.  An expression may use ``neuron``.
    """

    chip: Name = "tiny"
    set: dict[str, Any] = Field(default_factory=dict)
    model: Literal["if", "lif", "cuba_lif"]
    reset: Literal[
        "value", "subtract", "subtract_delayed", "subtract_same_time", "zero_with_input", "subtract_multi"
    ] = "value"
    n_axons: Count
    n_neurons: Count
    weights: Weights
    keep: Expression = "4096"
    current_keep: Expression = "4096"
    bias: Expression = "0"
    threshold: Expression
    reset_amount: Expression = "0"
    v_floor: Expression | None = None


class ProgramRules(Section):
    """One core of a mapped network: a mapping's folder, or a network that is mapped to ``chip`` now."""

    mapping: Name | None = None
    network: Name | None = None
    chip: Name | None = None
    set: dict[str, Any] = Field(default_factory=dict)
    core: Natural = 0

    @model_validator(mode="after")
    def _one_source(self) -> ProgramRules:
        if (self.mapping is None) == (self.network is None):
            raise misfit("", "either 'mapping' (a folder) or 'network' with 'chip' is needed")
        if (self.network is None) != (self.chip is None):
            raise misfit("", "'network' and 'chip' belong together")
        return self


class RouterRules(Section):
    """The router rules of the simulator: section 3 of the cycle contract, one router at (``x``, ``y``).

    ``chip`` and ``set`` give mesh, routing, arbiter and buffers.  For ``exact_cycle``: ``input_cycles``
    from the transfer on an input to the cycle in which the word can be granted; ``output`` valid/ready
    ports are behind a ``register`` (granted in t, on the port from t + 1 on) or ``direct``;
    ``credit_cycles`` from the grant to the credit that it gives back.
    """

    chip: Name = "tiny"
    set: dict[str, Any] = Field(default_factory=dict)
    x: Natural
    y: Natural
    input_cycles: Annotated[int, Field(ge=0, le=64)] = 0
    output: Literal["register", "direct"] = "register"
    output_cycles: Annotated[int, Field(ge=1, le=64)] = 1
    credit_cycles: Annotated[int, Field(ge=1, le=64)] = 1


class OwnModel(Section):
    """A class of the user's: ``file.py:ClassName``, see :mod:`rtl_models.dut.models`."""

    model: Name
    parameters: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _names_a_class(self) -> OwnModel:
        file, _, name = self.model.rpartition(":")
        if not file.endswith(".py") or not name.isidentifier():
            raise misfit("model", f"'{self.model}' does not name a class", "write file.py:ClassName")
        return self


class Against(Section):
    """What the design is held against, and which equality is demanded."""

    equality: Literal["order", "per_step_set", "exact_cycle"]
    neuron: NeuronRules | None = None
    program: ProgramRules | None = None
    router: RouterRules | None = None
    own: OwnModel | None = None

    @model_validator(mode="after")
    def _one_model(self) -> Against:
        if sum(part is not None for part in (self.neuron, self.program, self.router, self.own)) != 1:
            raise misfit("", "one of 'neuron', 'program', 'router' and 'own' is needed")
        return self
