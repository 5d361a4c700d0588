"""One network, mapping and run for all tests of the command line, and a folder to run commands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from neurosim import import_network, map_network, run_mapping
from neurosim.api import checkpoints
from neurosim.cli import main
from tests.cli.keeping import Cut, stopping

pytest.register_assert_rewrite("tests.cli.mistakes")

DIGITS = Path(__file__).parents[2] / "workloads" / "digits"


@dataclass(frozen=True)
class Said:
    """What a command said and how it ended."""

    code: int
    out: str
    err: str


Neurosim = Callable[..., Said]


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with ``net.npz`` (float), ``mapped`` and ``run`` (two samples), all of the dense digits."""
    folder = tmp_path_factory.mktemp("made")
    network = import_network(DIGITS / "dense.nir", "spikingjelly-2.0", out=folder / "net.npz")
    map_network(network, "tiny", folder / "mapped", DIGITS / "dense_test.npz", samples=20)
    run_mapping(folder / "mapped", DIGITS / "dense_test.npz", samples=2, out=folder / "run")
    return folder


@pytest.fixture
def here(tmp_path: Path, made: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An own working folder in which ``net.npz``, ``mapped``, ``run`` and the digits lie."""
    for name in ("net.npz", "mapped", "run"):
        (tmp_path / name).symlink_to(made / name)
    for name in ("dense.nir", "dense_test.npz", "conv.nir", "conv_test.npz"):
        (tmp_path / name).symlink_to(DIGITS / name)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "100")
    return tmp_path


@pytest.fixture
def neurosim(here: Path, capsys: pytest.CaptureFixture[str]) -> Neurosim:
    """``neurosim("run mapped -o out")``: runs a command in this process, in the folder ``here``."""

    def run(line: str) -> Said:
        capsys.readouterr()
        code = main(line.split())
        out, err = capsys.readouterr()
        return Said(code, out, err)

    return run


@pytest.fixture(scope="session")
def long_run(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """``long.npz`` (two samples of 300 steps), and ``out``: a run of it that nobody stopped."""
    folder = tmp_path_factory.mktemp("long")
    with np.load(DIGITS / "dense_test.npz") as digits:
        np.savez(folder / "long.npz", x=digits["x"][:30].reshape(2, 300, 64))
    run_mapping(made / "mapped", folder / "long.npz", "compiled", out=folder / "out")
    return folder


@pytest.fixture
def place(here: Path, long_run: Path) -> Path:
    """The folder ``here`` with the long input."""
    (here / "long.npz").symlink_to(long_run / "long.npz")
    return here


@pytest.fixture
def cut(place: Path, monkeypatch: pytest.MonkeyPatch) -> Cut:
    """``cut(after=3)`` leaves the checkpoint of a run of ``long.npz`` that was stopped; returns its folder."""

    def run(after: int = 3, mapping: str = "mapped", out: str = "out", **options: object) -> Path:
        with monkeypatch.context() as patch:
            stopping(patch, after)
            with pytest.raises(checkpoints.StoppedError):
                run_mapping(mapping, "long.npz", "compiled", out=out, checkpoint_every=80, **options)  # type: ignore[arg-type]
        assert not (place / out).exists()
        return place / f"{out}.checkpoint"

    return run
