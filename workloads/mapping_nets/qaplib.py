"""QAPLIB instances whose locations form a grid: quadratic assignment is then placement exactly.

Reads ``qaplib.txt`` (flows, with their sources); the distances are Manhattan ones on ``columns`` x ``rows``.
Costs are those of QAPLIB: every flow counts in both directions.  The smaller nug instances are the larger
ones with some facilities and locations left out (checked: each gives its published optimum).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np

from workloads.mapping_nets.base import ClusterNet, IntArray

TABLE = Path(__file__).with_name("qaplib.txt")


@dataclass(frozen=True)
class GridInstance:
    """``net`` for the first ``net.n`` cells, row by row, of a grid; ``best`` is the least cost known.

    ``is_optimal`` says whether that is proven.
    """

    net: ClusterNet
    columns: int
    rows: int
    best: int
    is_optimal: bool


@dataclass(frozen=True)
class _Recipe:
    """Facilities of ``table``: the first ``n``, or all but every ``drop``-th."""

    table: str
    n: int
    columns: int
    rows: int
    best: int
    drop: int = 0
    is_optimal: bool = True


_RECIPES = {
    "nug12": _Recipe("nug12", 12, 4, 3, 578),
    "nug14": _Recipe("nug15", 14, 5, 3, 1014),
    "nug15": _Recipe("nug15", 15, 5, 3, 1150),
    "nug16a": _Recipe("nug20", 16, 5, 4, 1610),
    "nug16b": _Recipe("nug20", 16, 4, 4, 1240, drop=5),
    "nug17": _Recipe("nug20", 17, 5, 4, 1732),
    "nug18": _Recipe("nug20", 18, 5, 4, 1930),
    "nug20": _Recipe("nug20", 20, 5, 4, 2570),
    "nug21": _Recipe("nug30", 21, 7, 3, 2438),
    "nug22": _Recipe("nug30", 22, 11, 2, 3596),
    "nug24": _Recipe("nug30", 24, 6, 4, 3488),
    "nug25": _Recipe("nug30", 25, 5, 5, 3744, drop=6),
    "nug27": _Recipe("nug30", 27, 9, 3, 5234),
    "nug28": _Recipe("nug30", 28, 7, 4, 5166),
    "nug30": _Recipe("nug30", 30, 6, 5, 6124),
    "tho30": _Recipe("tho30", 30, 10, 3, 149936),
    "tho40": _Recipe("tho40", 40, 8, 5, 240516, is_optimal=False),
    "sko42": _Recipe("sko42", 42, 7, 6, 15812, is_optimal=False),
    "sko49": _Recipe("sko49", 49, 7, 7, 23386, is_optimal=False),
    "wil50": _Recipe("wil50", 50, 10, 5, 48816, is_optimal=False),
    "sko56": _Recipe("sko56", 56, 8, 7, 34458, is_optimal=False),
    "sko64": _Recipe("sko64", 64, 8, 8, 48498, is_optimal=False),
    "sko72": _Recipe("sko72", 72, 9, 8, 66256, is_optimal=False),
    "sko81": _Recipe("sko81", 81, 9, 9, 90998, is_optimal=False),
    "sko90": _Recipe("sko90", 90, 10, 9, 115534, is_optimal=False),
    "sko100a": _Recipe("sko100a", 100, 10, 10, 152002, is_optimal=False),
    "sko100b": _Recipe("sko100b", 100, 10, 10, 153890, is_optimal=False),
    "sko100c": _Recipe("sko100c", 100, 10, 10, 147862, is_optimal=False),
    "sko100d": _Recipe("sko100d", 100, 10, 10, 149576, is_optimal=False),
    "sko100e": _Recipe("sko100e", 100, 10, 10, 149150, is_optimal=False),
    "sko100f": _Recipe("sko100f", 100, 10, 10, 149036, is_optimal=False),
    "wil100": _Recipe("wil100", 100, 10, 10, 273038, is_optimal=False),
    "tho150": _Recipe("tho150", 150, 15, 10, 8133484, is_optimal=False),
}


def grid_names() -> tuple[str, ...]:
    """Names of all instances, smallest first."""
    return tuple(_RECIPES)


def grid_instance(name: str) -> GridInstance:
    """The instance of that name.

    Raises:
        KeyError: there is none.
    """
    recipe = _RECIPES[name]
    flows = _tables()[recipe.table]
    kept = np.arange(len(flows))
    kept = kept[kept % recipe.drop != recipe.drop - 1] if recipe.drop else kept[: recipe.n]
    flows = flows[np.ix_(kept, kept)]
    source, target = np.nonzero(flows)
    n = recipe.n
    net = ClusterNet(
        name, n, source.astype(np.int64), target.astype(np.int64), flows[source, target].astype(np.float64),
        np.zeros(n, np.int64), np.zeros(n, np.int64), np.arange(n),
    )  # fmt: skip
    return GridInstance(net, recipe.columns, recipe.rows, recipe.best, recipe.is_optimal)


@cache
def _tables() -> dict[str, IntArray]:
    """Symmetric flow matrices by name."""
    lines = [line for line in TABLE.read_text().splitlines() if not line.startswith("#")]
    found = {}
    while lines:
        name, size = lines.pop(0).split()
        flows = np.zeros((int(size), int(size)), np.int64)
        for row in range(int(size) - 1):
            text = lines.pop(0)
            values = text.split() if " " in text or row == int(size) - 2 else list(text)
            flows[row, row + 1 :] = [10 if value == "A" else int(value) for value in values]
        found[name] = flows + flows.T
    return found
