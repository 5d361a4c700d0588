"""Fan-in splitting: a neuron with more axons than a core has gets its sum from partial-sum neurons.

Reads an integer network and the chip's largest axon limit; writes an integer network that computes the
same spikes.  A projection with too many axons is cut into shares of its sources.  For each share two
populations hold one neuron per target neuron, and with ``p`` the share's weighted sum of the step::

    plus  emits max( p, 0) spikes     (RESET_SUBTRACT_MULTI, threshold 1, subtracts 1, v_floor 0)
    minus emits max(-p, 0) spikes     (the same with all weights negated)
    target sums (+1) * plus + (-1) * minus over the shares  =  p summed over the shares

Nothing stays behind in their membranes, so the sum is exact as long as no partial sum overflows, which
is checked for one spike per source and step.  It costs one hardware step, two neurons per share and
target neuron, and |p| spikes per step: a price worth naming, so every split adds a warning.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from mapper import capacity
from mapper.anatomy import Anatomy
from neurosim.chip.models import Chip
from neurosim.errors import InputError
from neurosim.network.connections import Connection, Conv, Dense, Diagonal, Sparse
from neurosim.network.model import IntNeuron, Network, Population, Projection
from neurosim.network.schedule import schedule
from neurosim.rules.neuron import DECAY_ONE

Spikes = dict[str, NDArray[np.float64]]
STATELESS_MODELS = ("if", "lif")  # either will do: their membrane is empty after every step


def split_fan_in(network: Network, chip: Chip, spikes: Spikes) -> tuple[Network, Spikes]:
    """The network with every splittable fan-in below the axon limit, and spikes with estimates added.

    What cannot be split (a loop without room for one more step, weights that cannot be negated, no
    multi-spike neuron) is left as it is: the partitioner then says that it does not fit.
    """
    limit = max((kind.limit.axons for kind in capacity.core_kinds(chip)), default=0)
    models = [m for m in STATELESS_MODELS if m in chip.core.neuron_models]
    if not models or limit < 2:
        return network, spikes
    for layer in network.populations:
        if not layer.is_input and _widest(network, layer) > limit:
            network, spikes = _split_layer(network, chip, spikes, layer, limit, models[0])
    return network, spikes


def _widest(network: Network, layer: Population) -> int:
    """The largest number of axons that one neuron of ``layer`` has."""
    total = np.zeros(layer.n, np.int64)
    for projection in network.into(layer.name):
        total += _axons_per_neuron(projection, layer.n)
    return int(total.max(initial=0))


def _axons_per_neuron(projection: Projection, n: int) -> NDArray[np.int64]:
    """(n,) distinct sources of each target neuron (pooled ones; an upper bound at borders)."""
    connection = projection.connection
    if isinstance(connection, Dense):
        return np.asarray(np.count_nonzero(connection.weight, axis=1), np.int64)
    if isinstance(connection, Sparse):
        return np.bincount(connection.target[connection.weight != 0], minlength=n).astype(np.int64)
    if isinstance(connection, Conv):
        per_output = np.any(connection.weight != 0, axis=(2, 3)).sum(axis=1)
        taps = connection.weight.shape[2] * connection.weight.shape[3]
        rows, columns = connection.out_shape[1:]
        return np.repeat(np.asarray(per_output * taps, np.int64), rows * columns)
    return np.ones(n, np.int64)


def _split_layer(
    network: Network, chip: Chip, spikes: Spikes, layer: Population, limit: int, model: str
) -> tuple[Network, Spikes]:
    """Split projections into ``layer``, the widest first, until one neuron fits; all or nothing."""
    whole = network, spikes
    order = sorted(
        network.into(layer.name),
        key=lambda p: (-int(_axons_per_neuron(p, layer.n).max(initial=0)), p.name),
    )
    for projection in order:
        if _widest(network, layer) <= limit:
            break
        made = _split_projection(network, chip, spikes, projection, limit, model)
        if made is not None:
            network, spikes = made
    return (network, spikes) if _widest(network, layer) <= limit else whole


def _split_projection(
    network: Network, chip: Chip, spikes: Spikes, projection: Projection, limit: int, model: str
) -> tuple[Network, Spikes] | None:
    shares = _shares(projection, limit)
    before = int(_axons_per_neuron(projection, network.population(projection.target).n).max(initial=0))
    if len(shares) < 2 or 2 * len(shares) >= before or not _is_exact(projection, chip, network.weight_bits):
        return None
    target = network.population(projection.target)
    populations, projections, estimates = [], [], dict(spikes)
    for number, share in enumerate(shares):
        for sign, name in ((1, "plus"), (-1, "minus")):
            connection = _share_of(projection.connection, share, sign)
            part = Population(f"{projection.name}.{number}.{name}", target.shape, stateless_neuron(model))
            populations.append(part)
            projections.append(
                dataclasses.replace(
                    projection, name=f"{part.name}.in", target=part.name, connection=connection
                )
            )
            unit = Diagonal(np.full(target.n, sign, np.int16))
            projections.append(Projection(f"{part.name}.out", part.name, target.name, unit))
            estimates[part.name] = _estimate(spikes, network, projection, connection)
    changed = _replace(network, projection, populations, projections, len(shares))
    try:
        schedule(changed)
    except InputError:
        return None
    return changed, estimates


def _shares(projection: Projection, limit: int) -> list[NDArray[np.int64]]:
    """Sources (dense) or input channels (convolution) of each share: as few shares as will do, at least 2."""
    connection = projection.connection
    if isinstance(connection, Dense):
        used = np.flatnonzero((connection.weight != 0).any(axis=0))
        return [s for s in np.array_split(used, max(2, -(-len(used) // limit))) if s.size]
    if isinstance(connection, Conv) and connection.groups == 1:
        taps = connection.weight.shape[2] * connection.weight.shape[3]
        used = np.flatnonzero((connection.weight != 0).any(axis=(0, 2, 3)))
        if taps <= limit and used.size:
            parts = max(2, -(-len(used) // (limit // taps)))
            return [s for s in np.array_split(used, parts) if s.size]
    return []


def _is_exact(projection: Projection, chip: Chip, weight_bits: int | None) -> bool:
    """Whether weights can be negated, and no partial sum overflows at one spike per source."""
    assert weight_bits is not None
    weight = np.abs(projection.connection.weight.astype(np.int64))
    if weight.max(initial=0) > (1 << (weight_bits - 1)) - 1:
        return False
    largest = int(weight.reshape(weight.shape[0], -1).sum(axis=1).max(initial=0))
    core = chip.core
    bits = min(core.accumulator_bits, core.membrane_bits, core.current_bits)
    return largest <= (1 << (bits - 1)) - 1


def _share_of(connection: Connection, share: NDArray[np.int64], sign: int) -> Connection:
    """The connection with all weights outside the share zero, times ``sign``."""
    assert isinstance(connection, Dense | Conv)
    weight = np.zeros_like(connection.weight)
    weight[:, share] = sign * connection.weight[:, share]
    return dataclasses.replace(connection, weight=weight)


def stateless_neuron(model: str) -> IntNeuron:
    """A neuron that emits in each step as many spikes as its input is worth, and keeps nothing."""
    return IntNeuron(
        model=model, reset="subtract_multi", keep=np.array(DECAY_ONE), current_keep=np.array(0),
        bias=np.array(0), threshold=np.array(1), reset_amount=np.array(1), v_floor=np.array(0),
        input_shift=0, scale=1.0,
    )  # fmt: skip


def _estimate(
    spikes: Spikes, network: Network, projection: Projection, connection: Connection
) -> NDArray[np.float64]:
    """Spikes of a partial-sum population if its positive inputs never met its negative ones."""
    axon_spikes = Anatomy(network, spikes).axon_spikes(projection)[None, :]
    positive = dataclasses.replace(connection, weight=np.maximum(connection.weight, 0))
    return np.asarray(positive.apply(axon_spikes)[0], np.float64)


def _replace(
    network: Network, projection: Projection, populations: list[Population],
    projections: list[Projection], n_shares: int,
) -> Network:
    at = [p.name for p in network.populations].index(projection.target)
    joins = [p for p in network.projections if p.name != projection.name]
    warning = (
        f"the fan-in of '{projection.target}' through '{projection.name}' was split into {n_shares} "
        f"partial sums: {sum(p.n for p in populations)} more neurons, one more step"
    )
    return dataclasses.replace(
        network,
        populations=(*network.populations[:at], *populations, *network.populations[at:]),
        projections=(*joins, *projections),
        warnings=(*network.warnings, warning),
    )
