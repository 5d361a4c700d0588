"""Options and commands that do not exist or are out of range, and exactly what users are told: never a traceback, never half an output."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.main import get_command

from neurosim.cli.commands import app
from tests.cli.conftest import Neurosim
from tests.cli.mistakes import Case

CASES = [
    Case(
        "objective unknown", "map net.npz --chip tiny -o out --objective trafic",
        "--objective: unknown objective of the mapper [map-option]\n"
        "  expected: one of cores, traffic\n"
        "  got: trafic\n"
        "  hint: did you mean 'traffic'?",
    ),
    Case(
        "placement for an unknown goal", "map net.npz --chip tiny -o out --place-for hopss",
        "--place-for: unknown place_for of the mapper [map-option]\n"
        "  expected: one of hops, tree_hops, busiest_link, weighted\n"
        "  got: hopss\n"
        "  hint: did you mean 'hops'?",
    ),
    Case(
        "placement in no time", "map net.npz --chip tiny -o out --time-limit 0",
        "--time-limit: the time limit of the search must be above 0 s [map-option]\n"
        "  got: 0\n"
        "  hint: leave it out for no limit; the effort alone then says how long the search is",
    ),
    Case(
        "placement that the chip's routes do not suit",
        "map net.npz --chip tiny_2x2_gateway -o out --effort 0.05 --place-for tree_hops",
        "--place-for: placing for tree_hops needs routes along x, then y, and equal links in all rows "
        "[map-option]\n"
        "  got: chip 'tiny_2x2_gateway' with other routes\n"
        "  hint: place for hops",
    ),
    Case(
        "effort not positive", "map net.npz --chip tiny -o out --effort 0",
        "--effort: the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: 0.0",
    ),
    Case(
        "effort infinite", "map net.npz --chip tiny -o out --effort inf",
        "--effort: the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: inf",
    ),
    Case(
        "effort not a number", "map net.npz --chip tiny -o out --effort nan",
        "--effort: the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: nan",
    ),
    Case(
        "effort without an end", "map net.npz --chip tiny -o out --effort 1e300",
        "--effort: the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: 1e+300",
    ),
    *(
        Case(
            f"seed {seed} of {command.split()[0]}", f"{command} --seed {seed}",
            "--seed: the seed is out of range [option-range]\n"
            "  expected: a whole number, 0..2147483647\n"
            f"  got: {seed}",
        )
        for command, seed in (
            ("map net.npz --chip tiny -o out", -1), ("map net.npz --chip tiny -o out", 99999999999999999999),
            ("run mapped --input dense_test.npz -o out", -5), ("demo", 2**31), ("bench", -1),
        )
    ),
    Case(
        "samples of no input", "map net.npz --chip tiny -o out --samples 5",
        "a number of samples was given, but no input [samples-no-input]\n"
        "  hint: name the file that holds them with --input",
    ),
    Case(
        "samples zero", "run mapped --input dense_test.npz --samples 0 -o out",
        "--samples: the number of samples is out of range [option-range]\n"
        "  expected: a whole number, at least 1\n"
        "  got: 0",
    ),
    Case(
        "samples of a demo zero", "demo --samples 0",
        "--samples: the number of samples is out of range [option-range]\n"
        "  expected: a whole number, at least 1\n"
        "  got: 0",
    ),
    Case(
        "engine unknown", "run mapped --input dense_test.npz --engine referense -o out",
        "unknown engine 'referense' [engine-unknown]\n"
        "  expected: one of compiled, estimate, functional, reference\n"
        "  hint: did you mean 'reference'?",
    ),
    Case(
        "step limit not positive", "run mapped --input dense_test.npz --max-step-cycles 0 -o out",
        "--max-step-cycles: the limit of a time step in cycles is out of range [option-range]\n"
        "  expected: a whole number, 1..4611686018427387904\n"
        "  got: 0",
    ),
    Case(
        "checkpoints too far apart", "run mapped --input dense_test.npz --checkpoint-every 99999999999999999999 -o out",
        "--checkpoint-every: the number of steps between two checkpoints is out of range [option-range]\n"
        "  expected: a whole number, 1..4611686018427387904\n"
        "  got: 99999999999999999999",
    ),
    Case(
        "events without packets", "run mapped --input dense_test.npz --engine functional --events -o out",
        "engine 'functional' does not log packets [events-no-log]\n"
        "  hint: events.parquet needs a cycle engine, such as compiled",
    ),
    Case(
        "demo network unknown", "demo --net dens",
        "unknown demo network 'dens' [demo-net]\n"
        "  expected: one of dense, conv, ttfs\n"
        "  hint: did you mean 'dense'?",
    ),
    Case(
        "command unknown", "simulate",
        "unknown command 'simulate' [usage]\n"
        "  expected: one of demo, import, map, run, resume, report, export, check, diff, verify, chips, bench, doctor",
    ),
    Case(
        "command misspelt", "chip",
        "unknown command 'chip' [usage]\n"
        "  expected: one of demo, import, map, run, resume, report, export, check, diff, verify, chips, bench, doctor\n"
        "  hint: did you mean 'chips'?",
    ),
    Case(
        "option unknown", "run mapped --imput x.npz -o out",
        "unknown option '--imput' of `neurosim run` [usage]\n"
        "  hint: did you mean '--input'?",
    ),
    Case(
        "option without a value", "run mapped -o out --input",
        "option '--input' requires an argument [usage]\n"
        "  hint: see `neurosim --help`",
    ),
    Case(
        "argument missing", "run --input dense_test.npz -o out",
        "`neurosim run` needs the argument 'DIR' [usage]\n"
        "  hint: see `neurosim run --help`",
    ),
    Case(
        "option missing", "map net.npz -o out",
        "`neurosim map` needs the option '--chip' [usage]\n"
        "  hint: see `neurosim map --help`",
    ),
    Case(
        "format unknown", "import dense.nir --profile spikingjelly-2.0 --format nirr -o out.npz",
        "unknown importer 'nirr' [importer-unknown]\n"
        "  expected: one of nir, npz, random_snn\n"
        "  hint: did you mean 'nir'?",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.check(neurosim, here)


PAIRS = [
    (name, parameter.opts[-1], parameter.secondary_opts[-1])
    for name, command in get_command(app).commands.items() for parameter in command.params if parameter.secondary_opts
]


def test_there_are_options_with_an_opposite() -> None:
    assert ("map", "--multicast", "--no-multicast") in PAIRS


@pytest.mark.parametrize(("command", "yes", "no"), PAIRS)
def test_no_hint_says_the_opposite(command: str, yes: str, no: str, neurosim: Neurosim) -> None:
    """One letter too few, at every place of the word and in the prefix, and never the other of the two."""
    for option in (yes, no):
        start = option.index(yes[2:]) + 1
        for cut in range(start, len(option)):
            said = neurosim(f"{command} {option[:cut]}{option[cut + 1:]}")
            assert said.code == 2
            assert said.err.endswith(f"\n  hint: did you mean '{option}'?\n"), said.err
    said = neurosim(f"{command} {no.replace('--no-', '--no')}")
    assert said.err.endswith(f"\n  hint: did you mean '{no}'?\n"), said.err


def test_no_option_turns_off_what_has_no_opposite(neurosim: Neurosim) -> None:
    said = neurosim("map net.npz --chip tiny -o out --no-metrics")
    assert said.code == 2
    assert said.err == "error: unknown option '--no-metrics' of `neurosim map` [usage]\n  hint: see `neurosim map --help`\n"
