"""Commands that end in a mapping: ``import``, ``map``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from neurosim.cli.console import Console
from neurosim.cli.options import ChipName, Force, Json, Out, Quiet, Samples, Seed, Steps
from neurosim.errors import EXIT_OK


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
    first_spike: Annotated[
        int | None,
        typer.Option("--first-spike", metavar="T", help="One spike a neuron, in windows of T steps (TTFS)."),
    ] = None,
    force: Force = False,
    as_json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Read a trained network: .nir under a neuron profile, or .npz with plain weights."""
    from neurosim import api
    from neurosim.cli import tables

    console = Console(as_json, quiet)
    network = api.import_network(
        model, profile=profile, dt_s=dt, out=out, format=format_, first_spike_steps=first_spike, force=force
    )
    console.warn(*network.warnings)
    document = tables.network_document(network, out)
    console.result(document, *tables.network(network), tables.written({"network": out}))
    return EXIT_OK


def map_(
    net: Annotated[Path, typer.Argument(metavar="NET", help="A network made by `import`.")],
    chip: ChipName,
    out: Out,
    input_: Annotated[
        Path | None,
        typer.Option("--input", metavar="X.npz", help="Samples that tell the mapper the traffic."),
    ] = None,
    samples: Samples = None,
    steps: Steps = None,
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
    partitioner: Annotated[
        str,
        typer.Option(
            "--partitioner", metavar="NAME",
            help="tiling, layer_order, sweep, hypergraph, or mtkahypar (an extra).",
        ),
    ] = "tiling",
    polish: Annotated[
        bool, typer.Option("--polish", help="Let layers share cores where that saves cores or traffic.")
    ] = False,
    repair: Annotated[
        bool, typer.Option("--repair/--no-repair", help="Repair a mapping that can deadlock, if possible.")
    ] = True,
    multicast: Annotated[
        bool,
        typer.Option("--multicast/--no-multicast", help="Use the routers' multicast tables, if any."),
    ] = True,
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
            partitioner=partitioner, polish=polish, repair=repair, multicast=multicast, metrics=metrics,
            seed=seed, force=force, progress=progress,
        )  # fmt: skip
    console.present(made, *tables.mapping(made), tables.written({"mapping": made.folder}))
    return EXIT_OK
