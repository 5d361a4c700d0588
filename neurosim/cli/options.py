"""Options that several commands have: their names, types and help texts."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No tables and no progress; warnings and errors stay.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that this program made.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random; stored with the output.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Folder to write; must not exist.")]
Input = Annotated[
    Path | None,
    typer.Option("--input", metavar="X.npz", help="x uint8 (samples, steps, *shape), and y if known."),
]
Samples = Annotated[int | None, typer.Option("--samples", metavar="N", help="Only the first N samples.")]
Steps = Annotated[
    int | None, typer.Option("--steps", metavar="T", help="Time steps, for a network without inputs.")
]
Engine = Annotated[
    str, typer.Option("--engine", metavar="NAME", help="compiled, reference (cycles), estimate, functional.")
]
CheckpointEvery = Annotated[
    int | None,
    typer.Option(
        "--checkpoint-every", metavar="N",
        help="Keep the run in OUT.checkpoint every N hardware steps and at Ctrl-C; see resume.",
    ),
]
ChipName = Annotated[str, typer.Option("--chip", metavar="CHIP", help="Name of a preset, or a chip file.")]
