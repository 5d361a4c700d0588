"""Where two runs part: two engines in lock-step, cycle by cycle, and two logs of events.

Reads two :class:`~neurosim.engines.probe.Probe` that were built alike, or two streams of events; writes
nothing.  Between two cycles in which nothing happens on either side nothing can begin to differ, so those
are passed over.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from neurosim.artefacts.program import Program
from neurosim.engines import probe
from neurosim.engines.base import Progress, Traffic
from neurosim.engines.probe import FieldDifference, Probe
from neurosim.fabric.topology import Fabric

Event = tuple[int, ...]
"""(cycle, then whatever names the event: a node, a port, a flit); integers only."""


@dataclass(frozen=True)
class StateDifference:
    """The first cycle at whose end two runs differ, and every field that does, in the order of components."""

    cycle: int
    fields: tuple[FieldDifference, ...]

    @property
    def first(self) -> FieldDifference:
        """The first of them."""
        return self.fields[0]


def _next_cycle(ours: Probe, theirs: Probe) -> int | None:
    """The next cycle in which either side may change something."""
    known = [cycle for cycle in (ours.upcoming(), theirs.upcoming()) if cycle is not None]
    return min(known, default=None)


def compare_at(cycle: int, ours: Probe, theirs: Probe) -> StateDifference | None:
    """Compare two runs that were both advanced to ``cycle``."""
    found = probe.differences(ours.snapshot(), theirs.snapshot())
    if ours.has_ended != theirs.has_ended:
        found.insert(0, FieldDifference("run", "has ended", ours.has_ended, theirs.has_ended))
    return StateDifference(cycle, tuple(found)) if found else None


def cycles_of(ours: Probe, theirs: Probe, last: int) -> Iterator[int]:
    """Advance both from cycle to cycle, up to ``last``; yields the cycles in which either had work."""
    cycle = 0
    ours.advance(0)
    theirs.advance(0)
    while True:
        yield cycle
        upcoming = _next_cycle(ours, theirs)
        if upcoming is None or upcoming > last:
            return
        cycle = max(cycle + 1, upcoming)
        ours.advance(cycle)
        theirs.advance(cycle)


def lock_step(
    ours: Probe, theirs: Probe, last: int, first: int = 0, progress: Progress | None = None
) -> StateDifference | None:
    """Compare the whole state after every cycle ``first`` to ``last``; None if they never part.

    Both must be fresh.  What differs before ``first`` is found in ``first``.  ``progress`` is called with
    (cycle, last, text).
    """
    if first > 0:
        ours.advance(first)
        theirs.advance(first)
        found = compare_at(first, ours, theirs)
        if found is not None:
            return found
    for cycle in cycles_of(ours, theirs, last):
        if cycle < first:
            continue
        if progress is not None:
            progress(cycle, last, "cycles compared")
        found = compare_at(cycle, ours, theirs)
        if found is not None:
            return found
    return None


def bisect(
    build: Callable[[], tuple[Probe, Probe]], marks: Sequence[int], last: int,
    progress: Progress | None = None,
) -> StateDifference | None:  # fmt: skip
    """The same as :func:`lock_step`, faster for long runs: first from mark to mark, then cycle by cycle.

    Args:
        build: makes both runs anew, at their beginning.
        marks: cycles, ascending, in which to look first (the ends of steps).
        last: the last cycle that counts.
        progress: called with (marks passed, marks, text).

    A difference that is gone again at the next mark is not found.
    """
    ours, theirs = build()
    before, stops = 0, [mark for mark in marks if 0 < mark < last] + [last]
    for done, mark in enumerate(stops):
        if progress is not None:
            progress(done, len(stops), f"cycle {before}")
        ours.advance(mark)
        theirs.advance(mark)
        if compare_at(mark, ours, theirs) is not None:
            return lock_step(*build(), mark, before)
        before = mark
    return None


def program_probe(engine: str, program: Program, fabric: Fabric, x: Any) -> Probe:
    """One sample ``x`` (steps, inputs) on a built-in cycle engine, ready to be advanced.

    Raises:
        KeyError: the engine has no probe.
    """
    return _PROGRAM[engine](program, fabric, x)


def _reference_program(program: Program, fabric: Fabric, x: Any) -> Probe:
    from neurosim.engines.probe.reference import ProgramProbe
    from neurosim.engines.reference.sample import Plan

    return ProgramProbe(Plan.of(program, fabric), x)


def _compiled_program(program: Program, fabric: Fabric, x: Any) -> Probe:
    from neurosim.engines.compiled.core_state import ProgramTables
    from neurosim.engines.probe.compiled import ProgramProbe

    return ProgramProbe(ProgramTables(program, fabric), x)


_PROGRAM: dict[str, Callable[[Program, Fabric, Any], Probe]] = {
    "reference": _reference_program, "compiled": _compiled_program,
}  # fmt: skip
PROBED = tuple(sorted(_PROGRAM))
"""Engines whose state can be looked at."""


def traffic_probe(engine: str, fabric: Fabric, traffic: Traffic) -> Probe:
    """Raw traffic on a built-in cycle engine, ready to be advanced.

    Raises:
        KeyError: the engine has no probe.
    """
    if engine == "reference":
        from neurosim.engines.probe.reference import TrafficProbe as Reference

        return Reference(fabric, traffic)
    if engine != "compiled":
        raise KeyError(engine)
    from neurosim.engines.probe.compiled import TrafficProbe as Compiled

    return Compiled(fabric, traffic)


@dataclass(frozen=True)
class LogDifference:
    """The first event that only one log has.

    ``ours`` and ``theirs`` are the events of ``cycle`` that the other log does not have, sorted; one of them
    may be empty.  ``index`` counts the events that are equal before that cycle; ``before`` are the last of
    them.
    """

    cycle: int
    index: int
    ours: tuple[Event, ...]
    theirs: tuple[Event, ...]
    before: tuple[Event, ...]


def first_difference(
    ours: Iterable[Event], theirs: Iterable[Event], context: int = 5
) -> LogDifference | None:
    """Compare two logs of events, each ascending in cycles; None if they agree.

    The order of events within a cycle does not count (the components of a cycle have no order); how often
    one occurs does.  Both are read only as far as they agree.
    """
    before: deque[Event] = deque(maxlen=context)
    index = 0
    one, two = _by_cycle(ours), _by_cycle(theirs)
    while True:
        left, right = next(one, None), next(two, None)
        if left is None and right is None:
            return None
        cycle = min(part[0] for part in (left, right) if part is not None)
        mine = left[1] if left is not None and left[0] == cycle else []
        other = right[1] if right is not None and right[0] == cycle else []
        if mine != other:
            only, too = Counter(mine) - Counter(other), Counter(other) - Counter(mine)
            return LogDifference(
                cycle, index, tuple(sorted(only.elements())), tuple(sorted(too.elements())), tuple(before)
            )
        index += len(mine)
        before.extend(mine)


def _by_cycle(events: Iterable[Event]) -> Iterator[tuple[int, list[Event]]]:
    for cycle, group in groupby(events, key=lambda event: event[0]):
        yield cycle, sorted(group)
