"""What a command says and where: results on stdout, everything else on stderr.

With ``--json`` stdout holds exactly one JSON document.  Progress with rate and estimate appears only
when stderr is a terminal, and not with ``--quiet``.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from neurosim.errors import NeurosimError

if TYPE_CHECKING:
    from rich.console import Console as Rich
    from rich.console import RenderableType

    from neurosim.engines.base import Progress

    Part = RenderableType | Callable[[Rich], None]
    """Something to show: a table or text, or a function that prints to a rich console."""


class Console:
    """One command's voice."""

    def __init__(self, as_json: bool = False, quiet: bool = False) -> None:
        self.as_json = as_json
        self.quiet = quiet

    def result(self, document: Mapping[str, Any], *human: Part) -> None:
        """The command's result: ``document`` with ``--json``, else ``human`` (nothing with ``--quiet``)."""
        if self.as_json:
            sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n")
        elif not self.quiet:
            from rich.console import Console as Rich

            out = Rich(file=sys.stdout, highlight=False, soft_wrap=False)
            for number, part in enumerate(human):
                if number:
                    out.print()
                if callable(part):
                    part(out)
                else:
                    out.print(part, markup=False)

    def warn(self, *texts: str) -> None:
        """Warnings on stderr, also with ``--quiet``: a user must not miss them."""
        for text in texts:
            sys.stderr.write(f"warning: {text}\n")

    def error(self, error: NeurosimError) -> None:
        """A user's mistake: text on stderr, and the same as JSON on stdout with ``--json``."""
        if self.as_json:
            parts = {k: getattr(error, k) for k in ("code", "what", "where", "expected", "got", "hint")}
            document = {"error": {**parts, "exit_code": error.exit_code}}
            sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
        sys.stderr.write(f"error: {error.text()}\n")

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
