"""Runs cocotb benches under Icarus or Verilator and tells what they found.

Reads a :class:`~rtl_models.toolchain.Design` and the name of a bench module in ``rtl_models.bench``; the
bench gets its job as a JSON file.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from neurosim.artefacts.tree_table import TreeTable
from neurosim.chip.dump import dump_chip
from neurosim.chip.loader import load_chip
from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic
from neurosim.errors import LimitError, MismatchError
from neurosim.rtl.header import header_text
from rtl_models import toolchain
from rtl_models.bench import JOB
from rtl_models.traffic import PAYLOAD, TREE_PAYLOAD

WAVE_BEFORE = 40  # cycles that a waveform shows before the one that is asked for
STEPS_PER_CYCLE = 2  # of the simulator; the benches' clock
FLAGS = {
    "icarus": ("-g2005",),
    "verilator": ("--default-language", "1364-2005", "-Wno-fatal", "-Wno-lint", "--no-timing"),
}


def lockstep(
    chip: Chip, traffic: Traffic, max_cycles: int, folder: Path, replace: Mapping[str, str] | None = None,
    simulator: str = "icarus", seconds: float = toolchain.TIME_LIMIT_S, wave_cycle: int | None = None,
    trees: TreeTable | None = None,
) -> dict[str, Any]:
    """Run ``traffic`` on the Verilog mesh of ``chip``, every register held against the rules in every cycle.

    Returns:
        ``cycles`` and ``packets`` compared, and ``seen``: how often a flit at the front of a channel was seen
        by input port, output port, flits in the channel, and whether it was blocked.

    Targets of ``traffic`` may be numbers of ``trees``, as in a target table.
    ``wave_cycle`` (Icarus) also writes ``wave.vcd`` around that cycle.

    Raises:
        MismatchError: the first difference: cycle, component and register.
        LimitError: the simulator took more than ``seconds``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "chip.yaml").write_text(dump_chip(chip))
    columns = {name: getattr(traffic, name).tolist() for name in ("cycle", "source", "target")}
    table = None if traffic.table is None else {k: v.tolist() for k, v in vars(traffic.table).items()}
    branching = None
    if trees is not None:
        branching = {k: v if isinstance(v, int) else v.tolist() for k, v in vars(trees).items()}
    job = {"chip": str(folder / "chip.yaml"), "traffic": columns, "table": table, "trees": branching,
           "max_cycles": max_cycles, "result": str(folder / "result.json")}  # fmt: skip
    design = toolchain.Design(
        "neuro_mesh", toolchain.hdl_sources(), header_text(chip, lockstep_payload(chip)),
        replace=replace or {},
    )  # fmt: skip
    parameters = {"LOCAL_CREDITS": chip.router.buffer_flits}
    run_bench(design, "mesh_lockstep", job, folder, parameters, simulator, seconds, wave_cycle)
    result: dict[str, Any] = json.loads((folder / "result.json").read_text())
    return result


def lockstep_payload(chip: Chip) -> tuple[tuple[str, int], ...]:
    """What flits carry besides the address: the packet's number, and an axon if there can be trees."""
    return PAYLOAD if chip.router.multicast_entries is None else TREE_PAYLOAD


def job_chip(job: Mapping[str, Any]) -> Chip:
    """The chip of a bench's job."""
    return load_chip(job["chip"])


def run_bench(
    design: toolchain.Design, module: str, job: Mapping[str, Any], folder: Path,
    parameters: Mapping[str, int] | None = None, simulator: str = "icarus",
    seconds: float = toolchain.TIME_LIMIT_S, wave_cycle: int | None = None,
) -> None:
    """Build ``design`` in ``folder`` and run the cocotb tests of ``rtl_models.bench.<module>`` on it.

    ``wave_cycle`` (Icarus) also writes ``wave.vcd`` from WAVE_BEFORE cycles before it.

    Raises:
        MismatchError: a test failed, with its first message; the simulator's log is ``<folder>/run.log``.
        LimitError: the simulator took more than ``seconds``; the log is the same.
    """
    toolchain.require("iverilog" if simulator == "icarus" else "verilator", "cocotb")
    from cocotb_tools.runner import get_runner

    folder.mkdir(parents=True, exist_ok=True)
    names = design.write(folder)
    (folder / "job.json").write_text(json.dumps({**job, "seconds": seconds}))
    flags = FLAGS[simulator]
    if wave_cycle is not None:
        names, flags = [*names, _write_waves(design.top, wave_cycle, folder)], (*flags, "-s", "waves")
    around = {} if simulator == "icarus" else toolchain.cocotb_environment(folder)
    paths = os.pathsep.join([str(toolchain.HERE.parent), *(p for p in sys.path if p)])
    log, results = folder / "run.log", folder / "results.xml"
    if wave_cycle is not None:
        around = {**around, "SIM_CMD_SUFFIX": "-vcd"}  # after the runner's own "-none"
    with changed_environment(around):
        runner = get_runner(simulator)
        try:
            runner.build(
                sources=[folder / name for name in names], hdl_toplevel=design.top, build_dir=folder,
                build_args=[*flags, f"-I{folder}"], parameters=dict(parameters or {}), always=True,
                log_file=folder / "build.log",
            )  # fmt: skip
        except (RuntimeError, SystemExit) as error:
            raise toolchain.failed(simulator, folder / "build.log", str(error)) from error
        start = time.monotonic()
        with contextlib.suppress(SystemExit, RuntimeError):  # how the runner says that a test failed
            runner.test(
                hdl_toplevel=design.top, test_module=f"rtl_models.bench.{module}", build_dir=folder,
                test_dir=folder, extra_env={JOB: str(folder / "job.json"), "PYTHONPATH": paths}, log_file=log,
                results_xml=str(results),
            )  # fmt: skip
    if time.monotonic() - start > seconds and not results.exists():
        raise LimitError(
            f"{simulator} was not done after {seconds:g} seconds", code="rtl-time-limit", where=str(log)
        )
    _judge(results, log)


def _write_waves(top: str, cycle: int, folder: Path) -> str:
    """A module beside the top that writes the waveform; a cycle takes two simulator steps."""
    start = max(0, STEPS_PER_CYCLE * (cycle - WAVE_BEFORE))
    text = f'initial begin #{start} $dumpfile("wave.vcd"); $dumpvars(0, {top}); end'
    (folder / "waves.v").write_text(f"module waves;\n    {text}\nendmodule\n")
    return "waves.v"


@contextlib.contextmanager
def changed_environment(values: Mapping[str, str]) -> Iterator[None]:
    """The environment with ``values``, put back afterwards: cocotb's runner takes no other for a build."""
    before = {name: os.environ.get(name) for name in values}
    os.environ.update(values)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _judge(results: Path, log: Path) -> None:
    from cocotb_tools.check_results import get_results

    n_tests, n_failed = get_results(results) if results.exists() else (0, 0)
    if n_failed or not n_tests:
        lines = log.read_text().splitlines()
        first = next((line.strip() for line in lines if "Difference" in line), "no test ran to its end")
        raise MismatchError("Verilog and model differ", code="rtl-lockstep", where=str(log), got=first)
