"""Checks a Program: neurons, tables, capacities, times; and that it computes what the network computes.

The proof of the synapses: random integers are sent from every source neuron through the program's own
tables and blocks, and each target's sum is compared with the network's ``apply`` (plain NumPy).  A
synapse that is missing, doubled, or has a wrong weight changes a sum unless the random values happen to
cancel, with probability below 2**-60 over all vectors (Schwartz-Zippel).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mapper.check.counting import shorten
from mapper.check.memory import check_memory
from mapper.check.placement import can_reach
from mapper.check.synapses import block_sums, exactly, whole
from mapper.check.table import check_table
from mapper.check.trees import alone, check_trees, name_of
from neurosim.artefacts.mapping import HOST, Routes
from neurosim.artefacts.program import (
    CoreProgram,
    NeuronGroup,
    Program,
    TargetTable,
    program_flows,
    tree_sends,
)
from neurosim.chip.dump import chip_digest, dump_chip
from neurosim.chip.models import Chip
from neurosim.fabric.cdg import check_certificate
from neurosim.fabric.topology import build_fabric
from neurosim.network.connections import Connection, Conv, Dense, Diagonal
from neurosim.network.model import IntNeuron, Network
from neurosim.network.schedule import schedule
from neurosim.rules.neuron import MODEL_NAMES, RESET_NAMES
from neurosim.store import digest

IntArray = NDArray[np.int64]
VECTORS = 3
LARGEST = 1 << 21  # random values below this: three vectors miss a fault with probability 2**-63
PARAMETERS = ("keep", "current_keep", "bias", "threshold", "reset_amount", "v_floor", "v_initial")


def check_program(
    program: Program, network: Network, chip: Chip, routes: Routes | None = None
) -> list[str]:
    """Problems of ``program`` as an image of ``network`` (as mapped) for ``chip``."""
    problems = _check_header(program, network, chip)
    problems += _check_neurons(program, network)
    problems += check_memory(program, chip)
    trees = check_trees(program, chip)
    if trees:
        return problems + trees + _check_times(program, network)
    if program.trees is not None:
        problems += _check_order(program)
    single = alone(program)
    tables = _check_tables(single, network, chip)
    problems += tables
    problems += _check_times(program, network)
    if routes is not None:
        problems += _check_flows(single, routes) or _check_certificate(program, chip, routes)
    return problems if tables else problems + _check_sums(single, network)


def _check_header(program: Program, network: Network, chip: Chip) -> list[str]:
    problems = []
    if program.chip_digest != chip_digest(chip) or program.chip_yaml != dump_chip(chip):
        problems.append("the program was made for another chip")
    if program.network_digest != digest(network):
        problems.append("the program was made for another network")
    if program.weight_bits != network.weight_bits:
        problems.append(f"weights of {program.weight_bits} bits, the network has {network.weight_bits}")
    if program.inputs != tuple((p.name, p.n) for p in network.inputs):
        problems.append(f"inputs {program.inputs} are not the network's")
    start = schedule(network).start_step
    outputs = tuple((name, network.population(name).n, start[name]) for name in network.outputs)
    if program.outputs != outputs:
        problems.append(f"outputs {program.outputs} are not the network's {outputs}")
    if program.readout != tuple(_readout(network, name) for name in network.outputs):
        problems.append(f"readout {program.readout} does not suit the outputs' reset")
    if program.depth != max(start.values()):
        problems.append(f"depth {program.depth}, the network needs {max(start.values())}")
    return problems


def _readout(network: Network, name: str) -> str:
    neuron = network.population(name).neuron
    return "membrane" if isinstance(neuron, IntNeuron) and neuron.reset == "none" else "spikes"


def _check_neurons(program: Program, network: Network) -> list[str]:
    problems = []
    times = {p.name: np.zeros(p.n, np.int64) for p in network.populations if not p.is_input}
    for core in program.cores:
        first = 0
        for number, group in enumerate(core.groups):
            where = f"core {core.core} group {number}"
            if group.population not in times:
                problems.append(f"{where} holds '{group.population}', which is no layer")
                continue
            if group.first != first:
                problems.append(f"{where} starts at neuron {group.first}, must be {first}")
            first += group.n
            np.add.at(times[group.population], group.neurons, 1)
            problems += _check_group(where, group, network)
    for name, count in times.items():
        for neuron in np.flatnonzero(count != 1).tolist():
            problems.append(f"neuron {neuron} of '{name}' is held {count[neuron]} times, must be once")
    return shorten(problems)


def _check_group(where: str, group: NeuronGroup, network: Network) -> list[str]:
    population = network.population(group.population)
    neuron = population.neuron
    if not isinstance(neuron, IntNeuron):
        return [f"{where}: '{group.population}' is not quantised"]
    problems = []
    if MODEL_NAMES[group.model] != neuron.model or RESET_NAMES[group.reset] != neuron.reset:
        problems.append(f"{where} has another neuron model or reset than '{group.population}'")
    if group.input_shift != neuron.input_shift:
        problems.append(f"{where} has input_shift {group.input_shift}, must be {neuron.input_shift}")
    pairs = {name: (getattr(group, name), getattr(neuron, name)) for name in PARAMETERS}
    own, ramp = group.ramp, neuron.ramp
    if own is not None and ramp is not None:
        pairs |= {"ramp": (own.per_step, ramp.per_step), "ramp floor": (own.floor, ramp.floor)}
        if (own.input_steps, own.silent_steps) != (ramp.input_steps, ramp.silent_steps):
            problems.append(f"{where} has wrong input or silent steps")
    elif own is not ramp:
        problems.append(f"{where} has {'no' if own is None else 'a'} ramp, unlike '{group.population}'")
    for name, (got, values) in pairs.items():
        wanted = np.asarray(values)
        wanted = wanted.reshape(-1) if wanted.ndim and wanted.size == population.n else wanted
        wanted = np.broadcast_to(wanted, (population.n,))[group.neurons]
        if not np.array_equal(got, wanted):
            problems.append(f"{where} has a wrong {name}")
    return problems


def _check_tables(program: Program, network: Network, chip: Chip) -> list[str]:
    problems = []
    cores = {c.core: c for c in program.cores}
    if len(cores) != len(program.cores):
        problems.append("a core is listed twice")
    problems += _check_table(HOST, program.host, sum(n for _, n in program.inputs), cores, chip)
    for core in program.cores:
        problems += _check_table(core.core, core.targets, core.n_neurons, cores, chip)
        problems += _check_axon_ranges(core)
    if problems:
        return shorten(problems)
    return _check_host_entries(program, network)


def _check_table(
    source: int, table: TargetTable, n: int, cores: dict[int, CoreProgram], chip: Chip
) -> list[str]:
    name = name_of(source)
    if table.pointer.shape != (n + 1,) or table.pointer[0] != 0 or (np.diff(table.pointer) < 0).any():
        return [f"the target table of {name} has no legal pointers for {n} neurons"]
    if table.core.shape != table.axon.shape or table.core.shape != (int(table.pointer[-1]),):
        return [f"the target table of {name} has {len(table.core)} entries, must be {int(table.pointer[-1])}"]
    problems = []
    for target in np.unique(table.core).tolist():
        axons = table.axon[table.core == target]
        if target == HOST:
            continue
        if target not in cores:
            problems.append(f"{name} sends to core {target}, which holds nothing")
        elif axons.min() < 0 or axons.max() >= cores[target].n_axons:
            problems.append(f"{name} sends to axon {axons.max()} of core {target}, which does not exist")
        if not problems and not can_reach(chip, source, target):
            problems.append(f"{name} cannot address core {target}: it is out of reach")
    neuron = np.repeat(np.arange(n), np.diff(table.pointer))
    rows = np.stack([neuron, table.core, table.axon])
    if not _ascends(rows):
        problems.append(f"entries of {name} are not in the order core, axon")
        rows = rows[:, np.lexsort(rows[::-1])]
    if (rows[:, 1:] == rows[:, :-1]).all(axis=0).any():
        problems.append(f"a neuron of {name} has the same entry twice")
    return problems


def _ascends(rows: IntArray) -> bool:
    """Whether the columns are in lexical order of their rows; equal ones may follow each other."""
    step = np.diff(rows, axis=1)
    falls, equal = np.zeros(step.shape[1], np.bool_), np.ones(step.shape[1], np.bool_)
    for row in step:
        falls |= equal & (row < 0)
        equal &= row == 0
    return not falls.any()


def _check_order(program: Program) -> list[str]:
    """Whether entries that trees are still among stand in the order of sending: trees first, then cores."""
    problems = []
    for source, table in [(HOST, program.host), *((image.core, image.targets) for image in program.cores)]:
        neuron = np.repeat(np.arange(len(table.pointer) - 1), np.diff(table.pointer))
        if len(neuron) == len(table.core) and not _ascends(np.stack([neuron, table.core, table.axon])):
            problems.append(f"entries of {name_of(source)} are not in the order tree, core, axon")
    return shorten(problems)


def _check_certificate(program: Program, chip: Chip, routes: Routes) -> list[str]:
    """Whether what the trees' packets wait for is covered by the proof for the flows."""
    if program.trees is None or routes.verdict != "free":
        return []
    if check_table(routes.table, chip, routes.source, routes.target):
        return []  # no proof; check_routes says why
    fabric = replace(build_fabric(chip, table=program.table), trees=program.trees)
    order, sends = routes.order.tolist(), tree_sends(program)
    if check_certificate(fabric, *program_flows(program), order):
        return []  # it is not for the single flows either; check_routes says why
    wrong = check_certificate(fabric, *program_flows(program), order, sends)
    return [f"the proof against deadlock is not for the trees: {text}" for text in dict.fromkeys(wrong)]


