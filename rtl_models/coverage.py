"""Line and toggle coverage of the traffic bench, from Verilator's records.

Runs a trace on a bench built with coverage; :func:`coverage_table` gives one row per module and kind.  A
point counts as covered if any instance of its module reached it.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic
from neurosim.fabric.topology import build_fabric
from neurosim.rtl.flits import flit_layout
from rtl_models import toolchain
from rtl_models.traffic import PAYLOAD, bench_design, plusargs, write_trace


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
        write_trace(build_fabric(chip), traffic, flit_layout(chip, PAYLOAD), folder)
        toolchain.run_tool([*command, *plusargs(max_cycles)], folder)
        return read_coverage((folder / "coverage.dat").read_text(), leave_out=(bench,))


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
        if module not in leave_out:
            place = f"{fields['f']}:{fields['l']} {fields.get('o', '')}".strip()
            counts[module, kind, place] += int(count)
    rows = []
    for module, kind in sorted({key[:2] for key in counts}):
        points = {place: n for (m, k, place), n in counts.items() if (m, k) == (module, kind)}
        missed = sorted(place for place, n in points.items() if not n)
        rows.append(Coverage(module, kind, len(points) - len(missed), len(points), tuple(missed[:20])))
    return rows
