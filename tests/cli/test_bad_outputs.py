"""Outputs that are in the way, and exactly what users are told: never a traceback, never half an output."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Neurosim
from tests.cli.mistakes import IMPORT, Case, folder, text

CASES = [
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
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.check(neurosim, here)
