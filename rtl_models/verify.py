"""``verify``: our Verilog, built for one chip's parameters, against the simulator; a table of verdicts.

Reads a chip; builds and runs what the suite asks for, small things first, and stops at the first difference.
What the Verilog does not support, and what a tool is missing for, is listed with the reason.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from neurosim.chip.dump import chip_digest
from neurosim.chip.models import Chip
from neurosim.errors import DoesNotFitError, InputError, NeurosimError, did_you_mean
from neurosim.rtl import header, images
from rtl_models import (
    core_checks,
    core_deadlocks,
    deadlock_pairs,
    fabric_checks,
    scale,
    table_checks,
    toolchain,
    tree_checks,
)
from rtl_models.cases import Bench, Group, run_group
from rtl_models.keeping import with_log
from rtl_models.verdicts import NotVerified, Progress, Verdict, VerifyTable

SUITES = ("quick", "full")
NEEDED = {"quick": ("iverilog", "cocotb"), "full": ("iverilog", "cocotb", "verilator")}
LOCKSTEP_TILES = {"quick": 6, "full": 16}
TRAFFIC_TILES = {"quick": 16, "full": 64}
CORE_TILES = {"quick": 4, "full": 16}
MOST_CORES = {"quick": 8, "full": 16}
DEMANDED = (
    "equal: every register in every cycle (lock-step), the arrival cycle of every packet (traffic), every "
    "event's cycle and every counter (whole chips)"
)
Maker = Callable[[], "list[Group]"]


@dataclass(frozen=True)
class _Plan:
    """A chip, the smaller ones that stand for it, and why its cores cannot be built (empty if they can).

    ``tables`` is one whose routers need their tables, None if there is none.
    """

    chip: Chip
    lockstep: Chip
    traffic: Chip
    cores: Chip
    tables: Chip | None
    refused: tuple[str, ...]


def verify_chip(
    chip: Chip, suite: str = "quick", out: Path | None = None, seed: int = 0,
    progress: Progress | None = None, *, hdl: Path | None = None,
    time_limit_s: float = toolchain.TIME_LIMIT_S,
) -> VerifyTable:  # fmt: skip
    """Build and run the checks of ``suite`` for the parameters of ``chip``.

    Args:
        out: a folder that exists; the waveform and the log of a difference, or the log of a tool that
            failed, go there.
        progress: called with (cases done, cases in all, what is done now).
        hdl: a folder of Verilog sources that stand for ours of the same names.
        time_limit_s: of every single build and run.

    Raises:
        InputError: the fabric cannot be built for this chip, a tool is missing or fails, ``hdl`` holds an
            unknown file.
        LimitError: a design did not answer in time; its log stands in ``out``.
    """
    toolchain.require(*NEEDED[suite])
    work = Path(tempfile.mkdtemp(prefix="neurosim-verify-"))
    bench = Bench(suite, seed, work, _sources(hdl), time_limit_s)
    try:
        plan = _plan(chip, suite)
        lost: list[NotVerified] = []
        groups = list(_groups(plan, bench, lost))
        rows = _run(groups, bench, progress, out)
        return VerifyTable(
            chip.name, suite, seed, chip_digest(chip), DEMANDED, tuple(rows),
            (*_not_asked(plan, bench), *lost), _notes(groups, rows),
        )  # fmt: skip
    except NeurosimError as error:
        raise with_log(error, work, out if out is not None else toolchain.cache_folder() / "logs") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _run(groups: list[Group], bench: Bench, progress: Progress | None, out: Path | None) -> list[Verdict]:
    total, done = sum(len(group.cases) for group in groups), 0
    rows: list[Verdict] = []
    for group in groups:
        rows.append(run_group(group, bench, done, total, progress, out))
        done += len(group.cases)
        if not rows[-1].is_good:
            break
        for folder in bench.work.iterdir():  # logs of what was equal
            if folder.name.isdigit():
                shutil.rmtree(folder)
    return rows


def _plan(chip: Chip, suite: str) -> _Plan:
    small = [scale.shrink(chip, sizes[suite]) for sizes in (LOCKSTEP_TILES, TRAFFIC_TILES)]
    cores = scale.shrink(chip, CORE_TILES[suite], MOST_CORES[suite])
    header.header_text(small[1])  # refuses what no smaller mesh makes good
    tables = table_checks.hurt(small[1]) if chip.router.table_entries is not None else None
    return _Plan(chip, small[0], small[1], cores, tables, tuple(images.unsupported(cores)))


def _groups(plan: _Plan, bench: Bench, lost: list[NotVerified]) -> Iterator[Group]:
    """All rows of a suite, those of no use left out; what was found impossible goes to ``lost``."""
    chip, has_cores = plan.chip, not plan.refused
    yield fabric_checks.lint(plan.cores if has_cores else plan.traffic, bench, has_cores)
    yield from fabric_checks.units(plan.traffic, bench)
    if has_cores:
        yield core_checks.updates(chip, bench)
    yield fabric_checks.meshes(chip, plan.lockstep, bench)
    if chip.router.multicast_entries is not None:
        yield fabric_checks.meshes(chip, plan.lockstep, bench, with_trees=True)
    yield fabric_checks.traffic(chip, plan.traffic, bench)
    if plan.tables is not None:
        yield table_checks.traffic(chip, plan.traffic, plan.tables, bench)
    if has_cores:
        yield core_checks.barrier(chip, plan.cores, bench)
        yield core_checks.random_chips(chip, plan.cores, bench)
        if "ttfs" in chip.core.neuron_models:
            yield core_checks.once_chips(chip, plan.cores, bench)
        if chip.router.multicast_entries is not None:
            networks = tree_checks.networks(chip, plan.cores, bench)
            if networks is None:
                lost.append(NotVerified("multicast networks", tree_checks.why_not(plan.cores)))
            else:
                yield networks
        try:
            program = core_checks.demo_program(plan.cores, bench.work)
            yield core_checks.demo(chip, plan.cores, program, bench)
        except (DoesNotFitError, InputError) as error:
            lost.append(NotVerified("demo network", f"on {scale.size_text(plan.cores)}: {_misfit(error)}"))
    if bench.is_full:
        yield deadlock_pairs.deadlocks(chip, bench)
        if has_cores:
            yield core_deadlocks.core_deadlocks(chip, bench)
    if toolchain.missing("pyosys") is None:
        yield from fabric_checks.proofs(plan.traffic, bench, has_cores)


def _misfit(error: NeurosimError) -> str:
    """What the mapper lacked, and how much of it there is."""
    from mapper.infeasible import InfeasibleError

    if isinstance(error, InfeasibleError) and error.report.resource == "cores":
        limit = error.report.limit
        return f"{limit} core{'' if limit == 1 else 's'}, needed are {error.got}"
    return f"{error.what}: {error.got}" if error.got else error.what


def _not_asked(plan: _Plan, bench: Bench) -> tuple[NotVerified, ...]:
    """What this chip does not have, the suite leaves out or a tool is missing for."""
    chip, found = plan.chip, []
    found += [NotVerified("neuron_core, barrier, whole chip", reason) for reason in plan.refused]
    if chip.n_chips == 1:
        found.append(NotVerified("chip_link", "this system is one chip: it has no links between chips"))
    if plan.tables is None:
        found.append(NotVerified("routing tables", table_checks.why_not(plan.traffic)))
    if chip.router.multicast_entries is None:
        found.append(NotVerified("multicast", tree_checks.why_not(chip)))
    if chip.defects is not None and plan.traffic.defects is None:
        found.append(NotVerified("dead parts", "the smaller mesh that stands for this chip has none"))
    if "conv" in chip.core.synapse_formats:
        reason = "the Verilog core cannot compute kernel addresses"
        found.append(NotVerified("synapse format conv", reason))
    if not bench.is_full:
        found.append(NotVerified("deadlocks", "only in --suite full"))
    for tool, what in (("verilator", "lint by Verilator"), ("pyosys", "proofs")):
        missing = toolchain.missing(tool)
        if missing is not None:
            found.append(NotVerified(what, missing))
    return tuple(found)


def _notes(groups: list[Group], rows: list[Verdict]) -> tuple[str, ...]:
    left = groups[len(rows) :]
    if not left:
        return ()
    return ("not run after the first difference: " + ", ".join(f"{g.module} ({g.how})" for g in left),)


def _sources(hdl: Path | None) -> Mapping[str, str]:
    """Sources by file name in ``hdl``.

    Raises:
        InputError: no such folder, nothing in it, or a file that is none of ours.
    """
    if hdl is None:
        return {}
    files = sorted(hdl.glob("*.v")) if hdl.is_dir() else []
    if not files:
        raise InputError(
            "no Verilog sources there", code="rtl-hdl", where=str(hdl), expected="a folder with files *.v"
        )
    known = {path.name for path in toolchain.HDL.glob("*.v")}
    for path in files:
        if path.name not in known:
            raise InputError(
                f"the Verilog has no module '{path.stem}'", code="rtl-hdl", where=str(path),
                expected="a file with the name of one of ours, which it stands for",
                hint=did_you_mean(path.name, known),
            )  # fmt: skip
    return {path.name: path.read_text() for path in files}
