"""A run's flit events as a VCD waveform, with the names, widths and cycles of the Verilog mesh.

Signals are those of ``rtl_models/``: the outputs of router ``<tile>``,
``neuro_mesh.tile[<tile>].router``, one vector over all ports each (see :func:`signal_name`).  As in the
Verilog, a flit that a router grants in cycle t stands on its output in cycle t + 1 for one cycle;
``out_flit`` and ``out_vc`` keep their value while ``out_valid`` is low.  Beside them ``neuro_mesh.step`` is
the hardware step that began last.
Reads blocks of rows, writes as it goes.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import IO

import numpy as np

from neurosim.artefacts.tree_table import as_tree
from neurosim.engines.trace import STEP
from neurosim.fabric.topology import NOTHING, Fabric
from neurosim.fabric.trees import Hop, end_of, leaf_axon
from neurosim.report.trace_export import Selection, needed

TOP = "neuro_mesh"
SIGNALS = ("out_valid", "out_flit", "out_vc")
_TIMESCALES = tuple((size * unit_ps, f"{size} {unit}") for unit, unit_ps in
                    (("us", 10**6), ("ns", 10**3), ("ps", 1)) for size in (100, 10, 1))  # fmt: skip
Change = tuple[int, int, str, int]  # cycle, router (-1: the whole mesh), signal, value


def signal_name(tile: int, signal: str) -> tuple[str, str]:
    """(scope, name) of one of a router's output vectors in the Verilog; bit or word ``p`` is port ``p``."""
    return f"{TOP}.tile[{tile}].router", signal


def timescale(period_ps: int) -> tuple[str, int]:
    """The coarsest unit that the cycle is a multiple of, and the cycle in that unit."""
    for size_ps, text in _TIMESCALES:
        if period_ps % size_ps == 0:
            return text, period_ps // size_ps
    raise AssertionError("1 ps divides everything")


class _Words:
    """Packs what a flit event says into the words of the Verilog."""

    def __init__(self, fabric: Fabric) -> None:
        from neurosim.rtl.flits import bits_for, flit_layout

        self._fabric = fabric
        self._layout = flit_layout(fabric.chip)
        self._step_mask = (1 << self._layout.field("step").bits) - 1
        self.flit_bits = self._layout.bits
        self.vc_bits = bits_for(fabric.n_vcs)

    def flit(self, router: int, port: int, target: int, axon: int, step: int, index: int) -> int:
        """The word of a flit that leaves ``router`` by ``port``."""
        tree = as_tree(target)
        if tree < 0:
            x, y = self._fabric.xy(self._fabric.tile_of(target))
            address = {"x": x, "y": y, "exit": self._fabric.port_of(target)}
        else:
            address = {"key": tree, "tree": 1}
            axon += self._leaf_axon(tree, router, port)
        return self._layout.pack(
            **address, axon=axon, step=step & self._step_mask, head=int(index == 0),
            tail=int(index == self._fabric.chip.packet.flits - 1),
        )  # fmt: skip

    def _leaf_axon(self, tree: int, router: int, port: int) -> int:
        """What is added to the axon where a copy leaves for a core or the host."""
        end = end_of(self._fabric, Hop(router, port, 0, port, 0))
        assert self._fabric.trees is not None
        return 0 if end is None else leaf_axon(self._fabric.trees, tree, end)


