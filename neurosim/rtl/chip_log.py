"""The event log of a whole chip's bench, and the same events from a Result: two tables that must be equal.

Reads the text that ``rtl_models/bench/chip_bench.v`` writes (format: ``rtl_models/README.md``) or a
:class:`~neurosim.artefacts.result.Result` with a packet log.  Every event is one row of integers, so
that "equal to the cycle" is equality of sorted rows, and the first difference is the earliest row that
only one side has.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program
from neurosim.artefacts.result import Result
from neurosim.artefacts.tree_table import TreeTable, as_target, as_tree
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.errors import LimitError, MismatchError
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.fabric.trees import arrivals
from neurosim.rtl.flits import FlitLayout, flit_layout
from neurosim.rules import ports

Row = tuple[int, ...]
KINDS = ("start", "end", "inject", "arrive", "spike", "missed")
"""Events with a time: rows of ``start`` and ``end`` are (cycle, step), ``inject`` (cycle, source, target,
axon, step), ``arrive`` (cycle, target, axon, step), ``spike`` (step, core, neuron, count), ``missed`` (step,
core).  A packet to a multicast tree is one row of ``inject`` per leaf, as in a Result.
Steps in packets are modulo what the flit holds."""


@dataclass(frozen=True)
class SampleEvents:
    """One sample's events, sorted; ``counts`` are totals by name, ``membrane`` (core, neuron) -> value."""

    events: dict[str, list[Row]]
    counts: dict[str, int]
    membrane: dict[tuple[int, int], int]


@dataclass(frozen=True)
class Difference:
    """The first event that only one side has; ``n_different`` counts all such events of all samples."""

    sample: int
    kind: str
    expected: Row | None
    got: Row | None
    n_different: int

    def __str__(self) -> str:
        """One line for messages."""
        return (
            f"sample {self.sample}: {self.kind} {self.expected or 'nothing'} expected, "
            f"{self.got or 'nothing'} got ({self.n_different} events differ in all)"
        )


def read_chip_log(
    path: Path, chip: Chip, may_stop: bool = False, trees: TreeTable | None = None
) -> list[SampleEvents]:
    """The samples in the log at ``path``; ``may_stop``: the last one may have reached the bench's limit.

    ``trees`` are those of the program.

    Raises:
        MismatchError: the design was built for another chip, or the log is cut off.
        LimitError: a sample took more cycles than the bench was allowed.
    """
    lines = path.read_text().splitlines()
    if not lines or lines[0] != f"digest {chip_digest(chip)}":
        raise MismatchError(
            "the design was built for another chip", code="rtl-event-log", where=path.name,
            expected=f"digest {chip_digest(chip)}", got=lines[0] if lines else "nothing",
        )  # fmt: skip
    is_stopped = lines[-1].startswith("limit ")
    if is_stopped and not may_stop:
        raise LimitError(
            f"the Verilog chip did not finish a sample in {lines[-1][6:]} cycles", code="rtl-cycle-limit",
            where=path.name,
        )  # fmt: skip
    if not is_stopped and not lines[-1].startswith("end "):
        raise MismatchError("the log is cut off", code="rtl-event-log", where=path.name, got=lines[-1])
    fabric, flit, samples = build_fabric(chip, trees=trees), flit_layout(chip), []
    part: list[list[str]] = []
    for line in lines[1:]:
        if line.startswith(("end ", "limit ")):
            samples.append(_sample(part, fabric, flit))
            part = []
        else:
            part.append(line.split(" "))
    return samples


def _sample(lines: Iterable[list[str]], fabric: Fabric, flit: FlitLayout) -> SampleEvents:
    events: dict[str, list[Row]] = {kind: [] for kind in KINDS}
    counts = dict.fromkeys(("late", "stall", "membrane_overflows", "accumulator_overflows"), 0)
    membrane: dict[tuple[int, int], int] = {}
    ended: dict[int, int] = {}
    for cycle_text, node_text, kind, *words in lines:
        cycle, node = int(cycle_text), int(node_text)
        if kind == "token":
            events["start"].append((cycle, len(events["start"])))
        elif kind == "ended":
            ended[int(words[0])] = cycle
        elif kind in ("inject", "arrive"):
            target, axon, step = flit_address(flit.unpack(int(words[0], 16)), fabric)
            if kind == "inject":
                events[kind] += [(cycle, node, *end, step) for end in _ends(fabric.trees, target, axon)]
            else:  # a copy of a packet to a tree does not say for which leaf it is
                events[kind].append((cycle, target if target >= HOST else node, axon, step))
        elif kind == "spike":
            step, neuron, count = (int(word) for word in words)
            events["spike"].append((step, node, neuron, count))
        elif kind == "missed":
            # known in the cycle of the next step's token, which may stand before or after it in the log
            events["missed"].append((cycle, node))
        elif kind == "counts":
            for name, word in zip(counts, words, strict=True):
                counts[name] += int(word)
        elif kind == "membrane":
            membrane[node, int(words[0])] = int(words[1])
    starts = {row[0]: row[1] for row in events["start"]}
    events["missed"] = [(starts[cycle] - 1, node) for cycle, node in events["missed"]]
    # a step that was not over when the next one began ends, as far as anybody knows, with that tick
    ticks = {step: cycle for cycle, step in starts.items()}
    for step in ticks:
        late = ticks.get(step + 1)
        end = ended.get(step, late)
        if end is not None:
            events["end"].append((end, step))
    return SampleEvents({kind: sorted(rows) for kind, rows in events.items()}, counts, membrane)


