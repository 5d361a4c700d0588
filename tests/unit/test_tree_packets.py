"""The compiled engine's accounts of packets to multicast trees: nothing is lost, whatever the log's size."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim import store
from neurosim.artefacts.mapping import HOST
from neurosim.artefacts.program import CoreProgram
from neurosim.chip.loader import load_chip_text
from neurosim.engines.base import RunOptions
from neurosim.engines.compiled import core_places
from neurosim.engines.compiled.core_state import ProgramTables
from neurosim.engines.compiled.engine import CompiledEngine
from neurosim.engines.compiled.program import CompiledSample
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.tables import program_fabric
from tests.helpers.chips import make_chip
from tests.helpers.programs import dense, group, program_of, table, workload
from tests.helpers.tree_programs import with_trees

N = 30


def spreading(virtual_channels=1):
    """The host sends to core 0 and 4 of a 3 x 3 mesh, these to all others but each other, core 8 to the host."""
    router = {"multicast_entries": 16, "virtual_channels": virtual_channels, "buffer_flits": 2}
    chip = make_chip(3, 3, packet={"flits": 1, "tree_bits": 4}, router=router)
    others = [core for core in range(9) if core not in (0, 4)]

    def core(number, layer, targets):
        axons = 2 * N if layer else N
        block = dense(np.ones((axons, N)), chip)
        return CoreProgram(number, (group(f"c{number}", N, layer + 1),), (block,), table(targets))

    cores = [core(k, 0, [[(c, n + N * (k == 4)) for c in others] for n in range(N)]) for k in (0, 4)]
    cores += [core(c, 1, [[(HOST, n)] if c == 8 else [] for n in range(N)]) for c in others]
    host = table([[(0, n), (4, n)] for n in range(N)])
    return with_trees(program_of(chip, cores, [("input", N)], [("c8", N, 2)], host, 2))


@pytest.mark.parametrize("virtual_channels", [1, 2])
def test_all_that_was_taken_is_given_back(virtual_channels):
    program = spreading(virtual_channels)
    tables = ProgramTables(program, program_fabric(program, load_chip_text(program.chip_yaml, "program")))
    x = np.ones((3, N), np.uint8)
    run = CompiledSample(tables, x, RunOptions())
    free = int(run.state.field("RUN")[core_places.N_FREE])
    run._advance(1 << 40)
    counts = run.counts(0)
    assert counts.sent == counts.arrived == 3 * N * (2 + 2 * 7 + 1)
    assert counts.host_flits == 3 * N * (1 + 1)
    entries = run.state.field("RUN")
    assert (entries[core_places.OPEN], entries[core_places.N_FREE]) == (0, free)
    on_wheel = run.net.field("N_FLITS").sum() + run.net.field("N_CREDITS").sum()
    assert run.net.field("IN_WHEEL")[0] == on_wheel < 9 * 5  # the last credits
    assert not run.net.field("OWED").any()
    assert not run.net.field("REQUESTS").any()


def test_a_log_that_grows():
    """More rows than the log begins with, and more per cycle than there are senders."""
    program, load = spreading(), workload(np.ones((1, 20, N)))
    ours, theirs = (e.run(program, load, RunOptions(log_packets=True)) for e in (ReferenceEngine(), CompiledEngine()))
    assert len(ours.packets.step) == 20 * N * 17 > 2 * 4096
    assert store.digest(ours.packets) == store.digest(theirs.packets)
    assert (ours.packets.arrive_cycle >= 0).all()
