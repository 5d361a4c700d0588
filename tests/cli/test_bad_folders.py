"""Folders and files of ours that are not what a command needs, and exactly what users are told: never a traceback, never half an output."""

from __future__ import annotations

import os
import zipfile
from pathlib import Path

import pytest

from tests.cli.conftest import Neurosim
from tests.cli.mistakes import Case, folder, header, lonely, mapping_figures, mapping_without, text

CASES = [
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
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.check(neurosim, here)
