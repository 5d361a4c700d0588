"""Size of the Verilog modules without a technology: cells, flip-flops and depth after generic synthesis.

Reads a chip and the sources; :func:`area_table` gives one row per module.  The counts are of Yosys' generic
gates (two inputs, multiplexers, flip-flops), memories mapped to flip-flops: good for ratios, not for areas.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.rtl.header import FILE_NAME, header_text
from rtl_models import toolchain
from rtl_models.formal import run_yosys

MODULES = ("sync_fifo", "rr_arbiter", "credit_counter", "aer_route", "chip_link", "async_fifo", "aer_router")


@dataclass(frozen=True)
class Area:
    """``cells`` of all kinds, ``flip_flops`` among them, ``depth`` of the longest path in gates."""

    module: str
    cells: int
    flip_flops: int
    depth: int


def area_table(chip: Chip, modules: Sequence[str] = MODULES, sources: Sequence[str] = ()) -> list[Area]:
    """Synthesise each of ``modules`` for ``chip``; ``sources`` are modules needed beyond the fabric's.

    Raises:
        InputError: a module does not synthesise, with the synthesiser's own words.
    """
    toolchain.require("pyosys")
    names = dict.fromkeys([*toolchain.FABRIC, "async_fifo", *sources, *modules])
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / FILE_NAME).write_text(header_text(chip))
        return [_area(module, toolchain.hdl_sources(tuple(names)), folder) for module in modules]


def _area(module: str, files: Sequence[Path], folder: Path) -> Area:
    output = run_yosys([
        f"read_verilog -I{folder} {' '.join(map(str, files))}",
        f"synth -flatten -top {module}", "abc -g AND,NAND,OR,NOR,XOR,XNOR,MUX", "opt_clean", "stat",
        "ltp -noff",
    ])  # fmt: skip
    cells = re.findall(r"^\s+(\d+)\s+(?:\S+\s+)?cells$", output, re.M)
    if not cells:
        raise InputError(
            f"{module} does not synthesise", code="rtl-synthesis", where=f"{module}.v",
            got=next((line for line in output.splitlines() if "ERROR" in line), output[-200:].strip()),
        )  # fmt: skip
    last = output[output.rindex("Printing statistics") :]
    flops = sum(int(n) for n in re.findall(r"^\s+(\d+)\s+(?:\S+\s+)?\$_S?DFF\S*$", last, re.M))
    depth = re.search(r"Longest topological path in \S+ \(length=(\d+)\)", output)
    return Area(module, int(cells[-1]), flops, int(depth[1]) if depth else 0)
