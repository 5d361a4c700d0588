"""Relays: a spike that must wait longer than a chip can hold it is passed on, one step at a time.

Reads an integer network and the chip's longest delay; writes a network that computes the same spikes.  A
projection that takes more hardware steps than ``core.max_delay_steps`` (a skipped layer, a Delay node) gets
one population of relays for each step too many: neurons that emit in each step exactly the spikes they
received (RESET_SUBTRACT_MULTI, threshold 1).  Relays of one source are shared by all its projections, and
stand behind its pooling, where there are fewer neurons.  No start step changes: relays use steps in which
the spikes would have waited anyway.
"""

from __future__ import annotations

import dataclasses
import itertools

import numpy as np

from mapper.split import STATELESS_MODELS, Spikes, stateless_neuron
from neurosim.chip.models import Chip
from neurosim.network.connections import Diagonal, Pool
from neurosim.network.model import Network, Population, Projection
from neurosim.network.schedule import schedule


def add_relays(network: Network, chip: Chip, spikes: Spikes) -> tuple[Network, Spikes]:
    """The network with no delay beyond the chip's, and spikes with the relays' added.

    Where the chip has no neuron that could relay, the network is left as it is.
    """
    limit = chip.core.max_delay_steps
    models = [m for m in STATELESS_MODELS if m in chip.core.neuron_models]
    delays = schedule(network).hardware_delay
    late = [p for p in network.projections if delays[p.name] > limit and not p.graded]
    if not late or not models:
        return network, spikes
    chains: dict[str, list[tuple[Pool | None, list[Population]]]] = {}
    for projection in late:
        chain = _chain(chains, projection)
        for number in range(len(chain), delays[projection.name] - limit):
            chain.append(_relay(network, projection, len(chains[projection.source]), number, models[0]))
    changed = [_from_relay(p, chains, delays[p.name] - limit) for p in network.projections]
    populations: list[Population] = []
    estimates = dict(spikes)
    for population in network.populations:
        populations.append(population)
        for pool, chain in chains.get(population.name, ()):
            values = spikes[population.name][None, :]
            populations += chain
            changed += _links(population.name, pool, chain)
            for relay in chain:
                estimates[relay.name] = (values if pool is None else pool.apply(values))[0]
    n = sum(relay.n for own in chains.values() for _, chain in own for relay in chain)
    warning = (
        f"{len(late)} projection{'s' if len(late) > 1 else ''} took more than {limit} "
        f"step{'s' if limit > 1 else ''} (core.max_delay_steps of '{chip.name}'): {n} relay neurons "
        "pass their spikes on"
    )
    mapped = dataclasses.replace(
        network, populations=tuple(populations), projections=tuple(changed),
        warnings=(*network.warnings, warning),
    )  # fmt: skip
    return mapped, estimates


def _chain(
    chains: dict[str, list[tuple[Pool | None, list[Population]]]], projection: Projection
) -> list[Population]:
    """The relays of a projection's source behind its pooling; empty at first."""
    own = chains.setdefault(projection.source, [])
    for pool, chain in own:
        if pool == projection.pool:
            return chain
    own.append((projection.pool, []))
    return own[-1][1]


def _relay(
    network: Network, projection: Projection, variant: int, number: int, model: str
) -> Population:
    shape = projection.pool.out_shape if projection.pool else network.population(projection.source).shape
    own = "" if variant == 1 else f".{variant}"
    return Population(f"{projection.source}.relay{own}.{number + 1}", shape, stateless_neuron(model))


def _links(source: str, pool: Pool | None, chain: list[Population]) -> list[Projection]:
    names = [source, *(relay.name for relay in chain)]
    unit = Diagonal(np.ones(chain[0].n, np.int16))
    return [
        Projection(f"{b}.in", a, b, unit, pool if a == source else None)
        for a, b in itertools.pairwise(names)
    ]


def _from_relay(
    projection: Projection, chains: dict[str, list[tuple[Pool | None, list[Population]]]], late: int
) -> Projection:
    if late <= 0 or projection.graded or projection.source not in chains:
        return projection
    chain = next(chain for pool, chain in chains[projection.source] if pool == projection.pool)
    return dataclasses.replace(projection, source=chain[late - 1].name, pool=None)
