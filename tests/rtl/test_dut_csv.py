"""What users are told of mistakes in the CSV files that an adapter names: the line, and no word of Python's."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import InputError
from rtl_models.dut.core_model import declared_core
from rtl_models.dut.images import transactions
from rtl_models.dut.loading import load_adapter
from rtl_models.dut.stimuli import make_stimuli
from tests.rtl.dut_cases import core, pipe


def said(tmp_path, act) -> str:
    with pytest.raises(InputError) as caught:
        act()
    return caught.value.text().replace(f"{tmp_path}/", "")


STIMULI = {  # bytes of the file, what is wrong with it
    "no column": (
        b"step,low\n1,2\n",
        "'events.csv' has no column 'cycle' [adapter-stimuli]\n  got: step, low",
    ),
    "empty": (b"", "'events.csv' has no column 'cycle' [adapter-stimuli]\n  got: nothing"),
    "column misspelt": (
        b"cycle,lwo\n0,1\n",
        "'events.csv' has an unknown column 'lwo' [adapter-stimuli]\n"
        "  expected: columns among cycle, port, low, high\n  hint: did you mean 'low'?",
    ),
    "column twice": (b"cycle,low,low\n0,1,2\n", "'events.csv' names the column 'low' twice [adapter-stimuli]"),
    "not a number": (
        b"cycle,low,high\n0,1,2\n\n1,x,2\n",
        "events.csv:4: 'low' is not a whole number [adapter-stimuli]\n"
        "  expected: a whole number, such as 12, -3 or 0x1f\n  got: 'x'",
    ),
    "empty cell": (
        b"cycle,low,high\n0,,2\n",
        "events.csv:2: 'low' is not a whole number [adapter-stimuli]\n"
        "  expected: a whole number, such as 12, -3 or 0x1f\n  got: an empty cell",
    ),
    "before the beginning": (
        b"cycle,low\n-1,1\n",
        "events.csv:2: 'cycle' is out of range [adapter-stimuli]\n  expected: at least 0\n  got: -1",
    ),
    "too few cells": (
        b"cycle,low,high\n0,1\n",
        "events.csv:2: the line has not one cell for each column [adapter-stimuli]\n"
        "  expected: 3: cycle, low, high\n  got: 2",
    ),
    "no such port": (
        b"cycle,port,low\n0,c,1\n",
        "events.csv:2: 'c' is no input port [adapter-stimuli]\n  expected: a",
    ),
    "not text": (
        b"cycle,low\n0,\xff\n",
        "'events.csv' is not UTF-8 text [adapter-stimuli]\n  hint: save the file as UTF-8",
    ),
    "open quote": (b'cycle,low\n0,"1\n', "'events.csv' is not CSV [adapter-stimuli]\n  hint: do its quotes close?"),
}


@pytest.mark.parametrize("name", sorted(STIMULI))
def test_stimuli(tmp_path, name):
    data, expected = STIMULI[name]
    (tmp_path / "events.csv").write_bytes(data)
    loaded = load_adapter(pipe(tmp_path, "valid_ready", stimuli__file="events.csv"))
    assert said(tmp_path, lambda: make_stimuli(loaded, 1, None, {})) == f"adapter.yaml:28:27: {expected}"


def test_what_a_file_of_stimuli_may_look_like(tmp_path):
    text = "\ufeffcycle, port ,high,low\r\n# the first\r\n3,a,0x1f,2\r\n\r\n5,,1,1\r\n"
    (tmp_path / "events.csv").write_bytes(text.encode())
    loaded = load_adapter(pipe(tmp_path, "valid_ready", stimuli__file="events.csv"))
    read = make_stimuli(loaded, 1, None, {})
    assert read.stream == (("a", 3, {"low": 2, "high": 31}), ("a", 5, {"low": 1, "high": 1}))


WEIGHTS = {
    "text": (
        "1,2\n3,4.5\n",
        "w.csv:2: cell 2 is not a whole number [adapter-bad-file]\n"
        "  expected: a whole number, such as 12, -3 or 0x1f\n  got: '4.5'",
    ),
    "too large": (
        "1,40000\n",
        "w.csv:1: cell 2 is out of range [adapter-bad-file]\n  expected: -32768 to 32767\n  got: 40000",
    ),
    "ragged": ("1,2\n3\n", "the lines of 'w.csv' have not all as many cells [adapter-bad-file]\n  got: 1, 2"),
    "empty": (
        "",
        "the weights in 'w.csv' have the wrong shape [adapter-shape]\n"
        "  expected: (8, 8) (axons, neurons)\n  got: (0, 0)",
    ),
}


@pytest.mark.parametrize("name", sorted(WEIGHTS))
def test_weights(tmp_path, name):
    text, expected = WEIGHTS[name]
    (tmp_path / "w.csv").write_text(text)
    loaded = load_adapter(core(tmp_path, against__neuron__weights={"file": "w.csv"}))
    given = loaded.adapter.against.neuron
    assert said(tmp_path, lambda: declared_core(loaded, given)) == f"adapter.yaml:10:21: {expected}"


@pytest.mark.parametrize(
    ("table", "expected"),
    [
        (np.full((8, 8), 0.5), "'w.npy' holds no weights [adapter-bad-file]\n"
         "  expected: whole numbers from -32768 to 32767\n  got: the type float64"),
        (np.full((8, 8), 70000), "'w.npy' holds no weights [adapter-bad-file]\n"
         "  expected: whole numbers from -32768 to 32767\n  got: 70000 to 70000"),
        (None, "'w.npy' is not an array file (.npy) [adapter-bad-file]"),
    ],
)  # fmt: skip
def test_weights_of_numpy(tmp_path, table, expected):
    if table is None:
        (tmp_path / "w.npy").write_bytes(b"no array")
    else:
        np.save(tmp_path / "w.npy", table)
    loaded = load_adapter(core(tmp_path, against__neuron__weights={"file": "w.npy"}))
    given = loaded.adapter.against.neuron
    assert said(tmp_path, lambda: declared_core(loaded, given)) == f"adapter.yaml:10:21: {expected}"


def test_transactions(tmp_path):
    (tmp_path / "writes.csv").write_text("neuron,thresh\n0,1\n")
    loaded = load_adapter(core(tmp_path))
    stage = loaded.adapter.configuration[1].model_copy(update={"file": "writes.csv"})
    text = said(tmp_path, lambda: transactions(loaded, 1, stage, {}))
    where, rest = text.split(": ", 1)
    assert where.startswith("adapter.yaml:")
    known = ", ".join(stage.bus.signals)
    assert rest == (
        "'writes.csv' has an unknown column 'thresh' [adapter-bad-file]\n"
        f"  expected: columns among {known}\n  hint: did you mean 'threshold'?"
    )
