"""Every way in which a NIR file can be wrong, with the exact message."""

from __future__ import annotations

import h5py
import numpy as np
import pytest

from neurosim.errors import InputError
from neurosim.network.nir_reader import import_nir
from tests.network.nir_files import chain, conv, graph, if_neurons, node, pool, write

IN, OUT = ("in", node("Input", shape=(3,))), ("out", node("Output", shape=(3,)))
IF = ("if", if_neurons())
EYE = np.eye(3)
NAN = np.array([[1.0, np.nan, np.inf]] * 3)
LIF = {"r": np.ones(3), "v_leak": np.zeros(3), "v_threshold": np.ones(3)}
MAP = ("in", node("Input", shape=(2, 4, 4)))
SUB = graph(
    {"a": node("Input", shape=(3,)), "if": if_neurons(), "b": node("Output")}, [("a", "if"), ("if", "b")]
)
TYPES = (
    "Affine, AvgPool2d, Conv1d, Conv2d, CubaLI, CubaLIF, Delay, Flatten, I, IF, Input, LI, LIF, Linear, NIRGraph, "
    "Output, Scale, SumPool2d, Threshold"
)


def nodes_and(edges, **more):
    return graph({"in": IN[1], "if": if_neurons(), "out": OUT[1], **more}, edges)


