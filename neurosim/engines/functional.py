"""The functional engine: spikes of an integer network in network time, without cores, routers or cycles.

Reads an integer :class:`Network`, a workload and the chip's register widths; writes a :class:`Result`
that holds spikes, outputs and overflows.  What it does not measure is an empty array (packet counts,
which no array holds, are 0).  Its spikes are what every cycle engine must reproduce, for every mapping.
"""

from __future__ import annotations

import types
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.artefacts.result import Counters, Result, Spikes, Verdict
from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Workload
from neurosim.errors import InputError
from neurosim.network.model import IntNeuron, Network, Population
from neurosim.network.simulate import propagate
from neurosim.rules import neuron as rules
from neurosim.rules.arith import is_outside
from neurosim.store import digest

IntArray = NDArray[np.int64]
_BATCH_BYTES = 256 << 20  # working memory of one batch of samples


class FunctionalEngine:
    """Runs integer networks with the register widths and overflow behaviour of ``chip``.

    The sums that a step brings to a neuron are added exactly and then fitted to the accumulator once; a
    cycle engine fits after each addition.  The two agree as long as no accumulator overflows, which both
    count.
    """

    name = "functional"

    def __init__(self, chip: Chip) -> None:
        self.chip = chip

    def run(
        self, network: Network, workload: Workload, options: RunOptions | None = None,
        watch: Watcher | None = None, network_digest: str | None = None,
    ) -> Result:
        """Run ``network`` on every sample of ``workload``, each from the reset state.

        ``watch`` is shown every batch of samples (:class:`Seen`); ``network_digest`` is the network's, for
        callers that know it.

        Raises:
            InputError: a float network, or inputs of the wrong size.
        """
        options = options or RunOptions()
        x = _checked(network, workload)
        parts = []
        size = _batch_size(network, x.shape[1])
        for first in range(0, x.shape[0], size):
            if options.progress:
                options.progress(first, x.shape[0], f"samples of {network.name}")
            part, active = _run_batch(network, self.chip, x[first : first + size], watch is not None)
            if watch is not None:
                watch(Seen(first, part.counts, active))
            parts.append(part)
        if options.progress:
            options.progress(x.shape[0], x.shape[0], f"samples of {network.name}")
        return _result(network, self.chip, workload, options, parts, network_digest or digest(network))


def run_functional(
    network: Network, workload: Workload, chip: Chip, options: RunOptions | None = None
) -> Result:
    """One call for :class:`FunctionalEngine`."""
    return FunctionalEngine(chip).run(network, workload, options)


@dataclass(frozen=True)
class Seen:
    """What a batch of samples from ``first`` on did, by population.

    ``counts`` (samples, steps, n) are spikes; ``active`` (samples, steps, n) tells the updates that are
    priced as active, see :func:`neurosim.rules.neuron.is_active`.
    """

    first: int
    counts: dict[str, NDArray[np.int32]]
    active: dict[str, NDArray[np.bool_]]


Watcher = Callable[[Seen], None]


@dataclass(frozen=True)
class _Batch:
    """Outcome of some samples; ``outputs`` (samples, n_outputs)."""

    counts: dict[str, NDArray[np.int32]]
    outputs: IntArray
    membrane_overflows: int
    accumulator_overflows: int


def _saturated(x: IntArray, low: int, high: int) -> IntArray:
    """:func:`neurosim.rules.arith.saturate` for arrays, in a fifth of the time."""
    return np.minimum(np.maximum(x, low), high)


def _outside(x: IntArray, low: int, high: int) -> Any:
    """:func:`neurosim.rules.arith.is_outside` for arrays; one 0 for all where nothing is."""
    return is_outside(x, low, high) if x.size and (x.min() < low or x.max() > high) else 0


def _array_rules() -> types.SimpleNamespace:
    """The neuron rules' own bodies, bound to the two functions above."""
    names: dict[str, Any] = {**vars(rules), "saturate": _saturated, "is_outside": _outside}
    for name in ("fit", "update"):
        body = getattr(rules, name)
        names[name] = types.FunctionType(body.__code__, names, name, body.__defaults__)
    return types.SimpleNamespace(fit=names["fit"], update=names["update"], is_outside=_outside)


_ARRAY_RULES = _array_rules()


class _State:
    """Membranes and currents (samples, n) of one population."""

    def __init__(self, population: Population, n_samples: int, chip: Chip, watched: bool) -> None:
        assert isinstance(population.neuron, IntNeuron)
        self.active: list[NDArray[np.bool_]] | None = [] if watched else None
        self.neuron, core = population.neuron, chip.core
        self.model = rules.MODEL_NAMES.index(self.neuron.model)
        self.reset = rules.RESET_NAMES.index(self.neuron.reset)
        self.membrane, self.current = _range(core.membrane_bits), _range(core.current_bits)
        self.accumulator = _range(core.accumulator_bits)
        self.membrane_wraps = int(core.overflow.membrane == "wrap")
        self.accumulator_wraps = int(core.overflow.accumulator == "wrap")
        self.v: IntArray = np.broadcast_to(self.neuron.v_initial, (n_samples, population.n)).copy()
        self.i: IntArray = np.zeros((n_samples, population.n), np.int64)
        self.membrane_overflows = self.accumulator_overflows = 0

    def step(self, weighted: NDArray[np.float64]) -> NDArray[np.float64]:
        """One time step; returns the spikes."""
        wide = np.rint(weighted).astype(np.int64)
        self.accumulator_overflows += int(np.sum(_ARRAY_RULES.is_outside(wide, *self.accumulator)))
        n, v, i = self.neuron, self.v, self.i
        x = _ARRAY_RULES.fit(wide, *self.accumulator, self.accumulator_wraps) << n.input_shift
        self.v, self.i, spikes, overflows = _ARRAY_RULES.update(
            self.model, self.reset, self.membrane_wraps, v, i, x,
            n.keep, n.current_keep, n.bias, n.threshold, n.reset_amount, n.v_floor,
            *self.membrane, *self.current,
        )  # fmt: skip
        self.membrane_overflows += int(np.sum(overflows))
        if self.active is not None:
            self.active.append(rules.is_active(v, i, self.v, self.i, x, spikes).astype(np.bool_))
        return np.asarray(spikes, np.float64)


