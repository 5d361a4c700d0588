"""The exact words of deadlock verdicts."""

from __future__ import annotations

import dataclasses

import numpy as np

from neurosim.analysis.deadlock import (
    analyse_deadlock,
    deadlock_dict,
    program_flows,
    run_line,
    verdict_lines,
)
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import Program, TargetTable
from neurosim.artefacts.result import Verdict
from neurosim.chip.models import Chip
from tests.helpers.small_chips import HOST_WEST, gateway_chips, small_chip
from tests.helpers.small_program import small_case

OK = Verdict("ok", "every step of every sample ended")
HOSTED = small_chip(host=HOST_WEST)
CASE = small_case(HOSTED, "")


def program_with_flows(chip: Chip, flows: list[tuple[int, int]]) -> Program:
    """The small program with every table replaced, so that exactly ``flows`` remain."""

    def table(targets: list[int]) -> TargetTable:
        n = np.array([0, len(targets)])
        return TargetTable(n, np.array(targets, np.int64), np.zeros(len(targets), np.int64))

    image = small_case(chip, "").program.cores[0]
    cores = tuple(
        dataclasses.replace(image, core=core, targets=table([t for s, t in flows if s == core]))
        for core in sorted({s for s, _ in flows} - {HOST})
    )
    host = table([t for s, t in flows if s == HOST])
    return dataclasses.replace(CASE.program, cores=cores, host=host)


def test_flows_of_a_program() -> None:
    sources, targets = program_flows(CASE.program)
    assert list(zip(sources.tolist(), targets.tolist(), strict=True)) == [
        (-1, 1), (-1, 2), (-1, 5), (-1, 6), (1, 10), (2, 10), (5, 10), (6, 10), (10, -1),
    ]  # fmt: skip


def test_a_free_mapping() -> None:
    report = analyse_deadlock(HOSTED, CASE.program, OK)
    assert report.conclusion == "proven_free"
    assert verdict_lines(report) == [
        "routing function: free of deadlock; certificate: a topological order of 82 channels, "
        "188 dependencies",
        "mapped flows: free of deadlock; certificate: a topological order of 22 channels, 20 dependencies",
        "run: every sample finished; every step of every sample ended",
        "conclusion: this mapping cannot deadlock",
    ]


def test_one_flow_is_spelt_in_the_singular() -> None:
    report = analyse_deadlock(small_chip(), program_with_flows(small_chip(), [(0, 0)]), None)
    assert verdict_lines(report)[1:3] == [
        "mapped flows: free of deadlock; certificate: a topological order of 2 channels, 1 dependency",
        "run: not measured",
    ]


def test_a_mapping_that_can_deadlock_names_the_cycle_and_its_flows() -> None:
    chip = small_chip(core={"receive_during_update": False}, router={"drop_after_cycles": 500})
    report = analyse_deadlock(chip, program_with_flows(chip, [(0, 1), (1, 0)]), OK)
    assert report.conclusion == "possible"
    assert verdict_lines(report) == [
        "routing function: can deadlock; cyclic components: 1 of 80 channels (of 80 channels, "
        "196 dependencies); the shortest cycle has 2 channels",
        "mapped flows: can deadlock; cyclic components: 1 of 6 channels (of 6 channels, 6 dependencies); "
        "the shortest cycle has 6 channels",
        "  chip 0 router (0,0) east vc 0, held by core 0 -> core 1",
        "  receive FIFO of core 1 (chip 0 router (1,0) local0 vc 0), held by core 0 -> core 1",
        "  transmit FIFO of core 1 (chip 0 router (1,0) local0), held by core 1 -> core 0",
        "  chip 0 router (1,0) west vc 0, held by core 1 -> core 0",
        "  receive FIFO of core 0 (chip 0 router (0,0) local0 vc 0), held by core 1 -> core 0",
        "  transmit FIFO of core 0 (chip 0 router (0,0) local0), held by core 0 -> core 1",
        "run: every sample finished; every step of every sample ended",
        "routers drop a packet after 500 cycles: such a cycle loses packets instead of standing still",
        "conclusion: this mapping can deadlock, although this run did not",
    ]


def test_without_a_run_the_conclusion_speaks_of_none() -> None:
    chip = small_chip(core={"receive_during_update": False})
    report = analyse_deadlock(chip, program_with_flows(chip, [(0, 1), (1, 0)]), None)
    assert report.conclusion == "possible"
    assert verdict_lines(report)[-2:] == ["run: not measured", "conclusion: this mapping can deadlock"]


def test_a_deadlocked_run() -> None:
    verdict = Verdict("partial_deadlock", "a cycle of 2 waits", 3, 512, ("a waits for b", "b waits for a"))
    report = analyse_deadlock(HOSTED, CASE.program, verdict)
    assert report.conclusion == "happened"
    assert verdict_lines(report)[2:] == [
        "run: PARTIAL DEADLOCK; a cycle of 2 waits",
        "  a waits for b",
        "  b waits for a",
        "conclusion: this mapping deadlocks",
    ]
    for status, text in (("deadlock", "DEADLOCK"), ("saturated", "SATURATED"),
                         ("lost_packets", "PACKETS LOST"), ("limit", "LIMIT REACHED")):  # fmt: skip
        assert run_line(Verdict(status, "why")) == f"run: {text}; why"


def test_the_dict_holds_the_cycle_and_the_certificate_size() -> None:
    chip = gateway_chips(2)
    found = deadlock_dict(analyse_deadlock(chip, program_with_flows(chip, [(0, 63)]), OK))
    assert found["conclusion"] == "proven_free"
    assert found["routing_function"]["verdict"] == "cyclic"
    assert found["routing_function"]["cyclic_component_sizes"] == [16, 16]
    assert len(found["routing_function"]["cycle"]) == 16
    assert found["routing_function"]["certificate_channels"] == 0
    first = found["routing_function"]["cycle"][0]
    assert first["name"] == "chip 0 router (2,2) north vc 0"
    assert all(1 <= len(c["flows"]) <= 3 for c in found["routing_function"]["cycle"])
    assert found["mapped_flows"]["certificate_channels"] == found["mapped_flows"]["n_channels"] > 0
    assert not found["drop_policy"]
