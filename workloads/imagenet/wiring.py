"""Wiring by hand: populations and convolutions of 8-bit random weights, thresholds for a chosen density.

Reads shapes; writes populations and projections.  Seeds: one stream per network, drawn in order.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from neurosim.network.connections import Connection, Conv, Dense, Diagonal, Pool
from neurosim.network.model import IntNeuron, Network, Population, Projection, as_chw
from neurosim.rules.neuron import DECAY_ONE

STEPS = 4
"""Time steps of a sample, as in the papers of both networks."""
DENSITY = 0.157
"""Spikes per neuron and step: geometric mean of the published whole-model densities of spiking networks that
Prosperity (HPCA 2025) lists; per-layer densities of these two networks were not found."""
INPUT_DENSITY = 0.5
"""Spikes per input pixel and step (assumed: images are given as rates)."""
LARGEST = 127
SPREAD = 40.0  # standard deviation of the random weights, in units of the 8-bit weight

Shape = tuple[int, ...]


def table(name: str) -> dict[str, Any]:
    """A layer table by its file's name: rows by layer name, in order, under ``layers``."""
    text = (Path(__file__).parent / f"{name}.json").read_text(encoding="utf-8")
    raw: dict[str, Any] = json.loads(text)
    return {row["name"]: row for row in raw["layers"]}


class Wiring:
    """Collects a network."""

    def __init__(self, name: str, seed: int) -> None:
        self.name = name
        self.rng = np.random.Generator(np.random.PCG64(seed))
        self.populations: list[Population] = []
        self.projections: list[Projection] = []
        self.assumed: list[str] = []
        """What was simplified, in sentences; they travel with the network as its warnings."""

    def add_input(self, name: str, shape: Shape) -> None:
        """The input population."""
        self.populations.append(Population(name, shape, None))

    def add(self, name: str, shape: Shape, fan_in: int, reads_out: bool = False) -> None:
        """A population of leaky neurons that fire at about :data:`DENSITY` from ``fan_in`` random inputs."""
        threshold = max(1, round(SPREAD * float(np.sqrt(max(1, fan_in) * DENSITY))))
        neuron = IntNeuron(
            model="li" if reads_out else "lif", reset="none" if reads_out else "value",
            keep=np.array(DECAY_ONE // 2), current_keep=np.array(0), bias=np.array(0),
            threshold=np.array(threshold), reset_amount=np.array(0), v_floor=np.array(-(1 << 15)),
            input_shift=0, scale=1.0,
        )  # fmt: skip
        self.populations.append(Population(name, shape, neuron))

    def weights(self, *shape: int) -> NDArray[np.int16]:
        """Random 8-bit weights, none of them zero."""
        values = np.clip(np.rint(self.rng.standard_normal(shape) * SPREAD), -LARGEST, LARGEST)
        values[values == 0] = 1
        return values.astype(np.int16)

    def conv(
        self, source: str, target: str, row: dict[str, Any], pool: Pool | None = None,
        kernel: int | None = None, channels: tuple[int, int] | None = None,
    ) -> None:  # fmt: skip
        """A convolution by its row of the table; ``kernel`` and ``channels`` (in, out) replace the row's."""
        n_out, n_in = row["weight"][:2] if channels is None else (channels[1], channels[0])
        size = int(row["weight"][2]) if kernel is None else kernel
        there = as_chw(self.shape(source)) if pool is None else pool.out_shape
        here = as_chw(self.shape(target))
        stride = int(row["stride"] or 1)
        made = Conv(
            self.weights(n_out, n_in, size, size), there, here, (stride, stride), (size // 2, size // 2),
            (1, 1), 1,
        )  # fmt: skip
        self.join(source, target, made, pool)

    def dense(self, source: str, target: str, n_out: int, n_in: int, pool: Pool | None = None) -> None:
        """All to all; behind a pooling the weights are smaller, so that 16-bit accumulators hold the sums."""
        weight = self.weights(n_out, n_in)
        if pool is not None:
            weight = np.trunc(weight / pool.kernel[0]).astype(np.int16)
            weight[weight == 0] = 1
        self.join(source, target, Dense(weight), pool)

    def same(self, source: str, target: str, weight: int = LARGEST) -> None:
        """One to one."""
        self.join(source, target, Diagonal(np.full(int(np.prod(self.shape(source))), weight, np.int16)), None)

    def join(self, source: str, target: str, connection: Connection, pool: Pool | None) -> None:
        """A projection."""
        name = f"{source}>{target}"
        self.projections.append(Projection(name, source, target, connection, pool))

    def shape(self, name: str) -> Shape:
        """Shape of a population."""
        return next(p.shape for p in self.populations if p.name == name)

    def network(self, output: str) -> Network:
        """What was collected."""
        return Network(
            name=self.name, populations=tuple(self.populations), projections=tuple(self.projections),
            outputs=(output,), dt_s=1e-3, profile="random", is_integer=True, weight_bits=8,
            warnings=tuple(self.assumed),
        )  # fmt: skip


def expected_spikes(network: Network, steps: int = STEPS) -> dict[str, NDArray[np.float64]]:
    """Expected spikes per neuron and sample at the published density, for the mapper."""
    return {
        p.name: np.full(p.n, steps * (INPUT_DENSITY if p.is_input else DENSITY)) for p in network.populations
    }
