"""The core that stops draining its input while its output is blocked, and its repaired twin, in Verilog.

Made from a chip: two of its cores, with queues for one packet, whose neurons all fire at once and send to the
other core.  With ``core.receive_during_update`` false both neuron loops wait for their transmit FIFOs, for
ever; with true nobody does.  Simulator and Verilog must say the same of both.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result, Verdict
from neurosim.chip.loader import edit_chip, load_chip_text
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.engines.waits import WaitFinding
from neurosim.rtl.chip_log import SampleEvents, expected_events, first_difference
from neurosim.rules import synapse
from rtl_models import waves
from rtl_models.cases import Bench, Case, Group, Outcome
from rtl_models.chip import StoppedChip, run_to
from rtl_models.core_checks import in_words, within
from rtl_models.deadlock_pairs import NEVER, said
from rtl_models.verdicts import FirstDifference
from rtl_models.waits import find_chip_deadlock

NEURONS = 16  # of a core: four times the packets that the queues between two cores hold
QUIET_CYCLES = 1000  # that a chip is watched after its simulator stopped: nothing may happen any more


def core_deadlocks(chip: Chip, bench: Bench) -> Group:
    """Verdict, blocked queues and all events before it, of the pair."""

    def run(name: str, pair: Chip) -> Callable[[Path], Outcome]:
        return lambda folder: check(name, talkers(pair, bench.seed), bench, folder)

    cases = tuple(Case(name, run(name, pair)) for name, pair in pairs(chip).items())
    note = "two of the chip's cores with small queues, with and without core.receive_during_update"
    return Group("neuron_core", "deadlock pair", cases, note)


def pairs(chip: Chip) -> dict[str, Chip]:
    """Name and chip: two cores beside each other, with the least queues that hold whole packets."""
    flits = chip.packet.flits
    base: dict[str, Any] = {
        "defects": None, "core_types": (), "system": {"chips_x": 1, "chips_y": 1}, "link": None,
        "mesh.width": 2, "mesh.height": 1, "mesh.cores_per_tile": 1, "mesh.topology": "mesh",
        "router.routing": "xy", "router.virtual_channels": 1, "router.vc_policy": "zero",
        "router.drop_after_cycles": None, "router.buffer_flits": flits,
        "host.x": 0, "host.y": 0, "host.side": "west", "core.neurons": min(NEURONS, chip.core.neurons),
        "core.rx_flits": flits, "core.tx_flits": flits,
    }  # fmt: skip
    names = {"cores that stop receiving": False, "cores that always receive": True}
    return {
        name: edit_chip(chip, base | {"core.receive_during_update": receives})
        for name, receives in names.items()
    }


def talkers(chip: Chip, seed: int) -> Program:
    """Two cores whose neurons fire in every step, each to the other core."""
    from neurosim.api.bench_program import PacedNet, paced_program

    n = chip.core.neurons
    program = within(paced_program(PacedNet(2, n, 1, n, 1, "dense"), chip, seed), chip)
    n_words = synapse.axon_words(synapse.FORMAT_DENSE, n, program.weight_bits, 0, chip.core.word_bits)
    words: dict[str, Any] = {"words": np.full(n, n_words, np.int64), "memory_words": n * n_words}
    cores = tuple(
        dataclasses.replace(core, blocks=tuple(dataclasses.replace(block, **words) for block in core.blocks))
        for core in program.cores
    )
    return dataclasses.replace(program, cores=cores)


def check(
    name: str, program: Program, bench: Bench, folder: Path, inputs: Workload | None = None
) -> Outcome:
    """Run the one sample of ``inputs`` (a step of nothing unless told) on the engine and on the Verilog."""
    chip = load_chip_text(program.chip_yaml, "program")
    if inputs is None:
        inputs = Workload(np.zeros((1, 1, 0), np.uint8), np.full(1, -1, np.int64), "none")
    result = ReferenceEngine().run(program, inputs, RunOptions(log_packets=True, check_every_cycles=NEVER))
    verdict = result.verdict if result.verdict.status != "ok" else None
    end = int(result.step_end.max()) if verdict is None else verdict.cycle
    dump_cycle = end // 2 if verdict is None else end + QUIET_CYCLES  # the twin: in the thick of it
    last = 2 * end + QUIET_CYCLES if verdict is None else dump_cycle + 2
    got = run_to(program, inputs, last, dump_cycle, "icarus", bench.replace, folder, bench.seconds)
    first = _first_difference(name, result, verdict, program, chip, got)

    def draw(place: Path) -> Path | None:
        at = end if first is None or first.cycle < 0 else first.cycle
        return waves.of_chip(program, inputs, 0, at, place, bench.replace, bench.seconds)

    packets = 0 if result.packets is None else len(result.packets.sample)
    n_different = 0 if first is None else first.n_different or 1
    return Outcome(end, packets, first, n_different, draw, folder / "events.log")


def _first_difference(
    name: str, result: Result, verdict: Verdict | None, program: Program, chip: Chip, got: StoppedChip
) -> FirstDifference | None:
    """Of the events, or of what they came to."""
    expected, seen = _over(expected_events(result, program, chip), got.events)
    found = first_difference(expected, seen)
    if found is not None:
        return in_words(name, found, expected, seen)
    waits = find_chip_deadlock(chip, program, got.dump)
    step = len(got.events[0].events["start"]) - 1
    theirs = None if waits is None else _as_verdict(waits, step, verdict)
    if theirs == verdict:
        return None
    cycle = -1 if verdict is None else verdict.cycle
    return FirstDifference(name, cycle, "neuro_chip", "blocked queues", said(verdict), said(theirs), 0, 1)


def _as_verdict(waits: WaitFinding, step: int, verdict: Verdict | None) -> Verdict:
    """The Verilog's; that it came to a stop in the same cycle, its events have said."""
    return waits.verdict(f"deadlock in step {step}: ", 0, -1 if verdict is None else verdict.cycle)


Samples = list[SampleEvents]


def _over(ours: Samples, theirs: Samples) -> tuple[Samples, Samples]:
    """Both without spikes of steps that did not end: the simulator knows them before they are fired."""
    ended = {step for _, step in ours[0].events["end"]} & {step for _, step in theirs[0].events["end"]}

    def of(samples: Samples) -> Samples:
        spikes = [row for row in samples[0].events["spike"] if row[0] in ended]
        return [dataclasses.replace(samples[0], events={**samples[0].events, "spike": spikes})]

    return of(ours), of(theirs)
