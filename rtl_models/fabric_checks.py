"""What ``verify`` asks of the fabric: lint, units in lock-step, meshes, raw traffic, links, proofs.

Each function reads a chip and gives a :class:`~rtl_models.cases.Group`; sizes are those of a suite.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from neurosim.chip.defects import dead_parts
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions, Traffic
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.errors import MismatchError, NeurosimError
from neurosim.fabric.topology import Fabric, build_fabric
from neurosim.fabric.walks import arrives
from neurosim.rtl.flits import bits_for, flit_layout
from neurosim.rtl.header import header_text, macros
from neurosim.rtl.images import chip_header_text
from rtl_models import formal, toolchain, waves
from rtl_models.cases import Bench, Case, Group, Outcome
from rtl_models.cosim import lockstep, run_bench
from rtl_models.random_trees import tree_traffic
from rtl_models.scale import size_note, size_text
from rtl_models.traffic import first_difference, run_traffic
from rtl_models.verdicts import CLEAN, PROVEN, REFUTED, WARNS, FirstDifference

MAX_CYCLES = 10**6
DIFFERENCE = re.compile(r"Difference in cycle (\d+): (?:(router \d+)(?: |:))?(.*): expected (.*), got (.*)")
LOADS = {"quick": (0.05, 0.2, 0.5), "full": (0.05, 0.1, 0.2, 0.25, 0.4, 0.6, 0.9)}
PACKETS = {"quick": 1200, "full": 10_000}  # per load
LOCKSTEP_CYCLES = {"quick": 20, "full": 60}  # in which packets are sent
PROOF_SIZES: dict[str, tuple[dict[str, int], ...]] = {
    "fifo_props": ({"DEPTH": 1}, {"DEPTH": 3}, {"DEPTH": 4}), "arbiter_props": ({"N": 5}, {"N": 8}),
    "credit_props": ({"DEPTH": 3, "DELAY": 4},),
}  # fmt: skip
CONSTANT_CLOCKS = [  # period and phase in ps, of sender and receiver
    ((600 * send, 0), (600 * receive, phase))
    for send, receive in ((1, 1), (1, 2), (1, 3), (2, 1), (3, 1), (4, 1)) for phase in (0, 300)
]  # fmt: skip
WANDERING_CLOCKS = [((1000, 0), (1618, 7)), ((1001, 3), (1000, 0)), ((2718, 0), (999, 500))]
UNIT_CYCLES = {"quick": 400, "full": 4000}


def lint(chip: Chip, bench: Bench, with_cores: bool) -> Group:
    """All warnings of Icarus, and of Verilator if it is there, on the whole design."""
    header = chip_header_text(chip) if with_cores else header_text(chip)
    tops = ("neuro_chip" if with_cores else "neuro_mesh", "gals_link")
    tools = [tool for tool in ("iverilog", "verilator") if toolchain.missing(tool) is None]

    def run(tool: str, top: str) -> Callable[[Path], Outcome]:
        sources = toolchain.hdl_sources(toolchain.with_parts(top))
        design = toolchain.Design(top, sources, header, replace=bench.replace)
        return lambda folder: _lint(tool, design, folder, bench.seconds)

    cases = tuple(Case(f"{top} by {tool}", run(tool, top)) for top in tops for tool in tools)
    return Group("all modules", "lint", cases, "by " + " and ".join(tools), good=CLEAN, bad=WARNS)


def _lint(tool: str, design: toolchain.Design, folder: Path, seconds: float) -> Outcome:
    said = toolchain.lint(tool, design, folder, seconds)
    if not said:
        return Outcome()
    log = folder / f"lint_{tool}.log"
    log.write_text(said)
    line = next((line for line in said.splitlines() if line.strip()), "")
    first = FirstDifference(f"{design.top} by {tool}", -1, design.top, "warnings", "none", line)
    return Outcome(first=first, n_different=1, log=log)


def units(chip: Chip, bench: Bench) -> list[Group]:
    """FIFO, arbiter, credits, link and FIFO between clocks against their models, with the chip's sizes."""
    router, depth = chip.router, chip.router.buffer_flits
    fabric, fixed = build_fabric(chip), int(chip.router.arbiter == "fixed_priority")
    returns = bits_for(chip.packet.flits + 1)
    depths = (depth, chip.core.rx_flits, *((1, 2, 5) if bench.is_full else ()))
    sizes = [n for n in dict.fromkeys((fabric.n_ports, router.virtual_channels)) if n > 1]
    found = {
        "sync_fifo": [{"WIDTH": 8, "DEPTH": d, "COUNT_BITS": d.bit_length()} for d in dict.fromkeys(depths)],
        "rr_arbiter": [{"N": n, "INDEX_BITS": bits_for(n), "FIXED": fixed} for n in sizes],
        "credit_counter": [
            {"INITIAL": d, "COUNT_BITS": d.bit_length(), "RETURN_BITS": min(returns, d.bit_length())}
            for d in dict.fromkeys((depth, chip.core.rx_flits))
        ],
        "chip_link": _links(fabric),
    }  # fmt: skip
    groups = [
        _unit(chip, bench, unit, [(parameters, {}) for parameters in all_of])
        for unit, all_of in found.items() if all_of
    ]  # fmt: skip
    ratios = ((1, 1), (3, 1), (2, 5), *(((1, 4), (7, 3), (5, 5)) if bench.is_full else ()))
    clocks = [
        ({"WIDTH": 8, "ADDRESS_BITS": 2 + k % 2}, {"write_period": w, "read_period": r})
        for k, (w, r) in enumerate(ratios)
    ]
    groups.append(_unit(chip, bench, "async_fifo", clocks))
    return [*groups, _two_clocks(chip, bench)] if chip.link else groups