def _run_batch(
    network: Network, chip: Chip, x: NDArray[np.uint8], watched: bool
) -> tuple[_Batch, dict[str, NDArray[np.bool_]]]:
    states = {p.name: _State(p, x.shape[0], chip, watched) for p in network.populations if not p.is_input}
    counts = propagate(network, x, lambda population, drive: states[population.name].step(drive))
    columns = [np.zeros((x.shape[0], 0), np.int64)]
    for name in network.outputs:
        silent = states[name].reset == rules.RESET_NONE
        columns.append(states[name].v if silent else counts[name].sum(axis=1, dtype=np.int64))
    batch = _Batch(
        counts,
        np.concatenate(columns, axis=1),
        sum(s.membrane_overflows for s in states.values()),
        sum(s.accumulator_overflows for s in states.values()),
    )
    return batch, {name: np.stack(s.active, axis=1) for name, s in states.items() if s.active is not None}


def _checked(network: Network, workload: Workload) -> NDArray[np.uint8]:
    if not network.is_integer:
        raise InputError(
            "the functional engine runs integer networks only", code="run-float-network", where=network.name,
            hint="quantise the network for the chip first",
        )  # fmt: skip
    n_inputs = sum(p.n for p in network.inputs)
    if workload.spikes.ndim != 3 or workload.spikes.shape[2] != n_inputs:
        raise InputError(
            "the input does not fit the network", code="run-input-shape", where=network.name,
            expected=f"(samples, steps, {n_inputs})", got=str(workload.spikes.shape),
        )  # fmt: skip
    return workload.spikes


def _batch_size(network: Network, n_steps: int) -> int:
    """Samples whose inputs and counts of all steps fit the working memory; at least one."""
    widest = sorted((p.n for p in network.populations), reverse=True)
    per_step = 4 * sum(widest) + 24 * sum(widest[:2])
    return max(1, _BATCH_BYTES // max(1, per_step * n_steps))


def _range(bits: int) -> tuple[int, int]:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _spikes_of(population: str, parts: list[_Batch]) -> Spikes:
    """The non-zero counts of all batches, sorted by (sample, step, neuron)."""
    rows: list[tuple[NDArray[np.int32], ...]] = []
    first = 0
    for part in parts:
        counts = part.counts[population]
        at = np.unravel_index(np.flatnonzero(counts != 0), counts.shape)  # quicker than nonzero
        columns = [axis.astype(np.int32) for axis in at]
        rows.append((columns[0] + np.int32(first), columns[1], columns[2], counts[at].astype(np.int32)))
        first += counts.shape[0]
    empty = np.zeros(0, np.int32)
    joined = [np.concatenate([empty, *(row[k] for row in rows)]) for k in range(4)]
    return Spikes(population, joined[0], joined[1], joined[2], joined[3])


def _result(
    network: Network, chip: Chip, workload: Workload, options: RunOptions, parts: list[_Batch],
    network_digest: str,
) -> Result:
    none = np.zeros(0, np.int64)
    n_outputs = sum(network.population(name).n for name in network.outputs)
    counters = Counters(
        sample_events=none, core_events=none, router_events=none, port_flits=none, port_blocked_cycles=none,
        queue_peak_flits=none, loop_stall_cycles=none, core_busy_cycles=none, packets_sent=0,
        packets_arrived=0,
        packets_dropped=0, packets_in_flight=0, late_packets=0,
        membrane_overflows=sum(p.membrane_overflows for p in parts),
        accumulator_overflows=sum(p.accumulator_overflows for p in parts),
    )  # fmt: skip
    n_samples, n_steps = workload.spikes.shape[:2]
    return Result(
        engine=FunctionalEngine.name,
        program_digest="",
        chip_digest=chip_digest(chip),
        network_digest=network_digest,
        input_digest=workload.digest,
        seed=options.seed,
        n_samples=n_samples,
        n_steps=n_steps,
        labels=workload.labels,
        output_counts=np.concatenate([np.zeros((0, n_outputs), np.int64), *(p.outputs for p in parts)]),
        latency_cycles=none,
        step_start=none,
        step_end=none,
        spikes=tuple(_spikes_of(p.name, parts) for p in network.populations if not p.is_input),
        counters=counters,
        latency_histogram=none,
        missed=none,
        packets=None,
        verdict=Verdict("ok", "spikes only, no hardware was simulated"),
    )
