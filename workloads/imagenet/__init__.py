"""Large spiking networks for ImageNet, as integer networks with random weights: structure for the mapper.

Reads the layer tables beside it (README.md says where they come from and what was assumed in wiring
them); writes a :class:`~neurosim.network.model.Network` and its expected spikes.  Nothing is trained.
"""

from __future__ import annotations

from workloads.imagenet.metaspikeformer import metaspikeformer_15m
from workloads.imagenet.resnet import group_layers, resnet
from workloads.imagenet.wiring import DENSITY, INPUT_DENSITY, STEPS, expected_spikes

__all__ = [
    "DENSITY", "INPUT_DENSITY", "STEPS", "expected_spikes", "group_layers", "metaspikeformer_15m", "resnet",
]  # fmt: skip
