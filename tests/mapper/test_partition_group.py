"""Group partition: every cut is legal, none has fewer cores, and the published saving is reached."""

from __future__ import annotations

import itertools
import math

import pytest

from mapper.partition.group import GroupCore, fewest, group_partition, manual
from neurosim.errors import DoesNotFitError
from workloads.imagenet.resnet import LayerSize, group_layers

PUBLISHED = {18: 22.25, 34: 17.77, 50: 14.80}
"""Per cent fewer cores than layer by layer: Yang et al., IEEE TETCI 8(6):3966, 2024 (third network assumed)."""


def _all_cuts(layer, core):
    """Cores of every legal cut, tile by tile and share by share."""
    c, h, w = layer.out_shape
    for tc, ty, tx, share in itertools.product(
        range(1, c + 1), range(1, h + 1), range(1, w + 1), range(1, layer.in_shape[0] + 1)
    ):
        rows = min((ty - 1) * layer.stride + layer.kernel, layer.in_shape[1])
        columns = min((tx - 1) * layer.stride + layer.kernel, layer.in_shape[2])
        inputs, bytes_ = rows * columns * share, tc * share * layer.kernel**2
        if tc * ty * tx <= core.outputs and inputs <= core.inputs and bytes_ <= core.weight_bytes:
            sizes = ((c, tc), (h, ty), (w, tx), (layer.in_shape[0], share))
            yield math.prod(-(-n // size) for n, size in sizes)


@pytest.mark.parametrize(
    "layer",
    [
        LayerSize("a", (6, 8, 8), (8, 8, 8), 3, 1), LayerSize("b", (5, 9, 7), (7, 5, 4), 3, 2),
        LayerSize("c", (40, 1, 1), (24, 1, 1), 1, 1),
    ],
)  # fmt: skip
def test_no_cut_has_fewer_cores(layer):
    core = GroupCore(inputs=48, outputs=32, weight_bytes=200)
    assert fewest(layer, core).cores == min(_all_cuts(layer, core))
    assert manual(layer, core).cores in set(_all_cuts(layer, core))


def test_what_cannot_be_cut_is_named():
    with pytest.raises(DoesNotFitError) as caught:
        fewest(LayerSize("wide", (1, 9, 9), (1, 3, 3), 7, 1), GroupCore(inputs=48))
    assert str(caught.value) == (
        "wide: layer 'wide' cannot be cut small enough for a core [map-group]\n"
        "  expected: at most 48 inputs, 256 outputs and 22528 bytes of weights\n"
        "  got: one output of one input channel takes 49 inputs and bytes\n"
        "  hint: a core with more inputs, or a smaller kernel"
    )


@pytest.mark.parametrize("depth", sorted(PUBLISHED))
def test_the_published_saving_is_reached(depth):
    core, layers = GroupCore(), group_layers(depth)
    by_hand = sum(manual(layer, core).cores for layer in layers)
    ours = sum(cut.cores for cut in group_partition(layers, core))
    assert 100 * (1 - ours / by_hand) >= PUBLISHED[depth]
    for cut in group_partition(layers, core):
        assert max(cut.inputs, cut.outputs) <= 256
        assert cut.weight_bytes <= 22 * 1024
