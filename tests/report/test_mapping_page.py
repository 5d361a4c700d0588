"""The picture of a mapping: a legend, colours for every eye, and dead parts that no layer looks like."""

from __future__ import annotations

import re
from itertools import combinations

import numpy as np
import pytest

from neurosim.artefacts.mapping import Cluster, Demand, Partition, Placement, Slice
from neurosim.chip.loader import edit_chip, load_chip
from neurosim.report.mapping_page import FEW_COLOURS, layer_colours, mapping_page, picture

NONE = Demand(1, 1, 1, 1)
DEAD = {"cores": ((1, 1, 0),), "links": ({"x": 2, "y": 2, "side": "east"},)}
FIGURES = {
    "network": {"name": "net", "neurons": 3}, "cores": {"used": 3, "available": 15}, "activity": "assumed",
    "metrics": {}, "deadlock": {"lines": []},
    "solver": [{"stage": "placement for tree_hops", "method": "m", "status": "heuristic", "objective": 12.0,
                "unit": "packet links over trees", "bound": None, "detail": ""}],
}  # fmt: skip


def cut_into(*layers: str) -> tuple[Partition, Placement]:
    clusters = tuple(Cluster((Slice(name, (0, 1), (0, 1), (0, 1)),), NONE) for name in layers)
    core = np.arange(2, 2 + len(layers), dtype=np.int64)
    return Partition("n", "c", clusters, ()), Placement("p", "c", core, ())


def seen(colour: str, matrix: list[list[float]]) -> np.ndarray:
    """Linear RGB as an eye without one kind of cone sees it."""
    srgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    return np.clip(np.array(matrix) @ linear, 0, 1)


@pytest.mark.parametrize(
    "matrix",
    [  # Machado et al. 2009 (DOI 10.1109/TVCG.2009.113), severity 1.0: protan, deutan, tritan
        [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
        [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
        [[1.255528, -0.076749, -0.178779], [-0.078411, 0.930809, 0.147602], [0.004733, 0.691367, 0.303900]],
    ],
)
def test_colours_differ_for_every_eye(matrix: list[list[float]]) -> None:
    for one, two in combinations(FEW_COLOURS, 2):
        assert np.abs(seen(one, matrix) - seen(two, matrix)).max() > 0.05, (one, two)


def test_every_layer_and_what_is_dead_stands_in_the_legend() -> None:
    chip = edit_chip(load_chip("tiny"), {"defects": DEAD})
    page = mapping_page(*cut_into("a", "b", "a"), chip, FIGURES)
    legend = re.search(r"<ul class=legend>.*?</ul>", page)
    assert legend is not None
    assert re.sub(r"<[^>]*>", "|", legend[0]).replace("|", " ").split() == [
        "a", "b", "dead", "core", "(1)", "dead", "link", "(1)"
    ]  # fmt: skip
    assert legend[0].count(f"fill='{FEW_COLOURS[0]}'") == legend[0].count(f"fill='{FEW_COLOURS[1]}'") == 1
    assert len(re.findall("<rect [^>]*class=dead", page)) == 2  # in the picture and in the legend
    assert "<td class=n>12 packet links over trees</td>" in page
    style = page[: page.index("</style>")]
    assert ".dead{fill:url(#dead)" in style
    assert not re.search(r"#d5281e|\bred\b", page)


def test_dead_parts_are_hatched_and_layers_are_not() -> None:
    drawn = picture(*cut_into("a", "b"), edit_chip(load_chip("tiny"), {"defects": DEAD}))
    assert drawn.count("<pattern id=dead ") == 1
    assert drawn.count(" class=dead>") == drawn.count("<line class=cut ") == 1
    assert drawn.count("fill='#") == 2


def test_many_layers_have_a_colour_each_in_order() -> None:
    names = [f"layer{n:02}" for n in range(40)]
    partition, placement = cut_into(*names)
    colours = layer_colours(partition)
    assert list(colours) == names
    assert len(set(colours.values())) == 40
    chip = edit_chip(load_chip("tiny"), {"mesh.width": 8, "mesh.height": 8})
    page = mapping_page(partition, placement, chip, FIGURES)
    legend = re.findall(r"</svg>(layer\d+)", page)
    assert (legend[0], legend[-1]) == ("layer00", "layer39")
    assert len(legend) < len(names)
    assert "40 layers in all, coloured from first to last" in page
