"""Runs a command line and turns whatever happens into one clear message and an exit code.

0 fine; 2 bad input, or a file that the system refuses; 3 does not fit; 4 deadlock or lost packets; 5
mismatch; 6 limit reached; 130 stopped by Ctrl-C; 141 (128 + SIGPIPE) the reader of our output went away; 143
asked to end; 1 our own bug, with the traceback in a file.  A user's mistake never shows one.
"""

from __future__ import annotations

import contextlib
import io
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Iterator, Sequence
from typing import Any

from neurosim.cli.console import Console, ReaderGoneError, say, silence
from neurosim.errors import EXIT_BUG, EXIT_OK, InputError, LimitError, NeurosimError, did_you_mean

EXIT_INTERRUPTED = 130
EXIT_TERMINATED = 143
EXIT_PIPE = 141
DEBUG = "--debug"
ANYWHERE = ("--json", "--quiet")
"""Options of every command that may stand anywhere, also before its name."""
NOT = "--no-"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (default: that of the process); returns the exit code."""
    with _streams():
        return _main(argv)


def _main(argv: Sequence[str] | None) -> int:
    given = list(sys.argv[1:] if argv is None else argv)
    debug = DEBUG in given
    arguments = _flags_last([a for a in given if a != DEBUG])
    console = Console("--json" in arguments, "--quiet" in arguments)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")  # a terminal that knows only ASCII gets "?", not a crash
    try:
        with _signals() if argv is None else contextlib.nullcontext():
            code = _invoke(arguments or ["--help"])
            sys.stdout.flush()
            return code
    except NeurosimError as error:
        if error.parameter is not None:
            error.where = _option(arguments, error.parameter) or error.where
        console.error(error)
        return error.exit_code
    except KeyboardInterrupt:
        say("stopped by Ctrl-C; nothing half-written was left behind\n")
        if "run" in arguments[:1]:
            say("a run with --checkpoint-every N can be continued\n")
        return EXIT_INTERRUPTED
    except (BrokenPipeError, ReaderGoneError):  # the reader of our output went away; nothing is wrong
        silence(sys.stdout)
        return EXIT_PIPE
    except OSError as error:
        if error.errno is None:  # not the system's word, but a library's
            return _bug(error, debug)
        if debug:
            traceback.print_exception(error)
        refused = _refused(error)
        console.error(refused)
        return refused.exit_code
    except MemoryError as error:
        limit = LimitError(
            "out of memory", code="out-of-memory", hint="use fewer samples at a time, or a smaller network"
        )
        if debug:
            traceback.print_exception(error)
        console.error(limit)
        return limit.exit_code
    except Exception as error:
        return _bug(error, debug)


@contextlib.contextmanager
def _streams() -> Iterator[None]:
    """A stream that was closed before we began (``>&-``) goes nowhere while we run.

    Afterwards both are as before: the parser puts others in their place when a pipe breaks.
    """
    with contextlib.ExitStack() as stack:
        for name in ("stdout", "stderr"):
            before = getattr(sys, name)
            stack.callback(setattr, sys, name, before)
            if before is None:
                setattr(sys, name, stack.enter_context(open(os.devnull, "w")))
        yield


def _refused(error: OSError) -> InputError:
    """What a file that the system refuses means to a user, where nobody nearer could say it."""
    names = [str(n) for n in (error.filename, error.filename2) if n is not None]
    return InputError(
        f"the system refuses: {error.strerror or error}", code="system-refused",
        where=" and ".join(names) or None, hint="check the path, its permissions, and the space there",
    )  # fmt: skip


def _invoke(arguments: list[str]) -> int:
    from neurosim.cli.commands import app, command_names

    named = next((a for a in arguments if not a.startswith("-")), None)
    if named is not None and named not in command_names():
        raise InputError(
            f"unknown command '{named}'", code="usage", expected="one of " + ", ".join(command_names()),
            hint=did_you_mean(named, command_names()),
        )  # fmt: skip
    try:
        returned = app(arguments, prog_name="neurosim", standalone_mode=False)
    except SystemExit as error:
        if isinstance(error.__context__, BrokenPipeError):  # how the parser ends when its help is not read
            raise ReaderGoneError from error
        raise
    except Exception as error:
        if hasattr(error, "format_message"):  # a usage error of the command-line parser
            raise _usage(error) from error
        if type(error).__name__ == "Abort":  # what some versions of the parser make of Ctrl-C
            raise KeyboardInterrupt from error
        raise
    if returned == EXIT_INTERRUPTED:  # what others make of it
        raise KeyboardInterrupt
    return int(returned or EXIT_OK)


def _option(arguments: Sequence[str], parameter: str) -> str | None:
    """How the command of this line calls a parameter of its function: ``--time-limit``, or ``NET``."""
    from typer.main import get_command

    from neurosim.cli.commands import app

    commands: dict[str, Any] = getattr(get_command(app), "commands", {})
    command = next((commands[a] for a in arguments if a in commands), None)
    for given in command.params if command is not None else ():
        if given.name.rstrip("_") == parameter:
            return str(max(given.opts, key=len) if given.param_type_name == "option" else given.metavar)
    return None


def _usage(error: Any) -> InputError:
    """The parser's complaint in our words; attributes as in click's exceptions."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else "neurosim"
    hint = f"see `{path} --help`"
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption":
        parameters = context.command.params if context is not None else ()
        near = _near_option(str(option), [o for p in parameters for o in (*p.opts, *p.secondary_opts)])
        return InputError(f"unknown option '{option}' of `{path}`", code="usage", hint=near or hint)
    if type(error).__name__ == "MissingParameter":
        parameter = error.param
        kind = parameter.param_type_name
        name = parameter.opts[-1] if kind == "option" else parameter.metavar or parameter.name
        return InputError(f"`{path}` needs the {kind} '{name}'", code="usage", hint=hint)
    said = str(error.format_message()).rstrip(".")
    return InputError(said[:1].lower() + said[1:], code="usage", hint=hint)


