"""Layered convolutional networks of about 10 thousand, 100 thousand and a million neurons, for partitioners.

Nothing is read: a net follows from its name.  Nodes are groups of ``grain`` channels at one place of a map
(inputs included), in layer order, places before channels.  One net per group: the group itself, then all
groups that hear it; its weight is the group's neurons.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

IntArray = NDArray[np.int64]
Layer = tuple[str, int, int, int, int]  # kind, channels, kernel, stride, padding

INPUTS = {"10k": (2, 32), "100k": (2, 32), "1M": (3, 96)}  # channels, side
GRAINS = {"10k": 8, "100k": 8, "1M": 16}


def _conv(channels: int, stride: int = 1) -> Layer:
    return "conv", channels, 3, stride, 1


def _full(neurons: int) -> Layer:
    return "full", neurons, 1, 1, 0


LAYERS: dict[str, tuple[Layer, ...]] = {
    "10k": (_conv(16, 2), _conv(16), _conv(32, 2), _full(128), _full(10)),
    "100k": (_conv(32), _conv(32), _conv(64, 2), _conv(64), _conv(128, 2), _conv(128), _full(512), _full(10)),
    "1M": (
        _conv(32), _conv(32), _conv(64, 2), _conv(64), _conv(128, 2), _conv(128), _conv(256, 2), _conv(256),
        _full(1024), _full(10),
    ),
}  # fmt: skip


@dataclass(frozen=True)
class GroupNet:
    """``neurons`` (nodes,); net ``e`` has the pins ``pins[pointer[e]:pointer[e + 1]]``, its source first."""

    name: str
    neurons: IntArray
    pointer: IntArray
    pins: IntArray
    weight: IntArray


@dataclass(frozen=True)
class _Map:
    """A layer's map: channels in ``groups`` groups, of which the last may be smaller; ``first`` node."""

    channels: int
    side: int
    grain: int
    first: int

    @property
    def groups(self) -> int:
        return -(-self.channels // self.grain)

    @property
    def nodes(self) -> int:
        return self.groups * self.side * self.side

    def sizes(self) -> IntArray:
        """(groups,) channels of each group."""
        sizes = np.full(self.groups, self.grain)
        sizes[-1] = self.channels - self.grain * (self.groups - 1)
        return sizes


def group_net(name: str) -> GroupNet:
    """The net called ``10k``, ``100k`` or ``1M``.

    Raises:
        KeyError: no such net.
    """
    channels, side = INPUTS[name]
    maps = [_Map(channels, side, GRAINS[name], 0)]
    for kind, width, kernel, stride, padding in LAYERS[name]:
        side = 1 if kind == "full" else (maps[-1].side + 2 * padding - kernel) // stride + 1
        maps.append(_Map(width, side, GRAINS[name], maps[-1].first + maps[-1].nodes))
    neurons = np.concatenate([np.tile(m.sizes(), m.side * m.side) for m in maps])
    lengths, pins = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    for here, there, layer in zip(maps[:-1], maps[1:], LAYERS[name], strict=True):
        for place in range(here.side * here.side):
            heard = _targets(*divmod(place, here.side), there, layer)
            if not len(heard):
                continue
            own = here.first + place * here.groups + np.arange(here.groups)
            block = np.empty((here.groups, 1 + len(heard)), np.int64)
            block[:, 0], block[:, 1:] = own, heard
            pins.append(block.reshape(-1))
            lengths.append(np.full(here.groups, 1 + len(heard)))
    pointer = np.concatenate([[0], np.cumsum(np.concatenate(lengths))]).astype(np.int64)
    all_pins = np.concatenate(pins)
    return GroupNet(name, neurons, pointer, all_pins, neurons[all_pins[pointer[:-1]]])


def _targets(y: int, x: int, there: _Map, layer: Layer) -> IntArray:
    """Nodes of the next layer that hear place (y, x)."""
    kind, _, kernel, stride, padding = layer
    if kind == "full":
        return there.first + np.arange(there.groups)
    rows, columns = (_span(at, kernel, stride, padding, there.side) for at in (y, x))
    places = (rows[:, None] * there.side + columns[None, :]).reshape(-1)
    return (there.first + places[:, None] * there.groups + np.arange(there.groups)).reshape(-1)


def _span(at: int, kernel: int, stride: int, padding: int, side: int) -> IntArray:
    """Outputs along one axis that see position ``at``."""
    low = max(0, -(-(at + padding - kernel + 1) // stride))
    return np.arange(low, min(side - 1, (at + padding) // stride) + 1)
