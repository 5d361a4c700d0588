"""What is sent to the design: drawn at random from a seed, or read from the user's file.

Files are CSV with a header.  Cores: ``step``, ``port`` (may be left out if there is one), then fields by
name; routers and cores without steps: ``cycle`` (not before it) in place of ``step``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from neurosim.rules import ports as port_rules
from rtl_models.dut.adapter import Port, WordField
from rtl_models.dut.csv_file import CsvFile, Row
from rtl_models.dut.expressions import ExpressionError
from rtl_models.dut.layout import WordLayout, meaning
from rtl_models.dut.loading import Loaded
from rtl_models.dut.router_model import Place

Event = tuple[str, Mapping[str, int]]


@dataclass(frozen=True)
class Stimuli:
    """One case: ``steps`` events by step, or None; ``stream`` (port, not before this cycle, fields)."""

    steps: tuple[tuple[Event, ...], ...] | None
    stream: tuple[tuple[str, int, Mapping[str, int]], ...]

    @property
    def n_words(self) -> int:
        """Words that are sent."""
        return len(self.stream) + sum(map(len, self.steps or ()))


def make_stimuli(loaded: Loaded, seed: int, place: Place | None, tables: Mapping[str, Any]) -> Stimuli:
    """The events of one case.

    Raises:
        InputError: a mistake in the user's file.
    """
    adapter = loaded.adapter
    if adapter.stimuli.file is not None:
        return _read(loaded, adapter.stimuli.file)
    rng = np.random.default_rng(seed)
    if adapter.step is None or adapter.kind == "router":
        return Stimuli(None, tuple(_stream(loaded, rng, place)))
    steps = tuple(tuple(_one_step(loaded, rng, tables)) for _ in range(adapter.stimuli.steps))
    return Stimuli(steps, ())


def _inputs(loaded: Loaded) -> list[tuple[str, Port]]:
    return [(name, port) for name, port in loaded.adapter.ports.items() if port.direction == "in"]


def _range(field: WordField) -> int:
    """Random values of a field lie below this; 30 bits are random enough."""
    return field.values or 1 << min(field.bits, 30)


def _one_step(loaded: Loaded, rng: np.random.Generator, tables: Mapping[str, Any]) -> list[Event]:
    """Axons in random order, each with the probability ``rate``."""
    given = loaded.adapter.stimuli
    events: list[Event] = []
    for name, port in _inputs(loaded):
        axon = WordLayout(port.fields).named("axon")
        if axon is None:
            chosen: Sequence[int | None] = [None] * given.words
        else:
            n_axons = axon.values or int(tables.get("n_axons", 1 << axon.bits))
            chosen = rng.permutation(np.flatnonzero(rng.random(n_axons) < given.rate)).tolist()
        for number in chosen:
            known = {} if axon is None or number is None else {axon.name: number}
            events.append((name, _fields(rng, port, known)))
    return events


def _fields(rng: np.random.Generator, port: Port, known: Mapping[str, int]) -> dict[str, int]:
    given = WordLayout(port.fields).given
    return {f.name: known[f.name] if f.name in known else int(rng.integers(_range(f))) for f in given}


def _stream(
    loaded: Loaded, rng: np.random.Generator, place: Place | None
) -> list[tuple[str, int, Mapping[str, int]]]:
    """Words for each input port, one in each cycle with probability ``rate``."""
    given, serial = loaded.adapter.stimuli, 0
    found: list[tuple[str, int, Mapping[str, int]]] = []
    for name, port in _inputs(loaded):
        gaps = rng.geometric(max(given.rate, 1e-6), given.words)
        goals = _goals(place, name) if place is not None else None
        n_flits = place.chip.packet.flits if place is not None else 1
        for cycle in (np.cumsum(gaps) - 1).tolist():
            fields = _address(rng, place, name, goals) if place is not None and goals else {}
            for field in port.fields:
                if meaning(field) == "packet":
                    fields[field.name] = serial % (1 << field.bits)
            serial += 1
            body = _fields(rng, port, fields)
            for index in range(n_flits):
                found.append((name, cycle, {**body, **_marks(port, index, n_flits)}))
    return found


def _marks(port: Port, index: int, n_flits: int) -> dict[str, int]:
    values = {"head": int(index == 0), "tail": int(index == n_flits - 1)}
    named = {field.name: meaning(field) for field in port.fields}
    return {name: values[means] for name, means in named.items() if means in values}


def _goals(place: Place, name: str) -> list[tuple[int, int]]:
    """(tile, exit port) of the packets that can come in at this port on the way of the routing rule."""
    fabric, number = place.fabric, place.number[name]
    exits = [port_rules.LOCAL]
    found = set()
    for goal in range(fabric.n_routers):
        for exit_port in exits:
            if number >= port_rules.LOCAL or _comes_by(place, goal, exit_port, number):
                out, _ = fabric.route(place.tile, goal, exit_port)
                if out in place.out_name:
                    found.add((goal, exit_port))
    return sorted(found)


def _comes_by(place: Place, goal: int, exit_port: int, number: int) -> bool:
    """Whether some packet for ``goal`` enters the router by its port ``number``."""
    fabric = place.fabric
    for start in range(fabric.n_routers):
        tile = start
        for _ in range(fabric.n_routers):
            port, _ = fabric.route(tile, goal, exit_port)
            if port >= port_rules.LOCAL or fabric.target[tile, port] < 0:
                break
            if int(fabric.target[tile, port]) == place.tile and int(fabric.target_port[tile, port]) == number:
                return True
            tile = int(fabric.target[tile, port])
    return False


def _address(
    rng: np.random.Generator, place: Place, name: str, goals: Sequence[tuple[int, int]]
) -> dict[str, int]:
    tile, exit_port = goals[int(rng.integers(len(goals)))]
    x, y = place.fabric.xy(tile)
    values = {"x": x, "y": y, "exit": exit_port}
    named = ((means, place.layouts[name].named(means)) for means in values)
    return {field.name: values[means] for means, field in named if field is not None}


# files


def _read(loaded: Loaded, name: str) -> Stimuli:
    file = CsvFile(loaded, ("stimuli", "file"), name, "stimuli")
    by_step = loaded.adapter.step is not None and loaded.adapter.kind == "core"
    first = "step" if by_step else "cycle"
    layouts = {port: WordLayout(given.fields) for port, given in _inputs(loaded)}
    fields = dict.fromkeys(field.name for layout in layouts.values() for field in layout.given)
    rows = file.rows((first, "port", *fields), needed=(first,))
    if not rows:
        raise file.error(
            f"'{name}' holds no event: nothing would be compared", hint="a line per event below the header"
        )
    events = [_event(file, layouts, row, first) for row in rows]
    if not by_step:
        return Stimuli(None, tuple((port, at, fields) for at, port, fields in events))
    steps: list[list[Event]] = [[] for _ in range(max((at for at, _, _ in events), default=-1) + 1)]
    for at, port, values in events:
        steps[at].append((port, values))
    return Stimuli(tuple(map(tuple, steps)), ())


def _event(
    file: CsvFile, layouts: Mapping[str, WordLayout], row: Row, first: str
) -> tuple[int, str, Mapping[str, int]]:
    """(step or cycle, port, fields) of a line."""
    port = row.cells.get("port") or next(iter(layouts))
    if port not in layouts:
        raise file.error(f"{row.where}: '{port}' is no input port", expected=", ".join(layouts))
    own = [field.name for field in layouts[port].given if field.name in row.cells]
    fields = {name: file.whole(row.where, f"'{name}'", row.cells[name]) for name in own}
    try:
        layouts[port].pack(fields)
    except (ValueError, ExpressionError) as error:
        raise file.error(f"{row.where}: {error}") from error
    return file.whole(row.where, f"'{first}'", row.cells[first], 0), port, fields
