"""Cores that stop draining their input: simulator and Verilog give one verdict and name the same queues."""

from __future__ import annotations

import re

import numpy as np
import pytest

from neurosim.chip.loader import edit_chip
from neurosim.engines.base import RunOptions
from neurosim.engines.reference.engine import ReferenceEngine
from rtl_models import core_deadlocks, toolchain
from rtl_models.cases import Bench
from tests.conformance.test_deadlock_cases import two_cores_that_send_to_each_other
from tests.helpers.chips import make_chip
from tests.helpers.programs import workload
from tests.rtl.needs import needs

STUCK, FREE = "cores that stop receiving", "cores that always receive"


def bench(tmp_path, **replace: str) -> Bench:
    return Bench("full", 0, tmp_path, replace)


def planted(folder, name: str, old: str, new: str) -> str:
    text = (folder / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    return text.replace(old, new)


def run(chip, name, tmp_path, **replace: str):
    program = core_deadlocks.talkers(core_deadlocks.pairs(chip)[name], 0)
    return core_deadlocks.check(name, program, bench(tmp_path, **replace), tmp_path / "run")


def test_the_pair_differs_in_one_parameter_and_keeps_the_chips_timing():
    chip = make_chip(4, 4, router={"hop_cycles": {"east_west": 2, "north_south": 5, "local": 1}, "credit_cycles": 4})
    pair = core_deadlocks.pairs(chip)
    assert list(pair) == [STUCK, FREE]
    stuck, free = pair.values()
    assert (stuck.core.receive_during_update, free.core.receive_during_update) == (False, True)
    assert stuck.model_copy(update={"core": free.core}) == free
    assert (stuck.router.hop_cycles, stuck.router.credit_cycles) == (chip.router.hop_cycles, 4)


@pytest.mark.parametrize("flits", [1, 2])
def test_both_give_the_same_verdict(tmp_path, flits):
    needs("iverilog")
    chip = make_chip(flits=flits)
    program = core_deadlocks.talkers(core_deadlocks.pairs(chip)[STUCK], 0)
    options = RunOptions(check_every_cycles=10**9)
    verdict = ReferenceEngine().run(program, workload(np.zeros((1, 1, 0))), options).verdict
    assert (verdict.status, len(verdict.blocked)) == ("deadlock", 10)
    assert sum("receive FIFO waits for" in sentence for sentence in verdict.blocked) == 2
    for name in (STUCK, FREE):
        outcome = run(chip, name, tmp_path / name)
        assert outcome.first is None, str(outcome.first)
        assert outcome.packets > 6
        assert len(re.findall(r" core \d \d \d+ \d+$", outcome.log.read_text(), re.M)) == 2  # dumped


def test_a_deadlock_that_the_host_started_is_the_same(tmp_path):
    needs("iverilog")
    program, inputs = two_cores_that_send_to_each_other(receive_during_update=False), workload(np.ones((1, 1, 1)))
    outcome = core_deadlocks.check("by hand", program, bench(tmp_path), tmp_path / "run", inputs)
    assert outcome.first is None, str(outcome.first)


def test_half_a_packet_in_a_full_queue_counts(tmp_path):
    needs("iverilog")
    chip = edit_chip(core_deadlocks.pairs(make_chip(flits=2))[STUCK], {"core.rx_flits": 3})
    outcome = core_deadlocks.check(
        "odd", core_deadlocks.talkers(chip, 0), bench(tmp_path), tmp_path / "run"
    )
    assert outcome.first is None, str(outcome.first)
    assert len(re.findall(r"received 0 3$", outcome.log.read_text(), re.M)) == 2


def test_a_core_that_goes_on_receiving_is_seen(tmp_path):
    needs("iverilog")
    bug = planted(toolchain.HDL, "neuron_core.v", "~(HALF_DUPLEX & running)", "1'b1")
    first = run(make_chip(), STUCK, tmp_path, **{"neuron_core.v": bug}).first
    assert (first.component, first.field, first.expected) == ("core 0", "packet arrives", "nothing")


def test_a_core_that_stops_receiving_although_it_may_is_seen(tmp_path):
    needs("iverilog")
    bug = planted(toolchain.HDL, "neuron_core.v", "~(HALF_DUPLEX & running)", "~running")
    first = run(make_chip(), FREE, tmp_path, **{"neuron_core.v": bug}).first
    assert (first.component, first.field, first.got) == ("core 0", "packet arrives", "nothing")


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("core_dump.vh", "chip.core[dc].unit.stalls", "1'b0"),
        ("core_dump.vh", "chip.core[dc].unit.held &", "1'b0 &"),
        ("core_dump.vh", "chip.core[dc].unit.transmit.credits", "1'b1"),
        ("core_dump.vh", ".count * `PACKET_FLITS", ".count * 0"),
        ("state_dump.vh", "length(channel), `DUMP", "2, `DUMP"),
    ],
)
def test_other_blocked_queues_are_a_difference(tmp_path, name, old, new):
    needs("iverilog")
    chip = make_chip()
    cycle = 13
    bug = planted(toolchain.BENCH, name, old, new)
    outcome = run(chip, STUCK, tmp_path, **{name: bug})
    assert (outcome.first.cycle, outcome.first.component) == (cycle, "neuro_chip")
    assert outcome.first.field == "blocked queues"
    assert outcome.first.expected.startswith("10 queues: chip 0 router (0,0) east input vc 0 waits for core 0 receive")
    assert outcome.first.got == "none"
    assert outcome.n_different == 1
    assert outcome.wave(tmp_path / "wave").stat().st_size > 1000
