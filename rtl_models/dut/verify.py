"""``neurosim verify --dut``: builds a stranger's design, runs its cases, and makes the table of verdicts.

Reads an adapter file; builds and runs in a folder of the user's cache, which stays there if something went
wrong: every message names the log in it.  What belongs to a difference is also put into ``out``.
"""

from __future__ import annotations

import contextlib
import hashlib
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from neurosim.artefacts.program import CoreProgram
from neurosim.chip.models import Chip
from neurosim.errors import InputError, NeurosimError, did_you_mean
from rtl_models import toolchain
from rtl_models.dut.checks import Checked
from rtl_models.dut.compare import Comparison, Difference
from rtl_models.dut.core_model import CoreModel, declared_core, mapped_core
from rtl_models.dut.elaborate import Elaborated, elaborate, sources_of
from rtl_models.dut.images import expression
from rtl_models.dut.loading import Loaded, load_adapter
from rtl_models.dut.models import Model, own_model
from rtl_models.dut.plan import Plan, make_plan, passed_images
from rtl_models.dut.router_model import Place, RouterModel
from rtl_models.dut.run_log import RunLog
from rtl_models.dut.simulate import EVENTS, LOG, icarus_command, limit_error, run_plan
from rtl_models.dut.stimuli import make_stimuli
from rtl_models.keeping import names_a_log, with_log
from rtl_models.verdicts import DIFFERS, EQUAL, FirstDifference, Progress, Verdict, VerifyTable

SUITES = ("quick", "full")
FULL_TIMES = 4  # cases of the full suite per case of the adapter, with and without stalls
FULL_STALL = 0.3
BEFORE_CYCLES, AFTER_CYCLES = 24, 8  # of the waveform around a difference
SILENT = "no word came out, and none had to: other stimuli or parameters would say more"
VCD, ACCOUNT = "difference.vcd", "difference.txt"


@dataclass(frozen=True)
class Group:
    """Cases that differ in their seeds only: one row of the table."""

    cases: int
    stall: float
    first_seed: int


@dataclass(frozen=True)
class Subject:
    """What the design is held against, before a model is made for a case."""

    loaded: Loaded
    place: Place | None
    core: tuple[CoreProgram, Chip] | None

    def model(self, seed: int) -> tuple[Model, Mapping[str, Any]]:
        """A model for one case, and the tables by which the design is configured."""
        against = self.loaded.adapter.against
        model: Model
        if self.core is not None:
            model = CoreModel(self.loaded, *self.core)
        elif self.place is not None:
            assert against.router is not None
            model = RouterModel(self.loaded, against.router, self.place)
        else:
            assert against.own is not None
            model = own_model(self.loaded, against.own, seed)
        tables = getattr(model, "tables", None)
        return model, dict(tables()) if tables is not None else {}


@dataclass(frozen=True)
class Session:
    """A design, built, with what every case of it needs."""

    subject: Subject
    folder: Path
    design: Elaborated
    checked: Checked
    command: list[str]

    @property
    def loaded(self) -> Loaded:
        """The adapter."""
        return self.subject.loaded


def verify(
    adapter: Path, suite: str = "quick", out: Path | None = None, seed: int = 0,
    progress: Progress | None = None, time_limit_s: float | None = None,
) -> VerifyTable:  # fmt: skip
    """Check the design of the adapter file against its model.

    Args:
        suite: ``quick`` runs the adapter's cases, ``full`` four times as many, and as many again with stalls.
        out: folder for what belongs to a difference (account, waveform, both logs) or to an error (its log).
        seed: moves the seeds of all cases; 0 takes those of the adapter.
        progress: called with (cases done, cases, text).
        time_limit_s: of every run of the simulator, if it is less than the adapter's.

    Raises:
        InputError: a tool is missing, or a mistake in the adapter, the design, an image or the user's model;
            nothing came out in any case, so that nothing was compared.
        LimitError: the design does not answer, or a limit of the adapter was reached.
    """
    if suite not in SUITES:
        raise InputError(
            f"unknown suite '{suite}'", code="dut-suite", expected="one of " + ", ".join(SUITES),
            hint=did_you_mean(suite, SUITES),
        )  # fmt: skip
    toolchain.require("iverilog", "cocotb")
    loaded = _limited(load_adapter(adapter), time_limit_s)
    with _work_folder(loaded.adapter.name, out) as folder:
        rows, account = _run_all(loaded, folder, groups(loaded, suite, seed), out, seed, progress)
        if out is not None or all(row.is_good for row in rows):
            shutil.rmtree(folder)
    return VerifyTable(
        str(adapter), suite, seed, _digest(loaded), _demanded(loaded), tuple(rows), notes=account
    )


def _limited(loaded: Loaded, time_limit_s: float | None) -> Loaded:
    limits = loaded.adapter.limits
    if time_limit_s is None or time_limit_s >= limits.wall_seconds:
        return loaded
    shorter = limits.model_copy(update={"wall_seconds": time_limit_s})
    return replace(loaded, adapter=loaded.adapter.model_copy(update={"limits": shorter}))


