"""Input files: what is accepted, and the exact message for what is not."""

from __future__ import annotations

import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.network.inputs import check_inputs, load_inputs
from neurosim.network.model import Network, Population

NET = Network("n", (Population("in", (1, 2, 3), None),), (), (), 1e-3, "p")
X = np.random.default_rng(0).integers(0, 3, (5, 4, 1, 2, 3)).astype(np.uint8)
Y = np.arange(5)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.int16, np.uint32])
def test_counts_of_any_integer_type(dtype):
    data = check_inputs(X.astype(dtype), Y, NET)
    assert data.spikes.dtype == np.uint8
    np.testing.assert_array_equal(data.spikes, X.reshape(5, 4, 6))
    np.testing.assert_array_equal(data.labels, Y)
    assert data.digest == check_inputs(X.reshape(5, 4, 6), Y, NET).digest


def test_spikes_as_bool_and_no_labels():
    data = check_inputs(X > 0, None, NET)
    np.testing.assert_array_equal(data.spikes, (X > 0).reshape(5, 4, 6))
    assert data.labels.tolist() == [-1] * 5


def test_some_samples(tmp_path):
    np.savez(tmp_path / "x.npz", x=X, y=Y)
    data = load_inputs(tmp_path / "x.npz", NET, 2)
    np.testing.assert_array_equal(data.spikes, X[:2].reshape(2, 4, 6))
    assert data.digest != load_inputs(tmp_path / "x.npz", NET).digest
    assert data.digest == check_inputs(X[:2], Y[:2], NET).digest


