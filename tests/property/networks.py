"""Random integer networks, chips and inputs for property tests."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st

from neurosim.network.connections import Conv, Dense, Diagonal, Pool, Sparse
from neurosim.network.model import IntNeuron, Network, Population, Projection, Ramp
from neurosim.rules.neuron import DECAY_ONE, MODEL_NAMES, RESET_NAMES
from tests.helpers.chips import make_chip


@st.composite
def neurons(draw, n: int, spiking: bool = True, highest_threshold: int = 39) -> IntNeuron:
    """Parameters per neuron, any model and reset; every fourth population of spiking ones fires once."""
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    model = draw(st.sampled_from([m for m in MODEL_NAMES if m.endswith("li") != spiking]))
    others = [reset for reset in RESET_NAMES if reset not in ("none", "once")]
    reset = "once" if model == "ttfs" else draw(st.sampled_from(others)) if spiking else "none"
    threshold = rng.integers(1, highest_threshold + 1, n)
    decays = model not in ("if",)
    multi = reset in ("subtract", "subtract_multi", "subtract_delayed", "subtract_same_time")
    return IntNeuron(
        model=model,
        reset=reset,
        keep=rng.integers(1000, DECAY_ONE, n) if decays else np.full(n, DECAY_ONE),
        current_keep=rng.integers(0, DECAY_ONE, n),
        bias=rng.integers(-2, 6, n),
        threshold=threshold,
        reset_amount=threshold if multi else rng.integers(-3, 1, n),
        v_floor=np.full(n, draw(st.sampled_from((-(1 << 19), -20, 0)))),
        input_shift=draw(st.integers(0, 2)),
        scale=1.0,
        v_initial=rng.integers(-9, 30, n),
        ramp=draw(ramps(rng, threshold)) if model == "ttfs" else None,
    )


@st.composite
def ramps(draw, rng: np.random.Generator, threshold: np.ndarray) -> Ramp:
    """A threshold that falls, or stays; in one phase or two, which may overlap."""
    n = len(threshold)
    return Ramp(
        rng.integers(0, draw(st.sampled_from((1, 4, 20))), n), threshold - rng.integers(0, 30, n),
        draw(st.integers(0, 4)), draw(st.integers(0, 3)),
    )  # fmt: skip


def random_weights(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Sparse signed weights of 4 bits."""
    return (rng.integers(-7, 8, shape) * (rng.random(shape) < 0.7)).astype(np.int16)


def as_sparse(rng: np.random.Generator, weight: np.ndarray) -> Sparse:
    """The same synapses as lists, and some more with weight 0."""
    listed = (weight.T != 0) | (rng.random(weight.T.shape) < 0.1)
    axon, target = np.nonzero(listed)
    pointer = np.concatenate([[0], np.cumsum(listed.sum(axis=1))]).astype(np.int64)
    return Sparse(weight.T[axon, target], pointer, target.astype(np.uint8), weight.shape[0])