def _near_option(given: str, known: Sequence[str]) -> str | None:
    """Which option was meant: of ``--x`` and ``--no-x`` never the one that does the opposite."""
    if not given.startswith(NOT):
        near = did_you_mean(given, [o for o in known if o.startswith(NOT)]) if given[:4] == NOT[:4] else None
        return near or did_you_mean(given, [o for o in known if not o.startswith(NOT)])
    near = did_you_mean(given.removeprefix(NOT), {o.removeprefix(NOT).removeprefix("--") for o in known})
    with_no = [o for o in known if o.startswith(NOT) and near == f"did you mean '{o.removeprefix(NOT)}'?"]
    return f"did you mean '{with_no[0]}'?" if with_no else None


def _flags_last(arguments: list[str]) -> list[str]:
    """The options that every command has, wherever they stand, moved to the end."""
    if "--" in arguments:
        return arguments
    flags = [a for a in arguments if a in ANYWHERE]
    return [a for a in arguments if a not in ANYWHERE] + flags


@contextlib.contextmanager
def _signals() -> Iterator[None]:
    """A request to end (SIGTERM, SIGHUP) unwinds like an error, so that unfinished output is removed."""

    def stop(number: int, frame: object) -> None:
        raise SystemExit(EXIT_TERMINATED)

    names = [n for n in ("SIGTERM", "SIGHUP") if hasattr(signal, n)]
    before = [(getattr(signal, n), signal.getsignal(getattr(signal, n))) for n in names]
    for number, handler in before:
        if handler is signal.SIG_DFL:  # leave nohup alone
            signal.signal(number, stop)
    try:
        yield
    finally:
        for number, handler in before:
            signal.signal(number, handler)


def _bug(error: Exception, debug: bool) -> int:
    """Our own mistake: the traceback goes into a file, and to stderr with ``--debug``."""
    from neurosim import __version__

    text = "".join(traceback.format_exception(error))
    if debug:
        say(text)
    lines = [
        f"internal error: {type(error).__name__}: {error}",
        f"  this is a bug of neurosim {__version__}, not your mistake; please report it",
    ]
    try:
        with tempfile.NamedTemporaryFile("w", prefix="neurosim-error-", suffix=".log", delete=False) as log:
            log.write(f"neurosim {__version__}\n{' '.join(sys.argv)}\n\n{text}")
        lines.append(f"  with this file: {log.name}")
    except OSError:
        lines.append(f"  with what `{DEBUG}` prints (it could not be written to a file)")
    say("\n".join(lines) + "\n")
    return EXIT_BUG