def _check_axon_ranges(core: CoreProgram) -> list[str]:
    first, problems = 0, []
    for number, block in enumerate(core.blocks):
        if block.first_axon != first:
            problems.append(f"core {core.core} block {number} starts at axon {block.first_axon}, not {first}")
        if not 0 <= block.group < len(core.groups):
            problems.append(f"core {core.core} block {number} belongs to no group")
        first += block.n_axons
    return problems


def _check_host_entries(program: Program, network: Network) -> list[str]:
    """Each neuron of a spiking output has one entry to the host, with its own number; nobody else has."""
    wanted: dict[str, int] = {}
    axon = 0
    for (name, n, _), readout in zip(program.outputs, program.readout, strict=True):
        if readout == "spikes":
            wanted[name] = axon
        axon += n
    problems = []
    if (program.host.core == HOST).any():
        problems.append("the host sends to itself")
    for core in program.cores:
        if not (core.targets.core == HOST).any() and not any(g.population in wanted for g in core.groups):
            continue
        for name, neuron, entries in _entries(core):
            to_host = entries[entries[:, 0] == HOST, 1].tolist()
            must = [wanted[name] + neuron] if name in wanted else []
            if to_host != must:
                problems.append(f"neuron {neuron} of '{name}' sends to host axons {to_host}, must be {must}")
    return shorten(problems)


