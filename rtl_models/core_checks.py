"""What ``verify`` asks of cores, barrier and whole chips: update rule, random networks, pacemakers, the demo.

Each function reads a chip and gives a :class:`~rtl_models.cases.Group`.  A whole chip runs a program of our
own mapper; every event (tokens, ends of steps, packets, spikes, missed deadlines) and every counter of it
must be the reference engine's, or the compiled one's where it is much.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np

from neurosim.artefacts.program import NeuronGroup, Program
from neurosim.chip.loader import load_chip_text
from neurosim.chip.models import Chip
from neurosim.chip.timing import barrier_length
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.engines.signed import signed_range
from neurosim.errors import DoesNotFitError, LimitError, MismatchError
from neurosim.rtl.chip_log import (
    Difference,
    SampleEvents,
    expected_counts,
    expected_events,
    first_difference,
)
from rtl_models import toolchain, update, waves
from rtl_models.cases import Bench, Case, Group, Outcome
from rtl_models.chip import run_chip
from rtl_models.random_nets import random_input, random_network
from rtl_models.scale import n_cores, size_note, size_text
from rtl_models.verdicts import FirstDifference

ICARUS_CORE_CYCLES = 20_000  # cores times cycles that are worth no build of Verilator's
UPDATE_CASES = {"quick": 1000, "full": 10_000}
NETWORKS = {"quick": 3, "full": 20}
ONCE_NETWORKS = {"quick": 2, "full": 8}
TRIES = 8  # networks drawn for one that fits the chip
LONG_STEP_CYCLES = 10_000  # a chip whose steps are longer gets fewer of everything
SAMPLES, STEPS = 2, 4
BARRIER_STEPS = 6
DEMO = {"quick": (1, 4), "full": (20, None)}  # samples, steps
LONG_STEP_DEMO = {"quick": (1, 2), "full": (1, 4)}
LONG_STEP_SHARE = 10  # one network in so many, where a step takes long


def updates(chip: Chip, bench: Bench) -> Group:
    """Every neuron model and reset, number by number, in the chip's widths."""
    n = UPDATE_CASES[bench.suite]

    def check(folder: Path) -> Outcome:
        cases = update.random_cases(chip, n, bench.seed)
        expected = update.by_rule(chip, cases)
        got = update.by_verilog(chip, cases, folder, bench.replace, bench.seconds)
        wrong = first_wrong(expected, got)
        if wrong is None:
            return Outcome(n)
        row, column = wrong
        inputs = ", ".join(f"{name} {int(values[row])}" for name, values in cases.items())
        theirs = str(int(got[row, column])) if row < len(got) else "nothing"
        first = FirstDifference(
            f"update {row}: {inputs}", row, "neuron_update", update.COLUMNS[column],
            str(int(expected[row, column])), theirs,
        )  # fmt: skip
        return Outcome(n, None, first, 1, log=folder / "log.txt")

    name = f"{n} updates, {chip.core.membrane_bits} and {chip.core.current_bits} bits"
    return Group("neuron_update", "every number", (Case(name, check),))


def first_wrong(expected: np.ndarray, got: np.ndarray) -> tuple[int, int] | None:
    """(row, column) of the first number that differs or is missing; None if the tables are equal."""
    n = min(len(expected), len(got))
    wrong = np.argwhere(expected[:n] != got[:n])
    if len(wrong):
        return int(wrong[0][0]), int(wrong[0][1])
    return None if len(expected) == len(got) else (n, 0)


def has_long_steps(chip: Chip) -> bool:
    """Whether a time step takes many cycles of nothing."""
    return step_cycles(chip) > LONG_STEP_CYCLES


def step_cycles(chip: Chip) -> int:
    """Cycles that a time step takes at least: a tick's period, or the barrier's way."""
    s = chip.sync
    return (s.tick_period_cycles or 0) if s.mode == "tick" else barrier_length(chip)


def random_chips(chip: Chip, small: Chip, bench: Bench) -> Group:
    """Random networks of all models that the chip has, mapped by our mapper."""
    return _networks("random networks", NETWORKS[bench.suite], None, chip, small, bench)


def once_chips(chip: Chip, small: Chip, bench: Bench) -> Group:
    """Random networks of first-spike neurons, mapped by our mapper."""
    return _networks("first-spike networks", ONCE_NETWORKS[bench.suite], "ttfs", chip, small, bench)


