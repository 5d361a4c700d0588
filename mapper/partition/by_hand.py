"""What group partition is measured against: four schemes in which a careful person cuts layers by hand.

Yang et al. (IEEE TETCI 8(6):3966, 2024) save 22.25, 17.77 and 14.80 % of the cores of ResNet-18, 34 and a
third network (assumed here: ResNet-50) against "manual" mapping layer by layer, and do not say what that was
in the part that could be read.  The saving depends on it.  All four are legal on the same core and
cut the fan-in as :mod:`mapper.partition.group` does:

* ``square``: per layer the best tile of square maps, whose channels, side and share are powers of two;
* ``one_tile``: the best single tile for all layers of a network;
* ``powers``: per layer the best tile of power-of-two sizes, square or not;
* ``even``: per layer the best grid of even tiles of any size, as :func:`mapper.partition.group.fewest` finds
  it; no person would look at them all, so this is a bound on what even tiles can do, by hand or not.

Cores saved by tiles of mixed sizes (:mod:`mapper.partition.mixed_tiles`), in per cent, for ResNet-18, 34 and
50: 27.23, 23.02 and 38.10 against ``square``; 22.35, 20.33 and 12.64 against ``one_tile``; 18.66, 17.61 and
8.86 against ``powers``; 6.23, 5.99 and 3.43 against ``even``.  So the published saving is reached for all
three against ``square`` only; against ``one_tile``, which is what one manual scheme for a chip would most
naturally mean, for the two networks that are known, and not for the third, which is assumed; against
``powers``, the strictest that a person could do, for none.  ``neurosim bench --mapper group`` measures it.

Little is left to gain within this model: the 1 x 1 convolutions take 74,585 of ResNet-50's 122,097 cores, and
no cut of them into boxes takes fewer than 74,480 (inputs x outputs that a core can join at once); tiles that
are small enough to share a core would save 4.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence

from mapper.partition.group import (
    Cut,
    GroupCore,
    LayerLike,
    Shape,
    channels_on,
    cut_of,
    group_partition,
    too_small,
)

SIDES = range(1, 17)
SCHEMES = ("square", "one_tile", "powers", "even")


def cores_by_hand(scheme: str, layers: Sequence[LayerLike], core: GroupCore) -> int:
    """Cores of a network under one of SCHEMES.

    Raises:
        DoesNotFitError: a layer cannot be cut small enough.
    """
    if scheme == "one_tile":
        return one_tile(layers, core)
    if scheme == "even":
        return sum(cut.cores for cut in group_partition(layers, core))
    return sum(by_powers(layer, core, square=scheme == "square").cores for layer in layers)


def by_powers(layer: LayerLike, core: GroupCore, *, square: bool) -> Cut:
    """The cut with the fewest cores whose tile and share have power-of-two sizes.

    Raises:
        DoesNotFitError: one output of one input channel is too much for a core.
    """
    best: Cut | None = None
    channels, rows, columns = (_powers(n) for n in layer.out_shape)
    if square:
        rows = columns = _powers(max(layer.out_shape[1:]))
    for sizes in itertools.product(channels, rows, columns):
        if square and sizes[1] != sizes[2]:
            continue
        tile = _within(layer, sizes)
        most = channels_on(layer, core, tile)
        if math.prod(tile) > core.outputs or not most:
            continue
        c, y, x = (-(-n // size) for n, size in zip(layer.out_shape, tile, strict=True))
        cut = cut_of(layer, (c, y, x, -(-layer.in_shape[0] // (1 << (most.bit_length() - 1)))))
        if best is None or cut.cores < best.cores:
            best = cut
    if best is None:
        raise too_small(layer, core)
    return best


def one_tile(layers: Sequence[LayerLike], core: GroupCore) -> int:
    """Cores of all layers under the tile (channels a power of two, sides 1 to 16) that is best for all.

    Raises:
        DoesNotFitError: no tile serves all layers.
    """
    sizes = itertools.product(_powers(core.outputs), SIDES, SIDES)
    counts = [total for size in sizes if (total := _cores(layers, core, size)) is not None]
    if not counts:
        raise too_small(layers[0], core)
    return min(counts)


def _cores(layers: Sequence[LayerLike], core: GroupCore, sizes: Shape) -> int | None:
    total = 0
    for layer in layers:
        tile = _within(layer, sizes)
        most = channels_on(layer, core, tile)
        if math.prod(tile) > core.outputs or not most:
            return None
        tiles = math.prod(-(-n // size) for n, size in zip(layer.out_shape, tile, strict=True))
        total += tiles * -(-layer.in_shape[0] // most)
    return total


def _within(layer: LayerLike, sizes: Shape) -> Shape:
    c, y, x = (min(n, size) for n, size in zip(layer.out_shape, sizes, strict=True))
    return c, y, x


def _powers(n: int) -> list[int]:
    """1, 2, 4, ... up to the first that covers ``n``."""
    return [1 << k for k in range((n - 1).bit_length() + 1)]
