"""Placement cut short: a time limit or Ctrl-C leaves the best so far, and the report says so."""

from __future__ import annotations

import itertools
import re

import numpy as np
import pytest

from mapper import MapOptions, compile_network
from mapper.place import search
from mapper.place.grid import GridProblem
from mapper.place.search import Budget, anneal
from mapper.place.starts import rows
from neurosim.errors import InputError
from tests.helpers.chips import make_chip
from tests.mapper.grids import many_on, random_grid
from tests.mapper.nets import dense_net, problems


def test_a_time_limit_cuts_the_search_and_says_so(monkeypatch):
    grid = random_grid(30, 6, 6, 1)
    clock = itertools.count()
    monkeypatch.setattr(search.time, "monotonic", lambda: next(clock))
    found = anneal(grid, np.arange(30), Budget(400_000, time_limit_s=3))
    assert found.stopped == "the time limit of 3 s"
    assert 0 < found.moves < 400_000
    assert found.cost <= grid.cost(np.arange(30))


def test_ctrl_c_gives_the_best_so_far():
    grid, said = random_grid(30, 6, 6, 1), []

    def stop(text: str) -> None:
        said.append(text)
        if len(said) == 3:
            raise KeyboardInterrupt

    found = interrupted(grid, stop)
    assert found.stopped == "Ctrl-C"
    assert found.moves == 3000
    assert found.cost == pytest.approx(grid.cost(found.position))
    assert found.cost <= grid.cost(np.arange(30))
    assert said[0].startswith("cost ")
    assert ", bound 1, gap 100 %, " in said[0]
    assert "M moves/s, 0 %," in said[0]


def interrupted(grid: GridProblem, tell: search.Tell) -> search.Found:
    """With a report after every chunk."""
    patch = pytest.MonkeyPatch()
    with patch.context() as patched:
        patched.setattr(search, "TELL_EVERY_S", -1.0)
        return anneal(grid, np.arange(grid.n), Budget(400_000), bound=1.0, tell=tell)


def pressing_ctrl_c(monkeypatch, when: str) -> search.Tell:
    """A callback in which Ctrl-C arrives at the first text that begins so."""
    monkeypatch.setattr(search, "TELL_EVERY_S", -1.0)
    pressed = []

    def detail(text: str) -> None:
        if text.startswith(when) and not pressed:
            pressed.append(text)
            raise KeyboardInterrupt

    return detail


def test_ctrl_c_while_placing_many_gives_a_legal_mapping_that_says_so(monkeypatch):
    mapping, chip = many_on(effort=0.05, detail=pressing_ctrl_c(monkeypatch, "cost"))
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    done, whole = re.search(r"; stopped by Ctrl-C after (\d+) of (\d+) moves; ", report.detail).groups()
    assert int(done) == int(whole) // search.CHUNKS > 0


def test_ctrl_c_before_the_search_leaves_the_row_order(monkeypatch):
    monkeypatch.setattr("mapper.place.starts.STARTS", {"rows": rows, "min-cut": interrupted_start})
    mapping, chip = many_on(effort=0.05)
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    assert report.method == "row order"
    assert report.detail.startswith("no search; stopped by Ctrl-C before it; ")


def interrupted_start(problem: GridProblem) -> None:
    raise KeyboardInterrupt


def test_ctrl_c_while_placing_few_keeps_the_best_seen(monkeypatch):
    from mapper.place import annealed

    calls, real = [], annealed._anneal

    def twice(*args: object) -> None:
        calls.append(1)
        if len(calls) > 1:
            raise KeyboardInterrupt
        real(*args)

    monkeypatch.setattr(annealed, "_anneal", twice)
    chip = make_chip(width=5, height=5, core={"neurons": 8})
    mapping = compile_network(dense_net(16, 60, 60, reset="none"), chip, MapOptions(effort=0.5))
    assert problems(mapping, chip) == []
    (report,) = mapping.placement.solver
    assert len(calls) == 2
    assert report.detail.endswith("; stopped by Ctrl-C")


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(InputError) as caught:
        MapOptions(time_limit_s=0)
    assert str(caught.value) == (
        "MapOptions.time_limit_s: the time limit of the search must be above 0 s [map-option]\n"
        "  got: 0\n"
        "  hint: leave it out for no limit; the effort alone then says how long the search is"
    )
