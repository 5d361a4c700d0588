"""The parts of ``verify``: smaller meshes, rows, the account of a difference, waveforms, kept logs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from neurosim import store
from neurosim.chip.catalogue import preset_names
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.errors import InputError, LimitError
from neurosim.fabric.topology import build_fabric
from rtl_models import core_checks, deadlock_pairs, fabric_checks, toolchain, update, verify
from rtl_models.cases import Bench, Case, Group, Outcome, run_group
from rtl_models.keeping import with_log
from rtl_models.random_nets import random_network
from rtl_models.scale import n_cores, n_tiles, shrink, size_note, size_text
from rtl_models.verdicts import FirstDifference, Verdict, VerifyTable
from tests.helpers.chips import make_chip
from tests.rtl.needs import needs


def planted(name: str, old: str, new: str) -> dict[str, str]:
    text = (toolchain.HDL / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    return {name: text.replace(old, new)}


@pytest.mark.parametrize("name", preset_names())
@pytest.mark.parametrize("most", [1, 4, 6, 16, 64])
def test_a_smaller_mesh_keeps_every_other_parameter(name, most):
    chip = load_chip(name)
    small = shrink(chip, most)
    assert n_tiles(small) <= most
    if n_tiles(chip) <= most:
        assert small is chip
        return
    assert (small.router.buffer_flits, small.router.hop_cycles) == (chip.router.buffer_flits, chip.router.hop_cycles)
    assert (small.core, small.sync, small.packet) == (chip.core, chip.sync, chip.packet)
    assert (small.n_chips > 1) == (chip.n_chips > 1 and most > 1)
    build_fabric(small)
    assert size_note(chip, small) == f"on {size_text(small)} in place of {size_text(chip)}"


def test_the_smaller_mesh_counts_cores():
    small = shrink(load_chip("loihi_2018"), 16, 8)
    assert (n_cores(small), size_text(small)) == (8, "2x1 tiles of 4 cores")


@pytest.mark.parametrize("name", ["tiny", "darwin3", "loihi_2018"])
def test_random_networks_are_the_same_for_the_same_seed_and_fit_the_chip(name):
    chip = load_chip(name)
    one, two, other = (random_network(chip, seed) for seed in (3, 3, 4))
    assert store.digest(one) == store.digest(two) != store.digest(other)
    for population in one.populations[1:]:
        assert population.neuron.model in chip.core.neuron_models
    assert one.weight_bits in chip.core.weight_bits


DIFFERENT = FirstDifference("case", 7, "core 1", "spike", "1", "0")


def test_a_row_adds_up_and_stops_at_the_first_difference(tmp_path):
    ran, told = [], []

    def case(name, outcome):
        return Case(name, lambda folder: ran.append(name) or outcome)

    log = tmp_path / "run.log"
    log.write_text("said")
    wave = tmp_path / "deep" / "wave.vcd"

    def draw(folder: Path) -> Path:
        wave.parent.mkdir()
        wave.write_text("$end")
        return wave

    bad = Outcome(5, 6, DIFFERENT, 3, draw, log)
    group = Group("m", "how", (case("a", Outcome(10, 20)), case("b", bad), case("c", Outcome(1, 1))), "a note")
    keep = tmp_path / "out"
    keep.mkdir()
    row = run_group(group, Bench("quick", 0, tmp_path), 2, 9, lambda *said: told.append(said), keep)
    assert ran == ["a", "b"]
    assert told == [(2, 9, "m: a"), (3, 9, "m: b")]
    assert (row.cases, row.cycles, row.packets, row.differences, row.verdict) == (2, 15, 26, 3, "DIFFERS")
    assert (row.first, row.note, row.is_good) == (DIFFERENT, "a note", False)
    assert (row.vcd, row.log) == (keep / "wave.vcd", keep / "run.log")
    assert (keep / "run.log").read_text() == "said"


def test_without_a_folder_nothing_is_kept_or_drawn(tmp_path):
    group = Group("m", "how", (Case("a", lambda folder: Outcome(None, None, DIFFERENT, 1, lambda f: 1 / 0)),))
    row = run_group(group, Bench("quick", 0, tmp_path), 0, 1, None, None)
    assert (row.cycles, row.packets, row.vcd, row.log) == (None, None, None, None)


def test_a_table_is_good_only_if_every_row_is():
    good = Verdict("m", "how", 1, 1, 1, 0, 0.1)
    bad = Verdict("n", "how", 1, 1, 1, 1, 0.1, "REFUTED", DIFFERENT)
    table = VerifyTable("chip", "quick", 0, "", "", (good, bad))
    assert (table.is_good, table.bad) == (False, bad)
    assert VerifyTable("chip", "quick", 0, "", "", (good,)).is_good
    assert str(DIFFERENT) == "case, cycle 7, core 1, spike: expected 1, got 0"


@pytest.fixture
def bench(tmp_path):
    def made(**replace: str) -> Bench:
        return Bench("quick", 0, tmp_path / "work", replace.get("replace") or {})

    return made


def test_a_chip_that_never_ends_its_sample_names_its_log(tmp_path, bench):
    needs("iverilog")
    hung = planted("barrier_root.v", "total + loops_now == {WIDTH{1'b0}}", "1'b0")
    chip = make_chip(2, 1)
    group = core_checks.barrier(chip, chip, bench(replace=hung))
    with pytest.raises(LimitError) as error:
        group.cases[0].run(tmp_path / "run")
    assert error.value.code == "rtl-cycle-limit"
    assert error.value.what.startswith("the Verilog chip did not finish a sample in ")
    assert Path(error.value.where).read_text().splitlines()[-1].startswith("limit ")
    out = tmp_path / "out"
    kept = with_log(error.value, tmp_path / "run", out)
    assert (type(kept), kept.where) == (LimitError, str(out / "events.log"))
    assert (out / "events.log").is_file()


def test_a_bug_in_a_core_is_named_by_cycle_component_and_field_and_drawn(tmp_path, bench):
    needs("iverilog")
    bug = planted("neuron_loop.v", "(fires ? `CORE_SPIKE_CYCLES", "(1'b0 ? `CORE_SPIKE_CYCLES")
    chip = make_chip(2, 1)
    outcome = core_checks.barrier(chip, chip, bench(replace=bug)).cases[0].run(tmp_path / "run")
    first = outcome.first
    assert (first.case, first.sample) == ("2 cores on 2x1 tiles", 0)
    assert first.field == "packet injected"
    assert first.component == "core 0"
    assert first.expected.startswith(f"cycle {first.cycle + 1}, core 0, to core 1, axon ")
    assert first.got.startswith(f"cycle {first.cycle}, core 0, to core 1, axon ")  # a cycle too early
    wave = outcome.wave(tmp_path / "wave")
    times = [int(line[1:]) for line in wave.read_text().splitlines() if line.startswith("#")]
    assert len(times) > 20
    assert "$scope module loop $end" in wave.read_text()


def test_a_bug_in_a_router_is_named_and_drawn(tmp_path, bench):
    needs("iverilog", "cocotb")
    bug = planted("rr_arbiter.v", "? from_pointer : request", "? request : from_pointer")
    chip = make_chip(2, 2)
    outcome = fabric_checks.meshes(chip, chip, bench(replace=bug)).cases[0].run(tmp_path / "run")
    first = outcome.first
    assert first.component.startswith("router ")
    assert first.cycle > 0
    assert outcome.log.is_file()
    wave = outcome.wave(tmp_path / "wave")
    assert "$scope module router $end" in wave.read_text()


def test_raw_traffic_names_the_first_packet_that_differs(tmp_path, bench):
    needs("iverilog")
    bug = planted("port_pace.v", "OWN_REST = HERE - 1", "OWN_REST = HERE")
    chip = make_chip(2, 2, router={"cycles_per_flit": 2})
    outcome = fabric_checks.traffic(chip, chip, bench(replace=bug)).cases[1].run(tmp_path / "run")
    first = outcome.first
    assert first.component.startswith("core ")
    assert first.field.startswith("arrival of packet ")
    late = [int(text.removeprefix("cycle ")) for text in (first.expected, first.got)]
    assert (min(late), late[0] == late[1]) == (first.cycle, False)
    assert first.n_different == outcome.n_different > 1


def test_a_wrong_update_is_named_with_its_inputs(tmp_path, bench):
    needs("iverilog")
    bug = planted("neuron_update.v", "product_v < 0 ? ROUND", "product_v < 0 ? 64'sd0")
    outcome = core_checks.updates(make_chip(), bench(replace=bug)).cases[0].run(tmp_path / "run")
    assert outcome.first.component == "neuron_update"
    assert outcome.first.field in update.COLUMNS
    assert "threshold " in outcome.first.case


def test_deadlock_pairs_are_of_the_chips_router():
    chip = make_chip(4, 4, router={"hop_cycles": {"east_west": 2, "north_south": 5, "local": 1}, "credit_cycles": 4})
    found = deadlock_pairs.pairs(chip)
    assert list(found) == ["ring", "ring with dateline", "gateways", "gateways, VC per crossing"]
    for pair in found.values():
        assert (pair.router.hop_cycles, pair.router.credit_cycles) == (chip.router.hop_cycles, 4)
    stuck = {name: deadlock_pairs.stuck(pair, 0)[1].verdict.status for name, pair in found.items()}
    assert stuck == {
        "ring": "deadlock", "ring with dateline": "ok", "gateways": "deadlock", "gateways, VC per crossing": "ok",
    }  # fmt: skip


def test_a_deadlock_is_the_same_in_verilog(tmp_path, bench):
    needs("iverilog")
    group = deadlock_pairs.deadlocks(make_chip(4, 4), bench())
    for case in group.cases[:2]:
        outcome = case.run(tmp_path / case.name)
        assert outcome.first is None
        assert outcome.packets > 100


def test_other_blocked_channels_are_a_difference(tmp_path, bench):
    needs("iverilog")
    wrong = (toolchain.BENCH / "state_dump.vh").read_text().replace("length(channel), `DUMP", "1, `DUMP")
    group = deadlock_pairs.deadlocks(make_chip(4, 4), bench(replace={"state_dump.vh": wrong}))
    first = group.cases[0].run(tmp_path / "ring").first
    assert (first.component, first.field, first.got) == ("neuro_mesh", "blocked channels", "none")
    assert first.expected.startswith("6 queues: chip 0 router (0,0) west input vc 0 waits for ")


def test_what_a_chip_lacks_is_said():
    chip = edit_chip(load_chip("darwinwafer"), {"core.synapse_formats": ("dense",)})
    plan = verify._plan(chip, "quick")
    lost = {row.module: row.reason for row in verify._not_asked(plan, Bench("quick", 0, Path()))}
    assert lost["neuron_core, barrier, whole chip"] == (
        "sync.base_cycles 1: a core's report and the token are registers, one cycle each"
    )
    assert "synapse format conv" not in lost
    assert "chip_link" not in lost


def test_modules_are_found_with_what_is_below_them():
    assert set(toolchain.FABRIC) == set(toolchain.with_parts("neuro_mesh"))
    assert "neuron_update" in toolchain.with_parts("neuro_chip")
    assert toolchain.with_parts("sync_fifo") == ("sync_fifo",)


def test_a_log_that_an_error_names_outlives_its_folder():
    def fail() -> None:
        with toolchain.workspace() as folder:
            (folder / "tool.log").write_text("said")
            (folder / "large.hex").write_text("00")
            raise InputError("it failed", code="x", where=str(folder / "tool.log"))

    with pytest.raises(InputError) as error:
        fail()
    log = Path(error.value.where)
    assert log.read_text() == "said"
    assert not (log.parent / "large.hex").exists()
    log.unlink()
    log.parent.rmdir()
    with toolchain.workspace() as folder:
        pass
    assert not folder.exists()


def test_a_tool_that_takes_too_long_leaves_what_it_said(tmp_path):
    with pytest.raises(LimitError) as error:
        toolchain.run_tool(["sh", "-c", "echo so far; sleep 20"], tmp_path, seconds=0.5)
    assert error.value.what == "sh was not done after 0.5 seconds"
    assert Path(error.value.where).read_text() == "so far\nstopped after 0.5 seconds\n"


def test_the_first_wrong_number_is_found():
    expected = np.array([[1, 2], [3, 4]])
    assert core_checks.first_wrong(expected, expected) is None
    assert core_checks.first_wrong(expected, np.array([[1, 2], [3, 5]])) == (1, 1)
    assert core_checks.first_wrong(expected, expected[:1]) == (1, 0)