@contextlib.contextmanager
def _work_folder(name: str, out: Path | None) -> Iterator[Path]:
    """A new folder in the user's cache; a log in it that an error names goes to ``out``, or stays with it."""
    base = toolchain.cache_folder() / "dut"
    base.mkdir(parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=f"{name}.", dir=base))
    stays = False
    try:
        yield folder
        stays = True  # the caller knows
    except NeurosimError as error:
        if out is None:
            stays = names_a_log(error, folder)
            raise
        raise with_log(error, folder, out, beside=(EVENTS,)) from error
    finally:
        if not stays:
            shutil.rmtree(folder, ignore_errors=True)


def _run_all(
    loaded: Loaded, folder: Path, chosen: list[Group], out: Path | None, seed: int, progress: Progress | None
) -> tuple[list[Verdict], tuple[str, ...]]:
    """The rows up to the first that differs, and the account of that."""
    start, rows = time.perf_counter(), []
    account: tuple[str, ...] = ()
    session = _built(loaded, folder, seed)
    done, total = 0, sum(group.cases for group in chosen)

    def say(number: int, text: str) -> None:
        if progress is not None:
            progress(number, total, text)

    for group in chosen:
        row, account = _run_group(session, group, out, say, done)
        rows.append(replace(row, time_s=time.perf_counter() - start))
        start = time.perf_counter()  # the first row has the build
        done += group.cases
        if not row.is_good:
            break
    say(done, "done")
    _something_came(loaded, rows)
    return rows, account


def _something_came(loaded: Loaded, rows: list[Verdict]) -> None:
    """Refuse to call a design equal of which no word was seen."""
    if any(row.packets for row in rows) or not all(row.is_good for row in rows):
        return
    raise loaded.error(
        ("stimuli",), "no word went in or came out: nothing was compared", "nothing",
        hint="raise stimuli.rate, stimuli.words or stimuli.steps",
    )  # fmt: skip


def groups(loaded: Loaded, suite: str, seed: int) -> list[Group]:
    """The rows of the table, before they are run."""
    given = loaded.adapter.stimuli
    first = given.seed + 1_000_003 * seed
    is_same = given.file is not None  # without stalls: the same events every time
    if suite == "quick":
        return [Group(1 if is_same and given.stall == 0 else given.cases, given.stall, first)]
    many = given.cases * FULL_TIMES
    smooth = Group(1 if is_same else many, 0.0, first)
    return [smooth, Group(many, given.stall or FULL_STALL, first + smooth.cases)]


def _subject(loaded: Loaded, seed: int) -> Subject:
    against = loaded.adapter.against
    core = place = None
    if against.neuron is not None:
        core = declared_core(loaded, against.neuron)
    elif against.program is not None:
        core = mapped_core(loaded, against.program, seed)
    elif against.router is not None:
        place = Place(loaded, against.router)
        if against.equality == "exact_cycle":
            _exact_protocols(loaded)
    return Subject(loaded, place, core)


def _built(loaded: Loaded, folder: Path, seed: int) -> Session:
    build = folder / "build"
    build.mkdir()
    subject = _subject(loaded, seed)
    _, tables = subject.model(loaded.adapter.stimuli.seed)
    settings = _settings(loaded, tables)
    design = elaborate(loaded, build, *settings)
    checked = Checked(loaded, design)
    command = icarus_command(design)
    if loaded.adapter.design.simulator == "verilator":
        from rtl_models.dut.verilated import verilator_command

        command = verilator_command(loaded, folder / "verilator", sources_of(loaded), *settings)
    return Session(subject, folder, design, checked, command)


def _exact_protocols(loaded: Loaded) -> None:
    for name, port in loaded.adapter.ports.items():
        if port.protocol not in ("valid_ready", "credit"):
            raise loaded.error(
                ("ports", name, "protocol"),
                f"'exact_cycle' under the router rules cannot judge '{port.protocol}'", "exact-protocol",
                expected="valid_ready or credit", hint="demand 'order', or write a model of your own",
            )  # fmt: skip


def _settings(loaded: Loaded, tables: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, str]]:
    """Defines and parameters of the design, those of image files among them."""
    design = loaded.adapter.design
    parameters = {}
    for name, text in design.parameters.items():
        is_text = text.startswith('"') and text.endswith('"')
        at = ("design", "parameters", name)
        parameters[name] = text if is_text else str(expression(loaded, at, text, tables))
    parameters |= passed_images(loaded, "parameter")
    return {**design.defines, **passed_images(loaded, "define")}, parameters


