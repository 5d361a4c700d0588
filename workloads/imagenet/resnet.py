"""Spiking ResNet-50: convolutions of the table, residuals added before the neuron.

Also the layers of ResNet-18, 34 and 50 as plain numbers, for the group partition.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from neurosim.network.connections import Pool
from neurosim.network.model import Network
from workloads.imagenet.wiring import Wiring, table

STAGES = {18: (2, 2, 2, 2), 34: (3, 4, 6, 3), 50: (3, 4, 6, 3)}
WIDTHS = (64, 128, 256, 512)
SIDES = (56, 28, 14, 7)
CLASSES = 1000


def resnet(seed: int = 0) -> Network:
    """Spiking ResNet-50 for 3 x 224 x 224 inputs (see README.md for what is assumed)."""
    rows = table("resnet50")
    wiring = Wiring("spiking-resnet50", seed)
    wiring.assumed += [
        "residuals are added before the neuron, not as spikes after it",
        "the 3 x 3 maximum pooling after the first layer is a 2 x 2 sum",
    ]
    wiring.add_input("input", (3, 224, 224))
    wiring.add("sn1", (64, 112, 112), 3 * 49)
    wiring.conv("input", "sn1", rows["conv1"])
    here, pool = "sn1", Pool((64, 112, 112), (64, 56, 56), (2, 2), (2, 2), (0, 0))
    for stage, blocks in enumerate(STAGES[50], start=1):
        for block in range(blocks):
            here = _bottleneck(wiring, rows, f"layer{stage}.{block}", here, pool if here == "sn1" else None)
    wiring.add("fc", (CLASSES,), 2048, reads_out=True)
    wiring.dense(here, "fc", CLASSES, 2048, Pool((2048, 7, 7), (2048, 1, 1), (7, 7), (7, 7), (0, 0)))
    return wiring.network("fc")


def _bottleneck(
    wiring: Wiring, rows: dict[str, Any], name: str, source: str, pool: Pool | None
) -> str:
    """One block: three convolutions with neurons, and the residual into the last; returns its name."""
    here = source
    for number in (1, 2, 3):
        row = rows[f"{name}.conv{number}"]
        wiring.add(f"{name}.sn{number}", tuple(row["out_shape"]), row["weight"][1] * row["weight"][2] ** 2)
        wiring.conv(here, f"{name}.sn{number}", row, pool if here == source else None)
        here = f"{name}.sn{number}"
    shortcut = rows.get(f"{name}.downsample.0")
    if shortcut is not None:
        wiring.conv(source, here, shortcut, pool)
    else:
        wiring.same(source, here)
    return here


@dataclass(frozen=True)
class LayerSize:
    """A convolution (or the classifier) as a partitioner that knows no synapses sees it."""

    name: str
    in_shape: tuple[int, int, int]
    out_shape: tuple[int, int, int]
    kernel: int
    stride: int


def group_layers(depth: int) -> list[LayerSize]:
    """All layers of ResNet-18, 34 or 50 (He et al., CVPR 2016, table 1), downsamplings included."""
    layers = [LayerSize("conv1", (3, 224, 224), (64, 112, 112), 7, 2)]
    channels, side = 64, 56
    for stage, blocks in enumerate(STAGES[depth]):
        width, out_side = WIDTHS[stage], SIDES[stage]
        out = width * (4 if depth == 50 else 1)
        for block in range(blocks):
            name, stride = f"layer{stage + 1}.{block}", side // out_side
            here, there = (channels, side, side), (out, out_side, out_side)
            if depth == 50:
                wide, small = (width, side, side), (width, out_side, out_side)
                layers += [
                    LayerSize(f"{name}.conv1", here, wide, 1, 1),
                    LayerSize(f"{name}.conv2", wide, small, 3, stride),
                    LayerSize(f"{name}.conv3", small, there, 1, 1),
                ]  # fmt: skip
            else:
                layers += [
                    LayerSize(f"{name}.conv1", here, there, 3, stride),
                    LayerSize(f"{name}.conv2", there, there, 3, 1),
                ]
            if here != there:
                layers.append(LayerSize(f"{name}.downsample", here, there, 1, stride))
            channels, side = out, out_side
    layers.append(LayerSize("fc", (channels, 1, 1), (CLASSES, 1, 1), 1, 1))
    return layers
