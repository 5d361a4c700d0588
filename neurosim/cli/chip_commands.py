"""``chips``: the chips that come with the program, and where their numbers come from."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from neurosim.cli.console import Console
from neurosim.cli.options import Json, Quiet
from neurosim.errors import EXIT_OK

chips_app = typer.Typer(
    invoke_without_command=True, help="List the chips that come with the program, or show one."
)


@chips_app.callback()
def chips(context: typer.Context, as_json: Json = False, quiet: Quiet = False) -> None:
    """List the chips that come with the program, or show one."""
    if context.invoked_subcommand is None:
        chips_list(as_json, quiet)


@chips_app.command("list")
def chips_list(as_json: Json = False, quiet: Quiet = False) -> int:
    """List the chips that come with the program."""
    from dataclasses import asdict

    from neurosim import api
    from neurosim.cli import tables

    entries = api.list_chips()
    Console(as_json, quiet).result({"chips": [asdict(e) for e in entries]}, tables.chips(entries))
    return EXIT_OK


@chips_app.command("show")
def chips_show(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a preset, or a chip file.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Show one chip, and where every one of its numbers comes from."""
    from neurosim import api
    from neurosim.cli import tables

    card = api.show_chip(name)
    document: dict[str, Any] = tables.chip_document(card)
    Console(as_json, quiet).result(document, *tables.chip(card))
    return EXIT_OK
