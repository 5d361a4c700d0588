"""What ``verify`` is made of: groups of cases; each case runs in a folder of its own and says what it saw.

A group becomes one row of the table.  The first case that differs ends everything: its waveform is drawn, and
what the simulators said is kept.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from rtl_models import toolchain
from rtl_models.verdicts import EQUAL, FirstDifference, Progress, Verdict

Wave = Callable[[Path], "Path | None"]
"""Draws a waveform in a folder; None if there is none to draw."""


@dataclass(frozen=True)
class Bench:
    """What all cases of one verification share.

    ``suite`` is quick or full; ``work`` the folder in which they run; ``replace`` are sources by file name
    that stand for ours; ``seconds`` bounds every single run of a tool.
    """

    suite: str
    seed: int
    work: Path
    replace: Mapping[str, str] = field(default_factory=dict)
    seconds: float = toolchain.TIME_LIMIT_S

    @property
    def is_full(self) -> bool:
        """Whether the long suite was asked for."""
        return self.suite == "full"


@dataclass(frozen=True)
class Outcome:
    """What one case saw: ``first`` is its first difference, ``wave`` draws it, ``log`` is what was said.

    ``cycles`` and ``packets`` are None where there is nothing to count.
    """

    cycles: int | None = None
    packets: int | None = None
    first: FirstDifference | None = None
    n_different: int = 0
    wave: Wave | None = None
    log: Path | None = None


@dataclass(frozen=True)
class Case:
    """One run; ``run`` gets a folder that does not exist yet."""

    name: str
    run: Callable[[Path], Outcome]


@dataclass(frozen=True)
class Group:
    """Cases of one row; ``good`` and ``bad`` are the words for its verdict."""

    module: str
    how: str
    cases: tuple[Case, ...]
    note: str = ""
    good: str = EQUAL
    bad: str = "DIFFERS"


def run_group(
    group: Group, bench: Bench, done: int, total: int, progress: Progress | None, keep: Path | None
) -> Verdict:
    """Run ``group`` up to its first difference, whose waveform and log go to ``keep``.

    ``done`` of ``total`` cases were run before it.
    """
    start, n_run = time.perf_counter(), 0
    counted: list[Outcome] = []
    for number, case in enumerate(group.cases):
        if progress is not None:
            progress(done + number, total, f"{group.module}: {case.name}")
        folder = bench.work / f"{done + number}"
        outcome = case.run(folder)
        n_run += 1
        counted.append(outcome)
        if outcome.first is not None or outcome.n_different:
            break
    row = Verdict(
        group.module, group.how, n_run, _sum([o.cycles for o in counted]), _sum([o.packets for o in counted]),
        sum(o.n_different for o in counted), time.perf_counter() - start, group.good, note=group.note,
    )  # fmt: skip
    last = counted[-1] if counted else Outcome()
    if not last.n_different:
        return row
    vcd = _keep_wave(last, bench, keep)
    log = _keep_file(last.log, keep)
    return dataclasses.replace(row, verdict=group.bad, first=last.first, vcd=vcd, log=log)


def _sum(values: list[int | None]) -> int | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def _keep_wave(outcome: Outcome, bench: Bench, keep: Path | None) -> Path | None:
    if outcome.wave is None or keep is None:
        return None
    return _keep_file(outcome.wave(bench.work / "wave"), keep)


def _keep_file(path: Path | None, keep: Path | None) -> Path | None:
    """``path`` moved into ``keep``; None if there is nothing, or nowhere to keep it."""
    if path is None or keep is None or not path.exists():
        return None
    kept = keep / path.name
    kept.write_bytes(path.read_bytes())
    return kept
