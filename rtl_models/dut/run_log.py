"""The event log of a run, as :mod:`rtl_models.dut.bench` writes it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class LogEvent:
    """One line of the log."""

    cycle: int
    step: int
    port: str
    kind: str
    value: int | None
    text: str


@dataclass(frozen=True)
class RunLog:
    """What the bench saw; ``end`` is why it ended, ``time0_ps`` the time in the middle of cycle 0."""

    events: tuple[LogEvent, ...]
    end: str
    end_text: str
    end_cycle: int
    time0_ps: int
    period_ps: int

    def of(self, *kinds: str) -> Iterator[LogEvent]:
        """Events of these kinds, in order."""
        return (event for event in self.events if event.kind in kinds)


def read_log(path: Path) -> RunLog | None:
    """Read an event log; None if the simulation broke off before its end."""
    if not path.is_file():
        return None
    lines = path.read_text().splitlines()
    if not lines or not lines[-1].startswith("end "):
        return None
    time0 = period = 0
    events = []
    for line in lines[:-1]:
        if line.startswith("time0 "):
            _, time0_text, period_text = line.split(" ")
            time0, period = int(time0_text), int(period_text)
            continue
        cycle, step, port, kind, value, text = line.split(" ", 5)
        number = None if value in ("x", "-") else int(value, 16)
        events.append(LogEvent(int(cycle), int(step), port, kind, number, text))
    _, cycle, end, text = lines[-1].split(" ", 3)
    return RunLog(tuple(events), end, text, int(cycle), time0, period)
