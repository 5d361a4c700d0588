"""Runs that are kept and stopped: in this process right after a checkpoint, or in one of their own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from neurosim.api import checkpoints

ROOT = Path(__file__).parents[2]
RUN = "run mapped --input long.npz --engine compiled -o out --quiet --checkpoint-every "
Cut = Callable[..., Path]
"""``cut(after=3)`` leaves the checkpoint of a run of ``long.npz`` that was stopped; returns its folder."""


def stopping(monkeypatch: pytest.MonkeyPatch, after: int) -> None:
    """Let a run in this process be interrupted right after its ``after``-th checkpoint from now."""
    save, left = checkpoints.FolderKeeper.save, [after]

    def save_and_stop(keeper: checkpoints.FolderKeeper, state: checkpoints.EngineState) -> None:
        save(keeper, state)
        left[0] -= 1
        if not left[0]:
            raise KeyboardInterrupt

    monkeypatch.setattr(checkpoints.FolderKeeper, "save", save_and_stop)


def process(line: str, cwd: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "neurosim", *line.split()], cwd=cwd, text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def wait_for(path: Path, child: subprocess.Popen[str]) -> None:
    deadline = time.monotonic() + 120
    while not path.exists():
        assert child.poll() is None, child.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.005)


def damage(path: Path) -> None:
    """Change bytes in the middle of a file: more than a zip entry has of those that nobody reads."""
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 64] = bytes(byte ^ 0xFF for byte in content[middle : middle + 64])
    path.write_bytes(bytes(content))
