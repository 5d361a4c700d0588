"""What a command says and where: results on stdout, everything else on stderr.

With ``--json`` stdout holds exactly one JSON document.  Progress with rate and estimate appears only
when stderr is a terminal, and not with ``--quiet``.  A stderr that takes nothing is no reason to fail; a
stdout that takes nothing is the user's to know, after the work was done.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any, Protocol

from neurosim.errors import InputError, NeurosimError

if TYPE_CHECKING:
    from rich.console import Console as Rich
    from rich.console import RenderableType

    from neurosim.engines.base import Progress

    class Made(Protocol):
        """What commands present."""

        @property
        def warnings(self) -> tuple[str, ...]:
            """What the user must not miss."""
            ...

        def document(self) -> dict[str, Any]:
            """For ``--json``."""
            ...

    Part = RenderableType | Callable[[Rich], None]
    """Something to show: a table or text, or a function that prints to a rich console."""


_UNBROKEN = 1_000_000
"""Width in letters of what is no terminal: no path and no name is broken over lines there."""


class ReaderGoneError(Exception):
    """Nobody reads our stdout any more; not an OSError, which the command-line parser has its own end for."""


def silence(stream: IO[str]) -> None:
    """Let a stream that failed go nowhere, also what it still holds: at its end nothing fails again."""
    with contextlib.suppress(OSError, ValueError):  # a stream that is no file of the system's
        null = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(null, stream.fileno())
        finally:
            os.close(null)


def say(text: str) -> None:
    """Text on stderr, if that takes any."""
    try:
        sys.stderr.write(text)
        sys.stderr.flush()
    except OSError:
        silence(sys.stderr)


def _show(parts: Sequence[Part]) -> None:
    """Tables and text on stdout.

    Raises:
        OSError: stdout takes no more.
    """
    from rich.console import Console as Rich

    class Plain(Rich):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError  # rich would end the program with exit code 1

    is_terminal = sys.stdout.isatty()
    encoding = sys.stdout.encoding or "utf-8"  # rich draws lines of what this has
    held = io.TextIOWrapper(io.BytesIO(), encoding, errors="replace", newline="")
    width = None if is_terminal else _UNBROKEN  # nobody looks at a pipe's right edge
    out = Plain(file=sys.stdout if is_terminal else held, highlight=False, soft_wrap=False, width=width)
    for number, part in enumerate(parts):
        if number:
            out.print()
        if callable(part):
            part(out)
        else:
            out.print(part, markup=False)
    if not is_terminal:
        held.seek(0)
        sys.stdout.write(re.sub(" +$", "", held.read(), flags=re.MULTILINE))  # no padding in a pipe


def _place(written: object) -> str:
    """Where an output lies; a command with several names them all."""
    return ", ".join(map(str, written.values())) if isinstance(written, Mapping) else str(written)


class Console:
    """One command's voice."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def result(self, document: Mapping[str, Any], *human: Part) -> None:
        """The command's result: ``document`` with ``--json``, else ``human`` (nothing with ``--quiet``)."""
        if self.as_json:
            text = json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n"
        elif not self.quiet:
            text = None
        else:
            return
        try:
            if text is None:
                _show(human)
            else:
                sys.stdout.write(text)
            sys.stdout.flush()
        except BrokenPipeError as error:
            raise ReaderGoneError from error
        except OSError as error:
            silence(sys.stdout)
            made = document.get("written")
            raise InputError(
                f"cannot write: {error.strerror or error}", code="output-unwritable", where="standard output",
                hint=f"only this text was lost; what was made is whole: {_place(made)}" if made else None,
            ) from error  # fmt: skip

    def present(self, made: Made, *human: Part) -> None:
        """What a function of the API made: its warnings, and itself as the command's result."""
        self.warn(*made.warnings)
        self.result(made.document(), *human)

    def warn(self, *texts: str) -> None:
        """Warnings on stderr, also with ``--quiet``: a user must not miss them."""
        for text in texts:
            say(f"warning: {text}\n")

    def error(self, error: NeurosimError) -> None:
        """A user's mistake: text on stderr, and the same as JSON on stdout with ``--json``."""
        if self.as_json:
            parts = {k: getattr(error, k) for k in ("code", "what", "where", "expected", "got", "hint")}
            document = {"error": {**parts, "exit_code": error.exit_code}}
            try:
                sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
                sys.stdout.flush()
            except OSError:
                silence(sys.stdout)
        is_signal = error.exit_code >= 128  # stopped by the user: nothing is wrong
        say(f"{'' if is_signal else 'error: '}{error.text()}\n")

    @contextlib.contextmanager
    def progress(self, title: str) -> Iterator[Progress | None]:
        """A progress callback that draws a bar, or None where nobody would see one."""
        if self.quiet or not sys.stderr.isatty():
            yield None
            return
        from rich.console import Console as Rich
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (
            TextColumn("{task.description}", markup=False), BarColumn(bar_width=20), MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"), TimeRemainingColumn(compact=True),
            TextColumn("{task.fields[text]}", markup=False),
        )  # fmt: skip
        with Progress(*columns, console=Rich(file=sys.stderr), transient=True) as bar:
            task = bar.add_task(title, total=None, rate="", text="")

            def report(done: int, total: int, text: str) -> None:
                if total != bar.tasks[task].total:  # another stage: its rate starts anew
                    bar.reset(task, total=total or None)
                speed = bar.tasks[task].speed
                rate = f"{speed:.3g}/s" if speed else ""
                bar.update(task, completed=done, text=text, rate=rate)

            yield report
