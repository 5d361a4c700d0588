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
from neurosim.network.simulate import propagated, work_sizes
from neurosim.rules import neuron as rules
from neurosim.rules.arith import is_outside
from neurosim.store import digest

IntArray = NDArray[np.int64]


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
        size, steps = work_sizes(network, x.shape[1])
        for first in range(0, x.shape[0], size):
            if options.progress:
                options.progress(first, x.shape[0], f"samples of {network.name}")
            parts.append(_run_batch(network, self.chip, x[first : first + size], first, steps, watch))
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
    """Outcome of some samples; ``spikes`` (events, 4) by population, ``outputs`` (samples, n_outputs)."""

    spikes: dict[str, list[NDArray[np.int32]]]
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
    for name in ("fit", "update", "update_first_spike"):
        body = getattr(rules, name)
        names[name] = types.FunctionType(body.__code__, names, name, body.__defaults__)
    return types.SimpleNamespace(
        fit=names["fit"], update=names["update"], update_first_spike=names["update_first_spike"],
        is_outside=_outside,
    )  # fmt: skip


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
        self.age = self.membrane_overflows = self.accumulator_overflows = 0

    def step(self, weighted: NDArray[np.float64]) -> NDArray[np.float64]:
        """One time step; returns the spikes."""
        wide = np.rint(weighted).astype(np.int64)
        self.accumulator_overflows += int(np.sum(_ARRAY_RULES.is_outside(wide, *self.accumulator)))
        n, v, i = self.neuron, self.v, self.i
        x = _ARRAY_RULES.fit(wide, *self.accumulator, self.accumulator_wraps) << n.input_shift
        widths = (*self.membrane, *self.current)
        if n.ramp is None:
            self.v, self.i, spikes, overflows = _ARRAY_RULES.update(
                self.model, self.reset, self.membrane_wraps, v, i, x,
                n.keep, n.current_keep, n.bias, n.threshold, n.reset_amount, n.v_floor, *widths,
            )  # fmt: skip
        else:
            self.v, self.i, spikes, overflows = _ARRAY_RULES.update_first_spike(
                self.membrane_wraps, v, i, x, n.keep, n.current_keep, n.bias, n.threshold, n.v_floor, *widths,
                self.age, n.ramp.per_step, n.ramp.floor, n.ramp.input_steps, n.ramp.silent_steps,
            )  # fmt: skip
        self.age += 1
        self.membrane_overflows += int(np.sum(overflows))
        if self.active is not None:
            self.active.append(rules.is_active(v, i, self.v, self.i, x, spikes).astype(np.bool_))
        return np.asarray(spikes, np.float64)


def _run_batch(
    network: Network, chip: Chip, x: NDArray[np.uint8], first: int, block_steps: int, watch: Watcher | None
) -> _Batch:
    """Samples from number ``first`` on; who watches sees all steps at once."""
    layers = [p for p in network.populations if not p.is_input]
    states = {p.name: _State(p, x.shape[0], chip, watch is not None) for p in layers}
    spikes: dict[str, list[NDArray[np.int32]]] = {p.name: [] for p in layers}
    fired = {name: np.zeros((x.shape[0], network.population(name).n), np.int64) for name in network.outputs}
    steps = x.shape[1] if watch is not None else block_steps
    for start, counts in propagated(network, x, lambda p, drive: states[p.name].step(drive), max(1, steps)):
        for name, part in counts.items():
            spikes[name].append(_events(part, first, start))
        for name, total in fired.items():
            total += counts[name].sum(axis=1, dtype=np.int64)
        if watch is not None:
            active = {name: np.stack(state.active or [], axis=1) for name, state in states.items()}
            watch(Seen(first, counts, active))
    columns = [np.zeros((x.shape[0], 0), np.int64)]
    for name in network.outputs:
        columns.append(states[name].v if states[name].reset == rules.RESET_NONE else fired[name])
    return _Batch(
        spikes,
        np.concatenate(columns, axis=1),
        sum(s.membrane_overflows for s in states.values()),
        sum(s.accumulator_overflows for s in states.values()),
    )


def _events(counts: NDArray[np.int32], sample: int, step: int) -> NDArray[np.int32]:
    """(events, 4) rows (sample, step, neuron, count) of counts that are not 0; both begin where given."""
    at = np.unravel_index(np.flatnonzero(counts != 0), counts.shape)  # quicker than nonzero
    rows = np.empty((len(at[0]), 4), np.int32)
    for column, (axis, begin) in enumerate(zip(at, (sample, step, 0), strict=True)):
        rows[:, column] = axis + begin
    rows[:, 3] = counts[at]
    return rows


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


def _range(bits: int) -> tuple[int, int]:
    return -(1 << (bits - 1)), (1 << (bits - 1)) - 1


def _spikes_of(population: str, parts: list[_Batch]) -> Spikes:
    """The events of all batches, which come sorted by (sample, step, neuron); they are taken out of them."""
    none = np.zeros((0, 4), np.int32)
    rows = np.concatenate([none, *(block for part in parts for block in part.spikes.pop(population))])
    return Spikes(population, *(np.ascontiguousarray(column) for column in rows.T))


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
