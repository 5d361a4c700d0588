"""The independent checker of results: a whole run passes, every broken law is named."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from neurosim import store
from neurosim.analysis.check_result import check_result
from neurosim.artefacts.result import Result, Spikes, Verdict
from tests.helpers.hand_result import events, hand_counters, hand_result, packet_log, unmeasured_result
from tests.helpers.small_chips import small_chip
from tests.helpers.small_run import small_run

PAIR = small_chip(mesh={"width": 2, "height": 1})


@pytest.mark.parametrize("preset", ["tiny", "tiny_2x2_gateway"])
def test_a_real_run_is_consistent(preset: str) -> None:
    run = small_run(preset)
    assert check_result(run.result, run.case.program, run.chip) == []


def test_hand_made_and_unmeasured_results_are_consistent() -> None:
    assert check_result(hand_result(packets=packet_log()), chip=PAIR) == []
    assert check_result(unmeasured_result(), chip=PAIR) == []
    program = small_run("tiny").case.program
    digests = ("chip_digest", "network_digest")
    ours = {name: getattr(program, name) for name in digests} | {"program_digest": store.digest(program)}
    silent = dataclasses.replace(unmeasured_result(), **ours, output_counts=np.zeros((2, 4), int))
    assert check_result(silent, program, PAIR) == []


def counters(**changes: Any) -> Result:
    return hand_result(counters=hand_counters(**changes))


def log(**changes: Any) -> Result:
    return hand_result(packets=dataclasses.replace(packet_log(), **changes))


def fired(**changes: Any) -> Result:
    return hand_result(spikes=(dataclasses.replace(hand_result().spikes[0], **changes),))


HALF_EVENTS = hand_counters().sample_events - np.stack([events(synaptic_operation=1), events()])
CASES: list[tuple[Result, str]] = [
    (counters(packets_sent=5),
     "5 packets were sent, but 3 arrived + 0 dropped + 0 in flight = 3"),
    (counters(packets_arrived=2, packets_in_flight=1),
     "the latency histogram holds 3 packets, but 2 arrived"),
    (counters(packets_sent=4, packets_dropped=1),
     "the verdict is ok, but 1 packets were dropped and 0 are in flight"),
    (counters(sample_events=HALF_EVENTS),
     "event synaptic_operation: samples count 11, cores and routers 12"),
    (counters(core_events=hand_counters().core_events + events(barrier=1)),
     "event barrier belongs to no core or router, but 2 are counted there"),
    (counters(core_events=hand_counters().core_events[:, :4]),
     "core_events has shape (2, 4), expected 13 events per row"),
    (counters(port_flits=-hand_counters().port_flits), "port_flits has a negative count"),
    (counters(port_flits=hand_counters().port_flits * 2),
     "event flit_hop_east_west: samples count 3, the ports 6 flits"),
    (counters(port_flits=hand_counters().port_flits[:1]),
     "port_flits has shape (1, 5), the chip (2, 5)"),
    (counters(sample_events=hand_counters().sample_events + events(flit_host=1)),
     "the host sent 2 flits, but its packets have 0"),
    (hand_result(latency_histogram=np.array([-1, 4])), "latency_histogram has a negative count"),
    (hand_result(labels=np.zeros(3)), "labels has 3 rows, expected one per sample (2)"),
    (hand_result(step_end=np.array([[25, 30], [15, 40]]), latency_cycles=np.array([30, 40])),
     "sample 0: time runs backward at step 1"),
    (hand_result(step_start=np.array([[1, 35], [1, 14]])), "sample 1: time runs backward at step 0"),
    (hand_result(step_start=np.array([[1, -1], [1, 25]])), "sample 0: a step ends that never began"),
    (hand_result(step_start=np.zeros((2, 3), int)), "step_start has shape (2, 3), step_end (2, 2)"),
    (hand_result(latency_cycles=np.array([60, 41])),
     "sample 1: latency 41 is not its last step's end 40"),
    (hand_result(latency_cycles=np.array([60, -1]), step_end=np.array([[25, 60], [15, -1]]),
                 step_start=np.array([[1, 35], [1, -1]])),
     "the verdict is ok, but a sample did not finish"),
    (fired(count=np.array([1, 1, 2])), "3 spikes were generated, but the spike lists hold 4"),
    (fired(count=np.array([1, 2, 0])), "spikes of 'a' have a count below 1"),
    (fired(step=np.array([1, 0, 0])), "spikes of 'a' are not sorted by sample, step and neuron"),
    (fired(step=np.array([0, 2, 0])), "spikes of 'a' lie outside the steps 0 to 1"),
    (fired(sample=np.array([0, 0, 2])), "spikes of 'a' lie outside the samples 0 to 1"),
    (log(arrive_cycle=np.array([11, 49, -1])),
     "the packet log has 2 arrivals, but 3 packets arrived"),
    (log(arrive_cycle=np.array([11, 49, 3])),
     "the packet log has a packet that arrives before it is injected"),
    (log(arrive_cycle=np.array([11, 48, 12])), "the packet log and the latency histogram differ"),
    (log(sample=np.array([0, 0])), "the packet log has 2 rows, but 3 packets were sent"),
]  # fmt: skip


@pytest.mark.parametrize(("result", "sentence"), CASES, ids=[text[:40] for _, text in CASES])
def test_every_broken_law_is_named(result: Result, sentence: str) -> None:
    assert sentence in check_result(result, chip=PAIR)


def test_a_stopped_run_may_be_unfinished() -> None:
    stopped = hand_result(
        verdict=Verdict("limit", "too long"), latency_cycles=np.array([60, -1]),
        step_end=np.array([[25, 60], [15, -1]]), step_start=np.array([[1, 35], [1, 25]]),
    )  # fmt: skip
    assert check_result(stopped, chip=PAIR) == []


def test_a_result_of_another_program_is_found_out() -> None:
    run = small_run("tiny")
    other = dataclasses.replace(run.case.program, name="other", depth=1)
    found = check_result(run.result, other)
    assert found[0].startswith("the result belongs to another program (")
    assert found[1] == "10 hardware steps, expected 8 + depth 1"
    fewer = dataclasses.replace(run.case.program, cores=run.case.program.cores[1:])
    assert "core 1 counts events, but the program does not use it" in check_result(run.result, fewer)


def test_outputs_are_the_spikes_of_their_neurons() -> None:
    run = small_run("tiny")
    wrong = run.result.output_counts.copy()
    wrong[3, 1] += 1
    changed = dataclasses.replace(run.result, output_counts=wrong)
    assert check_result(changed, run.case.program) == [
        "output 'out' of sample 3 differs from the spikes of its neurons"
    ]
    silent = dataclasses.replace(
        run.result, spikes=tuple(s for s in run.result.spikes if s.population != "out")
    )
    assert "output 'out' of sample 0 differs from the spikes of its neurons" in check_result(
        silent, run.case.program
    )


def test_a_port_cannot_be_busier_than_the_run() -> None:
    chip = small_chip(mesh={"width": 2, "height": 1}, router={"cycles_per_flit": 40})
    assert check_result(hand_result(), chip=chip) == [
        "a port was busy for more than the 100 cycles of the run"
    ]


def test_flits_into_nothing() -> None:
    flits = hand_counters().port_flits.copy()
    flits[1, 0] = 1
    found = check_result(counters(port_flits=flits), chip=PAIR)
    assert found == ["a port on which nothing hangs sent flits"]


def test_packets_of_two_flits_leave_two_flits() -> None:
    chip = small_chip(mesh={"width": 2, "height": 1}, packet={"flits": 2})
    assert check_result(hand_result(), chip=chip) == [
        "3 flits left the network, but 3 packets of 2 flits arrived"
    ]


def test_an_empty_spike_list_is_fine() -> None:
    none = np.zeros(0, np.int32)
    empty = hand_result(spikes=(*hand_result().spikes, Spikes("b", none, none, none, none)))
    assert check_result(empty) == []
