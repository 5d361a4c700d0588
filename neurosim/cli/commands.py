"""The command line's table of commands, in the order of ``--help``.

The functions are in the ``*_commands`` modules: arguments and help texts; each calls one function of
:mod:`neurosim.api`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

import typer

from neurosim.cli import (
    chip_commands,
    machine_commands,
    network_commands,
    result_commands,
    run_commands,
    verify_commands,
)
from neurosim.cli.console import Console

_EXIT_CODES = (
    "Exit codes: 0 fine, 1 a bug of ours, 2 bad input, 3 does not fit, 4 deadlock or lost packets, "
    "5 mismatch, 6 limit reached, 130 Ctrl-C, 141 the reader of our output went away. --debug, with any "
    "command, shows the traceback of a bug."
)
app = typer.Typer(
    name="neurosim",
    help="Cycle-level simulator of neuromorphic hardware, with a mapping compiler.",
    epilog=_EXIT_CODES,
    add_completion=False,
    pretty_exceptions_enable=False,
)

_COMMANDS: dict[str, Callable[..., int] | typer.Typer] = {
    "demo": run_commands.demo,
    "import": network_commands.import_,
    "map": network_commands.map_,
    "run": run_commands.run,
    "resume": run_commands.resume,
    "report": result_commands.report,
    "export": result_commands.export,
    "check": result_commands.check,
    "diff": result_commands.diff,
    "verify": verify_commands.verify,
    "chips": chip_commands.chips_app,
    "bench": machine_commands.bench,
    "doctor": machine_commands.doctor,
}


def command_names() -> tuple[str, ...]:
    """The commands in the order of ``--help``."""
    return tuple(_COMMANDS)


@app.callback(invoke_without_command=True)
def root(
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
    as_json: Annotated[bool, typer.Option("--json", hidden=True)] = False,
    quiet: Annotated[bool, typer.Option("--quiet", hidden=True)] = False,
) -> None:
    """Cycle-level simulator of neuromorphic hardware, with a mapping compiler."""
    if version:
        from neurosim import __version__

        Console(as_json).result({"version": __version__}, f"neurosim {__version__}")
        raise typer.Exit


for _name, _command in _COMMANDS.items():
    if isinstance(_command, typer.Typer):
        app.add_typer(_command, name=_name)
    else:
        app.command(_name)(_command)
