"""The command ``verify``: arguments and help text; it calls :func:`neurosim.api.verifying.verify`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.console import Console
from neurosim.cli.options import Force, Json, Quiet, Seed

Dut = Annotated[
    Path | None,
    typer.Option("--dut", metavar="ADAPTER.yaml", help="Check another design, which this file describes."),
]
Hdl = Annotated[
    Path | None,
    typer.Option("--hdl", metavar="DIR", help="Verilog files that stand for ours of the same names."),
]
Chip = Annotated[
    str | None,
    typer.Option("--chip", metavar="CHIP", help="Name of a preset, or a chip file; tiny unless told."),
]
Suite = Annotated[str, typer.Option("--suite", metavar="SUITE", help="quick (minutes) or full (long).")]
Out = Annotated[
    Path | None,
    typer.Option("-o", "--out", metavar="DIR", help="Folder for the table, and for waveform and log."),
]
Report = Annotated[
    Path | None,
    typer.Option("--report", metavar="FILE", help="A page with the table, areas and coverage (minutes)."),
]
TimeLimit = Annotated[
    float, typer.Option("--time-limit", metavar="S", help="Of every build and run of a tool (exit 6).")
]


def verify(
    chip: Chip = None,
    suite: Suite = "quick",
    dut: Dut = None,
    hdl: Hdl = None,
    out: Out = None,
    report: Report = None,
    time_limit_s: TimeLimit = 900.0,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Hold the Verilog, ours or another's, against the simulator (exit 5 at the first difference)."""
    from neurosim import api
    from neurosim.cli import tables, verify_tables

    console = Console(as_json, quiet)
    with console.progress("verify") as progress:
        made = api.verify(
            chip, suite=suite, dut=dut, hdl=hdl, out=out, report=report, time_limit_s=time_limit_s, seed=seed,
            force=force, progress=progress,
        )  # fmt: skip
    written = [tables.written(made.files)] if made.files else []
    console.result(made.document(), *verify_tables.verification(made.table), *written)
    return made.exit_code