def _links(fabric: Fabric) -> list[dict[str, int]]:
    """Parameters of ``chip_link`` as ``neuro_mesh`` gives them, one per distinct link between chips."""
    chip, found = fabric.chip, set()
    if chip.link is None:
        return []
    for router, port in zip(*np.nonzero(fabric.crosses), strict=True):
        delay, credit = int(fabric.latency[router, port]), int(fabric.credit_latency[router, port])
        found.add((max(1, delay - 1), chip.link.cycles_per_flit, max(0, credit - 1)))
    width, vcs = flit_layout(chip).bits, chip.router.virtual_channels
    names = ("DELAY", "CYCLES_PER_FLIT", "CREDIT_DELAY")
    base = {"FLIT_BITS": width, "VC_BITS": bits_for(vcs), "CREDITS": vcs}
    return [{**base, **dict(zip(names, times, strict=True))} for times in sorted(found)]


def _unit(
    chip: Chip, bench: Bench, unit: str, all_of: list[tuple[dict[str, int], dict[str, int]]]
) -> Group:
    sources = toolchain.hdl_sources(toolchain.with_parts(unit))
    design = toolchain.Design(unit, sources, header_text(chip), replace=bench.replace)
    cycles = UNIT_CYCLES[bench.suite]

    def run(parameters: Mapping[str, int], more: Mapping[str, int], seed: int) -> Callable[[Path], Outcome]:
        job = {"unit": unit, "parameters": parameters, "cycles": cycles, "seed": seed, **more}
        name = ", ".join(f"{k} {v}" for k, v in {**parameters, **more}.items())

        def check(folder: Path) -> Outcome:
            try:
                run_bench(design, "units_lockstep", job, folder, parameters, seconds=bench.seconds)
            except MismatchError as error:
                seen = _differs(error, name, unit, folder)
                return dataclasses.replace(seen, wave=lambda place: wave(seen, place))
            return Outcome(cycles)

        def wave(seen: Outcome, place: Path) -> Path | None:
            cycle = 0 if seen.first is None else seen.first.cycle
            with contextlib.suppress(NeurosimError):  # the difference that is looked at
                run_bench(
                    design, "units_lockstep", job, place, parameters, seconds=bench.seconds, wave_cycle=cycle
                )
            return waves.found(place)

        return check

    cases = [
        Case(f"parameters {number + 1}", run(parameters, more, bench.seed + number))
        for number, (parameters, more) in enumerate(all_of)
    ]
    return Group(unit, "lock-step", tuple(cases))


