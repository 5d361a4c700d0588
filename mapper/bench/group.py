"""Group partition of spiking ResNets on a core like Tianjic's: cores against four schemes by hand.

Reads ``workloads.imagenet``'s layer tables; the published saving is Yang et al., IEEE TETCI 8(6):3966, 2024
(22.25, 17.77 and 14.80 %, the third network assumed to be ResNet-50; which scheme by hand they meant is not
known, see :mod:`mapper.partition.by_hand`).
"""

from __future__ import annotations

import resource
import sys
import time
from collections import Counter
from dataclasses import replace
from functools import cache, partial

from mapper.bench import Case, Row
from mapper.partition.by_hand import SCHEMES

SAVED = {18: 22.25, 34: 17.77, 50: 14.80}
"""Per cent fewer cores than by hand, published."""
STRICT = {
    "square": "the mildest of ours",
    "one_tile": "one tile for the whole network, the best of 2,304",
    "powers": "the best tile for each layer, more than a person tries",
}
"""Why a scheme may be stricter than theirs, for rows whose floor is missed."""


def suite() -> list[Case]:
    """Every network against every scheme."""
    pairs = [(depth, scheme) for depth in SAVED for scheme in SCHEMES]
    return [Case(f"resnet{depth} {scheme}", partial(_measure, depth, scheme)) for depth, scheme in pairs]


@cache
def _mixed_cores(depth: int) -> tuple[float, float, float]:
    """(cores, wall and CPU seconds) of our cut; the schemes share it."""
    from mapper.partition.group import GroupCore
    from mapper.partition.mixed_tiles import mixed
    from workloads.imagenet.resnet import group_layers

    wall, cpu = time.perf_counter(), time.process_time()
    shapes = Counter(replace(layer, name="") for layer in group_layers(depth))
    cores = sum(n * sum(tile.shares for tile in mixed(layer, GroupCore())) for layer, n in shapes.items())
    return float(cores), time.perf_counter() - wall, time.process_time() - cpu


def _measure(depth: int, scheme: str, seed: int, effort: float) -> Row:
    """Nothing here is random, and ``effort`` changes nothing: the search is exact."""
    from mapper.partition.by_hand import cores_by_hand
    from mapper.partition.group import GroupCore
    from workloads.imagenet.resnet import group_layers

    layers = group_layers(depth)
    hand = float(cores_by_hand(scheme, layers, GroupCore()))
    ours, wall, cpu = _mixed_cores(depth)
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / unit
    saved = 100 * (1 - ours / hand)
    method = f"mixed tiles: {saved:.2f} % fewer cores ({SAVED[depth]:.2f} % published)"
    if scheme != "even" and saved < SAVED[depth]:
        method += f"; missed: their scheme by hand is not known, '{scheme}' is {STRICT[scheme]}"
    return Row(
        f"resnet{depth} {scheme}", len(layers), hand, f"cores by hand, '{scheme}' (measured now)", hand, ours,
        ours, 1, 0.0, ours / hand, wall, cpu, 0.0, peak, seed, method,
        None if scheme == "even" else hand * (1 - SAVED[depth] / 100),
    )  # fmt: skip
