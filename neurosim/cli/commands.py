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


def command_names() -> tuple[str, ...]:
    """The commands in the order of ``--help``."""
    return (
        "demo", "import", "map", "run", "resume", "report", "export", "check", "diff", "chips", "bench",
        "doctor",
    )  # fmt: skip


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
    format_: Annotated[
        str | None,
        typer.Option("--format", metavar="NAME", help="Importer; default: by the file's ending."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read a trained network: .nir under a neuron profile, or .npz with plain weights."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    network = api.import_network(model, profile=profile, dt_s=dt, out=out, format=format_, force=force)
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
    steps: Annotated[
        int | None,
        typer.Option("--steps", metavar="T", help="Time steps, for a network without inputs."),
    ] = None,
    cores: Annotated[
        Path | None,
        typer.Option("--cores", metavar="C.npz", help="The mapping itself: core, one number per neuron."),
    ] = None,
    weight_bits: Annotated[
        int | None, typer.Option("--weight-bits", metavar="W", help="Default: the chip's widest up to 8.")
    ] = None,
    objective: Annotated[
        str, typer.Option("--objective", metavar="GOAL", help="cores (fewest) or traffic (least).")
    ] = "cores",
    effort: Annotated[
        float, typer.Option("--effort", help="Scales the solvers' budgets, 0.001 to 1000.")
    ] = 1.0,
    place_for: Annotated[
        str,
        typer.Option(
            "--place-for", metavar="WHAT",
            help="What placement makes small: hops, tree_hops, busiest_link or weighted.",
        ),
    ] = "hops",
    time_limit_s: Annotated[
        float | None,
        typer.Option("--time-limit", metavar="S", help="At most so long for a placement; else by effort."),
    ] = None,
    metrics: Annotated[
        bool, typer.Option("--metrics", help="All figures with their formulas, and DIR/mapping.html.")
    ] = False,
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
            net, chip, out, input=input_, samples=samples, steps=steps, cores=cores, weight_bits=weight_bits,
            objective=objective, effort=effort, place_for=place_for, time_limit_s=time_limit_s,
            metrics=metrics, seed=seed, force=force, progress=progress,
        )  # fmt: skip
    console.warn(*made.warnings)
    console.result(made.document(), *tables.mapping(made), tables.written({"mapping": made.folder}))
    return EXIT_OK


@app.command("run")
def run(
    mapping: Annotated[Path, typer.Argument(metavar="DIR", help="A mapping made by `map`.")],
    out: Out,
    input_: Annotated[
        Path | None,
        typer.Option("--input", metavar="X.npz", help="x uint8 (samples, steps, *shape), and y if known."),
    ] = None,
    steps: Annotated[
        int | None, typer.Option("--steps", metavar="T", help="Time steps, for a network without inputs.")
    ] = None,
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
    console.warn(*made.warnings)
    console.result(made.document(), *tables.run(made), tables.written({"run": out}))
    return made.exit_code


@app.command("resume")
def resume(
    checkpoint: Annotated[Path, typer.Argument(metavar="OUT.checkpoint", help="A run that was stopped.")],
    out: Annotated[
        Path | None, typer.Option("-o", "--out", metavar="OUT", help="Folder to write; default: as before.")
    ] = None,
    checkpoint_every: CheckpointEvery = None,
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
    console.warn(*made.warnings)
    console.result(made.document(), *tables.run(made), tables.written({"run": made.folder}))
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


@app.command("export")
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
    console.warn(*made.warnings)
    console.result(made.document(), tables.written(made.files))
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


@app.command("diff")
def diff(
    ours: Annotated[Path, typer.Argument(metavar="A", help="A run, mapping, artefact file or chip file.")],
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
def bench(
    mapper: Annotated[
        str | None,
        typer.Option(
            "--mapper", metavar="STAGE",
            help="Measure a stage of the mapper instead: partition, placement, routes, defects.",
        ),
    ] = None,
    case: Annotated[
        str | None,
        typer.Option("--case", metavar="NAME", help="With --mapper: only nets whose names begin so."),
    ] = None,
    effort: Annotated[
        float, typer.Option("--effort", help="With --mapper: scales the budgets, 0.001 to 1000.")
    ] = 1.0,
    scaling: Annotated[
        bool, typer.Option("--scaling", help="Also double neurons, routers and activity (minutes).")
    ] = False,
    large: Annotated[
        bool, typer.Option("--large", help="Also run a network of 100,000 neurons (minutes).")
    ] = False,
    threads: Annotated[
        bool, typer.Option("--threads", help="Also run the chips of large systems on two threads (minutes).")
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
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    if mapper is not None or case is not None:
        with console.progress("bench") as progress:
            measured = api.bench_mapper(mapper, case, seed, effort, progress=progress)
        console.result(measured.document(), *tables.mapper_bench(measured))
        return EXIT_OK
    with console.progress("bench") as progress:
        made = api.bench(
            seed, large=large, scaling=scaling, threads=threads, html=html, force=force, progress=progress
        )
    console.result(made.document(), *tables.bench(made))
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
