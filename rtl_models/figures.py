"""The figures of ``verify --report``: area of every module, coverage of lines, branches, signals and cases.

Reads a chip; takes minutes, as everything is synthesised and built with Verilator's counters.  What a tool is
missing for, or what was not done in time, is listed as not measured.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from neurosim.chip.models import Chip
from neurosim.errors import NeurosimError
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.rtl import images
from neurosim.rules import ports
from rtl_models import area, core_checks, coverage, scale, toolchain
from rtl_models.cosim import lockstep
from rtl_models.fabric_checks import uniform
from rtl_models.verdicts import NotVerified, Progress

AREA_LIMIT_S = {"quick": 900.0, "full": 1800.0}
COVERAGE_NETWORKS = {"quick": 6, "full": 30}
COVERAGE_LOAD, COVERAGE_CYCLES = 0.5, 400
SEEN_LOADS = (0.1, 0.5, 0.9)
SEEN_CYCLES = 120
LIMIT_CYCLES = 10**7
LEAST_LINES = 0.95
Found = TypeVar("Found")


@dataclass(frozen=True)
class Seen:
    """How often a flit at the front of an input channel was seen, and blocked: one row per pair of ports.

    ``fills`` is in how many of the ``most_fills`` lengths its channel was; ``blocked`` and ``moving`` count
    cycles.
    """

    in_port: str
    out_port: str
    moving: int
    blocked: int
    fills: int
    most_fills: int


@dataclass(frozen=True)
class Figures:
    """Of one chip, or of the smaller mesh that stands for it (``size``)."""

    size: str
    areas: tuple[area.Area, ...]
    coverage: tuple[coverage.Coverage, ...]
    seen: tuple[Seen, ...]
    not_measured: tuple[NotVerified, ...]

    def share(self, *kinds: str) -> float | None:
        """Points covered of all points of these kinds; None if nothing was measured."""
        rows = [row for row in self.coverage if row.kind in kinds]
        points = sum(row.points for row in rows)
        return sum(row.covered for row in rows) / points if points else None


def figures_of(chip: Chip, suite: str, seed: int, progress: Progress | None = None) -> Figures:
    """Synthesise and count, on the mesh on which ``verify`` runs whole chips."""
    small = scale.shrink(chip, 4, 8)
    has_cores = not images.unsupported(small)
    lost: list[NotVerified] = []
    of_trees = area.TREE_MODULES if chip.router.multicast_entries is not None else ()
    modules = (*area.MODULES, *of_trees, *(area.CORE_MODULES if has_cores else ()))
    total = len(modules) + 3

    def tell(done: int, text: str) -> None:
        if progress is not None:
            progress(done, total, text)

    areas = list(_areas(small, modules, AREA_LIMIT_S[suite], lost, tell))
    tell(len(modules), "coverage of the fabric")
    counted = [_try("coverage of the fabric", lost, lambda: _fabric_coverage(small, seed))]
    tell(len(modules) + 1, "coverage of the whole chip")
    if has_cores:
        runs = COVERAGE_NETWORKS[suite]
        counted.append(
            _try("coverage of the whole chip", lost, lambda: _chip_coverage(small, runs, seed))
        )
    tell(len(modules) + 2, "functional coverage")
    seen = _try("functional coverage", lost, lambda: _seen(small, seed)) or []
    rows = coverage.merged(*(table for table in counted if table))
    return Figures(scale.size_text(small), tuple(areas), tuple(rows), tuple(seen), tuple(lost))


def _try(what: str, lost: list[NotVerified], work: Callable[[], Found]) -> Found | None:
    try:
        return work()
    except NeurosimError as error:
        lost.append(NotVerified(what, f"{error.what}: {error.hint}" if error.hint else error.what))
        return None


def _areas(
    chip: Chip, modules: tuple[str, ...], seconds: float, lost: list[NotVerified],
    tell: Callable[[int, str], None],
) -> Iterator[area.Area]:  # fmt: skip
    sizes = area_parameters(chip)
    for number, module in enumerate(modules):
        tell(number, f"area of {module}")
        found = _try(
            f"area of {module}", lost,
            lambda module=module: area.area_table(chip, [module], parameters=sizes, seconds=seconds),  # type: ignore[misc]
        )  # fmt: skip
        yield from found or ()


def area_parameters(chip: Chip) -> dict[str, dict[str, int]]:
    """The parameters that the chip's own instances of the small modules have."""
    from neurosim.rtl.flits import bits_for, flit_layout

    fabric, depth = build_fabric(chip), chip.router.buffer_flits
    return {
        "sync_fifo": {"WIDTH": flit_layout(chip).bits, "DEPTH": depth, "COUNT_BITS": depth.bit_length()},
        "rr_arbiter": {"N": fabric.n_ports, "INDEX_BITS": bits_for(fabric.n_ports)},
        "credit_counter": {"INITIAL": depth, "COUNT_BITS": depth.bit_length()},
        "async_fifo": {"WIDTH": flit_layout(chip).bits},
        "owed_branches": {"PORTS": fabric.n_ports},
        "barrier_tree": {"LEAVES": fabric.n_routers, "ARITY": chip.sync.tile_tree_arity},
    }


def _fabric_coverage(chip: Chip, seed: int) -> list[coverage.Coverage]:
    toolchain.require("verilator")
    traffic = uniform(build_fabric(chip), COVERAGE_LOAD, COVERAGE_CYCLES, seed)
    return coverage.coverage_table(chip, traffic, 10**6)


def _chip_coverage(chip: Chip, networks: int, seed: int) -> list[coverage.Coverage]:
    toolchain.require("verilator")
    runs = [core_checks.random_program(chip, seed + 1000 * number) for number in range(networks)]
    return coverage.chip_coverage(runs, LIMIT_CYCLES)


def _seen(chip: Chip, seed: int) -> list[Seen]:
    """By the counters of the lock-step bench; a row for every pair of ports that any route takes."""
    fabric = build_fabric(chip)
    total: Counter[str] = Counter()
    for number, load in enumerate(SEEN_LOADS):
        with tempfile.TemporaryDirectory() as name:
            traffic = uniform(fabric, load, SEEN_CYCLES, seed + number)
            total.update(lockstep(chip, traffic, 10**6, Path(name))["seen"])
    return [_pair(fabric, total, *pair) for pair in sorted(_pairs(fabric))]


def _pairs(fabric: Fabric) -> set[tuple[int, int]]:
    """(input port, output port) that some packet between cores takes at some router."""
    cores = range(fabric.n_cores)
    return {(hop[1], hop[3]) for a in cores for b in cores for hop in fabric.walk(a, b)}


def _pair(fabric: Fabric, total: Counter[str], in_port: int, out_port: int) -> Seen:
    mine = {key: n for key, n in total.items() if key.startswith(f"{in_port} {out_port} ")}
    counts = [sum(n for key, n in mine.items() if key.endswith(f" {flag}")) for flag in (0, 1)]
    fills = {key.split()[2] for key in mine}
    names = [_port_name(port) for port in (in_port, out_port)]
    return Seen(names[0], names[1], counts[0], counts[1], len(fills), fabric.chip.router.buffer_flits)


def _port_name(port: int) -> str:
    return f"local {port - ports.LOCAL}" if port >= ports.LOCAL else str(ports.DIRECTION_NAMES[port])