def _flit_changes(selection: Selection, words: _Words) -> Iterator[Change]:
    """Changes of the routers' outputs in order of cycles."""
    n_ports = selection.fabric.n_ports
    valid: dict[int, int] = {}  # router -> mask of ports that are valid in cycle `at`
    data: dict[tuple[int, str], int] = {}
    at = -1
    for cycle, rows in _by_cycle(selection):
        if valid and at + 1 < cycle:
            yield from ((at + 1, router, "out_valid", 0) for router in sorted(valid))
            valid = {}
        now: dict[int, int] = {}
        for router, port, vc, target, axon, step, index in rows:
            now[router] = now.get(router, 0) | 1 << port
            word = words.flit(router, port, target, axon, step, index)
            for signal, value, bits in (("out_flit", word, words.flit_bits), ("out_vc", vc, words.vc_bits)):
                old = data.get((router, signal), 0)
                clear = old & ~(((1 << bits) - 1) << port * bits)
                data[router, signal] = clear | value << port * bits
        for router in sorted(set(valid) | set(now)):
            assert now.get(router, 0) < 1 << n_ports
            yield cycle, router, "out_valid", now.get(router, 0)
            if router in now:
                yield cycle, router, "out_flit", data[router, "out_flit"]
                yield cycle, router, "out_vc", data[router, "out_vc"]
        valid, at = now, cycle
    yield from ((at + 1, router, "out_valid", 0) for router in sorted(valid))


def _by_cycle(selection: Selection) -> Iterator[tuple[int, list[tuple[int, ...]]]]:
    """(cycle in which they stand on the outputs, their rows) of all flits, in order of cycles."""
    names = ("router", "port", "vc", "target", "axon", "step", "flit")
    pending: tuple[int, list[tuple[int, ...]]] | None = None
    for block in selection.blocks("flits"):
        cycles = selection.cycles(block["sample"], block["cycle"]) + 1
        table = np.stack([block[name] for name in names], axis=1)
        first = np.flatnonzero(np.concatenate(([True], cycles[1:] != cycles[:-1])))
        for begin, end in zip(first, [*first[1:], len(cycles)], strict=True):
            cycle, rows = int(cycles[begin]), [tuple(row) for row in table[begin:end].tolist()]
            if pending is not None and pending[0] == cycle:  # a block ended within the cycle
                pending[1].extend(rows)
                continue
            if pending is not None:
                yield pending
            pending = cycle, rows
    if pending is not None:
        yield pending


def _step_changes(selection: Selection) -> Iterator[Change]:
    for block in selection.blocks("steps"):
        begins = block["kind"] == STEP
        cycles = selection.cycles(block["sample"][begins], block["start_cycle"][begins])
        for cycle, step in zip(cycles.tolist(), block["step"][begins].tolist(), strict=True):
            yield cycle, -1, "step", step


def write_vcd(selection: Selection, file: IO[str]) -> int:
    """Write the selected flits as a VCD; returns the number of changes.

    Only routers of the selected cores are in it (all, if none are selected).

    Raises:
        InputError: the package ``pyvcd`` is missing, or a trace file is damaged.
    """
    vcd = needed("vcd", "VCD", "pyvcd")
    fabric = selection.fabric
    unit, cycle_units = timescale(fabric.chip.cycle.period_ps)
    words = _Words(fabric)
    widths = {
        "out_valid": fabric.n_ports, "out_flit": fabric.n_ports * words.flit_bits,
        "out_vc": fabric.n_ports * words.vc_bits,
    }  # fmt: skip
    tiles = range(fabric.n_routers)
    if selection.cores is not None:
        tiles = sorted({fabric.tile_of(core) for core in selection.cores})  # type: ignore[assignment]
    changes = 0
    with vcd.VCDWriter(file, timescale=unit, date="", comment="neurosim", version="") as writer:
        variables = {(-1, "step"): writer.register_var(TOP, "step", "integer", 32, init=0)}
        for tile in tiles:
            if (fabric.target[tile] == NOTHING).all():
                continue
            for signal in SIGNALS:
                scope, name = signal_name(tile, signal)
                variables[tile, signal] = writer.register_var(scope, name, "wire", widths[signal], init=0)
        merged = heapq.merge(_step_changes(selection), _flit_changes(selection, words), key=lambda c: c[0])
        for cycle, router, signal, value in merged:
            writer.change(variables[router, signal], cycle * cycle_units, value)
            changes += 1
        writer.flush()
    return changes
