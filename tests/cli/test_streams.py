"""Streams that take nothing: a full disk behind stdout, a reader that went away, a stream that is closed."""

from __future__ import annotations

import errno
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from neurosim.cli import main
from tests.cli.conftest import Neurosim

ROOT = Path(__file__).parents[2]
RUN = "run mapped --input dense_test.npz --samples 1 -o out --engine functional"


class Failing(io.StringIO):
    """A stream that takes ``room`` characters, and then fails."""

    def __init__(self, number: int, room: int = 0) -> None:
        super().__init__()
        self.number = number
        self.room = room

    def write(self, text: str) -> int:
        if len(self.getvalue()) + len(text) > self.room:
            raise OSError(self.number, os.strerror(self.number))  # a BrokenPipeError for EPIPE
        return super().write(text)


@pytest.mark.parametrize("flag", ["", " --json"])
def test_stdout_is_full(flag: str, here: Path, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(sys, "stdout", Failing(errno.ENOSPC, room=10))
        found = neurosim(RUN + flag)
    assert found.err == (
        "error: standard output: cannot write: No space left on device [output-unwritable]\n"
        "  hint: only this text was lost; what was made is whole: out\n"
    )
    assert found.code == 2
    assert neurosim("check out").code == 0


@pytest.mark.parametrize("line", ["chips show tiny", "chips show tiny --json", RUN])
def test_reader_goes_away(line: str, neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", Failing(errno.EPIPE, room=10))
    found = neurosim(line)
    assert (found.code, found.err) == (141, "")


def test_stderr_is_full(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A warning or an error that cannot be said changes nothing else."""
    monkeypatch.setattr(sys, "stderr", Failing(errno.ENOSPC))
    assert main(["map", "net.npz", "--chip", "tiny", "--effort", "0.01", "-o", "out", "--quiet"]) == 0
    assert main(["chips", "show", "tinny"]) == 2


@pytest.mark.parametrize("name", ["stdout", "stderr"])
def test_stream_is_closed(name: str, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, name, None)
    assert main(RUN.split()) == 0
    assert main(["chips", "show", "tinny"]) == 2
    assert getattr(sys, name) is None
    assert (here / "out" / "result.npz").is_file()


@pytest.mark.parametrize(
    ("shell", "code", "said"),
    [
        ("> /dev/full", 2, "error: standard output: cannot write: No space left on device [output-unwritable]\n"),
        ("--json > /dev/full", 2,
         "error: standard output: cannot write: No space left on device [output-unwritable]\n"),
        ("2> /dev/full > /dev/null", 0, ""),
        (">&-", 0, ""),
        ("2>&-", 0, ""),
        ("| true", 141, ""),
        ("--help | true", 141, ""),
    ],
)  # fmt: skip
def test_in_a_shell(shell: str, code: int, said: str) -> None:
    """The real thing: also when Python itself ends, nothing fails again."""
    if "/dev/full" in shell and not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    script = f"{sys.executable} -m neurosim chips show tiny {shell}"
    if shell.endswith("| true"):  # the reader is gone before anything is written
        line = f"chips show tiny {shell.removesuffix('| true')}"
        script = f"set -o pipefail; (sleep 0.5; {sys.executable} -m neurosim {line}) | true"
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    found = subprocess.run(["bash", "-c", script], env=env, capture_output=True, text=True, check=False)
    assert (found.returncode, found.stderr) == (code, said)


def test_refused_file(neurosim: Neurosim, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the system refuses is not called a bug of ours."""

    def refuse() -> None:
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), "presets")

    monkeypatch.setattr("neurosim.api.list_chips", refuse)
    found = neurosim("chips")
    assert (found.code, found.err) == (
        2,
        "error: presets: the system refuses: Permission denied [system-refused]\n"
        "  hint: check the path, its permissions, and the space there\n",
    )
    assert "Traceback" in neurosim("chips --debug").err
