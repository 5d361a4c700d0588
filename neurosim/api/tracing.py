"""What ``run`` traces: windows as a user writes them, the sink of a run, and the files it leaves behind."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.artefacts.result import Result
    from neurosim.chip.models import Chip
    from neurosim.engines.base import TraceRequest
    from neurosim.report.trace_files import ParquetSink

FOLDER = "trace"
"""Folder of a run that holds one Parquet file per event table."""
EVENTS = "events.parquet"
_SPAN = re.compile(r"\s*(\d*)\s*(:?)\s*(\d*)\s*")
_CORES = re.compile(r"\s*(\d+)\s*(?:-\s*(\d+)\s*)?")
_END = 1 << 31


def parse_span(text: str | None, what: str) -> tuple[int, int] | None:
    """``A:B`` (A to B - 1, either end may be left out) or ``A`` as (first, end); None for all.

    Raises:
        InputError: it is neither, or holds nothing.
    """
    if text is None:
        return None
    found = _SPAN.fullmatch(text)
    if found is not None and (found[1] or found[2]):
        first = int(found[1] or 0)
        end = int(found[3] or _END) if found[2] else first + 1
        if first < end <= _END and (found[2] or not found[3]):
            return first, end
    raise InputError(
        f"the {what} are not a range", code="option-span", expected="A:B (A to B - 1), A:, :B or A", got=text,
    )  # fmt: skip


def parse_cores(text: str | None, n_cores: int) -> frozenset[int] | None:
    """``0,3-5,host`` as core numbers; None for all.

    Raises:
        InputError: it is no such list, or the chip has no such core.
    """
    from neurosim.artefacts.mapping import HOST

    if text is None:
        return None
    cores: set[int] = set()
    for part in text.split(","):
        if part.strip() == "host":
            cores.add(HOST)
            continue
        found = _CORES.fullmatch(part)
        if found is None or int(found[2] or found[1]) < int(found[1]):
            raise InputError(
                "the cores are not a list", code="option-cores", got=text,
                expected="numbers, ranges or host: 0,3-5,host",
            )  # fmt: skip
        last = int(found[2] or found[1])
        if last >= n_cores:
            raise InputError(
                "the chip has no such core", code="option-cores", expected=f"0..{n_cores - 1}", got=str(last)
            )
        cores.update(range(int(found[1]), last + 1))
    return frozenset(cores)


@dataclass(frozen=True)
class TraceChoices:
    """What a run is to trace: ``events`` for ``events.parquet``, ``trace`` for the folder ``trace``."""

    events: bool = False
    trace: bool = False
    steps: str | None = None
    cores: str | None = None

    @property
    def is_window(self) -> bool:
        """Whether only a part of the run is traced."""
        return self.steps is not None or self.cores is not None

    def check(self, engine: str, gives_events: bool) -> None:
        """Refuse choices that do not go together, or that the engine cannot serve.

        Raises:
            InputError: as said.
        """
        parse_span(self.steps, "steps to trace")
        if self.is_window and not self.trace:
            raise InputError(
                "a window of the trace, but no trace", code="trace-window",
                hint="add --trace, or leave it out",
            )  # fmt: skip
        if self.is_window and self.events:
            raise InputError(
                "events.parquet lists every packet, not those of a window", code="trace-window",
                hint="leave out --events: the trace lists the window's packets too",
            )  # fmt: skip
        if self.events and not gives_events:
            raise InputError(
                f"engine '{engine}' does not log packets", code="events-no-log",
                hint="events.parquet needs a cycle engine, such as compiled",
            )  # fmt: skip
        if self.trace and not gives_events:
            raise InputError(
                f"engine '{engine}' has no events to trace", code="trace-no-events",
                hint="a trace needs a cycle engine, such as compiled",
            )  # fmt: skip

    def request(self, n_cores: int) -> TraceRequest | None:
        """What the engine is asked for; None: nothing.

        Raises:
            InputError: the chip has no such core.
        """
        from neurosim.engines.base import TraceRequest
        from neurosim.engines.trace import TABLES

        if not (self.events or self.trace):
            return None
        tables = frozenset(TABLES) if self.trace else frozenset({"packets"})
        steps = parse_span(self.steps, "steps to trace")
        return TraceRequest(tables, steps, parse_cores(self.cores, n_cores))

    def words(self) -> list[str]:
        """The options that say the same."""
        words = ["--events"] if self.events else []
        words += ["--trace"] if self.trace else []
        words += [] if self.steps is None else ["--trace-steps", self.steps]
        return words + ([] if self.cores is None else ["--trace-cores", self.cores])


@contextlib.contextmanager
def collected(
    choices: TraceChoices, chip: Chip, out: Path, kept_in: Path | None
) -> Iterator[ParquetSink | None]:
    """The sink of a run that will write ``out``; None if nothing is traced.

    Its files lie in ``kept_in`` (a checkpoint's folder), or in a hidden folder that goes with the block.

    Raises:
        InputError: the chip has no such core, or nothing can be written.
    """
    from neurosim.api.folders import unwritable
    from neurosim.api.unfinished import claimed, remove_abandoned
    from neurosim.fabric.topology import build_fabric
    from neurosim.report.trace_files import ParquetSink

    request = choices.request(build_fabric(chip).n_cores)
    if request is None:
        yield None
        return
    if kept_in is not None:
        kept_in.mkdir(exist_ok=True)
        yield ParquetSink(kept_in, request, chip.cycle.period_ps)
        return
    target = out.absolute()
    remove_abandoned(target)
    try:
        part = Path(tempfile.mkdtemp(prefix=f".{target.name}.", suffix=".part", dir=target.parent))
    except OSError as error:
        raise unwritable(out, error) from error
    try:
        with claimed(part):
            yield ParquetSink(part, request, chip.cycle.period_ps)
    except InputError as error:
        if error.where is not None and error.where.startswith(str(part)):  # which a user does not know
            raise InputError(error.what, code=error.code, where=str(out), hint=error.hint) from error
        raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def write_trace(sink: ParquetSink, choices: TraceChoices, result: Result, folder: Path) -> bool:
    """Put what ``sink`` collected into a run's ``folder``: ``trace/`` and ``events.parquet``, as chosen.

    Returns whether anything of packets, flits or cores was traced (a time step alone is of no core).

    Raises:
        InputError: a file cannot be written.
    """
    from neurosim.report.parquet import write_events
    from neurosim.report.trace_files import n_rows, read_blocks

    tables = folder / FOLDER
    tables.mkdir()
    files = sink.finish(tables)
    if choices.events:
        write_events(read_blocks(files["packets"]), result, folder / EVENTS)
    has_events = any(n_rows(path) for table, path in files.items() if table != "steps")
    if not choices.trace:
        shutil.rmtree(tables)
    return has_events
