"""Raw traffic on the Verilog fabric: writes a trace, runs the self-driving bench, reads its event log.

Reads a :class:`~neurosim.chip.models.Chip` and a :class:`~neurosim.engines.base.Traffic`; the log gives the
cycle in which every packet's tail arrived, to be held against an engine's.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.engines.base import Traffic
from neurosim.errors import MismatchError
from neurosim.fabric.tables import flow_fabric
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rtl.flits import FlitLayout, flit_layout
from neurosim.rtl.header import header_text
from neurosim.rtl.route_images import write_route_images
from rtl_models import toolchain

PAYLOAD = (("packet", 24),)
TREE_PAYLOAD = (("axon", 12), *PAYLOAD)  # in lock-step, where routers have multicast
LARGEST_TRACE = 2**18
STATE_DUMP = "state_dump.vh"  # the part of both benches that dumps routers


@dataclass(frozen=True)
class RtlTraffic:
    """What the bench saw.

    ``arrive`` (packets,): cycle in which the tail arrived, -1 if never; ``flits`` arrived; ``dropped``
    packets; ``end_cycle``; ``dump``: the lines of the state dump.
    """

    arrive: NDArray[np.int64]
    flits: int
    dropped: int
    end_cycle: int
    dump: tuple[str, ...]


def bench_design(chip: Chip, n_packets: int, icarus: bool, dump: bool = False,
                 replace: Mapping[str, str] | None = None) -> toolchain.Design:
    """The bench for ``chip``; its trace memory holds a power of two of packets, at least ``n_packets``."""
    words = 4096
    while words < n_packets:
        words *= 4
    defines = {"TRACE_WORDS": str(words)} | ({"DUMP_STATE": "1"} if dump else {})
    names = ["traffic_bench.v", *(["clock.v"] if icarus else []), *([STATE_DUMP] if dump else [])]
    return toolchain.Design(
        "clock" if icarus else "traffic_bench",
        (*toolchain.hdl_sources(), *(toolchain.BENCH / name for name in names)),
        header_text(chip, PAYLOAD), defines, replace or {},
    )  # fmt: skip


def run_traffic(
    chip: Chip,
    traffic: Traffic,
    max_cycles: int,
    simulator: str = "verilator",
    dump_cycle: int | None = None,
    replace: Mapping[str, str] | None = None,
    folder: Path | None = None,
    seconds: float = toolchain.TIME_LIMIT_S,
) -> RtlTraffic:
    """Run ``traffic`` on the Verilog of ``chip`` under ``simulator`` (``verilator`` or ``icarus``).

    ``dump_cycle`` asks for the routers' state at the end of that cycle; ``replace`` are changed sources;
    ``folder`` is where to work and to leave the logs (default: nowhere).

    Raises:
        LimitError: the simulator took more than ``seconds``.
    """
    design = bench_design(chip, len(traffic.cycle), simulator == "icarus", dump_cycle is not None, replace)
    build = toolchain.build_icarus if simulator == "icarus" else toolchain.build_verilator
    command = build(design)
    with toolchain.workspace(folder) as place:
        fabric = flow_fabric(chip, traffic.table, traffic.source, traffic.target)
        write_trace(fabric, traffic, flit_layout(chip, PAYLOAD), place)
        dump = [] if dump_cycle is None else [f"+dump={dump_cycle}"]
        toolchain.run_tool([*command, *plusargs(max_cycles), *dump], place, seconds=seconds)
        return read_log(place / "events.log", chip, len(traffic.cycle))


def plusargs(max_cycles: int) -> list[str]:
    """Arguments of the bench, for the files that :func:`write_trace` writes."""
    undefined = ["+verilator+rand+reset+2", "+verilator+seed+1"]  # random values until reset, as hardware has
    files = ["+trace=trace.hex", "+first=first.hex", "+log=events.log", "+routes=."]
    return [*files, f"+max_cycles={max_cycles}", *undefined]


def write_trace(fabric: Fabric, traffic: Traffic, layout: FlitLayout, folder: Path) -> None:
    """``trace.hex`` and ``first.hex``, packets by sender and then by cycle, and the routers' tables."""
    assert len(traffic.cycle) <= LARGEST_TRACE, "the trace is longer than the bench's memory"
    order = np.argsort(traffic.source, kind="stable")
    goals = sorted(set(traffic.target.tolist()))
    address = {}
    for core in goals:
        x, y = fabric.xy(fabric.tile_of(core))
        address[core] = layout.pack(x=x, y=y, exit=fabric.port_of(core))
    shift, width = layout.field("packet").lsb, -(-(32 + layout.bits) // 4)
    rows = zip(order.tolist(), traffic.cycle[order].tolist(), traffic.target[order].tolist(), strict=True)
    text = [
        f"{cycle << layout.bits | packet << shift | address[target]:0{width}x}"
        for packet, cycle, target in rows
    ]
    (folder / "trace.hex").write_text("\n".join([*text, ""]))
    counts = np.bincount(traffic.source, minlength=fabric.n_cores)
    first = [0, *np.cumsum(counts).tolist()]
    (folder / "first.hex").write_text("".join(f"{n:x}\n" for n in first))
    write_route_images(fabric, folder)


def read_log(path: Path, chip: Chip, n_packets: int) -> RtlTraffic:
    """Read the event log of one run.

    Raises:
        MismatchError: the bench was built for another chip, its log is cut off, or a packet came twice, in
            pieces out of order or at the wrong core.
    """
    lines = path.read_text().splitlines()
    digest = chip_digest(chip)
    if not lines or lines[0] != f"digest {digest}":
        got = lines[0] if lines else "nothing"
        raise _bad(path, "the design was built for another chip", f"digest {digest}", got)
    if not lines[-1].startswith("end "):
        raise _bad(path, "the log is cut off", "a last line 'end ...'", lines[-1])
    layout, fabric = flit_layout(chip, PAYLOAD), build_fabric(chip)
    arrive = np.full(n_packets, -1, np.int64)
    home = np.full(n_packets, -1, np.int64)
    seen = np.zeros(n_packets, np.int64)
    dump, flits = [], 0
    for line in lines[1:-1]:
        words = line.split(" ")
        if words[2] == "arrive":
            flits += 1
            flit, core = layout.unpack(int(words[3], 16)), int(words[1])
            packet, tile = flit["packet"], fabric.tile_of(core)
            seen[packet] += 1
            if flit["head"]:
                is_home = (flit["x"], flit["y"]) == fabric.xy(tile) and flit["exit"] == fabric.port_of(core)
                home[packet] = core if is_home else -1
            marks = (flit["head"], flit["tail"])
            if home[packet] != core or marks != (seen[packet] == 1, seen[packet] == chip.packet.flits):
                text = f"packet {packet} came twice, in pieces out of order or at the wrong core"
                raise _bad(path, text, None, line)
            if flit["tail"]:
                arrive[packet] = int(words[0])
        elif words[2] in ("state", "credits"):
            dump.append(line)
    _, end, _, dropped = lines[-1].split(" ")
    return RtlTraffic(arrive, flits, int(dropped), int(end), tuple(dump))


def _bad(path: Path, what: str, expected: str | None, got: str) -> MismatchError:
    return MismatchError(what, code="rtl-event-log", where=path.name, expected=expected, got=got)


@dataclasses.dataclass(frozen=True)
class Difference:
    """The first packet, in order of arrival, whose cycle differs."""

    packet: int
    expected: int
    got: int
    n_different: int


def first_difference(expected: NDArray[np.int64], got: NDArray[np.int64]) -> Difference | None:
    """Where two arrays of arrival cycles differ first in time; None if they are equal."""
    wrong = np.flatnonzero(expected != got)
    if not wrong.size:
        return None
    far = np.iinfo(np.int64).max
    either = np.stack([expected[wrong], got[wrong]])
    when = np.where(either < 0, far, either).min(axis=0)
    packet = int(wrong[np.argmin(when)])
    return Difference(packet, int(expected[packet]), int(got[packet]), int(wrong.size))
