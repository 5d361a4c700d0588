"""Programs whose cores send packets to trees and to each other in cycles that a test chooses.

A core's neurons are visited one a cycle from cycle 1 on.  Quiet ones pass the time; one that fires sends its
entries, one a cycle, from the cycle after its visit on.  So a core can send in cycles 2, 3, 4 and so on,
but where it pauses, for one cycle at least.
"""

from __future__ import annotations

import dataclasses

import numpy as np

from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram, Program
from neurosim.artefacts.tree_table import make_trees
from neurosim.chip.models import Chip
from neurosim.engines.base import RunOptions
from neurosim.rules.ports import EAST, LOCAL, NORTH, SOUTH, WEST
from tests.helpers.chips import make_chip
from tests.helpers.programs import dense, group, program_of, table, workload

E, N, W, S, L = (1 << port for port in (EAST, NORTH, WEST, SOUTH, LOCAL))
"""Masks of output ports."""
ONE_A_CYCLE = {
    "update_cycles": {"active": 1, "idle": 1}, "spike_cycles": 0, "memory_ports": 2, "tx_flits": 8,
}  # fmt: skip
AXONS = 16
Send = tuple[int, int, int]  # cycle in which it enters the transmit FIFO, target, axon


def tree_chip(width: int, height: int, core: dict | None = None, router: dict | None = None, **more) -> Chip:
    """A chip with multicast and cores that need a cycle a neuron."""
    return make_chip(
        width, height, packet={"flits": 1, "tree_bits": 8}, core={**ONE_A_CYCLE, **(core or {})},
        router={"multicast_entries": 64, **(router or {})}, **more,
    )  # fmt: skip


def sending(
    chip: Chip, sends: dict[int, list[Send]], entries: dict[tuple[int, int], int],
    leaves: dict[tuple[int, int], int], host: list[tuple[int, int]] | None = None,
) -> Program:  # fmt: skip
    """All cores of ``chip`` (one per tile), with ``sends`` by core in ascending cycles; ``host`` sends at once.

    ``entries`` and ``leaves`` are those of :func:`neurosim.artefacts.tree_table.make_trees`.
    """
    cores = [_core(chip, core, sends.get(core, [])) for core in range(chip.mesh.width * chip.mesh.height)]
    first = cores[0].groups[0]
    program = program_of(
        chip, cores, [("input", 1)], [(first.population, first.n, 0)], table([host or []]), 1
    )  # fmt: skip
    return dataclasses.replace(program, trees=make_trees(entries, leaves))


def _core(chip: Chip, core: int, sends: list[Send]) -> CoreProgram:
    """Neurons that send at the right time; every axon reaches them all with weight 0."""
    targets: list[list[tuple[int, int]]] = []
    free = 1  # the next visit
    for cycle, target, axon in sends:
        if targets and cycle == free:
            targets[-1].append((target, axon))
        else:
            assert cycle > free, f"core {core} cannot send in cycle {cycle}"
            targets += [[] for _ in range(cycle - free - 1)]
            targets.append([(target, axon)])
        free = cycle + 1
    targets = targets or [[]]
    n = len(targets)
    neurons = dataclasses.replace(group(f"core{core}", n, 0), bias=np.array([int(bool(t)) for t in targets]))
    return CoreProgram(core, (neurons,), (dense(np.zeros((AXONS, n)), chip),), table(targets))


def run_sends(engine, program: Program, host_spikes: int = 0, **options):
    """One sample of one step."""
    spikes = workload(np.full((1, 1, 1), host_spikes))
    return engine.run(program, spikes, RunOptions(log_packets=True, **options))


def journeys(result) -> dict[tuple[int, int, int], list[tuple[int, int]]]:
    """(inject, arrive) cycles of the packets by (source, target, axon), in the order of the log."""
    found: dict[tuple[int, int, int], list[tuple[int, int]]] = {}
    log = result.packets
    columns = (log.source, log.target, log.axon, log.inject_cycle, log.arrive_cycle)
    for source, target, axon, inject, arrive in zip(*(c.tolist() for c in columns), strict=True):
        found.setdefault((source, target, axon), []).append((inject, arrive))
    return found


__all__ = ["HOST", "E", "L", "N", "S", "W", "journeys", "run_sends", "sending", "tree_chip"]
