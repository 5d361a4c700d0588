"""A whole program on the Verilog chip: writes the images, runs the self-driving bench, reads its event log.

Reads a :class:`~neurosim.artefacts.program.Program` and a :class:`~neurosim.engines.base.Workload`; the
events are to be held against an engine's, see :mod:`neurosim.rtl.chip_log`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from neurosim.artefacts.program import Program
from neurosim.chip.loader import load_chip_text
from neurosim.chip.models import Chip
from neurosim.engines.base import Workload
from neurosim.rtl.chip_log import SampleEvents, read_chip_log
from neurosim.rtl.images import chip_header_text, write_images
from rtl_models import toolchain
from rtl_models.traffic import STATE_DUMP

CORES = (
    "barrier", "barrier_root", "barrier_tree", "host_port", "neuro_chip", "neuron_core", "neuron_loop",
    "neuron_update", "receive_fifo", "synapse_pipeline", "transmit_fifo",
)  # fmt: skip
BENCH = "chip_bench"
DUMPS = (STATE_DUMP, "core_dump.vh")
DUMP_KINDS = ("state", "credits", "core", "received")
DEFAULT_LIMIT_CYCLES = 10_000_000


@dataclass(frozen=True)
class StoppedChip:
    """What a chip did that may never end: its ``events`` (one per sample) and the lines of its ``dump``."""

    events: list[SampleEvents]
    dump: tuple[str, ...]


def bench_design(
    chip: Chip, icarus: bool, replace: Mapping[str, str] | None = None, dump: bool = False
) -> toolchain.Design:
    """The bench for ``chip``; ``replace``: changed sources by file name; ``dump``: it can dump its state."""
    names = [f"{BENCH}.v", *(["clock.v"] if icarus else []), *(DUMPS if dump else [])]
    bench = tuple(toolchain.BENCH / name for name in names)
    defines = ({"BENCH": BENCH} if icarus else {}) | ({"DUMP_STATE": "1"} if dump else {})
    return toolchain.Design(
        "clock" if icarus else BENCH, (*toolchain.hdl_sources((*toolchain.FABRIC, *CORES)), *bench),
        chip_header_text(chip), defines, replace or {},
    )


def run_chip(
    program: Program,
    workload: Workload,
    simulator: str = "verilator",
    limit_cycles: int = DEFAULT_LIMIT_CYCLES,
    replace: Mapping[str, str] | None = None,
    folder: Path | None = None,
    seconds: float = toolchain.TIME_LIMIT_S,
) -> list[SampleEvents]:
    """Run every sample of ``workload`` on the Verilog of the program's chip.

    ``simulator`` is ``verilator`` or ``icarus``; ``limit_cycles`` bounds one sample; ``replace`` are changed
    sources by file name; ``folder`` is where to work and to leave the logs (default: nowhere).

    Raises:
        InputError: the Verilog does not support this chip or program, or a tool is missing or fails.
        LimitError: a sample took more than ``limit_cycles``, or the simulator more than ``seconds``.
    """
    chip = load_chip_text(program.chip_yaml, "program")
    design = bench_design(chip, simulator == "icarus", replace)
    with toolchain.workspace(folder) as place:
        write_images(program, chip, workload.spikes, place)
        command = (toolchain.build_icarus if simulator == "icarus" else toolchain.build_verilator)(design)
        arguments = plusargs(program, workload, limit_cycles)
        toolchain.run_tool([*command, *arguments], place, seconds=seconds)
        return read_chip_log(place / "events.log", chip, trees=program.trees)


def run_to(
    program: Program, workload: Workload, last_cycle: int, dump_cycle: int, simulator: str = "icarus",
    replace: Mapping[str, str] | None = None, folder: Path | None = None,
    seconds: float = toolchain.TIME_LIMIT_S,
) -> StoppedChip:  # fmt: skip
    """Run one sample up to ``last_cycle``, over or not; the state is dumped at the end of ``dump_cycle``.

    The other arguments and the errors are those of :func:`run_chip`.
    """
    assert len(workload.spikes) == 1, "a dump is of one sample"
    chip = load_chip_text(program.chip_yaml, "program")
    design = bench_design(chip, simulator == "icarus", replace, dump=True)
    with toolchain.workspace(folder) as place:
        write_images(program, chip, workload.spikes, place)
        command = (toolchain.build_icarus if simulator == "icarus" else toolchain.build_verilator)(design)
        arguments = [*plusargs(program, workload, last_cycle), f"+dump={dump_cycle}"]
        toolchain.run_tool([*command, *arguments], place, seconds=seconds)
        lines = (place / "events.log").read_text().splitlines()
        dump = tuple(line for line in lines if line.split(" ")[2:3] and line.split(" ")[2] in DUMP_KINDS)
        return StoppedChip(read_chip_log(place / "events.log", chip, True, program.trees), dump)


def plusargs(program: Program, workload: Workload, limit_cycles: int = DEFAULT_LIMIT_CYCLES) -> list[str]:
    """Arguments of the bench in the folder of the images."""
    n_samples, steps = workload.spikes.shape[:2]
    options = {
        "images": ".", "log": "events.log", "samples": n_samples, "sample_steps": steps,
        "n_steps": steps + program.depth, "weight_bits": program.weight_bits, "limit": limit_cycles,
    }  # fmt: skip
    return [f"+{key}={value}" for key, value in options.items()]
