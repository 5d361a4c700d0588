"""One network, mapping and run for all tests of the command line, and a folder to run commands in."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from neurosim import import_network, map_network, run_mapping
from neurosim.cli import main

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
