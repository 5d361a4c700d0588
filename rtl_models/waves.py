"""The waveform of the Verilog around one cycle: a failing run again, on Icarus, with ``$dumpvars``.

Writes ``wave.vcd``; names in it are those of the design (``rtl_models/README.md``), a cycle takes two units.
"""

from __future__ import annotations

import contextlib
import dataclasses
from collections.abc import Mapping
from pathlib import Path

from neurosim.artefacts.program import Program
from neurosim.artefacts.tree_table import TreeTable
from neurosim.chip.loader import load_chip_text
from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic, Workload
from neurosim.errors import NeurosimError
from neurosim.fabric.topology import build_fabric
from neurosim.rtl.flits import flit_layout
from neurosim.rtl.images import write_images
from rtl_models import chip as chip_bench
from rtl_models import cosim, toolchain
from rtl_models import traffic as traffic_bench
from rtl_models.cosim import WAVE_BEFORE

FILE = "wave.vcd"
WAVE_AFTER = 10  # cycles shown after the one that is asked for
WAVES = {"WAVES": "1"}


def of_traffic(
    chip: Chip, traffic: Traffic, cycle: int, folder: Path, replace: Mapping[str, str], seconds: float
) -> Path | None:
    """Around ``cycle`` of raw traffic; None if the run gives none."""
    design = traffic_bench.bench_design(chip, len(traffic.cycle), icarus=True, replace=replace)
    folder.mkdir(parents=True, exist_ok=True)
    traffic_bench.write_trace(
        build_fabric(chip, table=traffic.table), traffic, flit_layout(chip, traffic_bench.PAYLOAD), folder
    )
    return _run(design, traffic_bench.plusargs(cycle + 2 * WAVE_AFTER), cycle, folder, seconds)


def of_chip(
    program: Program, workload: Workload, sample: int, cycle: int, folder: Path,
    replace: Mapping[str, str], seconds: float,
) -> Path | None:  # fmt: skip
    """Around ``cycle`` of one ``sample`` of a whole chip; None if the run gives none."""
    chip = load_chip_text(program.chip_yaml, "program")
    folder.mkdir(parents=True, exist_ok=True)
    one = dataclasses.replace(
        workload, spikes=workload.spikes[sample : sample + 1], labels=workload.labels[sample : sample + 1]
    )
    write_images(program, chip, one.spikes, folder)
    design = chip_bench.bench_design(chip, icarus=True, replace=replace)
    return _run(design, chip_bench.plusargs(program, one), cycle, folder, seconds)


def of_lockstep(
    chip: Chip, traffic: Traffic, cycle: int, folder: Path, replace: Mapping[str, str], seconds: float,
    trees: TreeTable | None = None,
) -> Path | None:  # fmt: skip
    """Around ``cycle`` of a mesh in lock-step, up to the difference that ends it; None if there is none."""
    with contextlib.suppress(NeurosimError):  # the difference that is looked at
        cosim.lockstep(
            chip, traffic, cycle + 2, folder, replace, seconds=seconds, wave_cycle=cycle, trees=trees
        )
    return found(folder)


def _run(
    design: toolchain.Design, arguments: list[str], cycle: int, folder: Path, seconds: float
) -> Path | None:
    design = dataclasses.replace(design, defines={**design.defines, **WAVES})
    span = [f"+wave_from={max(0, cycle - WAVE_BEFORE)}", f"+wave_to={cycle + WAVE_AFTER}"]
    try:
        toolchain.run_tool([*toolchain.build_icarus(design), *arguments, *span], folder, seconds=seconds)
    except NeurosimError:  # too slow for Icarus: the account stands without a waveform
        return None
    return found(folder)


def found(folder: Path) -> Path | None:
    """The waveform in ``folder``, if there is one."""
    path = folder / FILE
    return path if path.exists() and path.stat().st_size else None
