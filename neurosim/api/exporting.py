"""``export``: the trace of a run as a Perfetto trace or a VCD waveform, whole or a part of it."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from neurosim.errors import InputError

if TYPE_CHECKING:
    from neurosim.engines.base import Progress
    from neurosim.report.trace_export import Selection

_OURS = {"perfetto": b"neurosim system", "vcd": b"$comment neurosim $end"}
_HEAD = 256  # bytes in which a file that this program made says so


@dataclass(frozen=True)
class ExportMade:
    """``files`` by kind (``perfetto``, ``vcd``), and what is in them: slices and instants, or changes."""

    files: dict[str, Path]
    events: dict[str, int]

    @property
    def warnings(self) -> tuple[str, ...]:
        """Files in which there is nothing."""
        empty = [path for kind, path in self.files.items() if not self.events[kind]]
        return tuple(f"{path} holds no events: nothing of the trace lies in the window" for path in empty)

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        written = {kind: str(path) for kind, path in self.files.items()}
        return {"events": self.events, "written": written, "warnings": list(self.warnings)}


def export_run(
    run: str | Path,
    *,
    perfetto: str | Path | None = None,
    vcd: str | Path | None = None,
    samples: str | None = None,
    steps: str | None = None,
    cores: str | None = None,
    force: bool = False,
    progress: Progress | None = None,
) -> ExportMade:
    """Write the trace of the run in folder ``run`` to the files ``perfetto`` (``.pftrace``) and ``vcd``.

    Args:
        samples: ``A:B`` for samples A to B - 1; None for all.
        steps: ``A:B`` for hardware steps A to B - 1; None for all.
        cores: ``0,3-5,host``: events of these, packets from or to them, flits of their routers; None for all.
        force: replace files that this program made.
        progress: called with (rows read, rows, text).

    Raises:
        InputError: ``run`` is no run with a trace, a window is none, no file is asked for, one exists or
            cannot be written, or the package for a format is missing.
    """
    from neurosim.api.bounds import check_output
    from neurosim.report.perfetto import write_perfetto
    from neurosim.report.vcd import write_vcd

    targets = {"perfetto": perfetto, "vcd": vcd}
    files = {kind: Path(path) for kind, path in targets.items() if path is not None}
    if not files:
        raise InputError(
            "nothing to export", code="export-nothing", hint="name a file: --perfetto FILE or --vcd FILE"
        )
    if len({path.resolve() for path in files.values()}) < len(files):
        raise InputError("both exports have the same name", code="output-overlap", where=str(files["vcd"]))
    for kind, path in files.items():
        check_output(path, {"run": run})
        _check_free(kind, path, force)
    selection = _select(Path(run), samples, steps, cores, set(files), progress)
    events = {}
    for kind, path in files.items():
        with _whole(path) as file:
            if kind == "perfetto":
                events[kind] = write_perfetto(selection, file)
            else:
                with contextlib.closing(_text(file)) as text:
                    events[kind] = write_vcd(selection, text)
    return ExportMade(files, events)


def _select(
    folder: Path, samples: str | None, steps: str | None, cores: str | None, kinds: set[str],
    progress: Progress | None,
) -> Selection:  # fmt: skip
    from neurosim import store
    from neurosim.api.folders import require_kind
    from neurosim.api.tracing import FOLDER, parse_cores, parse_span
    from neurosim.artefacts.program import Program
    from neurosim.artefacts.result import Result
    from neurosim.chip.loader import chip_digest, load_chip
    from neurosim.engines.trace import TABLES
    from neurosim.fabric.topology import build_fabric
    from neurosim.report.trace_export import Selection, sample_lengths

    require_kind(folder, "run")
    files = {name: folder / FOLDER / f"{name}.parquet" for name in TABLES}
    missing = [name for name, path in files.items() if not path.is_file()]
    if missing:
        raise InputError(
            "the run has no trace", code="export-no-trace", where=str(folder),
            hint="run it again with --trace",
        )  # fmt: skip
    result = store.load(folder / "result.npz", Result)
    chip = load_chip(folder / "mapping" / "chip.yaml")
    if result.chip_digest != chip_digest(chip):
        raise InputError(
            "result.npz does not belong to the chip beside it", code="run-mixed", where=str(folder),
            hint="make the run again",
        )  # fmt: skip
    trees = None
    if chip.router.multicast_entries is not None:
        trees = store.load(folder / "mapping" / "program.npz", Program).trees
    fabric = build_fabric(chip, trees=trees)
    first, end = parse_span(samples, "samples") or (0, result.n_samples)
    if first >= result.n_samples:
        raise InputError(
            "the run has no such sample", code="option-span", where=str(folder),
            expected=f"0..{result.n_samples - 1}", got=str(first),
        )  # fmt: skip
    return Selection(
        fabric, files, sample_lengths(result, fabric), (first, end), parse_span(steps, "steps"),
        parse_cores(cores, fabric.n_cores), _counting(files, kinds, progress),
    )  # fmt: skip


def _counting(files: dict[str, Path], kinds: set[str], progress: Progress | None) -> Any:
    """A function that is told of rows read, and reports the progress of all."""
    from neurosim.report.trace_files import n_rows

    if progress is None:
        return lambda _rows: None
    read_by = {"perfetto": set(files), "vcd": {"steps", "flits"}}
    rows = {name: n_rows(path) for name, path in files.items()}
    total = sum(rows[name] for kind in kinds for name in read_by[kind])
    done = 0

    def read(n: int) -> None:
        nonlocal done
        done += n
        progress(done, total, "rows")

    return read


def refuse_exports(path: Path) -> None:
    """Say of an export, or of a folder that holds nothing else, that it is not checked by itself.

    Raises:
        InputError: ``path`` is one of these.
    """
    inside = sorted(path.iterdir()) if path.is_dir() else [path]
    if inside and all(one.is_file() and _made_as(one) is not None for one in inside):
        raise InputError(
            "an export of a trace is not checked: it follows from the trace of its run", code="check-export",
            where=str(path), hint="check the run that it was made of, or export that again",
        )  # fmt: skip


def _made_as(path: Path) -> str | None:
    """The kind of export that this program made as ``path``; None if it did not."""
    with path.open("rb") as file:
        head = file.read(_HEAD)
    return next((kind for kind, mark in _OURS.items() if mark in head), None)


def _check_free(kind: str, path: Path, force: bool) -> None:
    from neurosim.api.folders import check_free

    if path.is_dir() or not path.parent.is_dir() or (path.exists() and not force):
        check_free(path, force=False)
    if path.exists() and _made_as(path) != kind:
        raise InputError(
            "the output exists and this program did not make it", code="output-foreign", where=str(path),
            hint="--force replaces only exports of the same kind",
        )  # fmt: skip


def _text(file: IO[bytes]) -> Any:
    """``file`` as text; closing it leaves ``file`` open."""
    import io

    class Text(io.TextIOWrapper):
        def close(self) -> None:
            self.detach()

    return Text(file, encoding="ascii", newline="\n", write_through=False)


@contextlib.contextmanager
def _whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is at ``path`` when the block ended well, and nowhere when it did not."""
    from neurosim.api.folders import unwritable

    part = path.with_name(f".{path.name}.part")
    try:
        with part.open("wb") as file:
            yield file
        os.replace(part, path)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        part.unlink(missing_ok=True)
