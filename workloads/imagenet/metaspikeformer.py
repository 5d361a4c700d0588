"""Meta-SpikeFormer with 15 M parameters: its spiking layers, wired by what lies between them.

Linear operators that follow each other without a neuron in between are one convolution here (a depthwise
7 x 7 and a 1 x 1; the 1 x 1, 3 x 3, 1 x 1 of a RepConv), as the authors' re-parameterisation does.
"""

from __future__ import annotations

from typing import Any

from neurosim.network.connections import Diagonal, Pool
from neurosim.network.model import Network
from workloads.imagenet.wiring import Wiring, table

CONV_BLOCKS = (  # name, the encoder before it, channels, side, width of its two parts
    ("ConvBlock1_1.0", "downsample1_1", 32, 112),
    ("ConvBlock1_2.0", "downsample1_2", 64, 56),
    ("ConvBlock2_1.0", "downsample2", 128, 28),
    ("ConvBlock2_2.0", None, 128, 28),
)
SIDE = 14
DEPTHS = (("block3", 6, 256, "downsample3"), ("block4", 2, 360, "downsample4"))
CLASSES = 1000


def metaspikeformer_15m(seed: int = 0) -> Network:
    """Meta-SpikeFormer-15M for 3 x 224 x 224 inputs (see README.md for what is assumed)."""
    rows = table("metaspikeformer_15m")
    wiring = Wiring("metaspikeformer-15m", seed)
    wiring.assumed += [
        "the attention's products of spike matrices are no synapses: its neurons hear q, k and v one to one",
        "linear operators without a neuron between them are one convolution, as after re-parameterisation",
        "membrane shortcuts carry spikes",
    ]
    wiring.add_input("input", (3, 224, 224))
    here = "input"
    for name, encoder, channels, side in CONV_BLOCKS:
        here = _conv_block(wiring, rows, name, encoder, (channels, side, side), here)
    for name, depth, channels, encoder in DEPTHS:
        wiring.add(f"{encoder}.encode_lif", _summed_shape(wiring, here), 1)
        _pass_on(wiring, rows, here, f"{encoder}.encode_lif")
        row, first = rows[f"{encoder}.encode_conv"], f"{name}.0.attn.head_lif"
        wiring.add(first, (channels, SIDE, SIDE), row["weight"][1] * 9)
        wiring.conv(f"{encoder}.encode_lif", first, row)
        here = first
        for block in range(depth):
            last = f"{name}.{block + 1}.attn.head_lif" if block + 1 < depth else f"{name}.out_lif"
            here = _transformer_block(wiring, rows, f"{name}.{block}", here, last, channels)
    wiring.add("lif", (360,), SIDE * SIDE)
    mean = Pool((360, SIDE, SIDE), (360, 1, 1), (SIDE, SIDE), (SIDE, SIDE), (0, 0))
    wiring.join(here, "lif", Diagonal(wiring.weights(360)), mean)
    wiring.add("head", (CLASSES,), 360, reads_out=True)
    wiring.dense("lif", "head", CLASSES, 360)
    return wiring.network("head")


def _conv_block(
    wiring: Wiring, rows: dict[str, Any], name: str, encoder: str | None, shape: tuple[int, int, int],
    here: str,
) -> str:  # fmt: skip
    """Separable part and convolution part, each with its shortcut; returns the last population."""
    channels, height, width = shape
    first, wide = f"{name}.Conv.lif1", f"{name}.Conv.lif2"
    second, hidden = f"{name}.lif1", f"{name}.lif2"
    if encoder is not None and here != "input":
        wiring.add(f"{encoder}.encode_lif", _summed_shape(wiring, here), 1)
        _pass_on(wiring, rows, here, f"{encoder}.encode_lif")
        here = f"{encoder}.encode_lif"
    if encoder is not None:
        row = rows[f"{encoder}.encode_conv"]
        wiring.add(first, shape, row["weight"][1] * row["weight"][2] ** 2)
        wiring.conv(here, first, row)
    else:
        wiring.add(first, shape, 1)
        _pass_on(wiring, rows, here, first)
    wiring.add(wide, (2 * channels, height, width), channels)
    wiring.conv(first, wide, rows[f"{name}.Conv.pwconv1"])
    wiring.add(second, shape, 2 * channels * 49)
    wiring.conv(wide, second, rows[f"{name}.Conv.pwconv2"], kernel=7, channels=(2 * channels, channels))
    wiring.same(first, second)
    wiring.add(hidden, (4 * channels, height, width), channels * 9)
    wiring.conv(second, hidden, rows[f"{name}.conv1"])
    return hidden


def _summed_shape(wiring: Wiring, hidden: str) -> tuple[int, ...]:
    """Shape of the sum at the end of a block: that of its shortcut."""
    return wiring.shape(f"{hidden.removesuffix('.lif2')}.lif1" if hidden.endswith(".lif2") else hidden)


def _pass_on(wiring: Wiring, rows: dict[str, Any], hidden: str, target: str) -> None:
    """The end of the block before: its second convolution and shortcut, or a transformer's last neurons."""
    if hidden.endswith(".lif2"):
        block = hidden.removesuffix(".lif2")
        wiring.conv(hidden, target, rows[f"{block}.conv2"])
        wiring.same(f"{block}.lif1", target)
    else:
        wiring.same(hidden, target)


def _transformer_block(
    wiring: Wiring, rows: dict[str, Any], name: str, here: str, last: str, channels: int
) -> str:
    """Spike-driven self-attention and MLP; returns ``last``, which hears both and the shortcut."""
    shape = (channels, SIDE, SIDE)
    wiring.add(f"{name}.attn.attn_lif", shape, 3)
    for part in "qkv":
        lif = f"{name}.attn.{part}_lif"
        wiring.add(lif, shape, channels * 9)
        row = rows[f"{name}.attn.{part}_conv.0.body.2.1"]
        wiring.conv(here, lif, row, kernel=3, channels=(channels, channels))
        wiring.same(lif, f"{name}.attn.attn_lif")
    row = rows[f"{name}.attn.proj_conv.0.body.2.1"]
    wiring.add(f"{name}.mlp.fc1_lif", shape, channels * 9)
    wiring.conv(f"{name}.attn.attn_lif", f"{name}.mlp.fc1_lif", row, kernel=3, channels=(channels, channels))
    wiring.same(here, f"{name}.mlp.fc1_lif")
    wiring.add(f"{name}.mlp.fc2_lif", (4 * channels, SIDE, SIDE), channels)
    one = {"weight": [0, 0, 1], "stride": 1}
    wiring.conv(f"{name}.mlp.fc1_lif", f"{name}.mlp.fc2_lif", one, channels=(channels, 4 * channels))
    wiring.add(last, shape, 4 * channels)
    wiring.conv(f"{name}.mlp.fc2_lif", last, one, channels=(4 * channels, channels))
    wiring.same(f"{name}.mlp.fc1_lif", last)
    return last
