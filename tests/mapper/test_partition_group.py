"""Group partition: every cut is legal, none has fewer cores, and the published saving is reached."""

from __future__ import annotations

import dataclasses
import itertools
import math
from collections import Counter
from functools import cache

import pytest

from mapper.partition.by_hand import SCHEMES, by_powers, cores_by_hand, one_tile
from mapper.partition.group import GroupCore, fewest
from mapper.partition.mixed_tiles import heard, mixed
from neurosim.errors import DoesNotFitError
from workloads.imagenet.resnet import LayerSize, group_layers

PUBLISHED = {18: 22.25, 34: 17.77, 50: 14.80}
"""Per cent fewer cores than layer by layer: Yang et al., IEEE TETCI 8(6):3966, 2024 (third network assumed)."""


def _window(layer, axis, n):
    """Places that ``n`` outputs next to each other hear, away from the border."""
    places = {o * layer.stride + k for o in range(n) for k in range(layer.kernel)}
    return min(len(places), layer.in_shape[axis])


def _all_cuts(layer, core):
    """Cores of every legal cut, tile by tile and share by share."""
    c, h, w = layer.out_shape
    for tc, ty, tx, share in itertools.product(
        range(1, c + 1), range(1, h + 1), range(1, w + 1), range(1, layer.in_shape[0] + 1)
    ):
        rows, columns = (_window(layer, axis, size) for axis, size in ((1, ty), (2, tx)))
        inputs, bytes_ = rows * columns * share, tc * share * layer.kernel**2
        if tc * ty * tx <= core.outputs and inputs <= core.inputs and bytes_ <= core.weight_bytes:
            sizes = ((c, tc), (h, ty), (w, tx), (layer.in_shape[0], share))
            yield math.prod(-(-n // size) for n, size in sizes)


@pytest.mark.parametrize(
    "layer",
    [
        LayerSize("a", (6, 8, 8), (8, 8, 8), 3, 1), LayerSize("b", (5, 9, 7), (7, 5, 4), 3, 2),
        LayerSize("c", (40, 1, 1), (24, 1, 1), 1, 1), LayerSize("d", (9, 8, 8), (8, 4, 4), 1, 2),
    ],
)  # fmt: skip
def test_no_cut_has_fewer_cores(layer):
    core = GroupCore(inputs=48, outputs=32, weight_bytes=200)
    assert fewest(layer, core).cores == min(_all_cuts(layer, core))
    every = set(_all_cuts(layer, core))
    assert by_powers(layer, core, square=True).cores in every
    assert by_powers(layer, core, square=False).cores in every
    assert one_tile([layer], core) in every
    assert sum(tile.shares for tile in mixed(layer, core)) <= min(every)


@pytest.mark.parametrize(("kernel", "stride"), [(3, 1), (3, 2), (1, 2), (3, 4)])
def test_mixed_tiles_cover_a_layer_once_and_keep_within_a_core(kernel, stride):
    core = GroupCore(inputs=60, outputs=40, weight_bytes=300)
    layer = LayerSize("a", (7, 9, 11), (10, -(-9 // stride), -(-11 // stride)), kernel, stride)
    before = (kernel - 1) // 2
    covered: set[tuple[int, int, int]] = set()
    tiles = mixed(layer, core)
    for tile in tiles:
        cells = set(itertools.product(range(*tile.channels), range(*tile.rows), range(*tile.columns)))
        assert not cells & covered
        covered |= cells
        assert len(cells) == tile.outputs <= core.outputs
        share = -(-7 // tile.shares)
        rows, columns = (
            {i for o in range(*span) for k in range(kernel) if 0 <= (i := o * stride - before + k) < n}
            for span, n in ((tile.rows, 9), (tile.columns, 11))
        )
        assert (heard(layer, 1, tile.rows), heard(layer, 2, tile.columns)) == (len(rows), len(columns))
        assert tile.inputs == len(rows) * len(columns) * share <= core.inputs
        weights = share * kernel**2 * (tile.channels[1] - tile.channels[0])
        assert tile.weight_bytes == weights <= core.weight_bytes
    assert len(covered) == 10 * layer.out_shape[1] * layer.out_shape[2]
    assert sum(tile.shares for tile in tiles) <= fewest(layer, core).cores


def test_what_cannot_be_cut_is_named():
    with pytest.raises(DoesNotFitError) as caught:
        fewest(LayerSize("wide", (1, 9, 9), (1, 3, 3), 7, 1), GroupCore(inputs=48))
    with pytest.raises(DoesNotFitError, match="at most 48 inputs, 256 outputs"):
        mixed(LayerSize("wide", (1, 9, 9), (1, 9, 9), 9, 1), GroupCore(inputs=48))
    assert str(caught.value) == (
        "wide: layer 'wide' cannot be cut small enough for a core [map-group]\n"
        "  expected: at most 48 inputs, 256 outputs and 22528 bytes of weights\n"
        "  got: one output of one input channel takes 49 inputs and bytes\n"
        "  hint: a core with more inputs, or a smaller kernel"
    )


@cache
def _cores(depth):
    core, shapes = GroupCore(), Counter(dataclasses.replace(layer, name="") for layer in group_layers(depth))
    return sum(n * sum(tile.shares for tile in mixed(layer, core)) for layer, n in shapes.items())


def _slow(*values):
    return pytest.param(*values, marks=pytest.mark.slow)


@pytest.mark.parametrize(
    ("depth", "scheme", "saved"),
    [
        (18, "square", 27.23), (18, "one_tile", 22.35), (18, "powers", 18.66), (18, "even", 6.23),
        _slow(34, "square", 23.02), _slow(34, "one_tile", 20.33), _slow(34, "powers", 17.61),
        _slow(34, "even", 5.99), _slow(50, "square", 38.1), _slow(50, "one_tile", 12.64),
        _slow(50, "powers", 8.86), _slow(50, "even", 3.43),
    ],
)  # fmt: skip
def test_the_saving_is_what_the_documents_say_under_every_scheme(depth, scheme, saved):
    by_hand = cores_by_hand(scheme, group_layers(depth), GroupCore())
    assert round(100 * (1 - _cores(depth) / by_hand), 2) == saved
    is_reached = saved >= PUBLISHED[depth]
    assert is_reached == (scheme == "square" or (scheme == "one_tile" and depth != 50))
    assert scheme in SCHEMES
