"""Models that ``import`` cannot read, and exactly what users are told: never a traceback, never half an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Neurosim
from tests.cli.mistakes import IMPORT, Case, cut, nir_with, npz, odd_type, set_nan, text, wrong_shape

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
        "weights with a profile", "import x.npz --profile norse-1.1 -o out",
        "x.npz: an .npz network takes no neuron profile [npz-profile]\n"
        "  got: norse-1.1\n"
        "  hint: its arrays say everything; leave the profile out",
        npz(weight0=np.ones((2, 3))),
    ),
    Case(
        "weights with a gap", "import x.npz -o out",
        "x.npz: unknown array 'weight2' [npz-unknown-array]\n"
        "  expected: weight0, bias0, threshold0, keep0, weight1, ..., reset, first_spike_steps\n"
        "  hint: did you mean 'weight1'?",
        npz(weight0=np.ones((2, 3)), weight2=np.ones((2, 2))),
    ),
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.check(neurosim, here)
