"""Hand-worked traces of neurons that fire once: the falling threshold, two phases, rest, and the start step."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from neurosim.engines.base import RunOptions
from neurosim.network.model import Ramp
from neurosim.rules import neuron
from neurosim.rules.events import EVENT_INDEX
from tests.helpers.chips import make_chip
from tests.helpers.engines import ENGINES, IDS
from tests.helpers.programs import chain, workload

pytestmark = pytest.mark.parametrize("engine", ENGINES, ids=IDS)


def program(chip, ramps, threshold, current_keep=neuron.DECAY_ONE, weight=1, n=1):
    """Input -> core 0 -> core 1 -> ... -> host, one group of first-spike neurons per ramp."""
    made = chain(chip, list(range(len(ramps))), n=n)
    cores = []
    for core, ramp in zip(made.cores, ramps, strict=True):
        full = np.ones(n, np.int64)
        ramp = dataclasses.replace(ramp, per_step=full * ramp.per_step, floor=full * ramp.floor)
        group = dataclasses.replace(
            core.groups[0], model=neuron.MODEL_TTFS, reset=neuron.RESET_ONCE, current_keep=full * current_keep,
            threshold=full * threshold, ramp=ramp,
        )  # fmt: skip
        block = dataclasses.replace(core.blocks[0], weight=core.blocks[0].weight * weight)
        cores.append(dataclasses.replace(core, groups=(group,), blocks=(block,)))
    return dataclasses.replace(made, cores=tuple(cores))


def run(engine, made, counts):
    return engine.run(made, workload(np.array([counts])), RunOptions(log_packets=True))


def spikes(result):
    return {s.population: s.step.tolist() for s in result.spikes if len(s.step)}


def test_the_threshold_comes_down_to_the_membrane_and_the_neuron_rests(engine):
    # One spike of weight 3 in step 0 and one of 3 in step 2, current not kept: membranes 3 3 6 6 6 6. Threshold 8,
    # falling by 1: 8 7 6 in steps 0 1 2: it fires in step 2 (6 >= 6), and, though 6 >= 5 in step 3, never again.
    made = program(make_chip(1, 1), [Ramp(np.array(1), np.array(0))], 8, current_keep=0, weight=3)
    result = run(engine, made, [[1], [0], [1], [0], [0], [1]])
    assert spikes(result) == {"layer0": [2]}
    assert result.output_counts.tolist() == [[1]]
    # Updates: input in steps 0, 2 and 5, a spike in 2, and in 1 the current of step 0 goes: four are active.
    events = result.counters.sample_events[0]
    names = ("neuron_update_active", "neuron_update_idle", "spike_generated")
    assert [int(events[EVENT_INDEX[name]]) for name in names] == [4, 2, 1]


@pytest.mark.parametrize(("floor", "fires"), [(5, [3]), (6, [])])
def test_the_threshold_stops_at_its_floor(engine, floor, fires):
    # Membrane 5 from step 0 on; threshold 8 7 6 5: reached in step 3, unless the floor is 6.
    made = program(make_chip(1, 1), [Ramp(np.array(1), np.array(floor))], 8, current_keep=0, weight=5)
    result = run(engine, made, [[1], [0], [0], [0], [0], [0]])
    assert spikes(result).get("layer0", []) == fires


def test_integrate_then_fire_gives_the_moment_of_the_input_back(engine):
    # Windows of 4 steps. An input of moment t counts 4 - t times: membranes 4 3 2 1 at the end of step 3, and hold,
    # as the current is cut. From step 4 on the threshold is 4 3 2 1: so layer 0 fires in 4 + t. Layer 1 integrates
    # to step 7 and fires in 8 + t. Steps are those of the network: core 1's begin one hardware step later.
    ramps = [Ramp(np.array(1), np.array(1), 4 * k, 4 * k) for k in (1, 2)]
    for moment in range(4):
        x = np.zeros((12, 1))
        x[moment] = 1
        result = run(engine, program(make_chip(2, 1), ramps, 4), x)
        assert spikes(result) == {"layer0": [4 + moment], "layer1": [8 + moment]}


def test_without_silent_steps_a_strong_input_fires_at_once(engine):
    # Kept current of 2 from step 1 on: membrane 0 2 4 6; threshold 9 - 2 n: 9 7 5 3: fires in step 3.
    # With weight 9 it fires in step 1 (9 >= 7).
    for weight, step in ((2, 3), (9, 1)):
        made = program(make_chip(1, 1), [Ramp(np.array(2), np.array(1))], 9, weight=weight)
        assert spikes(run(engine, made, [[0], [1], [0], [0], [0]])) == {"layer0": [step]}


def test_a_waiting_membrane_never_becomes_the_mark_of_one_that_fired(engine):
    # Membrane of 4 bits, -8..7, and -8 is the mark. Weight -9 overflows and is held at -7, which is the threshold
    # of step 1 (2 - 9). From a first membrane of -7 a weight of 9 makes 2, the threshold of step 0; from -8 nothing
    # comes back.
    chip = make_chip(1, 1, core={"membrane_bits": 4, "current_bits": 8})

    def made(weight, v_initial):
        of = program(chip, [Ramp(np.array(9), np.array(-7))], 2, current_keep=0, weight=weight)
        group = dataclasses.replace(of.cores[0].groups[0], v_floor=np.array([-8]), v_initial=np.array([v_initial]))
        return dataclasses.replace(of, cores=(dataclasses.replace(of.cores[0], groups=(group,)),))

    held = run(engine, made(-9, 0), [[1], [0], [0]])
    assert (spikes(held), held.counters.membrane_overflows) == ({"layer0": [1]}, 1)
    assert spikes(run(engine, made(9, -7), [[1], [0], [0]])) == {"layer0": [0]}
    assert spikes(run(engine, made(9, -8), [[1], [1], [1]])) == {}  # a neuron that is never to fire