def flit_address(flit: dict[str, int], fabric: Fabric) -> Row:
    """(target, axon, step) of a packet; the target is a core, HOST or a tree."""
    if flit.get("tree"):
        return as_target(flit["key"]), flit["axon"], flit["step"]
    tile, port = flit["y"] * fabric.width + flit["x"], flit["exit"]
    is_core = port >= ports.LOCAL
    target = tile * fabric.chip.mesh.cores_per_tile + port - ports.LOCAL if is_core else HOST
    return target, flit["axon"], flit["step"]


def _ends(trees: TreeTable | None, target: int, axon: int) -> list[tuple[int, int]]:
    """(core, axon) of the packets that one for ``target`` becomes; a tree that nobody knows is kept."""
    if trees is None or not 0 <= as_tree(target) < trees.n_trees:
        return [(target, axon)]
    _, cores, axons = arrivals(trees, np.array([target]), np.array([axon]))
    return list(zip(cores.tolist(), axons.tolist(), strict=True))


def expected_events(result: Result, program: Program, chip: Chip) -> list[SampleEvents]:
    """The same events from an engine's ``result`` (with packet log) of ``program``.

    Counts are given where the result has them per sample, that is when it has one sample.
    """
    log = result.packets
    assert log is not None, "the run kept no packet log"
    modulus = 1 << flit_layout(chip).field("step").bits
    places = _places(program)
    samples = []
    for sample in range(result.n_samples):
        mine = log.sample == sample
        columns = (log.inject_cycle, log.arrive_cycle, log.source, log.target, log.axon, log.step % modulus)
        packets = list(zip(*(column[mine].tolist() for column in columns), strict=True))
        events: dict[str, list[Row]] = {
            "start": _steps(result.step_start[sample]), "end": _steps(result.step_end[sample]),
            "inject": sorted((p[0], *p[2:]) for p in packets if p[0] >= 0),
            "arrive": sorted((p[1], *p[3:]) for p in packets if p[1] >= 0),
            "spike": sorted(_spikes(result, sample, places)),
            "missed": sorted((s, core) for k, s, core in result.missed.tolist() if k == sample),
        }  # fmt: skip
        samples.append(SampleEvents(events, {}, {}))
    return samples


def expected_counts(result: Result) -> dict[str, int]:
    """Totals over all samples, by the names of :class:`SampleEvents`."""
    counters = result.counters
    return {
        "late": counters.late_packets, "stall": int(counters.loop_stall_cycles.sum()),
        "membrane_overflows": counters.membrane_overflows,
        "accumulator_overflows": counters.accumulator_overflows,
    }  # fmt: skip


def _steps(cycles: np.ndarray) -> list[Row]:
    return [(cycle, step) for step, cycle in enumerate(cycles.tolist()) if cycle >= 0]


def _places(program: Program) -> dict[str, tuple[int, dict[int, tuple[int, int]]]]:
    """Per population: its start step, and (core, local index) of every neuron."""
    found: dict[str, tuple[int, dict[int, tuple[int, int]]]] = {}
    for core in program.cores:
        for group in core.groups:
            _, where = found.setdefault(group.population, (group.start_step, {}))
            for k, n in enumerate(group.neurons.tolist()):
                where[n] = (core.core, group.first + k)
    return found


def _spikes(
    result: Result, sample: int, places: dict[str, tuple[int, dict[int, tuple[int, int]]]]
) -> Iterable[Row]:
    for spikes in result.spikes:
        if spikes.population not in places:
            continue
        start, where = places[spikes.population]
        mine = spikes.sample == sample
        columns = (spikes.step[mine].tolist(), spikes.neuron[mine].tolist(), spikes.count[mine].tolist())
        for step, n, count in zip(*columns, strict=True):
            yield (step + start, *where[n], count)


def first_difference(expected: list[SampleEvents], got: list[SampleEvents]) -> Difference | None:
    """The earliest event (by sample, then by cycle) that only one side has; None if all are equal."""
    candidates: list[tuple[int, int, str, Row | None, Row | None]] = []
    n_different = 0
    for sample in range(max(len(expected), len(got))):
        for kind in KINDS:
            ours = Counter(expected[sample].events[kind] if sample < len(expected) else [])
            theirs = Counter(got[sample].events[kind] if sample < len(got) else [])
            only_ours, only_theirs = sorted((ours - theirs).elements()), sorted((theirs - ours).elements())
            n_different += len(only_ours) + len(only_theirs)
            first = (only_ours[0] if only_ours else None, only_theirs[0] if only_theirs else None)
            when = min((row[0] for row in first if row is not None), default=None)
            if when is not None:
                candidates.append((sample, _cycle(when, kind, expected, got, sample), kind, *first))
    if not candidates:
        return None
    sample, _, kind, ours_row, theirs_row = min(candidates, key=lambda c: c[:2])
    return Difference(sample, kind, ours_row, theirs_row, n_different)


def _cycle(when: int, kind: str, expected: list[SampleEvents], got: list[SampleEvents], sample: int) -> int:
    """The cycle of an event; those that only know their step count from the step's start."""
    if kind not in ("spike", "missed"):
        return when
    side = expected if sample < len(expected) else got
    starts = {step: cycle for cycle, step in side[sample].events["start"]}
    return starts.get(when, 0)
