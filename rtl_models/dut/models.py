"""What a design is held against: the protocol of a model, and models that a user writes.

A model is made once per case, as ``ClassName(parameters, seed)``, and has one of two methods::

    def step(self, step, taken):    # for order and per_step_set
        ...                         # taken: the words that the design took in this step, in this order
        return [("spikes_out", {"neuron": 3})]     # what must come out before the step ends, in order

    def cycle(self, seen):          # for exact_cycle, and for any other equality too
        ...                         # seen: see Seen; called for every cycle from 0 on
        return [("east_out", {"x": 1, "y": 2})]    # what must be handed over in this very cycle

A word is a pair of a port's name and its fields by name (fixed fields and parity may be left out).  With
``exact_cycle`` an input port with credits may be returned too, with no fields: a credit that must come back
in this cycle; and a method ``accepts()`` may tell, before ``cycle``, which valid/ready inputs must be ready.
``tables()`` may return arrays and numbers that the adapter's expressions use to configure the design.
"""

from __future__ import annotations

import importlib.util
import sys
import traceback
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, runtime_checkable

from neurosim.errors import InputError, did_you_mean
from rtl_models.dut.against import OwnModel
from rtl_models.dut.loading import Loaded


class Word(NamedTuple):
    """A word on a port, by its fields."""

    port: str
    fields: Mapping[str, int]


@dataclass(frozen=True)
class Seen:
    """What happened in one cycle besides the design's output.

    ``offered``: words that we began to offer; ``taken``: words that the design took; ``ready``: per output
    port our ready (valid/ready) or acknowledge line; ``returned``: output ports whose credit we gave back.
    """

    cycle: int
    offered: tuple[Word, ...]
    taken: tuple[Word, ...]
    ready: Mapping[str, bool]
    returned: tuple[str, ...]


@runtime_checkable
class StepModel(Protocol):
    """Says what a step gives."""

    def step(self, step: int, taken: Sequence[Word]) -> Iterable[tuple[str, Mapping[str, int]]]:
        """Words that come out in ``step``, in order."""
        ...


@runtime_checkable
class CycleModel(Protocol):
    """Says what is handed over in every cycle."""

    def cycle(self, seen: Seen) -> Iterable[tuple[str, Mapping[str, int]]]:
        """Words that are handed over in this cycle."""
        ...


Model = StepModel | CycleModel


def own_model(loaded: Loaded, own: OwnModel, seed: int) -> Model:
    """An object of the user's class.

    Raises:
        InputError: no such file or class, it cannot be made, or it has neither method.
    """
    at = ("against", "own", "model")
    file, _, name = own.model.rpartition(":")
    path = loaded.file(at, file)
    try:
        module = _imported(path.resolve().as_posix())
        found = getattr(module, name, None)
        if found is None:
            raise loaded.error(
                at, f"'{file}' has no class '{name}'", "no-class",
                hint=did_you_mean(name, [n for n in vars(module) if not n.startswith("_")]),
            )  # fmt: skip
        model = found(dict(own.parameters), seed)
    except InputError:
        raise
    except Exception as error:
        raise model_failed(path.name, error) from error
    if not isinstance(model, StepModel | CycleModel):
        raise loaded.error(at, f"class '{name}' has neither a method 'step' nor 'cycle'", "no-method")
    if loaded.adapter.against.equality == "exact_cycle" and not isinstance(model, CycleModel):
        raise loaded.error(
            ("against", "equality"), f"'exact_cycle' needs a method 'cycle' of class '{name}'", "no-method",
            hint="a model with 'step' can be held against 'order' or 'per_step_set'",
        )  # fmt: skip
    return model


def _imported(path: str) -> Any:
    spec = importlib.util.spec_from_file_location("neurosim_dut_model", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def model_failed(name: str, error: Exception) -> InputError:
    """What an exception in the user's model means: the last line of his that it passed."""
    frames = [f for f in traceback.extract_tb(error.__traceback__) if f.filename.endswith(name)]
    line = error.lineno if isinstance(error, SyntaxError) else frames[-1].lineno if frames else None
    return InputError(
        "the model failed", code="dut-model", where=name if line is None else f"{name}:{line}",
        got=f"{type(error).__name__}: {error}",
    )  # fmt: skip