def _entries(core: CoreProgram) -> list[tuple[str, int, IntArray]]:
    """(population, neuron, entries (k, 2)) of every neuron of a core."""
    out = []
    both = np.stack([core.targets.core, core.targets.axon], axis=1)
    for group in core.groups:
        for k, neuron in enumerate(group.neurons.tolist()):
            low, high = core.targets.pointer[group.first + k : group.first + k + 2]
            out.append((group.population, neuron, both[low:high]))
    return out


def _check_times(program: Program, network: Network) -> list[str]:
    times = schedule(network)
    problems = []
    for core in program.cores:
        for group in core.groups:
            start = times.start_step.get(group.population)
            if start is not None and group.start_step != start:
                problems.append(
                    f"'{group.population}' on core {core.core} starts in step {group.start_step}, not {start}"
                )
        for number, block in enumerate(core.blocks):
            delay = times.hardware_delay.get(block.projection)
            if delay is None:
                problems.append(f"core {core.core} block {number}: no projection '{block.projection}'")
            elif block.delay_steps != delay:
                problems.append(
                    f"'{block.projection}' on core {core.core} takes {block.delay_steps} steps, not {delay}"
                )
    return shorten(problems)


def _check_flows(program: Program, routes: Routes) -> list[str]:
    used = {(HOST, int(t)) for t in np.unique(program.host.core)}
    for core in program.cores:
        used |= {(core.core, int(t)) for t in np.unique(core.targets.core)}
    listed = set(zip(routes.source.tolist(), routes.target.tolist(), strict=True))
    problems = [f"packets from core {a} to core {b} have no route" for a, b in sorted(used - listed)]
    problems += [f"a route from core {a} to core {b} that no table uses" for a, b in sorted(listed - used)]
    if digest((program.table,)) != digest((routes.table,)):
        problems.append("the routing table is not that of the routes")
    if program.routes_digest != digest(routes):
        problems.append("the program was made with other routes")
    return shorten(problems)


