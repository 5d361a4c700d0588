"""The README keeps its word: its commands, its example and its figures are run."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from neurosim.cli import main
from neurosim.network.profiles import profile_names

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder in which the paths of the README lead somewhere."""
    (tmp_path / "workloads").symlink_to(ROOT / "workloads")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


def test_ci_runs_the_second_command() -> None:
    _, second = blocks("sh")
    lines = (ROOT / ".ci" / "run").read_text().splitlines()
    assert lines[-1] == second.strip()
    assert [line for line in lines if not line.startswith("#")][:2] == ["set -eu", 'cd "$(dirname "$0")/.."']


def test_python_example(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (example,) = blocks("python")
    assert len([line for line in example.splitlines() if line.strip()]) < 10
    exec(compile(example, "README.md", "exec"), {})
    figures, html = capsys.readouterr().out.splitlines()
    assert figures.startswith("{'mean': ")
    assert (folder / html).is_file()


def test_commands_print_what_is_shown(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Each line after a command stands in its output, in this order; ``...`` leaves something out."""
    shown = 0
    for block in blocks("console"):
        for part in re.split(r"^\$ ", block, flags=re.MULTILINE)[1:]:
            command, *expected = part.splitlines()
            assert main(shlex.split(command)[1:]) == 0
            said = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
            for line in (" ".join(e.split()) for e in expected if e != "..."):
                assert line in said, f"{command}: {line}"
                said = said[said.index(line) + 1 :]
                shown += 1
    assert shown > 10


def test_every_profile_is_named() -> None:
    assert [name for name in profile_names() if f"`{name}`" not in README] == []
