"""Commands that read what others wrote: ``report``, ``export``, ``check``, ``diff``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.console import Console
from neurosim.cli.options import Force, Json, Quiet
from neurosim.errors import EXIT_MISMATCH, EXIT_OK


def report(
    out: Annotated[Path, typer.Argument(metavar="OUT", help="A run made by `run`.")],
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Print a run's figures and draw report.html into its folder."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    made = api.report_run(out)
    console.result(made.document(), *tables.report(made), tables.written({"report": made.html}))
    return EXIT_OK


def export(
    run_: Annotated[Path, typer.Argument(metavar="OUT", help="A run made by `run --trace`.")],
    perfetto: Annotated[
        Path | None, typer.Option("--perfetto", metavar="FILE", help="A .pftrace for ui.perfetto.dev.")
    ] = None,
    vcd: Annotated[
        Path | None, typer.Option("--vcd", metavar="FILE", help="A waveform with the Verilog's names (.vcd).")
    ] = None,
    samples: Annotated[
        str | None, typer.Option("--samples", metavar="A:B", help="Samples A to B - 1 only.")
    ] = None,
    steps: Annotated[
        str | None, typer.Option("--steps", metavar="A:B", help="Hardware steps A to B - 1 only.")
    ] = None,
    cores: Annotated[
        str | None, typer.Option("--cores", metavar="0,3-5", help="These cores (and host) only.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Export the trace of a run, or a part of it, for the Perfetto viewer or a waveform viewer."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("export") as progress:
        made = api.export_run(
            run_, perfetto=perfetto, vcd=vcd, samples=samples, steps=steps, cores=cores, force=force,
            progress=progress,
        )  # fmt: skip
    console.present(made, tables.written(made.files))
    return EXIT_OK


def check(
    artefact: Annotated[
        Path, typer.Argument(metavar="ARTEFACT", help="Any file or folder of ours, or a chip file.")
    ],
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check any artefact, by checkers that are independent of what made it (exit 5 if one is broken)."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("check") as progress:
        found = api.check(artefact, progress=progress)
    console.present(found, *tables.check(found))
    return EXIT_OK if found.is_good else EXIT_MISMATCH


def diff(
    ours: Annotated[
        Path, typer.Argument(metavar="A", help="A run, mapping, artefact file, chip file or preset.")
    ],
    theirs: Annotated[Path, typer.Argument(metavar="B", help="Another of the same kind.")],
    cycles: Annotated[
        bool, typer.Option("--cycles", help="Compare two engines in every cycle, even if results agree.")
    ] = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Say whether two runs are the same, or the first cycle, component and field where they part (exit 5)."""
    from neurosim import api
    from neurosim.cli import diff_tables

    console = Console(as_json, quiet)
    with console.progress("diff") as progress:
        found = api.diff(ours, theirs, cycles=cycles, progress=progress)
    console.result(found.document(), *diff_tables.diff(found))
    return EXIT_OK if found.is_equal else EXIT_MISMATCH
