"""Runs a plan on the built design under Icarus or Verilator, and says how it ended.

The simulator runs in a process group of its own with a time limit on the wall clock: a design that loops
without time passing never comes back by itself.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from neurosim.errors import InputError, LimitError
from rtl_models import toolchain
from rtl_models.dut import JOB
from rtl_models.dut.elaborate import PROGRAM, Elaborated
from rtl_models.dut.loading import Loaded
from rtl_models.dut.plan import Plan
from rtl_models.dut.run_log import RunLog, read_log

LOG, EVENTS = "simulator.log", "events.log"


def run_plan(
    loaded: Loaded, built: Sequence[str], plan: Plan, folder: Path, extra: Sequence[str] = ()
) -> RunLog:
    """Run one case in ``folder`` (made here); ``built`` is the command that starts the simulator.

    A run may have ended early (:func:`limit_error`).

    Raises:
        InputError: the simulator failed, or the design has no signal or memory of a name in the adapter.
        LimitError: the simulator was not done in the time on the wall clock.
    """
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in plan.files.items():
        (folder / name).write_text(text)
    (folder / "job.json").write_text(json.dumps({**plan.job, "log": str(folder / EVENTS)}))
    log, seconds = folder / LOG, loaded.adapter.limits.wall_seconds
    with open(log, "w") as output:
        process = subprocess.Popen(
            [*built, *plan.plusargs, *extra], cwd=folder, env=_environment(loaded.adapter.design.top, folder),
            stdout=output, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        try:
            process.wait(timeout=seconds)
        except subprocess.TimeoutExpired as error:
            raise LimitError(
                f"the simulator was not done after {seconds:g} seconds", code="dut-wall-time", where=str(log),
                hint="does the design loop without time passing? limits.wall_seconds sets the limit",
            ) from error  # fmt: skip
        finally:
            if process.poll() is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)
                process.wait()
    return _judged(loaded, read_log(folder / EVENTS), log)


def icarus_command(built: Elaborated) -> list[str]:
    """What starts the simulation that Icarus built."""
    import cocotb_tools.config

    library = cocotb_tools.config.lib_entry("vpi", "icarus")
    return ["vvp", "-n", "-m", str(library), str(built.folder / PROGRAM)]


def _environment(top: str, folder: Path) -> dict[str, str]:
    """What cocotb's own runner sets for a test; that runner knows no time limit."""
    import cocotb_tools.config
    import find_libpython

    library = find_libpython.find_libpython()
    paths = [str(toolchain.HERE.parent), *(p for p in sys.path if p)]
    return {
        **os.environ, "PYTHONPATH": os.pathsep.join(paths), "PYGPI_PYTHON_BIN": sys.executable,
        "GPI_USERS": f"{library};{cocotb_tools.config.pygpi_entry_point()}", "COCOTB_TOPLEVEL": top,
        "COCOTB_TEST_MODULES": "rtl_models.dut.bench", "TOPLEVEL_LANG": "verilog",
        "COCOTB_RESULTS_FILE": str(folder / "results.xml"), "COCOTB_TRUST_INERTIAL_WRITES": "1",
        "COCOTB_REWRITE_ASSERTION_FILES": "",  # nothing here asserts, and it takes half of the start-up time
        JOB: str(folder / "job.json"),
    }  # fmt: skip


def _judged(loaded: Loaded, run: RunLog | None, log: Path) -> RunLog:
    said = log.read_text(errors="replace")
    for line in said.splitlines():
        if "$readmem" in line and ("Too many words" in line or "Unable to open" in line):
            raise InputError(
                "the design cannot read a memory image", code="dut-image", where=str(log), got=line.strip(),
                hint="images are given by 'configuration', which makes the file and says where it is",
            )  # fmt: skip
    if run is None:
        lines = [line.strip() for line in said.splitlines() if "rror" in line]
        raise InputError(
            "the simulator ended before the run did", code="dut-simulator", where=str(log),
            got=lines[-1] if lines else None, hint="does the design call $finish?",
        )  # fmt: skip
    if run.end == "problem":
        raise InputError(run.end_text, code="dut-no-signal", where=str(loaded.path))
    return run


def limit_error(loaded: Loaded, run: RunLog, log: Path) -> LimitError | None:
    """Why a run ended before it was done, None if it did not."""
    limits = loaded.adapter.limits
    if run.end == "stuck":
        return LimitError(
            f"the design does not answer: {run.end_text}", code="dut-stuck", where=str(log),
            got=f"nothing happened for {limits.idle_cycles} cycles, up to cycle {run.end_cycle}",
            hint="limits.idle_cycles sets how long neurosim waits",
        )  # fmt: skip
    if run.end == "limit":
        return LimitError(
            f"the design was not done after {limits.cycles} cycles", code="dut-cycle-limit",
            where=str(log), got=run.end_text.removeprefix("-"), hint="limits.cycles sets the limit",
        )  # fmt: skip
    return None