def _run_group(
    session: Session, group: Group, out: Path | None, say: Callable[[int, str], None], done: int
) -> tuple[Verdict, tuple[str, ...]]:
    """All cases of a group, up to the first that differs; its row and the account of the difference."""
    adapter = session.loaded.adapter
    cycles = words = n_out = 0
    row = Verdict(adapter.design.top, _how(session.loaded, group), 0, 0, 0, 0, 0.0, EQUAL)
    for number in range(group.cases):
        seed = group.first_seed + number
        say(done + number, f"seed {seed}")
        folder = session.folder / f"seed{seed}"
        plan, log, difference = _run_case(session, group, seed, folder)
        cycles += log.end_cycle
        words += sum(1 for _ in log.of("taken", "got"))
        n_out += sum(1 for _ in log.of("got"))
        row = replace(row, cases=number + 1, cycles=cycles, packets=words)
        if difference is not None:
            return _differs(session, row, f"seed {seed}", difference, log, plan, folder, out)
    return (row if n_out else replace(row, note=SILENT)), ()


def _run_case(
    session: Session, group: Group, seed: int, folder: Path
) -> tuple[Plan, RunLog, Difference | None]:
    model, tables = session.subject.model(seed)
    place = session.subject.place
    stimuli = make_stimuli(session.loaded, seed, place, tables)
    plan = make_plan(session.loaded, session.checked, stimuli, tables, seed)
    plan.job["stall"] = group.stall
    log = run_plan(session.loaded, session.command, plan, folder)
    n_steps = 1 if stimuli.steps is None else len(stimuli.steps)
    difference = Comparison(session.loaded, model, log, place, n_steps).first()
    unfinished = limit_error(session.loaded, log, folder / LOG)
    if difference is None and unfinished is not None:
        raise unfinished
    return plan, log, difference


def _differs(
    session: Session, row: Verdict, case: str, difference: Difference, log: RunLog, plan: Plan, folder: Path,
    out: Path | None,
) -> tuple[Verdict, tuple[str, ...]]:  # fmt: skip
    """The row of a case that differs; its waveform and account are written."""
    first = FirstDifference(
        case, difference.cycle, difference.port, difference.what, difference.expected, difference.got,
        n_different=difference.n_different,
    )  # fmt: skip
    again = session.folder / "waveform"
    again.mkdir()
    write_waveform(session, plan, log, difference.cycle, again)
    (again / ACCOUNT).write_text("\n".join([str(first), *difference.around, ""]))
    for name in (LOG, EVENTS):
        shutil.copy(folder / name, again / name)
    kept = again
    if out is not None:
        out.mkdir(parents=True, exist_ok=True)
        for name in (VCD, ACCOUNT, LOG, EVENTS):
            if (again / name).is_file():
                shutil.copy(again / name, out / name)
        kept = out
    vcd = kept / VCD if (kept / VCD).is_file() else None
    return replace(
        row, differences=difference.n_different or 1, verdict=DIFFERS, first=first, vcd=vcd, log=kept / LOG
    ), _notes(session, log, difference)


def write_waveform(session: Session, plan: Plan, log: RunLog, cycle: int, folder: Path) -> None:
    """Run the case once more, under Icarus and up to the difference, and dump the cycles around it."""
    from_ps = max(0, log.time0_ps + (cycle - BEFORE_CYCLES) * log.period_ps)
    plan.job["stop_cycle"] = cycle + AFTER_CYCLES
    options = [f"+neurosim_vcd={VCD}", f"+neurosim_from={from_ps}"]
    run_plan(session.loaded, icarus_command(session.design), plan, folder, options)


def _notes(session: Session, log: RunLog, difference: Difference) -> tuple[str, ...]:
    """What the reader should know besides the first difference."""
    around = difference.around
    unfinished = limit_error(session.loaded, log, Path(LOG))
    return around if unfinished is None else (*around, f"the run did not end: {unfinished.what}")


def _how(loaded: Loaded, group: Group) -> str:
    name = {"icarus": "Icarus", "verilator": "Verilator"}[loaded.adapter.design.simulator]
    stalls = f", stalls {group.stall:g}" if group.stall else ""
    return f"{loaded.adapter.against.equality}, {name}{stalls}"


def _demanded(loaded: Loaded) -> str:
    against, kind = loaded.adapter.against, loaded.adapter.kind
    model = "the user's model"
    if against.neuron is not None:
        model = f"the neuron rules ({against.neuron.model}, reset {against.neuron.reset})"
    elif against.program is not None:
        model = f"core {against.program.core} of the mapped network"
    elif against.router is not None:
        model = f"the router rules at ({against.router.x}, {against.router.y})"
    per_step = " in each step" if loaded.adapter.step is not None and kind == "core" else ""
    what = {
        "order": f"the same words on each port{per_step}, in the same order",
        "per_step_set": f"the same words on each port{per_step}, in any order",
        "exact_cycle": "every word in the same cycle",
    }[against.equality]
    if against.equality == "order" and against.router is not None:
        what = "each word by the right port, words of one input port in their order"
    return f"{what}, as {model}"


def _digest(loaded: Loaded) -> str:
    """Names the adapter and its sources: 64 hex digits."""
    parts = [loaded.path.read_bytes(), *(path.read_bytes() for path in sources_of(loaded))]
    return hashlib.sha256(b"\0".join(parts)).hexdigest()
