"""Mistakes that users make: what is there before, a command line, and exactly what it says."""

from __future__ import annotations

import json
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from neurosim.chip.catalogue import preset_names, preset_path
from neurosim.network.profiles import profile_names
from tests.cli.conftest import Neurosim

Prepare = Callable[[Path], None]


def npz(**arrays: object) -> Prepare:
    """Writes ``x.npz``."""
    return lambda here: np.savez(here / "x.npz", **arrays)  # type: ignore[arg-type]


def chip(old: str, new: str) -> Prepare:
    """Writes ``my.yaml``: the chip ``tiny`` with one piece of text replaced."""

    def write(here: Path) -> None:
        text = preset_path("tiny").read_text()
        assert text.count(old) >= 1, old
        (here / "my.yaml").write_text(text.replace(old, new, 1))

    return write


def text(name: str, content: str | bytes) -> Prepare:
    """Writes a file."""
    data = content if isinstance(content, bytes) else content.encode()

    def write(here: Path) -> None:
        (here / name).write_bytes(data)

    return write


def cut(name: str, keep: float) -> Prepare:
    """Writes ``cut`` + the ending of ``name``: its first part."""

    def write(here: Path) -> None:
        data = (here / name).read_bytes()
        (here / f"cut{Path(name).suffix}").write_bytes(data[: int(len(data) * keep)])

    return write


def nir_with(change: Callable[[object], None]) -> Prepare:
    """Writes ``bad.nir``: the dense network with something changed in its HDF5 file."""

    def write(here: Path) -> None:
        import h5py

        (here / "bad.nir").write_bytes((here / "dense.nir").read_bytes())
        with h5py.File(here / "bad.nir", "r+") as file:
            change(file["node/nodes"])

    return write


def set_nan(nodes: object) -> None:
    nodes["fc1/weight"][3, 5] = np.nan  # type: ignore[index]


def wrong_shape(nodes: object) -> None:
    del nodes["fc2/weight"]  # type: ignore[attr-defined]
    nodes["fc2"].create_dataset("weight", data=np.zeros((10, 99), np.float32))  # type: ignore[index]


def odd_type(nodes: object) -> None:
    del nodes["lif1/type"]  # type: ignore[attr-defined]
    nodes["lif1"].create_dataset("type", data="Hodgkin")  # type: ignore[index]


def folder(name: str, content: dict[str, str]) -> Prepare:
    """Makes a folder with files."""

    def make(here: Path) -> None:
        (here / name).mkdir()
        for file, inside in content.items():
            (here / name / file).write_text(inside)

    return make


def header(**changes: object) -> Prepare:
    """Writes ``other.npz``: the network artefact with its header changed."""

    def write(here: Path) -> None:
        with zipfile.ZipFile(here / "net.npz") as source, zipfile.ZipFile(here / "other.npz", "w") as target:
            for name in source.namelist():
                data = source.read(name)
                if name == "header.json":
                    data = json.dumps({**json.loads(data), **changes}).encode()
                target.writestr(name, data)

    return write


def lonely(name: str) -> Prepare:
    """Copies one file of the mapping, alone, into ``alone``."""

    def copy(here: Path) -> None:
        (here / "alone").mkdir()
        (here / "alone" / name).write_bytes((here / "mapped" / name).read_bytes())

    return copy


def mapping_without(name: str) -> Prepare:
    """Copies the mapping into ``broken``, without one file."""

    def copy(here: Path) -> None:
        (here / "broken").mkdir()
        for path in (here / "mapped").iterdir():
            if path.name != name:
                (here / "broken" / path.name).write_bytes(path.read_bytes())

    return copy


def mapping_figures(content: object) -> Prepare:
    """Copies the mapping into ``broken``, with another ``mapping.json``."""

    def copy(here: Path) -> None:
        mapping_without("mapping.json")(here)
        (here / "broken" / "mapping.json").write_text(json.dumps(content))

    return copy


X = np.zeros((3, 20, 64), np.uint8)
RUN = "run mapped --input x.npz -o out"
MAP = "map net.npz --chip my.yaml -o out"
IMPORT = "import {} --profile spikingjelly-2.0 -o out"


@dataclass(frozen=True)
class Case:
    """A command line, what is there before, and what it says: exactly, but for the lists of all
    ``<profiles>`` and ``<chips>``.
    """

    name: str
    line: str
    said: str = ""
    prepare: Prepare = field(default=lambda here: None)
    code: int = 2

    def check(self, neurosim: Neurosim, here: Path) -> None:
        """Run it: nothing but the message comes out, and nothing new is there, whole or half."""
        self.prepare(here)
        before = sorted(p.name for p in here.iterdir())
        found = neurosim(self.line)
        said = self.said.replace("<profiles>", ", ".join(profile_names()))
        said = said.replace("<chips>", ", ".join(preset_names()))
        assert found.err == "error: " + said + "\n"
        assert found.out == ""
        assert found.code == self.code
        assert sorted(p.name for p in here.iterdir()) == before
