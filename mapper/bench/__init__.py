"""Benchmarks of the mapper on public nets, against published figures: one module per stage.

``SUITES`` names them; each gives :class:`Case` objects, whose ``run`` gives a :class:`Row`.  Nothing is read
but the workloads; costs depend on the seed only, times on the machine.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable
from dataclasses import dataclass

from neurosim.errors import InputError, did_you_mean

SUITES = ("defects", "group", "partition", "placement", "routes")


@dataclass(frozen=True)
class Row:
    """One measurement; ``ratio`` is cost over ``published``, ``start`` the cost before any search.

    ``mean`` is over ``runs`` runs, ``cost`` the best of them; seconds and moves are those of all runs.
    ``floor``, ``floor_mean`` and ``floor_s`` are what this project asks of itself: the largest cost, mean and
    seconds of one run (None: nothing is asked).
    """

    case: str
    size: int
    published: float
    source: str
    start: float
    cost: float
    mean: float
    runs: int
    bound: float
    ratio: float
    wall_s: float
    cpu_s: float
    moves_per_cpu_s: float
    peak_mb: float
    seed: int
    method: str
    floor: float | None = None
    floor_mean: float | None = None
    floor_s: float | None = None

    @property
    def keeps_floor(self) -> bool | None:
        """Whether cost, mean and CPU seconds a run are within the project's own floors; None: it has none."""
        pairs = (
            (self.floor, self.cost), (self.floor_mean, self.mean), (self.floor_s, self.cpu_s / self.runs)
        )  # fmt: skip
        stated = [got <= most for most, got in pairs if most is not None]
        return all(stated) if stated else None


@dataclass(frozen=True)
class Case:
    """A named measurement: ``run(seed, effort)``."""

    name: str
    run: Callable[[int, float], Row]


def cases(suite: str, wanted: str | None = None) -> list[Case]:
    """The cases of a suite whose names begin with ``wanted`` (None: all).

    Raises:
        InputError: there is no such suite, or none of its cases begins so.
    """
    if suite not in SUITES:
        raise InputError(
            f"the mapper has no stage '{suite}' to measure", code="bench-suite",
            expected="one of " + ", ".join(SUITES), hint=did_you_mean(suite, SUITES),
        )  # fmt: skip
    module = importlib.import_module(f"mapper.bench.{suite}")
    found: list[Case] = module.suite()
    chosen = [case for case in found if wanted is None or case.name.startswith(wanted)]
    if not chosen:
        names = [case.name for case in found]
        raise InputError(
            f"no case of the {suite} benchmark begins with '{wanted}'", code="bench-case",
            expected="the beginning of one of " + ", ".join(names),
            hint=did_you_mean(str(wanted), names),
        )  # fmt: skip
    return chosen
