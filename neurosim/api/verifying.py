"""``verify``: the Verilog, ours or a stranger's, against the simulator.

Reads a chip, or an adapter file; the work is done in :mod:`rtl_models`.  Writes, if asked, a folder with the
table, and with waveform and log where something differs, and a page.
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.errors import EXIT_MISMATCH, EXIT_OK, InputError, NeurosimError, did_you_mean

if TYPE_CHECKING:
    from neurosim.chip.models import Chip
    from neurosim.engines.base import Progress
    from rtl_models.figures import Figures
    from rtl_models.verdicts import VerifyTable

SUITES = ("quick", "full")
TABLE = "verify.json"
DEFAULT_TIME_LIMIT_S = 900.0
DEFAULT_CHIP = "tiny"


@dataclass(frozen=True)
class VerifyMade:
    """What ``verify`` found, and where it was written (None: nowhere); ``figures`` are for the page only."""

    table: VerifyTable
    out: Path | None = None
    report: Path | None = None
    figures: Figures | None = None

    @property
    def exit_code(self) -> int:
        """0, or 5 if something differs."""
        return EXIT_OK if self.table.is_good else EXIT_MISMATCH

    @property
    def files(self) -> dict[str, Path]:
        """What was written, by kind."""
        return {k: v for k, v in (("folder", self.out), ("report", self.report)) if v is not None}

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        figures = None if self.figures is None else dataclasses.asdict(self.figures)
        written = {name: str(path) for name, path in self.files.items()}
        return {**self.table.document(), "figures": figures, "written": written}


def verify(
    chip: str | Path | Chip | None = None, *, suite: str = "quick", dut: str | Path | None = None,
    hdl: str | Path | None = None, out: str | Path | None = None, report: str | Path | None = None,
    time_limit_s: float = DEFAULT_TIME_LIMIT_S, seed: int = 0, force: bool = False,
    progress: Progress | None = None,
) -> VerifyMade:  # fmt: skip
    """Hold the Verilog against the simulator.

    Args:
        chip: for whose parameters our Verilog is built; None: ``tiny``.
        suite: ``quick`` (a minute or two) or ``full`` (with Verilator, many minutes).
        dut: an adapter file that describes another design, which is checked in place of ours.
        hdl: a folder of Verilog sources that stand for ours of the same names.
        out: folder to write: the table, and waveform and log where something differs.
        report: file for a page with the table, areas and coverage.
        time_limit_s: of every single build and run of a tool.
        seed: of traffic, networks and stimuli.
        force: replace ``out`` and ``report`` if this program made them.

    Raises:
        InputError: a value is out of range, a tool is missing or fails, the Verilog cannot be built for this
            chip, or the outputs are not free.
        LimitError: a design did not answer in time.
    """
    _check_options(suite, time_limit_s, dut, {"--chip": chip, "--hdl": hdl, "--report": report})
    made = _Maker(suite, _seed(seed), time_limit_s, progress)
    if report is not None:
        _check_page(Path(report), force)
    if dut is not None:
        table = _in_folder(out, force, seed, lambda place: made.stranger(Path(dut), place))
        return VerifyMade(table, None if out is None else Path(out))
    loaded = _chip(DEFAULT_CHIP if chip is None else chip)
    table = _in_folder(out, force, seed, lambda place: made.ours(loaded, place, hdl))
    if report is None:
        return VerifyMade(table, None if out is None else Path(out))
    figures = made.figures(loaded)
    _write_page(table, figures, Path(report))
    return VerifyMade(table, None if out is None else Path(out), Path(report), figures)


@dataclass(frozen=True)
class _Maker:
    suite: str
    seed: int
    time_limit_s: float
    progress: Progress | None

    def ours(self, chip: Chip, place: Path | None, hdl: str | Path | None) -> VerifyTable:
        from rtl_models.verify import verify_chip

        return verify_chip(
            chip, self.suite, place, self.seed, self.progress, hdl=None if hdl is None else Path(hdl),
            time_limit_s=self.time_limit_s,
        )  # fmt: skip

    def stranger(self, adapter: Path, place: Path | None) -> VerifyTable:
        from rtl_models.dut import verify_dut

        return verify_dut(adapter, self.suite, place, self.seed, self.progress, self.time_limit_s)

    def figures(self, chip: Chip) -> Figures:
        from rtl_models.figures import figures_of

        return figures_of(chip, self.suite, self.seed, self.progress)


def _chip(chip: str | Path | Chip) -> Chip:
    from neurosim.chip.loader import load_chip

    return load_chip(chip) if isinstance(chip, (str, Path)) else chip


def _seed(seed: int) -> int:
    from neurosim.api.bounds import check_seed

    return check_seed(seed)


def _check_options(
    suite: str, time_limit_s: float, dut: object | None, ours: dict[str, object | None]
) -> None:
    if suite not in SUITES:
        raise InputError(
            f"unknown suite '{suite}'", code="verify-suite", where="--suite",
            expected="one of " + ", ".join(SUITES), hint=did_you_mean(suite, SUITES),
        )  # fmt: skip
    if not 0.1 <= time_limit_s <= 10**6:
        raise InputError(
            "--time-limit is out of range", code="option-range", where="--time-limit",
            expected="0.1 to 1000000 seconds", got=f"{time_limit_s:g}",
        )  # fmt: skip
    for name, value in ours.items():
        if dut is not None and value is not None:
            raise InputError(
                f"{name} is for our own Verilog, not for an adapter", code="verify-options", where=name,
                hint=f"leave out {name} or --dut",
            )  # fmt: skip


def _in_folder(
    out: str | Path | None, force: bool, seed: int, work: Callable[[Path | None], VerifyTable]
) -> VerifyTable:
    """``work`` with a folder that becomes ``out``; also if it fails, as far as it left a log there."""
    from neurosim.api.folders import as_json, whole_folder

    if out is None:
        return work(None)
    target = Path(out)
    failed: NeurosimError | None = None
    table: VerifyTable | None = None
    with whole_folder(target, "verification", {"seed": seed}, force) as part:
        try:
            table = _moved(work(part), part, target)
            (part / TABLE).write_bytes(as_json(_document(table)))
        except NeurosimError as error:
            if error.where is None or not Path(error.where).is_relative_to(part):
                raise
            failed = error
    if failed is not None:
        parts = {name: getattr(failed, name) for name in ("code", "expected", "got", "hint")}
        where = target / Path(str(failed.where)).relative_to(part)
        raise type(failed)(failed.what, where=str(where), **parts)
    assert table is not None
    return table


def _moved(table: VerifyTable, part: Path, out: Path) -> VerifyTable:
    """``table`` with the paths that its files will have."""

    def moved(path: Path | None) -> Path | None:
        return out / path.relative_to(part) if path is not None and path.is_relative_to(part) else path

    rows = (dataclasses.replace(row, vcd=moved(row.vcd), log=moved(row.log)) for row in table.rows)
    return dataclasses.replace(table, rows=tuple(rows))


def _document(table: VerifyTable) -> dict[str, Any]:
    """The table without the times and folders of this machine: equal verifications give equal bytes."""
    document = table.document()
    for row in document["rows"]:
        del row["time_s"]
        for name in ("vcd", "log"):
            row[name] = None if row[name] is None else os.path.basename(row[name])
    return document


def _check_page(path: Path, force: bool) -> None:
    """Refuse a page that exists (unless forced and one of ours) or has no folder."""
    from neurosim.api.folders import check_free
    from neurosim.report.verify_page import is_ours

    if not path.parent.is_dir() or (path.exists() and not force):
        check_free(path, force=False)
    if path.exists() and not is_ours(path):
        raise InputError(
            "the output exists and this program did not make it", code="output-foreign", where=str(path),
            hint="--force replaces only pages of this program",
        )  # fmt: skip


def _write_page(table: VerifyTable, figures: Figures, path: Path) -> None:
    from neurosim.report.verify_page import write_page

    write_page(table, figures, path)