def _networks(
    how: str, most: int, firing: str | None, chip: Chip, small: Chip, bench: Bench
) -> Group:
    def run(number: int) -> Callable[[Path], Outcome]:
        def check(folder: Path) -> Outcome:
            program, inputs = random_program(small, bench.seed + 1000 * number, firing)
            case = f"network {program.name} on {size_text(small)}"
            return compare(program, inputs, case, bench, None, folder)

        return check

    n = max(1, most // (LONG_STEP_SHARE if has_long_steps(small) else 1))
    cases = tuple(Case(f"random network {k + 1}", run(k)) for k in range(n))
    return Group("neuro_chip", how, cases, size_note(chip, small))


def random_program(chip: Chip, seed: int, firing: str | None = None) -> tuple[Program, Workload]:
    """The first of some networks that fits; ``firing``: the model of all neurons that fire.

    Raises:
        DoesNotFitError: none does.
    """
    from mapper import MapOptions, compile_network

    for attempt in range(TRIES):
        network = random_network(chip, seed + attempt, firing)
        try:
            program = compile_network(network, chip, MapOptions(seed=attempt, effort=0.05)).program
        except DoesNotFitError:
            if attempt + 1 == TRIES:
                raise
            continue
        size = (1, 2) if has_long_steps(chip) else (SAMPLES, STEPS)
        return program, random_input(network, *size, seed + attempt)
    raise AssertionError("unreachable")


def barrier(chip: Chip, small: Chip, bench: Bench) -> Group:
    """Pacemakers on every core: the token's and every step's end's cycle, over the whole tree."""
    from neurosim.api.bench_program import PacedNet, paced_program

    def check(folder: Path) -> Outcome:
        neurons = min(4, small.core.neurons)
        net = PacedNet(n_cores(small), neurons, 1, neurons, 3, "dense")
        program = within(paced_program(net, small, bench.seed), small)
        steps = 2 if has_long_steps(small) else BARRIER_STEPS
        inputs = Workload(np.zeros((1, steps, 0), np.uint8), np.full(1, -1, np.int64), "none")
        case = f"{n_cores(small)} cores on {size_text(small)}"
        return compare(program, inputs, case, bench, None, folder)

    name = f"{n_cores(small)} cores"
    return Group("barrier", "pacemakers", (Case(name, check),), size_note(chip, small))


def within(program: Program, chip: Chip) -> Program:
    """``program`` with floors that the chip's membranes have."""
    least = signed_range(chip.core.membrane_bits)[0]

    def group(group: NeuronGroup) -> NeuronGroup:
        return dataclasses.replace(group, v_floor=np.maximum(group.v_floor, least))

    cores = tuple(
        dataclasses.replace(core, groups=tuple(map(group, core.groups))) for core in program.cores
    )
    return dataclasses.replace(program, cores=cores)


def demo(chip: Chip, small: Chip, program: Program, bench: Bench) -> Group:
    """The digits network, mapped by our mapper on ``small``."""
    is_long = has_long_steps(small)
    n_samples, n_steps = (LONG_STEP_DEMO if is_long else DEMO)[bench.suite]
    simulator = "verilator" if bench.is_full else None

    def check(folder: Path) -> Outcome:
        inputs = demo_input(n_samples, n_steps)
        return compare(program, inputs, f"demo on {size_text(small)}", bench, simulator, folder)

    cases = (Case(f"{n_samples} sample{'s' if n_samples > 1 else ''}", check),)
    less = f"only {n_samples} x {n_steps} steps of {step_cycles(small)} cycles" if is_long else ""
    note = ", ".join(part for part in (size_note(chip, small), less) if part)
    return Group("neuro_chip", "demo network", cases, note)


def demo_program(chip: Chip, folder: Path) -> Program:
    """The demo network on ``chip``; works in ``folder``.

    Raises:
        DoesNotFitError: it does not fit.
    """
    import workloads
    from neurosim import store
    from neurosim.api.importing import import_network
    from neurosim.api.mapping import map_network

    digits = Path(workloads.__path__[0]) / "digits"
    network = import_network(digits / "dense.nir", profile="spikingjelly-2.0")
    out = folder / "demo"
    map_network(network, chip, out=out, input=digits / "dense_test.npz", samples=20, effort=0.2)
    program: Program = store.load(out / "program.npz", Program)
    return program


def demo_input(samples: int, steps: int | None = None) -> Workload:
    """The first test samples, cut after ``steps``."""
    import workloads

    data = np.load(Path(workloads.__path__[0]) / "digits" / "dense_test.npz")
    x = data["x"].reshape(len(data["x"]), data["x"].shape[1], -1)[:samples, :steps]
    return Workload(x.astype(np.uint8), data["y"][: len(x)].astype(np.int64), "digits")


def compare(
    program: Program, inputs: Workload, case: str, bench: Bench, simulator: str | None, folder: Path
) -> Outcome:
    """Run on an engine and on the Verilog; the first event or counter that differs.

    Without a ``simulator``, Icarus takes what is short, and Verilator, if it is there, what is long.

    Raises:
        LimitError: the Verilog did not finish a sample that the engine finished.
    """
    chip = load_chip_text(program.chip_yaml, "program")
    engine = CompiledEngine() if simulator == "verilator" else ReferenceEngine()
    result = engine.run(program, inputs, RunOptions(log_packets=True))
    cycles = int(result.step_end.max(axis=1).sum())
    packets = len(result.packets.sample) if result.packets is not None else 0
    if simulator is None:
        is_long = cycles * n_cores(chip) > ICARUS_CORE_CYCLES and toolchain.missing("verilator") is None
        simulator = "verilator" if is_long else "icarus"
    limit = 2 * int(result.step_end.max()) + 1000
    try:
        got = run_chip(program, inputs, simulator, limit, bench.replace, folder, bench.seconds)
    except LimitError as error:
        raise LimitError(
            error.what, code=error.code, where=str(folder / Path(error.where or "events.log").name),
            expected=f"{case}: its longest sample ends in cycle {int(result.step_end.max())}",
        ) from error  # fmt: skip
    except MismatchError as error:
        first = FirstDifference(case, -1, "neuro_chip", error.what, error.expected or "", error.got or "")
        return Outcome(cycles, packets, first, 1, log=folder / "events.log")
    expected = expected_events(result, program, chip)
    found = first_difference(expected, got)
    if found is not None:
        first = in_words(case, found, expected, got)
        sample, cycle = found.sample, max(0, first.cycle)
        return Outcome(
            cycles, packets, first, found.n_different,
            lambda place: waves.of_chip(
                program, inputs, sample, cycle, place, bench.replace, bench.seconds
            ),
            folder / "events.log",
        )  # fmt: skip
    totals = {name: sum(sample.counts[name] for sample in got) for name in got[0].counts}
    for name, value in expected_counts(result).items():
        if totals[name] != value:
            field = name.replace("_", " ")
            first = FirstDifference(case, -1, "all cores", field, str(value), str(totals[name]))
            return Outcome(cycles, packets, first, 1, log=folder / "events.log")
    return Outcome(cycles, packets)


FIELDS = {
    "start": "token of the next step", "end": "end of the step", "inject": "packet injected",
    "arrive": "packet arrives", "spike": "spike", "missed": "missed deadline",
}  # fmt: skip


def in_words(
    case: str, found: Difference, expected: list[SampleEvents], got: list[SampleEvents]
) -> FirstDifference:
    """An event as cycle, component, field and both values."""
    row = found.expected if found.expected is not None else found.got
    assert row is not None
    if found.expected is not None and found.got is not None:
        row = min(found.expected, found.got)
    cycle, component = row[0], "barrier"
    if found.kind in ("inject", "arrive"):
        component = "host" if row[1] < 0 else f"core {row[1]}"
    elif found.kind in ("spike", "missed"):
        component = "host" if row[1] < 0 else f"core {row[1]}"
        side = expected if found.sample < len(expected) else got
        starts = {step: at for at, step in side[found.sample].events["start"]}
        cycle = starts.get(row[0], 0)
    values = [_value(found.kind, value) for value in (found.expected, found.got)]
    return FirstDifference(
        case, cycle, component, FIELDS[found.kind], values[0], values[1], found.sample, found.n_different
    )


def _value(kind: str, row: tuple[int, ...] | None) -> str:
    if row is None:
        return "nothing"
    names = {
        "start": ("cycle", "step"), "end": ("cycle", "step"), "missed": ("step", "core"),
        "inject": ("cycle", "core", "to core", "axon", "step"), "arrive": ("cycle", "core", "axon", "step"),
        "spike": ("step", "core", "neuron", "count"),
    }[kind]  # fmt: skip
    return ", ".join(f"{name} {value}" for name, value in zip(names, row, strict=True))
