"""What a verification found: a table of verdicts, the first difference, and what was not verified.

Every check of :mod:`rtl_models` (our own Verilog's in ``verify``, a stranger's in ``dut``) answers with these
dataclasses; the command line prints them, the page draws them, and ``document()`` is their JSON.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

Progress = Callable[[int, int, str], None]
"""``progress(done, total, text)``, as the engines have it: called now and then; it must not raise."""

EQUAL, DIFFERS = "equal", "DIFFERS"
CLEAN, WARNS = "clean", "WARNS"
PROVEN, REFUTED = "proven", "REFUTED"
BAD_VERDICTS = (DIFFERS, WARNS, REFUTED)
"""Verdicts after which the command ends with exit code 5; capitals, so that they stand out."""


@dataclass(frozen=True)
class FirstDifference:
    """The first place, in time, in which model and Verilog part.

    ``case`` names the run ("4x4 mesh, load 0.3, seed 1"); ``sample`` is -1 where there are none and
    ``cycle`` -1 where nobody knows it; ``expected`` is the model's value, ``got`` the Verilog's;
    ``n_different`` counts all differences of that case, None if the check stopped at the first.
    """

    case: str
    cycle: int
    component: str
    field: str
    expected: str
    got: str
    sample: int = -1
    n_different: int | None = None

    def __str__(self) -> str:
        """One line: ``case, sample 0, cycle 12, core 3, spike: expected 1, got 0``."""
        sample = f", sample {self.sample}" if self.sample >= 0 else ""
        cycle = f", cycle {self.cycle}" if self.cycle >= 0 else ""
        where = f"{self.case}{sample}{cycle}, {self.component}, {self.field}"
        return f"{where}: expected {self.expected}, got {self.got}"


@dataclass(frozen=True)
class Verdict:
    """One row of the table: ``cases`` runs of one ``module`` (or group of modules) by one method (``how``).

    ``cycles`` and ``packets`` are sums over the cases, None where there are none to count (printed "-");
    ``differences`` counts what differs in them; ``time_s`` is wall-clock time with the builds.  ``verdict``
    is one of the words above.  ``first`` is there if something differs, ``vcd`` the waveform around it and
    ``log`` the simulator's own log, if they were kept; ``note`` says what the reader must know about the
    row, such as that a smaller mesh stands for the chip's own.
    """

    module: str
    how: str
    cases: int
    cycles: int | None
    packets: int | None
    differences: int
    time_s: float
    verdict: str = EQUAL
    first: FirstDifference | None = None
    vcd: Path | None = None
    log: Path | None = None
    note: str = ""

    @property
    def is_stopped(self) -> bool:
        """Whether nothing was compared after the first difference: there may be many more."""
        return self.first is not None and self.first.n_different is None

    @property
    def is_good(self) -> bool:
        """Whether nothing differs."""
        return self.verdict not in BAD_VERDICTS


@dataclass(frozen=True)
class NotVerified:
    """One thing that was not verified, and why."""

    module: str
    reason: str


@dataclass(frozen=True)
class VerifyTable:
    """Everything that one verification found.

    ``subject`` is the chip's name or the adapter's file, ``digest`` that of the chip, ``demanded`` what
    equality means here in one sentence.  ``rows`` end with the first that differs.
    """

    subject: str
    suite: str
    seed: int
    digest: str
    demanded: str
    rows: tuple[Verdict, ...]
    not_verified: tuple[NotVerified, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_good(self) -> bool:
        """Whether everything that was verified is equal, and something was."""
        return bool(self.rows) and all(row.is_good for row in self.rows)

    @property
    def bad(self) -> Verdict | None:
        """The first row with a difference."""
        return next((row for row in self.rows if not row.is_good), None)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        rows = [
            {**asdict(row), "vcd": _path(row.vcd), "log": _path(row.log), "is_good": row.is_good}
            for row in self.rows
        ]
        return {**asdict(self), "rows": rows, "is_good": self.is_good}


def _path(path: Path | None) -> str | None:
    return None if path is None else str(path)
