"""Group partition: the fewest cores for the layers of a network on cores with few inputs and outputs.

For chips such as Tianjic, whose core is a crossbar of so many inputs times so many outputs: a layer is cut
into tiles of output rows, columns and channels, and its fan-in into shares of input channels, one core per
tile and share.  Reads layer shapes; writes per layer the grid of even tiles with the fewest cores (every one
is looked at).  :mod:`mapper.partition.mixed_tiles` needs fewer with tiles of mixed sizes,
:mod:`mapper.partition.by_hand` has the schemes that both are measured against.

Counted per core, in words of this model (what was published of the core: 256 inputs, 256 outputs, about
22 KB; Pei et al., Nature 572, 2019): inputs = (rows + kernel - 1)(columns + kernel - 1) x input channels of
the share at stride 1 (what a stride steps over is not sent), outputs = rows x columns x channels, bytes =
kernel weights of the share, one each.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from mapper.partition.candidates import part_counts
from neurosim.errors import DoesNotFitError

Shape = tuple[int, int, int]


class LayerLike(Protocol):
    """A convolution (a dense layer is one of 1 x 1 maps); shapes are (channels, rows, columns)."""

    @property
    def name(self) -> str:
        """For messages."""
        ...

    @property
    def in_shape(self) -> Shape:
        """Of the source."""
        ...

    @property
    def out_shape(self) -> Shape:
        """Of the layer."""
        ...

    @property
    def kernel(self) -> int:
        """Side of the square kernel."""
        ...

    @property
    def stride(self) -> int:
        """In both directions."""
        ...


@dataclass(frozen=True)
class GroupCore:
    """What a core holds."""

    inputs: int = 256
    outputs: int = 256
    weight_bytes: int = 22 * 1024


@dataclass(frozen=True)
class Cut:
    """A layer's cut: parts of (output channels, rows, columns, input channels), and the fullest core."""

    layer: str
    parts: tuple[int, int, int, int]
    inputs: int
    outputs: int
    weight_bytes: int

    @property
    def cores(self) -> int:
        """Cores, one per tile and share."""
        return math.prod(self.parts)


def fewest(layer: LayerLike, core: GroupCore) -> Cut:
    """The cut with the fewest cores; a tie goes to the fewest shares of the fan-in.

    Raises:
        DoesNotFitError: one output of one input channel is too much for a core.
    """
    best: Cut | None = None
    channels, rows, columns = (part_counts(n) for n in layer.out_shape)
    for c, y, x in itertools.product(channels, rows, columns):
        tile = _tile(layer, c, y, x)
        if math.prod(tile) > core.outputs:
            continue
        shares = _shares(layer, core, tile)
        if shares is None or (best is not None and c * y * x * shares > best.cores):
            continue
        cut = cut_of(layer, (c, y, x, shares))
        if best is None or (cut.cores, cut.parts[3]) < (best.cores, best.parts[3]):
            best = cut
    if best is None:
        raise too_small(layer, core)
    return best


def group_partition(layers: Sequence[LayerLike], core: GroupCore) -> list[Cut]:
    """The fewest cores for every layer, layer by layer: there is nothing between layers to weigh.

    Raises:
        DoesNotFitError: a layer cannot be cut small enough.
    """
    return [fewest(layer, core) for layer in layers]


def _tile(layer: LayerLike, c: int, y: int, x: int) -> Shape:
    channels, rows, columns = layer.out_shape
    return -(-channels // c), -(-rows // y), -(-columns // x)


def _window(layer: LayerLike, tile: Shape) -> int:
    """Positions of the input that a tile sees, at most the whole map."""
    pairs = zip(tile[1:], layer.in_shape[1:], strict=True)
    step = min(layer.stride, layer.kernel)  # places between two windows are heard by nobody
    return math.prod(min((n - 1) * step + layer.kernel, m) for n, m in pairs)


def channels_on(layer: LayerLike, core: GroupCore, tile: Shape) -> int:
    """The most input channels that fit on a core with a tile."""
    return min(core.inputs // _window(layer, tile), core.weight_bytes // (tile[0] * layer.kernel**2))


def _shares(layer: LayerLike, core: GroupCore, tile: Shape) -> int | None:
    """The fewest shares of the input channels that fit; None if not even one channel does."""
    most = channels_on(layer, core, tile)
    return -(-layer.in_shape[0] // most) if most else None


def cut_of(layer: LayerLike, parts: tuple[int, int, int, int]) -> Cut:
    """A layer's cut into so many parts."""
    tile = _tile(layer, *parts[:3])
    share = -(-layer.in_shape[0] // parts[3])
    return Cut(
        layer.name, parts, _window(layer, tile) * share, math.prod(tile), share * tile[0] * layer.kernel**2
    )


def too_small(layer: LayerLike, core: GroupCore) -> DoesNotFitError:
    """The error of a layer that no cut makes small enough."""
    return DoesNotFitError(
        f"layer '{layer.name}' cannot be cut small enough for a core",
        code="map-group",
        where=layer.name,
        expected=f"at most {core.inputs} inputs, {core.outputs} outputs and "
        f"{core.weight_bytes} bytes of weights",
        got=f"one output of one input channel takes {layer.kernel**2} inputs and bytes",
        hint="a core with more inputs, or a smaller kernel",
    )
