"""Line, branch and toggle coverage of the self-driving benches, from Verilator's records.

Runs a trace, or programs on a whole chip, on a bench built with coverage; one row per module and kind.  A
point counts as covered if any instance of its module reached it.
"""

from __future__ import annotations

import functools
import re
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from neurosim.artefacts.program import Program
from neurosim.chip.loader import load_chip_text
from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic, Workload
from neurosim.fabric.tables import flow_fabric
from neurosim.rtl.flits import flit_layout
from neurosim.rtl.images import write_images
from rtl_models import chip as chip_bench
from rtl_models import toolchain
from rtl_models.traffic import PAYLOAD, bench_design, plusargs, write_trace

SIZE_FUNCTIONS = {"barrier_tree": ("nodes", "height")}
"""Functions that only sizes and parameters call."""


@dataclass(frozen=True)
class Coverage:
    """``covered`` of ``points`` in ``module``; ``kind`` line, branch or toggle; ``missed``: first places."""

    module: str
    kind: str
    covered: int
    points: int
    missed: tuple[str, ...]


def coverage_table(
    chip: Chip, traffic: Traffic, max_cycles: int, bench: str = "traffic_bench"
) -> list[Coverage]:
    """Coverage of the fabric's modules on ``chip`` under ``traffic``, the bench itself left out."""
    command = toolchain.build_verilator(bench_design(chip, len(traffic.cycle), icarus=False), coverage=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fabric = flow_fabric(chip, traffic.table, traffic.source, traffic.target)
        write_trace(fabric, traffic, flit_layout(chip, PAYLOAD), folder)
        toolchain.run_tool([*command, *plusargs(max_cycles)], folder)
        return read_coverage((folder / "coverage.dat").read_text(), leave_out=(bench,))


def chip_coverage(
    runs: Sequence[tuple[Program, Workload]], limit_cycles: int, bench: str = chip_bench.BENCH
) -> list[Coverage]:
    """Coverage of all modules of a whole chip under ``runs``, programs for one chip; points add up."""
    chip = load_chip_text(runs[0][0].chip_yaml, "program")
    command = toolchain.build_verilator(chip_bench.bench_design(chip, icarus=False), coverage=True)
    texts = []
    for program, workload in runs:
        with toolchain.workspace() as folder:
            write_images(program, chip, workload.spikes, folder)
            toolchain.run_tool([*command, *chip_bench.plusargs(program, workload, limit_cycles)], folder)
            texts.append((folder / "coverage.dat").read_text())
    return read_coverage("\n".join(texts), leave_out=(bench,))


def read_coverage(text: str, leave_out: tuple[str, ...] = ()) -> list[Coverage]:
    """Rows from the text of Verilator's ``coverage.dat``: ``C '<key value pairs>' <count>`` per point."""
    counts: dict[tuple[str, str, str], int] = defaultdict(int)
    for line in text.splitlines():
        if not line.startswith("C '"):
            continue
        pairs, _, count = line[3:].rpartition("' ")
        fields = dict(pair.split("\x02", 1) for pair in pairs.split("\x01") if "\x02" in pair)
        kind = fields["page"].split("/")[0].removeprefix("v_")
        module = Path(fields["f"]).stem
        if module not in leave_out and int(fields["l"]) not in _size_lines(module):
            place = f"{fields['f']}:{fields['l']} {fields.get('o', '')}".strip()
            counts[module, kind, place] += int(count)
    rows = []
    for module, kind in sorted({key[:2] for key in counts}):
        points = {place: n for (m, k, place), n in counts.items() if (m, k) == (module, kind)}
        missed = sorted(place for place, n in points.items() if not n)
        rows.append(Coverage(module, kind, len(points) - len(missed), len(points), tuple(missed[:20])))
    return rows


def merged(*tables: Sequence[Coverage]) -> list[Coverage]:
    """Tables of different benches: of a module in several, the kind's best row."""
    best: dict[tuple[str, str], Coverage] = {}
    for row in (row for table in tables for row in table):
        key = row.module, row.kind
        if key not in best or row.covered * best[key].points > best[key].covered * row.points:
            best[key] = row
    return [best[key] for key in sorted(best)]


@functools.cache
def _size_lines(module: str) -> frozenset[int]:
    """Lines of ``module`` that only fix sizes while the design is elaborated: nothing ever runs them."""
    found: set[int] = set()
    path = toolchain.HDL / f"{module}.v"
    inside = False
    for number, line in enumerate(path.read_text().splitlines() if path.exists() else (), 1):
        start = re.match(r"\s*function integer (\w+)", line)
        inside = inside or (start is not None and start[1] in SIZE_FUNCTIONS.get(module, ()))
        if inside:
            found.add(number)
        inside = inside and "endfunction" not in line
    return frozenset(found)
