"""The one error family of the project.

Every mistake that a user can make ends in a :class:`NeurosimError`: it says where, what, what was
expected, what came instead, and a hint.  The command line prints it and exits with its
``exit_code``; it never shows a traceback.  Anything else that escapes is our own bug (exit code 1).
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable

EXIT_OK = 0
EXIT_BUG = 1
EXIT_BAD_INPUT = 2
EXIT_DOES_NOT_FIT = 3
EXIT_DEADLOCK = 4
EXIT_MISMATCH = 5
EXIT_LIMIT = 6


class NeurosimError(Exception):
    """Root of all errors that are reported to a user.

    Args:
        what: one sentence, no full stop: what is wrong.
        code: stable identifier of the kind of error, e.g. ``chip-unknown-key``.
        where: ``file:line:column``, a file, or the name of an artefact's part.
        parameter: in place of ``where``, the function's parameter that is at fault; the command line says its
            option instead.
        expected / got / hint: optional parts, each printed on a line of its own.
    """

    exit_code = EXIT_BAD_INPUT

    def __init__(
        self,
        what: str,
        *,
        code: str,
        where: str | None = None,
        parameter: str | None = None,
        expected: str | None = None,
        got: str | None = None,
        hint: str | None = None,
    ) -> None:
        self.what = what
        self.code = code
        self.where = f"parameter '{parameter}'" if parameter is not None else where
        self.parameter = parameter
        self.expected = expected
        self.got = got
        self.hint = hint
        super().__init__(self.text())

    def text(self) -> str:
        """The whole message, as the command line prints it and as tests pin it."""
        lines = [(f"{self.where}: " if self.where else "") + f"{self.what} [{self.code}]"]
        for label in ("expected", "got", "hint"):
            value = getattr(self, label)
            if value:
                lines.append(f"  {label}: {value}")
        return "\n".join(lines)


class InputError(NeurosimError):
    """A file, option or value that the user gave is not acceptable (exit 2)."""


class DoesNotFitError(NeurosimError):
    """The network cannot be placed on the chip (exit 3)."""

    exit_code = EXIT_DOES_NOT_FIT


class DeadlockError(NeurosimError):
    """The system can or did deadlock, or it lost packets (exit 4)."""

    exit_code = EXIT_DEADLOCK


class MismatchError(NeurosimError):
    """Two things that must be equal differ, or an artefact breaks its own rules (exit 5)."""

    exit_code = EXIT_MISMATCH


class LimitError(NeurosimError):
    """A limit that the user or a solver set was reached (exit 6)."""

    exit_code = EXIT_LIMIT


def did_you_mean(word: str, known: Iterable[str]) -> str | None:
    """A hint such as ``did you mean 'buffer_flits'?``, or None if nothing is near."""
    near = difflib.get_close_matches(word, sorted(known), n=1, cutoff=0.6)
    return f"did you mean '{near[0]}'?" if near else None
