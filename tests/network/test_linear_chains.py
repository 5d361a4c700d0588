"""Folded chains of linear nodes against brute force: every node on its own, in plain Python loops."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from neurosim.errors import InputError
from neurosim.network.compose import transposed
from neurosim.network.connections import Conv, Dense, Diagonal
from neurosim.network.nir_reader import import_nir
from neurosim.network.simulate import weighted
from tests.network.nir_files import chain, conv, if_neurons, node, pool, write

RNG = np.random.default_rng(5)


def same_padding(kernel, dilation):
    return [(d * (k - 1) // 2, d * (k - 1) - d * (k - 1) // 2) for k, d in zip(kernel, dilation, strict=True)]


def brute_windows(image, kernel, stride, padding, dilation, value):
    """``value(co, taps)`` for every output position; ``taps`` lists (ci, ky, kx, pixel)."""
    c, h, w = image.shape
    sizes = []
    for axis, size in enumerate((h, w)):
        room = size + sum(padding[axis]) - dilation[axis] * (kernel[axis] - 1) - 1
        sizes.append(room // stride[axis] + 1)
    out = np.zeros((value.channels, *sizes))
    for co, oy, ox in np.ndindex(*out.shape):
        for ci in range(c):
            for ky in range(kernel[0]):
                for kx in range(kernel[1]):
                    y = oy * stride[0] - padding[0][0] + ky * dilation[0]
                    x = ox * stride[1] - padding[1][0] + kx * dilation[1]
                    if 0 <= y < h and 0 <= x < w:
                        out[co, oy, ox] += value(co, ci, ky, kx) * image[ci, y, x]
    return out


class Kernel:
    def __init__(self, weight, groups, n_in):
        self.weight, self.channels = weight, weight.shape[0]
        self.per_out, self.per_in = weight.shape[0] // groups, n_in // groups

    def __call__(self, co, ci, ky, kx):
        if co // self.per_out != ci // self.per_in:
            return 0.0
        return self.weight[co, ci % self.per_in, ky, kx]


class Window:
    def __init__(self, channels, factor):
        self.channels, self.factor = channels, factor

    def __call__(self, co, ci, ky, kx):
        return self.factor if co == ci else 0.0


def pair(value):
    return tuple(np.broadcast_to(value, 2).tolist())


def brute(item, x):
    kind = item["type"]
    if kind == "Flatten":
        return x.reshape(-1)
    if kind == "Scale":
        return x * item["scale"]
    if kind in ("Affine", "Linear"):
        return item["weight"] @ x + item.get("bias", 0.0)
    if kind == "Conv1d":
        wide = dict(item, type="Conv2d", weight=item["weight"][:, :, None, :])
        for key in ("stride", "dilation"):
            wide[key] = (1, int(np.ravel(item[key])[0]))
        if not isinstance(item["padding"], str):
            wide["padding"] = (0, int(np.ravel(item["padding"])[0]))
        return brute(wide, x[:, None, :])[:, 0]
    if kind == "Conv2d":
        kernel, dilation = item["weight"].shape[2:], pair(item["dilation"])
        if isinstance(item["padding"], str):
            padding = same_padding(kernel, dilation) if item["padding"] == "same" else [(0, 0), (0, 0)]
        else:
            padding = [(p, p) for p in pair(item["padding"])]
        value = Kernel(item["weight"], int(item["groups"]), x.shape[0])
        out = brute_windows(x, kernel, pair(item["stride"]), padding, dilation, value)
        return out + item["bias"][:, None, None]
    kernel = pair(item["kernel_size"])
    factor = 1 / math.prod(kernel) if kind == "AvgPool2d" else 1.0
    padding = [(p, p) for p in pair(item["padding"])]
    return brute_windows(x, kernel, pair(item["stride"]), padding, (1, 1), Window(x.shape[0], factor))


def imported(tmp_path, shape, *items):
    named = [(f"n{k}", item) for k, item in enumerate(items)]
    top = chain(("in", node("Input", shape=shape)), *named, ("if", if_neurons()), ("out", node("Output")))
    return import_nir(write(tmp_path / "net.nir", top), "sinabs-3.1")


def assert_equal_to_brute_force(tmp_path, shape, *items):
    network = imported(tmp_path, shape, *items)
    (projection,) = network.projections
    x = RNG.integers(0, 4, (3, *shape))
    got = weighted(projection, x.reshape(3, -1)) + network.population("if").bias
    for sample in range(3):
        wanted = x[sample].astype(float)
        for item in items:
            wanted = brute(item, wanted)
        assert network.population("if").shape == wanted.shape
        np.testing.assert_allclose(got[sample], wanted.reshape(-1), atol=1e-12)
    return network


def w(*shape):
    return RNG.normal(size=shape)


CONVS = {
    "plain": ((2, 6, 7), conv(w(3, 2, 3, 3))),
    "bias": ((2, 6, 7), conv(w(3, 2, 3, 3), bias=w(3))),
    "stride": ((2, 7, 9), conv(w(3, 2, 3, 2), stride=(2, 3))),
    "padding": ((1, 5, 6), conv(w(2, 1, 3, 3), padding=(1, 2))),
    "scalar parameters": ((1, 8, 8), conv(w(2, 1, 3, 3), stride=2, padding=1, dilation=2)),
    "same": ((2, 5, 6), conv(w(3, 2, 3, 3), padding="same")),
    "same, even kernel": ((1, 5, 6), conv(w(2, 1, 2, 4), padding="same")),
    "same, dilated": ((1, 7, 8), conv(w(2, 1, 3, 2), padding="same", dilation=(2, 3))),
    "valid": ((2, 5, 6), conv(w(3, 2, 3, 5), padding="valid")),
    "dilation": ((1, 9, 9), conv(w(2, 1, 3, 3), dilation=(2, 3), padding=(2, 1))),
    "groups": ((4, 5, 5), conv(w(6, 2, 3, 3), groups=2, padding=(1, 1), bias=w(6))),
    "depthwise": ((3, 5, 5), conv(w(3, 1, 3, 3), groups=3)),
    "non-square kernel": ((1, 10, 20), conv(w(2, 1, 3, 5))),
    "1-D": ((3, 11), conv(w(4, 3, 3), stride=(2,), padding=(1,), dilation=(2,), bias=w(4), kind="Conv1d")),
    "1-D same": ((2, 8), conv(w(2, 2, 4), stride=1, padding="same", dilation=1, kind="Conv1d")),
}


@pytest.mark.parametrize("name", CONVS)
def test_convolution(tmp_path, name):
    shape, item = CONVS[name]
    network = assert_equal_to_brute_force(tmp_path, shape, item)
    connection = network.projections[0].connection
    assert isinstance(connection, Conv)
    assert connection.weight.size == item["weight"].size  # shared, not unrolled


def test_shape_of_a_non_square_kernel(tmp_path):
    network = imported(tmp_path, (1, 10, 20), conv(w(2, 1, 3, 5)))
    assert network.population("if").shape == (2, 8, 16)


CHAINS = {
    "sum pool": ((2, 6, 6), [pool("Sum", 2, 2)]),
    "sum pool, gaps and rest": ((2, 7, 8), [pool("Sum", (2, 1), (3, 2))]),
    "sum pool, padded": ((2, 5, 6), [pool("Sum", 2, 2, 1)]),
    "average pool": ((2, 6, 6), [pool("Avg", (2, 3), (2, 3))]),
    "average pool, padded": ((1, 5, 5), [pool("Avg", 3, 3, (1, 1))]),
    "overlapping pool": ((2, 7, 7), [pool("Avg", 3, 2)]),
    "pool, conv": ((2, 8, 8), [pool("Avg", 2, 2), conv(w(3, 2, 3, 3), padding=(1, 1), bias=w(3))]),
    "overlapping pool, conv": ((2, 8, 8), [pool("Sum", 3, 1), conv(w(3, 2, 3, 3), stride=(2, 2))]),
    "conv, pool": ((2, 9, 8), [conv(w(4, 2, 3, 3), padding=(1, 1), bias=w(4)), pool("Avg", 2, 2)]),
    "strided conv, pool": (
        (1, 13, 13), [conv(w(2, 1, 3, 3), stride=(2, 2), padding=(1, 1)), pool("Sum", 3, 2)]
    ),
    "dilated conv, pool": ((1, 12, 12), [conv(w(2, 1, 3, 3), dilation=(2, 2)), pool("Sum", 2, 2)]),
    "grouped conv, pool": ((4, 8, 8), [conv(w(4, 2, 3, 3), groups=2), pool("Avg", 2, 2)]),
    "pool, pool": ((1, 8, 8), [pool("Sum", 2, 2), pool("Avg", 2, 2)]),
    "conv, conv": (
        (2, 8, 8), [conv(w(4, 2, 3, 2), padding=(1, 1), bias=w(4)), conv(w(2, 4, 2, 3), stride=(2, 1))]
    ),
    "grouped conv, grouped conv": ((4, 7, 7), [conv(w(8, 1, 2, 2), groups=4), conv(w(4, 4, 3, 3), groups=2)]),
    "pointwise conv, padded conv": ((2, 5, 5), [conv(w(3, 2, 1, 1)), conv(w(2, 3, 3, 3), padding=(1, 1))]),
    "flatten, affine": (
        (2, 3, 3), [node("Flatten", start_dim=0, end_dim=-1), node("Affine", weight=w(5, 18), bias=w(5))]
    ),
    "pool, flatten, linear": (
        (2, 4, 4),
        [pool("Avg", 2, 2), node("Flatten", start_dim=0, end_dim=-1), node("Linear", weight=w(5, 8))]),
    "conv, flatten, affine": (
        (2, 5, 5),
        [conv(w(3, 2, 3, 3), padding=(1, 1), bias=w(3), stride=(2, 1)), node("Flatten", start_dim=0, end_dim=-1),
         node("Affine", weight=w(4, 45), bias=w(4))]),
    "grouped conv, flatten, linear": (
        (4, 4, 4), [
            conv(w(4, 2, 2, 2), groups=2), node("Flatten", start_dim=0, end_dim=-1),
            node("Linear", weight=w(3, 36)),
        ]),
    "affine, affine": (
        (4,), [node("Affine", weight=w(6, 4), bias=w(6)), node("Affine", weight=w(3, 6), bias=w(3))]
    ),
    "scale": ((2, 3, 3), [node("Scale", scale=w(2, 3, 3))]),
    "scale, affine, scale": (
        (4,),
        [node("Scale", scale=w(4)), node("Affine", weight=w(3, 4), bias=w(3)), node("Scale", scale=w(3))]),
    "scale per channel, grouped conv": (
        (4, 4, 4), [node("Scale", scale=w(4, 1, 1)), conv(w(4, 2, 3, 3), groups=2)]
    ),
    "conv, scale per channel": ((2, 4, 4), [conv(w(3, 2, 3, 3), bias=w(3)), node("Scale", scale=w(3, 1, 1))]),
    "scale per channel, pool": ((2, 4, 4), [node("Scale", scale=w(2, 1, 1)), pool("Sum", 2, 2)]),
    "scale by a number, pool, conv": (
        (2, 8, 8),
        [node("Scale", scale=np.array(0.5)), pool("Avg", 2, 2), conv(w(2, 2, 3, 3), padding="same")]),
}  # fmt: skip


@pytest.mark.parametrize("name", CHAINS)
def test_chain(tmp_path, name):
    shape, items = CHAINS[name]
    assert_equal_to_brute_force(tmp_path, shape, *items)


@pytest.mark.parametrize(
    ("name", "pool_kernel", "kind"),
    [
        ("sum pool", (2, 2), Diagonal),
        ("pool, conv", (2, 2), Conv),
        ("pool, flatten, linear", (2, 2), Dense),
        ("overlapping pool", None, Conv),
        ("conv, pool", None, Conv),
        ("affine, affine", None, Dense),
    ],
)
def test_form_of_the_projection(tmp_path, name, pool_kernel, kind):
    shape, items = CHAINS[name]
    (projection,) = imported(tmp_path, shape, *items).projections
    assert (projection.pool.kernel if projection.pool else None) == pool_kernel
    assert type(projection.connection) is kind


INEXACT = {
    "conv, pool with gaps that begins outside": (
        [conv(w(2, 2, 4, 4)), pool("Sum", 2, 3, 1)], "pads the map between them",
    ),
    "conv, padded pool": ([conv(w(2, 2, 3, 3)), pool("Sum", 2, 2, 1)], "pads the map between them"),
    "conv, padded conv": (
        [conv(w(2, 2, 3, 3)), conv(w(2, 2, 3, 3), padding="same")], "pads the map between them"
    ),
    "scale per pixel, conv": (
        [node("Scale", scale=w(2, 8, 8)), conv(w(2, 2, 3, 3))], "differs inside a channel"
    ),
    "conv, scale per pixel": (
        [conv(w(2, 2, 3, 3)), node("Scale", scale=w(2, 6, 6))], "differs inside a channel"
    ),
}


@pytest.mark.parametrize("name", INEXACT)
def test_what_is_not_exact_is_refused(tmp_path, name):
    items, why = INEXACT[name]
    with pytest.raises(InputError, match=why) as caught:
        imported(tmp_path, (2, 8, 8), *items)
    assert caught.value.code == "nir-cannot-merge"


@st.composite
def random_chain(draw):
    """Two or three convolutions or pools in a row, on a map of 1 to 4 channels."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    shape = c, h, width = draw(st.sampled_from([(1, 9, 8), (2, 8, 9), (4, 7, 7)]))
    items = []
    for _ in range(draw(st.integers(1, 3))):
        kernel = draw(st.sampled_from([(1, 1), (2, 2), (1, 3), (3, 2)]))
        stride = draw(st.sampled_from([(1, 1), (2, 1), (2, 2), (3, 3)]))
        padding = draw(st.sampled_from([(0, 0), (0, 0), (1, 0)]))
        if draw(st.booleans()):
            items.append(pool(draw(st.sampled_from(["Sum", "Avg"])), kernel, stride, padding))
            dilation = (1, 1)
        else:
            groups = draw(st.sampled_from([g for g in (1, 2, 4) if c % g == 0]))
            out = groups * draw(st.integers(1, 2))
            dilation = draw(st.sampled_from([(1, 1), (2, 1)]))
            kernel_weights = rng.integers(-3, 4, (out, c // groups, *kernel)).astype(float)
            items.append(conv(kernel_weights, stride, padding, dilation, groups, rng.normal(size=out)))
            c = out
        rooms = [
            size + 2 * p - d * (k - 1) - 1
            for size, p, d, k in zip((h, width), padding, dilation, kernel, strict=True)
        ]
        if min(rooms) < 0:
            items.pop()
            break
        h, width = (r // s + 1 for r, s in zip(rooms, stride, strict=True))
    return shape, items


@settings(max_examples=60, deadline=None)
@given(random_chain())
def test_random_chains_are_exact_or_refused(tmp_path_factory, case):
    shape, items = case
    folder = tmp_path_factory.mktemp("chain")
    try:
        imported(folder, shape, *items)
    except InputError as error:
        refused = error.code
    else:
        refused = ""
        assert_equal_to_brute_force(folder, shape, *items)
    if refused:  # only for padding between two windows
        assert (refused, any(pair(item["padding"]) != (0, 0) for item in items[1:])) == (
            "nir-cannot-merge", True
        )


def test_transposed_convolution_is_the_matrix():
    layer = Conv(w(4, 1, 3, 2), (2, 5, 5), (4, 3, 2), (2, 3), (1, 1), (1, 2), 2)
    matrix = layer.apply(np.eye(layer.n_in)).T
    rows = w(3, layer.n_out)
    np.testing.assert_allclose(transposed(layer, rows), rows @ matrix, atol=1e-12)


def test_pool_is_the_sum_over_its_windows(tmp_path):
    (projection,) = imported(tmp_path, (2, 7, 8), pool("Sum", (2, 1), (3, 2))).projections
    axon = projection.pool.axon_of_source()
    x = RNG.integers(0, 5, (4, 112))
    wanted = np.zeros((4, axon.max() + 1), int)
    for source, target in enumerate(axon):
        if target >= 0:
            wanted[:, target] += x[:, source]
    np.testing.assert_array_equal(projection.pool.apply(x), wanted)
