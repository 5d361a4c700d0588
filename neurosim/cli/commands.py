"""The commands: arguments and help texts; each calls one function of :mod:`neurosim.api`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from neurosim.cli.console import Console
from neurosim.errors import EXIT_BAD_INPUT, EXIT_MISMATCH, EXIT_OK

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

Json = Annotated[bool, typer.Option("--json", help="One JSON document on stdout, nothing else there.")]
Quiet = Annotated[bool, typer.Option("--quiet", help="No tables and no progress; warnings and errors stay.")]
Force = Annotated[bool, typer.Option("--force", help="Replace an output that this program made.")]
Seed = Annotated[int, typer.Option("--seed", help="Seed of everything random; stored with the output.")]
Out = Annotated[Path, typer.Option("-o", "--out", metavar="OUT", help="Folder to write; must not exist.")]
Input = Annotated[
    Path, typer.Option("--input", metavar="X.npz", help="x uint8 (samples, steps, *shape), and y if known.")
]
Samples = Annotated[int | None, typer.Option("--samples", metavar="N", help="Only the first N samples.")]
Engine = Annotated[
    str, typer.Option("--engine", metavar="NAME", help="reference, compiled (cycles) or functional (spikes).")
]
ChipName = Annotated[str, typer.Option("--chip", metavar="CHIP", help="Name of a preset, or a chip file.")]


def command_names() -> tuple[str, ...]:
    """The commands in the order of ``--help``."""
    return ("demo", "import", "map", "run", "report", "check", "chips", "bench", "doctor")


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


@app.command("demo")
def demo(
    chip: ChipName = "tiny",
    net: Annotated[str, typer.Option("--net", metavar="NET", help="dense or conv.")] = "dense",
    samples: Annotated[
        int | None, typer.Option("--samples", metavar="N", help="Digits to simulate, the first N of 450.")
    ] = None,
    out: Out = Path("neurosim_out/demo"),
    engine: Engine = "reference",
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
    console.warn(*made.warnings)
    console.result(
        made.document(), *tables.mapping(made.mapping), *tables.run(made.run), tables.written(made.files())
    )
    return made.run.exit_code


@app.command("import")
def import_(
    model: Annotated[
        Path, typer.Argument(metavar="MODEL", help="A trained network: .nir, or .npz with plain weights.")
    ],
    out: Annotated[Path, typer.Option("-o", "--out", metavar="NET", help="File to write, e.g. net.npz.")],
    profile: Annotated[
        str, typer.Option("--profile", metavar="NAME", help="Neuron profile: where it was trained.")
    ] = "",
    dt: Annotated[
        float | None, typer.Option("--dt", metavar="S", help="Time step in seconds, if the profile has none.")
    ] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read a trained network: .nir under a neuron profile, or .npz with plain weights."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    network = api.import_network(model, profile=profile, dt_s=dt, out=out, force=force)
    console.warn(*network.warnings)
    document = tables.network_document(network, out)
    console.result(document, *tables.network(network), tables.written({"network": out}))
    return EXIT_OK


@app.command("map")
def map_(
    net: Annotated[Path, typer.Argument(metavar="NET", help="A network made by `import`.")],
    chip: ChipName,
    out: Out,
    input_: Annotated[
        Path | None,
        typer.Option("--input", metavar="X.npz", help="Samples that tell the mapper the traffic."),
    ] = None,
    samples: Samples = None,
    weight_bits: Annotated[
        int | None, typer.Option("--weight-bits", metavar="W", help="Default: the chip's widest up to 8.")
    ] = None,
    objective: Annotated[
        str, typer.Option("--objective", metavar="GOAL", help="cores (fewest) or traffic (least).")
    ] = "cores",
    effort: Annotated[
        float, typer.Option("--effort", help="Scales the solvers' budgets, 0.001 to 1000.")
    ] = 1.0,
    seed: Seed = 0,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Quantise a network to a chip, and partition, place and route it."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("map") as progress:
        made = api.map_network(
            net, chip, out, input=input_, samples=samples, weight_bits=weight_bits, objective=objective,
            effort=effort, seed=seed, force=force, progress=progress,
        )  # fmt: skip
    console.warn(*made.warnings)
    console.result(made.document(), *tables.mapping(made), tables.written({"mapping": made.folder}))
    return EXIT_OK


@app.command("run")
def run(
    mapping: Annotated[Path, typer.Argument(metavar="DIR", help="A mapping made by `map`.")],
    input_: Input,
    out: Out,
    engine: Engine = "reference",
    samples: Samples = None,
    events: Annotated[
        bool, typer.Option("--events", help="Also write every packet to events.parquet.")
    ] = False,
    max_step_cycles: Annotated[
        int | None, typer.Option("--max-step-cycles", metavar="N", help="Limit of one time step (exit 6).")
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
            mapping, input_, engine=engine, samples=samples, out=out, seed=seed, events=events,
            max_step_cycles=max_step_cycles, force=force, progress=progress,
        )  # fmt: skip
    console.warn(*made.warnings)
    console.result(made.document(), *tables.run(made), tables.written({"run": out}))
    return made.exit_code


@app.command("report")
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


@app.command("check")
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
    console.warn(*found.warnings)
    console.result(found.document(), *tables.check(found))
    return EXIT_OK if found.is_good else EXIT_MISMATCH


chips_app = typer.Typer(
    invoke_without_command=True, help="List the chips that come with the program, or show one."
)
app.add_typer(chips_app, name="chips")


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


@app.command("bench")
def bench(seed: Seed = 0, as_json: Json = False, quiet: Quiet = False) -> int:
    """Measure the engines' speed on raw traffic, as rates and as ratios of one run."""
    from dataclasses import asdict

    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    with console.progress("bench") as progress:
        made = api.bench(seed, progress=progress)
    console.result(asdict(made), *tables.bench(made))
    return EXIT_OK


@app.command("doctor")
def doctor(as_json: Json = False, quiet: Quiet = False) -> int:
    """Look at this machine: what is there, what is missing, and the command to get it."""
    from dataclasses import asdict

    from neurosim.cli import tables
    from neurosim.doctor import diagnose

    found = diagnose()
    document = {**asdict(found), "is_healthy": found.is_healthy}
    Console(as_json, quiet).result(document, *tables.doctor(found))
    return EXIT_OK if found.is_healthy else EXIT_BAD_INPUT