CASES = {
    "float": ({"x": X * 1.0}, "'x' does not hold spike counts [input-dtype]\n"
              "  expected: uint8, bool or another integer type\n  got: float64\n"
              "  hint: spike counts are whole numbers; store them with x.astype(numpy.uint8)"),
    "NaN": ({"x": np.full((5, 4, 6), np.nan)}, "'x' does not hold spike counts [input-dtype]\n"
            "  expected: uint8, bool or another integer type\n  got: float64\n  hint: it even has NaN values; "
            "spike counts are whole numbers; store them with x.astype(numpy.uint8)"),
    "negative": ({"x": X.astype(int) - 1}, "'x' holds values that are no spike counts [input-range]\n"
                 "  expected: 0..255\n  got: -1..1"),
    "too large": ({"x": X.astype(int) * 200}, "'x' holds values that are no spike counts [input-range]\n"
                  "  expected: 0..255\n  got: 0..400"),
    "no x": ({"X": X}, "no array 'x' in the file [input-no-x]\n  expected: x (samples, steps, ...), y (samples,)\n"
             "  got: X"),
    "shape": ({"x": X[:, :, 0, :, :2]}, "'x' has the wrong shape [input-shape]\n"
              "  expected: (samples, steps, 1, 2, 3)\n  got: (5, 4, 2, 2)\n"
              "  hint: the network's input is 'in' (1, 2, 3)"),
    "one sample": ({"x": X[0, :, 0, 0]}, "'x' has the wrong shape [input-shape]\n"
                   "  expected: (samples, steps, 1, 2, 3)\n  got: (4, 3)\n"
                   "  hint: the network's input is 'in' (1, 2, 3)"),
    "empty": ({"x": X[:0]}, "'x' is empty [input-shape]\n  expected: at least one sample and one step\n"
              "  got: (0, 4, 1, 2, 3)"),
    "steps first": ({"x": X.swapaxes(0, 1), "y": Y}, "'y' does not fit 'x' [input-labels]\n"
                    "  expected: (4,), one label per sample\n  got: (5,)\n"
                    "  hint: 'x' looks like (steps, samples, ...); swap its first two axes with x.swapaxes(0, 1)"),
    "labels": ({"x": X, "y": np.arange(3)}, "'y' does not fit 'x' [input-labels]\n"
               "  expected: (5,), one label per sample\n  got: (3,)"),
    "label type": ({"x": X, "y": Y * 1.0}, "'y' does not hold labels [input-labels]\n"
                   "  expected: whole numbers from 0 (-1: unknown)\n  got: float64, y[0] = 0.0\n"
                   "  hint: they are whole numbers stored as floats; store them with y.astype(numpy.int64)"),
    "label text": ({"x": X, "y": np.array(["a", "b", "c", "d", "e"])}, "'y' does not hold labels [input-labels]\n"
                   "  expected: whole numbers from 0 (-1: unknown)\n  got: <U1, y[0] = 'a'"),
    "negative label": ({"x": X, "y": Y - 2}, "'y' holds a label that is no output of the network "
                       "[input-label-range]\n  expected: whole numbers from 0 (-1: unknown)\n  got: y[0] = -2"),
    "sample axis": ({"x": X[0]}, "'x' has the wrong shape [input-shape]\n"
                    "  expected: (samples, steps, 1, 2, 3)\n  got: (4, 1, 2, 3)\n"
                    "  hint: the network's input is 'in' (1, 2, 3); if 'x' is one sample, (steps, ...), give it a "
                    "first axis with x[None]"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_file(tmp_path, name):
    arrays, text = CASES[name]
    path = tmp_path / "x.npz"
    np.savez(path, **arrays)
    with pytest.raises(InputError) as caught:
        load_inputs(path, NET)
    assert caught.value.text() == f"{path}: {text}"


@pytest.mark.parametrize("samples", [0, 6])
def test_number_of_samples(tmp_path, samples):
    np.savez(tmp_path / "x.npz", x=X)
    with pytest.raises(InputError) as caught:
        load_inputs(tmp_path / "x.npz", NET, samples)
    assert caught.value.text() == (
        f"{tmp_path / 'x.npz'}: the number of samples is out of range [input-samples]\n"
        f"  expected: 1..5\n  got: {samples}"
    )


def test_missing_and_broken_files(tmp_path):
    with pytest.raises(InputError, match=r"no such file \[file-missing\]"):
        load_inputs(tmp_path / "none.npz", NET)
    np.savez(tmp_path / "x.npz", x=X)
    data = (tmp_path / "x.npz").read_bytes()
    np.save(tmp_path / "a.npy", X)
    for content in (b"", b"text", data[:50], data[: len(data) - 30], (tmp_path / "a.npy").read_bytes()):
        path = tmp_path / "broken.npz"
        path.write_bytes(content)
        with pytest.raises(InputError) as caught:
            load_inputs(path, NET)
        assert caught.value.text() == (
            f"{path}: not a whole .npz file of plain arrays [input-not-npz]\n"
            "  expected: a file as numpy.savez writes it, with x and y"
        )


def test_pickled_objects_are_refused(tmp_path):
    np.savez(tmp_path / "x.npz", x=np.array([{"a": 1}], dtype=object))
    with pytest.raises(InputError, match="input-not-npz"):
        load_inputs(tmp_path / "x.npz", NET)


@pytest.mark.parametrize("dtype", [np.uint8, np.int64, np.uint64])
def test_labels_are_outputs(dtype):
    """A label at or beyond the number of outputs is refused; -1 and the last output are not."""
    from dataclasses import replace

    net = replace(NET, outputs=("in",))  # of 6 neurons
    assert check_inputs(X, (Y + 1).astype(dtype), net).labels.tolist() == [1, 2, 3, 4, 5]
    assert check_inputs(X, np.array([-1, 5, 0, 0, -1]), net).labels.tolist() == [-1, 5, 0, 0, -1]
    with pytest.raises(InputError) as caught:
        check_inputs(X, (Y + 2).astype(dtype), net)
    assert caught.value.text() == (
        "'y' holds a label that is no output of the network [input-label-range]\n"
        "  expected: 0..5 for 6 outputs (-1: unknown)\n  got: y[4] = 6"
    )
