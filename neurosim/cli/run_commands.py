"""Commands that simulate: ``demo``, ``run``, ``resume``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.console import Console
from neurosim.cli.options import (
    CheckpointEvery,
    ChipName,
    Engine,
    Force,
    Input,
    Json,
    Out,
    Quiet,
    Samples,
    Seed,
    Steps,
)


def demo(
    chip: ChipName = "tiny",
    net: Annotated[str, typer.Option("--net", metavar="NET", help="dense, conv or ttfs.")] = "dense",
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", help="Digits to simulate, the first N of 450.")
    ] = None,
    out: Out = Path("neurosim_out/demo"),
    engine: Engine = "compiled",
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Map and simulate the shipped, trained digits network; writes everything into neurosim_out/demo."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("demo") as progress:
        made = api.demo(
            chip, net, samples, out, engine=engine, seed=seed, force=force, progress=progress
        )
    console.present(
        made, *tables.mapping(made.mapping), *tables.run(made.run), tables.written(made.files())
    )
    return made.run.exit_code


def run(
    mapping: Annotated[Path, typer.Argument(metavar="DIR", help="A mapping made by `map`.")],
    out: Out,
    input_: Input = None,
    steps: Steps = None,
    engine: Engine = "compiled",
    samples: Samples = None,
    events: Annotated[
        bool, typer.Option("--events", help="Also write every packet to events.parquet.")
    ] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="Also write packets, flits, core and step events to OUT/trace.")
    ] = False,
    trace_steps: Annotated[
        str | None, typer.Option("--trace-steps", metavar="A:B", help="Trace hardware steps A to B - 1 only.")
    ] = None,
    trace_cores: Annotated[
        str | None, typer.Option("--trace-cores", metavar="0,3-5", help="Trace these cores (and host) only.")
    ] = None,
    max_step_cycles: Annotated[
        int | None, typer.Option("--max-step-cycles", metavar="N", help="Limit of one time step (exit 6).")
    ] = None,
    checkpoint_every: CheckpointEvery = None,
    compare_with: Annotated[
        Path | None,
        typer.Option("--compare-with", metavar="RUN", help="With estimate: print its errors against a run."),
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Simulate a mapping on input samples."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("run") as progress:
        made = api.run_mapping(
            mapping, input_, engine=engine, samples=samples, steps=steps, out=out, seed=seed, events=events,
            trace=trace, trace_steps=trace_steps, trace_cores=trace_cores,
            max_step_cycles=max_step_cycles, checkpoint_every=checkpoint_every, compare_with=compare_with,
            force=force, progress=progress,
        )  # fmt: skip
    console.present(made, *tables.run(made), tables.written({"run": out}))
    return made.exit_code


def resume(
    checkpoint: Annotated[Path, typer.Argument(metavar="OUT.checkpoint", help="A run that was stopped.")],
    out: Annotated[
        Path | None,
        typer.Option(
            "-o", "--out", metavar="OUT",
            help="Folder to write; default: OUT, the checkpoint's name without .checkpoint.",
        ),
    ] = None,
    checkpoint_every: Annotated[
        int | None,
        typer.Option(
            "--checkpoint-every", metavar="N",
            help="Keep it every N hardware steps and at Ctrl-C; default: the N that the run was begun with.",
        ),
    ] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Go on with a run of which --checkpoint-every kept a checkpoint."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("run") as progress:
        made = api.resume_run(
            checkpoint, out=out, checkpoint_every=checkpoint_every, force=force, progress=progress
        )
    console.present(made, *tables.run(made), tables.written({"run": made.folder}))
    return made.exit_code
