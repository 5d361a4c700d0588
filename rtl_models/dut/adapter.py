"""What an adapter file says: how a stranger's design is built, driven, watched and judged.

Frozen pydantic models, unknown keys refused; :mod:`rtl_models.dut.loading` reads the file.  Names of signals
are ports of the top module; ``~name`` is the inverted signal, ``name[7:4]`` a part of it.  ``Expression`` is
integer arithmetic, see :mod:`rtl_models.dut.expressions`.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from neurosim.chip.models import LARGEST, Count, Natural, misfit
from neurosim.errors import did_you_mean
from rtl_models.dut.against import Against
from rtl_models.dut.section import Bits, Expression, Name, Names, Section, Share

Protocol = Literal["valid_ready", "four_phase", "two_phase", "credit"]
Side = Literal["east", "north", "west", "south", "local"]
Means = Literal[
    "axon", "neuron", "core", "x", "y", "exit", "step", "packet", "payload", "head", "tail", "parity_even",
    "parity_odd", "ignore",
]  # fmt: skip
SIGNALS: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {  # protocol: needed, optional
    "valid_ready": (("valid", "data"), ("ready",)),
    "four_phase": (("req", "ack", "data"), ()),
    "two_phase": (("req", "ack", "data"), ()),
    "credit": (("valid", "data", "credit"), ()),
}
DRIVEN_BY_SENDER = ("valid", "req", "data")


class Design(Section):
    """The sources; paths are relative to the adapter's folder, globs allowed."""

    sources: Annotated[tuple[Name, ...], Field(min_length=1)]
    include_dirs: tuple[Name, ...] = ()
    defines: dict[str, Expression] = Field(default_factory=dict)
    top: Name
    parameters: dict[str, Expression] = Field(default_factory=dict)
    simulator: Literal["icarus", "verilator"] = "icarus"
    language: Literal["2005", "2012"] = "2005"


class Clock(Section):
    """The one clock; outputs are looked at just before its rising edge."""

    port: Name
    period_ps: Annotated[int, Field(ge=2, le=LARGEST)] = 10_000


class Reset(Section):
    """Held for ``cycles``; cycle 0 is the first cycle without it."""

    port: Name
    active: Literal["high", "low"] = "high"
    cycles: Count = 4


class WordField(Section):
    """``bits`` bits of a word.  ``means`` is the name, if that is a meaning; ``value`` fixes the field.

    ``values``: random words draw it from 0 .. values - 1.
    """

    name: Name
    bits: Bits
    means: Means | None = None
    value: Expression | None = None
    values: Count | None = None


class Port(Section):
    """A port of address events.  ``fields`` from bit 0 up; ``credits`` are the slots behind it."""

    direction: Literal["in", "out"]
    protocol: Protocol
    signals: dict[str, Names]
    fields: Annotated[tuple[WordField, ...], Field(min_length=1)]
    credits: Count | None = None
    side: Side | None = None

    @model_validator(mode="after")
    def _signals_of_the_protocol(self) -> Port:
        needed, optional = SIGNALS[self.protocol]
        for name in self.signals:
            if name not in (*needed, *optional):
                known = (*needed, *optional)
                raise misfit(
                    f"signals.{name}", f"protocol '{self.protocol}' has no signal '{name}'",
                    did_you_mean(name, known) or "its signals: " + ", ".join(known),
                )  # fmt: skip
            if name != "data" and len(self.signals[name]) > 1:
                raise misfit(f"signals.{name}", "only 'data' may be a list of signals")
        missing = [name for name in needed if name not in self.signals]
        if missing:
            raise misfit("signals", f"protocol '{self.protocol}' needs the signal '{missing[0]}'")
        if (self.credits is None) == (self.protocol == "credit"):
            text = "needs 'credits', the slots behind it" if self.credits is None else "knows no 'credits'"
            raise misfit("protocol", f"protocol '{self.protocol}' {text}")
        names = [field.name for field in self.fields]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice:
            raise misfit("fields", f"field '{twice}' stands twice")
        return self


class Mark(Section):
    """Something that happens between steps: a ``pulse`` of one cycle, or a word on ``port``.

    ``fields`` are the values of the word; those not named are 0.
    """

    pulse: Name | None = None
    port: Name | None = None
    fields: dict[str, Expression] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _one_of_both(self) -> Mark:
        if (self.pulse is None) == (self.port is None):
            raise misfit("", "either 'pulse' (a signal) or 'port' (a word on it) is needed")
        return self


class Done(Section):
    """How the design says that a step is over, looked for from ``after_cycles`` after its tick on.

    ``high``: a signal that is 1 (``~busy`` for one that is 0 then); ``port``: a word with these fields;
    ``quiet_cycles``: so many cycles without any event on any port.
    """

    high: Name | None = None
    port: Name | None = None
    fields: dict[str, Expression] = Field(default_factory=dict)
    quiet_cycles: Count | None = None
    after_cycles: Count = 1

    @model_validator(mode="after")
    def _one_of_three(self) -> Done:
        if sum(part is not None for part in (self.high, self.port, self.quiet_cycles)) != 1:
            raise misfit("", "one of 'high', 'port' and 'quiet_cycles' is needed")
        return self


class Step(Section):
    """A step: ``begin``, the events, ``tick`` (the neurons update now), output until ``done``.

    The tick comes ``gap_cycles`` after the last event was taken, and not before the signal ``ready`` is 1.
    """

    begin: Mark | None = None
    gap_cycles: Natural = 0
    ready: Name | None = None
    tick: Mark | None = None
    done: Done