def _check_sums(program: Program, network: Network) -> list[str]:
    """Random integers through the program's tables and blocks, against the network's own meaning."""
    rng = np.random.Generator(np.random.PCG64(20260))
    values = {p.name: rng.integers(1, LARGEST, (VECTORS, p.n)) for p in network.populations}
    arrived, problems = _deliver(program, network, values)
    if problems:
        return shorten(problems)
    sums = {p.name: np.zeros((VECTORS, p.connection.n_out), np.int64) for p in network.projections}
    for core in program.cores:
        for block in core.blocks:
            group = core.groups[block.group]
            axons = arrived[core.core][:, block.first_axon : block.first_axon + block.n_axons]
            if block.projection not in sums or group.neurons.max() >= sums[block.projection].shape[1]:
                return [f"core {core.core} has a block of '{block.projection}', which is no such projection"]
            sums[block.projection][:, group.neurons] += block_sums(block, group.n, axons)
    for projection in network.projections:
        x = values[projection.source]
        x = projection.pool.apply(x) if projection.pool is not None else x
        x = exactly(x, _per_target(projection.connection))
        wrong = np.flatnonzero((whole(projection.connection.apply(x)) != sums[projection.name]).any(axis=0))
        for neuron in wrong.tolist():
            problems.append(
                f"neuron {neuron} of '{projection.target}' gets a wrong sum through '{projection.name}': "
                "a synapse is missing, doubled or has a wrong weight"
            )
    return shorten(problems)


def _per_target(connection: Connection) -> NDArray[Any]:
    """Weights (rows, ...), a row being all that one target hears; one row of all if they are not sorted."""
    weight = connection.weight
    return weight if isinstance(connection, (Dense, Conv, Diagonal)) else weight[None]


def _deliver(
    program: Program, network: Network, values: dict[str, IntArray]
) -> tuple[dict[int, IntArray], list[str]]:
    """What every axon receives, and axons that get packets of a population that is not their source."""
    arrived = {c.core: np.zeros((VECTORS, c.n_axons), np.int64) for c in program.cores}
    number = {p.name: k for k, p in enumerate(network.populations)}
    source_of = {p.name: number[p.source] for p in network.projections}
    none = np.zeros(0, np.int32)
    owner = {  # of every axon the population that sends to it, -1 for no projection's
        c.core: np.concatenate(
            [none, *(np.full(b.n_axons, source_of.get(b.projection, -1), np.int32) for b in c.blocks)]
        )
        for c in program.cores
    }
    problems = []
    parts = [("the host", program.host, [(n, values[n]) for n, _ in program.inputs])]
    for core in program.cores:
        held = [(g.population, values[g.population][:, g.neurons]) for g in core.groups]
        parts.append((f"core {core.core}", core.targets, held))
    for name, table, held in parts:
        sent = np.concatenate([v for _, v in held], axis=1) if held else np.zeros((VECTORS, 0), np.int64)
        home = np.concatenate([none, *(np.full(v.shape[1], number[n], np.int32) for n, v in held)])
        neuron = np.repeat(np.arange(len(home)), np.diff(table.pointer))
        for target in sorted(set(np.unique(table.core).tolist()) - {HOST}):
            mine = table.core == target
            axons, senders = table.axon[mine], neuron[mine]
            np.add.at(arrived[target].T, axons, sent[:, senders].T)
            wrong = np.flatnonzero(owner[target][axons] != home[senders])
            for k in wrong[np.lexsort((axons[wrong], senders[wrong]))].tolist():
                source, takes = network.populations[home[senders[k]]].name, int(owner[target][axons[k]])
                problems.append(
                    f"{name} sends spikes of '{source}' to axon {axons[k]} of core {target}, "
                    f"which takes those of '{'' if takes < 0 else network.populations[takes].name}'"
                )
    return arrived, problems
