"""Exports of a run with multicast: the words of copies are those of the Verilog, and Perfetto draws all leaves."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from neurosim.artefacts.tree_table import as_target
from neurosim.engines.reference.engine import ReferenceEngine
from neurosim.fabric.tables import program_fabric
from neurosim.report.perfetto import write_perfetto
from neurosim.report.trace_export import Selection, sample_lengths
from neurosim.report.trace_files import ParquetSink
from neurosim.report.vcd import write_vcd
from neurosim.rtl.flits import flit_layout
from neurosim.rules.ports import LOCAL
from tests.helpers.trace_sink import ALL
from tests.helpers.tree_sends import E, L, W, run_sends, sending, tree_chip
from tests.report.test_vcd import at, parse

CHIP = tree_chip(3, 1)


@pytest.fixture(scope="module")
def selection(tmp_path_factory: pytest.TempPathFactory) -> Selection:
    """Core 1 sends to its tree in 2: routers 1 in 3, 0 and 2 in 6; axon 2, leaf axons 5, 0 and 1."""
    folder: Path = tmp_path_factory.mktemp("trace")
    entries = {(0, 0): L, (1, 0): E | W | L, (2, 0): L}
    program = sending(CHIP, {1: [(2, as_target(0), 2)]}, entries, {(0, 0): 5, (0, 1): 0, (0, 2): 1})
    sink = ParquetSink(folder, ALL, CHIP.cycle.period_ps)
    result = run_sends(ReferenceEngine(), program, sink=sink)
    fabric = program_fabric(program, CHIP)
    return Selection(fabric, sink.finish(folder), sample_lengths(result, fabric), (0, 1))


def test_a_copy_carries_the_trees_number_and_at_the_end_the_leafs_axon(selection: Selection) -> None:
    file = io.StringIO()
    write_vcd(selection, file)
    changes, _, _ = parse(file.getvalue())
    layout = flit_layout(CHIP)
    mask = (1 << layout.bits) - 1
    seen = {}
    for router, cycle in ((1, 4), (0, 7), (2, 7)):
        valid = at(changes[f"neuro_mesh.tile[{router}].router.out_valid"], cycle)
        words = at(changes[f"neuro_mesh.tile[{router}].router.out_flit"], cycle)
        for port in (port for port in range(5) if valid >> port & 1):
            flit = layout.unpack(words >> port * layout.bits & mask)
            assert (flit["tree"], flit["key"]) == (1, 0)
            seen[router, port] = flit["axon"]
    assert seen == {(1, 0): 2, (1, 2): 2, (1, LOCAL): 2, (0, LOCAL): 7, (2, LOCAL): 3}


def test_perfetto_draws_every_leaf(selection: Selection) -> None:
    file = io.BytesIO()
    write_perfetto(selection, file)
    text = file.getvalue()
    for core in range(3):
        assert f"packet 0 to core {core}".encode() in text
