"""The functional engine against a scalar reimplementation in plain Python that knows no rules/."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.chip.loader import chip_digest
from neurosim.engines.base import RunOptions, Workload
from neurosim.engines.functional import FunctionalEngine, run_functional
from neurosim.errors import InputError
from neurosim.network.connections import Conv, Dense, Diagonal, Pool
from neurosim.network.model import IntNeuron, Network, Population, Projection, Ramp
from neurosim.store import digest
from tests.helpers.chips import make_chip

RESETS = (
    "value", "subtract", "subtract_delayed", "subtract_same_time", "zero_with_input", "subtract_multi",
    "once", "none",
)  # fmt: skip


def toward_zero(value, factor):
    product = abs(value * factor) // 4096
    return product if value * factor >= 0 else -product


def bounded(value, bits, wraps):
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    if low <= value <= high:
        return value, 0
    if wraps:
        return (value - low) % 2**bits + low, 1
    return (low if value < low else high), 1


class Neuron:
    """One neuron; ``wide`` is (membrane, current, accumulator) bits, ``wraps`` (membrane, accumulator)."""

    def __init__(self, n, k, wide, wraps):

        def pick(values):
            return int(values if np.ndim(values) == 0 else values[k])

        self.n, self.wide, self.wraps = n, wide, wraps
        self.keep, self.current_keep, self.bias = pick(n.keep), pick(n.current_keep), pick(n.bias)
        self.threshold, self.amount, self.floor = pick(n.threshold), pick(n.reset_amount), pick(n.v_floor)
        self.v = self.i = 0
        self.overflows = [0, 0]
        if n.ramp is not None:
            self.fall, self.lowest = pick(n.ramp.per_step), pick(n.ramp.floor)
            self.age, self.has_fired = 0, False

    def step(self, total):
        total, over = bounded(total, self.wide[2], self.wraps[1])
        self.overflows[1] += over
        if self.n.ramp is not None:
            return self.step_once(total * 2**self.n.input_shift)
        x, fired = total * 2**self.n.input_shift, self.v >= self.threshold
        if self.n.model.startswith("cuba"):
            self.i, over = bounded(
                toward_zero(self.i, self.current_keep) + x + self.bias, self.wide[1], self.wraps[0]
            )
            drive = self.i
        else:
            drive, over = bounded(x, self.wide[1], self.wraps[0])
            drive += self.bias
        self.overflows[0] += over
        u = toward_zero(self.v, self.keep) + drive
        reset = self.n.reset
        if reset in ("subtract_delayed", "subtract_same_time") and fired:
            u -= self.amount
        if reset == "zero_with_input" and fired:
            u = 0
        u, over = bounded(u, self.wide[0], self.wraps[0])
        self.overflows[0] += over
        spikes = 0 if reset == "none" else int(u >= self.threshold)
        if reset == "subtract_multi" and spikes:
            spikes = u // self.threshold
        if reset == "value" and spikes:
            u = self.amount
        elif reset in ("subtract", "subtract_multi"):
            u -= spikes * self.amount
        elif reset == "subtract_same_time":
            u -= (spikes - int(fired)) * self.amount
        self.v = min(max(u, self.floor), 2 ** (self.wide[0] - 1) - 1)
        return spikes


    def step_once(self, x):
        """A step of a neuron that fires once, with a flag of its own, and the threshold lowered step by step."""
        ramp, age = self.n.ramp, self.age
        self.age += 1
        if self.has_fired:
            return 0
        if ramp.input_steps and age >= ramp.input_steps:
            self.i = 0
        else:
            total = toward_zero(self.i, self.current_keep) + x + self.bias
            self.i, over = bounded(total, self.wide[1], self.wraps[0])
            self.overflows[0] += over
        u, over = bounded(toward_zero(self.v, self.keep) + self.i, self.wide[0], self.wraps[0])
        self.overflows[0] += over
        self.v = min(max(u, self.floor, 1 - 2 ** (self.wide[0] - 1)), 2 ** (self.wide[0] - 1) - 1)
        if age < ramp.silent_steps:
            return 0
        if age > ramp.silent_steps:
            self.threshold = max(self.threshold - self.fall, self.lowest)
        self.threshold = max(self.threshold, self.lowest)
        self.has_fired = u >= self.threshold
        return int(self.has_fired)


def synapses(projection, n_source):
    """Every synapse as (source neuron, target neuron, weight), one by one."""
    pool = projection.pool
    axon = range(n_source) if pool is None else pool.axon_of_source()
    matrix = projection.connection.apply(np.eye(projection.connection.n_in, dtype=np.int64)).T
    return [
        (s, t, int(matrix[t, a])) for s, a in enumerate(axon) if a >= 0 for t in range(
            matrix.shape[0]
        ) if matrix[
            t, a
        ]
    ]


def simulate(network, x, wide, wraps):
    """Counts by population (steps, n) and last neurons, for one sample; populations must be in running order."""
    cells = {
        p.name: [
            Neuron(p.neuron, k, wide, wraps) for k in range(p.n)
        ] for p in network.populations if not p.is_input
    }
    listed = {p.name: synapses(p, network.population(p.source).n) for p in network.projections}
    counts = {p.name: np.zeros((len(x), p.n), int) for p in network.populations}
    for step in range(len(x)):
        for population in network.populations:
            if population.is_input:
                counts[population.name][step] = x[step]
                continue
            totals = [0] * population.n
            for projection in network.into(population.name):
                back = step - projection.delay_steps
                if back >= 0:
                    for s, t, weight in listed[projection.name]:
                        totals[t] += weight * int(counts[projection.source][back, s])
            counts[population.name][step] = [
                c.step(v) for c, v in zip(cells[population.name], totals, strict=True)
            ]
    return counts, cells


@st.composite
def cases(draw):
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    wide = (draw(st.integers(8, 20)), draw(st.integers(8, 20)), draw(st.integers(6, 16)))
    wraps = (draw(st.booleans()), draw(st.booleans()))

    def neuron(reset=None):
        reset = reset or draw(st.sampled_from(RESETS[:-1]))
        models = {"none": ["li", "cuba_li"], "once": ["ttfs"]}.get(reset, ["if", "lif", "cuba_lif"])
        model = draw(st.sampled_from(models))
        phases = draw(st.integers(0, 8)), draw(st.integers(0, 6))

        def whole(low, high, n):
            return rng.integers(low, high, n) if draw(st.booleans()) else np.array(rng.integers(low, high))

        return lambda n: IntNeuron(
            model, reset, np.array(4096) if model == "if" else whole(0, 4097, n), whole(0, 4097, n),
            whole(-3, 4, n),
            whole(1, 60, n), whole(1, 60, n) if reset != "value" else whole(-5, 5, n),
            np.array(draw(st.sampled_from([-(2 ** (wide[0] - 1)), -20]))), draw(st.integers(0, 3)), 1.0,
            ramp=Ramp(whole(0, 9, n), whole(-20, 2, n), *phases) if reset == "once" else None,
        )  # fmt: skip

    def weights(*shape):
        return rng.integers(-8, 12, shape).astype(np.int16)

    populations = (
        Population("in", (2, 4, 4), None),
        Population("a", (3, 2, 2), neuron()(12)),
        Population("b", (5,), neuron()(5)),
        Population("out", (5,), neuron(draw(st.sampled_from(["none", "value", "subtract_multi", "once"])))(5)),
    )
    pool = Pool((2, 4, 4), (2, 2, 2), (2, 2), (2, 2), (0, 0))
    kernel = Conv(weights(3, 2, 3, 3), (2, 2, 2), (3, 2, 2), (1, 1), (1, 1), (1, 1), 1)
    projections = (
        Projection("in-a", "in", "a", kernel, pool),
        Projection("a-a", "a", "a", Diagonal(weights(12)), None, 1),
        Projection("a-b", "a", "b", Dense(weights(5, 12)), None, draw(st.integers(0, 2))),
        Projection("b-a", "b", "a", Dense(weights(12, 5)), None, draw(st.integers(1, 3))),
        Projection("b-out", "b", "out", Dense(weights(5, 5))),
        Projection("a-out", "a", "out", Dense(weights(5, 12)), None, draw(st.integers(0, 2))),
    )
    network = Network("random", populations, projections, ("out",), 1e-3, "p", True, 8)
    x = rng.integers(0, draw(st.sampled_from([2, 4])), (2, 12, 32)).astype(np.uint8)
    overflow = {
        k: "wrap" if w else "saturate" for k, w in zip(("membrane", "accumulator"), wraps, strict=True)
    }
    core = {
        "membrane_bits": wide[0], "current_bits": wide[1], "accumulator_bits": wide[2], "overflow": overflow
    }
    return network, x, wide, wraps, make_chip(core=core)


def dense(result, name, n):
    spikes = next(s for s in result.spikes if s.population == name)
    counts = np.zeros((result.n_samples, result.n_steps, n), int)
    counts[spikes.sample, spikes.step, spikes.neuron] = spikes.count
    order = list(zip(spikes.sample.tolist(), spikes.step.tolist(), spikes.neuron.tolist(), strict=True))
    assert order == sorted(set(order))
    assert (spikes.count != 0).all()
    return counts


@settings(max_examples=40, deadline=None)
@given(cases())
def test_equal_to_the_scalar_reimplementation(case):
    network, x, wide, wraps, chip = case
    result = run_functional(network, Workload(x, np.array([1, -1]), "d"), chip)
    membrane = accumulator = 0
    for sample in range(2):
        counts, cells = simulate(network, x[sample].tolist(), wide, wraps)
        for name, n in (("a", 12), ("b", 5), ("out", 5)):
            np.testing.assert_array_equal(dense(result, name, n)[sample], counts[name])
        silent = network.population("out").neuron.reset == "none"
        wanted = [c.v for c in cells["out"]] if silent else counts["out"].sum(axis=0)
        np.testing.assert_array_equal(result.output_counts[sample], wanted)
        membrane += sum(c.overflows[0] for group in cells.values() for c in group)
        accumulator += sum(c.overflows[1] for group in cells.values() for c in group)
    assert (result.counters.membrane_overflows, result.counters.accumulator_overflows) == (
        membrane, accumulator
    )


def small():
    one = np.array(1)
    neuron = IntNeuron(
        "if", "subtract", 4096 * one, 0 * one, 0 * one, 10 * one, 10 * one, -1000 * one, 0, 1.0
    )
    populations = (Population("in", (2,), None), Population("if", (2,), neuron))
    projection = Projection("in->if", "in", "if", Dense(np.array([[4, 3], [0, 5]], np.int16)))
    return Network("small", populations, (projection,), ("if",), 1e-3, "p", True, 8)


def test_what_is_not_measured_is_empty():
    network, chip = small(), make_chip()
    x = np.ones((3, 6, 2), np.uint8)
    result = FunctionalEngine(chip).run(network, Workload(x, np.array([0, 1, 1]), "abc"), RunOptions(seed=7))
    assert result.output_counts.tolist() == [[4, 3]] * 3
    assert (result.engine, result.seed, result.input_digest, result.program_digest) == (
        "functional", 7, "abc", ""
    )
    assert (result.network_digest, result.chip_digest) == (digest(network), chip_digest(chip))
    assert (result.n_samples, result.n_steps, result.labels.tolist()) == (3, 6, [0, 1, 1])
    for array in (result.latency_cycles, result.step_start, result.step_end, result.latency_histogram, result.missed,
                  result.counters.sample_events, result.counters.port_flits):  # fmt: skip
        assert array.size == 0
    assert result.verdict.status == "ok"
    assert digest(result) == digest(
        FunctionalEngine(chip).run(network, Workload(x, np.array([0, 1, 1]), "abc"), RunOptions(seed=7))
    )


@pytest.mark.parametrize("work", [1, 1 << 12])
def test_batches_give_the_same_result(work, monkeypatch):
    network, chip = small(), make_chip()
    x = np.random.default_rng(2).integers(0, 3, (7, 5, 2)).astype(np.uint8)
    workload = Workload(x, np.full(7, -1), "d")
    whole = run_functional(network, workload, chip)
    seen = []
    monkeypatch.setattr("neurosim.network.simulate._WORK_BYTES", work)
    options = RunOptions(progress=lambda done, total, text: seen.append((done, total, text)))
    assert digest(run_functional(network, workload, chip, options)) == digest(whole)
    assert seen[0] == (0, 7, "samples of small")
    assert seen[-1] == (7, 7, "samples of small")
    assert (len(seen) == 8) is (work == 1)


def test_float_network_and_wrong_input_are_refused():
    network, chip = small(), make_chip()
    with pytest.raises(InputError) as caught:
        run_functional(network, Workload(np.ones((1, 2, 3), np.uint8), np.zeros(1, int), ""), chip)
    assert caught.value.text() == (
        "small: the input does not fit the network [run-input-shape]\n  expected: (samples, steps, 2)\n  got: (1, 2, 3)"
    )
    from dataclasses import replace

    with pytest.raises(InputError, match="the functional engine runs integer networks only"):
        run_functional(
            replace(network, is_integer=False), Workload(np.ones((1, 2, 2), np.uint8), np.zeros(1, int), ""),
            chip,
        )  # fmt: skip
