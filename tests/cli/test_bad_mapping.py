"""Networks and chips that ``map`` refuses, and exactly what users are told: never a traceback, never half an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Neurosim
from tests.cli.mistakes import MAP, Case, chip, cut, header, npz, text

CASES = [
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
        "and 51 more mistakes",
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
        "net is in other integers", "map mapped/network.npz --chip tiny --weight-bits 4 -o out",
        "dense: the network's weights are integers already [map-weight-bits]\n"
        "  expected: 8 bits, or no width\n"
        "  got: 4 bits",
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
        "model not imported", "map dense.nir --chip tiny -o out",
        "dense.nir: a trained model, not yet a network of this program [map-not-imported]\n"
        "  hint: import it first: neurosim import dense.nir --profile NAME -o dense.npz",
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
        "net is a folder", "map mapped --chip tiny -o out",
        "mapped: a folder, not a file [file-is-a-folder]",
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
        "cores under another name", "map net.npz --chip tiny --cores x.npz -o out",
        "x.npz: no array 'core' in the file [input-no-core]\n"
        "  expected: core (neurons,), the core number of every neuron\n"
        "  got: cores\n"
        "  hint: rename its array 'cores' to 'core'",
        npz(cores=np.zeros(138, np.int64)),
    ),
    Case(
        "cores of too few neurons", "map net.npz --chip tiny --cores dense_test.npz -o out",
        "dense_test.npz: no array 'core' in the file [input-no-core]\n"
        "  expected: core (neurons,), the core number of every neuron\n"
        "  got: x, y",
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.check(neurosim, here)
