"""Builds a stranger's design with Verilator for cocotb: slower to build, faster to run, two-valued."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from neurosim.errors import InputError
from rtl_models import toolchain
from rtl_models.cosim import FLAGS, changed_environment
from rtl_models.dut.loading import Loaded


def verilator_command(
    loaded: Loaded, folder: Path, sources: list[Path], defines: Mapping[str, str],
    parameters: Mapping[str, str],
) -> list[str]:  # fmt: skip
    """Build in ``folder``; returns the command that runs the design.

    Raises:
        InputError: Verilator is missing or refuses the design (its log is kept and named).
    """
    toolchain.require("verilator", "cocotb")
    from cocotb_tools.runner import get_runner

    folder.mkdir(parents=True)
    design, log = loaded.adapter.design, folder / "verilator.log"
    includes = [str((loaded.folder / name).resolve()) for name in design.include_dirs]
    quiet = ("-Wno-fatal", "-Wno-lint", "--no-timing")
    language = FLAGS["verilator"] if design.language == "2005" else quiet
    with changed_environment(toolchain.cocotb_environment(folder)):
        try:
            get_runner("verilator").build(
                sources=sources, includes=includes, defines=defines, parameters=parameters,
                hdl_toplevel=design.top, build_dir=folder, build_args=[*language, "-CFLAGS", "-O1"],
                always=True, log_file=log,
                timescale=("1ns", "1ps"),
            )  # fmt: skip
        except (RuntimeError, SystemExit) as error:
            lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
            first = next((line.strip() for line in lines if "Error" in line), "no message")
            raise InputError(
                f"the design does not elaborate: Verilator says so about top '{design.top}'",
                code="dut-elaborate", where=str(log), got=first,
            ) from error  # fmt: skip
    return [str(folder / design.top)]
