"""``bench --rtl``: cycles per CPU second of the Verilog under Verilator against the compiled engine.

Both run the same input on the same chip: the demo network, and uniform traffic on a saturated mesh.  Builds
and compilation are left out; both tell every packet's cycle, which must be equal, or there is no figure.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from neurosim.api.bounds import check_seed
from neurosim.engines.base import Progress, RunOptions, Traffic
from neurosim.errors import MismatchError

if TYPE_CHECKING:
    from neurosim.chip.models import Chip

SATURATED_LOAD = 0.9
SATURATED = ((4, 15_000, 200_000), (8, 5_000, 250_000))
"""Side of the mesh, cycles in which packets are sent, and the most packets."""
DEMO_SAMPLES = 40
AIM_SATURATED, AIM_DEMO = 10.0, 300.0
REPEATS = 3
LIMIT_CYCLES = 10**7


@dataclass(frozen=True)
class RtlRow:
    """One case; rates are simulated cycles per CPU second, ``ratio`` the engine's over the Verilog's."""

    case: str
    cycles: int
    packets: int
    engine_cpu_s: float
    verilog_cpu_s: float
    engine_rate: float
    verilog_rate: float
    ratio: float
    aim: float


@dataclass(frozen=True)
class RtlBenchMade:
    """All cases."""

    rows: tuple[RtlRow, ...]
    seed: int

    def document(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def bench_verilog(seed: int = 0, progress: Progress | None = None) -> RtlBenchMade:
    """Measure; the first time with Verilator's builds (a minute or two).

    Raises:
        InputError: a tool is missing, or the seed is out of range.
        MismatchError: the two do not say the same.
    """
    from rtl_models import toolchain

    seed = check_seed(seed)
    toolchain.require("verilator")
    work: list[tuple[str, Callable[[], RtlRow]]] = [("the demo network", _demo)]
    for side, cycles, most in SATURATED:
        work.append((f"{side}x{side}, saturated", _saturated_case(side, cycles, most, seed)))
    rows = []
    for done, (name, measure) in enumerate(work):
        if progress is not None:
            progress(done, len(work), name)
        rows.append(measure())
    return RtlBenchMade(tuple(rows), seed)


def _saturated_case(side: int, cycles: int, most: int, seed: int) -> Callable[[], RtlRow]:
    return lambda: _saturated(side, cycles, most, seed)


def _saturated(side: int, cycles: int, most: int, seed: int) -> RtlRow:
    from neurosim.api.bench_program import mesh_chip
    from neurosim.api.benchmarking import uniform_traffic
    from neurosim.engines.compiled.engine import CompiledEngine
    from rtl_models.traffic import first_difference

    chip = mesh_chip(side)
    all_of = uniform_traffic(side * side, SATURATED_LOAD, cycles, seed)
    traffic = Traffic(all_of.cycle[:most], all_of.source[:most], all_of.target[:most])
    engine = CompiledEngine()
    few = Traffic(traffic.cycle[:1], traffic.source[:1], traffic.target[:1])
    engine.run_traffic(chip, few, 10**9, RunOptions())  # compiles, or reads the compiled code
    engine_s, result = _least(lambda: engine.run_traffic(chip, traffic, 10**9, RunOptions()))
    verilog_s, got = _verilog_traffic(chip, traffic, 2 * result.end_cycle)
    found = first_difference(result.arrive, got)
    if found is not None:
        raise _differs(f"packet {found.packet}", f"cycle {found.expected}", f"cycle {found.got}")
    name = f"{side}x{side} mesh, saturated"
    return _row(name, result.end_cycle, len(traffic.cycle), engine_s, verilog_s, AIM_SATURATED)


def _verilog_traffic(chip: Chip, traffic: Traffic, max_cycles: int) -> tuple[float, Any]:
    from neurosim.fabric.tables import flow_fabric
    from neurosim.rtl.flits import flit_layout
    from rtl_models import toolchain
    from rtl_models.traffic import PAYLOAD, bench_design, plusargs, read_log, write_trace

    command = toolchain.build_verilator(bench_design(chip, len(traffic.cycle), icarus=False))
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fabric = flow_fabric(chip, traffic.table, traffic.source, traffic.target)
        write_trace(fabric, traffic, flit_layout(chip, PAYLOAD), folder)
        seconds = _run(lambda: toolchain.run_tool([*command, *plusargs(max_cycles)], folder))
        return seconds, read_log(folder / "events.log", chip, len(traffic.cycle)).arrive


def _demo() -> RtlRow:
    from neurosim.chip.loader import load_chip
    from neurosim.engines.compiled.engine import CompiledEngine
    from neurosim.rtl.chip_log import expected_events, first_difference, read_chip_log
    from neurosim.rtl.images import write_images
    from rtl_models import chip as chip_bench
    from rtl_models import core_checks, toolchain

    chip, inputs = load_chip("tiny"), core_checks.demo_input(DEMO_SAMPLES)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        program = core_checks.demo_program(chip, folder)
        engine = CompiledEngine()
        result = engine.run(program, inputs, RunOptions(log_packets=True))  # compiles; what is compared
        engine_s, _ = _least(lambda: engine.run(program, inputs, RunOptions()))
        command = toolchain.build_verilator(chip_bench.bench_design(chip, icarus=False))
        write_images(program, chip, inputs.spikes, folder)
        arguments = chip_bench.plusargs(program, inputs, LIMIT_CYCLES)
        verilog_s = _run(lambda: toolchain.run_tool([*command, *arguments], folder))
        got = read_chip_log(folder / "events.log", chip)
    found = first_difference(expected_events(result, program, chip), got)
    if found is not None:
        raise _differs(str(found), None, None)
    cycles = int(result.step_end.max(axis=1).sum())
    n_packets = len(result.packets.sample) if result.packets is not None else 0
    return _row(f"demo network, {DEMO_SAMPLES} digits", cycles, n_packets, engine_s, verilog_s, AIM_DEMO)


def _differs(what: str, expected: str | None, got: str | None) -> MismatchError:
    return MismatchError(
        f"Verilog and compiled engine differ: {what}", code="bench-rtl", expected=expected, got=got,
        hint="see `neurosim verify`",
    )  # fmt: skip


def _least(work: Callable[[], Any]) -> tuple[float, Any]:
    """The least CPU seconds of some repetitions, and the last result."""
    best, result = float("inf"), None
    for _ in range(REPEATS):
        start = time.process_time()
        result = work()
        best = min(best, time.process_time() - start)
    return best, result


def _run(work: Callable[[], Any]) -> float:
    """The least CPU seconds that programs run by ``work`` take."""
    best = float("inf")
    for _ in range(REPEATS):
        before = os.times()
        work()
        after = os.times()
        spent = after.children_user - before.children_user + after.children_system - before.children_system
        best = min(best, spent)
    return best


def _row(
    case: str, cycles: int, packets: int, engine_s: float, verilog_s: float, aim: float
) -> RtlRow:
    return RtlRow(
        case, cycles, packets, engine_s, verilog_s, cycles / engine_s, cycles / verilog_s,
        verilog_s / engine_s, aim,
    )  # fmt: skip