def _two_clocks(chip: Chip, bench: Bench) -> Group:
    """The link between two clocks, as ``chip`` has it: every cycle at constant clocks, order at any."""
    header = macros(chip)
    names = {"CYCLES_PER_FLIT": "LINK_CYCLES_PER_FLIT", "CREDITS": "ROUTER_VIRTUAL_CHANNELS",
             "DELAY": "GALS_DELAY_EAST_WEST", "ADDRESS_BITS": "GALS_FIFO_ADDRESS_BITS"}  # fmt: skip
    names |= {name: f"GALS_{name}" for name in ("STAGES", "CREDIT_DELAY", "CREDIT_BITS")}
    names |= {name: name for name in ("FLIT_BITS", "VC_BITS")}
    parameters = {name: int(header[macro]) for name, macro in names.items()}
    sources = toolchain.hdl_sources(toolchain.with_parts("gals_link"))
    skewed = {"synchroniser.v": (toolchain.BENCH / "skewed_synchroniser.v").read_text()}

    def run(name: str, exact: bool, clocks: object, more: Mapping[str, str]) -> Callable[[Path], Outcome]:
        replace = {**more, **bench.replace}
        design = toolchain.Design("gals_link", sources, header_text(chip), replace=replace)
        job = {"parameters": parameters, "depth": chip.router.buffer_flits, "exact": exact, "clocks": clocks,
               "flits": UNIT_CYCLES[bench.suite] // 10, "seed": bench.seed}  # fmt: skip

        def check(folder: Path) -> Outcome:
            try:
                result = folder / "result.json"
                files = {"result": str(result)}
                run_bench(design, "gals_lockstep", job | files, folder, parameters, seconds=bench.seconds)
            except MismatchError as error:
                return _differs(error, name, "gals_link", folder)
            found = json.loads(result.read_text())
            return Outcome(found["cycles"], found["packets"])

        return check

    cases = [
        Case(name, run(name, exact, clocks, more))
        for name, exact, clocks, more in (
            ("constant clocks", True, CONSTANT_CLOCKS, {}),
            ("clocks that wander", False, WANDERING_CLOCKS, skewed),
        )
    ]
    return Group("gals_link", "lock-step", tuple(cases))


def _differs(error: MismatchError, case: str, component: str, folder: Path) -> Outcome:
    """What a bench in lock-step said."""
    found = DIFFERENCE.search(error.got or "")
    if found is None:
        first = FirstDifference(case, -1, component, "the bench", "an end", error.got or "nothing")
    else:
        cycle, router, field, expected, got = found.groups()
        first = FirstDifference(case, int(cycle), router or component, field, expected, got)
    return Outcome(first=first, n_different=1, log=folder / "run.log")


def meshes(chip: Chip, small: Chip, bench: Bench, with_trees: bool = False) -> Group:
    """Every register of every router in every cycle, on ``small``; ``with_trees``: also multicast packets."""
    fabric = build_fabric(small)
    loads = (0.5,) if not bench.is_full else (0.1, 0.5, 0.9)

    def run(load: float, seed: int) -> Callable[[Path], Outcome]:
        traffic, trees = uniform(fabric, load, LOCKSTEP_CYCLES[bench.suite], seed), None
        if with_trees:
            traffic, trees = tree_traffic(fabric, traffic, seed)
        case = f"{size_text(small)}, load {load:g}, seed {seed}"

        def check(folder: Path) -> Outcome:
            try:
                found = lockstep(
                    small, traffic, MAX_CYCLES, folder, bench.replace, seconds=bench.seconds, trees=trees
                )
            except MismatchError as error:
                seen = _differs(error, case, "neuro_mesh", folder)
                cycle = seen.first.cycle if seen.first is not None else 0
                return Outcome(
                    first=seen.first, n_different=1, log=seen.log,
                    wave=lambda place: waves.of_lockstep(
                        small, traffic, cycle, place, bench.replace, bench.seconds, trees
                    ),
                )  # fmt: skip
            return Outcome(found["cycles"], found["packets"])

        return check

    cases = tuple(Case(f"load {load:g}", run(load, bench.seed + k)) for k, load in enumerate(loads))
    how = "all registers, multicast" if with_trees else "all registers"
    return Group("neuro_mesh", how, cases, size_note(chip, small))


def traffic(
    chip: Chip, small: Chip, bench: Bench, how: str = "traffic", note: str | None = None
) -> Group:
    """The arrival cycle of every packet under uniform traffic, on ``small``, against the compiled engine."""
    fabric = build_fabric(small)
    simulator = "verilator" if bench.is_full else "icarus"

    def run(load: float, seed: int) -> Callable[[Path], Outcome]:
        cycles = max(20, int(PACKETS[bench.suite] / (fabric.n_cores * load)))
        packets = uniform(fabric, load, cycles, seed)
        case = f"{size_text(small)}, load {load:g}, seed {seed}"
        return lambda folder: _traffic(small, packets, case, simulator, bench, folder)

    cases = tuple(
        Case(f"load {load:g}", run(load, bench.seed + k)) for k, load in enumerate(LOADS[bench.suite])
    )
    module = "neuro_mesh" + (", chip_link" if small.n_chips > 1 else "")
    return Group(module, how, cases, size_note(chip, small) if note is None else note)


def _traffic(
    chip: Chip, traffic: Traffic, case: str, simulator: str, bench: Bench, folder: Path
) -> Outcome:
    expected = CompiledEngine().run_traffic(chip, traffic, MAX_CYCLES, RunOptions())
    last = expected.end_cycle
    try:
        got = run_traffic(
            chip, traffic, 2 * last + 1000, simulator, replace=bench.replace, folder=folder,
            seconds=bench.seconds,
        )  # fmt: skip
    except MismatchError as error:
        first = FirstDifference(case, -1, "neuro_mesh", error.what, error.expected or "", error.got or "")
        return Outcome(first=first, n_different=1, log=folder / "events.log")
    found = first_difference(expected.arrive, got.arrive)
    if found is None:
        return Outcome(last, len(traffic.cycle))
    cycle = min(when for when in (found.expected, found.got) if when >= 0)
    first = _arrival(case, traffic, found.packet, cycle, found.expected, found.got, found.n_different)
    return Outcome(
        last, len(traffic.cycle), first, found.n_different,
        lambda place: waves.of_traffic(chip, traffic, cycle, place, bench.replace, bench.seconds),
        folder / "events.log",
    )  # fmt: skip


def _arrival(
    case: str, traffic: Traffic, packet: int, cycle: int, expected: int, got: int, n_different: int
) -> FirstDifference:
    source, target = int(traffic.source[packet]), int(traffic.target[packet])
    field = f"arrival of packet {packet} of core {source}, sent in cycle {int(traffic.cycle[packet])}"
    when = [f"cycle {at}" if at >= 0 else "never" for at in (expected, got)]
    return FirstDifference(case, cycle, f"core {target}", field, when[0], when[1], n_different=n_different)


def uniform(fabric: Fabric, load: float, cycles: int, seed: int) -> Traffic:
    """Bernoulli injection per core and cycle, to where a way leads, by tables if routers have any."""
    rng = np.random.default_rng(seed)
    cycle, source = np.nonzero(rng.random((cycles, fabric.n_cores)) < load)
    target = rng.integers(0, fabric.n_cores, len(cycle))
    table = None
    if fabric.chip.defects is not None:
        from mapper.route.exceptions import find_exceptions

        part = np.repeat(_parts(fabric), fabric.chip.mesh.cores_per_tile)
        joined = (part[source] == part[target]) & (part[source] >= 0)
        cycle, source, target = cycle[joined], source[joined], target[joined]
        pairs = np.divmod(np.unique(source * fabric.n_cores + target), fabric.n_cores)
        table = find_exceptions(fabric, *pairs).table
        home = arrives(dataclasses.replace(fabric, table=table), source, target)
        cycle, source, target = cycle[home], source[home], target[home]
    return Traffic(cycle.astype(np.int64) + 1, source.astype(np.int64), target.astype(np.int64), table)


def _parts(fabric: Fabric) -> NDArray[np.int64]:
    """(routers,): numbers of the parts into which dead links have cut the mesh, -1 for dead routers."""
    part = np.full(fabric.n_routers, -1, np.int64)
    dead = dead_parts(fabric.chip)
    for first in range(fabric.n_routers) if dead is None else np.flatnonzero(~dead.router).tolist():
        ahead = [first] if part[first] < 0 else []
        while ahead:
            router = ahead.pop()
            part[router] = first
            ahead += [int(tile) for tile in fabric.target[router] if tile >= 0 and part[tile] < 0]
    return part


def proofs(chip: Chip, bench: Bench, with_cores: bool) -> list[Group]:
    """Properties by induction, a row for each; those of cores with the chip's numbers."""
    replace = {Path(name).stem: text for name, text in bench.replace.items()}

    def run(name: str, parameters: dict[str, int]) -> Callable[[Path], Outcome]:
        def check(folder: Path) -> Outcome:
            proof = formal.prove(name, replace, parameters, chip=chip if with_cores else None)
            if proof.proven:
                return Outcome()
            folder.mkdir(parents=True)
            log = folder / f"{name}.log"
            log.write_text(proof.trace)
            words = f"a run that breaks it, see {log.name}"
            case = _sized(name, parameters)
            first = FirstDifference(
                case, -1, name, formal.CLAIMS[name], "proven", words, n_different=1
            )
            return Outcome(first=first, n_different=1, log=log)

        return check

    groups = []
    proven = Counter(modules[0] for modules in formal.PROPERTIES.values())
    for name, modules in formal.PROPERTIES.items():
        if name in formal.MULTICAST and chip.router.multicast_entries is None:
            continue
        sizes = PROOF_SIZES.get(name, ({},))
        cases = tuple(Case(_sized(name, parameters), run(name, parameters)) for parameters in sizes)
        note = formal.CLAIMS[name]
        how = "induction" + (f" of {name}" if proven[modules[0]] > 1 else "")
        groups.append(Group(modules[0], how, cases, note, good=PROVEN, bad=REFUTED))
    return groups


def _sized(name: str, parameters: Mapping[str, int]) -> str:
    return " ".join([name, *(f"{k}={v}" for k, v in parameters.items())])
