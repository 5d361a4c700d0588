"""Input samples that do not fit, and exactly what users are told: never a traceback, never half an output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.conftest import Neurosim
from tests.cli.mistakes import RUN, Case, X, cut, npz, text

CASES = [
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
]


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_exact_text(case: Case, neurosim: Neurosim, here: Path) -> None:
    case.check(neurosim, here)
