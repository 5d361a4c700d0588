"""Mistakes that users make, and exactly what they are told: never a traceback, never half an output."""

from __future__ import annotations

import json
import os
import zipfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

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


CASES = [
    Case(
        "model missing", IMPORT.format("nowhere.nir"),
        "nowhere.nir: no such file [file-missing]",
    ),
    Case(
        "model is text", IMPORT.format("bad.nir"),
        "bad.nir: not an HDF5 file [nir-not-hdf5]\n"
        "  expected: a NIR graph as written by nir.write\n"
        "  hint: check the path",
        text("bad.nir", "hello"),
    ),
    Case(
        "model is empty", IMPORT.format("bad.nir"),
        "bad.nir: not an HDF5 file [nir-not-hdf5]\n"
        "  expected: a NIR graph as written by nir.write\n"
        "  hint: check the path",
        text("bad.nir", ""),
    ),
    Case(
        "model is cut off", IMPORT.format("cut.nir"),
        "cut.nir: damaged or truncated HDF5 file [nir-damaged]\n"
        "  hint: export or copy it again",
        cut("dense.nir", 0.6),
    ),
    Case(
        "model is a folder", IMPORT.format("mapped"),
        "mapped: no such file [file-missing]",
    ),
    Case(
        "model has NaN weights", IMPORT.format("bad.nir"),
        "bad.nir: node 'fc1' (Affine) has NaN or infinite values in 'weight' [nir-not-finite]\n"
        "  expected: finite numbers\n"
        "  got: 1 of 8192 values are not finite",
        nir_with(set_nan),
    ),
    Case(
        "model has a wrong shape", IMPORT.format("bad.nir"),
        "bad.nir: node 'lif1' (LIF) gives shape (128,), but node 'fc2' (Affine) takes shape (99,) [nir-shape-mismatch]\n"
        "  expected: (99,) by its weight of shape (10, 99)\n"
        "  got: (128,)",
        nir_with(wrong_shape),
    ),
    Case(
        "model has an unknown node", IMPORT.format("bad.nir"),
        "bad.nir: node 'lif1' has the unsupported type 'Hodgkin' [nir-unknown-type]\n"
        "  expected: one of Affine, AvgPool2d, Conv1d, Conv2d, CubaLI, CubaLIF, Delay, Flatten, I, IF, Input, LI, LIF, Linear, NIRGraph, Output, Scale, SumPool2d, Threshold",
        nir_with(odd_type),
    ),
    Case(
        "profile missing", "import dense.nir -o out",
        "no neuron profile was given, and a NIR file does not determine its spikes without one [profile-missing]\n"
        "  expected: one of <profiles>\n"
        "  hint: name the framework that the network was trained in",
    ),
    Case(
        "profile unknown", "import dense.nir --profile spikingjely-2.0 -o out",
        "unknown neuron profile 'spikingjely-2.0' [profile-unknown]\n"
        "  expected: one of <profiles>\n"
        "  hint: did you mean 'spikingjelly-2.0'?",
    ),
    Case(
        "time step negative", IMPORT.format("dense.nir") + " --dt -1",
        "the time step is not positive [profile-dt]\n"
        "  expected: seconds above 0\n"
        "  got: -1",
    ),
    Case(
        "time step missing", "import dense.nir --profile nir-euler -o out",
        "profile 'nir-euler' has no time step of its own [profile-dt]\n"
        "  expected: a time step in seconds (option dt)",
    ),
    Case(
        "output file exists", "import dense.nir --profile spikingjelly-2.0 -o net.npz",
        "net.npz: the output exists [output-exists]\n"
        "  hint: choose another output, or replace it with --force",
    ),
    Case(
        "output file is not ours", IMPORT.format("dense.nir") + " --force",
        "out: the output exists and this program did not make it [output-foreign]\n"
        "  hint: --force replaces only artefacts of this program",
        text("out", "my notes"),
    ),
    Case(
        "output parent missing", "import dense.nir --profile spikingjelly-2.0 -o no/where/net.npz",
        "no/where: the folder to write into does not exist [output-no-parent]\n"
        "  hint: make it, or choose another output",
    ),
    Case(
        "weights with a profile", "import x.npz --profile norse-1.1 -o out",
        "x.npz: an .npz network takes no neuron profile [npz-profile]\n"
        "  got: norse-1.1\n"
        "  hint: its arrays say everything; leave the profile out",
        npz(weight0=np.ones((2, 3))),
    ),
    Case(
        "weights with a gap", "import x.npz -o out",
        "x.npz: unknown array 'weight2' [npz-unknown-array]\n"
        "  expected: weight0, bias0, threshold0, keep0, weight1, ..., reset\n"
        "  hint: did you mean 'weight1'?",
        npz(weight0=np.ones((2, 3)), weight2=np.ones((2, 2))),
    ),
    Case(
        "chip unknown", "map net.npz --chip tinny -o out",
        "unknown chip 'tinny' [chip-unknown-preset]\n"
        "  expected: one of <chips>, or the path of a .yaml file\n"
        "  hint: did you mean 'tiny'?",
    ),
    Case(
        "chip file missing", "map net.npz --chip ./tiny.yaml -o out",
        "tiny.yaml: no such file [file-missing]\n"
        "  hint: did you mean 'tiny'? (a preset needs no .yaml)",
    ),
    Case(
        "chip is a folder", "map net.npz --chip ./mapped -o out",
        "mapped: a folder, not a chip file [file-is-a-folder]\n"
        "  expected: the path of a .yaml file",
    ),
    Case(
        "chip key unknown", MAP,
        "my.yaml:45:3: unknown key 'bufer_flits' in 'router' [chip-unknown-key]\n"
        "  hint: did you mean 'buffer_flits'?",
        chip("  buffer_flits:", "  bufer_flits:"),
    ),
    Case(
        "chip buffers of depth zero", MAP,
        "my.yaml:45:17: 'router.buffer_flits' is out of range [chip-out-of-range]\n"
        "  expected: a whole number from 1 to 4096\n"
        "  got: 0",
        chip("buffer_flits: 4", "buffer_flits: 0"),
    ),
    Case(
        "chip value of a wrong type", MAP,
        "my.yaml:22:10: 'mesh.width' has the wrong type [chip-wrong-type]\n"
        "  expected: a whole number from 1 to 1024\n"
        "  got: 'four'",
        chip("  width: 4", "  width: four"),
    ),
    Case(
        "chip key twice", MAP,
        "my.yaml:23:3: key 'width' stands twice in the same section [chip-duplicate-key]\n"
        "  got: the first is in line 22",
        chip("  width: 4\n", "  width: 4\n  width: 5\n"),
    ),
    Case(
        "chip section missing", MAP,
        "my.yaml:38:1: unknown key 'routers' at the top level [chip-unknown-key]\n"
        "  hint: did you mean 'router'?",
        chip("router:", "routers:"),
    ),
    Case(
        "chip is not YAML", MAP,
        "my.yaml:1:9: not valid YAML: expected ',' or ']', but got '<stream end>' [chip-yaml]\n"
        "  hint: check indentation (spaces, not tabs), quotes and brackets near here",
        text("my.yaml", "a: [1, 2"),
    ),
    Case(
        "chip is not text", MAP,
        "my.yaml:1: not UTF-8 text [file-not-utf8]\n"
        "  got: byte 0xff\n"
        "  hint: save the file as UTF-8",
        text("my.yaml", b"\xff\xfe\x00"),
    ),
    Case(
        "chip without a source", MAP,
        "my.yaml:13:14: number 'cycle.period_ps' has no source [chip-no-provenance]\n"
        "  expected: {value, evidence, source}, or 'provenance' in a section around it\n"
        "my.yaml:17:12: number 'system.chips_x' has no source [chip-no-provenance]\n"
        "  expected: {value, evidence, source}, or 'provenance' in a section around it\n"
        "my.yaml:18:12: number 'system.chips_y' has no source [chip-no-provenance]\n"
        "  expected: {value, evidence, source}, or 'provenance' in a section around it\n"
        "my.yaml:21:10: number 'mesh.width' has no source [chip-no-provenance]\n"
        "  expected: {value, evidence, source}, or 'provenance' in a section around it\n"
        "my.yaml:22:11: number 'mesh.height' has no source [chip-no-provenance]\n"
        "  expected: {value, evidence, source}, or 'provenance' in a section around it\n"
        "and 49 more mistakes",
        chip("provenance: {evidence: assumed, source: invented for this teaching chip}\n", ""),
    ),
    Case(
        "chip to show unknown", "chips show loihi",
        "unknown chip 'loihi' [chip-unknown-preset]\n"
        "  expected: one of <chips>, or the path of a .yaml file\n"
        "  hint: did you mean 'loihi_2018'?",
    ),
    Case(
        "net is not an artefact", "map notes.txt --chip tiny -o out",
        "notes.txt: not a whole artefact of this program [artefact-broken]\n"
        "  got: another kind of file, or one cut off\n"
        "  hint: make it again, or check the path",
        text("notes.txt", "hello"),
    ),
    Case(
        "net is another artefact", "map mapped/program.npz --chip tiny -o out",
        "mapped/program.npz: artefact of another type [artefact-type]\n"
        "  expected: Network\n"
        "  got: Program",
    ),
    Case(
        "net is already integer", "map mapped/network.npz --chip tiny -o out",
        "mapped/network.npz: the network is already in a chip's integers [map-integer-network]\n"
        "  expected: a float network, as `import` makes it",
    ),
    Case(
        "net is cut off", "map cut.npz --chip tiny -o out",
        "cut.npz: not a whole artefact of this program [artefact-broken]\n"
        "  got: another kind of file, or one cut off\n"
        "  hint: make it again, or check the path",
        cut("net.npz", 0.5),
    ),
    Case(
        "net of another version", "map other.npz --chip tiny -o out",
        "other.npz: artefact of another schema version [artefact-version]\n"
        "  expected: 1\n"
        "  got: 99\n"
        "  hint: make it again with this version of the program",
        header(schema_version=99),
    ),
    Case(
        "weights of unknown width", "map net.npz --chip tiny -o out --weight-bits 7",
        "chip 'tiny' has no weights of 7 bits [quantise-weight-bits]\n"
        "  expected: one of 4, 8\n"
        "  got: 7",
    ),
    Case(
        "objective unknown", "map net.npz --chip tiny -o out --objective trafic",
        "MapOptions.objective: unknown objective of the mapper [map-option]\n"
        "  expected: one of cores, traffic\n"
        "  got: trafic\n"
        "  hint: did you mean 'traffic'?",
    ),
    Case(
        "effort not positive", "map net.npz --chip tiny -o out --effort 0",
        "the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: 0.0",
    ),
    Case(
        "effort infinite", "map net.npz --chip tiny -o out --effort inf",
        "the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: inf",
    ),
    Case(
        "effort not a number", "map net.npz --chip tiny -o out --effort nan",
        "the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: nan",
    ),
    Case(
        "effort without an end", "map net.npz --chip tiny -o out --effort 1e300",
        "the effort is out of range [option-range]\n"
        "  expected: a number, 0.001..1000\n"
        "  got: 1e+300",
    ),
    *(
        Case(
            f"seed {seed} of {command.split()[0]}", f"{command} --seed {seed}",
            "the seed is out of range [option-range]\n"
            "  expected: a whole number, 0..2147483647\n"
            f"  got: {seed}",
        )
        for command, seed in (
            ("map net.npz --chip tiny -o out", -1), ("map net.npz --chip tiny -o out", 99999999999999999999),
            ("run mapped --input dense_test.npz -o out", -5), ("demo", 2**31), ("bench", -1),
        )
    ),
    Case(
        "samples of no input", "map net.npz --chip tiny -o out --samples 5",
        "a number of samples was given, but no input [samples-no-input]\n"
        "  hint: name the file that holds them with --input",
    ),
    Case(
        "model not imported", "map dense.nir --chip tiny -o out",
        "dense.nir: a trained model, not yet a network of this program [map-not-imported]\n"
        "  hint: import it first: neurosim import dense.nir --profile NAME -o dense.npz",
    ),
    Case(
        "output without a name", "run mapped --input dense_test.npz --out=",
        "the output has no name [output-name]\n"
        "  expected: a path that ends in a name of its own",
    ),
    Case(
        "output file without a name", "import dense.nir --profile spikingjelly-2.0 --out=",
        "the output has no name [output-name]\n"
        "  expected: a path that ends in a name of its own",
    ),
    Case(
        "output name too long", "run mapped --input dense_test.npz -o " + "a" * 300,
        "a" * 300 + ": cannot write: File name too long [output-unwritable]",
    ),
    Case(
        "output name too long while it is written", "map net.npz --chip tiny -o " + "a" * 250,
        "a" * 250 + ": cannot write: File name too long [output-unwritable]",
    ),
    Case(
        "input name too long", f"run mapped --input {'a' * 300} -o out",
        "a" * 300 + ": the system refuses: File name too long [system-refused]\n"
        "  hint: check the path, its permissions, and the space there",
    ),
    Case(
        "run over its mapping", "run mapped --input dense_test.npz --force -o mapped",
        "mapped: the output is the mapping that it is made from [output-overlap]\n"
        "  got: mapping mapped\n"
        "  hint: choose another output",
    ),
    Case(
        "run around its input", "run mapped --input mine/x.npz --force -o mine",
        "mine: the output contains the input that it is made from [output-overlap]\n"
        "  got: input mine/x.npz\n"
        "  hint: choose another output",
        folder("mine", {"x.npz": ""}),
    ),
    Case(
        "run inside its mapping", "run mapped --input dense_test.npz -o mapped/run",
        "mapped/run: the output lies in the mapping that it is made from [output-overlap]\n"
        "  got: mapping mapped\n"
        "  hint: choose another output",
    ),
    Case(
        "map over its network", "map ./net.npz --chip tiny --force -o net.npz",
        "net.npz: the output is the network that it is made from [output-overlap]\n"
        "  got: network net.npz\n"
        "  hint: choose another output",
    ),
    Case(
        "import over its model", "import net.npz --force -o ./net.npz",
        "net.npz: the output is the model that it is made from [output-overlap]\n"
        "  got: model net.npz\n"
        "  hint: choose another output",
    ),
    Case(
        "network too big", MAP,
        "dense: one neuron of 'lif2' takes 256 synapse words, a core of chip 'tiny' has 128 [map-does-not-fit]\n"
        "  expected: at most 128 synapse words per core\n"
        "  got: 256 (proven minimum)\n"
        "  hint: it would fit with 256 synapse words per core",
        chip("synapse_words: 1024", "synapse_words: 128"),
        code=3,
    ),
    Case(
        "chip without cores enough", MAP,
        "dense: the network needs more cores than chip 'tiny' has; the largest layer is 'lif1' [map-does-not-fit]\n"
        "  expected: at most 2 cores\n"
        "  got: 4 in the best solution found (proven lower bound 3, gap 25 %)\n"
        "  hint: it would fit with a mesh of 2x2 tiles",
        chip("  width: 4\n  height: 4", "  width: 1\n  height: 2"),
        code=3,
    ),
    Case(
        "mapping exists", "map net.npz --chip tiny -o mapped",
        "mapped: the output exists [output-exists]\n"
        "  hint: choose another output, or replace it with --force",
    ),
    Case(
        "mapping parent missing", "map net.npz --chip tiny -o no/out",
        "no: the folder to write into does not exist [output-no-parent]\n"
        "  hint: make it, or choose another output",
    ),
    Case(
        "input missing", "run mapped --input nowhere.npz -o out",
        "nowhere.npz: no such file [file-missing]",
    ),
    Case(
        "input is not a zip", RUN,
        "x.npz: not a whole .npz file of plain arrays [input-not-npz]\n"
        "  expected: a file as numpy.savez writes it, with x and y",
        text("x.npz", "1,2,3"),
    ),
    Case(
        "input is cut off", "run mapped --input cut.npz -o out",
        "cut.npz: not a whole .npz file of plain arrays [input-not-npz]\n"
        "  expected: a file as numpy.savez writes it, with x and y",
        cut("dense_test.npz", 0.5),
    ),
    Case(
        "input without x", RUN,
        "x.npz: no array 'x' in the file [input-no-x]\n"
        "  expected: x (samples, steps, ...), y (samples,)\n"
        "  got: X",
        npz(X=X),
    ),
    Case(
        "input of a wrong shape", RUN,
        "x.npz: 'x' has the wrong shape [input-shape]\n"
        "  expected: (samples, steps, 64)\n"
        "  got: (3, 20, 65)\n"
        "  hint: the network's input is 'input_1' (64,)",
        npz(x=np.zeros((3, 20, 65), np.uint8)),
    ),
    Case(
        "input flat in time", RUN,
        "x.npz: 'x' has the wrong shape [input-shape]\n"
        "  expected: (samples, steps, 64)\n"
        "  got: (3, 64)\n"
        "  hint: the network's input is 'input_1' (64,); if 'x' is one sample, (steps, ...), give it a first "
        "axis with x[None]",
        npz(x=np.zeros((3, 64), np.uint8)),
    ),
    Case(
        "input of floats", RUN,
        "x.npz: 'x' does not hold spike counts [input-dtype]\n"
        "  expected: uint8, bool or another integer type\n"
        "  got: float64\n"
        "  hint: spike counts are whole numbers; store them with x.astype(numpy.uint8)",
        npz(x=np.zeros((3, 20, 64))),
    ),
    Case(
        "input negative", RUN,
        "x.npz: 'x' holds values that are no spike counts [input-range]\n"
        "  expected: 0..255\n"
        "  got: -1..-1",
        npz(x=np.full((3, 20, 64), -1, np.int32)),
    ),
    Case(
        "input too large", RUN,
        "x.npz: 'x' holds values that are no spike counts [input-range]\n"
        "  expected: 0..255\n"
        "  got: 300..300",
        npz(x=np.full((3, 20, 64), 300, np.int32)),
    ),
    Case(
        "input empty", RUN,
        "x.npz: 'x' is empty [input-shape]\n"
        "  expected: at least one sample and one step\n"
        "  got: (0, 20, 64)",
        npz(x=np.zeros((0, 20, 64), np.uint8)),
    ),
    Case(
        "input of objects", RUN,
        "x.npz: not a whole .npz file of plain arrays [input-not-npz]\n"
        "  expected: a file as numpy.savez writes it, with x and y",
        npz(x=np.array([{}], dtype=object)),
    ),
    Case(
        "labels too few", RUN,
        "x.npz: 'y' does not fit 'x' [input-labels]\n"
        "  expected: (3,), one label per sample\n"
        "  got: (2,)",
        npz(x=X, y=np.zeros(2, np.int64)),
    ),
    Case(
        "labels of floats", RUN,
        "x.npz: 'y' does not hold labels [input-labels]\n"
        "  expected: whole numbers from 0 (-1: unknown)\n"
        "  got: float64, y[0] = 0.0\n"
        "  hint: they are whole numbers stored as floats; store them with y.astype(numpy.int64)",
        npz(x=X, y=np.zeros(3)),
    ),
    Case(
        "labels of fractions", RUN,
        "x.npz: 'y' does not hold labels [input-labels]\n"
        "  expected: whole numbers from 0 (-1: unknown)\n"
        "  got: float64, y[1] = 0.5",
        npz(x=X, y=np.array([0, 0.5, 1])),
    ),
    Case(
        "label beyond the outputs", RUN,
        "x.npz: 'y' holds a label that is no output of the network [input-label-range]\n"
        "  expected: 0..9 for 10 outputs (-1: unknown)\n"
        "  got: y[1] = 99",
        npz(x=X, y=np.array([9, 99, -1])),
    ),
    Case(
        "labels beyond the outputs, for map", "map net.npz --chip tiny --input x.npz -o out",
        "x.npz: 'y' holds a label that is no output of the network [input-label-range]\n"
        "  expected: 0..9 for 10 outputs (-1: unknown)\n"
        "  got: y[0] = 10; 2 of 3 labels are wrong",
        npz(x=X, y=np.array([10, 3, -2])),
    ),
    Case(
        "samples zero", "run mapped --input dense_test.npz --samples 0 -o out",
        "the number of samples is out of range [option-range]\n"
        "  expected: a whole number, at least 1\n"
        "  got: 0",
    ),
    Case(
        "samples of a demo zero", "demo --samples 0",
        "the number of samples is out of range [option-range]\n"
        "  expected: a whole number, at least 1\n"
        "  got: 0",
    ),
    Case(
        "samples too many", "run mapped --input dense_test.npz --samples 451 -o out",
        "dense_test.npz: the number of samples is out of range [input-samples]\n"
        "  expected: 1..450\n"
        "  got: 451",
    ),
    Case(
        "map with a wrong input", "map net.npz --chip tiny --input conv_test.npz -o out",
        "conv_test.npz: 'x' has the wrong shape [input-shape]\n"
        "  expected: (samples, steps, 64)\n"
        "  got: (450, 20, 1, 8, 8)\n"
        "  hint: the network's input is 'input_1' (64,)",
    ),
    Case(
        "mapping missing", "run nowhere --input dense_test.npz -o out",
        "nowhere: no such folder [folder-missing]\n"
        "  expected: a mapping (made by `map`)",
    ),
    Case(
        "mapping is a file", "run net.npz --input dense_test.npz -o out",
        "net.npz: not a folder [folder-missing]\n"
        "  expected: a mapping (made by `map`)",
    ),
    Case(
        "mapping is a foreign folder", "run mine --input dense_test.npz -o out",
        "mine: not a folder that this program made [folder-foreign]\n"
        "  expected: a mapping (made by `map`)\n"
        "  got: a folder without a readable manifest.json",
        folder("mine", {"notes.txt": "hello"}),
    ),
    Case(
        "mapping is a run", "run run --input dense_test.npz -o out",
        "run: a folder of another kind [folder-kind]\n"
        "  expected: a mapping (made by `map`)\n"
        "  got: a run (made by `run`)",
    ),
    Case(
        "mapping lacks a file", "run broken --input dense_test.npz -o out",
        "broken: a file of the folder is missing: routes.npz [folder-incomplete]\n"
        "  hint: make the folder again",
        mapping_without("routes.npz"),
    ),
    Case(
        "engine unknown", "run mapped --input dense_test.npz --engine referense -o out",
        "unknown engine 'referense' [engine-unknown]\n"
        "  expected: one of compiled, estimate, functional, reference\n"
        "  hint: did you mean 'reference'?",
    ),
    Case(
        "step limit not positive", "run mapped --input dense_test.npz --max-step-cycles 0 -o out",
        "the limit of a time step in cycles is out of range [option-range]\n"
        "  expected: a whole number, at least 1\n"
        "  got: 0",
    ),
    Case(
        "events without packets", "run mapped --input dense_test.npz --engine functional --events -o out",
        "engine 'functional' does not log packets [events-no-log]\n"
        "  hint: events.parquet needs a cycle engine, such as compiled",
    ),
    Case(
        "run exists", "run mapped --input dense_test.npz -o run",
        "run: the output exists [output-exists]\n"
        "  hint: choose another output, or replace it with --force",
    ),
    Case(
        "force on a foreign folder", "run mapped --input dense_test.npz -o mine --force",
        "mine: the output exists and holds what this program did not make [output-foreign]\n"
        "  got: notes.txt\n"
        "  hint: --force replaces only folders that this program made",
        folder("mine", {"notes.txt": "hello"}),
    ),
    Case(
        "force on a file", "run mapped --input dense_test.npz -o net.npz --force",
        "net.npz: the output exists and is not a folder [output-foreign]\n"
        "  hint: --force replaces only folders that this program made",
    ),
    Case(
        "report of a mapping", "report mapped",
        "mapped: a folder of another kind [folder-kind]\n"
        "  expected: a run (made by `run`)\n"
        "  got: a mapping (made by `map`)",
    ),
    Case(
        "report of a demo", "report mine",
        "mine: a demo, which holds a run [folder-kind]\n"
        "  expected: a run (made by `run`)\n"
        "  hint: its run is mine/run",
        folder("mine", {"manifest.json": '{"made_by": "neurosim", "kind": "demo", "files": {}}'}),
    ),
    Case(
        "report of nothing", "report nowhere",
        "nowhere: no such folder [folder-missing]\n"
        "  expected: a run (made by `run`)",
    ),
    Case(
        "check of nothing", "check nowhere",
        "nowhere: no such file or folder [file-missing]",
    ),
    Case(
        "check of text", "check notes.txt",
        "notes.txt: not a whole artefact of this program [artefact-broken]\n"
        "  got: another kind of file, or one cut off\n"
        "  hint: make it again, or check the path",
        text("notes.txt", "hello"),
    ),
    Case(
        "check of samples", "check dense_test.npz",
        "dense_test.npz: not a whole artefact of this program [artefact-broken]\n"
        "  got: an .npz file of plain arrays: x, y\n"
        "  hint: make it again, or check the path",
    ),
    Case(
        "check of another zip file", "check x.zip",
        "x.zip: not a whole artefact of this program [artefact-broken]\n"
        "  got: another kind of zip file\n"
        "  hint: make it again, or check the path",
        lambda here: zipfile.ZipFile(here / "x.zip", "w").close(),
    ),
    Case(
        "check of part of a mapping", "check mapped/mapping.json",
        "mapped/mapping.json: not an artefact that is checked alone; it is checked with its folder [check-with-folder]\n"
        "  hint: neurosim check mapped",
    ),
    Case(
        "check of part of a run", "check run/metrics.json",
        "run/metrics.json: not an artefact that is checked alone; it is checked with its folder [check-with-folder]\n"
        "  hint: neurosim check run",
    ),
    Case(
        "check of the input of a run", "check run/input.npz",
        "run/input.npz: not an artefact that is checked alone; it is checked with its folder [check-with-folder]\n"
        "  hint: neurosim check run",
    ),
    Case(
        "check of a manifest", "check run/manifest.json",
        "run/manifest.json: not an artefact that is checked alone; it is checked with its folder [check-with-folder]\n"
        "  hint: neurosim check run",
    ),
    Case(
        "check of a pipe", "check pipe.yaml",
        "pipe.yaml: a pipe or device, not a file [file-not-plain]",
        lambda here: os.mkfifo(here / "pipe.yaml"),
    ),
    Case(
        "net is a folder", "map mapped --chip tiny -o out",
        "mapped: a folder, not a file [file-is-a-folder]",
    ),
    Case(
        "figures of the mapping empty", "run broken --input dense_test.npz -o out",
        "broken/mapping.json: the figure 'network.digest' is missing [mapping-figures]\n"
        "  hint: make the mapping again",
        mapping_figures({}),
    ),
    Case(
        "figures of the mapping of a wrong kind", "run broken --input dense_test.npz -o out",
        "broken/mapping.json: the figure 'quantisation.layers.0.population' is missing [mapping-figures]\n"
        "  hint: make the mapping again",
        mapping_figures({"network": {"digest": "", "float_digest": ""}, "chip": {"digest": ""}, "seed": 0,
                         "input_digest": None, "quantisation": {"layers": [{}]}}),
    ),
    Case(
        "check of a lonely file", "check alone/placement.npz",
        "alone/placement.npz: needs partition.npz beside it to be checked [check-beside]\n"
        "  hint: check the whole folder, or keep the files of a mapping together",
        lonely("placement.npz"),
    ),
    Case(
        "check of an unknown type", "check other.npz",
        "other.npz: no checker for an artefact of type Novel [check-type]\n"
        "  expected: one of Network, Partition, Placement, Program, Result, Routes",
        header(type="Novel"),
    ),
    Case(
        "demo network unknown", "demo --net dens",
        "unknown demo network 'dens' [demo-net]\n"
        "  expected: one of dense, conv\n"
        "  hint: did you mean 'dense'?",
    ),
    Case(
        "demo chip too small", "demo --chip my.yaml",
        "dense: one neuron of 'lif2' takes 256 synapse words, a core of chip 'tiny' has 128 [map-does-not-fit]\n"
        "  expected: at most 128 synapse words per core\n"
        "  got: 256 (proven minimum)\n"
        "  hint: it would fit with 256 synapse words per core",
        chip("synapse_words: 1024", "synapse_words: 128"),
        code=3,
    ),
    Case(
        "command unknown", "simulate",
        "unknown command 'simulate' [usage]\n"
        "  expected: one of demo, import, map, run, resume, report, export, check, diff, chips, bench, doctor",
    ),
    Case(
        "command misspelt", "chip",
        "unknown command 'chip' [usage]\n"
        "  expected: one of demo, import, map, run, resume, report, export, check, diff, chips, bench, doctor\n"
        "  hint: did you mean 'chips'?",
    ),
    Case(
        "option unknown", "run mapped --imput x.npz -o out",
        "unknown option '--imput' of `neurosim run` [usage]\n"
        "  hint: did you mean '--input'?",
    ),
    Case(
        "option without a value", "run mapped -o out --input",
        "option '--input' requires an argument [usage]\n"
        "  hint: see `neurosim --help`",
    ),
    Case(
        "argument missing", "run --input dense_test.npz -o out",
        "`neurosim run` needs the argument 'DIR' [usage]\n"
        "  hint: see `neurosim run --help`",
    ),
    Case(
        "option missing", "map net.npz -o out",
        "`neurosim map` needs the option '--chip' [usage]\n"
        "  hint: see `neurosim map --help`",
    ),
    Case(
        "run without input", "run mapped -o out",
        "dense: this network needs an input [run-input]\n"
        "  got: no input, no number of steps\n"
        "  hint: name a file of samples with --input",
    ),
    Case(
        "steps for a network with inputs", "run mapped --steps 8 -o out",
        "dense: this network needs an input [run-input]\n"
        "  got: no input, 8 steps\n"
        "  hint: name a file of samples with --input",
    ),
    Case(
        "cores of too few neurons", "map net.npz --chip tiny --cores dense_test.npz -o out",
        "dense_test.npz: no array 'core' in the file [input-no-core]\n"
        "  expected: core (neurons,), the core number of every neuron\n"
        "  got: x, y",
    ),
    Case(
        "format unknown", "import dense.nir --profile spikingjelly-2.0 --format nirr -o out.npz",
        "unknown importer 'nirr' [importer-unknown]\n"
        "  expected: one of nir, npz, random_snn\n"
        "  hint: did you mean 'nir'?",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.prepare(here)
    before = sorted(p.name for p in here.iterdir())
    found = neurosim(case.line)
    said = case.said.replace("<profiles>", ", ".join(profile_names()))
    said = said.replace("<chips>", ", ".join(preset_names()))
    assert found.err == "error: " + said + "\n"
    assert found.out == ""
    assert found.code == case.code
    assert sorted(p.name for p in here.iterdir()) == before  # nothing new, whole or half
