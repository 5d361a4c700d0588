"""Where two results part, in the order of time: steps, packets, spikes, deadlines, then sums over the run.

Reads two Results; what only one of them measured is not compared but named.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import PacketLog, Result, Spikes, Verdict
from neurosim.engines.waits import end_name
from neurosim.fabric.topology import Fabric
from neurosim.rules.events import EVENT_NAMES

Rows = NDArray[np.int64]
_NEVER = 1 << 62


@dataclass(frozen=True)
class ResultDifference:
    """One thing that two results do not agree on.

    ``sample`` and ``step`` (a hardware step) say when: a step of -1 is the end of the sample, a sample of
    -1 the whole run.  ``ours`` and ``theirs`` are in words, "none" for what one lacks.
    """

    sample: int
    step: int
    what: str
    ours: str
    theirs: str


def result_differences(
    ours: Result, theirs: Result, start_step: Mapping[str, int], fabric: Fabric
) -> list[ResultDifference]:
    """The first difference of every kind, earliest first; sums over all samples come last.

    Args:
        start_step: the first hardware step of every population.
        fabric: names routers; that of the chip if both have the same, else of ``ours``.
    """
    found = [
        *_steps(ours, theirs), *_packets(ours.packets, theirs.packets), *_spikes(ours, theirs, start_step),
        *_missed(ours, theirs), *_per_sample(ours, theirs), *_verdict(ours.verdict, theirs.verdict),
    ]  # fmt: skip
    found.sort(key=lambda f: tuple(_NEVER if at < 0 else at for at in (f.sample, f.step)))
    return found + list(_sums(ours, theirs, fabric))


def not_compared(ours: Result, theirs: Result) -> list[str]:
    """What only one of the two measured or logged."""
    found = []
    for name in ("step_start", "step_end", "latency_histogram"):
        if (getattr(ours, name).size == 0) != (getattr(theirs, name).size == 0):
            found.append(name)
    if (ours.packets is None) != (theirs.packets is None):
        found.append("packets")
    for name, one, two in _counters(ours, theirs):
        if (np.size(one) == 0) != (np.size(two) == 0):
            found.append(name)
    return found


def _steps(ours: Result, theirs: Result) -> Iterator[ResultDifference]:
    for name, what in (("step_start", "start"), ("step_end", "end")):
        one, two = getattr(ours, name), getattr(theirs, name)
        at = _first_index(one, two)
        if at is not None:
            sample, step = at
            values = _both(one, two, at, "not reached")
            yield ResultDifference(sample, step, f"cycle of the {what} of the step", *values)


def _both(one: Rows, two: Rows, at: tuple[int, ...], none: str = "") -> tuple[str, str]:
    values = (int(one[at]), int(two[at]))
    first, second = (none if none and value < 0 else str(value) for value in values)
    return first, second


def _first_index(one: Rows, two: Rows) -> tuple[int, ...] | None:
    """Where two arrays of as many axes first differ, within what both have."""
    if one.ndim != two.ndim or not one.size or not two.size:
        return None
    common = tuple(slice(0, min(sizes)) for sizes in zip(one.shape, two.shape, strict=True))
    apart = np.argwhere(one[common] != two[common])
    return tuple(int(i) for i in apart[0]) if len(apart) else None


def _rows(log: Any, names: tuple[str, ...]) -> Rows:
    return np.stack([np.asarray(getattr(log, name), np.int64) for name in names], axis=1)


def _first_row(one: Rows, two: Rows) -> tuple[Rows | None, Rows | None] | None:
    """The first row, in sorted order, that only one of two sorted tables has at its place."""
    n = min(len(one), len(two))
    apart = np.flatnonzero((one[:n] != two[:n]).any(axis=1))
    if len(apart):
        return one[apart[0]], two[apart[0]]
    if len(one) == len(two):
        return None
    return (one[n] if len(one) > n else None), (two[n] if len(two) > n else None)


def _earliest(pair: tuple[Rows | None, Rows | None], key: Callable[[Rows], tuple[int, ...]]) -> Rows:
    return min((row for row in pair if row is not None), key=key)


def _sort(rows: Rows) -> Rows:
    return rows[np.lexsort(rows.T[::-1])]


def _packets(ours: PacketLog | None, theirs: PacketLog | None) -> Iterator[ResultDifference]:
    if ours is None or theirs is None:
        return
    names = ("sample", "inject_cycle", "source", "target", "axon", "step", "arrive_cycle")
    tables = [_rows(log, names) for log in (ours, theirs)]
    for table in tables:
        table[table[:, 1] < 0, 1] = _NEVER  # never injected: last
    pair = _first_row(*map(_sort, tables))
    if pair is None:
        return
    first = _earliest(pair, lambda row: tuple(row.tolist()))
    texts = ["none" if row is None or _key(row) != _key(first) else _packet(row) for row in pair]
    yield ResultDifference(int(first[0]), int(first[5]), "packet", texts[0], texts[1])


def _key(row: Rows) -> list[int]:
    return [int(value) for value in row[:6]]


def _packet(row: Rows) -> str:
    _, inject, source, target, axon, step, arrive = (int(value) for value in row)
    sent = "never injected" if inject == _NEVER else f"injected in {inject}"
    end = "never arrived" if arrive < 0 else f"arrived in {arrive}"
    return f"{end_name(source)} -> {end_name(target)}, axon {axon}, step {step}: {sent}, {end}"


def _spikes(ours: Result, theirs: Result, start_step: Mapping[str, int]) -> Iterator[ResultDifference]:
    tables = [{s.population: s for s in result.spikes} for result in (ours, theirs)]
    for name in sorted(tables[0].keys() & tables[1].keys()):
        pair = _first_row(*(_sort(_spike_rows(table[name])) for table in tables))
        if pair is None:
            continue
        first = _earliest(pair, lambda row: tuple(row.tolist()))
        sample, step, neuron = (int(value) for value in first[:3])
        texts = [
            str(int(row[3])) if row is not None and (row[:3] == first[:3]).all() else "0" for row in pair
        ]
        what = f"spikes of neuron {neuron} of '{name}' in its step {step}"
        yield ResultDifference(sample, step + start_step.get(name, 0), what, texts[0], texts[1])


def _spike_rows(spikes: Spikes) -> Rows:
    return _rows(spikes, ("sample", "step", "neuron", "count"))


def _missed(ours: Result, theirs: Result) -> Iterator[ResultDifference]:
    pair = _first_row(*(_sort(np.asarray(r.missed, np.int64).reshape(-1, 3)) for r in (ours, theirs)))
    if pair is None:
        return
    first = _earliest(pair, lambda row: tuple(row.tolist()))
    texts = ["missed" if row is not None and (row == first).all() else "kept" for row in pair]
    what = f"deadline of {end_name(int(first[2]))}"
    yield ResultDifference(int(first[0]), int(first[1]), what, texts[0], texts[1])


def _per_sample(ours: Result, theirs: Result) -> Iterator[ResultDifference]:
    at = _first_index(ours.output_counts, theirs.output_counts)
    if at is not None:
        values = _both(ours.output_counts, theirs.output_counts, at)
        yield ResultDifference(at[0], -1, f"output {at[1]}", *values)
    one, two = ours.counters.sample_events, theirs.counters.sample_events
    at = _first_index(one, two)
    if at is not None:
        yield ResultDifference(at[0], -1, f"events {EVENT_NAMES[at[1]]}", *_both(one, two, at))


def _verdict(ours: Verdict, theirs: Verdict) -> Iterator[ResultDifference]:
    if ours != theirs:
        samples = [verdict.sample for verdict in (ours, theirs) if verdict.sample >= 0]
        texts = [f"{verdict.status}: {verdict.summary}" for verdict in (ours, theirs)]
        if texts[0] == texts[1]:
            texts = [f"{text} (cycle {v.cycle})" for text, v in zip(texts, (ours, theirs), strict=True)]
        yield ResultDifference(min(samples, default=-1), -1, "verdict", texts[0], texts[1])


def _counters(ours: Result, theirs: Result) -> Iterator[tuple[str, Any, Any]]:
    for field in fields(ours.counters):
        if field.name != "sample_events":
            yield field.name, getattr(ours.counters, field.name), getattr(theirs.counters, field.name)


def _sums(ours: Result, theirs: Result, fabric: Fabric) -> Iterator[ResultDifference]:
    if ours.n_samples != theirs.n_samples:
        yield ResultDifference(-1, -1, "samples", str(ours.n_samples), str(theirs.n_samples))
    for name, one, two in [
        *_counters(ours, theirs), ("latency_histogram", ours.latency_histogram, theirs.latency_histogram),
    ]:  # fmt: skip
        what = name.replace("_", " ")
        if not isinstance(one, np.ndarray):
            if one != two:
                yield ResultDifference(-1, -1, what, str(one), str(two))
            continue
        at = _first_index(one, two)
        if at is not None:
            place = _place(name, at, fabric)
            yield ResultDifference(-1, -1, f"{what}, {place}", *_both(one, two, at))
        elif one.shape != two.shape and one.size and two.size:
            yield ResultDifference(-1, -1, f"size of {what}", str(one.shape), str(two.shape))


def _place(name: str, at: tuple[int, ...], fabric: Fabric) -> str:
    if name == "latency_histogram":
        return f"{at[0]} cycles"
    if name.startswith(("port_", "queue_")):
        return fabric.describe(at[0], at[1])
    if name == "router_events":
        return f"router {fabric.xy(at[0])}, {EVENT_NAMES[at[1]]}"
    if name == "core_events":
        return f"core {at[0]}, {EVENT_NAMES[at[1]]}"
    if name == "core_busy_cycles":
        return f"core {at[0]}, {('synapse pipeline', 'neuron loop')[at[1]]}"
    return f"core {at[0]}"
