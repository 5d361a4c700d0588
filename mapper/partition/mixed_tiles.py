"""Group partition with tiles of mixed sizes: a layer's map in bands, each band in columns, each in channels.

Reads layer shapes; writes the tiles of a layer with the fewest cores that such a cut can have (dynamic
programming, exact over all cuts of that form).  A tile at the border of the map hears fewer inputs, because
padding is not sent; every tile's inputs are counted as they are.  The fan-in of a tile is cut into the fewest
shares of input channels, one core each.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

from mapper.partition.group import GroupCore, LayerLike, too_small

Span = tuple[int, int]
Option = tuple[int, tuple[int, ...]]  # cores, and how


@dataclass(frozen=True)
class Tile:
    """Outputs ``channels`` x ``rows`` x ``columns`` (half-open) of a layer, on ``shares`` cores.

    ``inputs`` and ``weight_bytes`` are those of the fullest of these cores.
    """

    layer: str
    channels: Span
    rows: Span
    columns: Span
    shares: int
    inputs: int
    weight_bytes: int

    @property
    def outputs(self) -> int:
        """Outputs of each of the cores."""
        return math.prod(b - a for a, b in (self.channels, self.rows, self.columns))


def mixed(layer: LayerLike, core: GroupCore) -> list[Tile]:
    """The tiles with the fewest cores: bands of rows first, or of columns, whichever needs fewer.

    Raises:
        DoesNotFitError: one output of one input channel is too much for a core.
    """
    ways = [_Layer(layer, core, axes) for axes in ((1, 2), (2, 1))]
    found = [(way.solve(), way) for way in ways]
    legal = [(cut[0], number) for number, (cut, _) in enumerate(found) if cut is not None]
    if not legal:
        raise too_small(layer, core)
    _, number = min(legal)
    cut, way = found[number]
    assert cut is not None  # it is one of the legal ones
    return way.tiles(cut[1])


def heard(layer: LayerLike, axis: int, span: Span) -> int:
    """Inputs along an axis that outputs ``span`` hear; 'same' padding, of which nothing is sent."""
    size, padding = layer.in_shape[axis], (layer.kernel - 1) // 2
    first, last = (o * layer.stride - padding for o in (span[0], span[1] - 1))
    if layer.stride <= layer.kernel:
        return max(0, min(size, last + layer.kernel) - max(0, first))
    windows = range(first, last + 1, layer.stride)  # nobody hears what lies between them
    return sum(max(0, min(size, low + layer.kernel) - max(0, low)) for low in windows)


class _Layer:
    """The dynamic programme of one layer; ``axes`` = (bands, within bands)."""

    def __init__(self, layer: LayerLike, core: GroupCore, axes: tuple[int, int]) -> None:
        self.layer, self.core, self.axes = layer, core, axes
        self.area = layer.kernel**2
        self.split = cache(self._split)
        self.band = cache(self._band)

    def solve(self) -> Option | None:
        """(cores, edges of the bands)."""
        across = self.axes[0]

        def cost(a: int, b: int) -> int | None:
            found = self.band(b - a, heard(self.layer, across, (a, b)))
            return None if found is None else found[0]

        return _cheapest_edges(self.layer.out_shape[across], self.core.outputs, cost)

    def _band(self, height: int, window: int) -> Option | None:
        """(cores, edges within the band) of a band so high that hears so many rows."""
        along = self.axes[1]

        def cost(a: int, b: int) -> int | None:
            found = self.split(height * (b - a), window * heard(self.layer, along, (a, b)))
            return None if found is None else found[0]

        return _cheapest_edges(self.layer.out_shape[along], self.core.outputs // height, cost)

    def shares(self, channels: int, window: int) -> int | None:
        """Cores that ``channels`` outputs of each place of a tile take; None if none can."""
        most = min(self.core.inputs // max(1, window), self.core.weight_bytes // (channels * self.area))
        return -(-self.layer.in_shape[0] // most) if most else None

    def _split(self, places: int, window: int) -> Option | None:
        """(cores, edges of the channels) of a tile of so many places that hears so many."""
        n = self.layer.out_shape[0]
        largest: dict[int, int] = {}  # by shares the most channels
        for channels in range(1, min(n, self.core.outputs // places) + 1):
            shares = self.shares(channels, window)
            if shares is not None:
                largest[shares] = channels
        if not largest:
            return None
        best: list[tuple[int, int]] = [(0, 0)]
        for total in range(1, n + 1):
            best.append(min((best[max(0, total - m)][0] + c, m) for c, m in largest.items()))
        edges, at = [n], n
        while at > 0:
            at = max(0, at - best[at][1])
            edges.append(at)
        return best[n][0], tuple(edges[::-1])

    def tiles(self, bands: Sequence[int]) -> list[Tile]:
        """The tiles of a solution."""
        out = []
        for top, bottom in pairwise(bands):
            window = heard(self.layer, self.axes[0], (top, bottom))
            within = self.band(bottom - top, window)
            assert within is not None  # it was chosen
            for left, right in pairwise(within[1]):
                out += self._stack((top, bottom), (left, right), window)
        return out

    def _stack(self, across: Span, along: Span, window: int) -> list[Tile]:
        window *= heard(self.layer, self.axes[1], along)
        split = self.split((across[1] - across[0]) * (along[1] - along[0]), window)
        assert split is not None  # it was chosen
        rows, columns = (across, along) if self.axes[0] == 1 else (along, across)
        out = []
        for low, high in pairwise(split[1]):
            shares = self.shares(high - low, window)
            assert shares is not None  # fewer channels need no more
            share = -(-self.layer.in_shape[0] // shares)
            bytes_ = share * (high - low) * self.area
            tile = Tile(self.layer.name, (low, high), rows, columns, shares, window * share, bytes_)
            out.append(tile)
        return out


def _cheapest_edges(n: int, longest: int, cost: Callable[[int, int], int | None]) -> Option | None:
    """(least total cost, edges) of ``range(n)`` in pieces of at most ``longest``; None if there is no way."""
    best: list[tuple[int, int] | None] = [(0, 0)]
    for end in range(1, n + 1):
        found: tuple[int, int] | None = None
        for start in range(end - 1, max(-1, end - 1 - longest), -1):
            before, own = best[start], cost(start, end)
            if before is not None and own is not None and (found is None or before[0] + own < found[0]):
                found = before[0] + own, start
        best.append(found)
    last = best[n]
    if last is None:
        return None
    edges, at = [n], n
    while at > 0:
        step = best[at]
        assert step is not None  # on the way back from one that is there
        at = step[1]
        edges.append(at)
    return last[0], tuple(edges[::-1])
