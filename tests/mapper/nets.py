"""Integer networks made by hand for the mapper's tests, and one call that runs every checker."""

from __future__ import annotations

import itertools

import numpy as np

from mapper import Mapping
from mapper.check import check_partition, check_placement, check_program, check_routes
from neurosim.chip.models import Chip
from neurosim.network.connections import Connection, Conv, Dense, Pool
from neurosim.network.model import IntNeuron, Network, Population, Projection


def neuron(reset: str = "value", threshold: int = 100, n: int | None = None) -> IntNeuron:
    """A LIF neuron; with ``n`` its threshold differs from neuron to neuron."""
    value = np.array(threshold) if n is None else threshold + np.arange(n)
    return IntNeuron(
        model="lif", reset=reset, keep=np.array(4000), current_keep=np.array(0), bias=np.array(1),
        threshold=value, reset_amount=np.array(0), v_floor=np.array(-(1 << 20)), input_shift=0, scale=1.0,
    )  # fmt: skip


def weights(seed: int, *shape: int, largest: int = 127) -> np.ndarray:
    """Random integer weights, none of them zero."""
    rng = np.random.default_rng(seed)
    return (rng.integers(1, largest + 1, shape) * rng.choice([-1, 1], shape)).astype(np.int16)


def network(
    layers: list[tuple[str, tuple[int, ...], IntNeuron | None]],
    joins: list[tuple[str, str, Connection, Pool | None, int]],
    outputs: tuple[str, ...],
    weight_bits: int = 8,
) -> Network:
    """A network from (name, shape, neuron) and (source, target, connection, pool, delay)."""
    return Network(
        name="net",
        populations=tuple(Population(*layer) for layer in layers),
        projections=tuple(
            Projection(f"{a}_{b}_{i}", a, b, connection, pool, delay)
            for i, (a, b, connection, pool, delay) in enumerate(joins)
        ),
        outputs=outputs,
        dt_s=1e-3,
        profile="test",
        is_integer=True,
        weight_bits=weight_bits,
    )


def dense_net(*sizes: int, reset: str = "value") -> Network:
    """Input and dense layers of the given sizes; the last one is the output, with ``reset``."""
    names = ["in", *(f"fc{i}" for i in range(1, len(sizes)))]
    layers = [(names[0], (sizes[0],), None)]
    layers += [(name, (n,), neuron(n=n)) for name, n in zip(names[1:-1], sizes[1:-1], strict=True)]
    layers.append((names[-1], (sizes[-1],), neuron(reset)))
    joins = [
        (a, b, Dense(weights(i, sizes[i + 1], sizes[i])), None, 0)
        for i, (a, b) in enumerate(itertools.pairwise(names))
    ]
    return network(layers, joins, (names[-1],))


def conv_net() -> Network:
    """1x8x8 -> conv 8x8x8 -> (pool 2) conv 16x4x4 -> dense 10 (spiking)."""
    conv1 = Conv(weights(1, 8, 1, 3, 3), (1, 8, 8), (8, 8, 8), (1, 1), (1, 1), (1, 1), 1)
    conv2 = Conv(weights(2, 16, 8, 3, 3), (8, 4, 4), (16, 4, 4), (1, 1), (1, 1), (1, 1), 1)
    pool = Pool((8, 8, 8), (8, 4, 4), (2, 2), (2, 2), (0, 0))
    return network(
        [
            ("in", (1, 8, 8), None), ("c1", (8, 8, 8), neuron()), ("c2", (16, 4, 4), neuron()),
            ("out", (10,), neuron()),
        ],
        [
            ("in", "c1", conv1, None, 0), ("c1", "c2", conv2, pool, 0),
            ("c2", "out", Dense(weights(3, 10, 256)), None, 0),
        ],
        ("out",),
    )  # fmt: skip


def problems(mapping: Mapping, chip: Chip) -> list[str]:
    """What all checkers together say."""
    net, partition, placement, routes = (
        mapping.network, mapping.partition, mapping.placement, mapping.routes,
    )  # fmt: skip
    return [
        *check_partition(partition, net, chip),
        *check_placement(placement, partition, net, chip),
        *check_routes(routes, placement, partition, net, chip),
        *check_program(mapping.program, net, chip, routes),
    ]