class Image(Section):
    """A memory's content: by the memory's hierarchical name, or as a file that the design reads itself.

    The words are those of ``file`` (as ``$readmemh`` reads it), or ``word`` evaluated in a loop over
    ``for`` (the first name is the slowest).  ``passed_by`` names the plusarg, define or parameter
    ``name`` through which the design gets the file's path.
    """

    memory: Name | None = None
    passed_by: Literal["plusarg", "define", "parameter"] | None = None
    name: Name | None = None
    file: Name | None = None
    word: Expression | None = None
    loop: Annotated[dict[str, Expression], Field(alias="for")] = Field(default_factory=dict)
    bits: Bits | None = None
    words: Count | None = None

    @model_validator(mode="after")
    def _one_way_each(self) -> Image:
        if (self.memory is None) == (self.passed_by is None):
            raise misfit("", "either 'memory' (its hierarchical name) or 'passed_by' is needed")
        if (self.passed_by is None) != (self.name is None):
            raise misfit("", "'passed_by' and 'name' belong together")
        if (self.file is None) == (self.word is None):
            raise misfit("", "either 'file' or 'word' (with 'for') is needed")
        if self.passed_by is not None and (self.bits is None or self.words is None):
            raise misfit("", "an image passed as a file needs the memory's size: 'words' and 'bits'")
        return self


class Transactions(Section):
    """A list of transactions: ``fields`` are evaluated in a loop over ``for``."""

    loop: Annotated[dict[str, Expression], Field(alias="for")] = Field(default_factory=dict)
    fields: dict[str, Expression]


class Spi(Section):
    """Frames over a serial bus, most significant bit first, sampled at the rising edge of its clock."""

    clock: Name
    data: Name
    select: Name | None = None
    select_active: Literal["high", "low"] = "low"
    half_period_cycles: Count = 2
    gap_cycles: Count = 2
    frame: Annotated[tuple[WordField, ...], Field(min_length=1)]


class Bus(Section):
    """Writes: the fields stand on their ports while ``write`` is 1, until ``ready`` (if there is one) is."""

    write: Name
    ready: Name | None = None
    signals: Annotated[dict[str, Name], Field(min_length=1)]


class Configuration(Section):
    """One stage of loading the design, in the order of the file."""

    image: Image | None = None
    spi: Spi | None = None
    bus: Bus | None = None
    writes: tuple[Transactions, ...] = ()
    file: Name | None = None
    settle_cycles: Natural = 0

    @model_validator(mode="after")
    def _one_kind(self) -> Configuration:
        if sum(part is not None for part in (self.image, self.spi, self.bus)) != 1:
            raise misfit("", "one of 'image', 'spi' and 'bus' is needed")
        if self.image is None and not self.writes and self.file is None:
            raise misfit("", "'writes' or 'file' is needed: what is to be written")
        if self.image is not None and (self.writes or self.file is not None):
            raise misfit("image", "an image has its own 'file' or 'word', no 'writes'")
        return self


class Stimuli(Section):
    """What is sent: random events of ``seed``, or those of a ``file``.

    A core gets ``steps`` steps in which each axon has an event with probability ``rate`` (ports without a
    field that means axon: ``words`` random words a step); a router gets ``words`` words per input port,
    a new one in each cycle with probability ``rate``.  ``stall``: how often an output port is not
    answered in a cycle.
    """

    seed: Natural = 1
    cases: Count = 2
    steps: Count = 20
    rate: Share = 0.2
    words: Count = 200
    stall: Share = 0.0
    file: Name | None = None


class Limits(Section):
    """When to give up: ``cycles`` in all, ``idle_cycles`` in which nothing happens while we wait."""

    cycles: Count = 1_000_000
    idle_cycles: Count = 2_000
    wall_seconds: Annotated[float, Field(ge=0.1, le=10**6, allow_inf_nan=False)] = 600


class Adapter(Section):
    """An adapter file."""

    schema_version: Literal[1]
    name: Annotated[str, Field(pattern=r"^[a-z0-9_]+$")]
    kind: Literal["core", "router"]
    design: Design
    clock: Clock
    reset: Reset | None = None
    ties: dict[str, Expression] = Field(default_factory=dict)
    ports: Annotated[dict[str, Port], Field(min_length=1)]
    step: Step | None = None
    configuration: tuple[Configuration, ...] = ()
    against: Against
    stimuli: Stimuli = Stimuli()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _parts_fit(self) -> Adapter:
        for direction in ("in", "out"):
            if not any(port.direction == direction for port in self.ports.values()):
                raise misfit("ports", f"no port has 'direction: {direction}'")
        if self.kind == "router" and (self.against.neuron or self.against.program):
            raise misfit("kind", "a router is held against 'router' or 'own', not against neuron rules")
        if self.kind == "core" and self.against.router:
            raise misfit("kind", "a core is not held against 'router'")
        if self.against.equality == "exact_cycle" and (self.against.neuron or self.against.program):
            raise misfit(
                "against.equality", "neuron rules say what a step gives, not in which cycle",
                "use 'order' or 'per_step_set', or a model of your own with a method 'cycle'",
            )  # fmt: skip
        self._marks_fit()
        return self

    def _marks_fit(self) -> None:
        if self.step is None:
            if self.kind == "core" and not self.against.own:
                raise misfit("kind", "a core under the neuron rules needs 'step': when its neurons update")
            return
        step = self.step
        sides = (("begin", step.begin, "in"), ("tick", step.tick, "in"), ("done", step.done, "out"))
        for name, mark, direction in sides:
            if mark is None or mark.port is None:
                continue
            port = self.ports.get(mark.port)
            if port is None or port.direction != direction:
                known = [name for name, port in self.ports.items() if port.direction == direction]
                raise misfit(
                    f"step.{name}.port", f"'{mark.port}' is not one of the '{direction}' ports",
                    did_you_mean(mark.port, known) or "they are " + ", ".join(known),
                )  # fmt: skip
