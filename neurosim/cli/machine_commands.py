"""Commands about speed and this machine: ``bench``, ``doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.console import Console
from neurosim.cli.options import Force, Json, Quiet, Seed
from neurosim.errors import EXIT_BAD_INPUT, EXIT_OK, InputError


def bench(
    mapper: Annotated[
        str | None,
        typer.Option(
            "--mapper", metavar="STAGE",
            help="Measure a stage of the mapper instead: defects, group, partition, placement, routes.",
        ),
    ] = None,
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="NAME", help="With --mapper: only nets whose names begin so."),
    ] = None,
    effort: Annotated[
        float | None,
        typer.Option("--effort", help="With --mapper: scales the budgets, 0.001 to 1000; default 1."),
    ] = None,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Also double neurons, routers and activity (minutes).")
    ] = False,
    large: Annotated[
        bool, typer.Option("--large", help="Also run a network of 100,000 neurons (minutes).")
    ] = False,
    threads: Annotated[
        bool, typer.Option("--threads", help="Also run the chips of large systems on two threads (minutes).")
    ] = False,
    rtl: Annotated[
        bool, typer.Option("--rtl", help="Measure the Verilog under Verilator against the compiled engine.")
    ] = False,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Write a page with tables and plots.")
    ] = None,
    force: Force = False,
    seed: Seed = 0,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Measure the engines' speed and memory, or the mapper's costs against published ones."""
    from neurosim import api
    from neurosim.cli import tables, verify_tables

    console = Console(as_json, quiet)
    if mapper is not None or case is not None or effort is not None:
        if mapper is not None:
            given = {"--scaling": scaling, "--large": large, "--threads": threads, "--rtl": rtl}
            _refuse({**given, "--html": html is not None})
        with console.progress("bench") as progress:
            measured = api.bench_mapper(mapper, case, seed, effort, progress=progress)
        console.result(measured.document(), *tables.mapper_bench(measured))
        return EXIT_OK
    if rtl:
        with console.progress("bench") as progress:
            against = api.bench_verilog(seed, progress=progress)
        console.result(against.document(), *verify_tables.rtl_bench(against))
        return EXIT_OK
    with console.progress("bench") as progress:
        made = api.bench(
            seed, large=large, scaling=scaling, threads=threads, html=html, force=force, progress=progress
        )
    console.result(made.document(), *tables.bench(made))
    return EXIT_OK


def _refuse(given: dict[str, bool]) -> None:
    """Options of the engines' benchmark beside --mapper are a mistake, not to be passed over."""
    name = next((name for name, is_given in given.items() if is_given), None)
    if name is not None:
        raise InputError(
            f"{name} is of the engines' benchmark, not of the mapper's", code="usage",
            hint=f"leave out --mapper, or {name}",
        )  # fmt: skip


def doctor(as_json: Json = False, quiet: Quiet = False) -> int:
    """Look at this machine: what is there, what is missing, and the command to get it."""
    from dataclasses import asdict

    from neurosim.cli import tables
    from neurosim.doctor import diagnose

    found = diagnose()
    document = {**asdict(found), "is_healthy": found.is_healthy}
    Console(as_json, quiet).result(document, *tables.doctor(found))
    return EXIT_OK if found.is_healthy else EXIT_BAD_INPUT
