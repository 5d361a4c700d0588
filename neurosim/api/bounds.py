"""What every function of the API asks of its plain arguments: numbers in range, an output that is usable.

The one place of these bounds, for the command line and for Python alike; reads nothing but file names.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path

from neurosim.errors import InputError

MAX_SEED = 2**31 - 1
"""The largest seed that every generator and solver takes (the solvers' are 32-bit signed)."""
MIN_EFFORT, MAX_EFFORT = 0.001, 1000.0
MAX_COUNT = 2**62
"""The largest number of steps or cycles: twice as many still fit 64 bits."""


def check_seed(seed: int) -> int:
    """``seed`` as an int.

    Raises:
        InputError: it is no whole number of 0 to :data:`MAX_SEED`.
    """
    return _whole("seed", "seed", seed, 0, MAX_SEED)


def check_samples(samples: int | None) -> int | None:
    """``samples`` as an int, or None for all.

    Raises:
        InputError: it is no whole number of at least 1.
    """
    return None if samples is None else _whole("samples", "number of samples", samples, 1)


def check_steps(steps: int | None) -> int | None:
    """``steps`` as an int, or None if not given.

    Raises:
        InputError: it is no whole number of 1 to 2147483647.
    """
    return None if steps is None else _whole("steps", "number of time steps", steps, 1, 2**31 - 1)


def check_step_cycles(cycles: int | None) -> int | None:
    """The limit of a time step in cycles as an int, or None for the engine's own.

    Raises:
        InputError: it is no whole number of 1 to :data:`MAX_COUNT`.
    """
    name = "limit of a time step in cycles"
    return None if cycles is None else _whole("max_step_cycles", name, cycles, 1, MAX_COUNT)


def check_every(steps: int | None) -> int | None:
    """The distance of two checkpoints in hardware steps as an int, or None for none.

    Raises:
        InputError: it is no whole number of 1 to :data:`MAX_COUNT`.
    """
    name = "number of steps between two checkpoints"
    return None if steps is None else _whole("checkpoint_every", name, steps, 1, MAX_COUNT)


def check_effort(effort: float) -> float:
    """``effort`` as a float.

    Raises:
        InputError: it is no number of :data:`MIN_EFFORT` to :data:`MAX_EFFORT`.
    """
    if isinstance(effort, Real) and MIN_EFFORT <= effort <= MAX_EFFORT:  # NaN is neither
        return float(effort)
    raise _outside("effort", "effort", f"a number, {MIN_EFFORT:g}..{MAX_EFFORT:g}", effort)


def _whole(parameter: str, name: str, value: int, low: int, high: int | None = None) -> int:
    if isinstance(value, Integral) and low <= value <= (math.inf if high is None else high):
        return int(value)
    bounds = f"at least {low}" if high is None else f"{low}..{high}"
    raise _outside(parameter, name, f"a whole number, {bounds}", value)


def _outside(parameter: str, name: str, expected: str, got: object) -> InputError:
    return InputError(
        f"the {name} is out of range", code="option-range", parameter=parameter, expected=expected,
        got=str(got),
    )  # fmt: skip


def check_output(out: Path, inputs: Mapping[str, object]) -> None:
    """Refuse an output without a name, with one that the system does not take, or among its inputs.

    ``inputs`` gives, by what they are called in the message, files and folders; other values (a preset's
    name, None, a network in memory) are passed over.

    Raises:
        InputError: as said.
    """
    from neurosim.api.folders import unwritable

    if out.name in ("", ".."):
        raise InputError(
            "the output has no name", code="output-name", expected="a path that ends in a name of its own"
        )
    for path in (out, out.with_name(f".{out.name}.12345678.part")):  # the second: while it is written
        try:
            os.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise unwritable(out, error) from error
    ours = _places(out)
    for name, given in inputs.items():
        if not isinstance(given, (str, os.PathLike)) or not os.path.exists(given):
            continue
        theirs = _places(Path(given))
        for relation, is_so in (
            ("is", ours & theirs),
            ("contains", any(a in b.parents for a in ours for b in theirs)),
            ("lies in", any(b in a.parents for a in ours for b in theirs)),
        ):
            if is_so:
                raise InputError(
                    f"the output {relation} the {name} that it is made from", code="output-overlap",
                    where=str(out), got=f"{name} {given}", hint="choose another output",
                )  # fmt: skip


def _places(path: Path) -> set[Path]:
    """Where a path points, by its name and behind its links."""
    return {Path(os.path.abspath(path)), Path(os.path.realpath(path))}
