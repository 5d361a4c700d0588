"""Into a pipe no path and no name is broken over lines; a terminal has its own width."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from neurosim.cli import main
from tests.cli.conftest import Neurosim

LONG = Path("a_folder_with_a_long_name" * 6, "another_one" * 10)


def test_long_paths_stay_whole(here: Path, neurosim: Neurosim) -> None:
    """In titles, in tables and in lists of what was written, also where COLUMNS says something narrow."""
    LONG.mkdir(parents=True)
    said = neurosim(f"run mapped --input dense_test.npz --samples 1 --engine functional -o {LONG}/run")
    assert f"run  {LONG}/run" in [line.rstrip() for line in said.out.splitlines()]
    said = neurosim(f"check {LONG}/run")
    assert said.out.splitlines()[0] == f"Checked {LONG}/run"
    said = neurosim(f"diff run {LONG}/run")
    assert f"B  {LONG}/run" in [line.rstrip() for line in said.out.splitlines()]


def test_lines_have_no_tail_of_spaces(neurosim: Neurosim) -> None:
    """What has no right edge is not filled up to one."""
    for line in ("chips show tiny", "chips", "report run", "doctor"):
        lines = neurosim(line).out.splitlines()
        assert max(map(len, lines)) < 1000, line
        assert [each for each in lines if each != each.rstrip(" ")] == [], line


def test_a_terminal_has_its_width(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COLUMNS", "40")
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    assert main(["chips"]) == 0
    plain = re.sub(r"\x1b\[[0-9;]*m", "", capsys.readouterr().out)
    assert max(map(len, plain.splitlines())) == 40