@st.composite
def networks(draw, lively: bool = False) -> Network:
    """Input, one to three hidden layers (dense, convolution with or without pooling), maybe a
    recurrent loop and a skip connection, and an output that fires or is read.

    ``lively``: low thresholds, so that most neurons fire, and often.
    """
    top = draw(st.sampled_from((3, 8, 39))) if lively else 39
    rng = np.random.default_rng(draw(st.integers(0, 10**6)))
    side = draw(st.integers(2, 5))
    shape: tuple[int, ...] = (draw(st.integers(1, 2)), side, side)
    populations = [Population("in", shape, None)]
    projections: list[Projection] = []
    for layer in range(draw(st.integers(1, 3))):
        source = populations[-1]
        name = f"layer{layer}"
        connection: Any
        pool = None
        if len(source.shape) == 3 and draw(st.booleans()):
            c, h, w = source.shape
            if min(h, w) >= 2 and draw(st.booleans()):
                pool = Pool((c, h, w), (c, h // 2, w // 2), (2, 2), (2, 2), (0, 0))
                h, w = h // 2, w // 2
            connection = _conv(draw, rng, (c, h, w))
            shape = connection.out_shape
        else:
            shape = (draw(st.integers(1, 14)),)
            weight = random_weights(rng, shape[0], source.n)
            connection = as_sparse(rng, weight) if draw(st.booleans()) else Dense(weight)
        n = int(np.prod(shape))
        populations.append(Population(name, shape, draw(neurons(n, True, top))))
        projections.append(Projection(f"p{layer}", source.name, name, connection, pool, 0))
    last = populations[-1]
    if draw(st.booleans()):
        loop = Diagonal(rng.integers(-5, 6, last.n).astype(np.int16))
        projections.append(Projection("loop", last.name, last.name, loop, None, 1))
    n_out = draw(st.integers(1, 5))
    spiking = draw(st.booleans())
    populations.append(Population("out", (n_out,), draw(neurons(n_out, spiking, top))))
    projections.append(
        Projection("p_out", last.name, "out", Dense(random_weights(rng, n_out, last.n)))
    )
    if draw(st.booleans()):
        skip = Dense(random_weights(rng, n_out, populations[0].n))
        projections.append(Projection("skip", "in", "out", skip, None, draw(st.integers(0, 1))))
    return Network(
        "random", tuple(populations), tuple(projections), ("out",), 1e-3, "test", True, 4
    )


def _conv(draw, rng, in_shape: tuple[int, int, int]) -> Conv:
    c, h, w = in_shape
    groups = c if draw(st.booleans()) else 1
    kernel = [draw(st.integers(1, min(3, n))) for n in (h, w)]
    stride = [draw(st.integers(1, 2)) for _ in range(2)]
    padding = [draw(st.integers(0, k - 1)) for k in kernel]
    out = [(n + 2 * p - k) // s + 1 for n, p, k, s in zip((h, w), padding, kernel, stride, strict=True)]
    c_out = groups * draw(st.integers(1, 3))
    weight = random_weights(rng, c_out, c // groups, *kernel)
    return Conv(
        weight, in_shape, (c_out, out[0], out[1]), (stride[0], stride[1]), (padding[0], padding[1]),
        (1, 1), groups,
    )  # fmt: skip


@st.composite
def chips(draw, sync: str | None = None):
    """A chip on which such networks usually fit: 1 to 4 chips, any timing, no deadlock."""
    n_vcs = draw(st.integers(1, 2))
    flits = draw(st.integers(1, 2))
    shape = {"width": draw(st.integers(2, 4)), "height": draw(st.integers(2, 3))}
    router: dict[str, Any] = {
        "virtual_channels": n_vcs,
        "buffer_flits": draw(st.integers(1, 4)),
        "credit_cycles": draw(st.integers(1, 3)),
        "cycles_per_flit": draw(st.integers(1, 2)),
        "hop_cycles": {
            "east_west": draw(st.integers(1, 5)), "north_south": draw(st.integers(1, 5)), "local": 2,
        },
        "arbiter": draw(st.sampled_from(("round_robin", "fixed_priority", "one_winner_per_router"))),
    }  # fmt: skip
    more: dict[str, Any] = {"chips": draw(st.sampled_from(((1, 1), (1, 1), (2, 1), (2, 2))))}
    more["link"] = {
        "latency_cycles": draw(st.integers(0, 5)), "cycles_per_flit": draw(st.integers(1, 4)),
        "credit_cycles": draw(st.integers(1, 4)), "synchroniser_cycles": 1,
    }  # fmt: skip
    if more["chips"] != (1, 1) and n_vcs == 2 and draw(st.booleans()):
        more["link"]["gateways"] = {"row": 1, "column": 1}
        router |= {"routing": "hierarchical_xy", "vc_policy": "crossings"}
    core = {
        "neurons": draw(st.integers(8, 40)), "axons": 200, "memory_ports": draw(st.integers(1, 2)),
        "rx_flits": draw(st.integers(2, 4)), "tx_flits": draw(st.integers(2, 4)),
        "decode_cycles": draw(st.integers(0, 2)), "words_per_cycle": draw(st.integers(1, 2)),
        "cycles_per_synapse": draw(st.integers(0, 1)), "spike_cycles": draw(st.integers(0, 2)),
        "update_cycles": {"active": draw(st.integers(1, 6)), "idle": draw(st.integers(1, 2))},
        "target_cycles": draw(st.integers(1, 2)), "membrane_bits": 20, "current_bits": 20,
    }  # fmt: skip
    mode = sync or draw(st.sampled_from(("barrier", "tick")))
    timing = {"mode": mode, "base_cycles": draw(st.integers(0, 9))}
    if mode == "tick":
        timing["tick_period_cycles"] = 20_000
    return make_chip(
        router=router, core=core, flits=flits, cores_per_tile=draw(st.integers(1, 2)), sync=timing,
        **shape, **more,
    )  # fmt: skip