STRAIGHT = [("in", "if"), ("if", "out")]
CASES = {
    "unknown type": (
        chain(IN, ("x", node("Conv3d")), IF, OUT),
        f"node 'x' has the unsupported type 'Conv3d' [nir-unknown-type]\n  expected: one of {TYPES}\n"
        "  hint: did you mean 'Conv2d'?"),
    "missing parameter": (
        chain(IN, ("w", node("Affine", weight=EYE)), IF, OUT),
        "node 'w' (Affine) lacks the parameter 'bias' [nir-missing-parameter]\n  expected: weight, bias\n  got: weight"),
    "NaN weights": (
        chain(IN, ("w", node("Linear", weight=NAN)), IF, OUT),
        "node 'w' (Linear) has NaN or infinite values in 'weight' [nir-not-finite]\n  expected: finite numbers\n"
        "  got: 6 of 9 values are not finite"),
    "dense shape": (
        chain(IN, ("w", node("Linear", weight=np.ones((2, 5)))), IF, OUT),
        "node 'in' (Input) gives shape (3,), but node 'w' (Linear) takes shape (5,) [nir-shape-mismatch]\n"
        "  expected: (5,) by its weight of shape (2, 5)\n  got: (3,)"),
    "missing flatten": (
        chain(MAP, ("w", node("Linear", weight=np.ones((2, 32)))), IF, ("out", node("Output"))),
        "node 'in' (Input) gives shape (2, 4, 4), but node 'w' (Linear) takes shape (32,) [nir-shape-mismatch]\n"
        "  expected: (32,) by its weight of shape (2, 32)\n  got: (2, 4, 4)\n"
        "  hint: a Flatten node is missing (its dimensions count without the batch, from 0)"),
    "weight rank": (
        chain(IN, ("w", node("Linear", weight=np.ones((2, 3, 1)))), IF, OUT),
        "node 'w' (Linear): the weight is not a matrix [nir-bad-parameter]\n  expected: shape (out, in)\n"
        "  got: shape (2, 3, 1)"),
    "bias shape": (
        chain(IN, ("w", node("Affine", weight=EYE, bias=np.ones(4))), IF, OUT),
        "node 'w' (Affine): the bias does not fit [nir-bad-parameter]\n  expected: shape (3,)\n  got: shape (4,)"),
    "neuron shape": (
        chain(IN, ("if", if_neurons(v_threshold=np.ones(4))), OUT),
        "node 'in' (Input) gives shape (3,), but node 'if' (IF) takes shape (4,) [nir-shape-mismatch]\n"
        "  expected: (4,) by its 'v_threshold'\n  got: (3,)"),
    "output shape": (
        chain(IN, IF, ("out", node("Output", shape=(4,)))),
        "node 'if' (IF) gives shape (3,), but node 'out' (Output) takes shape (4,) [nir-shape-mismatch]\n"
        "  expected: (4,) by its declared shape\n  got: (3,)"),
    "two edges of different shapes": (
        nodes_and([*STRAIGHT, ("in", "w"), ("w", "if")], w=node("Linear", weight=np.ones((2, 3)))),
        "node 'w' (Linear) gives shape (2,), but node 'if' (IF) takes shape (3,) [nir-shape-mismatch]\n"
        "  expected: (3,)\n  got: (2,)\n  hint: 'if' is also fed by 'in'"),
    "conv channels": (
        chain(MAP, ("c", conv(np.ones((4, 1, 3, 3)))), IF, ("out", node("Output"))),
        "node 'in' (Input) gives shape (2, 4, 4), but node 'c' (Conv2d) takes shape (1, any, any) [nir-shape-mismatch]\n"
        "  expected: (1, any, any)\n  got: (2, 4, 4)\n  hint: its weight has shape (4, 1, 3, 3), groups 1"),
    "conv groups": (
        chain(MAP, ("c", conv(np.ones((3, 1, 3, 3)), groups=2)), IF, ("out", node("Output"))),
        "node 'c' (Conv2d): groups do not divide the output channels [nir-bad-parameter]\n"
        "  expected: a divisor of 3\n  got: 2"),
    "conv kernel too large": (
        chain(MAP, ("c", conv(np.ones((3, 2, 5, 5)))), IF, ("out", node("Output"))),
        "node 'c' (Conv2d): the kernel is larger than its padded input [nir-bad-parameter]\n"
        "  got: kernel (5, 5) on (4, 4)"),
    "conv input shape": (
        chain(
            MAP, ("c", {**conv(np.ones((3, 2, 3, 3))), "input_shape": (5, 4)}), IF, ("out", node("Output"))
        ),
        "node 'in' (Input) gives shape (2, 4, 4), but node 'c' (Conv2d) takes shape (2, 5, 4) [nir-shape-mismatch]\n"
        "  expected: (2, 5, 4) by its 'input_shape'\n  got: (2, 4, 4)"),
    "same with stride": (
        chain(
            MAP, ("c", conv(np.ones((3, 2, 3, 3)), stride=(2, 2), padding="same")), IF,
            ("out", node("Output")),
        ),
        "node 'c' (Conv2d): padding 'same' needs stride 1 [nir-bad-parameter]\n"
        "  expected: stride 1\n  got: stride (2, 2)"),
    "unknown padding": (
        chain(MAP, ("c", conv(np.ones((3, 2, 3, 3)), padding="full")), IF, ("out", node("Output"))),
        "node 'c' (Conv2d): unknown padding [nir-bad-parameter]\n  expected: whole numbers, 'same' or 'valid'\n"
        "  got: 'full'"),
    "stride length": (
        chain(MAP, ("c", conv(np.ones((3, 2, 3, 3)), stride=(1, 1, 1))), IF, ("out", node("Output"))),
        "node 'c' (Conv2d): parameter 'stride' has the wrong length [nir-bad-parameter]\n  expected: 2\n  got: 3"),
    "pool of a vector": (
        chain(IN, ("p", pool("Sum", 2, 2)), IF, OUT),
        "node 'in' (Input) gives shape (3,), but node 'p' (SumPool2d) takes shape (channels, height, width) "
        "[nir-shape-mismatch]\n  expected: 3 dimensions\n  got: (3,)"),
    "flatten with batch": (
        chain(IN, ("f", node("Flatten", start_dim=1, end_dim=-1)), IF, OUT),
        "node 'f' (Flatten): start_dim and end_dim do not fit the layer [nir-bad-parameter]\n"
        "  expected: within 0..0, without the batch\n  got: start_dim 1, end_dim 0"),
    "empty input": (
        chain(("in", node("Input", shape=(3, 0))), IF, OUT),
        "node 'in' (Input): the shape has an empty dimension [nir-bad-parameter]\n"
        "  expected: sizes of 1 or more\n  got: (3, 0)"),
    "dangling edge": (
        nodes_and([*STRAIGHT, ("in", "iff")]),
        "edge 'in' -> 'iff': there is no node 'iff' [nir-dangling-edge]\n  expected: one of if, in, out\n"
        "  hint: did you mean 'if'?"),
    "double edge": (
        nodes_and([*STRAIGHT, ("in", "if")]),
        "the edge 'in' -> 'if' is there twice [nir-double-edge]\n"
        "  hint: a doubled input is a Scale of 2; otherwise remove one of the edges"),
    "duplicate name": (
        graph(
            {"in": IN[1], "s": SUB, "s.if": if_neurons(), "out": OUT[1]},
            [("in", "s"), ("s", "s.if"), ("s.if", "out")],
        ),
        "two nodes are called 's.if' [nir-duplicate-name]\n"
        "  hint: node 'b' of subgraph 'a' is called 'a.b'; rename one of them"),
    "subgraph with two inputs": (
        graph({"in": IN[1], "s": graph({**SUB["nodes"], "c": node("Input", shape=(3,))}, SUB["edges"]), "out": OUT[1]},
              [("in", "s"), ("s", "out")]),
        "subgraph 's' has 2 Input nodes, so an edge at it is unclear [nir-subgraph-ports]\n  expected: exactly one Input"),
    "no input": (
        graph({"if": if_neurons(), "out": OUT[1]}, [("if", "out")]),
        "the graph has no Input node [nir-no-input]"),
    "no output": (
        graph({"in": IN[1], "if": if_neurons()}, [("in", "if")]),
        "the graph has no Output node [nir-no-output]",
    ),
    "unconnected output": (nodes_and([("in", "if")]), "nothing feeds node 'out' (Output) [nir-unreachable]"),
    "edge into an input": (
        nodes_and([*STRAIGHT, ("if", "in")]), "an edge leads into node 'in' (Input) [nir-edge-into-input]"
    ),
    "unreachable": (
        nodes_and([*STRAIGHT, ("lone", "if")], lone=node("Linear", weight=EYE)),
        "node 'lone' (Linear) is not reached from any Input [nir-unreachable]\n  hint: connect it, or remove it"),
    "loop without neurons": (
        nodes_and([*STRAIGHT, ("in", "a"), ("a", "b"), ("b", "a"), ("b", "if")], a=node("Linear", weight=EYE),
                  b=node("Linear", weight=EYE)),
        "a loop without any neuron in it, through node 'a' (Linear) [nir-linear-loop]\n"
        "  expected: at least one neuron node in every loop"),
    "output without neurons": (
        chain(IN, IF, ("w", node("Linear", weight=EYE)), OUT),
        "node 'out' (Output) is fed by node 'w' (Linear), not by neurons [nir-output-not-neurons]\n"
        "  expected: a neuron node before every Output\n"
        "  hint: put an LI, I or spiking node between them, or move the Output up"),
    "input to output": (
        chain(IN, OUT),
        "node 'out' (Output) is fed by node 'in' (Input), not by neurons [nir-output-not-neurons]\n"
        "  expected: a neuron node before every Output\n"
        "  hint: put an LI, I or spiking node between them, or move the Output up"),
    "silent source": (
        chain(IN, ("li", node("LI", tau=np.full(3, 0.1), r=np.ones(3), v_leak=np.zeros(3))), IF, OUT),
        "node 'li' (LI) never spikes, but feeds node 'if' (IF) [nir-silent-source]\n"
        "  expected: I, LI and CubaLI only before an Output"),
    "different delays": (
        chain(IN, ("d", node("Delay", delay=np.arange(3.0))), IF, OUT),
        "node 'd' (Delay) has different delays [nir-bad-delay]\n  expected: one delay of 0 or more for the whole layer"),
    "delayed bias": (
        chain(
            IN, ("w", node("Affine", weight=EYE, bias=np.ones(3))),
            ("d", node("Delay", delay=np.array(1e-3))), IF, OUT,
        ),
        "node 'd' (Delay) delays a bias, which would set in late [nir-delayed-bias]\n"
        "  hint: put the Delay before the node that has the bias"),
    "no exact merge": (
        chain(
            MAP, ("c", conv(np.ones((3, 2, 3, 3)))), ("p", pool("Avg", 2, 2, 1)), IF, ("out", node("Output"))
        ),
        "node 'c' (Conv2d) and node 'p' (AvgPool2d) cannot be merged into one projection: the second one pads the map "
        "between them with zeros [nir-cannot-merge]\n"
        "  expected: linear nodes in a row that make one pooling and one dense, convolutional or one-to-one connection\n"
        "  hint: put a neuron node between them"),
    "short tau": (
        chain(IN, ("l", node("LIF", tau=np.full(3, 5e-4), **LIF)), OUT),
        "node 'l' (LIF): 'tau' is shorter than a time step [nir-short-tau]\n  expected: at least dt = 0.001 s\n"
        "  got: 0.0005 s\n  hint: check the time step, and the unit of the file's time constants"),
    "negative r": (
        chain(IN, ("if", if_neurons(r=np.array(-1.0))), OUT),
        "node 'if' (IF): the input gain is not positive [nir-bad-parameter]\n  expected: r (and w_in) above 0"),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_bad_graph(tmp_path, name):
    top, text = CASES[name]
    path = write(tmp_path / "bad.nir", top)
    with pytest.raises(InputError) as caught:
        import_nir(path, "nir-euler", 1e-3)
    assert caught.value.text() == f"{path}: {text}"
    assert caught.value.exit_code == 2


def _good(path):
    return write(path, chain(IN, ("w", node("Linear", weight=EYE)), IF, OUT))


def test_missing_file(tmp_path):
    with pytest.raises(InputError) as caught:
        import_nir(tmp_path / "none.nir", "nir-euler", 1e-3)
    assert caught.value.text() == f"{tmp_path / 'none.nir'}: no such file [file-missing]"


def test_not_hdf5(tmp_path):
    path = tmp_path / "text.nir"
    path.write_text("nodes: 3")
    with pytest.raises(InputError) as caught:
        import_nir(path, "nir-euler", 1e-3)
    assert caught.value.text() == (
        f"{path}: not an HDF5 file [nir-not-hdf5]\n  expected: a NIR graph as written by nir.write\n"
        "  hint: check the path"
    )


@pytest.mark.parametrize("kept", [20, 200, 1000, 3000])
def test_truncated_file(tmp_path, kept):
    path = _good(tmp_path / "cut.nir")
    data = path.read_bytes()
    assert len(data) > kept
    path.write_bytes(data[:kept])
    with pytest.raises(InputError) as caught:
        import_nir(path, "nir-euler", 1e-3)
    assert caught.value.text() == (
        f"{path}: damaged or truncated HDF5 file [nir-damaged]\n  hint: export or copy it again"
    )


def test_damaged_bytes_never_escape_as_another_error(tmp_path):
    good = _good(tmp_path / "good.nir").read_bytes()
    rng = np.random.default_rng(1)
    path = tmp_path / "bad.nir"
    refused = 0
    for _ in range(60):
        data = bytearray(good)
        for at in rng.integers(8, len(data), 40):
            data[at] = rng.integers(256)
        path.write_bytes(bytes(data))
        try:
            import_nir(path, "nir-euler", 1e-3)
        except InputError:
            refused += 1
    assert refused > 5


def test_hdf5_of_another_kind(tmp_path):
    path = tmp_path / "other.nir"
    with h5py.File(path, "w") as file:
        file["weights"] = np.ones(3)
    with pytest.raises(InputError) as caught:
        import_nir(path, "nir-euler", 1e-3)
    assert caught.value.text() == (
        f"{path}: an HDF5 file, but not a NIR graph [nir-not-nir]\n  expected: a group 'node' with 'nodes' and 'edges'\n"
        "  got: weights at the top"
    )


def test_top_that_is_no_graph(tmp_path):
    path = write(tmp_path / "leaf.nir", if_neurons())
    with pytest.raises(InputError) as caught:
        import_nir(path, "nir-euler", 1e-3)
    assert caught.value.text() == f"{path}: graph '(top)' has no 'nodes' [nir-not-nir]"
